//! A run made ready to be shown: every value formatted and every picture binned, once for all formats.

pub mod alerts;
pub mod consumers;
pub mod figures;
pub mod loss;
pub mod operator;
pub mod picture;
mod restores;
pub mod setup;
pub mod table;
pub mod text;
pub mod why;

use crate::{
    check::{Answer, Finding},
    history::History,
    measure::EventFigures,
    record::Record,
    score::{Judgement, Line, Scorecard},
    time::{Nanos, Span},
};

pub use loss::LossView;
pub use picture::Picture;
pub use table::Table;
pub use why::PartView;

/// A run made ready to be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Which run this is.
    pub title: Title,
    /// Targets against measurements, as judged.
    pub card: Scorecard,
    /// This run's target lines beside those of the last run: that run's name, and the table.
    pub last: Option<(String, Table)>,
    /// The headline disruption, if there was one.
    pub fault: Option<FaultView>,
    /// What the recovery's time is made of.
    pub phases: Vec<PhaseView>,
    /// What operators did between the fault and the end of the recovery, step by step.
    pub operator: Vec<ActionView>,
    /// How long all of that took; absent where nobody did anything.
    pub operator_took: Option<String>,
    /// Why the recovery took as long, part by part.
    pub why: Vec<PartView>,
    /// What the phases leave unexplained: value and bracket, or why it is not known.
    pub unexplained: Option<(String, String)>,
    /// What became of the data.
    pub loss: LossView,
    /// What the checkers found, what is wrong first.
    pub findings: Vec<Finding>,
    /// Things that a reader must know first: cleanup that failed, a run that did not complete.
    pub alarms: Vec<String>,
    /// What a node said last before the run was aborted, line by line.
    pub last_words: Vec<String>,
    /// The picture of the outage, if clients ran.
    pub picture: Option<Picture>,
    /// Predicted bounds beside the measured recovery.
    pub bounds: Vec<BoundView>,
    /// All figures.
    pub figures: Table,
    /// What each shard saw of the headline disruption; without rows where there are no shards.
    pub shards: Table,
    /// What the consumer group saw of the headline disruption; absent without one.
    pub consumers: Option<Table>,
    /// When alerts fired and arrived; absent without alerting.
    pub alerts: Option<Table>,
    /// Each lane's outages.
    pub lanes: Table,
    /// Latency per window.
    pub latency: Table,
    /// How sure the recovery time is.
    pub uncertainty: Table,
    /// Settings as read back from the running stack.
    pub settings: Table,
    /// Images with digest and origin.
    pub images: Table,
    /// The stack's members.
    pub members: Table,
    /// What the drill ran on.
    pub environment: Table,
    /// What was done, step by step.
    pub steps: Table,
    /// How it was measured and what the numbers do not show, a few sentences.
    pub method: Vec<String>,
}

/// Which run this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title {
    /// The scenario's name.
    pub scenario: String,
    /// Its file as it was given.
    pub file: String,
    /// What the drill shows.
    pub summary: String,
    /// The run's name.
    pub run: String,
    /// Wall-clock start.
    pub started: String,
    /// Which repeat this is and out of how many.
    pub attempt: (u32, u32),
    /// The system, `none` when no stack came up.
    pub system: String,
    /// Topology, route and server version in a few words.
    pub stack: String,
    /// How the run ended.
    pub status: String,
    /// The seed.
    pub seed: String,
    /// drdrill's version.
    pub drdrill: String,
    /// The scenario's digest.
    pub scenario_sha256: String,
}

/// The headline disruption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultView {
    /// In a few words: `kill redis1`.
    pub name: String,
    /// By which means.
    pub means: String,
    /// Width of the injecting call.
    pub width: String,
    /// What was seen of its effect.
    pub effect: &'static str,
    /// By what.
    pub evidence: Vec<String>,
}

/// One phase of the recovery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhaseView {
    /// Its number, which also marks it in the picture.
    pub number: usize,
    /// The milestone that ends it.
    pub until: &'static str,
    /// How long it took.
    pub took: String,
    /// The bracket of that.
    pub bracket: String,
    /// When it ended, from the fault.
    pub ended: String,
    /// Who said so.
    pub source: String,
    /// Its begin and end from the fault, thousandths of the longest, for a bar.
    pub bar: (u64, u64),
}

/// One step of an operator, taken by hand or by a runbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionView {
    /// What was done.
    pub text: String,
    /// To which node; empty where to none.
    pub node: String,
    /// How long it took.
    pub took: String,
    /// When it ended, from the fault.
    pub ended: String,
    /// Its begin and end from the fault, thousandths of the longest phase, for a bar.
    pub bar: (u64, u64),
}

