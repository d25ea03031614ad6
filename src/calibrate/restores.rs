//! C9: restores of the reference store, whose log tells what each left out, brought back and took.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::sleep;

use crate::{
    seed::Seed,
    session::Observed,
    truth::{Line, restores, witness},
};

use super::{Field, observe, reference::tried};

/// How far apart the drills start: restores and judging of all at one moment would be more than a slow machine can do.
const APART: Duration = Duration::from_secs(2);

/// What is planted in a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// Nothing: it is exact.
    Nothing,
    /// Nothing, and the servers' clock is an hour ahead of the harness's.
    Ahead,
    /// The servers' clock steps ahead between the backup and the restore.
    Step,
    /// It leaves seven elements out.
    Forget,
    /// It brings five elements back from after the point.
    Beyond,
    /// It takes two seconds longer.
    Slow,
    /// The log is not received for two seconds.
    Lag,
    /// The log is not received, and all of it that is kept is restored.
    Latest,
}

impl Plant {
    /// Everything that C9 plants.
    pub const ALL: [Self; 8] = [
        Self::Nothing,
        Self::Ahead,
        Self::Step,
        Self::Forget,
        Self::Beyond,
        Self::Slow,
        Self::Lag,
        Self::Latest,
    ];

    fn what(self) -> &'static str {
        match self {
            Self::Nothing => "restore: exact",
            Self::Ahead => "restore: the servers' clock an hour ahead",
            Self::Step => "restore: the servers' clock steps 200 ms",
            Self::Forget => "restore: elements left out",
            Self::Beyond => "restore: elements of after the point",
            Self::Slow => "restore: two seconds more",
            Self::Lag => "log not received for two seconds",
            Self::Latest => "restore: the log ends before the latest write",
        }
    }

    /// The drill that plants it.
    fn scenario(self) -> String {
        let (defect, amount) = match self {
            Self::Step => ("clock-step", 200),
            Self::Forget => ("forget", 7),
            Self::Beyond => ("beyond", 5),
            Self::Slow => ("slow-restore", 2_000),
            Self::Nothing | Self::Ahead | Self::Lag | Self::Latest => ("none", 0),
        };
        let ahead = if self == Self::Ahead { "1h" } else { "0ms" };
        // Whoever keeps the log hears nothing.
        let deaf =
            |lasting| format!("{{ script: {{ node: backup1, how: isolate, for: {lasting} }} }}");
        let (fault, to) = match self {
            Self::Lag => (deaf("2s"), "1s ago"),
            Self::Latest => (deaf("5s"), "latest"),
            _ => ("noop".into(), "2s ago"),
        };
        // Few enough to be listed, each of them.
        let (lacks, hold) = match self {
            Self::Latest => (", restore-rpo: any", "500ms"),
            _ => ("", "4s"),
        };
        format!(
            "schema: 1
name: calibration
summary: A known truth is planted.
stack: {{ reference: {{ settings: {{ detect: 500ms, backup: log, clock-ahead: {ahead}, defect: {defect}, defect-amount: {amount} }} }} }}
clients: {{ service: {{ lanes: 2, rate: 100/s, timeout: 500ms }} }}
targets: {{ rto: any, rpo: any{lacks} }}
drill:
  - steady: 2s
  - backup: now
  - hold: 8s
  - fault: {fault}
  - hold: {hold}
  - restore: {{ to: {to} }}
  - expect: {{ recovered: {{ within: 20s }} }}
"
        )
    }

    /// Runs the drill that plants it.
    ///
    /// # Errors
    /// When the drill could not be carried to its end.
    pub async fn observe(self, field: &dyn Field, seed: Seed) -> Result<Observed, String> {
        observe(&self.scenario(), Vec::new(), field, seed).await
    }

    /// Compares what was measured with what the nodes logged.
    pub fn judge(self, observed: &Observed) -> Line {
        let line = Line::new("C9", self.what(), "the node's own log");
        let (record, history, log) = (&observed.record, &observed.history, observed.log());
        let untold = |mut line: Line| {
            line.undecide("the node's log does not tell");
            line
        };
        let number = |words: &str| u64::try_from(witness::number(&log, words)?).ok();
        match self {
            Self::Nothing | Self::Ahead | Self::Forget | Self::Beyond => {
                let out = witness::elements(&log, "left out");
                let beyond = witness::elements(&log, "brought back");
                let told = match self {
                    Self::Forget => out.len() == 7,
                    Self::Beyond => beyond.len() == 5,
                    _ => true,
                };
                match told {
                    true => restores::elements(line, (&out, &beyond), record, history),
                    false => untold(line),
                }
            }
            Self::Step => match number("clock stepped") {
                Some(by) => restores::stepped(line, by, record, history),
                None => untold(line),
            },
            Self::Slow => match restores::time(&log) {
                Some(time) => restores::took(line, time, record, history),
                None => untold(line),
            },
            Self::Lag => match number("oldest") {
                Some(oldest) => restores::lag(line, oldest, record, history),
                None => untold(line),
            },
            Self::Latest => {
                let last = witness::elements(&log, "restored up to");
                match last.is_empty() {
                    false => restores::latest(line, &last, record, history),
                    true => untold(line),
                }
            }
        }
    }
}

/// Everything that can be planted, side by side.
pub async fn planted(field: &dyn Field, seed: Seed) -> Vec<Line> {
    let lines = (0..).zip(Plant::ALL).map(|(number, plant)| async move {
        sleep(APART * number).await;
        let observe = async || plant.observe(field, seed).await;
        let what = plant.what().to_owned();
        tried(("C9", what), field, observe, |it| plant.judge(it)).await
    });
    join_all(lines).await
}
