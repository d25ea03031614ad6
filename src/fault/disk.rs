//! A disk that goes wrong under a running server: full, read-only, slow, failing, forgetting what was not synced.

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::{
    id::NodeName,
    runtime::{DiskFault, DiskFigures, DiskLook, NodeState, RuntimeError, Tries, journal},
    scenario::{Disk, DiskOperation},
};

use super::{
    ActiveEffect, FaultContext, FaultError, Injected, Undone,
    active::bring_back,
    described::{Described, Seen, hits_primary},
    select::select,
};

/// How often each operation is tried where a few tell.
const FEW: u32 = 20;
/// How often where a share is to be measured: so that some are expected to fail, and not for too long.
const SHARES: (u32, u32) = (100, 400);
/// How many lines of the log of a node that has ended are looked at.
const LOG: u32 = 200;
/// How late an operation may be beside what was asked, milliseconds, and as a part of it.
const LATE: (f64, f64) = (5.0, 0.1);
/// How much more than the room that is left is written, so that all of it is, bytes.
const BEYOND: u64 = 1 << 20;
/// How much less than that room may be found, bytes, and as a part of it: the server's files grow meanwhile.
const SHORT: (u64, u64) = (64 << 10, 20);
/// How much shorter a delay may look, as a part of it: medians of few are not exact.
const EARLY: f64 = 0.05;

/// Disks that were made to go wrong.
#[derive(Debug)]
struct DiskEffect {
    fault: DiskFault,
    /// Each node's disk as it was before.
    before: Vec<(NodeName, DiskFigures)>,
}

#[async_trait]
impl ActiveEffect for DiskEffect {
    async fn verify(&self, context: &FaultContext) -> Seen {
        look(self, context).await
    }

    async fn undo(&self, step: usize, context: &FaultContext) -> Option<Undone> {
        let nodes: Vec<NodeName> = self.before.iter().map(|(node, _)| node.clone()).collect();
        Some(Undone::of(
            &nodes,
            mend(step, &nodes, fill(&self.fault), context).await,
        ))
    }
}

/// Lets the disks under the data of nodes go wrong.
pub(super) async fn spoil(
    disk: &Disk,
    what: DiskFault,
    step: usize,
    context: &FaultContext,
) -> Result<Injected, FaultError> {
    let nodes = select(&disk.node, context).await?;
    let primary_hit = hits_primary(&nodes, context).await;
    let looks = nodes.iter().map(|node| {
        context
            .runtime
            .try_disk(node, tries(FEW, true, fill(&what)))
    });
    let figures: Vec<DiskFigures> = join_all(looks)
        .await
        .into_iter()
        .collect::<Result<_, _>>()?;
    context
        .write_ahead(&nodes, |node| journal::Effect::Disk { node })
        .await?;
    let changes = nodes
        .iter()
        .map(|node| context.runtime.change_disk(node, step, Some(what.clone())));
    let (at, changed) = context.emitter.time(join_all(changes)).await;
    changed
        .into_iter()
        .collect::<Result<Vec<usize>, RuntimeError>>()?;
    let injected = Described {
        means: "a file system of drdrill's own (FUSE) between the server and its data folder, in place since the node started".into(),
        primary_hit,
        at,
    };
    let effect = DiskEffect {
        fault: what,
        before: nodes.iter().cloned().zip(figures).collect(),
    };
    Ok(injected.into(nodes, effect))
}

/// Ends one fault of disks, brings back nodes that ended of it, and sees that the disks are sound again, unless another
/// fault is in force there.
async fn mend(
    step: usize,
    nodes: &[NodeName],
    fill: u64,
    context: &FaultContext,
) -> Result<(), FaultError> {
    let mut first = Ok(());
    let mut sound = Vec::new();
    for node in nodes {
        match context.runtime.change_disk(node, step, None).await {
            Ok(left) => {
                if left == 0 {
                    sound.push(node);
                }
                let node = node.clone();
                let _ = context.journal.undone(journal::Effect::Disk { node }).await;
            }
            Err(error) => first = first.and(Err(FaultError::from(error))),
        }
    }
    first = first.and(bring_back(nodes, context).await);
    for node in sound {
        if context.runtime.state(node).await != Ok(NodeState::Running) {
            continue;
        }
        first = first.and(
            match context
                .runtime
                .try_disk(node, tries(FEW, false, fill))
                .await
            {
                Ok(figures) => {
                    unsound(&figures).map_or(Ok(()), |why| Err(FaultError::Disk(node.clone(), why)))
                }
                Err(error) => Err(error.into()),
            },
        );
    }
    first
}

