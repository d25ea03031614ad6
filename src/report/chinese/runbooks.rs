//! What operators did, and how their runbooks ended.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const RUNBOOKS: &[(&str, &str)] = &[
    ("it ended as it must", "按预期结束"),
    ("{}; with people {}", "{0}；计入人员为 {1}"),
    ("it was not run", "未执行"),
    ("not done", "未完成"),
    ("not refused", "未拒绝"),
    ("not rolled-back", "未回滚"),
    ("rolled-back", "已回滚"),
    ("all its {} steps were taken", "{0} 个步骤全部执行"),
    (
        "it refused at its step {} ({}): {}",
        "在第 {0} 步（{1}）拒绝：{2}",
    ),
    (
        "its step {} ({}) failed: {}; what was done before it stays",
        "第 {0} 步（{1}）失败：{2}；此前所做的保持不变",
    ),
    (
        "its step {} ({}) failed: {}; {} undone; not undone: {}",
        "第 {0} 步（{1}）失败：{2}；已撤销 {3} 项；未撤销：{4}",
    ),
    (
        "its step {} ({}) failed: {}; {} undone",
        "第 {0} 步（{1}）失败：{2}；已撤销 {3} 项",
    ),
    ("its step {} ({}) failed: {}", "第 {0} 步（{1}）失败：{2}"),
    (
        "checked: so at {} looks in {}: {}",
        "检查：{1} 内 {0} 次查看均如此：{2}",
    ),
    ("verified: {}", "核实：{0}"),
    ("told: {}", "通知：{0}"),
    ("took the power from it", "切断其电源"),
    ("needed no fencing: it was down", "无需隔离：已停机"),
    (
        "undone: gave the power back to what was fenced",
        "撤销：恢复被隔离节点的电源",
    ),
    ("{} (declared)", "{0}（声明值）"),
    ("{}, and people {} more", "{0}，人员另需 {1}"),
    (
        "with the {} that people take, recovery takes {}",
        "计入人员所需的 {0}，恢复用时 {1}",
    ),
];
