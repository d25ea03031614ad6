//! Sentences that begin with a gap and end with a common word: they come after all others.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const COMMON: &[(&str, &str)] = &[
    ("step {} ({}): {}", "步骤 {0}（{1}）：{2}"),
    ("step {} ({})", "步骤 {0}（{1}）"),
    ("{} fired", "{0} 已触发"),
    ("{} in 1 run, {}", "{0}（1 次运行），{1}"),
    ("{} in {} runs, {}", "{0}（{1} 次运行），{2}"),
    ("{} in {} runs", "{0}（{1} 次运行）"),
    ("{} in 1 run", "{0}（1 次运行）"),
    ("{} of {} operations", "{1} 个操作中的 {0} 个"),
    // Several nodes that are lost, one after another.
    (
        "{} s and nothing will start it, {} ended at +{}",
        "{0} 秒、{1} 于 +{2}",
    ),
    (
        "{} has ended and nothing will bring it back, {}",
        "{0} 已结束且不会再恢复，{1}",
    ),
    (
        "{} is frozen and nothing will bring it back, {}",
        "{0} 处于冻结状态且不会再恢复，{1}",
    ),
];
