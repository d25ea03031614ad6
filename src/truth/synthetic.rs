//! Synthetic histories from a seed, of every shape that the definitions speak of.

use std::time::Duration;

use crate::{
    history::{Access, Draft, Group, History, Lane, Op, Outcome},
    id::{LaneId, NodeName, RunId},
    record::{
        Disruption, DisruptionKind, Event, FinalRead, Harness, Holdings, Member, MemberKind,
        Opened, Record, Role, Source, Stack, View, What,
    },
    scenario,
    seed::{Seed, Stream},
    time::{Bracket, Nanos},
};

use super::definitions_loss::{Ids, Present, Succession};

/// The scenario that synthetic runs pretend to have followed.
const SCENARIO: &str = "schema: 1
name: synthetic
summary: A history made from a seed.
stack: { reference: {} }
targets: { rto: 10s, rpo: { count: 0 } }
drill: [ { steady: 20s }, { fault: { kill: primary } }, { expect: { recovered: { within: 1m } } } ]
";

/// A synthetic run.
#[derive(Clone)]
pub struct Synthetic {
    /// What was observed besides operations.
    pub record: Record,
    /// The operations.
    pub history: History,
    /// The event's bracket.
    pub at: Bracket,
}

/// Milliseconds as a moment.
pub fn ms(ms: u64) -> Nanos {
    Nanos(ms * 1_000_000)
}

/// A whole number in `[low, high)`.
pub fn between(random: &mut Stream, low: u64, high: u64) -> u64 {
    low + (random.unit() * (high - low) as f64) as u64
}

/// A record without operations, on which synthetic runs are built.
pub fn blank() -> Record {
    let scenario = scenario::read("synthetic", SCENARIO, &[]).expect("a sound scenario");
    let opened = Opened {
        format: 1,
        run: RunId::new("00000000t000000", 0),
        started: String::new(),
        attempt: 1,
        attempts: 1,
        seed: Seed(0),
        harness: Harness::default(),
        file: String::new(),
        scenario_sha256: String::new(),
        overrides: Vec::new(),
        scenario: scenario.scenario,
        last: None,
    };
    let node = NodeName::new("n1");
    let stack = Stack {
        system: "synthetic".into(),
        topology: String::new(),
        route: String::new(),
        server: String::new(),
        members: vec![Member {
            name: node.clone(),
            kind: MemberKind::Data,
            address: String::new(),
            host: "n1".into(),
            image: String::new(),
        }],
        primary: node.clone(),
        effective: vec![],
        bounds: vec![],
        connection_limit: None,
        phase_ns: 0,
        idempotent: true,
        one_writer: true,
        element_bytes: 64,
        shards: Vec::new(),
        ready: vec![],
    };
    let disruption = Disruption {
        step: 1,
        kind: DisruptionKind::Fault,
        name: "kill".into(),
        victims: vec![node],
        primary_hit: true,
        means: String::new(),
    };
    let converged = What::Converged {
        reached: true,
        evidence: vec![],
    };
    let told = [
        What::Opened(Box::new(opened)),
        What::Stack(Box::new(stack)),
        What::Disrupted(disruption),
        converged,
    ];
    let events: Vec<Event> = told
        .into_iter()
        .map(|what| Event {
            at: Bracket::at(Nanos(0)),
            what,
        })
        .collect();
    Record::fold(&events).expect("the opening comes first")
}

/// A service lane.
pub fn lane(id: u16, access: Access, interval_ms: u64) -> Lane {
    Lane {
        id: LaneId(id),
        name: format!("lane-{id}"),
        group: Group::Service,
        access,
        fresh: false,
        reads: (access == Access::Read).then_some(LaneId(0)),
        pinned: None,
        shard: None,
        keys: None,
        interval: Duration::from_millis(interval_ms),
        timeout: Duration::from_millis(500),
        objective: None,
    }
}

/// A run of these lanes and operations with its event.
pub fn run(record: &Record, lanes: Vec<Lane>, history: History, at: Bracket) -> Synthetic {
    let mut record = record.clone();
    record.lanes = lanes;
    record.disruptions[0].0 = at;
    Synthetic {
        record,
        history,
        at,
    }
}

