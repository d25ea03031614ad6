//! What a restore brought back, held against every write that clients were told of: on both sides of the point.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    history::{History, Outcome},
    id::{LaneId, NodeName},
    record::{Holdings, Record, Restored, StageName},
    scenario::Point,
    time::{Bracket, Nanos, Span},
};

use super::{Figure, LostWrite, lane::write_lanes};

/// How far before the point writes show whether it was hit: `docs/measurement.md`, section on restores.
pub const NEAR: Duration = Duration::from_secs(10);

/// Of the writes that near, more than this share between the two ends of the point leave it too coarse.
pub const COARSE: f64 = 0.05;

/// How many elements are listed.
const LISTED: usize = 100;

/// The figures of one restore.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RestoreFigures {
    /// The step that restored.
    pub step: usize,
    /// The point that was asked for.
    pub to: Point,
    /// The node on which the service was restored.
    pub node: NodeName,
    /// From the decision until the restored service took writes.
    pub rto: Figure<Span>,
    /// Whether the tool refused to restore.
    #[serde(default)]
    pub refused: bool,
    /// What that time is made of: each stage's part.
    pub stages: Vec<(StageName, Span)>,
    /// What it brought back.
    pub held: Figure<Pitr>,
}

/// What a restore to a point in time brought back.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Pitr {
    /// Writes acknowledged before the point: all of them must be there.
    pub judged: u64,
    /// Of those, how many are not there, or with another checksum.
    pub missing: u64,
    /// The first of them.
    pub first_missing: Vec<LostWrite>,
    /// Elements that are there and were sent after the point, or by nobody; that are there twice; that are damaged and not among the
    /// missing.
    pub extra: u64,
    /// The first of those that were sent.
    pub first_extra: Vec<(LaneId, u64)>,
    /// Acknowledged writes that may lie on either side of the point: never judged.
    pub unsure: u64,
    /// Writes acknowledged within `NEAR` before the point.
    pub near: u64,
    /// Writes sent after the point and acknowledged before the restore began: they could have come back.
    pub after: u64,
    /// Whether a mistake's harm came back.
    #[serde(default)]
    pub harm: Harm,
    /// Of a restore to the latest point: how old the oldest write that it lacks was when the last one was acknowledged before it.
    #[serde(default)]
    pub rpo: Option<Span>,
}

/// Whether what shows a mistake's harm shows it on the restored service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Harm {
    /// No mistake was made with data.
    #[default]
    None,
    /// It is not there.
    Absent,
    /// It is there.
    Present,
    /// It could not be looked for, and why.
    Unseen(String),
}

impl Pitr {
    /// Whether all of before the point is there and nothing of after it, where that could have been otherwise.
    pub fn is_exact(&self) -> bool {
        let harmless = matches!(self.harm, Harm::None | Harm::Absent);
        (self.missing, self.extra) == (0, 0) && harmless && self.doubt().is_none()
    }

    /// Why nothing may be concluded from a count of 0; none where it may.
    pub fn doubt(&self) -> Option<String> {
        if self.rpo.is_some() {
            let none = "no write was acknowledged before the restore";
            return (self.judged == 0).then(|| none.into());
        }
        if self.near == 0 {
            return Some("no write was acknowledged within 10 s before the point".into());
        }
        if self.after == 0 {
            return Some("no write was acknowledged between the point and the restore".into());
        }
        (self.unsure as f64 > COARSE * self.near as f64).then(|| {
            format!(
                "the point is too coarse: {} writes may lie on either side of it, {} within 10 s before it",
                self.unsure, self.near
            )
        })
    }
}

/// The figures of each restore of the run, in order.
pub fn restores(record: &Record, history: &History) -> Vec<RestoreFigures> {
    let restores = record.restores.iter();
    restores
        .map(|(_, restored)| RestoreFigures {
            step: restored.step,
            to: restored.to,
            node: restored.node.clone(),
            rto: rto(record, restored),
            refused: restored.refused,
            stages: stages(restored),
            held: match &restored.held {
                Ok(held) => Figure::Measured(pitr(record, history, restored, held)),
                Err(why) => Figure::Missing(why.clone()),
            },
        })
        .collect()
}

