//! Decoding one fault and its victims.

use std::time::Duration;

use crate::scenario::{
    ClientPlace, Condition, CrashLoop, Direction, Dur, Fault, KillProcess, Partition, Play, Refuse,
    Script, Selector, Victim,
    problem::{Place, Problem},
};

use super::{
    decode::{Decoder, Fields},
    disk, inside, machine, other, packets, streams,
    tree::{Tree, Value},
};

/// Every kind of fault by its name in a file.
pub const KINDS: &[&str] = &[
    "kill",
    "stop",
    "pause",
    "restart",
    "crash-loop",
    "reboot",
    "clock-jump",
    "clock-drift",
    "kill-process",
    "wipe",
    "damage",
    "disk-full",
    "disk-read-only",
    "disk-slow",
    "disk-errors",
    "lose-unsynced",
    "cpu",
    "memory",
    "out-of-memory",
    "descriptors",
    "dns",
    "certificate",
    "mistake",
    "partition",
    "latency",
    "loss",
    "duplicate",
    "corrupt",
    "reorder",
    "bandwidth",
    "reset",
    "half-open",
    "slow-close",
    "slice",
    "limit-data",
    "stream-latency",
    "stream-bandwidth",
    "script",
    "noop",
];

/// Decodes what stands under `fault`.
pub fn fault(d: &mut Decoder, tree: &Tree) -> Option<Fault> {
    let choice = d.choice(tree, "fault", KINDS)?;
    if choice.name == "noop" {
        return Some(Fault::Noop);
    }
    let help = match choice.name {
        "partition" => "say who, such as `partition: { isolate: primary }`",
        "script" => "say who and what, such as `script: { node: primary, how: refuse, for: 2s }`",
        "crash-loop" => "say who, such as `crash-loop: { node: primary, every: 5s }`",
        "reboot" => "say who and how long, such as `reboot: { node: region a, down: 20s }`",
        "clock-jump" => {
            "say whose and how far, such as `clock-jump: { node: primary, ahead: 60s }`"
        }
        "clock-drift" => {
            "say whose and how much, such as `clock-drift: { node: primary, faster: 1% }`"
        }
        "kill-process" => {
            "say who and what, such as `kill-process: { node: primary, process: postgres }`"
        }
        "wipe" => "say who and what, such as `wipe: { node: replica, path: /data }`",
        "damage" => "say who and what, such as `damage: { node: replica, path: /data/*.aof }`",
        "descriptors" => "say whose, such as `descriptors: primary`",
        "dns" => "say whose and how, such as `dns: { node: replicas, how: gone }`",
        "certificate" => "say whose, such as `certificate: { node: primary, expired: 1h }`",
        "mistake" => {
            "say who, what and what shows it: `{ node: primary, run: ..., shows: ..., expect: ... }`"
        }
        "latency" => "say who and how late, such as `latency: { node: primary, delay: 50ms }`",
        "loss" | "duplicate" | "corrupt" => {
            "say who and how many, such as `{ node: primary, share: 10% }`"
        }
        "reorder" => {
            "say who and how, such as `reorder: { node: primary, share: 25%, hold: 20ms }`"
        }
        "bandwidth" => {
            "say who and how much, such as `bandwidth: { node: primary, limit: 8Mbit/s }`"
        }
        kind => streams::help(kind).or_else(|| disk::help(kind)).or_else(|| other::help(kind)).unwrap_or(
            "say whom, such as `kill: primary`, or `kill: { node: primary, unless: etcd-leader }`",
        ),
    };
    let body = d.body(&choice, help)?;
    match choice.name {
        "partition" => partition(d, body).map(Fault::Partition),
        "script" => script(d, body).map(Fault::Script),
        "crash-loop" => crash_loop(d, body).map(Fault::CrashLoop),
        "reboot" => machine::reboot(d, body).map(Fault::Reboot),
        "clock-jump" => machine::clock_jump(d, body).map(Fault::ClockJump),
        "clock-drift" => machine::clock_drift(d, body).map(Fault::ClockDrift),
        "kill-process" => kill_process(d, body).map(Fault::KillProcess),
        "wipe" => other::stored(d, body).map(Fault::Wipe),
        "damage" => other::stored(d, body).map(Fault::Damage),
        "cpu" => other::cpu(d, body).map(Fault::Cpu),
        "memory" => other::memory(d, body).map(Fault::Memory),
        "out-of-memory" => other::out_of_memory(d, body).map(Fault::OutOfMemory),
        "descriptors" => inside::descriptors(d, body).map(Fault::Descriptors),
        "dns" => inside::dns(d, body).map(Fault::Dns),
        "certificate" => inside::certificate(d, body).map(Fault::Certificate),
        "mistake" => other::mistake(d, body).map(Fault::Mistake),
        "kill" => victim(d, choice.name, body).map(Fault::Kill),
        "stop" => victim(d, choice.name, body).map(Fault::Stop),
        "pause" => victim(d, choice.name, body).map(Fault::Pause),
        "restart" => victim(d, choice.name, body).map(Fault::Restart),
        kind if disk::help(kind).is_some() => disk::fault(d, kind, body),
        kind if streams::help(kind).is_some() => streams::fault(d, kind, body),
        kind => packets::fault(d, kind, body),
    }
}

