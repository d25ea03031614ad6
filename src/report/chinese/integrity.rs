//! What the checkers say of the data: lost, wrong and contradictory elements.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const INTEGRITY: &[(&str, &str)] = &[
    ("the authority could not be read", "无法读取权威数据"),
    ("and {} more", "还有 {0} 项"),
    ("lane {} #{}: {} times", "通道 {0} #{1}：{2} 次"),
    ("lane {} #{}", "通道 {0} #{1}"),
    // Exposure and loss.
    (
        "no write was acknowledged in the {} before the fault",
        "故障前 {0} 内没有确认任何写入",
    ),
    (
        "the last of {} writes in the {} before the fault is older than two write periods",
        "故障前 {1} 内 {0} 个写入中的最后一个早于两个写入周期",
    ),
    (
        "the last of 1 write in the {} before the fault is older than two write periods",
        "故障前 {0} 内仅有的 1 个写入早于两个写入周期",
    ),
    (
        "1 write acknowledged in the {} before the fault",
        "故障前 {0} 内确认了 1 个写入",
    ),
    (
        "{} of {} acknowledged writes lost, the oldest {} before the fault",
        "{1} 个已确认的写入丢失 {0} 个，最早的在故障前 {2}",
    ),
    (
        "{} writes lost by step {}, the oldest {} before it",
        "步骤 {1} 丢失 {0} 个写入，最早的在其前 {2}",
    ),
    (
        "1 write lost by step {}, the oldest {} before it",
        "步骤 {0} 丢失 1 个写入，最早的在其前 {1}",
    ),
    ("no target says how many may be", "没有目标规定允许丢失多少"),
    ("not beyond the target", "未超出目标"),
    (
        "{} lost writes older than a surviving one of the same lane: not mere lag",
        "{0} 个丢失的写入早于同通道保留的写入：不只是复制延迟",
    ),
    (
        "1 lost write older than a surviving one of the same lane: not mere lag",
        "1 个丢失的写入早于同通道保留的写入：不只是复制延迟",
    ),
    // Split brain.
    (
        "two primaries were not looked for: no write to a node by itself was acknowledged, and answers do not name the primary that took a write",
        "没有查找双主：没有任何对单个节点的写入得到确认，应答也不说明由哪个主节点接受写入",
    ),
    (
        "{} and {} acknowledged writes in turns for at least {}",
        "{0} 与 {1} 交替确认写入，至少持续 {2}",
    ),
    (
        "1 write acknowledged after the fault and lost",
        "故障之后确认并丢失的写入：1 个",
    ),
    // Elements that are wrong.
    ("{} elements corrupt", "{0} 个元素损坏"),
    ("1 element corrupt", "1 个元素损坏"),
    (
        "{} elements present and never attempted, but the history is incomplete",
        "{0} 个元素从未发出却存在，但操作历史不完整",
    ),
    (
        "1 element present and never attempted, but the history is incomplete",
        "1 个元素从未发出却存在，但操作历史不完整",
    ),
    (
        "{} elements present and never attempted",
        "{0} 个元素从未发出却存在",
    ),
    (
        "1 element present and never attempted",
        "1 个元素从未发出却存在",
    ),
    (
        "{} elements present more than once, though repeating an append must leave one",
        "{0} 个元素存在多次，而重复追加本应只留下一个",
    ),
    (
        "1 element present more than once, though repeating an append must leave one",
        "1 个元素存在多次，而重复追加本应只留下一个",
    ),
    ("{} elements present more than once", "{0} 个元素存在多次"),
    ("1 element present more than once", "1 个元素存在多次"),
    (
        "clients may repeat appends here: counted, not judged",
        "此处客户端可能重复追加：只计数，不判定",
    ),
    ("the stack is not known", "系统未知"),
    (
        "{} elements present though the client was told that it had not been applied",
        "{0} 个元素存在，而客户端被告知其未被写入",
    ),
    (
        "1 element present though the client was told that it had not been applied",
        "1 个元素存在，而客户端被告知其未被写入",
    ),
    // Members that differ.
    ("{} could not be read: {}", "无法读取 {0}：{1}"),
    (
        "{} lacks {} elements and has {} others",
        "{0} 缺少 {1} 个元素，多出 {2} 个",
    ),
    (
        "{} holds the same elements, repeated or corrupt in another way",
        "{0} 的元素相同，但重复或损坏的情况不同",
    ),
    ("no member was read by itself", "没有单独读取任何成员"),
    ("1 member hold the same data", "1 个成员的数据相同"),
    // Consistency clients.
    ("there are no such clients", "没有此类客户端"),
    ("no target says what must hold", "没有目标规定应满足什么"),
    (
        "1 read showed another total of {} accounts than they held at first",
        "1 次读取见到的 {0} 个账户的总额与最初不同",
    ),
    (
        "a final read held a total of {} instead of {}",
        "一次最终读取的总额为 {0}，应为 {1}",
    ),
    (
        "{} showed a total of {} instead of {}",
        "{0}读到的总额为 {1}，应为 {2}",
    ),
    // What is wrong with registers.
    (
        "register {} was not read after the last disruptive step",
        "最后一个故障步骤之后没有读取寄存器 {0}",
    ),
    ("register {}: {}", "寄存器 {0}：{1}"),
    (
        "{} showed a value that was only sent afterwards, by {}",
        "{0}读到了之后才由 {1}发出的值",
    ),
    (
        "the {} and the {} were there by turns: {}",
        "{0}与 {1}交替出现：{2}",
    ),
    ("the {} was there and then gone: {}", "{0}出现后又消失：{1}"),
    ("the {} was there and then gone", "{0}出现后又消失"),
    (
        "before and after that the {} was there: {}",
        "在其前后都是{0}：{1}",
    ),
    ("value of the beginning", "初始值"),
    ("value of {}", "{0} 的值"),
    (
        "{} showed the value of {}, which was written to another register",
        "{0}读到了 {1} 的值，而它写入的是另一个寄存器",
    ),
    (
        "{} showed the value of {}, which had been refused",
        "{0}读到了 {1} 的值，而该写入已被拒绝",
    ),
    (
        "{} showed {}, which nobody wrote",
        "{0}读到了无人写入的 {1}",
    ),
    // What is wrong with transactions on lists.
    ("{}, which closes the circle", "{0}，由此成环"),
    (
        "{}, and {} more to the first again",
        "{0}，再经 {1} 个事务回到第一个",
    ),
    ("{} appended to {} before {}", "{0}先于 {2}追加到{1}"),
    (
        "{} appended to {} what {} read",
        "{0}追加到{1} 的内容被 {2}读到",
    ),
    (
        "{} read {} without the append of {}",
        "{0}读取{1} 时没有见到 {2}的追加",
    ),
    ("{} had ended before {} was sent", "{0}在 {1}发出之前已结束"),
    (
        "the first read in {} what the second appended, which was refused",
        "第一个在{0} 中读到了第二个被拒绝的追加",
    ),
    (
        "the first read {} as it was between two appends of the second",
        "第一个读到了{0} 在第二个的两次追加之间的状态",
    ),
    (
        "it read {} otherwise than its own steps before had left it",
        "它读到的{0} 与自己先前步骤留下的不同",
    ),
    (
        "it read in {} what it appended only afterwards",
        "它在{0} 中读到了自己之后才追加的内容",
    ),
    ("it read an element of {} twice", "它两次读到{0} 的同一元素"),
    (
        "{} was read in two ways of which neither is the beginning of the other",
        "{0} 被读到两种状态，彼此都不是对方的前缀",
    ),
    (
        "the second appended to {} after an element of the first, which was refused",
        "第二个在{0} 中追加于第一个被拒绝的元素之后",
    ),
    (
        "each read {} as the others did and then appended to it",
        "各自读到同样的{0}，然后都向其追加",
    ),
    ("they depend on each other in a circle", "它们的依赖成环"),
    (
        "it appended {} to list {}, which no final read holds there",
        "它向列表 {1} 追加了 {0}，而最终读取中都没有",
    ),
    (
        "it read {} in list {}, to which nobody appended it",
        "它在列表 {1} 中读到了无人追加的 {0}",
    ),
    ("a list", "某个列表"),
    ("list {}", "列表 {0}"),
    // Operations in words.
    ("the beginning and {}", "初始状态与 {0}"),
    ("the beginning", "初始状态"),
    ("an operation", "某个操作"),
    ("the final read and {}", "最终读取与 {0}"),
    ("the final read", "最终读取"),
    (
        "{} #{} ({}, sent {}, done {}) and {}",
        "{0} #{1}（{2}，{3} 发出，{4} 完成）与 {5}",
    ),
    (
        "{} #{} ({}, sent {}, done {})",
        "{0} #{1}（{2}，{3} 发出，{4} 完成）",
    ),
    (
        "{} #{} acknowledged by {} at {}",
        "{0} #{1} 由 {2} 在 {3} 确认",
    ),
    ("{} #{} acknowledged at {}", "{0} #{1} 在 {2} 确认"),
    ("acknowledged by {}", "由 {0} 确认"),
    ("read by {}", "由 {0} 读取"),
    ("refused by {}", "被 {0} 拒绝"),
    ("not known to be committed by {}", "不知 {0} 是否提交"),
    ("not known to be applied by {}", "不知 {0} 是否生效"),
    ("read", "读取"),
    ("refused", "被拒绝"),
    ("not known to be committed", "不知是否提交"),
    ("not known to be applied", "不知是否生效"),
];
