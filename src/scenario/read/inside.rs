//! Decoding faults among a node's own processes.

use std::time::Duration;

use crate::scenario::{Certificate, Descriptors, Dns, Dur, Misnaming, Problem};

use super::{
    decode::Decoder,
    fault::lasting,
    other::node,
    tree::{Tree, Value},
};

/// More than this and few servers would notice.
const LEFT_MAX: u32 = 1000;

/// How late a name may come: the C library tries again after 5 s.
const DELAY: (Dur, Dur) = (Dur(Duration::from_millis(200)), Dur(Duration::from_secs(4)));

/// Since when a certificate may have been expired: clocks differ, and nobody forgets one for longer than a year.
const EXPIRED: (Dur, Dur) = (
    Dur(Duration::from_secs(60)),
    Dur(Duration::from_secs(365 * 86_400)),
);

/// Decodes what stands under `descriptors`: a node alone, or a map.
pub fn descriptors(d: &mut Decoder, tree: &Tree) -> Option<Descriptors> {
    if matches!(tree.value, Value::Scalar(_)) {
        return Some(Descriptors {
            node: d.scalar(tree, "a node")?,
            left: 0,
            lasting: None,
        });
    }
    let mut f = d.fields(tree, "`descriptors`")?;
    let node = node(d, &mut f);
    let left = f
        .get("left")
        .map_or(Some(0), |tree| d.number(tree, "a number", 0..=LEFT_MAX));
    let length = f.get("for").map(|tree| lasting(d, tree));
    d.finish(f);
    Some(Descriptors {
        node: node?,
        left: left?,
        lasting: length.flatten(),
    })
}

/// Decodes what stands under `dns`.
pub fn dns(d: &mut Decoder, tree: &Tree) -> Option<Dns> {
    let mut f = d.fields(tree, "`dns`")?;
    let node = node(d, &mut f);
    let how = f
        .need("how", "say what look-ups come to, such as `how: gone`")
        .and_then(|tree| d.word(tree, "way", &Misnaming::ALL));
    let delay = f.get("delay").map(|tree| {
        let delay: Dur = d.scalar(tree, "a duration")?;
        d.within(tree, "a delay", delay, DELAY.0..=DELAY.1)
    });
    let names = f.get("names").map_or(Some(Vec::new()), |tree| {
        let items = d.list(tree, "`names`")?;
        let name = |item| d.text(item, "a member's name").map(str::to_owned);
        items.iter().map(name).collect()
    });
    let length = f.get("for").map(|tree| lasting(d, tree));
    d.finish(f);
    if how.is_some_and(|how| (how == Misnaming::Slow) != delay.is_some()) {
        let problem = Problem::at(
            tree.place.clone(),
            "`delay` goes with `how: slow`, and only with it",
        );
        d.note(problem.help("write `how: slow, delay: 1s`, or leave `delay` out"));
        return None;
    }
    Some(Dns {
        node: node?,
        how: how?,
        delay: delay.flatten(),
        names: names?,
        lasting: length.flatten(),
    })
}

/// Decodes what stands under `certificate`.
pub fn certificate(d: &mut Decoder, tree: &Tree) -> Option<Certificate> {
    let mut f = d.fields(tree, "`certificate`")?;
    let node = node(d, &mut f);
    let expired = f
        .need("expired", "say since when, such as `expired: 1h`")
        .and_then(|tree| {
            let expired: Dur = d.scalar(tree, "a duration")?;
            d.within(
                tree,
                "a time since it expired",
                expired,
                EXPIRED.0..=EXPIRED.1,
            )
        });
    let length = f.get("for").map(|tree| lasting(d, tree));
    d.finish(f);
    Some(Certificate {
        node: node?,
        expired: expired?,
        lasting: length.flatten(),
    })
}
