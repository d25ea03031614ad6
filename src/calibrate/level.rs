//! The levels in their order.

use futures_util::future::join_all;

use crate::{
    seed::Seed,
    truth::{Line, exact},
};

use super::{Field, green, intrusion, real, reference, restores};

/// How many seeds C0 takes (measurement definitions, section 6).
const SEEDS: u64 = 10_000;

/// A level of calibration, by its name in `docs/measurement.md`, section 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Synthetic histories against the definitions written once more.
    C0,
    /// The reference store with scripted outages and planted defects.
    C1,
    /// A real database stopped for a known time.
    C2,
    /// Replication blocked, the primary killed, a replica promoted.
    C3,
    /// The same with writes that wait for a replica.
    C4,
    /// A replica promoted while the primary lives.
    C5,
    /// Nothing happens to the reference store.
    C6,
    /// Nothing happens to a real database.
    C6Real,
    /// A saturating workload with and without probes.
    C8,
    /// Restores of the reference store with planted defects.
    C9,
}

impl std::str::FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all: Vec<&str> = Self::ALL.into_iter().map(Self::name).collect();
        let mut levels = Self::ALL.into_iter();
        let found = levels.find(|level| level.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| format!("expected one of {}", all.join(", ")))
    }
}

impl Level {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::C0,
        Self::C1,
        Self::C2,
        Self::C3,
        Self::C4,
        Self::C5,
        Self::C6,
        Self::C6Real,
        Self::C8,
        Self::C9,
    ];

    /// Those that need no containers and take less than a minute.
    pub const QUICK: [Self; 3] = [Self::C0, Self::C1, Self::C6];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::C0 => "C0",
            Self::C1 => "C1",
            Self::C2 => "C2",
            Self::C3 => "C3",
            Self::C4 => "C4",
            Self::C5 => "C5",
            Self::C6 => "C6",
            Self::C6Real => "C6-real",
            Self::C8 => "C8",
            Self::C9 => "C9",
        }
    }

    /// Its lines.
    async fn lines(self, field: &dyn Field, seed: Seed) -> Vec<Line> {
        match self {
            Self::C0 => {
                let work = tokio::task::spawn_blocking(move || {
                    let mut lines = exact::lines(seed, SEEDS);
                    lines.push(green::line(seed, SEEDS));
                    lines
                });
                let failed = |error: tokio::task::JoinError| {
                    vec![Line::untold("C0", "synthetic histories", error.to_string())]
                };
                work.await.unwrap_or_else(failed)
            }
            Self::C1 => reference::planted(field, seed).await,
            Self::C2 => real::stops(field, seed).await,
            Self::C3 | Self::C4 | Self::C5 => real::losses(self.name(), field, seed).await,
            Self::C6 => vec![reference::controls(field, seed).await],
            Self::C6Real => vec![real::controls(field, seed).await],
            Self::C8 => intrusion::intrusion(field, seed).await,
            Self::C9 => restores::planted(field, seed).await,
        }
    }
}

/// Runs these levels one after the other. Those that need no containers are run side by side where they are all: there is
/// less than a minute for them. On a slow machine they then hold each other up.
pub async fn calibrate(levels: &[Level], field: &dyn Field, seed: Seed) -> Vec<Line> {
    let groups: Vec<Vec<Level>> = if levels == Level::QUICK {
        vec![vec![Level::C0], vec![Level::C1, Level::C6]]
    } else {
        let wanted = Level::ALL
            .into_iter()
            .filter(|level| levels.contains(level));
        wanted.map(|level| vec![level]).collect()
    };
    let mut lines = Vec::new();
    for group in groups {
        let running = group.into_iter().map(|level| async move {
            if field.stop().wished() {
                return vec![Line::untold(level.name(), "not reached", "interrupted")];
            }
            field.say(level.name());
            level.lines(field, seed).await
        });
        lines.extend(join_all(running).await.concat());
    }
    lines
}