/// What fails on a disk on which nothing should.
fn unsound(figures: &DiskFigures) -> Option<String> {
    let DiskFigures {
        write,
        grow,
        sync,
        read,
        ..
    } = figures;
    let all = [
        ("write", write),
        ("write", grow),
        ("sync", sync),
        ("read", read),
    ];
    if let Some((what, tries)) = all.iter().find(|(_, tries)| tries.failures() > 0) {
        return Some(failed(what, tries));
    }
    let refused = figures.filled.as_ref()?.refused.as_ref()?;
    Some(format!("writing on and on was refused with {refused}"))
}

fn failed(what: &str, tries: &Tries) -> String {
    let words = tries.failed.iter();
    let words: Vec<String> = words
        .map(|(error, count)| format!("{count} with {error}"))
        .collect();
    let why = if words.is_empty() {
        "none".to_owned()
    } else {
        words.join(", ")
    };
    format!("of {} tries to {what} failed: {why}", tries.tried)
}

/// Each node's disk goes wrong as asked when it is used as its server uses it, and not otherwise.
async fn look(spoiled: &DiskEffect, context: &FaultContext) -> Seen {
    let mut seen = Seen::default();
    for (node, before) in &spoiled.before {
        let times = times(&spoiled.fault);
        let look = tries(times, true, fill(&spoiled.fault));
        match context.runtime.try_disk(node, look).await {
            Ok(now) => {
                for (fits, text) in judge(&spoiled.fault, before, &now) {
                    let text = format!("{node}: {text}");
                    if fits {
                        seen.yes(text);
                    } else {
                        seen.no(text);
                    }
                }
            }
            // A server may end itself at once, and then nothing in its node can be used any more.
            Err(error) => match last_words(node, &spoiled.fault, context).await {
                Some(text) => seen.yes(format!("{node}: {text}")),
                None => seen.no(format!("{node}: {error}")),
            },
        }
    }
    seen
}

/// What a node that has ended said of the fault, in the system's own words for its error.
async fn last_words(node: &NodeName, fault: &DiskFault, context: &FaultContext) -> Option<String> {
    let words = match fault {
        DiskFault::Full | DiskFault::Quota { .. } => "No space left on device",
        DiskFault::ReadOnly => "Read-only file system",
        DiskFault::Errors { .. } => "Input/output error",
        DiskFault::Slow { .. } | DiskFault::Unsynced => return None,
    };
    let NodeState::Exited { code, .. } = context.runtime.state(node).await.ok()? else {
        return None;
    };
    let log = context.runtime.logs(node, LOG).await.ok()?;
    let said = log.lines().rev().find(|line| line.contains(words))?;
    Some(format!(
        "it has ended with code {code}, and said: {}",
        said.trim()
    ))
}

/// How often each operation is to be tried under a fault.
fn times(fault: &DiskFault) -> u32 {
    match fault {
        DiskFault::Full | DiskFault::Quota { .. } | DiskFault::ReadOnly | DiskFault::Unsynced => {
            FEW
        }
        // Two seconds for each kind, and three of each at least.
        DiskFault::Slow { delay, .. } => ((2.0 / delay) as u32).clamp(3, FEW),
        DiskFault::Errors { share, .. } => ((20.0 / share) as u32).clamp(SHARES.0, SHARES.1),
    }
}

/// How much is to be written on and on under a fault, before it and after it.
fn fill(fault: &DiskFault) -> u64 {
    match fault {
        DiskFault::Quota { room, .. } => room + BEYOND,
        _ => 0,
    }
}

fn tries(times: u32, stays: bool, fill: u64) -> DiskLook {
    DiskLook { times, stays, fill }
}

/// What was observed, and whether it is what was asked.
fn judge(fault: &DiskFault, before: &DiskFigures, now: &DiskFigures) -> Vec<(bool, String)> {
    match fault {
        DiskFault::Full => full(before, now),
        DiskFault::Quota { room, .. } => vec![quota(*room, before, now)],
        DiskFault::ReadOnly => {
            let all = |tries: &Tries| tries.with("EROFS") == tries.tried;
            vec![
                (
                    all(&now.write) && all(&now.grow),
                    failed("write", &now.write),
                ),
                (now.read.failures() == 0, failed("read", &now.read)),
            ]
        }
        DiskFault::Slow { delay, operations } => operations_of(before, now)
            .map(|(operation, before, now)| {
                slow(
                    *delay,
                    operations.contains(&operation),
                    operation,
                    before,
                    now,
                )
            })
            .into(),
        DiskFault::Errors { share, operations } => operations_of(before, now)
            .map(|(operation, _, now)| {
                let asked = if operations.contains(&operation) {
                    *share
                } else {
                    0.0
                };
                failing(asked, operation, now)
            })
            .into(),
        DiskFault::Unsynced => vec![
            (
                before.at_once == Some(true),
                format!(
                    "before the fault, what was written was below at once: {}",
                    told(before.at_once)
                ),
            ),
            (
                now.at_once == Some(false),
                format!("now, before it is synced: {}", told(now.at_once)),
            ),
            (
                now.synced == Some(true),
                format!("now, once it is synced: {}", told(now.synced)),
            ),
        ],
    }
}

