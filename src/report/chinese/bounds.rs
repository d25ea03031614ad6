//! What a failover waits for, why it is as long, and the words around it.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const BOUNDS: &[(&str, &str)] = &[
    ("Why it took so long", "为什么用了这么久"),
    ("No recovery was measured.", "没有测得恢复。"),
    ("waited for", "等待什么"),
    ("because of", "原因"),
    ("allowed", "允许"),
    ("not explained", "未解释"),
    ("share", "占比"),
    ("no cause is known", "原因未知"),
    ("not in it", "未计入"),
    ("no upper bound", "没有上限"),
    (
        "{} of the recovery time of {} ({}) is not explained: neither the settings nor the drill account for it.",
        "恢复时间 {1} 中有 {0}（{2}）没有得到解释：配置和演练都说明不了它。",
    ),
    // Clients and the drill itself.
    (
        "operations under way end, and each lane's next one is due",
        "进行中的操作结束，各通道的下一操作到期",
    ),
    (
        "the first operation that comes after it",
        "此后的第一个操作",
    ),
    (
        "clients' timeout {}, one operation of a lane every {}",
        "客户端超时 {0}，每通道每 {1} 一个操作",
    ),
    ("the fault lasted", "故障持续"),
    ("until it was healed", "直到被消除"),
    ("a fault of an earlier step lasted", "更早步骤的故障持续"),
    ("until step {} was undone", "直到第 {0} 步被撤销"),
    ("the node was away", "节点不在"),
    ("until it was started again", "直到再次启动"),
    ("its server starts and recovers", "其服务器启动并恢复"),
    (
        "the log that it replays: no setting",
        "需回放的日志：没有相关配置",
    ),
    ("the planned move", "计划内切换"),
    (
        "the system's own command, until it had ended",
        "系统自己的命令，直到其结束",
    ),
    // Several systems.
    ("the primary is silent", "主节点静默"),
    ("the broker is silent", "broker 静默"),
    ("the member is silent", "成员静默"),
    ("the node is silent", "节点静默"),
    ("the leader is silent", "领导者静默"),
    ("promotion", "提升"),
    (
        "nothing fails over by itself: no setting",
        "不会自动故障切换：没有相关配置",
    ),
    ("an operator promotes a replica", "操作员提升一个副本"),
    ("an operator promotes the subscriber", "操作员提升订阅者"),
    // Redis, with sentinels and as a cluster.
    ("fixed in Sentinel", "Sentinel 中固定"),
    (
        "down-after-milliseconds {}, less the age of the last answer, {} at most",
        "down-after-milliseconds {0}，减去距上次应答的时间（至多 {1}）",
    ),
    (
        "next ping, which is the first without an answer",
        "下次 PING，即首个没有应答的",
    ),
    ("the sentinels ask each other", "哨兵互相询问"),
    ("random wait before the election", "选举前的随机等待"),
    ("promotion is noticed by INFO", "由 INFO 察觉提升"),
    (
        "steps of the failover, and clients ask again",
        "故障切换的各步，客户端再次询问",
    ),
    (
        "five states at 10 to 20 a second",
        "五个状态，每秒 10 到 20 次",
    ),
    (
        "a split vote, which adds up to twice failover-timeout {}",
        "选票分散，最多再加两倍 failover-timeout {0}",
    ),
    ("fixed in the server", "服务器中固定"),
    ("next ping", "下次 PING"),
    ("the ping has no answer", "PING 没有应答"),
    ("another primary's report", "另一主节点的报告"),
    (
        "half of cluster-node-timeout {}",
        "cluster-node-timeout {0} 的一半",
    ),
    ("delay before the election", "选举前的延迟"),
    ("random part of that delay", "该延迟的随机部分"),
    (
        "looks at links and votes, and clients ask again",
        "检查连接与投票，客户端再次询问",
    ),
    ("ten looks a second", "每秒检查十次"),
    (
        "an election that is not won, which adds twice its timeout, {}",
        "未胜出的选举，再加其超时的两倍 {0}",
    ),
    // OpenSearch.
    ("another cluster manager is elected", "选举另一集群管理节点"),
    (
        "three rounds of 500ms and what nodes wait between them",
        "三轮各 500ms 及节点之间的等待",
    ),
    ("two changes of the cluster's state", "集群状态的两次变更"),
    ("each on the disks of a majority", "各写入多数节点的磁盘"),
    ("clients go to another node", "客户端转向另一节点"),
    (
        "an operation that times out, and the next one",
        "一个超时的操作及下一个",
    ),
    (
        "the cluster manager's checks fail",
        "集群管理节点的检查失败",
    ),
    (
        "the new cluster manager's own checks fail",
        "新集群管理节点自己的检查失败",
    ),
    (
        "the others' checks of the cluster manager fail",
        "其他节点对集群管理节点的检查失败",
    ),
    (
        "checks {} times, {} each, {} apart",
        "检查 {0} 次，每次 {1}，间隔 {2}",
    ),
    // etcd and MongoDB.
    (
        "election timeout {}, less the age of the last heartbeat and a tick that had begun, {} each",
        "选举超时 {0}，减去距上次心跳的时间和已开始的定时（各 {1}）",
    ),
    ("what a member waits longer at random", "成员随机多等的时间"),
    (
        "up to the election timeout {} again",
        "最多再一个选举超时 {0}",
    ),
    ("votes and first entry", "投票与首个日志条目"),
    ("three rounds, two of them to disk", "三轮，其中两轮写盘"),
    ("clients go to another member", "客户端转向另一成员"),
    (
        "connection refused, or the next operation",
        "连接被拒绝，或下一操作",
    ),
    (
        "a split vote, which adds another draw",
        "选票分散，再加一次随机取值",
    ),
    (
        "electionTimeoutMillis {}, less the age of the last heartbeat, {} at most",
        "electionTimeoutMillis {0}，减去距上次心跳的时间（至多 {1}）",
    ),
    (
        "what a secondary waits longer at random",
        "从节点随机多等的时间",
    ),
    (
        "replElectionTimeoutOffsetLimitFraction {} of it",
        "其 replElectionTimeoutOffsetLimitFraction {0}",
    ),
    ("votes and drain", "投票与排空"),
    (
        "catch-up: the new primary hears of every member, or its heartbeat to the lost one times out",
        "追赶：新主节点得知每个成员的进度，或对失联成员的心跳超时",
    ),
    ("heartbeatTimeoutSecs {}", "heartbeatTimeoutSecs {0}"),
    (
        "the server's own test of election times",
        "服务器自己的选举时间测试",
    ),
    ("clients look for the primary again", "客户端重新查找主节点"),
    ("a round of questions", "一轮询问"),
    (
        "a split vote, which adds another election timeout",
        "选票分散，再加一次选举超时",
    ),
    ("routers look for the new primary", "路由节点查找新的主节点"),
    ("fixed in mongos", "mongos 中固定"),
    (
        "clients of a router ask another one",
        "路由节点的客户端改问另一个",
    ),
    (
        "no outage is expected of a config server, nor of a member that leads no shard",
        "配置服务器或不是任何分片主节点的成员：预期没有中断",
    ),
    // MySQL and PostgreSQL.
    (
        "relay log applied, and four statements",
        "应用中继日志及四条语句",
    ),
    ("the replica's backlog", "副本的积压"),
    ("the subscriber's backlog", "订阅者的积压"),
    ("fixed in MySQL", "MySQL 中固定"),
    ("fixed in Galera", "Galera 中固定"),
    ("the member is suspected", "成员被怀疑"),
    ("the group waits for it", "组等待它"),
    ("next look at suspicions", "下次检查怀疑"),
    (
        "election, and its answer to clients",
        "选举及其对客户端的应答",
    ),
    ("backlog of the members", "成员的积压"),
    ("backlog of the nodes", "节点的积压"),
    (
        "evs.suspect_timeout {} less one keepalive, to evs.inactive_timeout {}",
        "evs.suspect_timeout {0} 减一次保活，至 evs.inactive_timeout {1}",
    ),
    ("look for silent nodes", "查找静默节点"),
    (
        "new view, and its answer to clients",
        "新视图及其对客户端的应答",
    ),
    (
        "1s at most once all log is replayed",
        "日志全部回放后至多 1s",
    ),
    (
        "a look that it applies no more, and the end of the subscription",
        "确认不再应用，并结束订阅",
    ),
    ("the leader's key expires", "领导者的键过期"),
    (
        "ttl {}, less up to loop_wait {} since it was renewed",
        "ttl {0}，减去距续期的时间（至多 loop_wait {1}）",
    ),
    ("etcd's look for expired leases", "etcd 检查过期租约"),
    ("fixed in etcd", "etcd 中固定"),
    ("race for the lead", "竞争主节点"),
    ("fixed in Patroni", "Patroni 中固定"),
    (
        "a replica that has replayed all log",
        "已回放全部日志的副本",
    ),
    ("HAProxy takes it for well", "HAProxy 认定其正常"),
    (
        "etcd elects a leader, with which every lease starts anew",
        "etcd 选举领导者，所有租约重新开始",
    ),
    ("etcd's election timeout {}", "etcd 的选举超时 {0}"),
    ("extension of the leases", "租约的延长"),
    ("one election timeout of etcd", "etcd 的一个选举超时"),
    ("HAProxy's next check", "HAProxy 的下次检查"),
    (
        "HAProxy takes it for down (reads only)",
        "HAProxy 认定其宕机（仅读取）",
    ),
    ("clients connect once more", "客户端重新连接"),
    ("their connections were ended", "其连接已被断开"),
    // Kafka.
    (
        "broker.session.timeout.ms {}, less the age of its last heartbeat, {} at most",
        "broker.session.timeout.ms {0}，减去距上次心跳的时间（至多 {1}）",
    ),
    ("the controller's next look", "控制器的下次检查"),
    ("{} looks a session", "每会话检查 {0} 次"),
    ("clients look for the leader again", "客户端重新查找领导者"),
    ("their metadata", "其元数据"),
    (
        "the broker hands its leadership over with its next heartbeat",
        "broker 随下次心跳移交领导权",
    ),
    ("another controller is elected", "选举另一控制器"),
    (
        "another controller is elected, where the replica was the active one",
        "若该副本是活动控制器，选举另一控制器",
    ),
    (
        "another controller, should that be needed",
        "另一控制器（如有需要）",
    ),
    (
        "controller.quorum.fetch.timeout.ms {}, two elections of {}, backoff <= {}",
        "controller.quorum.fetch.timeout.ms {0}，两次选举各 {1}，退避 <= {2}",
    ),
    ("the others' next heartbeat", "其他成员的下次心跳"),
    ("the members join anew", "成员重新加入"),
    ("their next poll", "其下次 poll"),
    (
        "session.timeout.ms {}, less the age of its last heartbeat, {} at most",
        "session.timeout.ms {0}，减去距上次心跳的时间（至多 {1}）",
    ),
    (
        "the broker is silent; not every broker leads a partition",
        "broker 静默；并非每个 broker 都是某个分区的领导者",
    ),
    // The reference store.
    (
        "detect {}, less the age of its last beat, {} at most",
        "detect {0}，减去距上次心跳的时间（至多 {1}）",
    ),
    ("two rounds of election", "两轮选举"),
    ("timers of the reference store", "参考存储的定时器"),
];
