//! Backups and restores.

/// Sentences on what was restored.
pub const RESTORES: &[(&str, &str)] = &[
    ("make a backup", "制作备份"),
    (
        "restore beside the service, to before-mistake",
        "在服务旁恢复到误操作之前",
    ),
    (
        "restore beside the service, to {} ago",
        "在服务旁恢复到 {0} 之前",
    ),
    ("keeps backups", "保存备份"),
    (
        "latency, 95 % interval [{}, {}]; median {} before and {} while it was made, 99th percentile {} and {}; {} of {} operations not ok",
        "延迟，95 % 区间 [{0}, {1}]；中位数备份前 {2}，备份期间 {3}；第 99 百分位 {4} 与 {5}；{7} 个操作中 {6} 个未成功",
    ),
    (
        "the clients had not run as long before it",
        "此前客户端运行的时间不够长",
    ),
    ("something else happened meanwhile", "其间还发生了别的事件"),
    (
        "only {} ok operations to compare, under {}",
        "可比较的成功操作只有 {0} 个，少于 {1} 个",
    ),
    (
        "the backup was restored to just before the mistake within {}, and held all {} writes acknowledged before it",
        "备份在 {0} 内恢复到误操作之前，此前已确认的 {1} 个写入全部存在",
    ),
    (
        "the backup was restored to just before the mistake within {}, and lacks {} of the {} writes acknowledged before it",
        "备份在 {0} 内恢复到误操作之前，此前已确认的 {2} 个写入中缺少 {1} 个",
    ),
    (
        "the backup was restored to just before the mistake within {}, and lacks {} of the {} writes acknowledged before it, and the harm itself",
        "备份在 {0} 内恢复到误操作之前，此前已确认的 {2} 个写入中缺少 {1} 个，误操作的损害也在其中",
    ),
    (
        "the backup was restored to just before the mistake within {}, and held all {} writes acknowledged before it, and holds {} of after it",
        "备份在 {0} 内恢复到误操作之前，此前已确认的 {1} 个写入全部存在，另有 {2} 个此后的写入",
    ),
    (
        "the backup was restored to just before the mistake within {}, and lacks {} of the {} writes acknowledged before it, and holds {} of after it",
        "备份在 {0} 内恢复到误操作之前，此前已确认的 {2} 个写入中缺少 {1} 个，另有 {3} 个此后的写入",
    ),
    (
        "the backup was restored to what it was {} before within {}, and held all {} writes acknowledged before it",
        "备份在 {1} 内恢复到 {0} 之前，此前已确认的 {2} 个写入全部存在",
    ),
    (
        "the backup was restored to what it was {} before within {}, and lacks {} of the {} writes acknowledged before it",
        "备份在 {1} 内恢复到 {0} 之前，此前已确认的 {3} 个写入中缺少 {2} 个",
    ),
    (
        "the backup was restored to the latest point within {}, and held all {} writes acknowledged before it",
        "备份在 {0} 内恢复到最新时间点，此前已确认的 {1} 个写入全部保留",
    ),
    (
        "the backup was restored to the latest point within {}, and lacks {} of the {} writes acknowledged before it, the oldest {} older than the last one",
        "备份在 {0} 内恢复到最新时间点，此前已确认的 {2} 个写入中缺少 {1} 个，最早的一个比最后一个写入早 {3}",
    ),
    (
        "the backup was not restored to the latest point: {}",
        "备份未能恢复到最新时间点：{0}",
    ),
    (
        "no write was acknowledged before the restore",
        "恢复开始之前没有已确认的写入",
    ),
    (
        "restore beside the service, to latest",
        "在服务之外恢复到最新时间点",
    ),
    (
        "the backup was not restored to just before the mistake: {}",
        "备份未能恢复到误操作之前：{0}",
    ),
    (
        "the backup was not restored to what it was {} before: {}",
        "备份未能恢复到 {0} 之前：{1}",
    ),
    ("nobody saw the log being kept", "没有观察到日志的保存"),
    (
        "nobody saw the log being kept while the drill's steps were taken",
        "执行演练步骤期间没有观察到日志的保存",
    ),
    (
        "the backup was restored to just before the mistake within {}, and lacks {} of the {} writes acknowledged before it, and holds {} of after it, and the harm itself",
        "备份在 {0} 内恢复到误操作之前，此前已确认的 {2} 个写入中缺少 {1} 个，另有 {3} 个此后的写入，误操作的损害也在其中",
    ),
    (
        "the backup was restored to what it was {} before within {}, and lacks {} of the {} writes acknowledged before it, and the harm itself",
        "备份在 {1} 内恢复到 {0} 之前，此前已确认的 {3} 个写入中缺少 {2} 个，误操作的损害也在其中",
    ),
    (
        "the mistake's harm could not be looked for: {}",
        "无法查看误操作的损害：{0}",
    ),
    ("present", "存在"),
    ("absent", "不存在"),
    ("not looked for", "未查看"),
    ("not made", "未制作"),
    (
        "base backup {}, {} MiB, verified by its manifest",
        "基础备份 {0}，{1} MiB，已按清单校验",
    ),
    ("base backup {}, {} MiB", "基础备份 {0}，{1} MiB"),
    (
        "no backup was complete before the point",
        "恢复点之前没有完整的备份",
    ),
    (
        "it opened without having stopped at the point",
        "服务器已打开，但没有停在恢复点",
    ),
    (
        "the point lies before the run began",
        "恢复点早于本次运行的开始",
    ),
    ("{} could not be told: {}", "{0} 无法判定：{1}"),
    ("nothing was restored", "没有进行恢复"),
    ("it was not restored", "没有恢复"),
    ("it was not restored: {}", "没有恢复：{0}"),
    (
        "what shows the mistake's harm shows it in what was restored",
        "恢复的数据中仍能看到误操作的损害",
    ),
    (
        "no write was acknowledged within 10 s before the point",
        "恢复点之前 10 s 内没有已确认的写入",
    ),
    (
        "no write was acknowledged between the point and the restore",
        "恢复点与恢复开始之间没有已确认的写入",
    ),
    (
        "the point is too coarse: {} writes may lie on either side of it, {} within 10 s before it",
        "恢复点不够精确：{0} 个写入可能在其前或其后，此前 10 s 内有 {1} 个",
    ),
    (
        "of {} writes acknowledged before the point",
        "恢复点之前已确认的 {0} 个写入中",
    ),
    (
        "elements that nobody sent, or twice there",
        "无人发出或重复出现的写入",
    ),
    ("elements of after the point", "恢复点之后的写入"),
    (
        "writes on either side of the point, not judged",
        "可能在恢复点之前或之后的写入，不作判定",
    ),
    (
        "{} lost writes older than a surviving one: the mistake took them",
        "{0} 个丢失的写入早于留存的写入：由误操作造成",
    ),
    (
        "{} was given the log of {} in segments, up to {}",
        "{0} 按段收到 {1} 的日志，直到 {2}",
    ),
    (
        "{} receives the log of {} as it is written, up to {}",
        "{0} 随写随收 {1} 的日志，直到 {2}",
    ),
    (
        "{} takes snapshots of {} and keeps no log",
        "{0} 对 {1} 做快照，不保留日志",
    ),
    ("snapshot {}, {} KiB", "快照 {0}，{1} KiB"),
    (
        "snapshot {}, {} KiB, its checksum verified",
        "快照 {0}，{1} KiB，已按校验和核对",
    ),
    (
        "no log is kept: the snapshot as it is",
        "未保留日志：即快照本身",
    ),
    ("base {} of the log, {} KiB", "日志的基础 {0}，{1} KiB"),
    ("base {} and its log, {} KiB", "基础 {0} 及其日志，{1} KiB"),
    (
        "log replayed up to the second {}, and cut off there",
        "日志重放至 {0} 这一秒，并在此截断",
    ),
    (
        "log replayed up to the second {}, where it ends",
        "日志重放至 {0} 这一秒，日志到此为止",
    ),
    (
        "[{}]; backup fetched {}, log replayed {}, first write {}",
        "[{0}]；取回备份 {1}，重放日志 {2}，首次写入 {3}",
    ),
];