/// From the decision until the first write in a row of acknowledged ones was sent, and acknowledged. While the harness was held up,
/// nobody could have asked: that long it may have been shorter.
fn rto(record: &Record, restored: &Restored) -> Figure<Span> {
    let writes = restored
        .stages
        .iter()
        .find(|stage| stage.name == StageName::Writes);
    match (writes, &restored.held) {
        (Some(stage), _) => {
            let within = |at: &Bracket| restored.begun <= at.high && at.low <= stage.at.high;
            let stalls = record.stalls.iter().filter(|(at, _)| within(at));
            let held_up: Duration = stalls.map(|(_, by)| *by).sum();
            let low = stage.at.low.since(restored.begun).saturating_sub(held_up);
            Figure::Measured(Span::between(low, stage.at.high.since(restored.begun)))
        }
        (None, Err(why)) => Figure::Missing(why.clone()),
        (None, Ok(_)) => Figure::Missing("no write was asked of it".into()),
    }
}

/// Each stage from the end of the one before: they sum to the RTO.
fn stages(restored: &Restored) -> Vec<(StageName, Span)> {
    let mut before = (restored.begun, restored.begun);
    let mut parts = Vec::new();
    for stage in &restored.stages {
        let (low, high) = (stage.at.low, stage.at.high);
        parts.push((
            stage.name,
            Span::between(low.since(before.1), high.since(before.0)),
        ));
        before = (low, high);
    }
    parts
}

fn harm(restored: &Restored) -> Harm {
    match &restored.harm {
        None => Harm::None,
        Some(seen) => match &seen.said {
            Err(why) => Harm::Unseen(why.clone()),
            Ok(said) if *said == seen.expect => Harm::Present,
            Ok(_) => Harm::Absent,
        },
    }
}

/// Up to when what was acknowledged must be there, and from when on what was sent must not. Of the latest point: whatever was
/// acknowledged before the restore began must be, and what came later may be.
fn point_of(restored: &Restored) -> Bracket {
    match restored.to {
        Point::Latest => Bracket {
            low: restored.begun,
            high: Nanos(u64::MAX),
        },
        Point::BeforeMistake | Point::Ago(_) => restored.point,
    }
}

/// How old the oldest missing write was when the last one was acknowledged: it was committed between when it was sent and when it
/// was acknowledged.
fn age(oldest: Option<(Nanos, Nanos)>, last: Nanos) -> Span {
    match oldest {
        Some((sent, done)) => Span::between(last.since(done), last.since(sent)),
        None => Span::between(Duration::ZERO, Duration::ZERO),
    }
}

fn pitr(record: &Record, history: &History, restored: &Restored, held: &Holdings) -> Pitr {
    let mut found = Pitr {
        harm: harm(restored),
        ..Pitr::default()
    };
    let point = point_of(restored);
    let near = point.low.before(NEAR);
    let (mut last, mut oldest) = (Nanos::default(), None);
    let corrupt = |lane: LaneId, seq: u64| held.corrupt.binary_search(&(lane, seq)).is_ok();
    // What is there and was sent by somebody; the rest was never attempted.
    let mut sent_by_lanes = 0;
    let mut damaged = 0;
    for lane in write_lanes(record) {
        for op in history.lane(lane.id) {
            let Some(sent) = op.sent else { continue };
            let is_there = held.has(lane.id, op.seq);
            sent_by_lanes += u64::from(is_there);
            if is_there && sent > point.high {
                found.extra += 1;
                if found.first_extra.len() < LISTED {
                    found.first_extra.push((lane.id, op.seq));
                }
            }
            let Some(done) = op.done.filter(|_| op.outcome == Outcome::Ok) else {
                continue;
            };
            if sent > point.high {
                found.after += u64::from(done < restored.begun);
                continue;
            }
            if done >= point.low {
                found.unsure += 1;
                continue;
            }
            found.judged += 1;
            found.near += u64::from(done >= near);
            last = last.max(done);
            if is_there && !corrupt(lane.id, op.seq) {
                continue;
            }
            found.missing += 1;
            oldest = Some(oldest.map_or((sent, done), |it: (Nanos, Nanos)| {
                (it.0.min(sent), it.1.min(done))
            }));
            damaged += u64::from(is_there);
            if found.first_missing.len() < LISTED {
                found.first_missing.push(LostWrite {
                    lane: lane.id,
                    seq: op.seq,
                    sent,
                    done,
                    node: op.node,
                });
            }
        }
    }
    let doubled = held
        .repeated
        .iter()
        .map(|it| u64::from(it.times.saturating_sub(1)));
    found.extra += held.len().saturating_sub(sent_by_lanes) + held.alien + doubled.sum::<u64>();
    // What is damaged, and was not acknowledged before the point.
    found.extra += (held.corrupt.len() as u64).saturating_sub(damaged);
    found.rpo = (restored.to == Point::Latest).then(|| age(oldest, last));
    found
}

#[cfg(test)]
#[path = "restored_tests.rs"]
mod tests;
