//! From lines and findings to the verdict, each reason named. `docs/measurement.md`, section 4.

use crate::{
    check::{
        Answer, Finding, Touch, consistency, corrupt, duplicates, effect, lost_writes, phantom,
        relapse, residue, split_brain, unexplained, well_at_end,
    },
    measure::{Figure, Figures},
    record::{DisruptionKind, Record, Status},
};

use super::{
    LineState, Reason, Scorecard, Verdict,
    availability_line::AVAILABILITY,
    lines::{Judged, MISSING, NOT_MEASURED, lines},
    sentence::sentence,
};

/// The integrity findings that fail a drill when they are invalid.
pub const INTEGRITY: [&str; 6] = [
    lost_writes::NAME,
    split_brain::NAME,
    corrupt::NAME,
    phantom::NAME,
    duplicates::NAME,
    consistency::NAME,
];

/// The lines of loss, one of which can carry a pass.
const RPO: [&str; 3] = ["rpo_seconds", "rpo_count", "rpo_bytes"];

/// Judges a run by its targets. Pure.
pub fn score(record: &Record, figures: &Figures, findings: &[Finding]) -> Scorecard {
    let mut judged = lines(record, figures);
    let mut reasons: Vec<Reason> = status_reason(record, &judged).into_iter().collect();
    reasons.extend(finding_reasons(findings, &judged));
    reasons.extend(judged.iter().filter_map(undecided));
    let doubts = voids(record, findings);
    for doubt in &doubts {
        judged
            .iter_mut()
            .filter(|judged| touched(judged, doubt.touch))
            .for_each(|judged| void(judged, doubt));
    }
    reasons.extend(judged.iter().filter_map(missed));
    let stands = integrity_stands(findings, &doubts);
    let verdict = if matches!(record.status, Status::Halted(_)) {
        // Whatever was seen until then was cut short on purpose.
        Verdict::Aborted
    } else if record.is_control() {
        control(record, figures, findings, (&judged, stands), &mut reasons)
    } else {
        match verdict(stands, &judged, &mut reasons) {
            Verdict::Pass if idle_headline(record) => {
                reasons.push(reason(
                    "headline-does-nothing",
                    "the main figures speak of a step that did nothing on purpose",
                ));
                Verdict::Inconclusive
            }
            verdict => verdict,
        }
    };
    Scorecard {
        verdict,
        sentence: sentence(record, figures, verdict, &reasons),
        lines: judged.into_iter().map(|judged| judged.line).collect(),
        reasons,
    }
}

/// Whether the step that the main figures speak of did nothing, in a run that is no control.
fn idle_headline(record: &Record) -> bool {
    let headline = record.headline();
    headline.is_some_and(|(_, disruption)| disruption.kind == DisruptionKind::Control)
}

fn touched(judged: &Judged, touch: Touch) -> bool {
    match touch {
        Touch::All => true,
        Touch::Time | Touch::Data | Touch::Alerts => judged.family == touch,
    }
}

/// Why some lines cannot be told.
struct Doubt {
    touch: Touch,
    why: String,
    spares: Spares,
    /// Whether the run did not go on to its end.
    is_cut: bool,
}

/// Which lines stay missed under a doubt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spares {
    /// None: another than the service may have brought it about.
    None,
    /// Those of data that was positively observed to be beyond its target.
    Data,
    /// A time, too, that was seen to be beyond its target: what comes to light later makes it no shorter.
    All,
}

impl Spares {
    fn by(check: &str) -> Self {
        match check {
            unexplained::NAME => Self::None,
            relapse::NAME | well_at_end::NAME => Self::All,
            _ => Self::Data,
        }
    }
}

/// Makes a line inconclusive, unless it stands: data positively observed to be beyond its target, and a time seen to be
/// beyond it where the doubt is only about what came after.
fn void(judged: &mut Judged, doubt: &Doubt) {
    let spared = match doubt.spares {
        Spares::None => false,
        Spares::Data => judged.family == Touch::Data,
        Spares::All => true,
    };
    // A share of the whole run may yet rise.
    let could_rise = doubt.is_cut && judged.line.figure == AVAILABILITY;
    let stands = spared && !could_rise && judged.line.state == LineState::Missed;
    if !stands && judged.line.state != LineState::Inconclusive {
        judged.line.state = LineState::Inconclusive;
        judged.line.why.clone_from(&doubt.why);
    }
}

