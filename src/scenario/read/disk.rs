//! Decoding faults of disks.

use std::time::Duration;

use crate::scenario::{
    Disk, DiskOperation, Dur, FailingDisk, Fault, Percent, Problem, SlowDisk, disk::every,
};

use super::{
    decode::{Decoder, Fields},
    fault::lasting,
    tree::{Tree, Value},
};

/// What to write under a fault of disks; none for another fault.
pub fn help(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "disk-full" => "say whose, such as `disk-full: primary`",
        "disk-read-only" => "say whose, such as `disk-read-only: primary`",
        "disk-slow" => {
            "say whose and how slow, such as `disk-slow: { node: primary, delay: 50ms }`"
        }
        "disk-errors" => {
            "say whose and how many, such as `disk-errors: { node: primary, share: 10% }`"
        }
        "lose-unsynced" => "say whose, such as `lose-unsynced: primary`",
        _ => return None,
    })
}

/// Decodes a fault of disks of this kind.
pub fn fault(d: &mut Decoder, kind: &str, tree: &Tree) -> Option<Fault> {
    let plain = match kind {
        "disk-full" => Some(Fault::DiskFull as fn(Disk) -> Fault),
        "disk-read-only" => Some(Fault::DiskReadOnly as fn(Disk) -> Fault),
        "lose-unsynced" => Some(Fault::LoseUnsynced as fn(Disk) -> Fault),
        _ => None,
    };
    if let (Some(plain), Value::Scalar(_)) = (plain, &tree.value) {
        let node = d.scalar(tree, "a node")?;
        return Some(plain(Disk {
            node,
            lasting: None,
        }));
    }
    let mut f = d.fields(tree, "the fault")?;
    let disk = disk(d, &mut f);
    let fault = match plain {
        Some(plain) => disk.map(plain),
        None if kind == "disk-slow" => slow(d, &mut f, disk).map(Fault::DiskSlow),
        None => failing(d, &mut f, disk).map(Fault::DiskErrors),
    };
    d.finish(f);
    fault
}

fn disk(d: &mut Decoder, f: &mut Fields<'_>) -> Option<Disk> {
    let node = f
        .need("node", "say whose, such as `node: primary`")
        .and_then(|tree| d.scalar(tree, "a node"));
    let lasting = f.get("for").map(|tree| lasting(d, tree));
    Some(Disk {
        node: node?,
        lasting: lasting.flatten(),
    })
}

/// Less could not be told from the machine's own noise.
const DELAY_MIN: Dur = Dur(Duration::from_millis(5));
/// More is better shown by `pause`; and looking at it takes some of them.
const DELAY_MAX: Dur = Dur(Duration::from_secs(2));

fn slow(d: &mut Decoder, f: &mut Fields<'_>, disk: Option<Disk>) -> Option<SlowDisk> {
    let delay = f
        .need("delay", "say how slow, such as `delay: 50ms`")
        .and_then(|tree| {
            let delay: Dur = d.scalar(tree, "a duration")?;
            d.within(tree, "a delay", delay, DELAY_MIN..=DELAY_MAX)
        });
    let operations = operations(d, f);
    Some(SlowDisk {
        disk: disk?,
        delay: delay?,
        operations: operations?,
    })
}

/// Less could not be told from nothing by the operations that measure it.
const SHARE_MIN: Percent = Percent(5.0);

fn failing(d: &mut Decoder, f: &mut Fields<'_>, disk: Option<Disk>) -> Option<FailingDisk> {
    let share = f
        .need("share", "say how many, such as `share: 10%`")
        .and_then(|tree| {
            let share: Percent = d.scalar(tree, "a percentage")?;
            d.within(tree, "a share", share, SHARE_MIN..=Percent(100.0))
        });
    let operations = operations(d, f);
    Some(FailingDisk {
        disk: disk?,
        share: share?,
        operations: operations?,
    })
}

/// Which operations are meant, in their fixed order.
fn operations(d: &mut Decoder, f: &mut Fields<'_>) -> Option<Vec<DiskOperation>> {
    let Some(tree) = f.get("operations") else {
        return Some(every());
    };
    let items = d.list(tree, "`operations`")?;
    let words = items
        .iter()
        .map(|item| d.word(item, "operation", &DiskOperation::ALL));
    let words: Vec<Option<DiskOperation>> = words.collect();
    let mut words = words.into_iter().collect::<Option<Vec<_>>>()?;
    words.sort_unstable();
    words.dedup();
    if words.is_empty() {
        d.note(
            Problem::at(tree.place.clone(), "`operations` names none")
                .help("name some of `read`, `write` and `sync`, or remove the key"),
        );
        return None;
    }
    Some(words)
}
