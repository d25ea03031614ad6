//! The levels in their order.

use futures_util::future::join_all;

use crate::{
    seed::Seed,
    truth::{Line, exact},
};

use super::{Field, reference};

/// How many seeds C0 takes (measurement definitions, section 6).
const SEEDS: u64 = 10_000;

/// A level of calibration, by its name in `docs/measurement.md`, section 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Synthetic histories against the definitions written once more.
    C0,
    /// The reference store with scripted outages and planted defects.
    C1,
    /// Nothing happens.
    C6,
}

impl std::str::FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = |level: &Self| format!("{level:?}").eq_ignore_ascii_case(text);
        let all: Vec<String> = Self::ALL.iter().map(|level| format!("{level:?}")).collect();
        let found = Self::ALL.into_iter().find(named);
        found.ok_or_else(|| format!("expected one of {}", all.join(", ")))
    }
}

impl Level {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::C0, Self::C1, Self::C6];

    /// Those that need no containers and take less than a minute.
    pub const QUICK: [Self; 3] = [Self::C0, Self::C1, Self::C6];

    /// Its lines.
    async fn lines(self, field: &dyn Field, seed: Seed) -> Vec<Line> {
        match self {
            Self::C0 => {
                let work = tokio::task::spawn_blocking(move || exact::lines(seed, SEEDS));
                let failed = |error: tokio::task::JoinError| {
                    vec![Line::untold("C0", "synthetic histories", error.to_string())]
                };
                work.await.unwrap_or_else(failed)
            }
            Self::C1 => reference::planted(field, seed).await,
            Self::C6 => vec![reference::controls(field, seed).await],
        }
    }
}

/// Runs these levels: first what only computes, then what needs no containers side by side, then one after
/// the other what needs them.
pub async fn calibrate(levels: &[Level], field: &dyn Field, seed: Seed) -> Vec<Line> {
    let mut lines = Vec::new();
    for group in [&[Level::C0][..], &[Level::C1, Level::C6]] {
        let wanted = group.iter().filter(|level| levels.contains(level));
        let running = wanted.map(|level| async move {
            let name = format!("{level:?}");
            if field.stop().wished() {
                return vec![Line::untold(&name, "not reached", "interrupted")];
            }
            field.say(&name);
            level.lines(field, seed).await
        });
        lines.extend(join_all(running).await.concat());
    }
    lines
}
