//! What was seen of faults of streams and of disks.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const STREAMS: &[(&str, &str)] = &[
    // Streams.
    ("clients of {} through the proxy", "经代理访问 {0} 的客户端"),
    ("followers of {} through the proxy", "经代理跟随 {0} 的节点"),
    (
        "{} other proxies answer as before",
        "其他 {0} 个代理如前应答",
    ),
    (
        "proxy {}, which was not meant: {}",
        "代理 {0}，本不在范围内：{1}",
    ),
    (
        "it took {} before: too long to tell",
        "之前用时 {0}：太长，无法判断",
    ),
    (
        "asked {}, observed {} on {} of {} connections of before and {} of {} new ones, {} of them not as asked, {} of them neither so nor as before",
        "要求 {0}，在 {3} 个之前的连接中的 {2} 个和 {5} 个新连接中的 {4} 个上实测 {1}，其中 {6} 个不符合要求，{7} 个既不符合要求也不如前",
    ),
    (
        "asked {}, observed {} on {} of {} connections of before and {} of {} new ones, {} of them not as asked",
        "要求 {0}，在 {3} 个之前的连接中的 {2} 个和 {5} 个新连接中的 {4} 个上实测 {1}，其中 {6} 个不符合要求",
    ),
    (
        "asked {}, observed {} on {} of {} connections of before and {} of {} new ones, {} of them neither so nor as before",
        "要求 {0}，在 {3} 个之前的连接中的 {2} 个和 {5} 个新连接中的 {4} 个上实测 {1}，其中 {6} 个既不符合要求也不如前",
    ),
    (
        "asked {}, observed {} on {} of {} connections of before and {} of {} new ones",
        "要求 {0}，在 {3} 个之前的连接中的 {2} 个和 {5} 个新连接中的 {4} 个上实测 {1}",
    ),
    (
        "asked {}, observed on {} of {} connections of before and {} of {} new ones, {} of them neither so nor as before",
        "要求 {0}，在 {2} 个之前的连接中的 {1} 个和 {4} 个新连接中的 {3} 个上观察到，其中 {5} 个既不符合要求也不如前",
    ),
    (
        "asked {}, observed on {} of {} connections of before and {} of {} new ones",
        "要求 {0}，在 {2} 个之前的连接中的 {1} 个和 {4} 个新连接中的 {3} 个上观察到",
    ),
    ("{} for {} % of connections", "{0}（{1} % 的连接）"),
    (
        "a request that took {} more ({} to {}, {} before)",
        "请求多用 {0}（{1} 至 {2}，之前 {3}）",
    ),
    (
        "{} bytes in {} pieces of at most {} ({} to {}, {} before)",
        "{0} 字节分为 {1} 块，每块至多 {2}（{3} 至 {4}，之前 {5}）",
    ),
    (
        "an end after {} ({} to {}, {} before)",
        "{0} 后结束（{1} 至 {2}，之前 {3}）",
    ),
    (
        "{} reset and {} closed of before and {} reset and {} closed new ones, after {} to {} bytes down and requests of {} to {} bytes answered,",
        "之前的连接重置 {0} 个、关闭 {1} 个，新连接重置 {2} 个、关闭 {3} 个，下行 {4} 至 {5} 字节、已应答 {6} 至 {7} 字节的请求之后",
    ),
    (
        "{} reset and {} closed of before and {} reset and {} closed new ones, after {} to {},",
        "之前的连接重置 {0} 个、关闭 {1} 个，新连接重置 {2} 个、关闭 {3} 个，历时 {4} 至 {5}",
    ),
    (
        "a median of {} more ({} to {}, {} before)",
        "中位数多 {0}（{1} 至 {2}，之前 {3}）",
    ),
    (
        "{} Mbit/s ({} to {}, {} before)",
        "{0} Mbit/s（{1} 至 {2}，之前 {3}）",
    ),
    ("no byte within {}", "{0} 内没有字节"),
    // What was asked of streams: a kind and a direction.
    ("{} ms and {} ms jitter down", "下行 {0} ms 及 {1} ms 抖动"),
    ("{} ms and {} ms jitter up", "上行 {0} ms 及 {1} ms 抖动"),
    (
        "{} ms and {} ms jitter both ways",
        "双向 {0} ms 及 {1} ms 抖动",
    ),
    ("{} Mbit/s down", "下行 {0} Mbit/s"),
    ("{} Mbit/s up", "上行 {0} Mbit/s"),
    ("{} Mbit/s both ways", "双向 {0} Mbit/s"),
    ("an end {} ms late down", "下行晚 {0} ms 结束"),
    ("an end {} ms late up", "上行晚 {0} ms 结束"),
    ("an end {} ms late both ways", "双向晚 {0} ms 结束"),
    (
        "silence and an end after {} ms down",
        "下行静默并在 {0} ms 后结束",
    ),
    (
        "silence and an end after {} ms up",
        "上行静默并在 {0} ms 后结束",
    ),
    (
        "silence and an end after {} ms both ways",
        "双向静默并在 {0} ms 后结束",
    ),
    (
        "pieces of at most {} bytes, {} ms apart down",
        "下行每块至多 {0} 字节、间隔 {1} ms",
    ),
    (
        "pieces of at most {} bytes, {} ms apart up",
        "上行每块至多 {0} 字节、间隔 {1} ms",
    ),
    (
        "pieces of at most {} bytes, {} ms apart both ways",
        "双向每块至多 {0} 字节、间隔 {1} ms",
    ),
    ("an end after {} bytes down", "下行 {0} 字节后结束"),
    ("an end after {} bytes up", "上行 {0} 字节后结束"),
    ("an end after {} bytes both ways", "双向 {0} 字节后结束"),
    (
        "a reset {} ms after the first bytes down",
        "下行首批字节之后 {0} ms 重置",
    ),
    (
        "a reset {} ms after the first bytes up",
        "上行首批字节之后 {0} ms 重置",
    ),
    (
        "a reset {} ms after the first bytes both ways",
        "双向首批字节之后 {0} ms 重置",
    ),
    ("silence down", "下行静默"),
    ("silence up", "上行静默"),
    ("silence both ways", "双向静默"),
    // Disks.
    (
        "asked {} ms more for each {}, observed {} ms (a median of {} tries",
        "要求每次 {1} 多 {0} ms，实测 {2} ms（{3} 次尝试的中位数",
    ),
    ("{} ms before)", "之前 {0} ms）"),
    (
        "{} was not meant, and takes {} ms more",
        "{0} 不在范围内，多用 {1} ms",
    ),
    (
        "asked {} % of errors for {}, of {} tries to {} failed: {}",
        "要求 {1} 的错误率为 {0} %，{2} 次 {3} 尝试中失败：{4}",
    ),
    (
        "of {} tries to write what needs more room failed: {}",
        "{0} 次需要更多空间的写入尝试中失败：{1}",
    ),
    (
        "of {} tries to write over what is there failed: {}",
        "{0} 次覆盖已有内容的写入尝试中失败：{1}",
    ),
    ("of {} tries to {} failed: {}", "{0} 次 {1} 尝试中失败：{2}"),
    (
        "{} MiB free, by the file system's own word ({} MiB before)",
        "文件系统报告剩余 {0} MiB（之前 {1} MiB）",
    ),
    (
        "asked {} KiB of room: {} KiB could be written ({}), {} KiB of it were taken by the server before, {} KiB are free by the file system's own word",
        "要求留出 {0} KiB 空间：可写入 {1} KiB（{2}），其中 {3} KiB 之前已被服务器占用，文件系统报告剩余 {4} KiB",
    ),
    (
        "before the fault {} KiB could be written ({})",
        "故障之前可写入 {0} KiB（{1}）",
    ),
    ("no end was seen", "没有观察到尽头"),
    (
        "before the fault, what was written was below at once: yes",
        "故障之前，写入的内容立即落到下层：是",
    ),
    (
        "before the fault, what was written was below at once: no",
        "故障之前，写入的内容立即落到下层：否",
    ),
    ("now, before it is synced: yes", "现在，同步之前：是"),
    ("now, before it is synced: no", "现在，同步之前：否"),
    ("now, once it is synced: yes", "现在，同步之后：是"),
    ("now, once it is synced: no", "现在，同步之后：否"),
    (
        "before the fault, what was written was below at once: it was not to be seen",
        "故障之前，写入的内容是否立即落到下层：无法观察",
    ),
    (
        "now, before it is synced: it was not to be seen",
        "现在，同步之前：无法观察",
    ),
    (
        "now, once it is synced: it was not to be seen",
        "现在，同步之后：无法观察",
    ),
    (
        "nobody looked how much can be written",
        "没有查看可写入多少",
    ),
    (
        "writing on and on was refused with {}",
        "持续写入被拒绝：{0}",
    ),
    ("{} with EIO", "{0} 次 EIO"),
    ("{} with ENOSPC", "{0} 次 ENOSPC"),
    ("{} with EROFS", "{0} 次 EROFS"),
    ("{} with EDQUOT", "{0} 次 EDQUOT"),
];