/// A node alone, or a map with conditions.
fn victim(d: &mut Decoder, kind: &str, tree: &Tree) -> Option<Victim> {
    if matches!(tree.value, Value::Scalar(_)) {
        return Some(Victim {
            node: d.scalar(tree, "a node")?,
            unless: None,
            and: None,
            lasting: None,
        });
    }
    let mut f = d.fields(tree, "the fault")?;
    let node = f
        .need("node", "say whom, such as `node: primary`")
        .and_then(|tree| d.scalar::<Selector>(tree, "a node"));
    let unless = condition(d, &mut f, "unless");
    let and = condition(d, &mut f, "and");
    let lasting = f
        .get("for")
        .and_then(|tree| Some((lasting(d, tree)?, &tree.place)));
    d.finish(f);
    if let (Some((a, place)), Some((b, _))) = (and, unless)
        && a == b
    {
        d.note(
            Problem::at(place.clone(), "`and` and `unless` ask for opposite things")
                .help("keep one of them"),
        );
    }
    if let Some((_, place)) = lasting
        && kind != "pause"
    {
        d.note(
            Problem::at(place.clone(), format!("a {kind} does not end by itself"))
                .label("it is over at once, or lasts until it is healed")
                .help("remove `for`, and end the fault by a `heal` step"),
        );
    }
    Some(Victim {
        node: node?,
        unless: unless.map(|(condition, _)| condition),
        and: and.map(|(condition, _)| condition),
        lasting: lasting.map(|(dur, _)| dur),
    })
}

fn condition<'t>(
    d: &mut Decoder,
    f: &mut Fields<'t>,
    name: &'static str,
) -> Option<(Condition, &'t Place)> {
    let tree = f.get(name)?;
    let condition = d.word(tree, "condition", &[("etcd-leader", Condition::EtcdLeader)])?;
    Some((condition, &tree.place))
}

pub(super) fn lasting(d: &mut Decoder, tree: &Tree) -> Option<Dur> {
    let dur: Dur = d.scalar(tree, "a duration")?;
    let range = Dur(Duration::from_millis(100))..=Dur(Duration::from_secs(24 * 3600));
    d.within(tree, "a time", dur, range)
}

fn partition(d: &mut Decoder, tree: &Tree) -> Option<Partition> {
    let mut f = d.fields(tree, "`partition`")?;
    let isolate = f
        .get("isolate")
        .map(|tree| d.scalar::<Selector>(tree, "a node"));
    let between = f.get("between").map(|tree| pair(d, tree));
    let direction = f.get("direction").map_or(Some(Direction::Both), |tree| {
        let words = [
            ("both", Direction::Both),
            ("in", Direction::In),
            ("out", Direction::Out),
        ];
        d.word(tree, "direction", &words)
    });
    let clients = f.get("clients").map_or(Some(ClientPlace::Cut), |tree| {
        d.word(
            tree,
            "choice for clients",
            &[
                ("cut", ClientPlace::Cut),
                ("keep", ClientPlace::Keep),
                ("isolated", ClientPlace::Isolated),
            ],
        )
    });
    let ports = f
        .get("ports")
        .map_or(Some(Vec::new()), |tree| packets::ports(d, tree));
    let how = f.get("how").map_or(Some(Refuse::Drop), |tree| {
        let words = [("drop", Refuse::Drop), ("reject", Refuse::Reject)];
        d.word(tree, "way", &words)
    });
    let lasting = f.get("for").and_then(|tree| lasting(d, tree));
    d.finish(f);
    if isolate.is_some() == between.is_some() {
        let message = if isolate.is_some() {
            "`isolate` and `between` are two ways to say who is cut off"
        } else {
            "the partition does not say who is cut off"
        };
        let help = "write `isolate: primary`, or `between: [primary, replicas]`, and not both";
        d.note(Problem::at(tree.place.clone(), message).help(help));
        return None;
    }
    Some(Partition {
        isolate: isolate.flatten(),
        between: between.flatten(),
        direction: direction?,
        clients: clients?,
        ports: ports?,
        how: how?,
        lasting,
    })
}

