//! Why a stack did not come up, or a step could not be taken.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const ERRORS: &[(&str, &str)] = &[
    ("`{}` did not come up: {}", "`{0}` 没有启动成功：{1}"),
    ("Docker is not running: {}", "Docker 没有运行：{0}"),
    // What a stack was waited for, and what it lacked.
    ("a first write", "首次写入"),
    ("a first write to shard {}", "对分片 {0} 的首次写入"),
    (
        "the routers' writes to shard {}",
        "各路由节点对分片 {0} 的写入",
    ),
    ("a write through the endpoint", "经入口的写入"),
    ("a write where clients write", "在客户端写入之处的写入"),
    ("a row to be replicated", "行被复制"),
    ("the row is not there yet", "该行尚未到达"),
    ("a whole cluster", "完整的集群"),
    ("a primary to follow", "可跟随的主节点"),
    ("a quorum and every replica", "法定多数和每个副本"),
    (
        "a primary with all replicas in sync within {}",
        "{0} 内主节点及其全部副本同步",
    ),
    ("every member in place", "每个成员就位"),
    ("all members present and in sync", "所有成员在场并同步"),
    ("all members present and subscribed", "所有成员在场并已订阅"),
    ("all replicas in sync", "所有副本同步"),
    ("{} of {} replicas are in sync", "{1} 个副本中 {0} 个已同步"),
    ("the primary's element", "主节点的元素"),
    (
        "the primary's element has not arrived",
        "主节点的元素尚未到达",
    ),
    ("the primary's document", "主节点的文档"),
    (
        "the primary's document has not arrived",
        "主节点的文档尚未到达",
    ),
    ("the leader's key", "领导者的键"),
    ("the leader's key has not arrived", "领导者的键尚未到达"),
    ("the leader's record", "领导者的记录"),
    (
        "the leader's record has not arrived",
        "领导者的记录尚未到达",
    ),
    ("the workload's topic", "负载的主题"),
    (
        "it does not know `{}` as the leader",
        "它不知道 `{0}` 是领导者",
    ),
    ("there is no data node", "没有数据节点"),
    ("there is no broker", "没有 broker"),
    ("there is no router", "没有路由节点"),
    ("there is no member", "没有成员"),
    ("does not answer after {}", "{0} 之后仍没有应答"),
    // Why a fault could not be injected.
    (
        "{} would be out of service together, and `max-targets` is {}: raise it where they may be, or heal before",
        "{0} 将同时停止服务，而 `max-targets` 为 {1}：若允许请调高该值，否则请先恢复",
    ),
    (
        "without {} those that decide, {} in all, have no majority left: this is not done to a stack that drdrill did not create",
        "失去 {0} 之后，共 {1} 个参与决定的成员不再构成多数：不会对非 drdrill 创建的系统这样做",
    ),
    (
        "proxy `{}` does not pass bytes before the fault: {}",
        "故障之前代理 `{0}` 不能传输数据：{1}",
    ),
    (
        "`{}` chooses no node of this stack",
        "`{0}` 没有选中该系统的任何节点",
    ),
    ("there is no process `{}` on `{}`", "`{1}` 上没有进程 `{0}`"),
    (
        "`{}` on `{}` says already what it is to say once the harm is done",
        "`{1}` 上的 `{0}` 已显示故障之后才应显示的内容",
    ),
    (
        "the disk of `{}` is not sound while no fault is in force: {}",
        "没有故障生效时 `{0}` 的磁盘已不正常：{1}",
    ),
    (
        "of {} new connections to `{}` only {} pass bytes while no limit is in force",
        "没有限制生效时，到 `{1}` 的 {0} 个新连接中只有 {2} 个可传输数据",
    ),
    (
        "no node can reach another one on any of these ports: {}",
        "没有节点能在这些端口上到达另一节点：{0}",
    ),
    (
        "the certificate of `{}` is not accepted while no fault is in force: {}",
        "没有故障生效时 `{0}` 的证书已不被接受：{1}",
    ),
    (
        "failed to write the undo ahead of the effect: {}",
        "未能在生效之前写下撤销记录：{0}",
    ),
    ("links of this stack cannot be cut", "该系统的链路无法切断"),
    (
        "packets of this stack cannot be shaped",
        "该系统的数据包无法整形",
    ),
    ("no proxy stands before these nodes", "这些节点之前没有代理"),
    (
        "no server of this stack presents a certificate",
        "该系统没有服务器出示证书",
    ),
    ("this stack has no controllers", "该系统没有控制器"),
    (
        "this stack has no etcd on its machines",
        "该系统的机器上没有 etcd",
    ),
    (
        "there is no consumer group to coordinate",
        "没有可协调的消费者组",
    ),
    ("no connection", "没有连接"),
    ("a request came to {}", "请求的结果为 {0}"),
    // Steps by their titles.
    (
        "step {} (steady for {}: the baseline): {}",
        "步骤 {0}（稳定运行 {1}：基线）：{2}",
    ),
    ("steady for {}: the baseline", "稳定运行 {0}：基线"),
    ("hold for {}", "保持 {0}"),
    (
        "measure for {} what the stack can take",
        "用 {0} 测量系统的承载能力",
    ),
    ("switch the primary over", "切换主节点"),
    ("fail back to the first primary", "回切到最初的主节点"),
    ("expect recovery within {}", "预期在 {0} 内恢复"),
    ("expect redundancy within {}", "预期在 {0} 内恢复冗余"),
    (
        "expect every partition to be consumed within {}",
        "预期每个分区在 {0} 内恢复消费",
    ),
    ("expect the alerts within {}", "预期告警在 {0} 内送达"),
    (
        "expect the alerts to be resolved within {}",
        "预期告警在 {0} 内解除",
    ),
];
