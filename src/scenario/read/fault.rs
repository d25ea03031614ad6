//! Decoding one fault and its victims.

use std::time::Duration;

use crate::scenario::{
    ClientPlace, Condition, Direction, Dur, Fault, Partition, Play, Script, Selector, Victim,
    problem::{Place, Problem},
};

use super::{
    decode::{Decoder, Fields},
    tree::{Tree, Value},
};

/// Every kind of fault by its name in a file.
pub const KINDS: &[&str] = &[
    "kill",
    "stop",
    "pause",
    "restart",
    "partition",
    "script",
    "noop",
];

/// A fault's name in a file.
pub fn kind(fault: &Fault) -> &'static str {
    match fault {
        Fault::Kill(_) => "kill",
        Fault::Stop(_) => "stop",
        Fault::Pause(_) => "pause",
        Fault::Restart(_) => "restart",
        Fault::Partition(_) => "partition",
        Fault::Script(_) => "script",
        Fault::Noop => "noop",
    }
}

/// Decodes what stands under `fault`.
pub fn fault(d: &mut Decoder, tree: &Tree) -> Option<Fault> {
    let choice = d.choice(tree, "fault", KINDS)?;
    if choice.name == "noop" {
        return Some(Fault::Noop);
    }
    if choice.name == "partition" {
        let body = d.body(
            &choice,
            "say who, such as `partition: { isolate: primary }`",
        )?;
        return partition(d, body).map(Fault::Partition);
    }
    if choice.name == "script" {
        let help = "say who and what, such as `script: { node: primary, how: refuse, for: 2s }`";
        let body = d.body(&choice, help)?;
        return script(d, body).map(Fault::Script);
    }
    let body = d.body(
        &choice,
        "say whom, such as `kill: primary`, or `kill: { node: primary, unless: etcd-leader }`",
    )?;
    let victim = victim(d, choice.name, body)?;
    Some(match choice.name {
        "kill" => Fault::Kill(victim),
        "stop" => Fault::Stop(victim),
        "pause" => Fault::Pause(victim),
        _ => Fault::Restart(victim),
    })
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
                .label("only `pause` and `partition` have `for`")
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

fn lasting(d: &mut Decoder, tree: &Tree) -> Option<Dur> {
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
        lasting,
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
