//! Snapshots of every format, for the sample run and for what can go wrong with a run.

use crate::{
    check::{Answer, Finding},
    evidence::{self, sample},
    history::History,
    id::{LaneId, NodeName},
    measure::{ConsistencyFigures, Figure, LostWrite},
    record::{Deed, Record, Residue, Status},
    scenario::{Consistency, ConsistencyClients, ConsistencyKind},
    score::{Judgement, Line, LineState, Reason, Verdict},
    time::{Bracket, Nanos, Span},
};

use super::{
    Counters, Progress, RepeatRow, Style, View, html, junit, markdown, metrics, render_all,
    repeats, terminal,
};

/// A run and its judgement.
struct Case {
    record: Record,
    history: History,
    judgement: Judgement,
}

impl Case {
    fn sample() -> Self {
        Self {
            record: sample::record(),
            history: sample::history(),
            judgement: sample::judgement(),
        }
    }

    fn view(&self) -> View {
        View::new(&self.record, &self.history, &self.judgement)
    }

    fn terminal(&self, width: usize) -> String {
        let style = Style {
            width,
            colour: false,
        };
        terminal(
            &self.view(),
            "reports/redis-sentinel-primary-kill/20261121t081500-bcdef1/report.html",
            style,
        )
    }
}

/// No fault was seen to act: inconclusive, and neither recovery nor loss is known.
fn inconclusive() -> Case {
    let mut case = Case::sample();
    case.record.effects[0].state = crate::record::EffectState::NotVerified;
    case.record.effects[0].evidence = vec!["redis1 still runs".into()];
    let missing = || "the effect of the fault was not verified".to_owned();
    let figures = &mut case.judgement.figures;
    figures.loss = Figure::Missing("the two final reads differ".into());
    let event = &mut figures.events[0];
    for figure in [
        &mut event.rto,
        &mut event.rto_write,
        &mut event.rto_read,
        &mut event.outage,
    ] {
        *figure = Figure::Missing(missing());
    }
    event.phases.clear();
    event.why.clear();
    event.lanes.clear();
    event.outage_seen = false;
    let card = &mut case.judgement.scorecard;
    card.verdict = Verdict::Inconclusive;
    card.sentence = "It could not be told: the effect of the fault was not verified.".into();
    for line in &mut card.lines[..2] {
        line.state = LineState::Inconclusive;
        line.measured = "not measured".into();
        line.bracket.clear();
        line.value = None;
        line.why = missing();
    }
    card.reasons = vec![Reason {
        name: "effect-not-verified".into(),
        text: "After the kill redis1 still runs.".into(),
        lines: vec!["rto".into(), "rpo_seconds".into()],
    }];
    case
}

/// Nothing failed.
fn no_outage() -> Case {
    let mut case = Case::sample();
    let event = &mut case.judgement.figures.events[0];
    event.outage_seen = false;
    event.phases.clear();
    event.why.clear();
    event.lanes.clear();
    event.unexplained = Figure::Missing("no outage was seen".into());
    event.rto = Figure::Measured(Span::ZERO);
    if let Figure::Measured(loss) = &mut case.judgement.figures.loss {
        loss.lost.clear();
        loss.rpo_seconds = Span::ZERO;
        loss.rpo_bytes = 0;
    }
    case.judgement
        .findings
        .retain(|finding| finding.answer == Answer::Valid);
    let card = &mut case.judgement.scorecard;
    card.verdict = Verdict::Pass;
    card.sentence = "No outage was seen, at a resolution of 0.040 s.".into();
    card.reasons.clear();
    card.lines.retain(|line| line.state == LineState::Met);
    card.lines[0].measured = "0.000 s".into();
    card.lines[0].bracket = "no outage seen, resolution 0.040 s".into();
    card.lines[0].value = Some(0.0);
    let mut history = case.history.draft();
    for op in &mut history.ops {
        op.outcome = crate::history::Outcome::Ok;
        op.error = None;
        op.sent = Some(op.intended);
        op.done = Some(Nanos(op.intended.0 + 900_000));
    }
    case.history = history.into();
    case
}

