//! The arithmetic of predicted bounds.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const BOUNDS: &[(&str, &str)] = &[
    ("low", "下限"),
    ("high", "上限"),
    // Redis, with sentinels and as a cluster.
    (
        "down-after {} - age of the last answer {}",
        "down-after {0} - 距上次应答的时间 {1}",
    ),
    (
        "down-after + ask {} + desync {} + info {} + ticks and clients {}",
        "down-after + 询问 {0} + 随机错开 {1} + INFO {2} + 定时与客户端 {3}",
    ),
    (
        "down-after + next ping {} + ask {} + desync {} + info {} + ticks and clients {}",
        "down-after + 下次 PING {0} + 询问 {1} + 随机错开 {2} + INFO {3} + 定时与客户端 {4}",
    ),
    (
        "a split vote adds up to 2 x failover-timeout {} and is not in it",
        "选票分散最多再加 2 x failover-timeout {0}，未计入",
    ),
    (
        "node timeout + next ping {} + second report {} + delay {} + random {} + ticks and clients {}",
        "节点超时 + 下次 PING {0} + 第二份报告 {1} + 延迟 {2} + 随机 {3} + 定时与客户端 {4}",
    ),
    ("node timeout {} + delay {}", "节点超时 {0} + 延迟 {1}"),
    (
        "an election that is not won adds twice its timeout, {}, and is not in it",
        "未胜出的选举再加其超时的两倍，即 {0}，未计入",
    ),
    // OpenSearch.
    (
        "its connections end, which is noticed at once",
        "其连接断开，立即被察觉",
    ),
    (
        "changes of the cluster's state {} + clients {}",
        "集群状态变更 {0} + 客户端 {1}",
    ),
    (
        "election {} + changes of the cluster's state {} + clients {}",
        "选举 {0} + 集群状态变更 {1} + 客户端 {2}",
    ),
    (
        "cluster manager checks it {} times, {} each, {} apart",
        "集群管理节点检查 {0} 次，每次 {1}，间隔 {2}",
    ),
    (
        "the others check it {} times, {} each, {} apart",
        "其他节点检查 {0} 次，每次 {1}，间隔 {2}",
    ),
    (
        "that + next check {} + changes of the cluster's state {} + clients {}",
        "以上 + 下次检查 {0} + 集群状态变更 {1} + 客户端 {2}",
    ),
    (
        "that + next check {} + election {} + the new cluster manager's own checks {} + changes of the cluster's state {} + clients {}",
        "以上 + 下次检查 {0} + 选举 {1} + 新集群管理节点自己的检查 {2} + 集群状态变更 {3} + 客户端 {4}",
    ),
    (
        "writes wait for the replica until it is left out",
        "写入等待该副本，直到它被排除",
    ),
    (
        "it may be the cluster manager, whose loss the others must notice first",
        "它可能是集群管理节点，其他节点须先察觉其丢失",
    ),
    // etcd and MongoDB.
    (
        "election timeout {} - age of the last heartbeat {} - a tick that had begun {}",
        "选举超时 {0} - 距上次心跳的时间 {1} - 已开始的定时 {2}",
    ),
    (
        "twice the election timeout, of which a member draws its own at random, + votes and first entry {} + clients {}",
        "选举超时的两倍（每个成员在其中随机取值）+ 投票与首个日志条目 {0} + 客户端 {1}",
    ),
    (
        "a split vote adds another draw and is not in it",
        "选票分散再加一次随机取值，未计入",
    ),
    (
        "the leader hands over as it ends: votes and first entry {} + clients {}",
        "领导者结束时主动移交：投票与首个日志条目 {0} + 客户端 {1}",
    ),
    (
        "electionTimeoutMillis {} - age of the last heartbeat {}",
        "electionTimeoutMillis {0} - 距上次心跳的时间 {1}",
    ),
    (
        "{} with the random part of {} + votes, catch-up and drain {} + clients {}",
        "{0}（含随机部分 {1}）+ 投票、追赶与排空 {2} + 客户端 {3}",
    ),
    (
        "a split vote adds another election timeout and is not in it",
        "选票分散再加一次选举超时，未计入",
    ),
    (
        "the role is handed over at once: votes, catch-up and drain {} + clients {}",
        "角色立即移交：投票、追赶与排空 {0} + 客户端 {1}",
    ),
    (
        "routers look for the new primary every {}",
        "路由节点每 {0} 查找新的主节点",
    ),
    (
        "a config server, or a member that leads no shard: no outage is expected",
        "配置服务器，或不是任何分片主节点的成员：预期没有中断",
    ),
    (
        "a router: its clients ask another one {}",
        "路由节点：其客户端改问另一个 {0}",
    ),
    // MySQL and PostgreSQL.
    (
        "nothing fails over by itself: the operator's own time + the relay log applied + four statements [0.02 s, without an upper bound from any setting]",
        "不会自动故障切换：操作员自己的时间 + 应用中继日志 + 四条语句 [0.02 s，没有配置给出上限]",
    ),
    (
        "suspicion {} + member_expel_timeout {} + look at suspicions {} + election and its answer to clients {}",
        "怀疑 {0} + member_expel_timeout {1} + 检查怀疑 {2} + 选举及其对客户端的应答 {3}",
    ),
    (
        "silence [evs.suspect_timeout {} - one keepalive, evs.inactive_timeout {}] + look for silent nodes {} + new view and its answer to clients {}",
        "静默 [evs.suspect_timeout {0} - 一次保活，evs.inactive_timeout {1}] + 查找静默节点 {2} + 新视图及其对客户端的应答 {3}",
    ),
    (
        "nothing fails over by itself: the operator's own time + promotion [0.1 s, 1 s with all log replayed] + one connection",
        "不会自动故障切换：操作员自己的时间 + 提升 [0.1 s，日志全部回放时 1 s] + 一次连接",
    ),
    (
        "nothing fails over by itself: the operator's own time + a look that the subscriber applies no more, {} + the end of the subscription + one connection",
        "不会自动故障切换：操作员自己的时间 + 确认订阅者不再应用 {0} + 结束订阅 + 一次连接",
    ),
    (
        "without an upper bound from any setting",
        "没有配置给出上限",
    ),
    (
        "left of the lease [ttl {} - loop_wait {}, ttl] + {}",
        "租约的剩余时间 [ttl {0} - loop_wait {1}, ttl] + {2}",
    ),
    (
        "etcd elects a leader {}, which starts every lease anew: ttl {} + extension {} + etcd's look {}",
        "etcd 选举领导者 {0}，所有租约重新开始：ttl {1} + 延长 {2} + etcd 检查{3}",
    ),
    (
        "etcd's look for expired leases {} + race for the lead {} + promotion {} + HAProxy, rise {} x inter {}",
        "etcd 检查过期租约 {0} + 竞争主节点 {1} + 提升 {2} + HAProxy，rise {3} x inter {4}",
    ),
    (
        "for expired leases {} + race for the lead {} + promotion {} + HAProxy, rise {} x inter {}",
        "过期租约 {0} + 竞争主节点 {1} + 提升 {2} + HAProxy，rise {3} x inter {4}",
    ),
    (
        "reads only: next check {} + fall {} x (inter {} + answer {}) + reconnecting {}",
        "仅读取：下次检查 {0} + fall {1} x（inter {2} + 应答 {3}）+ 重新连接 {4}",
    ),
    // Kafka.
    (
        "session {} - age of the last heartbeat {}",
        "会话 {0} - 距上次心跳的时间 {1}",
    ),
    (
        "session + next look {} + clients {} + another controller: fetch timeout {} + two elections of {} + backoff {}, after which every session begins anew",
        "会话 + 下次检查 {0} + 客户端 {1} + 另一控制器：拉取超时 {2} + 两次选举各 {3} + 退避 {4}，之后所有会话重新开始",
    ),
    (
        "session + next look {} + clients {}",
        "会话 + 下次检查 {0} + 客户端 {1}",
    ),
    (
        "the broker hands its leadership over before it ends: high: next heartbeat {} + clients {}",
        "broker 结束之前移交领导权：上限：下次心跳 {0} + 客户端 {1}",
    ),
    (
        "writes wait for the replica until it is fenced: low: session {} - age of the last heartbeat {}",
        "写入等待该副本，直到它被隔离：下限：会话 {0} - 距上次心跳的时间 {1}",
    ),
    (
        "where it is the active controller, + fetch timeout {} + two elections of {} + backoff {}",
        "若它是活动控制器，再加拉取超时 {0} + 两次选举各 {1} + 退避 {2}",
    ),
    (
        "session + the others' next heartbeat {} + clients {}",
        "会话 + 其他成员的下次心跳 {0} + 客户端 {1}",
    ),
    (
        "the others' next heartbeat {} + clients {}",
        "其他成员的下次心跳 {0} + 客户端 {1}",
    ),
    (
        "the brokers' session - age of the last heartbeat",
        "broker 的会话 - 距上次心跳的时间",
    ),
    (
        "not every broker leads a partition",
        "并非每个 broker 都是某个分区的领导者",
    ),
    (
        "the brokers' session {} + next look + clients {} + another controller {}, should that be needed",
        "broker 的会话 {0} + 下次检查 + 客户端 {1} + 另一控制器 {2}（如有需要）",
    ),
    // The reference store.
    ("detection time less one heartbeat", "检测时间减去一次心跳"),
    ("plus two rounds of election", "加上两轮选举"),
];