/// One predicted bound beside what was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundView {
    /// The fault that it is for.
    pub fault: String,
    /// The predicted bounds.
    pub predicted: String,
    /// The measured recovery, `not measured` where there is none.
    pub measured: String,
    /// The arithmetic.
    pub basis: String,
    /// Whether drills have confirmed the lower bound.
    pub confirmed: &'static str,
    /// Predicted low, predicted high, measured, thousandths of the scale.
    pub bar: (u64, u64, Option<u64>),
}

impl View {
    /// Makes a run ready to be shown.
    pub fn new(record: &Record, history: &History, judgement: &Judgement) -> Self {
        let figures = &judgement.figures;
        let event = headline(judgement);
        let zero = zero(record);
        let alerting = record.opened.scenario.alerting.is_some();
        let mut findings: Vec<Finding> = judgement.findings.iter().map(cleaned).collect();
        findings.sort_by_key(|finding| match finding.answer {
            Answer::Invalid => 0,
            Answer::Unknown => 1,
            Answer::Remark => 2,
            Answer::Valid => 3,
        });
        Self {
            title: setup::title(record),
            card: card(&judgement.scorecard),
            last: setup::last(record, &judgement.scorecard),
            fault: setup::fault(record),
            phases: event.map_or_else(Vec::new, figures::phases),
            why: event.map_or_else(Vec::new, why::parts),
            operator: event.map_or_else(Vec::new, |event| operator::steps(record, event)),
            operator_took: event.and_then(|event| operator::took(record, event)),
            unexplained: event.map(|event| {
                text::figure(&event.unexplained, |span| {
                    (text::upper(*span), text::bracket(*span))
                })
            }),
            loss: loss::loss(record, figures),
            findings,
            alarms: [
                setup::alarms(record),
                event.and_then(why::alarm).into_iter().collect(),
            ]
            .concat(),
            last_words: setup::last_words(record),
            picture: picture::picture(record, history, event),
            bounds: figures::bounds(record, event),
            figures: figures::figures(record, figures, event),
            shards: figures::shards(record, event),
            consumers: record.consumers.as_ref().map(|_| consumers::table(event)),
            alerts: alerting.then(|| alerts::table(&figures.alerts)),
            lanes: figures::lanes(record, event),
            latency: figures::latency(figures),
            uncertainty: figures::uncertainty(event),
            settings: setup::settings(record),
            images: setup::images(record),
            members: setup::members(record),
            environment: setup::environment(record),
            steps: setup::steps(record, zero),
            method: setup::method(record),
        }
    }

    /// The findings that a reader must hear of: what is not as it should be, and remarks.
    pub fn told(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.answer != Answer::Valid)
    }

    /// One target line in one sentence, in plain ASCII where its parts are.
    pub fn sentence(line: &Line) -> String {
        let mut text = format!(
            "{} {}: measured {}",
            line.figure,
            text::state(line.state),
            line.measured
        );
        if !line.bracket.is_empty() {
            text.push_str(&format!(" {}", line.bracket));
        }
        text.push_str(&format!(", target {}", line.target));
        if !line.why.is_empty() {
            text.push_str(&format!(" - {}", line.why));
        }
        text
    }
}

/// The scorecard without control characters.
fn card(card: &Scorecard) -> Scorecard {
    let mut card = card.clone();
    card.sentence = text::clean(&card.sentence);
    for line in &mut card.lines {
        for part in [
            &mut line.figure,
            &mut line.target,
            &mut line.measured,
            &mut line.bracket,
            &mut line.why,
        ] {
            *part = text::clean(part);
        }
    }
    for reason in &mut card.reasons {
        reason.name = text::clean(&reason.name);
        reason.text = text::clean(&reason.text);
    }
    card
}

/// A finding without control characters.
fn cleaned(finding: &Finding) -> Finding {
    Finding {
        check: text::clean(&finding.check),
        summary: text::clean(&finding.summary),
        evidence: finding
            .evidence
            .iter()
            .map(|line| text::clean(line))
            .collect(),
        ..finding.clone()
    }
}

fn headline(judgement: &Judgement) -> Option<&EventFigures> {
    let figures = &judgement.figures;
    figures.events.get(figures.headline?)
}

/// The moment that times are shown from: just before the headline disruption, else the clients' start.
pub(super) fn zero(record: &Record) -> Nanos {
    match (record.headline(), record.load) {
        (Some((at, _)), _) => at.low,
        (None, Some((start, _))) => start,
        (None, None) => Nanos::default(),
    }
}

/// Thousandths of a scale, for bars.
pub(super) fn thousandths(ns: u64, scale: u64) -> u64 {
    if scale == 0 {
        return 0;
    }
    u64::try_from(u128::from(ns.min(scale)) * 1000 / u128::from(scale)).unwrap_or(1000)
}

/// A duration's upper end for a bar: what was observed when its end was not seen.
pub(super) fn reach(span: Span) -> u64 {
    span.high_ns.unwrap_or(span.low_ns)
}
