//! What operators did, and how their runbooks ended.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const RUNBOOKS: &[(&str, &str)] = &[
    ("it ended as it must", "按预期结束"),
    ("{}; with people {}", "{0}；计入人员为 {1}"),
    ("it was not run", "未执行"),
    (
        "`{}` on {} has no undo: what it did stays",
        "{1} 上的 `{0}` 没有撤销命令：其结果保留",
    ),
    (
        "its step {} ({}) was cut off at its deadline: what it did stays",
        "第 {0} 步（{1}）超时中断：其结果保留",
    ),
    (
        "nothing undoes the promotion and what was done before it",
        "提升及此前所做的无法撤销",
    ),
    ("`{}` on {} took longer than {}", "{1} 上的 `{0}` 超过 {2}"),
    ("it took longer than {}", "超过 {0}"),
    ("on {} it ended with code {}", "在 {0} 上以退出码 {1} 结束"),
    (
        "on {} it said `{}` and not `{}`",
        "在 {0} 上输出 `{1}` 而非 `{2}`",
    ),
    (
        "ran `{}`: code {}, said `{}`",
        "执行 `{0}`：退出码 {1}，输出 `{2}`",
    ),
    (
        "no member says that it is primary: {}",
        "没有成员自称主节点：{0}",
    ),
    (
        "no member says that it is a replica: {}",
        "没有成员自称副本：{0}",
    ),
    ("{} says that it is primary", "{0} 自称主节点"),
    ("{} says that it is a replica", "{0} 自称副本"),
    ("{} alone is primary", "只有 {0} 是主节点"),
    ("what was done before it stays", "此前所做的保持不变"),
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
    ("fenced it (power off)", "将其隔离（断电）"),
    ("needed no fencing: it was down", "无需隔离：已停机"),
    (
        "undone: power on for what was fenced",
        "撤销：恢复被隔离节点的电源",
    ),
    ("{} (declared)", "{0}（声明值）"),
    ("{}, and people {} more", "{0}，人员另需 {1}"),
    (
        "with the {} that people take, recovery takes {}",
        "计入人员所需的 {0}，恢复用时 {1}",
    ),
];
