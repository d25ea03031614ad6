//! Whether a change that must turn a drill red did, and for the reason that was expected.

use crate::{check::Answer, scenario::Miss};

use super::{Judgement, Line, LineState, Verdict};

/// What a drill with such a change shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// It failed as it must: the drill can turn red.
    Red,
    /// It did not, or for another reason; what was not missed.
    NotRed(Vec<Miss>),
    /// It could not be told, and why.
    Untold(String),
}

/// Judges a run with a change that must make it miss all of these. Pure.
pub fn proof(judgement: &Judgement, misses: &[Miss]) -> Proof {
    let card = &judgement.scorecard;
    let absent = |miss: &&Miss| !missed(judgement, **miss);
    let absent: Vec<Miss> = misses.iter().filter(absent).copied().collect();
    if absent.is_empty() && card.verdict == Verdict::Fail {
        return Proof::Red;
    }
    let open = |line: &&Line| {
        let untold = line.state == LineState::Inconclusive;
        untold && absent.iter().any(|miss| is_of(line, *miss))
    };
    let open = card.lines.iter().find(open);
    if !card.verdict.is_open() && open.is_none() {
        return Proof::NotRed(absent);
    }
    let why = open.map(|line| format!("{}: {}", line.figure, line.why));
    let first = card.reasons.first().map(|reason| reason.text.clone());
    Proof::Untold(why.or(first).unwrap_or_else(|| "inconclusive".into()))
}

/// Whether it was positively missed: a line beyond its target, or a check that found something.
fn missed(judgement: &Judgement, miss: Miss) -> bool {
    let mut lines = judgement.scorecard.lines.iter();
    let mut findings = judgement.findings.iter();
    lines.any(|line| line.state == LineState::Missed && is_of(line, miss))
        || findings.any(|it| it.answer == Answer::Invalid && it.check == miss.name())
}

fn is_of(line: &Line, miss: Miss) -> bool {
    let figure = line.figure.replace('_', "-");
    match miss {
        Miss::Rpo => figure.starts_with("rpo-"),
        Miss::Alerts => figure.starts_with("alert"),
        other => {
            // What holds for several events has a line for each of them.
            let own = figure.strip_prefix(other.name());
            own.is_some_and(|rest| {
                rest.is_empty() || rest.starts_with("-step-") || rest.starts_with("-after-step-")
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        check::duplicates,
        measure::fixture::{Bench, ms},
        score::judge,
    };

    fn whole() -> Judgement {
        let (record, history) = Bench::with_outage(ms(2_000)).build();
        judge(&record, &history)
    }

    /// A judgement of a sound drill with this verdict, and its `rto` line in this state.
    fn judged(verdict: Verdict, rto: LineState) -> Judgement {
        let mut judgement = whole();
        judgement.findings.clear();
        let card = &mut judgement.scorecard;
        card.verdict = verdict;
        for line in &mut card.lines {
            line.state = match line.figure.as_str() {
                "rto" => rto,
                _ => LineState::Any,
            };
        }
        judgement
    }

    #[test]
    fn a_drill_that_fails_as_expected_is_red() {
        let judgement = judged(Verdict::Fail, LineState::Missed);
        assert_eq!(proof(&judgement, &[Miss::Rto]), Proof::Red);
    }

    #[test]
    fn a_target_that_a_later_event_misses_is_missed() {
        let mut judgement = judged(Verdict::Fail, LineState::Met);
        let lines = &mut judgement.scorecard.lines;
        let rto = lines.iter().find(|line| line.figure == "rto").unwrap();
        let mut later = rto.clone();
        (later.figure, later.state) = ("rto_after_step_3".into(), LineState::Missed);
        lines.push(later);
        assert_eq!(proof(&judgement, &[Miss::Rto]), Proof::Red);
        let write = Proof::NotRed(vec![Miss::RtoWrite]);
        assert_eq!(proof(&judgement, &[Miss::RtoWrite]), write);
    }

    #[test]
    fn a_pass_and_a_failure_for_another_reason_are_not_red() {
        let passed = judged(Verdict::Pass, LineState::Met);
        assert_eq!(proof(&passed, &[Miss::Rto]), Proof::NotRed(vec![Miss::Rto]));
        let other = judged(Verdict::Fail, LineState::Missed);
        let both = [Miss::Rto, Miss::Rpo];
        assert_eq!(proof(&other, &both), Proof::NotRed(vec![Miss::Rpo]));
    }

    #[test]
    fn what_could_not_be_told_proves_nothing() {
        let untold = judged(Verdict::Inconclusive, LineState::Inconclusive);
        assert!(matches!(proof(&untold, &[Miss::Rto]), Proof::Untold(_)));
        // It failed by something else, and what it was to miss could not be told.
        let half = judged(Verdict::Fail, LineState::Inconclusive);
        assert!(matches!(proof(&half, &[Miss::Rto]), Proof::Untold(_)));
    }

    #[test]
    fn a_check_that_found_something_counts_and_one_that_could_not_tell_does_not() {
        let mut judgement = judged(Verdict::Fail, LineState::Met);
        let found = whole().findings.into_iter();
        judgement.findings = found.filter(|it| it.check == duplicates::NAME).collect();
        judgement.findings[0].answer = Answer::Invalid;
        assert_eq!(proof(&judgement, &[Miss::Duplicates]), Proof::Red);
        judgement.findings[0].answer = Answer::Unknown;
        assert_ne!(proof(&judgement, &[Miss::Duplicates]), Proof::Red);
    }
}
