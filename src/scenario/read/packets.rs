//! Decoding faults of packets.

use std::time::Duration;

use crate::scenario::{
    Bandwidth, BitRate, Distribution, Dur, Fault, Latency, Path, Percent, Problem, Reach, Reorder,
    Selector, Share,
};

use super::{
    decode::{Decoder, Fields},
    fault::lasting,
    tree::Tree,
};

/// The most ports that the kernel's filter takes in one rule, less the probes' own.
const PORTS_MAX: usize = 14;

/// Decodes a fault of packets of this kind.
pub fn fault(d: &mut Decoder, kind: &str, tree: &Tree) -> Option<Fault> {
    let mut f = d.fields(tree, "the fault")?;
    let path = path(d, &mut f);
    let fault = match kind {
        "latency" => latency(d, &mut f, path).map(Fault::Latency),
        "loss" => share(d, &mut f, path).map(Fault::Loss),
        "duplicate" => share(d, &mut f, path).map(Fault::Duplicate),
        "corrupt" => share(d, &mut f, path).map(Fault::Corrupt),
        "reorder" => {
            let share = share(d, &mut f, path);
            let hold = f
                .need("hold", "say for how long, such as `hold: 20ms`")
                .and_then(|tree| duration(d, tree, 10));
            share
                .zip(hold)
                .map(|(Share { path, share }, hold)| Fault::Reorder(Reorder { path, share, hold }))
        }
        _ => bandwidth(d, &mut f, path).map(Fault::Bandwidth),
    };
    d.finish(f);
    fault
}

fn path(d: &mut Decoder, f: &mut Fields<'_>) -> Option<Path> {
    let node = f
        .need("node", "say who sends them, such as `node: primary`")
        .and_then(|tree| d.scalar::<Selector>(tree, "a node"));
    let to = f.get("to").map_or(Some(Reach::Everyone), |tree| {
        let to = d.scalar::<Reach>(tree, "a receiver")?;
        if matches!((&to, &node), (Reach::Nodes(to), Some(node)) if to == node && *to != Selector::All) {
            d.note(
                Problem::at(tree.place.clone(), "nobody sends packets to itself over the network")
                    .help("name other nodes, `clients` or `everyone`"),
            );
            return None;
        }
        Some(to)
    });
    let ports = f
        .get("ports")
        .map_or(Some(Vec::new()), |tree| ports(d, tree));
    let lasting = f.get("for").map(|tree| lasting(d, tree));
    Some(Path {
        node: node?,
        to: to?,
        ports: ports?,
        lasting: lasting.flatten(),
    })
}

/// A list of port numbers.
pub fn ports(d: &mut Decoder, tree: &Tree) -> Option<Vec<u16>> {
    let items = d.list(tree, "`ports`")?;
    if !(1..=PORTS_MAX).contains(&items.len()) {
        d.note(
            Problem::at(
                tree.place.clone(),
                format!("`ports` has {} numbers", items.len()),
            )
            .help(format!("name 1 to {PORTS_MAX}, such as `[6379]`")),
        );
        return None;
    }
    let numbers = items
        .iter()
        .map(|item| d.number(item, "a port", 1..=u16::MAX));
    let numbers: Vec<Option<u16>> = numbers.collect();
    numbers.into_iter().collect()
}

fn duration(d: &mut Decoder, tree: &Tree, least_ms: u64) -> Option<Dur> {
    let dur: Dur = d.scalar(tree, "a duration")?;
    let range = Dur(Duration::from_millis(least_ms))..=Dur(Duration::from_secs(10));
    d.within(tree, "a time", dur, range)
}

fn latency(d: &mut Decoder, f: &mut Fields<'_>, path: Option<Path>) -> Option<Latency> {
    let delay = f
        .need("delay", "say how late, such as `delay: 50ms`")
        .and_then(|tree| duration(d, tree, 1));
    let jitter = f.get("jitter").map_or(Some(Dur::default()), |tree| {
        let jitter: Dur = d.scalar(tree, "a duration")?;
        let most = delay.unwrap_or(jitter);
        d.within(tree, "a jitter", jitter, Dur::default()..=most)
    });
    let distribution = f
        .get("distribution")
        .map_or(Some(Distribution::Uniform), |tree| {
            distribution(d, tree, jitter)
        });
    Some(Latency {
        path: path?,
        delay: delay?,
        jitter: jitter?,
        distribution: distribution?,
    })
}

fn distribution(d: &mut Decoder, tree: &Tree, jitter: Option<Dur>) -> Option<Distribution> {
    let words = [
        Distribution::Uniform,
        Distribution::Normal,
        Distribution::Pareto,
    ]
    .map(|one| (one.name(), one));
    let distribution = d.word(tree, "distribution", &words)?;
    if jitter == Some(Dur::default()) {
        d.note(
            Problem::at(
                tree.place.clone(),
                "nothing is spread where there is no jitter",
            )
            .help("say how much, such as `jitter: 10ms`"),
        );
        return None;
    }
    Some(distribution)
}

/// Less than this could not be told from nothing by the datagrams that measure it.
const SHARE_MIN: Percent = Percent(1.0);
/// More than this is a partition.
const SHARE_MAX: Percent = Percent(90.0);

fn share(d: &mut Decoder, f: &mut Fields<'_>, path: Option<Path>) -> Option<Share> {
    let share = f
        .need("share", "say how many, such as `share: 10%`")
        .and_then(|tree| {
            let share: Percent = d.scalar(tree, "a percentage")?;
            d.within(tree, "a share", share, SHARE_MIN..=SHARE_MAX)
        });
    Some(Share {
        path: path?,
        share: share?,
    })
}

fn bandwidth(d: &mut Decoder, f: &mut Fields<'_>, path: Option<Path>) -> Option<Bandwidth> {
    let limit = f
        .need("limit", "say how much, such as `limit: 8Mbit/s`")
        .and_then(|tree| {
            let limit: BitRate = d.scalar(tree, "bits a second")?;
            d.within(
                tree,
                "a rate",
                limit,
                BitRate(64_000)..=BitRate(200_000_000),
            )
        });
    Some(Bandwidth {
        path: path?,
        limit: limit?,
    })
}
