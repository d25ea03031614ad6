//! What became of the data: the sentence and the tables.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const LOSS: &[(&str, &str)] = &[
    ("Loss was not measured.", "没有测量数据丢失。"),
    ("Loss was not measured: {}.", "没有测得数据丢失：{0}。"),
    ("Loss was not measured: {}", "没有测得数据丢失：{0}"),
    (
        "No loss: none of 1 acknowledged write is lost.",
        "无丢失：1 个已确认的写入得以保留。",
    ),
    (
        "{} of {} acknowledged writes lost by a step after the fault.",
        "{1} 个已确认的写入中 {0} 个因故障之后的步骤丢失。",
    ),
    (
        "{} of {} acknowledged writes lost to a second primary after the fault.",
        "{1} 个已确认的写入中 {0} 个因故障之后的第二主节点丢失。",
    ),
    (
        "{} of {} acknowledged writes lost from before the fault, and {} to a second primary after it.",
        "{1} 个已确认的写入中 {0} 个在故障之前发出而丢失，{2} 个因其后的第二主节点丢失。",
    ),
    // Rows of the counts.
    (
        "age of the oldest of them at the fault, {}",
        "其中最早者在故障时的年龄，{0}",
    ),
    (
        "lost, sent after the fault, {}",
        "丢失，在故障之后发出，{0}",
    ),
    (
        "of the old primary's log beyond its successor's, in the engine's unit; at most: {}",
        "旧主节点的日志超出其继任者的部分，以引擎的单位计；至多：{0}",
    ),
    ("lost later", "之后丢失"),
    (
        "lost by step {}, up to {} old",
        "因步骤 {0} 丢失，最早的在其前 {1} 以内",
    ),
    ("two primaries", "双主"),
    ("seen", "已观察到"),
    (
        "{} and {} acknowledged probes at once, {}",
        "{0} 与 {1} 同时确认了探针，{2}",
    ),
    (
        "writes acknowledged in the {} before the fault, the last more than two write periods old",
        "故障前 {0} 内确认的写入，最后一个早于两个写入周期",
    ),
    (
        "failed, and yet present: {} and {} more",
        "失败却存在：{0} 等，另有 {1} 个",
    ),
    (
        "never attempted, and present: {} and {} more",
        "凭空出现（从未发出却存在）：{0} 等，另有 {1} 个",
    ),
    (
        "present more than once: {} and {} more",
        "存在多次：{0} 等，另有 {1} 个",
    ),
    (
        "checksum differs: {} and {} more",
        "校验和不符：{0} 等，另有 {1} 个",
    ),
    (
        "lost, while a later acknowledged write of the lane survives: {} and {} more",
        "丢失，而同一通道更晚确认的写入仍在：{0} 等，另有 {1} 个",
    ),
    // The lost writes.
    ("write", "写入"),
    ("sent", "发出"),
    ("by", "确认者"),
    ("kind", "类别"),
    ("before the fault", "故障之前"),
    ("second primary", "第二主节点"),
    ("a later step", "之后的步骤"),
    ("not named", "未说明"),
];
