//! C6: runs in which nothing happened, and what drdrill makes of them.

use crate::{
    check::Answer,
    history::History,
    record::Record,
    score::{Judgement, Verdict, judge},
    stats,
};

use super::{
    Line,
    line::{Acceptance, unfit},
};

/// The level of confidence of the bound that is printed.
const LEVEL: f64 = 0.95;

/// How many controls that were not silent are told of.
const LISTED: usize = 3;

/// What a control came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    /// Nothing was reported, as nothing happened.
    Kept,
    /// The machine was unfit; what was reported has its cause there.
    Untold(String),
    /// Something was reported.
    Broken(String),
}

/// Judges one run in which nothing happened.
pub fn silence(record: &Record, history: &History) -> Silence {
    let judgement = judge(record, history);
    if judgement.scorecard.verdict == Verdict::Control {
        return Silence::Kept;
    }
    let reasons = alarms(&judgement).join("; ");
    match unfit(record, history) {
        Some(why) => Silence::Untold(format!("{reasons}; {why}")),
        None => Silence::Broken(reasons),
    }
}

fn alarms(judgement: &Judgement) -> Vec<String> {
    let verdict = judgement.scorecard.verdict;
    let doubts = judgement
        .findings
        .iter()
        .filter(|finding| finding.answer != Answer::Valid)
        .map(|finding| format!("{}: {}", finding.check, finding.summary));
    let reasons = judgement.scorecard.reasons.iter();
    let reasons = reasons.map(|reason| format!("{}: {}", reason.name, reason.text));
    let mut all: Vec<String> = std::iter::once(format!("verdict {verdict:?}").to_lowercase())
        .chain(doubts)
        .chain(reasons)
        .collect();
    all.dedup();
    all
}

/// The line of `asked` controls on `system`.
pub fn line(system: &str, asked: u64, runs: &[Silence]) -> Line {
    let kept = runs.iter().filter(|run| **run == Silence::Kept).count() as u64;
    let mut line = Line::new(
        "C6",
        format!("nothing happens to {system}"),
        "no fault was injected",
    );
    line.truth = format!("{asked} controls");
    line.measured = format!("{kept} without outage, loss or alarm");
    line.limit = "no alarm".into();
    line.error = format!(
        "at most {:.2} % false alarms at 95 %",
        100.0 * stats::zero_of(kept, LEVEL)
    );
    for run in runs {
        match run {
            Silence::Kept => {}
            Silence::Untold(why) => line.undecide(why.clone()),
            Silence::Broken(why) => line.ask(false, || why.clone()),
        }
    }
    let more = line.why.len().saturating_sub(LISTED);
    if more > 0 {
        line.why.truncate(LISTED);
        line.why
            .push(format!("and {more} more controls like these"));
    }
    if (runs.len() as u64) < asked {
        line.undecide(format!("only {} of {asked} were run", runs.len()));
    }
    if line.state != Acceptance::Accepted {
        line.error = "no bound".into();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        history::Outcome,
        id::LaneId,
        measure::fixture::{FAULT, W1, control, ms},
        time::Nanos,
    };

    #[test]
    fn a_control_is_silent_and_one_failed_or_lost_operation_breaks_the_silence() {
        let (record, history) = control().build();
        assert_eq!(silence(&record, &history), Silence::Kept);
        let mut failed = control();
        failed.op(W1, 600).outcome = Outcome::Fail;
        failed.absent = vec![(W1, 600)];
        let (record, history) = failed.build();
        assert!(matches!(silence(&record, &history), Silence::Broken(_)));
        let mut lost = control();
        lost.absent = vec![(LaneId(0), 300)];
        let (record, history) = lost.build();
        assert!(matches!(silence(&record, &history), Silence::Broken(_)));
    }

    #[test]
    fn the_bound_is_printed_only_where_every_control_was_silent() {
        let kept = vec![Silence::Kept; 59];
        let line_of = |runs: &[Silence]| line("a", 59, runs);
        assert_eq!(line_of(&kept).state, Acceptance::Accepted);
        assert!(line_of(&kept).error.contains("4.95 %"));
        assert_eq!(line_of(&kept[1..]).state, Acceptance::Undecided);
        let broken = [&kept[1..], &[Silence::Broken("fail".into())]].concat();
        assert_eq!(line_of(&broken).state, Acceptance::Rejected);
        assert_eq!(line_of(&broken).error, "no bound");
    }

    #[test]
    fn a_machine_that_was_held_up_excuses_nothing_and_decides_nothing() {
        let mut failed = control();
        failed.fail(W1, FAULT.high, ms(21_000));
        let at = crate::time::Bracket::at(Nanos(FAULT.low.0));
        failed
            .record
            .stalls
            .push((at, std::time::Duration::from_millis(300)));
        let (record, history) = failed.build();
        assert!(matches!(silence(&record, &history), Silence::Untold(_)));
    }

    #[test]
    fn a_machine_that_dropped_packets_decides_nothing() {
        let mut failed = control();
        failed.fail(W1, FAULT.high, ms(21_000));
        failed.record.dropped = Some(3);
        let (record, history) = failed.build();
        assert!(matches!(silence(&record, &history), Silence::Untold(_)));
    }
}
