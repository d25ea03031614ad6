//! Decoding `clients`: who uses the stack, how often, and how long they wait.

use std::time::Duration;

use crate::scenario::{
    AppClients, Assignor, Clients, ConsistencyClients, ConsistencyKind, ConsumerClients, Dur,
    Pinned, PinnedAsk, Rate, Reads, ServiceClients,
};

use super::{
    decode::{Decoder, Fields},
    stack::word,
    tree::{Tree, Value},
};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// Decodes `clients`.
pub fn clients(d: &mut Decoder, tree: &Tree) -> Option<Clients> {
    let mut f = d.fields(tree, "`clients`")?;
    let route = f.get("route").map(|tree| word(d, tree, "a route"));
    let service = f
        .get("service")
        .map_or_else(|| Some(ServiceClients::default()), |tree| service(d, tree));
    let app = f.get("app").map(|tree| app(d, tree));
    let consistency = f.get("consistency").map(|tree| consistency(d, tree));
    let consumers = f.get("consumers").map(|tree| consumers(d, tree));
    let workload = f.get("workload").map_or(Some("appends"), |tree| {
        d.word(tree, "workload", &[("appends", "appends")])
    });
    d.finish(f);
    Some(Clients {
        route: route.flatten(),
        service: service?,
        app: app.flatten(),
        consistency: consistency.flatten(),
        consumers: consumers.flatten(),
        workload: workload?.to_owned(),
    })
}

fn service(d: &mut Decoder, tree: &Tree) -> Option<ServiceClients> {
    let mut f = d.fields(tree, "`clients.service`")?;
    let default = ServiceClients::default();
    let lanes = lanes(d, &mut f, default.lanes);
    let words = [("beside", Reads::Beside), ("none", Reads::None)];
    let reads = f
        .get("reads")
        .map_or(Some(default.reads), |tree| d.word(tree, "reads", &words));
    let rate = rate(d, &mut f, default.rate);
    // An operation that waits longer than this would hide when the service came back.
    let timeout = duration(d, &mut f, "timeout", default.timeout, (10 * MS, SECOND));
    let pinned = f
        .get("pinned")
        .map_or_else(|| Some(Pinned::default()), |tree| pinned(d, tree));
    d.finish(f);
    Some(ServiceClients {
        lanes: lanes?,
        reads: reads?,
        rate: rate?,
        timeout: timeout?,
        pinned: pinned?,
    })
}

/// An interval, or a map with `every` and `ask`.
fn pinned(d: &mut Decoder, tree: &Tree) -> Option<Pinned> {
    let default = Pinned::default();
    let range = (50 * MS, 10 * SECOND);
    if !matches!(tree.value, Value::Map(_)) {
        let every: Dur = d.scalar(tree, "a duration")?;
        let every = d.within(tree, "an interval", every, Dur(range.0)..=Dur(range.1))?;
        return Some(Pinned { every, ..default });
    }
    let mut f = d.fields(tree, "`clients.service.pinned`")?;
    let every = duration(d, &mut f, "every", default.every, range);
    let words = [("write", PinnedAsk::Write), ("role", PinnedAsk::Role)];
    let ask = f
        .get("ask")
        .map_or(Some(default.ask), |tree| d.word(tree, "ask", &words));
    d.finish(f);
    Some(Pinned {
        every: every?,
        ask: ask?,
    })
}

fn app(d: &mut Decoder, tree: &Tree) -> Option<AppClients> {
    let mut f = d.fields(tree, "`clients.app`")?;
    let default = AppClients::default();
    let lanes = lanes(d, &mut f, default.lanes);
    let rate = rate(d, &mut f, default.rate);
    let timeout = duration(
        d,
        &mut f,
        "timeout",
        default.timeout,
        (10 * MS, 300 * SECOND),
    );
    let pool = f.get("pool").map_or(Some(default.pool), |tree| {
        d.number(tree, "a pool size", 1..=1000)
    });
    let slo = duration(d, &mut f, "slo", default.slo, (MS, 300 * SECOND));
    d.finish(f);
    Some(AppClients {
        lanes: lanes?,
        rate: rate?,
        timeout: timeout?,
        pool: pool?,
        slo: slo?,
    })
}

fn consistency(d: &mut Decoder, tree: &Tree) -> Option<ConsistencyClients> {
    let mut f = d.fields(tree, "`clients.consistency`")?;
    let words = [
        ("registers", ConsistencyKind::Registers),
        ("transfers", ConsistencyKind::Transfers),
        ("list-append", ConsistencyKind::ListAppend),
    ];
    let kind = f.need(
        "kind",
        "write `kind: registers`, `kind: transfers` or `kind: list-append`",
    );
    let kind = kind.and_then(|tree| d.word(tree, "kind", &words));
    let default = ConsistencyClients::new(ConsistencyKind::Registers);
    // One lane writes and one reads, or there is nothing to judge.
    let lanes = f.get("lanes").map_or(Some(default.lanes), |tree| {
        d.number(tree, "a number of lanes", 2..=16)
    });
    let keys = f.get("keys").map_or(Some(default.keys), |tree| {
        d.number(tree, "a number of keys", 2..=64)
    });
    let rate = rate(d, &mut f, default.rate);
    d.finish(f);
    Some(ConsistencyClients {
        kind: kind?,
        lanes: lanes?,
        keys: keys?,
        rate: rate?,
    })
}

/// A broker refuses sessions shorter than its own limit, 6 s by default (group.min.session.timeout.ms); the driver those
/// longer than its longest time between two polls, 5 min by default (max.poll.interval.ms).
fn consumers(d: &mut Decoder, tree: &Tree) -> Option<ConsumerClients> {
    let mut f = d.fields(tree, "`clients.consumers`")?;
    let default = ConsumerClients::default();
    let mut number = |name, what, default| {
        f.get(name)
            .map_or(Some(default), |tree| d.number(tree, what, 1..=16))
    };
    let members = number("members", "a number of members", default.members);
    let partitions = number("partitions", "a number of partitions", default.partitions);
    let sessions = (6 * SECOND, 300 * SECOND);
    let session = duration(d, &mut f, "session", default.session, sessions);
    let heartbeats = (100 * MS, 100 * SECOND);
    let heartbeat = duration(d, &mut f, "heartbeat", default.heartbeat, heartbeats);
    let assignor = f.get("assignor").map_or(Some(default.assignor), |tree| {
        d.word(tree, "assignor", &Assignor::ALL)
    });
    d.finish(f);
    Some(ConsumerClients {
        members: members?,
        partitions: partitions?,
        session: session?,
        heartbeat: heartbeat?,
        assignor: assignor?,
    })
}

fn lanes(d: &mut Decoder, f: &mut Fields<'_>, default: u16) -> Option<u16> {
    f.get("lanes").map_or(Some(default), |tree| {
        d.number(tree, "a number of lanes", 1..=64)
    })
}

fn rate(d: &mut Decoder, f: &mut Fields<'_>, default: Rate) -> Option<Rate> {
    f.get("rate").map_or(Some(default), |tree| {
        let rate: Rate = d.scalar(tree, "a rate")?;
        d.within(tree, "a rate", rate, Rate(0.1)..=Rate(20_000.0))
    })
}

fn duration(
    d: &mut Decoder,
    f: &mut Fields<'_>,
    name: &'static str,
    default: Dur,
    (least, most): (Duration, Duration),
) -> Option<Dur> {
    f.get(name).map_or(Some(default), |tree| {
        let dur: Dur = d.scalar(tree, "a duration")?;
        d.within(tree, &format!("a {name}"), dur, Dur(least)..=Dur(most))
    })
}