/// An operation due at `seq * interval + 1` milliseconds.
pub fn op(lane: u16, seq: usize, interval: u64, (outcome, late, took): (Outcome, u64, u64)) -> Op {
    let intended = ms(seq as u64 * interval + 1);
    let sent = Nanos(intended.0 + late * 1_000_000);
    let shed = outcome == Outcome::Shed;
    Op {
        lane: LaneId(lane),
        seq: seq as u64,
        intended,
        sent: (!shed).then_some(sent),
        done: (!shed).then_some(Nanos(sent.0 + took * 1_000_000)),
        outcome,
        error: None,
        node: None,
        version: None,
    }
}

/// Mostly ok.
fn outcome(random: &mut Stream) -> Outcome {
    match random.index(68) {
        0 | 1 => Outcome::Conflict,
        2 | 3 => Outcome::Fail,
        4 | 5 => Outcome::Info,
        6 | 7 => Outcome::Shed,
        _ => Outcome::Ok,
    }
}

/// Operations as a history.
pub fn history(ops: Vec<Op>) -> History {
    History::from(Draft {
        ops,
        ..Draft::default()
    })
}

/// The interval of `recovery` and of `outage`, milliseconds.
pub const RECOVERY_INTERVAL: u64 = 400;

/// One lane that is mostly well, with stretches of failures and a fault somewhere.
pub fn recovery(record: &Record, random: &mut Stream) -> Synthetic {
    const LENGTH: usize = 110;
    let quiet = random.unit() < 0.7;
    let mut ops: Vec<Op> = (0..LENGTH)
        .map(|seq| {
            let outcome = if quiet { Outcome::Ok } else { outcome(random) };
            let latest = if random.index(10) == 0 { 1_500 } else { 60 };
            let late = between(random, 0, latest);
            let took = between(random, 1, 900);
            op(0, seq, RECOVERY_INTERVAL, (outcome, late, took))
        })
        .collect();
    for _ in 0..random.index(4) {
        let (start, length) = (random.index(LENGTH), 1 + random.index(19));
        for op in ops.iter_mut().skip(start).take(length) {
            if op.outcome == Outcome::Ok {
                op.outcome = Outcome::Fail;
            }
        }
    }
    let fault = between(random, 0, 44_000);
    let at = Bracket {
        low: ms(fault),
        high: ms(fault + between(random, 0, 30)),
    };
    let lanes = vec![lane(0, Access::Write, RECOVERY_INTERVAL)];
    run(record, lanes, history(ops), at)
}

/// A true outage `[begun, back)`: operations fail iff the server meets them within it.
pub fn outage(record: &Record, random: &mut Stream) -> (Synthetic, u64, u64) {
    let fault = between(random, 3_000, 6_000);
    let at = Bracket {
        low: ms(fault),
        high: ms(fault + 20),
    };
    let begun = at.low.0 + (random.unit() * 20e6) as u64;
    let back = begun + between(random, 0, 9_000) * 1_000_000;
    let ops = (0..150)
        .map(|seq| {
            let latest = if random.index(10) == 0 { 700 } else { 40 };
            let (late, took) = (between(random, 0, latest), between(random, 1, 80));
            let mut op = op(0, seq, 200, (Outcome::Ok, late, took));
            let sent = op.sent.unwrap_or_default().0;
            let met = sent + (took as f64 * 1e6 * random.unit()) as u64;
            if begun <= met && met < back {
                op.outcome = Outcome::Fail;
            }
            op
        })
        .collect();
    let lanes = vec![lane(0, Access::Write, 200)];
    (run(record, lanes, history(ops), at), begun, back)
}

/// One lane whose operations are sometimes slow.
pub fn slowness(record: &Record, random: &mut Stream) -> Synthetic {
    let mut ops: Vec<Op> = (0..420)
        .map(|seq| op(0, seq, 100, (Outcome::Ok, 0, 2)))
        .collect();
    for _ in 0..random.index(6) {
        let (start, length) = (random.index(420), 1 + random.index(29));
        for op in ops.iter_mut().skip(start).take(length) {
            op.done = op.sent.map(|sent| Nanos(sent.0 + 11_000_000));
        }
    }
    let fault = between(random, 10_000, 20_000);
    let at = Bracket {
        low: ms(fault),
        high: ms(fault + 3),
    };
    run(record, vec![lane(0, Access::Write, 100)], history(ops), at)
}