fn told(seen: Option<bool>) -> &'static str {
    match seen {
        Some(true) => "yes",
        Some(false) => "no",
        None => "it was not to be seen",
    }
}

fn full(before: &DiskFigures, now: &DiskFigures) -> Vec<(bool, String)> {
    let refused = now.grow.with("ENOSPC") == now.grow.tried;
    vec![
        (refused, failed("write what needs more room", &now.grow)),
        (
            now.write.failures() == 0,
            failed("write over what is there", &now.write),
        ),
        (
            now.free == 0,
            format!(
                "{} MiB free, by the file system's own word ({} MiB before)",
                now.free >> 20,
                before.free >> 20
            ),
        ),
    ]
}

/// As much room as was left can be written, less what the server has taken since, and no more; all of it and more before.
fn quota(room: u64, before: &DiskFigures, now: &DiskFigures) -> (bool, String) {
    let (Some(earlier), Some(filled)) = (&before.filled, &now.filled) else {
        return (false, "nobody looked how much can be written".into());
    };
    let taken = now.used.saturating_sub(before.used);
    let text = format!(
        "asked {} KiB of room: {} KiB could be written ({}), {} KiB of it were taken by the server before, {} KiB \
         are free by the file system's own word; before the fault {} KiB could be written ({})",
        room >> 10,
        filled.bytes >> 10,
        filled.refused.as_deref().unwrap_or("no end was seen"),
        taken >> 10,
        now.free >> 10,
        earlier.bytes >> 10,
        earlier.refused.as_deref().unwrap_or("no end was seen"),
    );
    let least = room - SHORT.0.max(room / SHORT.1);
    let fits = filled.refused.as_deref() == Some("ENOSPC")
        && filled.bytes <= room
        && filled.bytes + taken >= least
        && now.free <= room
        && earlier.refused.is_none()
        && earlier.bytes > room;
    (fits, text)
}

fn operations_of<'f>(
    before: &'f DiskFigures,
    now: &'f DiskFigures,
) -> [(DiskOperation, &'f Tries, &'f Tries); 3] {
    [
        (DiskOperation::Read, &before.read, &now.read),
        (DiskOperation::Write, &before.write, &now.write),
        (DiskOperation::Sync, &before.sync, &now.sync),
    ]
}

/// A delay as asked, or as before where none was.
fn slow(
    delay: f64,
    meant: bool,
    operation: DiskOperation,
    before: &Tries,
    now: &Tries,
) -> (bool, String) {
    let asked = delay * 1000.0;
    let more = now.median - before.median;
    if meant {
        let text = format!(
            "asked {asked:.0} ms more for each {operation}, observed {more:.1} ms (a median of {} tries; {:.1} ms before)",
            now.tried, before.median
        );
        let range = asked * (1.0 - EARLY)..=asked * (1.0 + LATE.1) + LATE.0;
        return (now.failures() == 0 && range.contains(&more), text);
    }
    let text = format!("{operation} was not meant, and takes {more:.1} ms more");
    (more < (asked / 2.0).max(LATE.0), text)
}