/// The service did not come back within the run, which was interrupted and left something behind.
fn not_recovered() -> Case {
    let mut case = Case::sample();
    case.record.status = Status::Interrupted;
    case.record.healed.clear();
    case.record.residue = Some(Residue {
        left: vec!["container drdrill-bcdef1-redis1".into()],
        failed: vec!["heal of step 2: the engine did not answer".into()],
        removed: 5,
    });
    let unseen = Span {
        low_ns: 20_817_600_000,
        high_ns: None,
    };
    let event = &mut case.judgement.figures.events[0];
    event.rto = Figure::Measured(unseen);
    event.rto_write = Figure::Measured(unseen);
    event.recovered_by = Figure::Missing("no recovery was seen".into());
    event.phases.truncate(2);
    event.why.clear();
    for lane in &mut event.lanes {
        lane.recovered = None;
        lane.rto = unseen;
    }
    let card = &mut case.judgement.scorecard;
    card.sentence = "No recovery was seen within 20.818 s of the kill of redis1.".into();
    let rto = &mut card.lines[0];
    rto.state = LineState::Inconclusive;
    rto.measured = ">= 20.818 s".into();
    rto.bracket = "[20.818 s, not seen]".into();
    rto.value = None;
    rto.why = "the run ended before the target's time".into();
    let mut history = case.history.draft();
    for op in &mut history.ops {
        if op.intended >= sample::FAULT.low && op.lane.0 < 6 {
            op.outcome = crate::history::Outcome::Fail;
            op.version = None;
        }
    }
    case.history = history.into();
    case
}

/// The scenario has no target, and the stack did not come up.
fn nothing_there() -> Case {
    let mut case = inconclusive();
    let record = &mut case.record;
    record.stack = None;
    record.load = None;
    record.lanes.clear();
    record.images.clear();
    record.disruptions.clear();
    record.steps.clear();
    record.residue = None;
    record.status = Status::Aborted("the image `redis:8` could not be pulled".into());
    case.history = History::default();
    let figures = &mut case.judgement.figures;
    figures.events.clear();
    figures.headline = None;
    figures.latency.clear();
    figures.outcomes = [0; 5];
    case.judgement.findings.clear();
    let target = |figure: &str| Line {
        figure: figure.into(),
        target: "missing".into(),
        measured: "not measured".into(),
        bracket: String::new(),
        value: None,
        limit: None,
        state: LineState::Inconclusive,
        why: "a missing target never passes".into(),
    };
    case.judgement.scorecard.lines = vec![target("rto"), target("rpo")];
    case.judgement.scorecard.sentence = "The drill did not start.".into();
    case
}

/// Names and texts that try to break out of every format.
fn hostile() -> Case {
    let mut case = Case::sample();
    let evil = "</script><script>alert('1')</script> \"q\" & | `x` [l](http://h) @all #1 \u{1b}[31m ≤ é\nnext";
    case.record.opened.scenario.summary = evil.into();
    case.record.opened.scenario.name = evil.into();
    case.record.lanes[2].name = evil.into();
    let stack = case.record.stack.as_mut().unwrap();
    stack.server = evil.into();
    stack.members[0].name = crate::id::NodeName::new(evil);
    stack.effective[0].value = evil.into();
    case.record.disruptions[0].1.victims = vec![crate::id::NodeName::new(evil)];
    case.record.disruptions[0].1.means = evil.into();
    for (_, view) in &mut case.record.views {
        if view.node.as_str() == "redis1" {
            view.node = crate::id::NodeName::new(evil);
        }
    }
    let card = &mut case.judgement.scorecard;
    card.sentence = evil.into();
    card.lines[0].figure = evil.into();
    card.lines[0].why = evil.into();
    card.reasons[0].text = evil.into();
    case.judgement.findings[2].summary = evil.into();
    case.judgement.findings[2].evidence = vec![evil.into()];
    case.judgement.figures.events[0].phases[1].source = evil.into();
    case
}