/// Two write lanes that fail now and then.
pub fn failures(record: &Record, random: &mut Stream) -> Synthetic {
    let mut ops = Vec::new();
    for id in [0, 1] {
        for seq in 0..1 + random.index(39) {
            let shape = (
                outcome(random),
                between(random, 0, 9),
                between(random, 1, 9),
            );
            ops.push(op(id, seq, 3, shape));
        }
    }
    let lanes = vec![lane(0, Access::Write, 40), lane(1, Access::Write, 40)];
    run(record, lanes, history(ops), Bracket::at(ms(20_000)))
}

/// Two write lanes and what is left of what they wrote.
pub fn leftovers(record: &Record, random: &mut Stream) -> (Synthetic, Vec<Present>) {
    const OUTCOMES: [Outcome; 5] = [
        Outcome::Ok,
        Outcome::Conflict,
        Outcome::Fail,
        Outcome::Info,
        Outcome::Shed,
    ];
    let mut next = [0_usize; 2];
    let mut ops = Vec::new();
    for _ in 0..1 + random.index(59) {
        let id = random.index(2);
        let outcome = OUTCOMES[random.index(OUTCOMES.len())];
        let (start, took) = (between(random, 0, 200), between(random, 0, 200));
        let lane = u16::from(id == 1);
        let mut op = op(lane, next[id], 0, (outcome, 0, took));
        op.intended = ms(start);
        op.sent = op.sent.map(|_| ms(start));
        op.done = op.done.map(|_| ms(start + took));
        ops.push(op);
        next[id] += 1;
    }
    let present: Vec<Present> = (0..random.index(60))
        .map(|_| {
            let lane = LaneId(u16::from(random.index(2) == 1));
            let times = 1 + u32::from(random.index(2) == 1);
            (lane, between(random, 0, 40), times, random.unit() < 0.9)
        })
        .collect();
    let fault = between(random, 0, 400);
    let at = Bracket {
        low: ms(fault),
        high: ms(fault + 7),
    };
    let lanes = vec![lane(0, Access::Write, 40), lane(1, Access::Write, 40)];
    let mut synthetic = run(record, lanes, history(ops), at);
    let elements = present.iter().flat_map(|(lane, seq, times, sound)| {
        std::iter::repeat_n((*lane, *seq, *sound), usize::try_from(*times).unwrap_or(0))
    });
    let holdings = Holdings::collect(elements);
    for pass in [1, 2] {
        synthetic.record.finals.push(FinalRead {
            source: Source::Authority { pass },
            holdings: Ok(holdings.clone()),
        });
    }
    (synthetic, present)
}

