//! What happened, and why nothing may be concluded of it: verdicts and their reasons.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const VERDICTS: &[(&str, &str)] = &[
    // What was done.
    (
        "The primary was moved in the planned way (from {})",
        "按计划切换主节点（原主节点 {0}）",
    ),
    (
        "The primary was moved back in the planned way (from {})",
        "按计划回切主节点（原主节点 {0}）",
    ),
    (
        "{} stopped without leaving their group",
        "{0} 未退出消费者组即停止",
    ),
    ("{} left their group", "{0} 退出消费者组"),
    (
        "The primary {} was hit by `{}`",
        "主节点 {0} 遭遇故障 `{1}`",
    ),
    ("{} was hit by `{}`", "{0} 遭遇故障 `{1}`"),
    ("{} were hit by `{}`", "{0} 遭遇故障 `{1}`"),
    // What the clients saw.
    (
        "writes failed for {} until other nodes took over",
        "写入中断 {0}，直到其他节点接管",
    ),
    (
        "no write failed, and reads failed for {} until other nodes took over",
        "写入没有中断，读取中断 {0}，直到其他节点接管",
    ),
    (
        "no write failed, and reads failed for {} until {} took over",
        "写入没有中断，读取中断 {0}，直到 {1} 接管",
    ),
    (
        "no write failed, and reads failed for {} until the victim answered again",
        "写入没有中断，读取中断 {0}，直到故障节点重新应答",
    ),
    (
        "no write failed, and reads failed for {} until the fault was undone",
        "写入没有中断，读取中断 {0}，直到故障解除",
    ),
    (
        "no write failed, and reads failed for {} until {} answered",
        "写入没有中断，读取中断 {0}，直到 {1} 应答",
    ),
    (
        "no write failed, and reads failed and no lasting recovery was seen (at least {})",
        "写入没有中断，读取中断，没有观察到稳定恢复（至少 {0}）",
    ),
    (
        "no write failed, and reads failed, for how long could not be told: {}",
        "写入没有中断，读取中断，无法判断持续多久：{0}",
    ),
    (
        "writes failed, for how long could not be told: {}",
        "写入中断，无法判断持续多久：{0}",
    ),
    (
        "whether service was interrupted could not be told: {}",
        "无法判断服务是否中断：{0}",
    ),
    // What is lost: longer sentences come first, as a gap takes any words.
    (
        "{} of {} acknowledged writes were lost, the oldest from up to {} before the fault, and {}",
        "{1} 个已确认的写入中丢失 {0} 个，最早的在故障前 {2} 以内；{3}",
    ),
    (
        "{} of {} acknowledged writes was lost, the oldest from up to {} before the fault, and {}",
        "{1} 个已确认的写入中丢失 {0} 个，最早的在故障前 {2} 以内；{3}",
    ),
    (
        "{} writes acknowledged after the fault were lost, and {}",
        "故障之后确认的 {0} 个写入丢失；{1}",
    ),
    (
        "1 write acknowledged after the fault was lost, and {}",
        "故障之后确认的 1 个写入丢失；{0}",
    ),
    (
        "{} writes acknowledged after the fault were lost",
        "故障之后确认的 {0} 个写入丢失",
    ),
    (
        "1 write acknowledged after the fault was lost",
        "故障之后确认的 1 个写入丢失",
    ),
    (
        "{} writes were lost by step {}, and {}",
        "步骤 {1} 丢失 {0} 个写入；{2}",
    ),
    (
        "1 write was lost by step {}, and {}",
        "步骤 {0} 丢失 1 个写入；{1}",
    ),
    ("{} writes were lost by step {}", "步骤 {1} 丢失 {0} 个写入"),
    ("1 write was lost by step {}", "步骤 {0} 丢失 1 个写入"),
    // Alerts in the sentence.
    (
        "the alert {} fired and did not arrive",
        "告警 {0} 已触发但没有送达",
    ),
    // Reasons.
    ("no line could be decided", "没有一项目标可以判定"),
    ("a person stopped the run", "有人停止了运行"),
    (
        "RTO and RPO are both `any`: nothing was promised, so nothing was passed",
        "RTO 与 RPO 都是 `any`（只测不判）：没有承诺，也就谈不上通过",
    ),
    (
        "an outage was seen though nothing was done",
        "没有做任何操作，却观察到中断",
    ),
    (
        "acknowledged writes are lost though nothing was done",
        "没有做任何操作，却丢失了已确认的写入",
    ),
    (
        "it could not be told that nothing happened",
        "无法断定什么都没有发生",
    ),
    (
        "no failback that is judged took place",
        "没有发生要判定的回切",
    ),
    (
        "no switchover that is judged took place",
        "没有发生要判定的切换",
    ),
    ("the size of an element is not known", "不知道元素的大小"),
    // Brackets and measured values of target lines.
    ("resolution {}", "分辨率 {0}"),
    ("[{}, not seen]", "[{0}, 未观察到]"),
    ("not within {}", "未在 {0} 之内"),
    ("{} and {} both primary", "{0} 与 {1} 同为主节点"),
    // Steps that did not come to what they were for.
    (
        "not every service lane recovered within {}",
        "{0} 内并非所有服务通道都恢复",
    ),
    (
        "not every partition was consumed again within {}",
        "{0} 内并非所有分区都恢复消费",
    ),
    (
        "no notification of {} came within {}",
        "{1} 内没有收到 {0} 的通知",
    ),
    ("the last alert", "最后一个告警"),
    ("{} was not over within {}", "{0} 在 {1} 内没有解除"),
    (
        "the stack was not whole within {}: {}",
        "系统在 {0} 内没有恢复完整：{1}",
    ),
    (
        "there is no consumer group in this drill",
        "此演练没有消费者组",
    ),
    ("there is no alerting in this drill", "此演练没有告警组件"),
    (
        "every first primary is primary: there is nothing to fail back",
        "最初的主节点仍是主节点：无需回切",
    ),
    ("the primary did not move as asked", "主节点没有按要求切换"),
    ("the fault's effect was not seen", "没有观察到故障的效果"),
    (
        "this topology has no planned move",
        "此拓扑不支持按计划切换",
    ),
    ("there is no primary", "没有主节点"),
    ("`{}` is primary already", "`{0}` 已是主节点"),
    (
        "the clients had no success on every lane within {}",
        "客户端在 {0} 内没有在每个通道上都成功",
    ),
];
