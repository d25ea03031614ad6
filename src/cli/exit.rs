//! Exit codes, in one place: scripts depend on them.

use std::process::ExitCode;

use drdrill::local::Unfit;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything was met, or there was nothing to judge.
    Pass = 0,
    /// A target was missed, or acknowledged data was lost, changed or contradicted.
    TargetMissed = 1,
    /// The command line was wrong; nothing was done.
    Usage = 2,
    /// It could not be told whether the targets were met.
    Inconclusive = 3,
    /// A scenario has problems; nothing was created.
    ScenarioInvalid = 4,
    /// This machine cannot run the drill: no container engine, missing image, too little memory.
    EnvironmentUnfit = 5,
    /// A run folder is not what its manifest says.
    EvidenceUnverified = 6,
    /// The targets were met, and it was worse than the baseline.
    Regression = 7,
    /// Something that a drill created is still there.
    CleanupIncomplete = 8,
    /// A drill was stopped before its end, by a condition of its own or by `drdrill halt`.
    Aborted = 9,
    /// drdrill itself failed.
    Bug = 70,
    /// Interrupted by a signal; everything was healed and removed.
    Interrupted = 130,
}

impl Exit {
    /// Every code with its meaning, for the help text.
    pub const HELP: &str = "\
Exit codes:
  0    pass
  1    target missed, or data lost or wrong
  2    wrong usage
  3    inconclusive
  4    scenario invalid; nothing was created
  5    environment unfit
  6    evidence does not verify
  7    regression against the baseline
  8    cleanup incomplete
  9    aborted: stopped by a condition of the drill, or by `drdrill halt`
  70   a bug in drdrill
  130  interrupted";
}

impl Exit {
    /// The one that a caller must hear of when both happened.
    pub fn worse(self, other: Self) -> Self {
        const ORDER: [Exit; 12] = [
            Exit::Pass,
            Exit::Inconclusive,
            Exit::Aborted,
            Exit::Regression,
            Exit::EnvironmentUnfit,
            Exit::ScenarioInvalid,
            Exit::Usage,
            Exit::EvidenceUnverified,
            Exit::TargetMissed,
            Exit::Interrupted,
            Exit::CleanupIncomplete,
            Exit::Bug,
        ];
        let rank = |exit: Self| ORDER.iter().position(|one| *one == exit);
        if rank(other) > rank(self) {
            other
        } else {
            self
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Failure {
    /// The code to exit with.
    pub exit: Exit,
    /// What happened, lower case without a full stop.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Failure {
    /// A failure with its way out.
    pub fn new(exit: Exit, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            help: help.into(),
        }
    }
}

impl From<Unfit> for Failure {
    fn from(unfit: Unfit) -> Self {
        Self::new(Exit::EnvironmentUnfit, unfit.what, unfit.help)
    }
}
