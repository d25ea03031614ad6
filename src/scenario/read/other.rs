//! Decoding faults of data, means and people.

use crate::scenario::{
    Cpu, Memory, Mistake, OutOfMemory, Percent, Problem, Selector, Size, Stored,
};

use super::{
    decode::{Decoder, Fields},
    fault::lasting,
    tree::{Tree, Value},
};

/// Whom a fault hits.
pub(super) fn node(d: &mut Decoder, f: &mut Fields<'_>) -> Option<Selector> {
    f.need("node", "say whom, such as `node: primary`")
        .and_then(|tree| d.scalar::<Selector>(tree, "a node"))
}

/// Decodes what stands under `wipe` and `damage`.
pub fn stored(d: &mut Decoder, tree: &Tree) -> Option<Stored> {
    let mut f = d.fields(tree, "the fault")?;
    let node = node(d, &mut f);
    let path = f
        .need("path", "say what, such as `path: /data`")
        .and_then(|tree| Some((d.text(tree, "a path")?, tree)));
    d.finish(f);
    let (path, place) = path?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-*?".contains(c);
    let below_root = path
        .strip_prefix('/')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()));
    if !below_root || !path.chars().all(plain) || path.contains("..") {
        d.note(
            Problem::at(
                place.place.clone(),
                format!("`{path}` is no path of data in a node"),
            )
            .help("give an absolute path below `/`, without blanks, such as `/data`"),
        );
        return None;
    }
    Some(Stored {
        node: node?,
        path: path.to_owned(),
    })
}

/// Less than this and the node's own health checks would be what fails.
const SHARE_MIN: Percent = Percent(2.0);

/// What is missing where nothing stands under a fault of means; none for other faults.
pub fn help(kind: &str) -> Option<&'static str> {
    match kind {
        "cpu" => Some("say who and how much, such as `cpu: { node: primary, share: 20% }`"),
        "memory" => Some("say who and how much, such as `memory: { node: primary, room: 64MiB }`"),
        "out-of-memory" => Some("say whose, such as `out-of-memory: primary`"),
        _ => None,
    }
}

/// Decodes what stands under `cpu`.
pub fn cpu(d: &mut Decoder, tree: &Tree) -> Option<Cpu> {
    let mut f = d.fields(tree, "`cpu`")?;
    let node = node(d, &mut f);
    let share = f
        .need(
            "share",
            "say how much of a core is left, such as `share: 20%`",
        )
        .and_then(|tree| {
            let share: Percent = d.scalar(tree, "a percentage")?;
            d.within(tree, "a share", share, SHARE_MIN..=Percent(100.0))
        });
    let length = f.get("for").map(|tree| lasting(d, tree));
    d.finish(f);
    Some(Cpu {
        node: node?,
        share: share?,
        lasting: length.flatten(),
    })
}

/// What a shell and a small program take themselves, several times over.
const ROOM_MIN: Size = Size(16 << 20);

/// More than a node's machine is likely to have, and no overflow in KiB.
const ROOM_MAX: Size = Size(1 << 40);

/// Decodes what stands under `memory`.
pub fn memory(d: &mut Decoder, tree: &Tree) -> Option<Memory> {
    let mut f = d.fields(tree, "`memory`")?;
    let node = node(d, &mut f);
    let room = f
        .need(
            "room",
            "say how much is left beyond what its processes hold, such as `room: 64MiB`",
        )
        .and_then(|tree| {
            let room: Size = d.scalar(tree, "a size")?;
            d.within(tree, "a room", room, ROOM_MIN..=ROOM_MAX)
        });
    let length = f.get("for").map(|tree| lasting(d, tree));
    d.finish(f);
    Some(Memory {
        node: node?,
        room: room?,
        lasting: length.flatten(),
    })
}

/// Decodes what stands under `out-of-memory`: a node alone, or a map.
pub fn out_of_memory(d: &mut Decoder, tree: &Tree) -> Option<OutOfMemory> {
    if matches!(tree.value, Value::Scalar(_)) {
        let node = d.scalar(tree, "a node")?;
        return Some(OutOfMemory { node });
    }
    let mut f = d.fields(tree, "`out-of-memory`")?;
    let node = node(d, &mut f);
    d.finish(f);
    Some(OutOfMemory { node: node? })
}

/// Decodes what stands under `mistake`.
pub fn mistake(d: &mut Decoder, tree: &Tree) -> Option<Mistake> {
    let mut f = d.fields(tree, "`mistake`")?;
    let node = node(d, &mut f);
    let run = f
        .need(
            "run",
            "say which command, such as `run: redis-cli flushall`",
        )
        .and_then(|tree| d.text(tree, "a command"));
    let shows = f
        .need(
            "shows",
            "say which command shows the harm, such as `shows: redis-cli dbsize`",
        )
        .and_then(|tree| d.text(tree, "a command"));
    let expect = f
        .need("expect", "say what it then says, such as `expect: '0'`")
        .and_then(|tree| d.text(tree, "what a command says"));
    d.finish(f);
    Some(Mistake {
        node: node?,
        run: run?.to_owned(),
        shows: shows?.to_owned(),
        expect: expect?.to_owned(),
    })
}
