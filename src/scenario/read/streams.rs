//! Decoding faults of streams.

use std::{ops::RangeInclusive, time::Duration};

use crate::scenario::{
    BitRate, Dur, Fault, Flow, HalfOpen, LimitData, Percent, Problem, Reset, Selector, Slice,
    SlowClose, Stream, StreamBandwidth, StreamLatency, StreamLink,
};

use super::{
    decode::{Decoder, Fields},
    fault::lasting,
    tree::Tree,
};

/// Fewer connections could not be told from none by those that are tried.
const SHARE_MIN: Percent = Percent(20.0);
/// Toxiproxy counts thousands of bytes a second: a limit is a multiple of this.
const BITS_STEP: u64 = 8_000;

/// What is missing where a delay is.
const LATE: &str = "say how late, such as `delay: 200ms`";

/// Every fault of streams by its name in a file, with what to say about it.
const HELP: &[(&str, &str)] = &[
    ("reset", "say whom, such as `reset: { node: primary }`"),
    (
        "half-open",
        "say whom, such as `half-open: { node: primary }`",
    ),
    (
        "slow-close",
        "say whom and how late, such as `slow-close: { node: primary, delay: 2s }`",
    ),
    (
        "slice",
        "say whom and how, such as `slice: { node: primary, size: 64, pause: 5ms }`",
    ),
    (
        "limit-data",
        "say whom and how much, such as `limit-data: { node: primary, bytes: 4096 }`",
    ),
    (
        "stream-latency",
        "say whom and how late, such as `stream-latency: { node: primary, delay: 50ms }`",
    ),
    (
        "stream-bandwidth",
        "say whom and how much, such as `stream-bandwidth: { node: primary, limit: 800kbit/s }`",
    ),
];

/// What a fault of streams needs, in an example; none for any other fault.
pub fn help(kind: &str) -> Option<&'static str> {
    let own = HELP.iter().find(|(name, _)| *name == kind);
    own.map(|(_, help)| *help)
}

/// Decodes a fault of streams of this kind.
pub fn fault(d: &mut Decoder, kind: &str, tree: &Tree) -> Option<Fault> {
    let mut f = d.fields(tree, "the fault")?;
    let stream = stream(d, &mut f);
    let fault = match kind {
        "reset" => reset(d, &mut f, stream),
        "half-open" => half_open(d, &mut f, stream),
        "slow-close" => {
            let delay = needed(d, &mut f, "delay", LATE, ms(100)..=ms(10_000));
            let both = stream.zip(delay);
            both.map(|(stream, delay)| Fault::SlowClose(SlowClose { stream, delay }))
        }
        "slice" => slice(d, &mut f, stream),
        "limit-data" => {
            let bytes = f
                .need("bytes", "say how many, such as `bytes: 4096`")
                .and_then(|tree| d.number(tree, "a number of bytes", 1..=1_048_576));
            let both = stream.zip(bytes);
            both.map(|(stream, bytes)| Fault::LimitData(LimitData { stream, bytes }))
        }
        "stream-latency" => latency(d, &mut f, stream),
        _ => bandwidth(d, &mut f, stream),
    };
    d.finish(f);
    fault
}

fn stream(d: &mut Decoder, f: &mut Fields<'_>) -> Option<Stream> {
    let node = f
        .need(
            "node",
            "say which node stands behind the proxy, such as `node: primary`",
        )
        .and_then(|tree| d.scalar::<Selector>(tree, "a node"));
    let links = [
        ("clients", StreamLink::Clients),
        ("replication", StreamLink::Replication),
    ];
    let link = f.get("link").map_or(Some(StreamLink::Clients), |tree| {
        d.word(tree, "link", &links)
    });
    let flows = [("down", Flow::Down), ("up", Flow::Up), ("both", Flow::Both)];
    let direction = f
        .get("direction")
        .map_or(Some(Flow::Down), |tree| d.word(tree, "direction", &flows));
    let share = f.get("share").map_or(Some(Percent(100.0)), |tree| {
        let share: Percent = d.scalar(tree, "a percentage")?;
        d.within(tree, "a share", share, SHARE_MIN..=Percent(100.0))
    });
    if let (Some(tree), Some(Flow::Both)) = (f.get("share"), direction)
        && share.is_some_and(|share| share < Percent(100.0))
    {
        d.note(
            Problem::at(
                tree.place.clone(),
                "each direction of a connection would be chosen by itself",
            )
            .help("choose `direction: down` or `up` for a share of the connections"),
        );
    }
    let length = f.get("for").map(|tree| lasting(d, tree));
    Some(Stream {
        node: node?,
        link: link?,
        direction: direction?,
        share: share?,
        lasting: length.flatten(),
    })
}