/// As many errors as asked, within four standard deviations; none where none was asked.
fn failing(share: f64, operation: DiskOperation, now: &Tries) -> (bool, String) {
    let tried = f64::from(now.tried);
    let deviation = (tried * share * (1.0 - share)).sqrt();
    let found = f64::from(now.with("EIO"));
    let fits = now.failures() == now.with("EIO")
        && (found - tried * share).abs() <= 4.0 * deviation
        && (found > 0.0) == (share > 0.0);
    let text = format!(
        "asked {:.0} % of errors for {operation}, {}",
        share * 100.0,
        failed(&operation.to_string(), now)
    );
    (fits, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Filled;

    const QUOTA: DiskFault = DiskFault::Quota {
        room: 16 << 20,
        most: None,
    };

    fn tries(tried: u32, error: &str, failed: u32, median: f64) -> Tries {
        let failed = (failed > 0).then(|| (error.to_owned(), failed));
        Tries {
            tried,
            failed: failed.into_iter().collect(),
            median,
        }
    }

    fn filled(bytes: u64, refused: Option<&str>) -> Option<Filled> {
        let refused = refused.map(str::to_owned);
        Some(Filled { bytes, refused })
    }

    fn sound() -> DiskFigures {
        let fine = tries(20, "", 0, 0.2);
        DiskFigures {
            free: 1 << 30,
            write: fine.clone(),
            grow: fine.clone(),
            sync: fine.clone(),
            read: fine,
            filled: filled(17 << 20, None),
            used: 5 << 20,
            at_once: Some(true),
            synced: Some(true),
        }
    }

    fn fits(fault: &DiskFault, now: &DiskFigures) -> bool {
        judge(fault, &sound(), now).iter().all(|(fits, _)| *fits)
    }

    #[test]
    fn a_sound_disk_is_no_fault_s_effect() {
        let operations = vec![DiskOperation::Write];
        for fault in [
            DiskFault::Full,
            DiskFault::ReadOnly,
            DiskFault::Slow {
                delay: 0.05,
                operations: operations.clone(),
            },
            DiskFault::Errors {
                share: 0.1,
                operations,
            },
            DiskFault::Unsynced,
            QUOTA,
        ] {
            assert!(!fits(&fault, &sound()), "{fault:?}");
        }
        assert_eq!(unsound(&sound()), None);
    }

    #[test]
    fn each_fault_is_seen_by_its_own_figures() {
        let mut now = sound();
        now.grow = tries(20, "ENOSPC", 20, 0.1);
        assert!(!fits(&DiskFault::Full, &now), "there is room by its word");
        now.free = 0;
        assert!(fits(&DiskFault::Full, &now));
        assert!(unsound(&now).is_some());
        let mut now = sound();
        now.write = tries(20, "EROFS", 20, 0.1);
        now.grow = now.write.clone();
        assert!(fits(&DiskFault::ReadOnly, &now));
        now.read = tries(20, "EIO", 1, 0.1);
        assert!(!fits(&DiskFault::ReadOnly, &now));
        let mut now = sound();
        now.at_once = Some(false);
        assert!(fits(&DiskFault::Unsynced, &now));
        now.synced = None;
        assert!(!fits(&DiskFault::Unsynced, &now));
    }

    #[test]
    fn room_is_what_was_asked_less_what_the_server_took_and_ends_there() {
        let now = |bytes, refused, used: u64| DiskFigures {
            free: 15 << 20,
            filled: filled(bytes, refused),
            used: used << 20,
            ..sound()
        };
        let enough = Some("ENOSPC");
        assert!(fits(&QUOTA, &now(16 << 20, enough, 5)));
        assert!(fits(&QUOTA, &now(3 << 20, enough, 18)), "13 were taken");
        assert!(fits(&QUOTA, &now(0, enough, 21)), "all of it was taken");
        assert!(!fits(&QUOTA, &now(0, enough, 5)), "it is full at once");
        assert!(!fits(&QUOTA, &now(15 << 20, enough, 5)), "less than asked");
        assert!(!fits(&QUOTA, &now((16 << 20) + 1, enough, 5)), "more");
        assert!(!fits(&QUOTA, &now(16 << 20, Some("EIO"), 5)), "it fails");
        assert!(!fits(&QUOTA, &now(17 << 20, None, 5)), "there is no end");
        assert!(unsound(&now(16 << 20, enough, 5)).is_some());
        assert_eq!((fill(&QUOTA), fill(&DiskFault::Full)), (17 << 20, 0));
    }

    #[test]
    fn delays_and_shares_must_be_those_asked_for_and_meet_only_what_was_meant() {
        let slow = DiskFault::Slow {
            delay: 0.05,
            operations: vec![DiskOperation::Sync],
        };
        let mut now = sound();
        for (took, wanted) in [(30.0, false), (51.0, true), (62.0, false)] {
            now.sync.median = took;
            assert_eq!(fits(&slow, &now), wanted, "{took}");
        }
        now.sync.median = 51.0;
        now.write.median = 51.0;
        assert!(!fits(&slow, &now), "writes were not meant");
        let errors = DiskFault::Errors {
            share: 0.1,
            operations: vec![DiskOperation::Write],
        };
        let mut now = sound();
        for (count, wanted) in [(20, true), (45, false), (0, false)] {
            now.write = tries(200, "EIO", count, 0.1);
            assert_eq!(fits(&errors, &now), wanted, "{count}");
        }
        assert_eq!(times(&errors), 200);
        assert_eq!(times(&slow), 20);
    }
}
