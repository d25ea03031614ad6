//! One answer for a scenario, with one sentence why.

use crate::score;

use super::{Against, Verdict};

/// What a gate says of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Targets met, and not worse than before.
    Pass,
    /// A target was missed, or data is lost or wrong.
    TargetMissed,
    /// Targets met, and worse than before.
    Regression,
    /// It could not be told.
    Inconclusive,
    /// Evidence is missing, too old, unsigned, or does not verify.
    Evidence,
}

impl State {
    /// The state as a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::TargetMissed => "target-missed",
            Self::Regression => "regression",
            Self::Inconclusive => "inconclusive",
            Self::Evidence => "evidence",
        }
    }
}

/// What a gate says, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The answer.
    pub state: State,
    /// Why, in one sentence.
    pub sentence: String,
}

/// Decides. What is positively observed goes first: evidence that does not hold, a missed target, a
/// regression against the baseline, a rise in the history; then what could not be told. `targets` is the
/// verdict over the runs with its sentence; `rise` says where the history changed for the worse.
pub fn decide(
    evidence: Result<(), String>,
    targets: (score::Verdict, &str),
    baseline: Option<&Against>,
    rise: Option<String>,
) -> Decision {
    let (verdict, sentence) = targets;
    let is = |verdict| baseline.filter(|against| against.verdict == verdict);
    let (state, sentence) = if let Err(why) = evidence {
        (State::Evidence, why)
    } else if verdict == score::Verdict::Fail {
        (State::TargetMissed, sentence.to_owned())
    } else if let Some(against) = is(Verdict::Regression) {
        (State::Regression, against.sentence.clone())
    } else if let Some(rise) = rise {
        (State::Regression, rise)
    } else if verdict.is_open() {
        (State::Inconclusive, sentence.to_owned())
    } else if let Some(against) = is(Verdict::Inconclusive) {
        (State::Inconclusive, against.sentence.clone())
    } else {
        (State::Pass, sentence.to_owned())
    };
    Decision { state, sentence }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Margin, against};

    const PASSED: (score::Verdict, &str) = (score::Verdict::Pass, "met");

    fn times(from: f64, n: usize) -> Vec<Option<f64>> {
        (0..n).map(|i| Some(from + i as f64)).collect()
    }

    fn state(
        evidence: Result<(), String>,
        targets: (score::Verdict, &str),
        baseline: Option<&Against>,
        rise: Option<String>,
    ) -> State {
        decide(evidence, targets, baseline, rise).state
    }

    #[test]
    fn what_was_observed_goes_before_what_could_not_be_told() {
        let before = times(100.0, 10);
        let compare = |now: &[Option<f64>]| against(&before, now, Margin::Set(20.0), 0.95);
        let (worse, same, few) = (
            compare(&times(300.0, 10)),
            compare(&times(101.0, 10)),
            compare(&times(101.0, 1)),
        );
        let unsure = (score::Verdict::Inconclusive, "unsure");
        let failed = (score::Verdict::Fail, "missed");
        let forged = Err("result.json: altered".to_owned());
        assert_eq!(state(Ok(()), PASSED, Some(&same), None), State::Pass);
        assert_eq!(state(Ok(()), PASSED, None, None), State::Pass);
        assert_eq!(state(Ok(()), PASSED, Some(&few), None), State::Inconclusive);
        assert_eq!(state(Ok(()), unsure, Some(&worse), None), State::Regression);
        let stopped = (score::Verdict::Aborted, "stopped");
        assert_eq!(
            state(Ok(()), stopped, Some(&same), None),
            State::Inconclusive
        );
        assert_eq!(state(Ok(()), stopped, None, None), State::Inconclusive);
        assert_eq!(
            state(Ok(()), unsure, Some(&same), None),
            State::Inconclusive
        );
        assert_eq!(
            state(Ok(()), PASSED, Some(&same), Some("rose".into())),
            State::Regression
        );
        assert_eq!(
            state(Ok(()), failed, Some(&worse), None),
            State::TargetMissed
        );
        assert_eq!(state(forged, failed, Some(&worse), None), State::Evidence);
        let said = decide(Ok(()), PASSED, Some(&worse), None).sentence;
        assert!(said.starts_with("A regression"), "{said}");
    }
}
