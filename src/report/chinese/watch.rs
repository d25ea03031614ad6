//! What no step of the drill caused, in Chinese.

/// English and Chinese; a number in braces is the gap of the English.
pub const WATCH: &[(&str, &str)] = &[
    (
        "nothing became of {} nodes but by the drill's steps, looked at {} times, {} ms apart at most",
        "除演练步骤外，{0} 个节点没有任何变化；共查看 {1} 次，间隔最长 {2} 毫秒",
    ),
    (
        "the watch over the nodes did not end: what became of them is unknown",
        "对节点的监视没有正常结束：节点状况未知",
    ),
    (
        "whether nodes ended by other means was not watched",
        "没有监视节点是否因其他原因结束",
    ),
    (
        "{} ended with {}, by itself: no step did it (at {} by the engine's clock); its outage counts",
        "{0} 自行结束（{1}，容器引擎时钟 {2}），并非演练步骤所致；其中断计入结果",
    ),
    (
        "{} (at {} by the engine's clock)",
        "{0}（容器引擎时钟 {1}）",
    ),
    (
        "another engine answers, from outside: no step did it",
        "应答的是另一个容器引擎，并非演练步骤所致",
    ),
    (
        "the engine was away and answers again, from outside: no step did it",
        "容器引擎曾中断，现已恢复应答，并非演练步骤所致",
    ),
    (
        "`{}`, which the faults at {} need, ended with {}, from outside: no step did it",
        "{1} 的故障注入所需的辅助容器 `{0}` 被外部结束（{2}），并非演练步骤所致",
    ),
    (
        "the client program {}, from outside: no step did it",
        "客户端程序异常（{0}），并非演练步骤所致",
    ),
    (
        "`{}` took {}, the address of {}, from outside: no step did it",
        "外部容器 `{0}` 占用了 {2} 的地址 {1}，并非演练步骤所致",
    ),
    (
        "`{}` joined the drill's network as {}, from outside: no step did it",
        "外部容器 `{0}` 以地址 {1} 加入了演练网络，并非演练步骤所致",
    ),
    (
        "{} was taken off the drill's network, from outside: no step did it",
        "{0} 被外部移出演练网络，并非演练步骤所致",
    ),
    (
        "{} was sent signal {}, from outside: no step did it",
        "{0} 收到外部发送的信号 {1}，并非演练步骤所致",
    ),
    (
        "{} ended with {}, by itself: no step did it; its outage counts",
        "{0} 自行结束（{1}），并非演练步骤所致；其中断计入结果",
    ),
    (
        "{} ended with {}, from outside: no step did it",
        "{0} 被外部结束（{1}），并非演练步骤所致",
    ),
    (
        "{} ended with {}: no step did it, and who did cannot be told",
        "{0} 结束（{1}），并非演练步骤所致，无法判断是谁所为",
    ),
    (
        "{} was frozen, from outside: no step did it",
        "{0} 被外部冻结，并非演练步骤所致",
    ),
    (
        "{} was removed, from outside: no step did it",
        "{0} 被外部移除，并非演练步骤所致",
    ),
    (
        "{} was started again, from outside: no step did it",
        "{0} 被外部重新启动，并非演练步骤所致",
    ),
    (
        "{} was let go on, from outside: no step did it",
        "{0} 被外部解除冻结，并非演练步骤所致",
    ),
    (
        "the disk under the nodes has {} KiB left, from outside: no step did it",
        "节点所在的磁盘只剩 {0} KiB，并非演练步骤所致",
    ),
    (
        "the engine did not answer ({}), from outside: no step did it",
        "容器引擎没有响应（{0}），并非演练步骤所致",
    ),
    (
        "{} ended at +{} s and nothing will start it: recovery cannot be reached",
        "{0} 已于 +{1} 秒结束，且不会再被启动：无法恢复",
    ),
    (
        "{} ended at +{} s and nothing will start it: redundancy cannot be reached",
        "{0} 已于 +{1} 秒结束，且不会再被启动：无法恢复冗余",
    ),
    (
        "{} ended at +{} s and nothing will start it: convergence cannot be reached",
        "{0} 已于 +{1} 秒结束，且不会再被启动：无法收敛",
    ),
    (
        "{} ended at +{} s and nothing will start it: nothing can be consumed",
        "{0} 已于 +{1} 秒结束，且不会再被启动：无法继续消费",
    ),
    (
        "{} ended at +{} s and nothing will start it: no alert can come",
        "{0} 已于 +{1} 秒结束，且不会再被启动：不会再有告警送达",
    ),
    (
        "{} ended at +{} s and nothing will start it: no alert can be told to be over",
        "{0} 已于 +{1} 秒结束，且不会再被启动：无法得知告警已解除",
    ),
    (
        "{} has ended and nothing will bring it back",
        "{0} 已结束，且不会再恢复",
    ),
    (
        "{} is frozen and nothing will bring it back",
        "{0} 处于冻结状态，且不会再恢复",
    ),
    (
        "the nodes could not all be seen for {} s: what became of them in that time is unknown",
        "有 {0} 秒无法查看全部节点：其间节点的变化未知",
    ),
];
