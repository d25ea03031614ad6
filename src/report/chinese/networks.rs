//! What was seen of faults of the network.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const NETWORKS: &[(&str, &str)] = &[
    // Links.
    ("links cannot be probed", "无法探测链路"),
    ("{} of {} links pass bytes", "{1} 条链路中 {0} 条可传输数据"),
    (
        "{} of {} links pass bytes on another port",
        "另一端口上 {1} 条链路中 {0} 条可传输数据",
    ),
    (
        "{} links as intended pass no bytes, {} others do",
        "如预期 {0} 条链路不传输数据，其他 {1} 条正常",
    ),
    ("{} still reaches {}", "{0} 仍能到达 {1}"),
    (
        "{} does not reach {}, which was not intended",
        "{0} 无法到达 {1}，而这并非预期",
    ),
    ("the harness", "测试程序"),
    (
        "{} new connections as intended are refused, {} others are accepted as before",
        "如预期 {0} 个新连接被拒绝，其他 {1} 个如前被接受",
    ),
    (
        "{} new connections as intended get no answer, {} others are accepted as before",
        "如预期 {0} 个新连接没有应答，其他 {1} 个如前被接受",
    ),
    (
        "{} new connections as intended cannot be had, {} others are accepted as before",
        "如预期 {0} 个新连接无法建立，其他 {1} 个如前被接受",
    ),
    (
        "{} cannot connect to {} on port {}, which was not intended",
        "{0} 无法连接 {1} 的端口 {2}，而这并非预期",
    ),
    (
        "{} still connects to {} on port {}",
        "{0} 仍能连接 {1} 的端口 {2}",
    ),
    ("{} to {} on port {} was {}", "{0} 到 {1} 的端口 {2}：{3}"),
    (
        "{} connections of before pass bytes ({} before)",
        "之前的连接中 {0} 个可传输数据（之前 {1} 个）",
    ),
    ("asked {} new connections a second", "要求每秒 {0} 个新连接"),
    (
        "of {} within {} s {} passed bytes and {} got no answer ({} of {} passed bytes before)",
        "{1} s 内的 {0} 个中 {2} 个传输了数据，{3} 个没有应答（之前 {5} 个中 {4} 个传输了数据）",
    ),
    (
        "the filter counted {} let through, with the clients' own, and {} dropped",
        "过滤器计得放行 {0} 个（含客户端自己的），丢弃 {1} 个",
    ),
    // Packets.
    (
        "{} to {}: none of {} datagrams came back",
        "{0} 到 {1}：{2} 个数据报无一返回",
    ),
    (
        "{} to {}: asked {} ms and {} ms jitter, observed a median of {} ms more ({} to {} ms there and back, {} before)",
        "{0} 到 {1}：要求 {2} ms 及 {3} ms 抖动，实测中位数多 {4} ms（往返 {5} 至 {6} ms，之前 {7}）",
    ),
    (
        "{} to {}: asked {} ms and {} ms jitter ({}), observed a median of {} ms more ({} to {} ms there and back, {} before)",
        "{0} 到 {1}：要求 {2} ms 及 {3} ms 抖动（{4}），实测中位数多 {5} ms（往返 {6} 至 {7} ms，之前 {8}）",
    ),
    (
        "{} of {} are more than {} jitters earlier than asked on average ({} asked), {} more than {} later ({} asked)",
        "{1} 个中 {0} 个比要求的平均值早 {2} 倍抖动以上（要求 {3}），{4} 个晚 {5} 倍以上（要求 {6}）",
    ),
    (
        "{} to {}: asked {} %, observed {} %: {} of {} lost",
        "{0} 到 {1}：要求 {2} %，实测 {3} %：{5} 个中丢失 {4} 个",
    ),
    (
        "{} to {}: asked {} %, observed {} %: {} of {} came twice",
        "{0} 到 {1}：要求 {2} %，实测 {3} %：{5} 个中重复 {4} 个",
    ),
    (
        "{} to {}: asked {} %, observed {} %: {} of {} were overtaken",
        "{0} 到 {1}：要求 {2} %，实测 {3} %：{5} 个中乱序 {4} 个",
    ),
    (
        "{} to {}: asked {} Mbit/s, observed {} ({} of {} pushed before)",
        "{0} 到 {1}：要求 {2} Mbit/s，实测 {3}（之前推送 {5} 时为 {4}）",
    ),
    (
        "{} to {}, which was not meant: {} of {} datagrams lost, {} ms later",
        "{0} 到 {1}，本不在范围内：{3} 个数据报中丢失 {2} 个，晚 {4} ms",
    ),
    ("{} other paths are as before", "其他 {0} 条路径与之前一致"),
    (
        "the nodes at the other ends threw {} datagrams away for a wrong checksum",
        "对端节点因校验和错误丢弃了 {0} 个数据报",
    ),
    // Names.
    (
        "`{}` asked no answer, came to no answer after {} s ({} after {} s before)",
        "`{0}` 要求没有应答，{1} s 后没有应答（之前 {3} s 后得到 {2}）",
    ),
    (
        "`{}` asked {} s later, came to no answer after {} s ({} after {} s before)",
        "`{0}` 要求推迟（{1} s），{2} s 后没有应答（之前 {4} s 后得到 {3}）",
    ),
    (
        "`{}` asked {}, came to no answer after {} s ({} after {} s before)",
        "`{0}` 要求 {1}，{2} s 后没有应答（之前 {4} s 后得到 {3}）",
    ),
    (
        "`{}` asked {} s later, came to {} after {} s ({} after {} s before)",
        "`{0}` 要求推迟（{1} s），{3} s 后得到 {2}（之前 {5} s 后得到 {4}）",
    ),
    (
        "`{}` asked {}, came to {} after {} s ({} after {} s before)",
        "`{0}` 要求 {1}，{3} s 后得到 {2}（之前 {5} s 后得到 {4}）",
    ),
    ("no answer", "没有应答"),
];
