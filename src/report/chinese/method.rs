//! How it was measured: sentences of the last section.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const METHOD: &[(&str, &str)] = &[
    ("1 write lane", "1 个写通道"),
    ("1 read lane", "1 个读通道"),
    (
        "Each lane has a connection of its own, without pool and retry, dropped at the first operation that is not ok; none connects afresh for every operation.",
        "每个通道有自己的连接，没有连接池和重试，遇到首个不成功的操作即断开；没有通道为每次操作都重新连接。",
    ),
    (
        "Each lane has a connection of its own, without pool and retry, dropped at the first operation that is not ok; {} connect afresh for every operation.",
        "每个通道有自己的连接，没有连接池和重试，遇到首个不成功的操作即断开；其中 {0} 个通道每次操作都重新连接。",
    ),
    (
        "Clients acted through a program of the user's own, a session for each lane: what it called acknowledged, and what it called certainly not done, is taken at its word.",
        "客户端通过用户自己的程序进行操作，每个通道一个会话：该程序所称的已确认与确定未执行均按其所述采信。",
    ),
    (
        "The stack ran before the drill and was set up by its owner: who leads and which settings are in force was read from it, and others may have used it meanwhile. Of its members at most {} at a time were to be out of service; what was written was removed, and the containers were compared with how they were found.",
        "系统在演练之前已在运行，由其所有者搭建：主节点和生效的设置均从系统读取，其间可能另有他人使用。同一时间最多允许 {0} 个成员停止服务；演练写入的数据已清除，并将容器与演练前的状态作了比较。",
    ),
    (
        "Loss is what was acknowledged and is absent from the final reads, taken although the members had not converged; an operation whose outcome the client does not know is never counted as loss.",
        "丢失是指已被确认而在最终读取中不存在的写入，最终读取时各成员尚未收敛；客户端不知结果的操作从不计为丢失。",
    ),
    (
        "Loss is what was acknowledged and is absent from the final reads, which were not preceded by a convergence check; an operation whose outcome the client does not know is never counted as loss.",
        "丢失是指已被确认而在最终读取中不存在的写入，最终读取之前没有检查收敛；客户端不知结果的操作从不计为丢失。",
    ),
    (
        "This is a control run: nothing was broken on purpose, so that it shows what the instrument itself does.",
        "这是对照运行：有意不注入任何故障，以显示测试程序自身的影响。",
    ),
    // A stack that several runs share.
    (
        "The stack was not brought up for this run: it is that of run {}, and this is run {} on it. It was made ready again, with the proof that a fresh one gives; drills on one stack are less independent than drills on fresh ones. Its baseline is its own first operations and {} operations that run {} lends: those that were acknowledged after its last failure.",
        "系统不是为本次运行启动的：它来自运行 {0}，这是其上的第 {1} 次运行。它已重新就绪，并与新系统一样经过证实；同一系统上的多次演练不如各用新系统的演练独立。其基线由自身最初的操作和运行 {3} 借给的 {2} 个操作组成：即在那次运行最后一次失败之后确认的操作。",
    ),
    (
        "The stack was not brought up for this run: it is that of run {}, and this is run {} on it. It was made ready again, with the proof that a fresh one gives; drills on one stack are less independent than drills on fresh ones.",
        "系统不是为本次运行启动的：它来自运行 {0}，这是其上的第 {1} 次运行。它已重新就绪，并与新系统一样经过证实；同一系统上的多次演练不如各用新系统的演练独立。",
    ),
    ("Ready again: {}.", "重新就绪：{0}。"),
    ("Ready again: {}", "重新就绪：{0}"),
    (
        "The stack stayed for the next repeat: the last run on it removes it and says what is left.",
        "系统留给下一次重复：由在其上的最后一次运行清除并说明残留。",
    ),
    // Consumers.
    (
        "{} as one group; a beat was sent to each partition every {} ms, and is late where it was not delivered within {} ms. The time of a rebalance runs from just before the injecting call to the first delivery after the last late beat, over the worst partition; the first deliveries of a record count, repeated ones are counted apart.",
        "{0}，组成一个消费者组；每 {1} ms 向每个分区发送一个心跳记录，{2} ms 内未送达即为延迟。重新平衡的时间从注入调用之前一刻起，到最后一个延迟的心跳记录之后的首次投递为止，取最差的分区；只计记录的首次投递，重复投递另行计数。",
    ),
    (
        "{} consumers share {} partitions",
        "{0} 个消费者分担 {1} 个分区",
    ),
    (
        "{} consumers share 1 partition",
        "{0} 个消费者分担 1 个分区",
    ),
    (
        "1 consumer share {} partitions",
        "1 个消费者负责 {0} 个分区",
    ),
    ("1 consumer share 1 partition", "1 个消费者负责 1 个分区"),
    // The fault: what was seen of it follows, if anything was.
    (
        "The fault was {} by {}; the injecting call took {}. Effect verified.",
        "故障为 {0}，方式为 {1}；注入调用用时 {2}。已验证生效。",
    ),
    (
        "No lane read: whether reads were served, and what they returned, is not known.",
        "没有读取通道：读取是否可用、返回了什么，均不得而知。",
    ),
    (
        "The fault was {} by {}; the injecting call took {}. Effect not verified: {}.",
        "故障为 {0}，方式为 {1}；注入调用用时 {2}。未验证生效：{3}。",
    ),
    (
        "The fault was {} by {}; the injecting call took {}. Effect not verified.",
        "故障为 {0}，方式为 {1}；注入调用用时 {2}。未验证生效。",
    ),
    (
        "The fault was {} by {}; the injecting call took {}. Nothing changed, as intended: {}.",
        "故障为 {0}，方式为 {1}；注入调用用时 {2}。如预期没有变化：{3}。",
    ),
    (
        "The fault was {} by {}; the injecting call took {}. Nothing changed, as intended.",
        "故障为 {0}，方式为 {1}；注入调用用时 {2}。如预期没有变化。",
    ),
    (
        "The fault was {} by {}; the injecting call took {}. Effect not looked at.",
        "故障为 {0}，方式为 {1}；注入调用用时 {2}。未查看效果。",
    ),
];
