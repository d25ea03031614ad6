//! Why a drill stopped before its end.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const SENTENCES: &[(&str, &str)] = &[
    (
        "{} of the clients' operations were ok over {}, and `abort` says below {}",
        "在 {1} 内客户端操作的成功比例为 {0}，低于 `abort` 规定的 {2}",
    ),
    (
        "no operation of the clients ended over {}: no data means stop",
        "在 {0} 内没有任何客户端操作结束：没有数据即中止",
    ),
    (
        "`{}` {} before the drill began, and `abort` says that it must succeed",
        "演练开始前 `{0}` {1}，而 `abort` 规定它必须成功",
    ),
    (
        "`{}` {} and did not succeed for {}, and `abort` says that it must",
        "`{0}` {1}，并且在 {2} 内没有成功过，而 `abort` 规定它必须成功",
    ),
    ("ended with code {}", "以代码 {0} 结束"),
    ("was ended by signal {}", "被信号 {0} 结束"),
    ("gave no answer within {}", "在 {0} 内没有回答"),
    ("could not be started ({})", "无法启动（{0}）"),
    ("could not be watched ({})", "无法观察（{0}）"),
    (
        "its steps took longer than {}, as `abort` says",
        "各步骤用时超过 `abort` 规定的 {0}",
    ),
    (
        "`drdrill halt`: {}; `drdrill halt --lift` lets drills start again",
        "`drdrill halt`：{0}；`drdrill halt --lift` 之后可再次开始演练",
    ),
    ("`drdrill halt`: {}", "`drdrill halt`：{0}"),
    ("a person halted all drills", "有人中止了所有演练"),
];
