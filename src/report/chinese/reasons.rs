//! Why a figure is missing.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const REASONS: &[(&str, &str)] = &[
    // The whole run.
    ("the clients did not start", "客户端没有启动"),
    ("no service operation was made", "没有执行任何服务操作"),
    ("{} has no operation", "{0} 没有任何操作"),
    ("there is no service lane", "没有服务通道"),
    ("there is no service write lane", "没有服务写通道"),
    ("there is no such lane", "没有这样的通道"),
    ("no disruption", "没有注入故障"),
    // Capacity and service level.
    (
        "not measured: no `capacity` step says what the stack can take",
        "未测得：没有 `capacity` 步骤说明系统的承载能力",
    ),
    (
        "not measured: the offered load of {}/s is {} % of the measured capacity of {}/s, under {} %",
        "未测得：施加的负载 {0}/s 为实测容量 {2}/s 的 {1} %，不足 {3} %",
    ),
    (
        "not measured: latencies of up to {} ms hide throughput in windows under {} s",
        "未测得：高达 {0} ms 的延迟使短于 {1} s 的窗口看不出吞吐量",
    ),
    ("the baseline has too few operations", "基线中的操作太少"),
    (
        "the baseline has only {} ok operations, under {}",
        "基线中只有 {0} 个成功操作，不足 {1} 个",
    ),
    ("too few operations after the step", "该步骤之后的操作太少"),
    (
        "too few ok operations after the step",
        "该步骤之后的成功操作太少",
    ),
    (
        "the clients stopped within W after the step",
        "客户端在该步骤之后的 W 内停止",
    ),
    // Recovery.
    (
        "{} had not recovered from an outage when the step began",
        "该步骤开始时 {0} 尚未从中断中恢复",
    ),
    (
        "{} has only {} operations in the {} s after the step, or ends within them",
        "{0} 在该步骤之后的 {2} s 内只有 {1} 个操作，或在其间结束",
    ),
    (
        "the next step struck within {} s, before {} could tell",
        "{0} s 内就执行了下一步骤，{1} 尚无法判断",
    ),
    (
        "no outage was seen: nothing had to recover",
        "没有观察到中断：无需恢复",
    ),
    ("recovery was not seen", "没有观察到恢复"),
    (
        "no answer after the outage names its node",
        "中断之后的应答都没有说明来自哪个节点",
    ),
    ("lanes came back in different ways", "各通道恢复的方式不同"),
    (
        "{} answered only just as the fault was undone: which of both brought the service back cannot be told",
        "{0} 恰在故障解除时才应答：无法判断是哪一个使服务恢复",
    ),
    ("the primary was not hit", "主节点没有受故障影响"),
    ("the old primary led again", "旧主节点再次成为主节点"),
    (
        "no probe was pinned to the old primary",
        "没有指向旧主节点的定点探针",
    ),
    (
        "no outage with a recovery was seen",
        "没有观察到已恢复的中断",
    ),
    ("probe of {}", "{0} 的探针"),
    // Redundancy.
    ("a control takes no node away", "对照运行不会使任何节点离开"),
    (
        "no step waited for redundancy after the node's return",
        "节点恢复之后没有步骤等待冗余恢复",
    ),
    (
        "no step waited for redundancy before a victim was hit again",
        "受害节点再次遭遇故障之前，没有步骤等待冗余恢复",
    ),
    ("the node's return was not seen", "没有观察到节点恢复"),
    // Consumers.
    (
        "partition {} was not watched for {} s after the event",
        "该事件之后没有对分区 {0} 观察满 {1} s",
    ),
    // Final reads.
    ("no lane writes", "没有写通道"),
    ("convergence was not reached: {}", "未能收敛：{0}"),
    ("convergence was not checked", "没有检查收敛"),
    ("final read {} failed: {}", "第 {0} 次最终读取失败：{1}"),
    ("final read {} was not made", "没有进行第 {0} 次最终读取"),
    ("the two final reads differ", "两次最终读取不一致"),
    ("not read within {}", "{0} 内没有读完"),
    ("the authority was not read", "没有读取权威数据"),
    ("the authority: {}", "权威数据：{0}"),
    (
        "no read says which version it saw",
        "没有读取说明所见的版本",
    ),
    // Consistency clients.
    ("no lane of these clients ran", "此类客户端没有任何通道运行"),
    ("operations of {} are missing", "缺少 {0} 的操作"),
    ("element {} was appended twice", "元素 {0} 被追加了两次"),
    ("the checker has no model `{}`", "检查程序没有模型 `{0}`"),
    ("the checker failed", "检查程序出错"),
    (
        "only {} transactions were acknowledged, of at least {}",
        "只有 {0} 个事务被确认，至少需要 {1} 个",
    ),
    (
        "no transaction was acknowledged after the last disruptive step",
        "最后一个故障步骤之后没有事务被确认",
    ),
    ("no transaction read an element", "没有事务读到任何元素"),
    ("a final read holds no lists", "有一次最终读取不含列表"),
    (
        "the final reads hold different lists",
        "各次最终读取的列表不同",
    ),
    ("no transfer was acknowledged", "没有转账被确认"),
    (
        "no total was read after the last disruptive step",
        "最后一个故障步骤之后没有读取总额",
    ),
    ("a final read holds no total", "有一次最终读取不含总额"),
];
