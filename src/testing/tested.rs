//! A drill that a test ran, and what it asserts of it.

use std::fmt;

use crate::{
    report::{Style, View, terminal},
    scenario::MustFail,
    score::{Proof, Verdict, proof},
    seed::Seed,
    session::Ended,
};

/// A drill that has ended. Shown, it is the scorecard, the folder and the seed.
pub struct Tested {
    /// What was observed and judged, and where it is kept.
    pub ended: Ended,
    seed: Seed,
}

impl Tested {
    pub(super) fn new(ended: Ended, seed: Seed) -> Self {
        Self { ended, seed }
    }

    /// What came of it.
    pub fn verdict(&self) -> Verdict {
        self.ended.judgement.scorecard.verdict
    }

    /// Panics with the scorecard unless every target was met and nothing is left behind.
    ///
    /// What could not be told does not pass, either. A control drill (`fault: noop`) passes where its checks do.
    #[track_caller]
    pub fn assert_passed(&self) {
        let passed = matches!(self.verdict(), Verdict::Pass | Verdict::Control);
        assert!(passed, "the drill did not pass\n{self}");
        self.assert_clean();
    }

    /// Panics with the scorecard unless the run missed what this change must make it miss.
    #[track_caller]
    pub(super) fn assert_red(&self, change: &MustFail) {
        let with = &change.with;
        match proof(&self.ended.judgement, &change.misses) {
            Proof::Red => {}
            Proof::NotRed(absent) => panic!("not missed with {with:?}: {absent:?}\n{self}"),
            Proof::Untold(why) => panic!("could not tell with {with:?}: {why}\n{self}"),
        }
        self.assert_clean();
    }

    #[track_caller]
    fn assert_clean(&self) {
        let residue = self.ended.record.residue.as_ref();
        let clean = residue.is_some_and(|it| it.left.is_empty() && it.failed.is_empty());
        assert!(
            clean,
            "something is left behind: `drdrill sweep` removes it\n{self}"
        );
    }
}

impl fmt::Display for Tested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ended {
            folder,
            record,
            history,
            judgement,
        } = &self.ended;
        let page = folder.join("report.html").display().to_string();
        let style = Style {
            width: 100,
            colour: false,
        };
        let card = terminal(&View::new(record, history, judgement), &page, style);
        write!(f, "{card}Seed 0x{}", self.seed)
    }
}

impl fmt::Debug for Tested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
