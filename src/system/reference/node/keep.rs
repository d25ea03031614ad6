//! Backups that a node keeps, and what is restored of them. It logs what it leaves out or brings back beyond the point, and when a
//! restore began and took its first write: the witness against which restores are calibrated.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::system::reference::{defect::Defect, wire::Entry};

use super::{Node, script::kernel_ns};

/// How long after the point what a restore brings back beyond it was taken, at least: in microseconds.
const FAR: u64 = 1_000_000;

/// What a node keeps.
#[derive(Default)]
pub struct Keeper(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// Each backup, and when it was complete: microseconds since 1970.
    backups: Vec<(u64, Vec<Entry>)>,
    restored: Vec<Entry>,
    added: u64,
}

impl Keeper {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps all elements of now.
    pub fn back_up(&self, node: &Node) -> String {
        let (at, log) = {
            let state = node.lock();
            (state.clock(), state.log.clone())
        };
        let made = format!("ok {} elements", log.len());
        self.lock().backups.push((at, log));
        made
    }

    /// Lays the newest backup out that was complete by then.
    pub fn fetch(&self, until: u64) -> String {
        println!("restore begins {}", kernel_ns());
        let mut kept = self.lock();
        let newest = kept.backups.iter().rev().find(|(at, _)| *at <= until);
        let Some((_, backup)) = newest.cloned() else {
            return "error no backup was complete before the point".into();
        };
        kept.restored = backup;
        kept.added = 0;
        format!("ok {} elements of a backup", kept.restored.len())
    }

    /// Applies what of the log was taken by then.
    pub async fn replay(&self, node: &Node, until: u64) -> String {
        let (defect, log) = {
            let state = node.lock();
            (state.setup.defect, state.log.clone())
        };
        if let Defect::SlowRestore(time) = defect {
            tokio::time::sleep(time).await;
        }
        let mut kept = self.lock();
        let laid = kept.restored.len();
        if laid > 0 && log.get(laid - 1) != kept.restored.last() {
            return "error the backup is of a history that the log is not of".into();
        }
        let end = log.iter().position(|entry| entry.at > until);
        if end.is_none() && Duration::from_micros(until) < NEVER {
            return "error the log that is kept ends before the point".into();
        }
        let end = end.unwrap_or(log.len());
        kept.restored.extend(log.get(laid..end).unwrap_or_default());
        plant(defect, until, &mut kept.restored, &log[end..]);
        for entry in newest_of_lanes(&kept.restored) {
            println!("restored up to {} {}", entry.lane, entry.seq);
        }
        format!(
            "ok {} elements of the log applied",
            end.saturating_sub(laid)
        )
    }

    /// All that was restored.
    pub fn restored(&self) -> Vec<Entry> {
        self.lock().restored.clone()
    }

    /// Takes a write of the restored store's own.
    pub fn add(&self) -> String {
        let mut kept = self.lock();
        if kept.added == 0 {
            println!("restore writes {}", kernel_ns());
        }
        kept.added += 1;
        "ok".into()
    }
}

/// Beyond every moment that a clock shows: a restore to the latest point asks for more.
const NEVER: Duration = Duration::from_secs(200 * 365 * 86_400);

/// Does what the defect says to what was restored; `later` is the log of after the point.
fn plant(defect: Defect, until: u64, restored: &mut Vec<Entry>, later: &[Entry]) {
    match defect {
        Defect::Forget(n) => {
            let mut left = n;
            restored.retain(|entry| {
                let out = left > 0
                    && !entry.of_register()
                    && entry.seq >= 100
                    && entry.seq.is_multiple_of(10);
                if out {
                    left -= 1;
                    println!("left out {} {}", entry.lane, entry.seq);
                }
                !out
            });
        }
        Defect::Beyond(n) => {
            let far = later.iter().filter(|entry| entry.at > until + FAR);
            let far = far.filter(|entry| !entry.of_register());
            for entry in far.take(usize::try_from(n).unwrap_or(usize::MAX)) {
                println!("brought back {} {}", entry.lane, entry.seq);
                restored.push(*entry);
            }
        }
        _ => {}
    }
}

/// The newest element of each lane.
fn newest_of_lanes(elements: &[Entry]) -> Vec<Entry> {
    let mut newest: Vec<Entry> = Vec::new();
    for entry in elements.iter().filter(|entry| !entry.of_register()) {
        match newest.iter_mut().find(|other| other.lane == entry.lane) {
            Some(other) if entry.seq > other.seq => *other = *entry,
            Some(_) => {}
            None => newest.push(*entry),
        }
    }
    newest
}
