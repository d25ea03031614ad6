//! Sentences of verdicts, target lines, findings and method.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const SENTENCES: &[(&str, &str)] = &[
    // What happened.
    ("The primary {} was killed", "主节点 {0} 被强制终止"),
    (
        "The primary {} was stopped in an orderly way",
        "主节点 {0} 被正常停止",
    ),
    ("The primary {} was frozen", "主节点 {0} 被冻结"),
    (
        "The primary {} was killed and started again",
        "主节点 {0} 被强制终止后重启",
    ),
    ("The primary {} was cut off", "主节点 {0} 被网络隔离"),
    (
        "The primary was moved in the planned way (from the primary {})",
        "按计划切换主节点（原主节点 {0}）",
    ),
    (
        "The primary was moved back in the planned way (from the primary {})",
        "按计划回切主节点（原主节点 {0}）",
    ),
    ("Nothing was done on purpose", "有意不做任何操作（对照）"),
    ("{} was killed", "{0} 被强制终止"),
    ("{} was stopped in an orderly way", "{0} 被正常停止"),
    ("{} was frozen", "{0} 被冻结"),
    ("{} was cut off", "{0} 被网络隔离"),
    (
        "Packets from the primary {} were late",
        "主节点 {0} 发出的数据包延迟",
    ),
    (
        "Packets from the primary {} were lost",
        "主节点 {0} 发出的数据包丢失",
    ),
    (
        "Connections through a proxy to the primary {} were reset",
        "经代理到主节点 {0} 的连接被重置",
    ),
    (
        "Connections through a proxy to the primary {} were half open",
        "经代理到主节点 {0} 的连接处于半开状态",
    ),
    (
        "Streams through a proxy to the primary {} were late",
        "经代理到主节点 {0} 的数据流延迟",
    ),
    (
        "A process on the primary {} was killed",
        "主节点 {0} 上的一个进程被强制终止",
    ),
    (
        "The primary {} was killed again and again",
        "主节点 {0} 被反复强制终止",
    ),
    (
        "The run ended before its disruptive step",
        "运行在注入故障之前结束",
    ),
    (
        "writes failed for {} until {} took over",
        "写入中断 {0}，直到 {1} 接管",
    ),
    (
        "writes failed for {} until the victim had restarted",
        "写入中断 {0}，直到故障节点重启",
    ),
    (
        "writes failed for {} until the fault was undone",
        "写入中断 {0}，直到故障解除",
    ),
    (
        "writes failed for {} until {} answered",
        "写入中断 {0}，直到 {1} 应答",
    ),
    ("writes failed for {}", "写入中断 {0}"),
    (
        "no write failed, and reads failed for {}",
        "写入没有中断，读取中断 {0}",
    ),
    (
        "writes failed and no lasting recovery was seen (at least {})",
        "写入中断，没有观察到稳定恢复（至少 {0}）",
    ),
    (
        "no outage was seen (one of up to {} could have gone unseen)",
        "没有观察到中断（{0} 以内的中断可能未被发现）",
    ),
    (
        "no acknowledged write was lost (0 of {})",
        "没有丢失任何已确认的写入（0 / {0}）",
    ),
    (
        "{} of {} acknowledged writes were lost, the oldest from up to {} before the fault",
        "{1} 个已确认的写入中丢失 {0} 个，最早的在故障前 {2} 以内",
    ),
    ("no write was acknowledged at all", "没有任何写入被确认"),
    ("loss could not be told: {}", "无法判断是否丢失数据：{0}"),
    ("nothing may be concluded: {}", "不能得出结论：{0}"),
    ("the control stayed quiet", "对照运行没有异常"),
    ("the run was interrupted", "运行被中断"),
    ("the run was aborted: {}", "运行异常结束：{0}"),
    // Why a line came out as it did.
    (
        "the upper end of the bracket is within the target",
        "区间上端在目标之内",
    ),
    (
        "the lower end of the bracket is beyond the target",
        "区间下端超出目标",
    ),
    (
        "the target lies within the bracket",
        "目标落在区间之内，无法判定",
    ),
    (
        "the end was not seen within the run",
        "在运行期间没有观察到结束",
    ),
    ("the count is within the target", "数量在目标之内"),
    ("the count is beyond the target", "数量超出目标"),
    ("the share is at least the target", "比例达到目标"),
    ("the share is below the target", "比例低于目标"),
    ("the service came back as expected", "服务以预期方式恢复"),
    (
        "the service came back in another way",
        "服务以另一种方式恢复",
    ),
    ("no target is set", "没有设定目标"),
    ("measured, not judged", "只测量，不判定"),
    (
        "two nodes acknowledged writes at once",
        "两个节点同时确认了写入",
    ),
    ("no outage seen", "没有观察到中断"),
    ("no disruptive step was taken", "没有注入故障"),
    ("there are no app lanes", "没有应用通道"),
    // Data.
    (
        "No loss: none of {} acknowledged writes is lost.",
        "无丢失：{0} 个已确认的写入全部保留。",
    ),
    (
        "{} of {} acknowledged writes lost, acknowledged up to {} before the fault.",
        "{1} 个已确认的写入中丢失 {0} 个，最早在故障前 {2} 被确认。",
    ),
    (
        "writes that a client was told are done",
        "客户端被告知已完成的写入",
    ),
    (
        "lost, sent before the fault was in force",
        "丢失，在故障生效之前发出",
    ),
    (
        "age of the oldest of them at the fault",
        "其中最早者在故障时的年龄",
    ),
    ("their payload", "其数据量"),
    ("lost, sent after the fault", "丢失，在故障之后发出"),
    (
        "writes that may have been applied; never counted as loss",
        "结果未知的写入；从不计为丢失",
    ),
    ("of those, present", "其中存在的"),
    ("failed, and yet present", "失败却存在"),
    ("never attempted, and present", "从未发出却存在"),
    ("present more than once", "存在多次"),
    ("checksum differs", "校验和不符"),
    (
        "lost, while a later acknowledged write of the lane survives",
        "丢失，而同一通道更晚确认的写入仍在",
    ),
    // Findings.
    (
        "{} operations, without gaps and in order",
        "{0} 个操作，无缺失且有序",
    ),
    (
        "the stack was ready and healthy: {} of {} operations ok before the fault",
        "故障前系统就绪且健康：{1} 个操作中 {0} 个成功",
    ),
    (
        "converged; two final reads agree",
        "已收敛，两次最终读取一致",
    ),
    (
        "every element carries its checksum",
        "每个元素的校验和都正确",
    ),
    ("{} members hold the same data", "{0} 个成员的数据相同"),
    ("no element is present more than once", "没有元素存在多次"),
    (
        "every disruption had the effect that it was meant to have",
        "每个故障都产生了预期的效果",
    ),
    (
        "nothing changed, as intended of a control",
        "如对照所期，没有变化",
    ),
    (
        "{} writes acknowledged in the {} before the fault",
        "故障前 {1} 内确认了 {0} 个写入",
    ),
    (
        "no lost write is older than a surviving one of its lane",
        "没有比同通道保留的写入更早的丢失",
    ),
    (
        "no operation was later than {} about the fault",
        "故障前后没有操作晚于计划 {0} 以上",
    ),
    (
        "none of {} acknowledged writes is lost",
        "{0} 个已确认的写入无一丢失",
    ),
    (
        "no element is present that was not attempted",
        "没有从未发出却存在的元素",
    ),
    (
        "{} is within what the settings allow",
        "{0} 在配置允许的范围之内",
    ),
    (
        "the stack gives no bound for this fault",
        "该系统没有给出此故障的时限",
    ),
    (
        "no lane failed again before the next event",
        "在下一事件之前没有通道再次失败",
    ),
    (
        "nothing was left behind; {} things removed",
        "没有残留；清除了 {0} 项",
    ),
    ("no refused write is present", "没有被拒绝却存在的写入"),
    ("all {} steps were taken", "{0} 个步骤全部执行"),
    ("no recovery time to compare", "没有可比较的恢复时间"),
    // Figures.
    ("before convergence", "收敛之前"),
    ("{} of {} operations", "{1} 个操作中的 {0} 个"),
    ("width of the injecting call", "注入调用的宽度"),
    (
        "probe interval of the lane that decided",
        "决定性通道的探测间隔",
    ),
    (
        "largest scheduler lateness within 1 s of fault, onset and recovery",
        "故障、中断开始和恢复前后 1 s 内的最大调度延迟",
    ),
    ("median in the baseline", "基线中的中位数"),
    ("standard uncertainty", "标准不确定度"),
    (
        "at worst {}; median {}; {} reads",
        "最差 {0}；中位数 {1}；{2} 次读取",
    ),
    (
        "{} of {} reads certainly stale, {} backwards, {} missed an own write",
        "{1} 次读取中 {0} 次确定过时，{2} 次倒退，{3} 次未见到自己的写入",
    ),
    (
        "{} writes acknowledged after the fault and lost",
        "故障之后确认并丢失的写入：{0} 个",
    ),
    (
        "writes acknowledged in the {} before the fault, the last at most two write periods old",
        "故障前 {0} 内确认的写入，最后一个不早于两个写入周期",
    ),
    (
        "{} of {} service operations shed before the fault; {} of {} app operations shed before the fault",
        "故障前 {1} 个服务操作中 {0} 个未发出；{3} 个应用操作中 {2} 个未发出",
    ),
    (
        "the offered load is not known to be 80 % of the measured capacity",
        "不知道施加的负载是否达到实测容量的 80 %",
    ),
    // The picture.
    (
        "from {}: ok {}, conflict {}, fail {}, info {}, shed {}",
        "自 {0} 起：成功 {1}，冲突 {2}，失败 {3}，结果未知 {4}，未发出 {5}",
    ),
    (
        "The tables below the picture hold the same data.",
        "图下的表格含有同样的数据。",
    ),
    (
        "Operations, latency and roles around the disruption",
        "故障前后的操作、延迟与角色",
    ),
    (
        "role by each node's own view; line below: writes acknowledged",
        "各节点自己所说的角色；下方的线：确认的写入",
    ),
    ("the part shown in detail", "上图详示的部分"),
    ("another node accepts {}", "另一节点接受写入 {0}"),
    ("first failure {}", "首次失败 {0}"),
    ("first success {}", "首次成功 {0}"),
    ("sustained {}", "稳定恢复 {0}"),
    ("declared gone {}", "判定主节点失效 {0}"),
    ("clients are led there {}", "客户端被引向新主 {0}"),
    // Method.
    (
        "Service operations by intended time, in seconds from {}. Numbers mark the ends of the phases below. Bins are for reading the picture; no figure is taken from them.",
        "按计划时间排列的服务操作，以距 {0} 的秒数表示。数字标出下列各阶段的结束。分格仅供看图，任何指标都不取自它们。",
    ),
    (
        "Service operations by intended time, {} a column; red: not ok; the line is {}.",
        "按计划时间排列的服务操作，每列 {0}；红色为不成功；竖线为 {1}。",
    ),
    ("the fault", "故障时刻"),
    ("the start", "开始时刻"),
    (
        "Recovery time runs from just before the injecting call to the end of the first successful operation after which a lane stays available; the printed value is the upper end of its bracket, over the worst service lane.",
        "恢复时间从注入调用之前一刻起，到某通道此后保持可用的首个成功操作结束为止；印出的值是最差服务通道区间的上端。",
    ),
    (
        "Loss is what was acknowledged and is absent from the final reads, taken after the members had converged; an operation whose outcome the client does not know is never counted as loss.",
        "丢失是指已被确认而在最终读取中不存在的写入，最终读取在各成员收敛之后进行；客户端不知结果的操作从不计为丢失。",
    ),
    (
        "Not shown: hangs shorter than the operations' timeout count as latency and in max_gap, not as recovery time; one run says what happened once, not how often it would; client and stack share one machine, so that network distance is not part of any figure.",
        "不能说明的：短于操作超时的停顿计入延迟和 max_gap，而不计入恢复时间；一次运行只说明发生过一次，不说明会多常发生；客户端与系统在同一台机器上，因此任何指标都不含网络距离。",
    ),
    (
        "Nodes' own views are polled; they annotate the picture and decide no figure.",
        "各节点自己的说法是轮询得来的；它们只为图作注，不决定任何指标。",
    ),
    (
        "{} and {} started operations at fixed times, whatever earlier ones did, at most {} ms apart per lane, each given up after {} ms.",
        "{0}与{1}在固定时刻发起操作，不论之前的操作如何；每通道间隔至多 {2} ms，每个操作在 {3} ms 后放弃。",
    ),
    ("{} write lanes", "{0} 个写通道"),
    ("{} read lanes", "{0} 个读通道"),
    (
        "Each lane has a connection of its own, without pool and retry, dropped at the first operation that is not ok; one connects afresh for every operation.",
        "每个通道有自己的连接，没有连接池和重试，遇到首个不成功的操作即断开；其中一个通道每次操作都重新连接。",
    ),
    (
        "The fault was {} by {}; the injecting call took {}. Effect verified: {}.",
        "故障为 {0}，方式为 {1}；注入调用用时 {2}。已验证生效：{3}。",
    ),
];