/// Two write lanes over three events, each of which hits the node that leads; sometimes a node goes on taking the writes of
/// a lane while another one leads, and sometimes one calls itself primary that nobody writes.
pub fn successions(record: &Record, random: &mut Stream) -> (Synthetic, Succession) {
    const LENGTH: usize = 375;
    let begins: Vec<u64> = (1..4)
        .map(|n| n * 3_500 + between(random, 0, 900))
        .collect();
    let second = (random.unit() < 0.5).then(|| between(random, begins[0], 12_000));
    let until = second.map_or(0, |from| from + between(random, 100, 3_000));
    let mut ops = Vec::new();
    let mut lost = Ids::new();
    for lane in 0..2 {
        let tail = between(random, 0, 600);
        for seq in 0..LENGTH {
            let took = between(random, 1, 60);
            let mut op = op(lane, seq, 40, (Outcome::Ok, 0, took));
            let at = op.intended.0 / 1_000_000;
            let passed = begins.iter().filter(|begun| **begun <= at).count() as u64;
            let old = lane == 0 && second.is_some_and(|from| (from..until).contains(&at));
            let leader = if old {
                passed.saturating_sub(1)
            } else {
                passed
            };
            op.node = Some((leader % 3) as u16);
            let last = begins
                .iter()
                .any(|begun| at <= *begun && *begun < at + tail);
            let gone = if last || old { 0.8 } else { 0.01 };
            if random.unit() < gone {
                lost.insert((op.lane, op.seq));
            }
            ops.push(op);
        }
    }
    let events: Vec<(Bracket, u16)> = (0_u16..)
        .zip(&begins)
        .map(|(node, begun)| {
            let at = Bracket {
                low: ms(*begun),
                high: ms(begun + 5),
            };
            (at, node % 3)
        })
        .collect();
    let lanes = vec![lane(0, Access::Write, 40), lane(1, Access::Write, 40)];
    let held = ops.iter().map(|op| (op.lane, op.seq));
    let held = held.filter(|id| !lost.contains(id));
    let holdings = Holdings::collect(held.map(|(lane, seq)| (lane, seq, true)));
    let mut synthetic = run(record, lanes, history(ops), events[0].0);
    follow(&mut synthetic.record, &events);
    let words = words(random, &begins);
    synthetic.record.views = words
        .iter()
        .map(|(at, node, primary)| (*at, view(*node, *primary)))
        .collect();
    for pass in [1, 2] {
        synthetic.record.finals.push(FinalRead {
            source: Source::Authority { pass },
            holdings: Ok(holdings.clone()),
        });
    }
    let told = Succession {
        lost,
        events,
        words,
    };
    (synthetic, told)
}

/// What three nodes say every half second: the one that leads that it does, and now and then another one too.
fn words(random: &mut Stream, begins: &[u64]) -> Vec<(Bracket, u16, bool)> {
    let mut words = Vec::new();
    for at in (0..15_000).step_by(500) {
        let passed = begins.iter().filter(|begun| **begun <= at).count();
        for node in 0..3 {
            let said = Bracket {
                low: ms(at),
                high: ms(at + between(random, 1, 30)),
            };
            let leads = usize::from(node) == passed % 3;
            words.push((said, node, leads || random.unit() < 0.15));
        }
    }
    words
}

fn view(node: u16, primary: bool) -> View {
    View {
        node: NodeName::new(format!("n{}", node + 1)),
        role: if primary {
            Role::Primary
        } else {
            Role::Replica
        },
        term: None,
        position: None,
        lag: None,
        follows: None,
        eligible: None,
    }
}

/// Gives the run three nodes and these events, of which the first stands already.
fn follow(record: &mut Record, events: &[(Bracket, u16)]) {
    let name = |node: u16| NodeName::new(format!("n{}", node + 1));
    if let Some(stack) = &mut record.stack {
        let first = stack.members[0].clone();
        stack.members.extend([1, 2].map(|node| Member {
            name: name(node),
            ..first.clone()
        }));
    }
    let first = record.disruptions[0].1.clone();
    let later = events.iter().enumerate().skip(1);
    record.disruptions.extend(later.map(|(index, (at, node))| {
        let disruption = Disruption {
            step: index + 1,
            victims: vec![name(*node)],
            ..first.clone()
        };
        (*at, disruption)
    }));
}

/// A write lane and reads of it that saw any version.
pub fn reads(record: &Record, random: &mut Stream) -> Synthetic {
    let mut ops = Vec::new();
    for seq in 0..1 + random.index(39) {
        let outcome = match random.index(5) {
            3 => Outcome::Info,
            4 => Outcome::Fail,
            _ => Outcome::Ok,
        };
        ops.push(op(0, seq, 37, (outcome, 0, between(random, 0, 30))));
    }
    let number = 1 + random.index(39);
    let mut begins: Vec<u64> = (0..number).map(|_| between(random, 0, 1_500)).collect();
    begins.sort_unstable();
    for (seq, sent) in begins.into_iter().enumerate() {
        let took = between(random, 0, 60);
        let mut read = op(1, seq, 0, (Outcome::Ok, 0, took));
        read.intended = ms(sent);
        read.sent = Some(ms(sent));
        read.done = Some(ms(sent + took));
        read.version = Some(between(random, 0, 45));
        ops.push(read);
    }
    let lanes = vec![lane(0, Access::Write, 40), lane(1, Access::Read, 40)];
    run(record, lanes, history(ops), Bracket::at(ms(20_000)))
}