fn crash_loop(d: &mut Decoder, tree: &Tree) -> Option<CrashLoop> {
    let mut f = d.fields(tree, "`crash-loop`")?;
    let node = f
        .need("node", "say whom, such as `node: primary`")
        .and_then(|tree| d.scalar::<Selector>(tree, "a node"));
    let every = f
        .need(
            "every",
            "say how long it runs in between, such as `every: 5s`",
        )
        .and_then(|tree| lasting(d, tree));
    let length = f.get("for").map(|tree| lasting(d, tree));
    d.finish(f);
    Some(CrashLoop {
        node: node?,
        every: every?,
        lasting: length.flatten(),
    })
}

/// The kernel keeps this many bytes of a process's name.
const NAME_MAX: usize = 15;

fn kill_process(d: &mut Decoder, tree: &Tree) -> Option<KillProcess> {
    let mut f = d.fields(tree, "`kill-process`")?;
    let node = f
        .need("node", "say whom, such as `node: primary`")
        .and_then(|tree| d.scalar::<Selector>(tree, "a node"));
    let process = f
        .need("process", "say which, such as `process: postgres`")
        .and_then(|tree| Some((d.text(tree, "a process's name")?, tree)));
    d.finish(f);
    let (process, place) = process?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if process.is_empty() || process.len() > NAME_MAX || !process.chars().all(fits) {
        d.note(
            Problem::at(place.place.clone(), format!("`{process}` is no process's name"))
                .help("use the kernel's short name: at most 15 letters, digits, `.`, `_` or `-` (see `ps -o comm`)"),
        );
        return None;
    }
    Some(KillProcess {
        node: node?,
        process: process.to_owned(),
    })
}

fn script(d: &mut Decoder, tree: &Tree) -> Option<Script> {
    let mut f = d.fields(tree, "`script`")?;
    let node = f
        .need("node", "say whom, such as `node: primary`")
        .and_then(|tree| d.scalar::<Selector>(tree, "a node"));
    let how = f
        .need("how", "say what it plays, such as `how: refuse`")
        .and_then(|tree| d.word(tree, "script", &Play::ALL));
    let length = f
        .need("for", "say how long it plays, such as `for: 2s`")
        .and_then(|tree| lasting(d, tree));
    d.finish(f);
    Some(Script {
        node: node?,
        how: how?,
        lasting: length?,
    })
}

fn pair(d: &mut Decoder, tree: &Tree) -> Option<(Selector, Selector)> {
    let items = d.list(tree, "`between`")?;
    let [first, second] = items else {
        d.note(
            Problem::at(
                tree.place.clone(),
                format!("`between` has {} groups", items.len()),
            )
            .help("name two, such as `between: [primary, replicas]`"),
        );
        return None;
    };
    let a: Option<Selector> = d.scalar(first, "a node");
    let b: Option<Selector> = d.scalar(second, "a node");
    let (a, b) = (a?, b?);
    if a == b || a == Selector::All || b == Selector::All {
        d.note(
            Problem::at(second.place.clone(), "the two groups share nodes")
                .help("name two groups that have no node in common"),
        );
        return None;
    }
    Some((a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_described() {
        let described: Vec<&str> = crate::scenario::FAULTS
            .iter()
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(KINDS, described);
    }
}