/// What each reason makes inconclusive: unknown findings, findings that are wrong without failing the
/// drill, and a run that did not complete.
fn voids(record: &Record, findings: &[Finding]) -> Vec<Doubt> {
    let incomplete = |why: String| Doubt {
        touch: Touch::All,
        why,
        spares: Spares::All,
        is_cut: true,
    };
    let mut voids: Vec<Doubt> = match &record.status {
        Status::Completed => Vec::new(),
        Status::Interrupted => vec![incomplete("the run was interrupted".into())],
        Status::Aborted(why) => vec![incomplete(format!("the run was aborted: {why}"))],
        Status::Halted(why) => vec![incomplete(format!("the drill was stopped: {why}"))],
    };
    for finding in findings {
        let blurs = match finding.answer {
            Answer::Valid | Answer::Remark => false,
            Answer::Unknown => true,
            Answer::Invalid => !INTEGRITY.contains(&finding.check.as_str()),
        };
        if blurs {
            let why = format!("{}: {}", finding.check, finding.summary);
            voids.extend(finding.touches.iter().map(|touch| Doubt {
                touch: *touch,
                why: why.clone(),
                spares: Spares::by(&finding.check),
                is_cut: false,
            }));
        }
    }
    voids
}

fn names(judged: &[Judged], touches: &[Touch]) -> Vec<String> {
    judged
        .iter()
        .filter(|judged| touches.iter().any(|touch| touched(judged, *touch)))
        .map(|judged| judged.line.figure.clone())
        .collect()
}

fn status_reason(record: &Record, judged: &[Judged]) -> Option<Reason> {
    let (name, text) = match &record.status {
        Status::Completed => return None,
        Status::Interrupted => ("run-interrupted", "a person stopped the run".to_owned()),
        Status::Aborted(why) => ("run-aborted", why.clone()),
        Status::Halted(why) => ("run-halted", why.clone()),
    };
    Some(Reason {
        name: name.into(),
        text,
        lines: names(judged, &[Touch::All]),
    })
}

fn finding_reasons<'a>(
    findings: &'a [Finding],
    judged: &'a [Judged],
) -> impl Iterator<Item = Reason> + 'a {
    findings
        .iter()
        .filter(|finding| match finding.answer {
            Answer::Valid | Answer::Remark => false,
            Answer::Invalid => true,
            Answer::Unknown => !finding.touches.is_empty(),
        })
        .map(|finding| Reason {
            name: finding.check.clone(),
            text: finding.summary.clone(),
            lines: names(judged, &finding.touches),
        })
}

/// A reason that lies in the line itself: a missing target, missing data, or what the bracket leaves open.
fn undecided(judged: &Judged) -> Option<Reason> {
    let line = &judged.line;
    let name = match line.state {
        LineState::Met | LineState::Any | LineState::Missed => return None,
        LineState::Inconclusive if line.target == MISSING => "target-missing",
        LineState::Inconclusive if line.measured == NOT_MEASURED => "not-measured",
        LineState::Inconclusive => "undecided",
    };
    Some(line_reason(name, judged))
}

/// That the target is missed, where nothing makes the line inconclusive.
fn missed(judged: &Judged) -> Option<Reason> {
    (judged.line.state == LineState::Missed).then(|| line_reason("target-missed", judged))
}

fn line_reason(name: &str, judged: &Judged) -> Reason {
    let line = &judged.line;
    Reason {
        name: name.into(),
        text: format!("{}: {}", line.figure, line.why),
        lines: vec![line.figure.clone()],
    }
}

/// Whether data was seen to be wrong. It was not where another than the service may have brought that about.
fn integrity_stands(findings: &[Finding], doubts: &[Doubt]) -> bool {
    let others = doubts.iter().any(|doubt| doubt.spares == Spares::None);
    !others
        && findings.iter().any(|finding| {
            finding.answer == Answer::Invalid && INTEGRITY.contains(&finding.check.as_str())
        })
}

