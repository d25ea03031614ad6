//! What the checkers and figures say of alerts, and how alerting was proven to work.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const ALERTS: &[(&str, &str)] = &[
    // Whether alerts fired and arrived.
    (
        "{} alerts fired and arrived as expected, and no other",
        "{0} 个告警如期触发并送达，没有其他告警",
    ),
    (
        "1 alert fired and arrived as expected, and no other",
        "1 个告警如期触发并送达，没有其他告警",
    ),
    (
        "a wrong alert fired: {} for {}, which nothing in the scenario names",
        "误告警触发：{0}（{1}），场景中没有提到它",
    ),
    (
        "a wrong alert fired: {}, which nothing in the scenario names",
        "误告警触发：{0}，场景中没有提到它",
    ),
    (
        "no alert fired that nothing names",
        "没有场景未提到的告警触发",
    ),
    (
        "{} never fired: it was watched for {} after the fault",
        "{0} 从未触发：故障后观察了 {1}",
    ),
    (
        "{} fired late: {}, the target is {}",
        "{0} 触发过晚：{1}，目标为 {2}",
    ),
    (
        "{} arrived late: {}, the target is {}",
        "{0} 送达过晚：{1}，目标为 {2}",
    ),
    (
        "{} fired and no notification of it arrived",
        "{0} 已触发，但其通知没有送达",
    ),
    // Whether they can fire in time.
    (
        "by which rule {} would fire is not known",
        "不知道 {0} 由哪条规则触发",
    ),
    (
        "there is no RTO target that an alert could outlast",
        "没有 RTO 目标，无从比较告警是否过晚",
    ),
    (
        "{} cannot fire within the outage: {} after the fault at the soonest (`for:` {}, looked at each {}), and by its target the outage lasts {} at most",
        "{0} 无法在中断期间触发：最早在故障后 {1}（`for:` {2}，每 {3} 评估一次），而按目标中断最长 {4}",
    ),
    (
        "{} arrived {} after the fault, when the outage of {} was over",
        "{0} 在故障后 {1} 送达，而 {2} 的中断已经结束",
    ),
    // Why they were not measured.
    ("it was not measured", "没有测量"),
    ("alerting did not come up", "告警组件没有启动"),
    (
        "alerting was not proven to work before the fault: {}",
        "故障前未能证实告警链路有效：{0}",
    ),
    (
        "alerting was not proven to work: {}",
        "未能证实告警链路有效：{0}",
    ),
    ("alerts could not be seen all along", "告警并非全程可观察"),
    (
        "alerts could not be seen for {} s: {}",
        "有 {0} s 无法观察告警：{1}",
    ),
    (
        "alerts could not be seen for {}, in which one could have fired and ended",
        "有 {0} 无法观察告警，其间可能有告警触发又结束",
    ),
    ("for {} s: {}", "{0} s 内：{1}"),
    (
        "it was active before the fault already",
        "故障前它就已处于活动状态",
    ),
    ("it did not fire", "它没有触发"),
    ("it was not delivered", "它没有送达"),
    // The proof that alerting works.
    (
        "{} targets are up, and every exporter reaches its member",
        "{0} 个抓取目标正常，每个 exporter 都能连到其成员",
    ),
    (
        "{} alerting rules were evaluated without an error, none of them active but {} and what may fire",
        "{0} 条告警规则评估无误，除 {1} 和允许触发的之外都未处于活动状态",
    ),
    ("the notification of {} arrived", "{0} 的通知已送达"),
    ("within {} it was not proven: {}", "在 {0} 内未能证实：{1}"),
    (
        "`{}` is 1 at {} of {} exporters",
        "{2} 个 exporter 中有 {1} 个的 `{0}` 为 1",
    ),
    ("the rule {}: {}", "规则 {0}：{1}"),
    ("{} is active already", "{0} 已处于活动状态"),
    ("no notification of {} has arrived", "没有收到 {0} 的通知"),
    ("{} of {} targets are known", "{1} 个抓取目标中已知 {0} 个"),
    ("the target {} is {}: {}", "抓取目标 {0} 的状态为 {1}：{2}"),
    ("{} is not ready: {}", "{0} 未就绪：{1}"),
    ("{}: unreadable answer: {}", "{0}：应答无法解析：{1}"),
    (
        "Alertmanager's configuration names no `group_wait`",
        "Alertmanager 的配置没有 `group_wait`",
    ),
    ("the watchdog does not fire", "看门狗告警没有触发"),
    ("no answer within {}", "{0} 内没有应答"),
    ("unreadable answer", "应答无法解析"),
];
