//! What was seen of a fault's effect.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const EFFECTS: &[(&str, &str)] = &[
    // Processes.
    (
        "it has ended with code {}, and said: {}",
        "它已以退出码 {0} 结束，并输出：{1}",
    ),
    (
        "left {} MiB beyond the {} MiB that it held, it has ended with code {}, out of memory by the engine's word",
        "在已占用的 {1} MiB 之外只留 {0} MiB，它已以退出码 {2} 结束，容器引擎称其内存耗尽",
    ),
    ("{} has ended with code {}", "{0} 已以退出码 {1} 结束"),
    ("{} still runs after {}", "{1} 之后 {0} 仍在运行"),
    ("{} has ended", "{0} 已结束"),
    ("{} still runs", "{0} 仍在运行"),
    ("{} itself runs on", "{0} 本身仍在运行"),
    (
        "{} itself has ended with them: {}",
        "{0} 本身也随之结束：{1}",
    ),
    ("say `kill`", "请改用 `kill`"),
    (
        "{} did not log that it plays {}",
        "{0} 的日志没有记录其模拟 {1}",
    ),
    ("{} runs on", "{0} 仍在运行"),
    ("{} has ended by it", "{0} 因此结束"),
    (
        "{} was seen ended, and runs again",
        "{0} 曾被观察到结束，现已重新运行",
    ),
    (
        "{} does not run again after {}",
        "{1} 之后 {0} 没有重新运行",
    ),
    ("{} is frozen", "{0} 已被冻结"),
    ("{} is not frozen after {}", "{1} 之后 {0} 没有被冻结"),
    (
        "{} does not answer on a new connection",
        "{0} 在新连接上没有应答",
    ),
    ("{} still answers as {}", "{0} 仍以 {1} 的身份应答"),
    ("{} is still primary", "{0} 仍是主节点"),
    ("{} is primary and no longer {}", "主节点是 {0}，不再是 {1}"),
    ("{} is primary, {} was", "{0} 是主节点，原为 {1}"),
    (
        "{} is primary, {} was asked for",
        "主节点是 {0}，要求的是 {1}",
    ),
    (
        "{} are primary, {} was asked for",
        "主节点是 {0}，要求的是 {1}",
    ),
    ("{} does not run: {}", "{0} 没有运行：{1}"),
    (
        "{} processes {} on {} have ended, {} new ones run",
        "{2} 上的 {0} 个 {1} 进程已结束，{3} 个新进程在运行",
    ),
    (
        "processes {} on {} still run after {}",
        "{2} 之后 {1} 上的 {0} 进程仍在运行",
    ),
    (
        "{} was seen dead and started again {} times, asked for every {}, seen within {}",
        "{0} 被观察到 {1} 次终止并重新启动，要求每 {2} 一次，观察用时 {3}",
    ),
    ("{} died {} times within {}", "{0} 在 {2} 内终止 {1} 次"),
    (
        "they were not started again within {}",
        "{0} 内没有重新启动",
    ),
    (
        "{} without power, asked {} s, observed {} s",
        "{0} 断电，要求 {1} s，实测 {2} s",
    ),
    ("all were started within {} ms", "{0} ms 内全部启动"),
    (
        "{} ran while it was to be without power",
        "{0} 在本应断电时仍在运行",
    ),
    (
        "{} runs again and answers at {} as before, seen after {} s",
        "{0} 重新运行，并如前在 {1} 应答，{2} s 后观察到",
    ),
    (
        "{} runs again and does not answer at {} within {}",
        "{0} 重新运行，但 {2} 内没有在 {1} 应答",
    ),
    ("{} runs again", "{0} 重新运行"),
    ("{} does not run again", "{0} 没有重新运行"),
    ("{} logged: {}", "{0} 的日志：{1}"),
    (
        "{} files and folders below {}, {} after",
        "{1} 之下原有 {0} 个文件和目录，之后剩 {2} 个",
    ),
    ("nothing below {} was deleted", "{0} 之下没有删除任何内容"),
    (
        "4 KiB of {} at {} were {} by their digest, and are {}",
        "{0} 中位于 {1} 的 4 KiB 摘要原为 {2}，现为 {3}",
    ),
    (
        "no file was damaged (code {})",
        "没有文件被损坏（退出码 {0}）",
    ),
    (
        "`{}` on {} says `{}`, and said `{}` before",
        "{1} 上的 `{0}` 显示 `{2}`，之前为 `{3}`",
    ),
    (
        "`{}` on {} says `{}` and not `{}`",
        "{1} 上的 `{0}` 显示 `{2}` 而不是 `{3}`",
    ),
    ("the command ended with code {}", "命令的退出码为 {0}"),
    // Consumers.
    ("there is no such consumer", "没有这样的消费者"),
    (
        "{} has ended, and the coordinator counts it still, one of {}: it did not leave",
        "{0} 已结束，而协调者仍将其计入 {1} 个成员之中：它没有退出",
    ),
    (
        "{} has ended, and the coordinator counts {} without it",
        "{0} 已结束，协调者不再将其计入，还有 {1} 个成员",
    ),
    (
        "the coordinator does not count {} any more",
        "协调者不再将 {0} 计入",
    ),
    ("the coordinator counts {} still", "协调者仍将 {0} 计入"),
    // Resources.
    (
        "asked {} % of a core, observed {} % while a program spins ({} % before)",
        "要求一个核的 {0} %，程序空转时实测 {1} %（之前 {2} %）",
    ),
    (
        "asked {} beyond the {} MiB that it held, observed that a program could take {} and was killed beyond ({} before)",
        "要求在已占用的 {1} MiB 之外只留 {0}，实测程序可占用 {2}，超出即被终止（之前 {3}）",
    ),
    (
        "asked {} beyond the {} MiB that it held, observed that a program could take {} and was not killed ({} before)",
        "要求在已占用的 {1} MiB 之外只留 {0}，实测程序可占用 {2}，且没有被终止（之前 {3}）",
    ),
    (
        "left {} MiB beyond the {} MiB that it held, the kernel killed nothing",
        "在已占用的 {1} MiB 之外只留 {0} MiB，内核没有终止任何进程",
    ),
    (
        "left {} MiB beyond the {} MiB that it held, and nothing says that its memory ran out: {}",
        "在已占用的 {1} MiB 之外只留 {0} MiB，没有迹象表明其内存耗尽：{2}",
    ),
    (
        "left {} MiB beyond the {} MiB that it held, the kernel killed {} of its processes",
        "在已占用的 {1} MiB 之外只留 {0} MiB，内核终止了其 {2} 个进程",
    ),
    ("the node runs on", "节点仍在运行"),
    ("the node has ended by it", "节点因此结束"),
    (
        "{} of {} processes have the limit of open files asked for",
        "{1} 个进程中 {0} 个的打开文件数限制符合要求",
    ),
    (
        "asked {}, read back {} ({} before), {} open",
        "要求 {0}，读回 {1}（之前 {2}），已打开 {3}",
    ),
    (
        "{} of {} questions on new connections got no answer, asked {}, with {} more connections held for {} descriptors left",
        "新连接上的 {1} 次询问中 {0} 次没有应答，要求 {2} 次，另占用 {3} 个连接，剩余 {4} 个描述符",
    ),
    // Clocks.
    (
        "{} tells a time {} to {} s further ahead, asked {} s",
        "{0} 的时间又超前了 {1} 至 {2} s，要求 {3} s",
    ),
    ("it was {} to {} s before", "之前为 {0} 至 {1} s"),
    (
        "{} tells its time as before, {} to {} s further ahead",
        "{0} 的时间与之前一致，又超前 {1} 至 {2} s",
    ),
    (
        "{} goes {} to {} % faster over {} s, asked {} %",
        "{0} 在 {3} s 内走快了 {1} 至 {2} %，要求 {4} %",
    ),
    ("{} does not tell its time: {}", "{0} 没有报告其时间：{1}"),
    // Certificates.
    (
        "asked for a certificate that ended at {}",
        "要求的证书于 {0} 到期",
    ),
    (
        "presented was one that ends at {} ({} before), and a new handshake was refused: {}",
        "出示的证书于 {0} 到期（之前为 {1}），新的握手被拒绝：{2}",
    ),
    (
        "presented was one that ends at {} ({} before), and a new handshake was accepted",
        "出示的证书于 {0} 到期（之前为 {1}），新的握手被接受",
    ),
    (
        "presented was one that ends at {} ({} before), and a new handshake failed otherwise: {}",
        "出示的证书于 {0} 到期（之前为 {1}），新的握手因其他原因失败：{2}",
    ),
    ("no handshake came about: {}", "没有完成握手：{0}"),
    (
        "a connection opened before answered after {} ms",
        "之前打开的连接在 {0} ms 后应答",
    ),
    (
        "a connection opened before did not answer: {}",
        "之前打开的连接没有应答：{0}",
    ),
];
