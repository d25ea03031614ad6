//! What was done: the beginning of a run's sentence.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text. Those of the primary come before the general ones.
pub const DEEDS: &[(&str, &str)] = &[
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
        "The primary {} was without power for a while",
        "主节点 {0} 断电一段时间",
    ),
    ("{} were without power for a while", "{0} 断电一段时间"),
    (
        "The clock of the primary {} jumped",
        "主节点 {0} 的时钟跳变",
    ),
    (
        "The clock of the primary {} went at a wrong rate",
        "主节点 {0} 的时钟走速不准",
    ),
    (
        "The disk of the primary {} was full",
        "主节点 {0} 的磁盘已满",
    ),
    ("The disk of {} was full", "{0} 的磁盘已满"),
    (
        "The disk of the primary {} let nothing be changed",
        "主节点 {0} 的磁盘变为只读",
    ),
    (
        "The disk of {} let nothing be changed",
        "{0} 的磁盘变为只读",
    ),
    (
        "The disk of the primary {} was slow",
        "主节点 {0} 的磁盘变慢",
    ),
    ("The disk of {} was slow", "{0} 的磁盘变慢"),
    ("The disk of the primary {} failed", "主节点 {0} 的磁盘出错"),
    ("The disk of {} failed", "{0} 的磁盘出错"),
    (
        "A file of the primary {} was damaged",
        "主节点 {0} 的一个文件被损坏",
    ),
    ("A file of {} was damaged", "{0} 的一个文件被损坏"),
    (
        "Packets from the primary {} were sent twice",
        "主节点 {0} 发出的数据包被重复发送",
    ),
    (
        "Packets from {} were sent twice",
        "{0} 发出的数据包被重复发送",
    ),
    (
        "Packets from the primary {} were damaged",
        "主节点 {0} 发出的数据包被损坏",
    ),
    ("Packets from {} were damaged", "{0} 发出的数据包被损坏"),
    (
        "Packets from the primary {} were overtaken by later ones",
        "主节点 {0} 发出的数据包乱序",
    ),
    (
        "Packets from {} were overtaken by later ones",
        "{0} 发出的数据包乱序",
    ),
    (
        "Packets from the primary {} queued up for a narrow path",
        "主节点 {0} 发出的数据包因带宽不足而排队",
    ),
    (
        "Packets from {} queued up for a narrow path",
        "{0} 发出的数据包因带宽不足而排队",
    ),
    (
        "Connections through a proxy to the primary {} closed late",
        "经代理到主节点 {0} 的连接关闭延迟",
    ),
    (
        "Connections through a proxy to {} closed late",
        "经代理到 {0} 的连接关闭延迟",
    ),
    (
        "Connections through a proxy to the primary {} ended after some bytes",
        "经代理到主节点 {0} 的连接在传输若干字节后中断",
    ),
    (
        "Connections through a proxy to {} ended after some bytes",
        "经代理到 {0} 的连接在传输若干字节后中断",
    ),
    (
        "Streams through a proxy to the primary {} passed in small pieces",
        "经代理到主节点 {0} 的数据流被切成小块",
    ),
    (
        "Streams through a proxy to {} passed in small pieces",
        "经代理到 {0} 的数据流被切成小块",
    ),
    (
        "Streams through a proxy to the primary {} were narrow",
        "经代理到主节点 {0} 的数据流带宽受限",
    ),
    (
        "Streams through a proxy to {} were narrow",
        "经代理到 {0} 的数据流带宽受限",
    ),
    (
        "The primary {} was left with little CPU time",
        "主节点 {0} 只剩很少的 CPU 时间",
    ),
    (
        "{} was left with little CPU time",
        "{0} 只剩很少的 CPU 时间",
    ),
    (
        "The primary {} was left with little memory",
        "主节点 {0} 只剩很少的内存",
    ),
    ("{} was left with little memory", "{0} 只剩很少的内存"),
    (
        "The primary {} was left without file descriptors",
        "主节点 {0} 耗尽文件描述符",
    ),
    ("{} was left without file descriptors", "{0} 耗尽文件描述符"),
    (
        "The primary {} was left without memory",
        "主节点 {0} 耗尽内存",
    ),
    ("{} was left without memory", "{0} 耗尽内存"),
    (
        "The certificate of the primary {} expired",
        "主节点 {0} 的证书已过期",
    ),
    ("The certificate of {} expired", "{0} 的证书已过期"),
    (
        "The primary {} was given no names, wrong ones or late ones",
        "主节点 {0} 域名解析失败、错误或延迟",
    ),
    (
        "{} was given no names, wrong ones or late ones",
        "{0} 域名解析失败、错误或延迟",
    ),
    (
        "The primary {} was killed and lost its files",
        "主节点 {0} 被强制终止并丢失文件",
    ),
    (
        "{} was killed and lost its files",
        "{0} 被强制终止并丢失文件",
    ),
    (
        "What the primary {} had not synced was to be lost",
        "主节点 {0} 未落盘的数据将丢失",
    ),
    (
        "{} stopped without leaving its group",
        "{0} 未退出消费者组即停止",
    ),
    ("{} left its group", "{0} 退出消费者组"),
    (
        "An operator made a mistake on the primary {}",
        "操作员在主节点 {0} 上误操作",
    ),
    ("An operator made a mistake on {}", "操作员在 {0} 上误操作"),
];
