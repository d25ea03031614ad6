//! What the checkers say of the run itself: steps, operations, times and what was left behind.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const CHECKS: &[(&str, &str)] = &[
    // Words before a clause.
    ("remark", "备注"),
    ("control", "对照"),
    // Effects.
    ("its effect was not looked at", "没有查看其效果"),
    (
        "something changed, and nothing was meant to",
        "发生了变化，而本不应有变化",
    ),
    ("the intended effect was not seen", "没有观察到预期的效果"),
    ("nothing changed", "没有变化"),
    // The baseline.
    ("the stack was never ready", "系统从未就绪"),
    (
        "the stack was ready only after the fault",
        "系统在故障之后才就绪",
    ),
    (
        "the baseline has only {} of {} operations ok and {} lent by run {}, under {} operations",
        "基线只有 {1} 个操作（成功 {0} 个）和运行 {3} 借给的 {2} 个，不足 {4} 个",
    ),
    (
        "the baseline has only {} of {} operations ok, under {} operations",
        "基线只有 {1} 个操作（成功 {0} 个），不足 {2} 个",
    ),
    (
        "the baseline was not healthy: {} of {} operations ok and {} lent by run {}",
        "基线不健康：{1} 个操作中 {0} 个成功，另有运行 {3} 借给的 {2} 个",
    ),
    (
        "the baseline was not healthy: {} of {} operations ok",
        "基线不健康：{1} 个操作中 {0} 个成功",
    ),
    (
        "the application was not healthy before the fault: {} of {} operations ok within its objective",
        "故障前应用不健康：{1} 个操作中 {0} 个在应用目标时间内成功",
    ),
    (
        "the stack was ready and healthy: {} of {} operations ok and {} lent by run {} before the fault",
        "故障前系统就绪且健康：{1} 个操作中 {0} 个成功，另有运行 {3} 借给的 {2} 个",
    ),
    (
        "step {} of the scenario is no fault",
        "场景的步骤 {0} 不是故障",
    ),
    (
        "step {} was to hit the primary and hit {}",
        "步骤 {0} 本应命中主节点，却命中了 {1}",
    ),
    (
        "step {} was to spare the primary and hit {}",
        "步骤 {0} 本应避开主节点，却命中了 {1}",
    ),
    // The history.
    (
        "1 operation, without gaps and in order",
        "1 个操作，无缺失且有序",
    ),
    ("the history cannot be trusted: {}", "操作历史不可信：{0}"),
    ("no lane is recorded", "没有记录任何通道"),
    ("operations are out of order or repeated", "操作乱序或重复"),
    (
        "lane {} has operations and is not recorded",
        "通道 {0} 有操作却没有记录",
    ),
    ("disruptive steps are out of order", "故障步骤的顺序不对"),
    ("{} is not numbered by its place", "{0} 的编号与其位置不符"),
    ("it has no operation", "没有任何操作"),
    (
        "{} of the {} operations that were due are there",
        "应有 {1} 个操作，只有 {0} 个",
    ),
    ("#{} is missing", "缺少 #{0}"),
    ("#{} follows", "其后是 #{0}"),
    (
        "#{} is not intended after the one before",
        "#{0} 的计划时刻不在前一个之后",
    ),
    (
        "#{} was to start at {}, which is not its slot",
        "#{0} 计划在 {1} 开始，不在其时隙上",
    ),
    ("#{} was answered by an unknown node", "#{0} 由未知节点应答"),
    ("#{} has impossible times", "#{0} 的时刻不可能"),
    (
        "it has operations outside the clients' time, or the clients were not stopped",
        "有操作在客户端运行时间之外，或客户端没有停止",
    ),
    (
        "it ended before the clients were stopped",
        "在客户端停止之前就结束了",
    ),
    (
        "#{} saw write #{}, which had not been sent",
        "#{0} 读到了尚未发出的写入 #{1}",
    ),
    (
        "`{}` is of run {}, not of {}",
        "`{0}` 属于运行 {1}，而不是 {2}",
    ),
    (
        "`{}` is truncated: operations after its last complete batch are missing",
        "`{0}` 被截断：缺少最后一个完整批次之后的操作",
    ),
    // Steps.
    ("step {} was not met: {}", "步骤 {0} 未达成：{1}"),
    ("step {} failed: {}", "步骤 {0} 失败：{1}"),
    (
        "only {} of {} steps were taken",
        "{1} 个步骤只执行了 {0} 个",
    ),
    // Load and lateness.
    (
        "{} of {} service operations shed before the fault",
        "故障前 {1} 个服务操作中 {0} 个未发出",
    ),
    (
        "{} of {} app operations shed before the fault",
        "故障前 {1} 个应用操作中 {0} 个未发出",
    ),
    (
        "connection tracking of the machine dropped {} packets: its table is full",
        "本机的连接跟踪丢弃了 {0} 个数据包：其表已满",
    ),
    (
        "wait two minutes, or raise net.netfilter.nf_conntrack_max",
        "请等待两分钟，或调大 net.netfilter.nf_conntrack_max",
    ),
    ("{} was late by {}", "{0} 晚了 {1}"),
    ("the harness was held up for {}", "测试程序停顿了 {0}"),
    ("the checker itself failed: {}", "检查程序自身出错：{0}"),
    // Bounds.
    (
        "no failover took place, which is what the bounds speak of",
        "没有发生故障切换，而时限针对的是故障切换",
    ),
    ("bound {}: {}", "时限 {0}：{1}"),
    (
        "recovered in {}, faster than the settings allow ({})",
        "用时 {0} 恢复，快于配置所允许的 {1}",
    ),
    ("no drill has confirmed the bound", "尚无演练证实该时限"),
    (
        "{} is far above what the settings lead to expect",
        "{0} 远高于按配置的预期",
    ),
    (
        "the control plane said nothing from the fault to the recovery",
        "从故障到恢复，控制面没有任何消息",
    ),
    // Outages that nothing explains, and those after something was undone.
    (
        "{} outages of lanes that had been well: nothing that the drill did explains it",
        "原本正常的通道再次中断 {0} 次：演练的任何操作都不能解释",
    ),
    (
        "1 outage of lanes that had been well: nothing that the drill did explains it",
        "原本正常的通道再次中断 1 次：演练的任何操作都不能解释",
    ),
    (
        "{} failed {} after step {}, when it had been well, for {}",
        "{0} 在步骤 {2} 之后 {1} 失败，此前一直正常，持续 {3}",
    ),
    ("a lane", "某个通道"),
    (
        "after the fault of step {} was undone: {}",
        "步骤 {0} 的故障解除之后：{1}",
    ),
    ("after {} returned: {}", "{0} 恢复之后：{1}"),
    (
        "{} failed for {} before anything was done to the stack",
        "{0} 在对系统做任何操作之前已失败 {1}",
    ),
    ("{}, write-{} failed for {}", "{0}，write-{1} 失败 {2}"),
    ("{}, read-{} failed for {}", "{0}，read-{1} 失败 {2}"),
    ("{}, app-{} failed for {}", "{0}，app-{1} 失败 {2}"),
    ("write-{} failed for {}", "write-{0} 失败 {1}"),
    ("read-{} failed for {}", "read-{0} 失败 {1}"),
    ("app-{} failed for {}", "app-{0} 失败 {1}"),
    ("{}, a lane failed for {}", "{0}，某个通道失败 {1}"),
    ("a lane failed for {}", "某个通道失败 {0}"),
    // What is left behind.
    (
        "the stack stayed for the next repeat; the last run on it removes and audits it",
        "系统留给下一次重复；由在其上的最后一次运行负责清除并核查",
    ),
    ("teardown was not recorded", "没有记录清理过程"),
    ("left: {}", "残留：{0}"),
    ("undo failed: {}", "撤销失败：{0}"),
    (
        "cleanup incomplete: {} left, {} undo steps failed",
        "清理不完整：残留 {0} 项，{1} 个撤销步骤失败",
    ),
    // How a server ended.
    (
        "{} ended with {}, by itself: no step did it",
        "{0} 自行结束（{1}），并非演练步骤所致",
    ),
    ("an unknown exit code", "退出码未知"),
    (
        "exit code {} ({}), killed by the kernel because its memory ran out",
        "退出码 {0}（{1}），因内存耗尽被内核终止",
    ),
    (
        "exit code {}, killed by the kernel because its memory ran out",
        "退出码 {0}，因内存耗尽被内核终止",
    ),
    ("exit code {} ({})", "退出码 {0}（{1}）"),
    ("exit code {}", "退出码 {0}"),
    ("the nodes", "各节点"),
];
