//! The quarterly report: its sections, tables and statements.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const QUARTER: &[(&str, &str)] = &[
    ("Restores that were proven", "已证实的恢复"),
    (
        "No restore was drilled: nothing in this folder shows that a backup restores.",
        "没有演练过恢复：此文件夹中没有任何内容表明备份能够恢复。",
    ),
    (
        "Proven: the run met every target, every write that was acknowledged before the point was there, and nothing of after it.",
        "已证实：该次运行满足所有目标，恢复点之前已确认的写入全部存在，且没有此后的任何写入。",
    ),
    ("days before the quarter's end", "距季度结束的天数"),
    ("restored to", "恢复到"),
    ("writes looked up", "核对的写入"),
    ("writes missing", "缺少的写入"),
    ("writes of after it", "此后的写入"),
    ("proven", "已证实"),
    ("not looked up", "未核对"),
    ("Disaster-recovery drills, {}", "灾难恢复演练，{0}"),
    // Its first sentence.
    (
        "{} runs of {} scenarios: {} met every target, {} did not, {} inconclusive, {} pruned and not counted",
        "{1} 个场景的 {0} 次运行：{2} 次达成所有目标，{3} 次没有，{4} 次无法判定，{5} 次已清理、不计入",
    ),
    (
        "{} runs of {} scenarios: {} met every target, {} did not, {} inconclusive",
        "{1} 个场景的 {0} 次运行：{2} 次达成所有目标，{3} 次没有，{4} 次无法判定",
    ),
    (
        "{} runs of 1 scenario: {} met every target, {} did not, {} inconclusive, {} pruned and not counted",
        "1 个场景的 {0} 次运行：{1} 次达成所有目标，{2} 次没有，{3} 次无法判定，{4} 次已清理、不计入",
    ),
    (
        "{} runs of 1 scenario: {} met every target, {} did not, {} inconclusive",
        "1 个场景的 {0} 次运行：{1} 次达成所有目标，{2} 次没有，{3} 次无法判定",
    ),
    (
        "1 run of 1 scenario: {} met every target, {} did not, {} inconclusive, {} pruned and not counted",
        "1 个场景的 1 次运行：{0} 次达成所有目标，{1} 次没有，{2} 次无法判定，{3} 次已清理、不计入",
    ),
    (
        "1 run of 1 scenario: {} met every target, {} did not, {} inconclusive",
        "1 个场景的 1 次运行：{0} 次达成所有目标，{1} 次没有，{2} 次无法判定",
    ),
    (
        "{} failure modes never drilled, {} not drilled this quarter, {} open findings",
        "{0} 种失效模式从未演练，{1} 种本季度没有演练，{2} 个未关闭的发现",
    ),
    (
        "{} failure modes never drilled, {} not drilled this quarter, 1 open finding",
        "{0} 种失效模式从未演练，{1} 种本季度没有演练，1 个未关闭的发现",
    ),
    (
        "1 failure mode never drilled, {} not drilled this quarter, {} open findings",
        "1 种失效模式从未演练，{0} 种本季度没有演练，{1} 个未关闭的发现",
    ),
    (
        "1 failure mode never drilled, {} not drilled this quarter, 1 open finding",
        "1 种失效模式从未演练，{0} 种本季度没有演练，1 个未关闭的发现",
    ),
    // Scope.
    ("Scope and standing", "范围与证据状况"),
    (
        "The runs of {} that this reports folder holds, from {} up to {}, with those of {} beside them.",
        "此报告文件夹中 {0} 的运行（{1} 至 {2}），并列出 {3} 的运行。",
    ),
    (
        "The register's head when this was written: {}.",
        "写成本报告时登记簿的头部：{0}。",
    ),
    (
        "Drills on containers show the mechanism and the procedure. They do not show how long the production system takes.",
        "容器上的演练说明机制与流程，不能说明生产系统需要多长时间。",
    ),
    (
        "REQUIRES INPUT: which production systems these scenarios stand for, and how they differ in size, topology, data and network.",
        "需要填写：这些场景代表哪些生产系统，以及它们在规模、拓扑、数据和网络上有何不同。",
    ),
    ("REQUIRES INPUT", "需要填写"),
    (
        "The evidence was not verified for this report: no public key was named.",
        "本报告没有验证证据：没有指定公钥。",
    ),
    (
        "The evidence was not verified for this report: no public key was named. {}",
        "本报告没有验证证据：没有指定公钥。{0}",
    ),
    (
        "There is no register: nothing shows that these are all runs.",
        "没有登记簿：无法证明这些就是全部运行。",
    ),
    (
        "There is no register: nothing shows that these are all runs. {}",
        "没有登记簿：无法证明这些就是全部运行。{0}",
    ),
    (
        "{} sealed runs and the register verify against key {}. {}",
        "{0} 次已封存的运行和登记簿通过密钥 {1} 的验证。{2}",
    ),
    (
        "{} sealed runs and the register verify against key {}.",
        "{0} 次已封存的运行和登记簿通过密钥 {1} 的验证。",
    ),
    (
        "THE EVIDENCE DOES NOT VERIFY: {} problems, the first is {}. Opened, and ended without a verdict or not at all: {}. What they would have shown is not known.",
        "证据未通过验证：{0} 个问题，第一个是 {1}。已开始而没有结论或没有结束：{2}。它们本会说明什么，不得而知。",
    ),
    (
        "THE EVIDENCE DOES NOT VERIFY: {} problems, the first is {}.",
        "证据未通过验证：{0} 个问题，第一个是 {1}。",
    ),
    (
        "Opened, and ended without a verdict or not at all: {}. What they would have shown is not known.",
        "已开始而没有结论或没有结束：{0}。它们本会说明什么，不得而知。",
    ),
    // Coverage.
    (
        "Coverage: failure modes that were drilled",
        "覆盖：已演练的失效模式",
    ),
    ("No failure mode was drilled.", "没有演练任何失效模式。"),
    (
        "When each failure mode was last drilled by the end of the quarter, and how that run came out. Not offered: no stack of that system can go through it here.",
        "各失效模式截至季度末最近一次演练的时间及其结果。不提供：该系统在此处没有可经历它的部署。",
    ),
    ("failure mode", "失效模式"),
    ("not offered", "不提供"),
    ("never drilled", "从未演练"),
    ("expired: {}", "已过期：{0}"),
    ("{}: pass", "{0}：通过"),
    ("{}: fail", "{0}：未通过"),
    ("Coverage: counts and gaps", "覆盖：数量与空缺"),
    ("No system was drilled.", "没有演练任何系统。"),
    (
        "Offered: failure modes that some stack of the system can go through here. Each is counted once in the columns after it.",
        "提供：该系统在此处有部署可经历的失效模式。每种在其后各列中只计一次。",
    ),
    ("offered", "提供"),
    ("drilled in the quarter", "本季度已演练"),
    ("expired", "已过期"),
    ("never drilled: which", "从未演练：哪些"),
    // Targets and trends.
    (
        "No scenario was run in this quarter.",
        "本季度没有运行任何场景。",
    ),
    ("scenario", "场景"),
    ("runs", "运行次数"),
    ("passed", "通过"),
    ("failed", "未通过"),
    ("worst rto", "最差 RTO"),
    ("lost writes", "丢失的写入"),
    ("no target", "没有目标"),
    ("no run", "没有运行"),
    ("Trends", "趋势"),
    ("median rto in the quarter before", "上季度 RTO 中位数"),
    ("median rto in this quarter", "本季度 RTO 中位数"),
    (
        "Medians of completed runs in {} and {}. `drdrill gate` tells a regression from noise; `drdrill history` shows where a series changed.",
        "{0} 与 {1} 中已完成运行的中位数。`drdrill gate` 区分退化与噪声；`drdrill history` 显示序列在何处变化。",
    ),
    // The allowance.
    ("Minutes of the monthly allowance", "每月允许的不可用分钟数"),
    (
        "No run of a system whose availability target is known measured how long writes were unavailable.",
        "在已知可用性目标的系统中，没有运行测得写入不可用的时长。",
    ),
    (
        "The longest time without writes in one drill of each failure mode, against what the availability target leaves in a month of {} minutes. A met recovery time can still spend the month.",
        "每种失效模式的一次演练中最长的无写入时间，与可用性目标在每月 {0} 分钟中所允许的相比。即使恢复时间达标，也可能用尽当月的额度。",
    ),
    (
        "Left out: failure modes of {}. It has no default availability target: name one with `--availability {}=PERCENT`, or as `availability` below the scenario's `targets`.",
        "未列出：{0} 的失效模式。它没有默认的可用性目标：请用 `--availability {1}=PERCENT` 指定，或在场景的 `targets` 之下写明 `availability`。",
    ),
    ("availability target", "可用性目标"),
    ("allowed a month", "每月允许"),
    ("one such failure takes", "一次此类失效占用"),
    ("of the month", "占当月"),
    ("end not seen", "未观察到结束"),
];