fn ms(milliseconds: u64) -> Dur {
    Dur(Duration::from_millis(milliseconds))
}

/// A time in whole milliseconds, which is what Toxiproxy counts in.
fn time(d: &mut Decoder, tree: &Tree, range: RangeInclusive<Dur>) -> Option<Dur> {
    let dur: Dur = d.scalar(tree, "a duration")?;
    let dur = d.within(tree, "a time", dur, range)?;
    if dur.0.subsec_nanos().is_multiple_of(1_000_000) {
        return Some(dur);
    }
    d.note(
        Problem::at(
            tree.place.clone(),
            format!("`{dur}` has a fraction of a millisecond"),
        )
        .help("Toxiproxy counts whole milliseconds, for instance `5ms`"),
    );
    None
}

fn needed(
    d: &mut Decoder,
    f: &mut Fields<'_>,
    key: &'static str,
    help: &'static str,
    range: RangeInclusive<Dur>,
) -> Option<Dur> {
    f.need(key, help).and_then(|tree| time(d, tree, range))
}

fn reset(d: &mut Decoder, f: &mut Fields<'_>, stream: Option<Stream>) -> Option<Fault> {
    let after = f.get("after").map_or(Some(Dur::default()), |tree| {
        time(d, tree, ms(0)..=ms(10_000))
    });
    let (stream, after) = stream.zip(after)?;
    Some(Fault::Reset(Reset { stream, after }))
}

fn half_open(d: &mut Decoder, f: &mut Fields<'_>, stream: Option<Stream>) -> Option<Fault> {
    let closes = f
        .get("closes")
        .map(|tree| time(d, tree, ms(100)..=ms(10_000)));
    let closes = match closes {
        Some(None) => return None,
        Some(some) => some,
        None => None,
    };
    let stream = stream?;
    Some(Fault::HalfOpen(HalfOpen { stream, closes }))
}

fn slice(d: &mut Decoder, f: &mut Fields<'_>, stream: Option<Stream>) -> Option<Fault> {
    let size = f
        .need("size", "say how many bytes, such as `size: 64`")
        .and_then(|tree| d.number(tree, "a size", 16..=16_384));
    let pause = needed(
        d,
        f,
        "pause",
        "say how long in between, such as `pause: 5ms`",
        ms(1)..=ms(200),
    );
    let (stream, (size, pause)) = stream.zip(size.zip(pause))?;
    Some(Fault::Slice(Slice {
        stream,
        size,
        pause,
    }))
}

fn latency(d: &mut Decoder, f: &mut Fields<'_>, stream: Option<Stream>) -> Option<Fault> {
    let delay = needed(d, f, "delay", LATE, ms(10)..=ms(2_000));
    let jitter = f.get("jitter").map_or(Some(Dur::default()), |tree| {
        let jitter = time(d, tree, ms(0)..=ms(2_000))?;
        let most = delay.unwrap_or(jitter);
        d.within(tree, "a jitter", jitter, Dur::default()..=most)
    });
    let (stream, (delay, jitter)) = stream.zip(delay.zip(jitter))?;
    Some(Fault::StreamLatency(StreamLatency {
        stream,
        delay,
        jitter,
    }))
}

fn bandwidth(d: &mut Decoder, f: &mut Fields<'_>, stream: Option<Stream>) -> Option<Fault> {
    let limit = f
        .need("limit", "say how much, such as `limit: 800kbit/s`")
        .and_then(|tree| {
            let limit: BitRate = d.scalar(tree, "bits a second")?;
            let limit = d.within(tree, "a rate", limit, BitRate(64_000)..=BitRate(80_000_000))?;
            if limit.0.is_multiple_of(BITS_STEP) {
                return Some(limit);
            }
            d.note(
                Problem::at(
                    tree.place.clone(),
                    format!("`{limit}` is no whole number of kilobytes a second"),
                )
                .help("Toxiproxy counts thousands of bytes: give a multiple of `8kbit/s`"),
            );
            None
        });
    let (stream, limit) = stream.zip(limit)?;
    Some(Fault::StreamBandwidth(StreamBandwidth { stream, limit }))
}
