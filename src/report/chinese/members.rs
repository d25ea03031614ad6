//! What members of a stack said when it was ready, redundant or converged.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const MEMBERS: &[(&str, &str)] = &[
    ("does not answer", "没有应答"),
    ("there is not exactly one primary", "主节点不是恰好一个"),
    ("there is not exactly one leader", "领导者不是恰好一个"),
    (
        "{}, and there is not exactly one primary",
        "{0}，且主节点不是恰好一个",
    ),
    ("does not follow the primary", "没有跟随主节点"),
    ("does not follow {}", "没有跟随 {0}"),
    ("it ended with code {}", "它已以退出码 {0} 结束"),
    // Redis.
    (
        "there is not exactly one primary to be in sync with",
        "没有恰好一个可与之同步的主节点",
    ),
    (
        "there is not exactly one primary to watch",
        "没有恰好一个可监视的主节点",
    ),
    (
        "primary with {} of {} replicas attached",
        "主节点，{1} 个副本中 {0} 个已连接",
    ),
    (
        "link up, {} bytes behind, priority {}",
        "链路正常，落后 {0} 字节，优先级 {1}",
    ),
    (
        "link down, {} bytes behind, priority {}",
        "链路断开，落后 {0} 字节，优先级 {1}",
    ),
    ("position {} of {}", "位置 {0} / {1}"),
    (
        "position {}, no single primary",
        "位置 {0}，没有唯一的主节点",
    ),
    (
        "knows {} replicas and can fail over",
        "知道 {0} 个副本，可以故障切换",
    ),
    ("knows {} replicas", "知道 {0} 个副本"),
    (
        "read the element that was written at {} in shard {}",
        "读到了在 {0} 写入分片 {1} 的元素",
    ),
    (
        "read the element that was written at {}",
        "读到了在 {0} 写入的元素",
    ),
    ("does not stand for election", "不参加选举"),
    ("belongs to no shard", "不属于任何分片"),
    ("shard {} has no primary", "分片 {0} 没有主节点"),
    (
        "primary of shard {} with {} of {} replicas attached",
        "分片 {0} 的主节点，{2} 个副本中 {1} 个已连接",
    ),
    (
        "replica of {} in shard {}, link up, {} bytes behind",
        "分片 {1} 中 {0} 的副本，链路正常，落后 {2} 字节",
    ),
    (
        "replica of {} in shard {}, link down, {} bytes behind",
        "分片 {1} 中 {0} 的副本，链路断开，落后 {2} 字节",
    ),
    ("takes the cluster for down", "认为集群已不可用"),
    (
        "sees {} of {} slots covered",
        "见到 {1} 个槽位中 {0} 个已覆盖",
    ),
    ("reaches {} of {} nodes", "能到达 {1} 个节点中的 {0} 个"),
    ("{} were waited out", "已等待 {0}"),
    (
        "{} were waited out: no vote and no election is held back",
        "已等待 {0}：没有投票或选举受阻",
    ),
    (
        "the last election moved the primary, or there was none: no sentinel holds the next failover back",
        "上次选举已切换主节点，或没有选举：没有 sentinel 阻碍下一次故障切换",
    ),
    // OpenSearch.
    ("knows no cluster manager", "不知道集群管理节点"),
    ("knows no primary", "不知道主分片"),
    (
        "does not know the latest cluster manager and primary",
        "不知道最新的集群管理节点与主分片",
    ),
    ("its copy is not in sync", "其分片副本未同步"),
    (
        "holds no copy, cluster manager {}",
        "没有分片副本，集群管理节点 {0}",
    ),
    (
        "primary in sync, cluster manager {}",
        "主分片已同步，集群管理节点 {0}",
    ),
    (
        "replica in sync, cluster manager {}",
        "副本分片已同步，集群管理节点 {0}",
    ),
    (
        "{} of {} copies are in sync",
        "{1} 个分片副本中有 {0} 个已同步",
    ),
    (
        "last write {}, all up to {} done",
        "最后写入 {0}，直到 {1} 全部完成",
    ),
    ("does not tell its writes", "未报告其写入"),
    ("{} of {} copies tell", "{1} 个分片副本中有 {0} 个已报告"),
    (
        "its copy has the document that was written at {}",
        "其分片副本已有在 {0} 写入的文档",
    ),
    (
        "cluster manager, apart from the primary {}",
        "集群管理节点，与主分片 {0} 不在同一节点",
    ),
    (
        "cluster manager, with the primary {}",
        "集群管理节点，与主分片 {0} 在同一节点",
    ),
    (
        "every copy is in sync, so any of them may be made primary at once",
        "每个分片副本都已同步，任一副本都可立即成为主分片",
    ),
    // etcd and MongoDB.
    ("says {}", "报告 {0}"),
    ("leads in term {}", "在任期 {0} 中领导"),
    (
        "follows the leader in term {}, {} entries behind",
        "在任期 {0} 中跟随领导者，落后 {1} 条",
    ),
    (
        "follows another one than the leader in term {}, {} entries behind",
        "在任期 {0} 中跟随的不是领导者，落后 {1} 条",
    ),
    (
        "has no leader in term {}, {} entries behind",
        "在任期 {0} 中没有领导者，落后 {1} 条",
    ),
    ("applied {}, the leader {}", "已应用 {0}，领导者 {1}"),
    ("has the key that was put at {}", "已有在 {0} 写入的键"),
    (
        "every member follows the leader in its term, so any of them may stand",
        "每个成员都在其任期内跟随领导者，任一成员都可参选",
    ),
    ("PRIMARY in term {}", "PRIMARY，任期 {0}"),
    (
        "{}, {} ms behind, seen by the primary",
        "{0}，落后 {1} ms，主节点可见",
    ),
    (
        "{}, {} ms behind, not seen by the primary",
        "{0}，落后 {1} ms，主节点不可见",
    ),
    ("{} of term {}", "{0}（任期 {1}）"),
    ("applied {}, the primary {}", "已应用 {0}，主节点 {1}"),
    (
        "read the document that was written at {}",
        "读到了在 {0} 写入的文档",
    ),
    (
        "read what was written through each router into shard {}, and nothing of another shard",
        "读到了经每个路由节点写入分片 {0} 的内容，且没有其他分片的内容",
    ),
    ("answers as a router", "以路由节点的身份应答"),
    ("no router", "没有路由节点"),
    (
        "every secondary was told that it may stand for election (replSetFreeze 0)",
        "已告知每个从节点可参加选举（replSetFreeze 0）",
    ),
    // Routes.
    ("clients are led to {} by {}", "客户端经 {1} 到达 {0}"),
    ("runs", "正在运行"),
    ("does not run", "没有运行"),
    (
        "{} at {} did not lead to {} within {}",
        "{0}（{1}）在 {3} 内没有指向 {2}",
    ),
    ("no primary answers there", "该处没有主节点应答"),
    ("{} answers there", "该处由 {0} 应答"),
    ("others may answer there too", "该处可能还有其他节点应答"),
    (
        "no primary answers where clients are led",
        "客户端所到之处没有主节点应答",
    ),
    // MySQL and PostgreSQL.
    ("takes writes", "接受写入"),
    ("no node takes writes", "没有节点接受写入"),
    (
        "`{}` and `{}` both take writes",
        "`{0}` 与 `{1}` 都接受写入",
    ),
    (
        "follows {}, IO thread {}, SQL thread {}, {} transactions behind",
        "跟随 {0}，IO 线程 {1}，SQL 线程 {2}，落后 {3} 个事务",
    ),
    ("has no group", "不在任何组中"),
    ("{} in no primary component", "{0}，不在主组件中"),
    ("counts {}: {}", "计有 {0} 个：{1}"),
    (
        "applied {}, {} fewer and {} more than {} had",
        "已应用 {0}，比 {3} 少 {1} 个、多 {2} 个",
    ),
    (
        "a row written at {} was read here, by logical replication",
        "经逻辑复制在此读到了在 {0} 写入的行",
    ),
    (
        "a row written at {} was read here",
        "在此读到了在 {0} 写入的行",
    ),
    (
        "an operator decides: nothing holds the next promotion back",
        "由操作员决定：下一次提升不受阻碍",
    ),
    (
        "an operator decides: nothing holds the next failover back",
        "由操作员决定：下一次故障切换不受阻碍",
    ),
    (
        "every member is ONLINE: nothing holds the next election back",
        "每个成员都是 ONLINE：下一次选举不受阻碍",
    ),
    (
        "every node is Synced: nothing holds the next change of members back",
        "每个节点都是 Synced：下一次成员变更不受阻碍",
    ),
    (
        "not yet: a replica confirms writes before they are acknowledged",
        "尚未：副本在写入被确认之前先行确认",
    ),
    (
        "a replica confirms writes before they are acknowledged",
        "副本在写入被确认之前先行确认",
    ),
    ("Patroni agrees to {}", "Patroni 认可 {0}"),
    ("Patroni does not agree to {}", "Patroni 不认可 {0}"),
    ("has a leader", "有领导者"),
    ("has no leader", "没有领导者"),
    (
        "leads to [{}], readers to [{}]",
        "引导到 [{0}]，读取到 [{1}]",
    ),
    ("written to {}", "已写到 {0}"),
    ("replayed to {}", "已回放到 {0}"),
    ("streams, {} bytes behind", "流复制正常，落后 {0} 字节"),
    (
        "does not stream yet, {} bytes behind",
        "尚未流复制，落后 {0} 字节",
    ),
    (
        "one loop of Patroni, {}, was waited out: the leader's lease is an ordinary one",
        "已等待 Patroni 的一个循环 {0}：主节点的租约是普通租约",
    ),
    (
        "its certificate is accepted, and valid until {}",
        "其证书被接受，有效期至 {0}",
    ),
    ("it streams by {}", "以 {0} 流复制"),
    ("subscribes, {} bytes behind", "已订阅，落后 {0} 字节"),
    (
        "has applied and confirmed the primary's log up to {}",
        "已应用并确认主节点的日志到 {0}",
    ),
    (
        "its own log is another one, so that the members are compared by their contents",
        "其自身的日志不同，因此按内容比较各成员",
    ),
    ("does not subscribe", "没有订阅"),
    ("its subscription has no worker", "其订阅没有工作进程"),
    ("copies {} tables still", "仍在复制 {0} 个表"),
    ("has confirmed nothing yet", "尚未确认任何内容"),
    ("takes nothing from the primary", "没有从主节点获取任何内容"),
    // Kafka.
    (
        "no broker names the active controller",
        "没有 broker 说明活动控制器",
    ),
    ("names no active controller", "没有说明活动控制器"),
    (
        "active controller, with the partition's leader {}",
        "活动控制器，与分区的领导者 {0} 在一起",
    ),
    (
        "active controller, apart from the partition's leader {}",
        "活动控制器，与分区的领导者 {0} 分开",
    ),
    (
        "controller {} records behind the active one",
        "控制器，落后活动控制器 {0} 条记录",
    ),
    ("no voter", "不是投票者"),
    ("knows no leader", "不知道领导者"),
    ("does not know the latest leader", "不知道最新的领导者"),
    ("is fenced", "已被隔离"),
    ("is not in sync", "未同步"),
    ("does not know who is in sync", "不知道哪些副本已同步"),
    (
        "knows a partition that nobody leads or whose replicas are not all in sync",
        "知道有分区没有领导者或副本未全部同步",
    ),
    ("registered and in sync", "已注册并同步"),
    ("does not say where its logs end", "没有说明其日志的末尾"),
    (
        "its log of each partition ends at {}",
        "其各分区日志的末尾为 {0}",
    ),
    ("in sync", "已同步"),
    (
        "its log holds the record that was written at {}",
        "其日志含有在 {0} 写入的记录",
    ),
    (
        "the controller keeps nothing of earlier failovers: a broker that is registered and in sync may lead at once",
        "控制器不保留先前的故障切换：已注册并同步的 broker 可立即成为领导者",
    ),
];