fn any_line(judged: &[Judged], state: LineState) -> bool {
    judged.iter().any(|judged| judged.line.state == state)
}

/// Fail if a line is missed or an integrity finding stands; else inconclusive if a line is; else pass,
/// which needs at least one of the RTO and RPO lines met.
fn verdict(integrity_stands: bool, judged: &[Judged], reasons: &mut Vec<Reason>) -> Verdict {
    if any_line(judged, LineState::Missed) || integrity_stands {
        return Verdict::Fail;
    }
    if any_line(judged, LineState::Inconclusive) {
        return Verdict::Inconclusive;
    }
    // `lines` puts the RTO line first; where a planned move is the headline, its outage stands for it.
    let judges = |(place, judged): &(usize, &Judged)| {
        let figure = judged.line.figure.as_str();
        *place == 0 || figure == "rto_write" || RPO.contains(&figure)
    };
    let met = judged
        .iter()
        .enumerate()
        .filter(judges)
        .any(|(_, judged)| judged.line.state == LineState::Met);
    if met {
        return Verdict::Pass;
    }
    reasons.push(Reason {
        name: "nothing-judged".into(),
        text: "RTO and RPO are both `any`: nothing was promised, so nothing was passed".into(),
        lines: names(judged, &[Touch::All]),
    });
    Verdict::Inconclusive
}

/// A control behaves as one only if nothing changed, verified, no lane saw an outage, nothing is lost,
/// and all of that could be told. An outage or a loss without a cause fails.
fn control(
    record: &Record,
    figures: &Figures,
    findings: &[Finding],
    (judged, integrity_stands): (&[Judged], bool),
    reasons: &mut Vec<Reason>,
) -> Verdict {
    let sound = record.status == Status::Completed
        && findings.iter().all(|finding| match finding.answer {
            Answer::Valid | Answer::Remark => true,
            Answer::Unknown => finding.touches.is_empty(),
            Answer::Invalid => finding.check == residue::NAME,
        });
    let mut events = figures.events.iter();
    let outage = events.any(|event| event.outage_seen || !event.lanes.is_empty())
        || !figures.undone.is_empty()
        || !figures.before.is_empty();
    let mut events = figures.events.iter();
    let told = figures.headline.is_some() && events.all(|event| event.rto.value().is_some());
    let loss = match &figures.loss {
        Figure::Measured(loss) => {
            Some(!(loss.lost.is_empty() && loss.split_brain.is_empty() && loss.later.is_empty()))
        }
        Figure::Missing(_) => None,
    };
    if outage {
        reasons.push(reason(
            "control-outage",
            "an outage was seen though nothing was done",
        ));
    }
    if loss == Some(true) {
        reasons.push(reason(
            "control-loss",
            "acknowledged writes are lost though nothing was done",
        ));
    }
    let failed = integrity_stands || any_line(judged, LineState::Missed) || loss == Some(true);
    if failed || (outage && sound) {
        return Verdict::Fail;
    }
    // A restore is asked of a control as of any drill: what it could not show is not shown.
    let open =
        |it: &&Judged| it.line.state == LineState::Inconclusive && is_of_restore(&it.line.figure);
    if let Some(open) = judged.iter().find(open) {
        let text = format!("{} could not be told: {}", open.line.figure, open.line.why);
        reasons.push(reason("control-restore", &text));
        return Verdict::Inconclusive;
    }
    let effect = findings
        .iter()
        .any(|finding| finding.check == effect::NAME && finding.answer == Answer::Valid);
    if sound && effect && told && !outage && loss == Some(false) {
        Verdict::Control
    } else {
        reasons.push(reason(
            "control-untold",
            "it could not be told that nothing happened",
        ));
        Verdict::Inconclusive
    }
}

/// Whether a line tells of a backup or a restore.
fn is_of_restore(figure: &str) -> bool {
    let mut names = ["restore_rto", "pitr_", "archive_lag"].iter();
    names.any(|name| figure.starts_with(name))
}

fn reason(name: &str, text: &str) -> Reason {
    Reason {
        name: name.into(),
        text: text.into(),
        lines: Vec::new(),
    }
}
