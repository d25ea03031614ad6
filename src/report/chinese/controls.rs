//! The quarterly report: findings, controls and statements to be signed.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const CONTROLS: &[(&str, &str)] = &[
    // Findings.
    (
        "Nothing was found in this quarter and the one before.",
        "本季度和上季度都没有发现。",
    ),
    (
        "Carried over from the quarter before by their id. A finding is closed by a later run of its scenario that passed or failed and did not show it.",
        "上季度的发现按编号延续。若其场景之后有通过或未通过的运行且不再出现该发现，则关闭。",
    ),
    ("status", "状态"),
    ("first seen", "首次出现"),
    ("last seen", "最近出现"),
    ("closed by", "关闭依据"),
    ("owner and due date", "负责人与期限"),
    ("new", "新增"),
    ("still open", "仍未关闭"),
    ("not drilled again", "没有再次演练"),
    ("closed", "已关闭"),
    // Controls.
    ("Controls", "控制项"),
    (
        "Named and paraphrased, not quoted. Only completed, sealed drills that passed or failed count. Whether a control is met is for an auditor to say.",
        "仅列名称并转述，并非引用原文。只计已完成、已封存且通过或未通过的演练。控制项是否满足由审计人员判断。",
    ),
    ("asks for", "要求"),
    ("what these records show", "这些记录说明什么"),
    ("what they do not show", "不能说明什么"),
    ("nothing", "无"),
    (
        "GB/T 22239-2019 8.1.4.9 (data backup and recovery)",
        "GB/T 22239-2019 8.1.4.9（数据备份恢复）",
    ),
    (
        "GB/T 22239-2019 (emergency plan management)",
        "GB/T 22239-2019（应急预案管理）",
    ),
    (
        "test the contingency plan with defined tests, review, correct",
        "以明确的测试检验应急计划，评审并改进",
    ),
    (
        "that the plan itself was tested and the results were reviewed: people sign for it below",
        "计划本身经过测试且结果经过评审：由人员在下方签字",
    ),
    (
        "test at the alternate processing site",
        "在备用处理场所测试",
    ),
    (
        "drills ran in a container lab, not at an alternate site",
        "演练在容器实验环境中进行，不在备用场所",
    ),
    ("automated testing", "自动化测试"),
    ("tests that only people can do", "只能由人员进行的测试"),
    (
        "full recovery and reconstitution to a known state",
        "完全恢复并重建到已知状态",
    ),
    ("reconstitution of the production system", "生产系统的重建"),
    (
        "self-challenge: disrupt the system on purpose",
        "自我挑战：有意使系统中断",
    ),
    ("disruption of the production system", "生产系统的中断"),
    (
        "test recovery procedures; recover, find causes, improve",
        "测试恢复流程；恢复、查明原因并改进",
    ),
    (
        "that backups can be restored (no restore drill is in these records), root causes and improvements: people write them below",
        "备份可以恢复（这些记录中没有恢复演练）、根本原因与改进：由人员在下方填写",
    ),
    (
        "exercises with clear aims, reports, evaluation at planned intervals",
        "有明确目标、报告并按计划间隔评估的演练",
    ),
    (
        "people's part of the exercise, and its evaluation by management",
        "人员参与的部分，以及管理层的评估",
    ),
    (
        "switchover scenarios, severe but plausible",
        "严重但可信的切换场景",
    ),
    (
        "cyber-attack scenarios, switchover of the primary infrastructure, third parties, crisis communication",
        "网络攻击场景、主要基础设施的切换、第三方、危机沟通",
    ),
    (
        "restoration tests; recovery objectives per function",
        "恢复测试；按职能设定恢复目标",
    ),
    ("restoration from backup", "从备份恢复"),
    (
        "several checks of data integrity on recovery",
        "恢复时的多项数据完整性检查",
    ),
    ("reconciliation with other systems", "与其他系统的对账"),
    ("hot redundancy of processing systems", "处理系统的热冗余"),
    (
        "local and remote backup and their restoration",
        "本地与异地备份及其恢复",
    ),
    (
        "regular exercises of the emergency plan with records",
        "定期演练应急预案并留有记录",
    ),
    (
        "training, and that the plan was revised: people sign for it below",
        "培训，以及预案的修订：由人员在下方签字",
    ),
    // What drills show of them.
    (
        "{} drills with an RTO and an RPO target fixed before the fault, and an answer: {}",
        "{0} 次演练在故障前设定了 RTO 与 RPO 目标，并有结论：{1}",
    ),
    (
        "1 drill with an RTO and an RPO target fixed before the fault, and an answer: {}",
        "1 次演练在故障前设定了 RTO 与 RPO 目标，并有结论：{0}",
    ),
    (
        "{} drills run without a person between fault and verdict: {}",
        "{0} 次演练从故障到结论无人参与：{1}",
    ),
    (
        "1 drill run without a person between fault and verdict: {}",
        "1 次演练从故障到结论无人参与：{0}",
    ),
    (
        "{} drills after which every member was back in sync within its target: {}",
        "{0} 次演练之后每个成员都在目标内重新同步：{1}",
    ),
    (
        "1 drill after which every member was back in sync within its target: {}",
        "1 次演练之后每个成员都在目标内重新同步：{0}",
    ),
    (
        "{} drills with a fault whose effect was verified: {}",
        "{0} 次演练的故障已验证生效：{1}",
    ),
    (
        "1 drill with a fault whose effect was verified: {}",
        "1 次演练的故障已验证生效：{0}",
    ),
    (
        "{} drills of a recovery, with data checked afterwards: {}",
        "{0} 次恢复演练，并在之后检查了数据：{1}",
    ),
    (
        "1 drill of a recovery, with data checked afterwards: {}",
        "1 次恢复演练，并在之后检查了数据：{0}",
    ),
    (
        "{} drills with aims set as targets, and a report: {}",
        "{0} 次演练设有目标，并有报告：{1}",
    ),
    (
        "1 drill with aims set as targets, and a report: {}",
        "1 次演练设有目标，并有报告：{0}",
    ),
    (
        "{} drills of a switchover or failback between nodes: {}",
        "{0} 次节点之间的切换或回切演练：{1}",
    ),
    (
        "1 drill of a switchover or failback between nodes: {}",
        "1 次节点之间的切换或回切演练：{0}",
    ),
    (
        "{} drills with recovery objectives per service: {}",
        "{0} 次演练按服务设定了恢复目标：{1}",
    ),
    (
        "1 drill with recovery objectives per service: {}",
        "1 次演练按服务设定了恢复目标：{0}",
    ),
    (
        "{} drills with acknowledged writes reconciled one by one, and checks for loss, corruption, phantoms and duplicates: {}",
        "{0} 次演练逐一核对了已确认的写入，并检查了丢失、损坏、凭空出现和重复：{1}",
    ),
    (
        "1 drill with acknowledged writes reconciled one by one, and checks for loss, corruption, phantoms and duplicates: {}",
        "1 次演练逐一核对了已确认的写入，并检查了丢失、损坏、凭空出现和重复：{0}",
    ),
    (
        "{} drills in which another node took over: {}",
        "{0} 次演练中由另一节点接管：{1}",
    ),
    (
        "1 drill in which another node took over: {}",
        "1 次演练中由另一节点接管：{0}",
    ),
    (
        "{} drills with time, operations and result on record: {}",
        "{0} 次演练记录了时间、操作与结果：{1}",
    ),
    (
        "1 drill with time, operations and result on record: {}",
        "1 次演练记录了时间、操作与结果：{0}",
    ),
    ("{}, {}, {}, {} more", "{0}, {1}, {2}，另有 {3} 次"),
    // All runs.
    ("All runs of the quarter", "本季度的全部运行"),
    ("There is none.", "没有。"),
    ("started (UTC)", "开始于（UTC）"),
    ("verdict", "结论"),
    ("pass", "通过"),
    ("pruned", "已清理"),
    ("pruned; registered as {}", "已清理；登记的结论为 {0}"),
    ("not closed", "没有结束"),
    ("aborted", "异常结束"),
    // Signatures.
    ("For people to write and sign", "由人员填写并签字"),
    (
        "drdrill writes no statement in a person's name. Until these are filled in, this report is a draft.",
        "drdrill 不以任何人的名义作出声明。填写之前，本报告为草稿。",
    ),
    ("who", "角色"),
    ("states", "声明"),
    ("name, date, signature", "姓名、日期、签字"),
    ("drill lead", "演练负责人"),
    (
        "the drills were run as recorded; deviations are listed here",
        "演练按记录进行；偏差列于此处",
    ),
    ("independent observer", "独立观察员"),
    (
        "witnessed, and compared with the records",
        "见证并与记录核对",
    ),
    ("business owner", "业务负责人"),
    (
        "the targets are those of the business impact analysis",
        "目标与业务影响分析一致",
    ),
    ("compliance", "合规"),
    (
        "reviewed against the controls above; findings have owners and dates",
        "已对照上述控制项评审；发现均有负责人与期限",
    ),
    ("management body", "管理机构"),
    (
        "has taken note, and approves the actions",
        "已知悉并批准各项措施",
    ),
];