/// More of everything than fits.
fn long() -> Case {
    let mut case = Case::sample();
    let write = |seq| LostWrite {
        lane: LaneId(0),
        seq,
        sent: Nanos(16_000_000_000 + seq),
        done: Nanos(16_001_000_000 + seq),
        node: None,
    };
    if let Figure::Measured(loss) = &mut case.judgement.figures.loss {
        loss.lost = (0..5000).map(write).collect();
        loss.phantom = (0..120).map(|seq| (LaneId(1), seq)).collect();
    }
    for i in 0..40 {
        case.judgement.findings.push(Finding {
            check: format!("check-{i}"),
            answer: Answer::Unknown,
            summary: "a long explanation that goes on ".repeat(8),
            evidence: (0..100).map(|n| format!("evidence {n}")).collect(),
            touches: vec![],
        });
    }
    case
}

fn file(case: &Case, name: &str) -> String {
    let all = render_all(&case.record, &case.history, &case.judgement);
    let (_, bytes) = all.into_iter().find(|(file, _)| *file == name).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// A replica was promoted by a runbook; a step long before the fault and one long after are not part of the recovery.
fn by_runbook() -> Case {
    let mut case = Case::sample();
    let zero = case.judgement.figures.events[0].at.low;
    let mut act = |from: i64, to: i64, text: &str, node: &str| {
        let at = |ms: i64| Nanos(zero.0.saturating_add_signed(ms * 1_000_000));
        let at = Bracket {
            low: at(from),
            high: at(to),
        };
        let deed = Deed {
            step: 1,
            text: text.into(),
            node: Some(NodeName::new(node)),
            declared: None,
        };
        case.record.actions.push((at, deed));
    };
    act(-5_000, -4_900, "looked around", "redis1");
    act(300, 412, "chose the replica that received most", "redis2");
    act(412, 1_450, "promoted it", "redis2");
    act(60_000, 60_100, "told everyone", "redis2");
    case
}

#[test]
fn an_operators_steps_stand_apart() {
    insta::assert_snapshot!("terminal_by_runbook", by_runbook().terminal(100));
    insta::assert_snapshot!("markdown_by_runbook", file(&by_runbook(), "report.md"));
    let page = file(&by_runbook(), "report.html");
    assert!(page.contains("operator, together") && page.contains("promoted it"));
    assert_eq!(page.matches("class=\"operator\"").count(), 2);
    assert!(!file(&Case::sample(), "report.html").contains("operator, together"));
}

/// Registers of which one was taken back by the failover.
fn registers() -> Case {
    let mut case = Case::sample();
    let scenario = &mut case.record.opened.scenario;
    scenario.clients.consistency = Some(ConsistencyClients::new(ConsistencyKind::Registers));
    case.judgement.figures.consistency = Some(Figure::Measured(ConsistencyFigures {
        kind: ConsistencyKind::Registers,
        keys: 4,
        operations: 1359,
        broken: 1,
        anomalies: 1,
        model: None,
        kinds: [].into(),
        told: vec!["register 2: the value of register-write-1 #20 was there and then gone".into()],
    }));
    let touches = &[crate::check::Touch::Data];
    let finding = Finding::invalid(
        "consistency",
        touches,
        "no order explains 1,359 operations: 1 anomaly on 1 of 4 registers",
    );
    let told = "register 2: the value of register-write-1 #20 was there and then gone";
    case.judgement
        .findings
        .push(finding.with([told.to_owned()]));
    case
}

#[test]
fn registers_that_no_order_explains_are_told_in_every_report() {
    let told = "the value of register-write-1 #20 was there and then gone";
    let judged = "1,359 operations on 4 registers judged, 1 of them broken";
    let page = file(&registers(), "report.html");
    for part in [told, judged, "4 register lanes wrote values"] {
        assert!(page.contains(part), "{part}");
    }
    let markdown = file(&registers(), "report.md");
    assert!(markdown.contains(judged), "{markdown}");
    let terminal = registers().terminal(100);
    assert!(terminal.contains(told), "{terminal}");
    let chinese = file(&registers(), "report.zh.html");
    for part in [
        "4 个寄存器中 1 个有1 处异常",
        "其中 1 个寄存器被破坏",
        "4 个寄存器通道",
    ] {
        assert!(chinese.contains(part), "{part}");
    }
}

/// Transactions on lists that were not isolated as asked.
fn lists() -> Case {
    let mut case = Case::sample();
    let scenario = &mut case.record.opened.scenario;
    scenario.clients.consistency = Some(ConsistencyClients::new(ConsistencyKind::ListAppend));
    case.judgement.figures.consistency = Some(Figure::Measured(ConsistencyFigures {
        kind: ConsistencyKind::ListAppend,
        keys: 4,
        operations: 2149,
        broken: 0,
        anomalies: 42,
        model: Some(Consistency::Serializable),
        kinds: [("G-single-item".into(), 41), ("lost-append".into(), 1)].into(),
        told: vec![],
    }));
    let words = "2,149 transactions are not serializable: G-single-item 41, lost-append 1";
    let told = "lost-append: list-append-1 #20: it appended 7 to list 3";
    let finding = Finding::invalid("consistency", &[crate::check::Touch::Data], words);
    case.judgement
        .findings
        .push(finding.with([told.to_owned()]));
    case
}

#[test]
fn transactions_that_were_not_isolated_are_told_in_every_report() {
    let page = file(&lists(), "report.html");
    for part in [
        "2,149 transactions are not serializable: G-single-item 41, lost-append 1",
        "lost-append: list-append-1 #20",
        "2,149 transactions on 4 lists at a time judged as serializable",
        "4 list-append lanes took transactions",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let chinese = file(&lists(), "report.zh.html");
    for part in [
        "2,149 个事务不满足可串行化：G-single-item 41, lost-append 1",
        "按可串行化判定了 2,149 个事务（同时使用 4 个列表）",
        "4 个列表追加通道",
    ] {
        assert!(chinese.contains(part), "{part}");
    }
}

#[test]
fn terminal_scorecard() {
    insta::assert_snapshot!("terminal_100", Case::sample().terminal(100));
    insta::assert_snapshot!("terminal_80", Case::sample().terminal(80));
    insta::assert_snapshot!("terminal_inconclusive", inconclusive().terminal(100));
    insta::assert_snapshot!("terminal_no_outage", no_outage().terminal(100));
    insta::assert_snapshot!("terminal_not_recovered", not_recovered().terminal(100));
    insta::assert_snapshot!("terminal_nothing_there", nothing_there().terminal(100));
}

#[test]
fn terminal_keeps_its_width_and_colours_only_if_told() {
    for case in [
        Case::sample(),
        inconclusive(),
        no_outage(),
        not_recovered(),
        long(),
    ] {
        for width in [80, 100, 140] {
            for line in case
                .terminal(width)
                .lines()
                .filter(|line| !line.starts_with("Report"))
            {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
    let coloured = terminal(
        &Case::sample().view(),
        "",
        Style {
            width: 100,
            colour: true,
        },
    );
    assert!(coloured.contains("\x1b[1;97;41m FAIL \x1b[0m"));
    assert!(!Case::sample().terminal(100).contains('\x1b'));
}

#[test]
fn text_formats() {
    for (name, case) in [
        ("sample", Case::sample()),
        ("inconclusive", inconclusive()),
        ("nothing_there", nothing_there()),
        ("hostile", hostile()),
    ] {
        insta::assert_snapshot!(format!("markdown_{name}"), file(&case, "report.md"));
        insta::assert_snapshot!(format!("junit_{name}"), file(&case, "junit.xml"));
    }
    insta::assert_snapshot!("metrics_sample", file(&Case::sample(), "metrics.prom"));
    insta::assert_snapshot!(
        "metrics_nothing_there",
        file(&nothing_there(), "metrics.prom")
    );
    insta::assert_snapshot!(
        "metrics_not_recovered",
        file(&not_recovered(), "metrics.prom")
    );
}

#[test]
fn page() {
    let cases = [
        ("sample.html", Case::sample()),
        ("inconclusive.html", inconclusive()),
        ("no_outage.html", no_outage()),
        ("not_recovered.html", not_recovered()),
        ("nothing_there.html", nothing_there()),
        ("hostile.html", hostile()),
    ];
    for (name, case) in cases {
        insta::assert_binary_snapshot!(name, file(&case, "report.html").into_bytes());
    }
}

#[test]
fn hostile_names_stay_text() {
    let page = file(&hostile(), "report.html");
    assert!(!page.contains("<script") && !page.contains("\u{1b}"));
    assert!(!page.contains("http://h\""));
    let junit = file(&hostile(), "junit.xml");
    assert!(junit.is_ascii() && !junit.contains("<script"));
    let markdown = file(&hostile(), "report.md");
    assert!(!markdown.contains("<script") && !markdown.contains("@all"));
    assert!(!hostile().terminal(100).contains('\u{1b}'));
}

#[test]
fn long_lists_are_cut_and_the_rest_is_counted() {
    let case = long();
    let page = file(&case, "report.html");
    assert!(page.contains("and 4,950 more") && page.contains("and 70 more"));
    assert!(page.contains("and 80 more"));
    assert!(page.len() < 400_000, "{}", page.len());
    assert!(file(&case, "report.md").len() < 60_000);
    assert!(case.terminal(100).contains("and 4,990 more"));
}

#[test]
fn a_figure_that_was_not_measured_is_nowhere_a_number() {
    let case = nothing_there();
    let metrics = file(&case, "metrics.prom");
    assert!(!metrics.contains("drdrill_rto_seconds") && !metrics.contains("drdrill_writes"));
    assert!(!file(&case, "junit.xml").contains("time=\"0.0"));
    assert!(file(&inconclusive(), "report.html").contains("not measured"));
}

#[test]
fn rendering_again_gives_the_same_bytes() {
    let once = Case::sample();
    let again = Case::sample();
    assert_eq!(
        render_all(&once.record, &once.history, &once.judgement),
        render_all(&again.record, &again.history, &again.judgement)
    );
}

#[test]
fn rendering_again_from_the_run_folder_gives_the_same_bytes() {
    let root = tempfile::TempDir::new().unwrap();
    let case = Case::sample();
    let folder = evidence::RunFolder::create(root.path(), "sample", &sample::run()).unwrap();
    folder.scenario(sample::SCENARIO).unwrap();
    let mut log = folder.events().unwrap();
    for event in sample::events() {
        log.append(&event).unwrap();
    }
    let mut history = folder.history().unwrap();
    for op in case.history.ops() {
        let class = case.history.error_of(&op).map(str::to_owned);
        let heard = crate::history::Heard {
            op,
            error: class,
            lists: None,
        };
        history.push(heard).unwrap();
    }
    history.finish().unwrap();
    let files = render_all(&case.record, &case.history, &case.judgement);
    for (name, bytes) in &files {
        folder.write(name, bytes).unwrap();
    }
    let claims = evidence::Claims::of(&case.record, None, None);
    folder
        .seal(claims, evidence::Links::default(), None)
        .unwrap();
    let loaded = evidence::load(folder.path()).unwrap();
    assert!(files == render_all(&loaded.record, &loaded.history, &case.judgement));
}

#[test]
fn several_runs_in_one_table() {
    let rows: Vec<RepeatRow> = [Case::sample(), no_outage(), inconclusive(), not_recovered()]
        .iter()
        .map(|case| RepeatRow::new(&case.record, &case.judgement))
        .collect();
    let style = Style {
        width: 100,
        colour: false,
    };
    let summary = "4 runs: 1 pass, 2 fail, 1 inconclusive; the median is not shown, which needs 5.";
    insta::assert_snapshot!("repeats", repeats(&rows, summary, style));
}

#[test]
fn progress_without_a_terminal_is_a_line_per_event() {
    let mut out = Vec::new();
    let mut progress = Progress::plain(&mut out);
    for event in sample::events() {
        progress.on_event(&event).unwrap();
        progress.on_counters(Counters { ok: 150, not_ok: 0 });
    }
    progress.finish();
    drop(progress);
    insta::assert_snapshot!("progress", String::from_utf8(out).unwrap());
}

#[test]
fn progress_with_a_hidden_spinner_writes_the_same_lines() {
    let lines = |live: bool| {
        let mut out = Vec::new();
        let mut progress = match live {
            true => Progress::live(&mut out, indicatif::ProgressDrawTarget::hidden()),
            false => Progress::plain(&mut out),
        };
        for event in sample::events() {
            progress.on_event(&event).unwrap();
            progress.on_counters(Counters { ok: 150, not_ok: 3 });
        }
        progress.finish();
        drop(progress);
        out
    };
    assert_eq!(lines(true), lines(false));
}

#[test]
fn every_format_can_be_called_alone() {
    let case = Case::sample();
    let view = case.view();
    assert_eq!(html::html(&view), file(&case, "report.html"));
    assert_eq!(markdown::markdown(&view), file(&case, "report.md"));
    assert_eq!(junit::junit(&view), file(&case, "junit.xml"));
    assert_eq!(
        metrics::metrics(&case.record, &case.judgement),
        file(&case, "metrics.prom")
    );
}

/// What the strict reader of Jenkins' xUnit plugin lets each element carry.
const STRICT: &[(&str, &[&str])] = &[
    (
        "testsuites",
        &["name", "time", "tests", "failures", "errors"],
    ),
    (
        "testsuite",
        &[
            "name",
            "tests",
            "failures",
            "errors",
            "group",
            "time",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
            "log",
            "url",
        ],
    ),
    ("testcase", &["name", "time", "classname", "group"]),
    ("failure", &["type", "message"]),
    ("error", &["type", "message"]),
    ("skipped", &["type", "message"]),
];

#[test]
fn junit_has_nothing_that_a_strict_reader_does_not_know() {
    let tag = regex::Regex::new(r"<([a-z]+)((?: [a-z]+=\x22[^\x22]*\x22)*) ?/?>").unwrap();
    let attribute = regex::Regex::new(r" ([a-z]+)=\x22").unwrap();
    for case in [Case::sample(), inconclusive(), nothing_there(), hostile()] {
        let text = file(&case, "junit.xml");
        let mut seen = 0;
        for found in tag.captures_iter(&text) {
            let (_, allowed) = STRICT
                .iter()
                .find(|(name, _)| *name == &found[1])
                .expect(&found[1]);
            for name in attribute.captures_iter(&found[2]) {
                assert!(
                    allowed.contains(&&name[1]),
                    "{} of {}: {text}",
                    &name[1],
                    &found[1]
                );
            }
            seen += 1;
        }
        assert_eq!(
            seen,
            text.matches('<').count() - text.matches("</").count() - 1,
            "{text}"
        );
    }
}

#[test]
fn a_narrow_table_breaks_no_word() {
    let mut case = Case::sample();
    let line = &mut case.judgement.scorecard.lines[0];
    line.figure = "redundancy_restored".into();
    line.measured = "not measured".into();
    line.state = LineState::Inconclusive;
    line.bracket = "[123.456 s, 234.567 s]".into();
    let text = case.terminal(80);
    for word in [
        "redundancy_restored ",
        "not measured ",
        " inconclusive",
        "[123.456 s, 234.567 s]",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(!text.contains("  bracket"), "{text}");
}
