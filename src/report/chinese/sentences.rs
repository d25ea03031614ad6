//! Sentences of verdicts, target lines, findings and method.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const SENTENCES: &[(&str, &str)] = &[
    // Alerts.
    ("the alert {} arrived after {}", "告警 {0} 在 {1} 后送达"),
    ("the alert {} never fired", "告警 {0} 从未触发"),
    (
        "alerting was proven to work before the fault, and was seen all along",
        "故障前已证实告警链路有效，且全程可观察",
    ),
    (
        "{} fired and arrived as expected, and no other",
        "{0} 如期触发并送达，没有其他告警",
    ),
    (
        "every expected alert can fire within the RTO target of {}",
        "每个预期告警都能在 RTO 目标 {0} 内触发",
    ),
    // Consumers.
    (
        "every partition was consumed again after {}",
        "{0} 后所有分区恢复消费",
    ),
    (
        "no partition went unconsumed for more than {}",
        "没有分区中断消费超过 {0}",
    ),
    (
        "not every partition was seen to be consumed again (at least {})",
        "没有观察到所有分区恢复消费（至少 {0}）",
    ),
    (
        "the group was not stable before: the partitions of {} changed",
        "故障前消费者组不稳定：{0} 的分区发生变化",
    ),
    (
        "the group was not stable before: {} beats were late",
        "故障前消费者组不稳定：{0} 个心跳记录延迟",
    ),
    (
        "the group was not stable before: partition {} was not consumed in time",
        "故障前消费者组不稳定：分区 {0} 未被及时消费",
    ),
    (
        "nothing was consumed of partition {}",
        "分区 {0} 没有任何消费",
    ),
    ("there is no consumer group", "没有消费者组"),
    // What happened.
    (
        "The run ended before its disruptive step",
        "运行在注入故障之前结束",
    ),
    (
        "writes failed for {} until {} took over",
        "写入中断 {0}，直到 {1} 接管",
    ),
    (
        "writes failed for {} until the victim answered again",
        "写入中断 {0}，直到故障节点重新应答",
    ),
    (
        "writes failed for {} until the fault was undone",
        "写入中断 {0}，直到故障解除",
    ),
    (
        "writes failed for {} until {} answered",
        "写入中断 {0}，直到 {1} 应答",
    ),
    ("writes failed for {}", "写入中断 {0}"),
    (
        "{} from {} after the step on",
        "{0}（从该步骤之后 {1} 开始）",
    ),
    (
        "after the fault of step {} was undone service failed for {}",
        "步骤 {0} 的故障解除之后，服务中断 {1}",
    ),
    (
        "after step {} ({}) service failed for {}",
        "步骤 {0}（{1}）之后，服务中断 {2}",
    ),
    (
        "after {} returned service failed for {}",
        "{0} 恢复之后，服务中断 {1}",
    ),
    ("at least {}", "至少 {0}"),
    (
        "no write failed, and reads failed for {}",
        "写入没有中断，读取中断 {0}",
    ),
    (
        "writes failed and no lasting recovery was seen (at least {})",
        "写入中断，没有观察到稳定恢复（至少 {0}）",
    ),
    (
        "no outage was seen (one of up to {} could have gone unseen)",
        "没有观察到中断（{0} 以内的中断可能未被发现）",
    ),
    (
        "no acknowledged write was lost (0 of {})",
        "没有丢失任何已确认的写入（0 / {0}）",
    ),
    (
        "{} of {} acknowledged writes were lost, the oldest from up to {} before the fault",
        "{1} 个已确认的写入中丢失 {0} 个，最早的在故障前 {2} 以内",
    ),
    (
        "{} of {} acknowledged writes was lost, the oldest from up to {} before the fault",
        "{1} 个已确认的写入中丢失 {0} 个，最早的在故障前 {2} 以内",
    ),
    ("no write was acknowledged at all", "没有任何写入被确认"),
    ("loss could not be told: {}", "无法判断是否丢失数据：{0}"),
    ("nothing may be concluded: {}", "不能得出结论：{0}"),
    ("the control stayed quiet", "对照运行没有异常"),
    ("the run was interrupted", "运行被中断"),
    ("the run was aborted: {}", "运行异常结束：{0}"),
    ("the drill was stopped: {}", "演练被中止：{0}"),
    // Why a line came out as it did.
    (
        "the upper end of the bracket is within the target",
        "区间上端在目标之内",
    ),
    (
        "the lower end of the bracket is beyond the target",
        "区间下端超出目标",
    ),
    (
        "the target lies within the bracket",
        "目标落在区间之内，无法判定",
    ),
    (
        "the end was not seen within the run",
        "在运行期间没有观察到结束",
    ),
    ("the count is within the target", "数量在目标之内"),
    ("the count is beyond the target", "数量超出目标"),
    ("the share is at least the target", "比例达到目标"),
    ("the share is below the target", "比例低于目标"),
    ("the service came back as expected", "服务以预期方式恢复"),
    (
        "the service came back in another way",
        "服务以另一种方式恢复",
    ),
    ("no target is set", "没有设定目标"),
    ("measured, not judged", "只测量，不判定"),
    (
        "two nodes acknowledged writes at once",
        "两个节点同时确认了写入",
    ),
    ("no outage seen", "没有观察到中断"),
    ("no disruptive step was taken", "没有注入故障"),
    ("there are no app lanes", "没有应用通道"),
    // Data.
    (
        "No loss: none of {} acknowledged writes is lost.",
        "无丢失：{0} 个已确认的写入全部保留。",
    ),
    (
        "{} of {} acknowledged writes lost, acknowledged up to {} before the fault.",
        "{1} 个已确认的写入中丢失 {0} 个，最早在故障前 {2} 被确认。",
    ),
    (
        "writes that a client was told are done",
        "客户端被告知已完成的写入",
    ),
    (
        "lost, sent before the fault was in force",
        "丢失，在故障生效之前发出",
    ),
    (
        "age of the oldest of them at the fault",
        "其中最早者在故障时的年龄",
    ),
    ("their payload", "其数据量"),
    ("lost, sent after the fault", "丢失，在故障之后发出"),
    (
        "writes that may have been applied; never counted as loss",
        "结果未知的写入；从不计为丢失",
    ),
    ("of those, present", "其中存在的"),
    ("failed, and yet present", "失败却存在"),
    ("never attempted, and present", "凭空出现（从未发出却存在）"),
    ("present more than once", "存在多次"),
    ("checksum differs", "校验和不符"),
    (
        "lost, while a later acknowledged write of the lane survives",
        "丢失，而同一通道更晚确认的写入仍在",
    ),
    // Findings.
    (
        "{} operations, without gaps and in order",
        "{0} 个操作，无缺失且有序",
    ),
    (
        "the stack was ready and healthy: {} of {} operations ok before the fault",
        "故障前系统就绪且健康：{1} 个操作中 {0} 个成功",
    ),
    (
        "converged; two final reads agree",
        "已收敛，两次最终读取一致",
    ),
    (
        "every element carries its checksum",
        "每个元素的校验和都正确",
    ),
    ("{} members hold the same data", "{0} 个成员的数据相同"),
    ("no element is present more than once", "没有元素存在多次"),
    (
        "every disruption had the effect that it was meant to have",
        "每个故障都产生了预期的效果",
    ),
    (
        "nothing changed, as intended of a control",
        "如对照所期，没有变化",
    ),
    (
        "{} writes acknowledged in the {} before the fault",
        "故障前 {1} 内确认了 {0} 个写入",
    ),
    (
        "no lost write is older than a surviving one of its lane",
        "没有比同通道保留的写入更早的丢失",
    ),
    (
        "connection tracking of the machine dropped no packet",
        "本机的连接跟踪没有丢弃数据包",
    ),
    (
        "connection tracking of the machine dropped {} packets: its table is full; wait two minutes, or raise net.netfilter.nf_conntrack_max",
        "本机的连接跟踪丢弃了 {0} 个数据包：其表已满；请等待两分钟，或调大 net.netfilter.nf_conntrack_max",
    ),
    (
        "the machine does not track connections, or does not count what that drops",
        "本机不跟踪连接，或不统计因此丢弃的数据包",
    ),
    (
        "no operation was later than {} about the fault",
        "故障前后没有操作晚于计划 {0} 以上",
    ),
    (
        "none of {} acknowledged writes is lost",
        "{0} 个已确认的写入无一丢失",
    ),
    (
        "no element is present that was not attempted",
        "没有凭空出现的数据",
    ),
    (
        "{} is within what the settings allow",
        "{0} 在配置允许的范围之内",
    ),
    (
        "the stack gives no bound for this fault",
        "该系统没有给出此故障的时限",
    ),
    (
        "no lane failed again before the next event",
        "在下一事件之前没有通道再次失败",
    ),
    (
        "{} of lanes that had been well: nothing that the drill did explains it",
        "原本正常的通道出现 {0}：演练的任何操作都不能解释",
    ),
    (
        "{} failed {} after step {}, when it had been well: nothing that the drill did explains it",
        "{0} 在步骤 {2} 之后 {1} 失败，此前一直正常：演练的任何操作都不能解释",
    ),
    (
        "service was interrupted anew once something had been undone",
        "故障解除或节点恢复之后，服务再次中断",
    ),
    (
        "every service lane was well when the clients were stopped",
        "客户端停止时，所有服务通道都正常",
    ),
    (
        "not well for the sustain window when the clients were stopped: {}",
        "客户端停止时，以下通道尚未在持续窗口内保持正常：{0}",
    ),
    (
        "the main figures speak of a step that did nothing on purpose",
        "主要指标所指的步骤有意不做任何操作",
    ),
    (
        "nothing was left behind; 1 thing removed",
        "没有残留；清除了 1 项",
    ),
    (
        "nothing was left behind; {} things removed",
        "没有残留；清除了 {0} 项",
    ),
    ("no refused write is present", "没有被拒绝却存在的写入"),
    ("all {} steps were taken", "{0} 个步骤全部执行"),
    ("no recovery time to compare", "没有可比较的恢复时间"),
    // Figures.
    ("before convergence", "收敛之前"),
    ("width of the injecting call", "注入调用的宽度"),
    (
        "probe interval of the lane that decided",
        "决定性通道的探测间隔",
    ),
    (
        "largest scheduler lateness within 1 s of fault, onset and recovery",
        "故障、中断开始和恢复前后 1 s 内的最大调度延迟",
    ),
    ("median in the baseline", "基线中的中位数"),
    ("standard uncertainty", "标准不确定度"),
    (
        "at worst {}; median {}; {} reads",
        "最差 {0}；中位数 {1}；{2} 次读取",
    ),
    (
        "{} of {} reads certainly stale, {} backwards, {} missed an own write",
        "{1} 次读取中 {0} 次确定过时，{2} 次倒退，{3} 次未见到自己的写入",
    ),
    ("linearizable", "可线性化"),
    ("1 anomaly", "1 处异常"),
    ("{} anomalies", "{0} 处异常"),
    (
        "no order explains what was read of {} of {} registers",
        "{1} 个寄存器中有 {0} 个，没有任何顺序能解释所读到的内容",
    ),
    (
        "transfers changed the total of their accounts",
        "转账改变了账户的总额",
    ),
    ("constant-total", "总额不变"),
    ("every read showed the same total", "每次读取的总额都相同"),
    ("reads showed another total", "有读取见到不同的总额"),
    (
        "the total of {} accounts stayed what it was over {} operations",
        "{0} 个账户的总额在 {1} 个操作中保持不变",
    ),
    (
        "{} reads showed another total of {} accounts than they held at first",
        "{0} 次读取见到的 {1} 个账户的总额与最初不同",
    ),
    (
        "{} operations on {} accounts judged",
        "判定了 {1} 个账户上的 {0} 个操作",
    ),
    (
        "{} transfer lanes moved amounts between {} accounts in transactions that read both balances and wrote both, or read the total, which must never change.",
        "{0} 个转账通道在 {1} 个账户之间转移金额（每个事务读取并写入两个余额），或读取总额；总额必须始终不变。",
    ),
    ("serializable", "可串行化"),
    ("strict-serializable", "严格可串行化"),
    ("snapshot-isolation", "快照隔离"),
    ("read-committed", "读已提交"),
    (
        "nothing that it rules out was read",
        "没有读到它所排除的内容",
    ),
    (
        "transactions show what it rules out",
        "事务中出现了它所排除的现象",
    ),
    (
        "{} transactions show nothing that {} rules out",
        "{0} 个事务中没有出现{1}所排除的现象",
    ),
    ("{} transactions are not {}: {}", "{0} 个事务不满足{1}：{2}"),
    ("transactions were not {}: {}", "事务不满足{0}：{1}"),
    (
        "{} transactions on {} lists at a time judged as {}",
        "按{2}判定了 {0} 个事务（同时使用 {1} 个列表）",
    ),
    (
        "{} list-append lanes took transactions of one to four steps on {} lists at a time: each step appends an element that no other one appends, or reads a whole list. What was read tells the order of all appends, and with it which transaction depends on which: a circle of them is an anomaly, named by its kind.",
        "{0} 个列表追加通道执行由一到四步组成的事务，同时使用 {1} 个列表：每一步追加一个互不相同的元素，或读取整个列表。读到的内容说明了所有追加的顺序，从而说明哪个事务依赖哪个事务：依赖成环即为异常，并以其种类命名。",
    ),
    (
        "some order explains every answer",
        "存在一种顺序能解释所有应答",
    ),
    (
        "no order explains the answers",
        "没有任何顺序能解释这些应答",
    ),
    (
        "some order explains all {} operations on {} registers",
        "存在一种顺序能解释 {1} 个寄存器上的全部 {0} 个操作",
    ),
    (
        "no order explains {} operations: {} on {} of {} registers",
        "没有任何顺序能解释 {0} 个操作：{3} 个寄存器中 {2} 个有{1}",
    ),
    (
        "{} operations on {} registers judged, {} of them broken",
        "判定了 {1} 个寄存器上的 {0} 个操作，其中 {2} 个寄存器被破坏",
    ),
    (
        "{} register lanes wrote values that no other write carries to {} registers, or read them; each register is judged by itself: every answer must be explained by some order in which each operation takes effect between its start and its end.",
        "{0} 个寄存器通道向 {1} 个寄存器写入互不相同的值，或读取它们；每个寄存器单独判定：必须存在一种顺序，使每个操作都在其开始与结束之间生效，并能解释所有应答。",
    ),
    (
        "{} writes acknowledged after the fault and lost",
        "故障之后确认并丢失的写入：{0} 个",
    ),
    (
        "writes acknowledged in the {} before the fault, the last at most two write periods old",
        "故障前 {0} 内确认的写入，最后一个不早于两个写入周期",
    ),
    (
        "{} of {} service operations shed before the fault; {} of {} app operations shed before the fault",
        "故障前 {1} 个服务操作中 {0} 个未发出；{3} 个应用操作中 {2} 个未发出",
    ),
    (
        "the offered load is not known to be 80 % of the measured capacity",
        "不知道施加的负载是否达到实测容量的 80 %",
    ),
    // The picture.
    (
        "from {}: ok {}, conflict {}, fail {}, info {}, shed {}",
        "自 {0} 起：成功 {1}，冲突 {2}，失败 {3}，结果未知 {4}，未发出 {5}",
    ),
    (
        "The tables below the picture hold the same data.",
        "图下的表格含有同样的数据。",
    ),
    (
        "Operations, latency and roles around the disruption",
        "故障前后的操作、延迟与角色",
    ),
    (
        "role by each node's own view; line below: writes acknowledged",
        "各节点自己报告的角色；下方的线：已确认的写入",
    ),
    ("the part shown in detail", "上图详示的部分"),
    ("another node accepts {}", "另一节点接受写入 {0}"),
    ("first failure {}", "首次失败 {0}"),
    ("first success {}", "首次成功 {0}"),
    ("sustained {}", "稳定恢复 {0}"),
    ("declared gone {}", "判定主节点失效 {0}"),
    ("clients are led there {}", "客户端切换到新主节点 {0}"),
    // Method.
    (
        "Service operations by intended time, in seconds from {}. Numbers mark the ends of the phases below. Bins are for reading the picture; no figure is taken from them.",
        "按计划时间排列的服务操作，以距 {0} 的秒数表示。数字标出下列各阶段的结束。分格仅供看图，任何指标都不取自它们。",
    ),
    (
        "Service operations by intended time, {} a column; red: not ok; the line is {}.",
        "按计划时间排列的服务操作，每列 {0}；红色为不成功；竖线为 {1}。",
    ),
    ("the fault", "故障时刻"),
    ("the start", "开始时刻"),
    (
        "Recovery time runs from just before the injecting call to the end of the first successful operation after which a lane stays available; the printed value is the upper end of its bracket, over the worst service lane.",
        "恢复时间从注入调用之前一刻起，到某通道此后保持可用的首个成功操作结束为止；印出的值是最差服务通道区间的上端。",
    ),
    (
        "Loss is what was acknowledged and is absent from the final reads, taken after the members had converged; an operation whose outcome the client does not know is never counted as loss.",
        "丢失是指已被确认而在最终读取中不存在的写入，最终读取在各成员收敛之后进行；客户端不知结果的操作从不计为丢失。",
    ),
    (
        "Not shown: hangs shorter than the operations' timeout count as latency and in max_gap, not as recovery time; one run says what happened once, not how often it would; client and stack share one machine, so that network distance is not part of any figure.",
        "不能说明的：短于操作超时的停顿计入延迟和 max_gap，而不计入恢复时间；一次运行只说明发生过一次，不说明会多常发生；客户端与系统在同一台机器上，因此任何指标都不含网络距离。",
    ),
    (
        "Nodes' own views are polled; they annotate the picture and decide no figure.",
        "各节点自己报告的状态由轮询获得，仅作图注，不参与任何指标的计算。",
    ),
    (
        "{} and {} started operations at fixed times, whatever earlier ones did, at most {} ms apart per lane, each given up after {} ms.",
        "{0}与{1}在固定时刻发起操作，不论之前的操作如何；每通道间隔至多 {2} ms，每个操作在 {3} ms 后放弃。",
    ),
    ("{} write lanes", "{0} 个写通道"),
    ("{} read lanes", "{0} 个读通道"),
    (
        "Each lane has a connection of its own, without pool and retry, dropped at the first operation that is not ok; one connects afresh for every operation.",
        "每个通道有自己的连接，没有连接池和重试，遇到首个不成功的操作即断开；其中一个通道每次操作都重新连接。",
    ),
    (
        "The fault was {} by {}; the injecting call took {}. Effect verified: {}.",
        "故障为 {0}，方式为 {1}；注入调用用时 {2}。已验证生效：{3}。",
    ),
];
