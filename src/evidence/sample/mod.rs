//! A run for tests, made up and realistic: Redis Sentinel loses its primary for about four seconds, and one write.

mod judgement;
mod load;

use std::time::Duration;

use crate::{
    history::Outcome,
    id::{NodeName, RunId},
    record::{
        Bound, ControlEvent, Disruption, DisruptionKind, Effect, EffectState, Environment, Event,
        FinalRead, Harness, Holdings, ImageFact, Last, LastLine, Member, MemberKind, Milestone,
        Opened, Origin, Record, Residue, Role, Setting, Source, Stack, Status, StepResult, View,
        Wait, Watched, What,
    },
    scenario::Scenario,
    seed::Seed,
    time::{Bracket, Nanos},
};

pub use judgement::judgement;
pub use load::{history, lanes, lost_write};

/// The scenario file.
pub const SCENARIO: &str = r#"{
  "schema": 1,
  "name": "redis-sentinel-primary-kill",
  "summary": "Sentinel promotes a replica when the primary is killed.",
  "stack": { "redis": { "topology": "sentinel", "nodes": 3, "settings": { "down-after": "3s" } } },
  "clients": { "route": "sentinel", "service": { "lanes": 4, "rate": "100/s", "timeout": "500ms", "pinned": { "every": "100ms", "ask": "write" } } },
  "targets": {
    "rto": "30s", "rpo": { "count": "any", "seconds": "1s" },
    "split-brain": "0", "availability": "99.9%", "recovered-by": "other-node"
  },
  "drill": [
    { "steady": "10s" },
    { "fault": { "kill": { "node": "primary" } } },
    { "expect": { "recovered": { "within": "60s" } } },
    { "heal": "all" },
    { "expect": { "redundant": { "within": "2m" } } }
  ]
}
"#;

/// Just before and just after the kill.
pub const FAULT: Bracket = Bracket {
    low: Nanos(17_182_400_000),
    high: Nanos(17_193_900_000),
};

/// The run's name.
pub fn run() -> RunId {
    RunId::new("20261121t081500", 0xabc_def1)
}

/// The record of the run.
pub fn record() -> Record {
    Record::fold(&events()).unwrap()
}

/// The scenario as resolved.
pub fn scenario() -> Scenario {
    serde_json::from_str(SCENARIO).unwrap()
}

fn node(name: &str) -> NodeName {
    NodeName::new(name)
}

fn at(seconds: f64) -> Bracket {
    let low = Nanos((seconds * 1e9) as u64);
    Bracket {
        low,
        high: Nanos(low.0 + 900_000),
    }
}

/// The events in their order.
pub fn events() -> Vec<Event> {
    let mut events = opening();
    let mut say = |seconds: f64, what| {
        events.push(Event {
            at: at(seconds),
            what,
        });
    };
    let done = |step| What::StepEnded {
        step,
        result: StepResult::Done,
    };
    let start = |step, title: &str| What::StepStarted {
        step,
        title: title.into(),
    };
    say(6.5, What::Clients(lanes()));
    say(6.51, start(0, "steady 10s"));
    say(16.51, done(0));
    say(16.52, start(1, "fault: kill primary"));
    say(17.1824, disrupted());
    say(17.31, What::Effect(effect()));
    say(17.32, done(1));
    say(17.33, start(2, "expect recovered within 60s"));
    for (seconds, milestone, who, text) in control() {
        say(
            seconds,
            What::Control(ControlEvent {
                source: node(who),
                milestone,
                node: Some(node("redis2")),
                text: text.into(),
            }),
        );
    }
    say(31.3, done(2));
    say(31.9, start(3, "heal all"));
    say(32.0, What::Healed { step: 1 });
    say(
        32.4,
        What::Returned {
            node: node("redis1"),
        },
    );
    say(32.5, done(3));
    say(32.6, start(4, "expect redundant within 2m"));
    say(
        35.2,
        What::Redundant {
            evidence: vec!["3 of 3 members present, lag 0".into()],
        },
    );
    say(35.3, done(4));
    say(38.0, What::ClientsStopped);
    say(38.0, What::Dropped { packets: 0 });
    let watched = Watched {
        nodes: 6,
        looks: 210,
        longest_ns: 190_000_000,
    };
    say(38.0, What::Watched(watched));
    for event in views() {
        events.push(event);
    }
    for event in ending() {
        events.push(event);
    }
    events[3..].sort_by_key(|event| event.at.low);
    fix_brackets(&mut events);
    events
}

fn fix_brackets(events: &mut [Event]) {
    for event in events {
        if matches!(event.what, What::Disrupted(_)) {
            event.at = FAULT;
        }
    }
}

fn opening() -> Vec<Event> {
    let opened = Opened {
        format: crate::evidence::folder::FORMAT,
        run: run(),
        started: "2026-11-21T08:15:00Z".into(),
        attempt: 1,
        attempts: 1,
        seed: Seed(0x5eed),
        harness: Harness {
            drdrill: "0.1.0".into(),
            program_sha256: "5e".repeat(32),
            facts: vec![("clock source".into(), "tsc".into())],
        },
        file: "scenarios/redis/sentinel-kill.yaml".into(),
        overrides: vec![],
        scenario_sha256: crate::evidence::manifest::sha256(SCENARIO.as_bytes()),
        scenario: scenario(),
        last: Some(Last {
            run: RunId::new("20261120t081500", 7),
            manifest_sha256: "1a".repeat(32),
            verdict: "pass".into(),
            lines: vec![LastLine {
                figure: "rto".into(),
                measured: "3.871 s".into(),
                state: "met".into(),
            }],
        }),
    };
    let environment = Environment {
        drdrill: "0.1.0".into(),
        facts: [
            ("os", "Debian GNU/Linux 12"),
            ("kernel", "6.1.0-28-amd64"),
            ("engine", "27.3.1"),
            ("cores", "8"),
            ("memory", "31.2 GiB"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into(),
    };
    let image = ImageFact {
        reference: "redis:8".into(),
        used: "redis:8".into(),
        digest: "sha256:3e2f0b5e6e0a4f6a1d9c1f7a5f2b8c4d7e9f00112233445566778899aabbccdd".into(),
        origin: Origin::Pulled,
    };
    vec![
        Event {
            at: Bracket::at(Nanos(1_000_000)),
            what: What::Opened(Box::new(opened)),
        },
        Event {
            at: at(0.01),
            what: What::Environment(environment),
        },
        Event {
            at: at(1.2),
            what: What::Image(image),
        },
        Event {
            at: at(6.1),
            what: What::Stack(Box::new(stack())),
        },
    ]
}

fn stack() -> Stack {
    let member = |name: &str, kind, port| Member {
        name: node(name),
        kind,
        address: format!("172.20.0.{port}:6379"),
        host: format!("host-{port}"),
        image: "redis:8".into(),
    };
    let setting = |name: &str, value: &str, source: &str| Setting {
        name: name.into(),
        value: value.into(),
        source: source.into(),
    };
    Stack {
        system: "redis".into(),
        topology: "sentinel".into(),
        route: "sentinel".into(),
        server: "Redis 8.2.1".into(),
        members: vec![
            member("redis1", MemberKind::Data, 11),
            member("redis2", MemberKind::Data, 12),
            member("redis3", MemberKind::Data, 13),
            member("sentinel1", MemberKind::Control, 21),
            member("sentinel2", MemberKind::Control, 22),
            member("sentinel3", MemberKind::Control, 23),
        ],
        primary: node("redis1"),
        effective: vec![
            setting(
                "down-after-milliseconds",
                "3000 ms",
                "sentinel1: SENTINEL MASTER",
            ),
            setting("failover-timeout", "10000 ms", "sentinel1: SENTINEL MASTER"),
            setting("quorum", "2", "sentinel1: SENTINEL MASTER"),
            setting("min-replicas-to-write", "0", "redis1: CONFIG GET"),
            setting("appendfsync", "everysec", "redis1: CONFIG GET"),
        ],
        bounds: vec![Bound::of("kill primary", waits(), "a split vote")],
        connection_limit: Some(10_000),
        phase_ns: 1_000_000_000,
        idempotent: false,
        one_writer: true,
        element_bytes: 21,
        shards: Vec::new(),
        ready: vec![
            "a marker written to redis1 was read from redis2 and redis3".into(),
            "3 of 3 sentinels agree on redis1".into(),
        ],
    }
}

fn disrupted() -> What {
    What::Disrupted(Disruption {
        step: 1,
        kind: DisruptionKind::Fault,
        name: "kill".into(),
        victims: vec![node("redis1")],
        primary_hit: true,
        means: "SIGKILL by the engine".into(),
    })
}

fn effect() -> Effect {
    Effect {
        step: 1,
        state: EffectState::Verified,
        evidence: vec![
            "the process of redis1 is gone".into(),
            "a connection opened before the fault was reset; a new one is refused".into(),
        ],
    }
}

fn control() -> [(f64, Option<Milestone>, &'static str, &'static str); 5] {
    [
        (20.214, None, "sentinel2", "+sdown master drill"),
        (
            20.331,
            Some(Milestone::Declared),
            "sentinel2",
            "+odown master drill #quorum 2/2",
        ),
        (20.392, None, "sentinel2", "+elected-leader master drill"),
        (
            20.904,
            Some(Milestone::Accepts),
            "sentinel2",
            "+promoted-slave redis2",
        ),
        (
            21.012,
            Some(Milestone::Routed),
            "sentinel2",
            "+switch-master drill redis1 redis2",
        ),
    ]
}

fn views() -> Vec<Event> {
    let role = |name: &str, t: f64| match name {
        "redis1" if t < 17.19 => Role::Primary,
        "redis1" if t < 32.4 => Role::Unreachable,
        "redis1" if t < 33.2 => Role::Other,
        "redis2" if t > 20.9 => Role::Primary,
        _ => Role::Replica,
    };
    let mut events = Vec::new();
    for tick in 0..155 {
        let seconds = 6.6 + f64::from(tick) * 0.2;
        for (i, name) in ["redis1", "redis2", "redis3"].into_iter().enumerate() {
            let view = View {
                node: node(name),
                role: role(name, seconds),
                term: Some(if seconds < 20.9 { 1 } else { 2 }),
                position: Some((seconds * 4096.0) as u64),
                lag: Some(0),
                follows: None,
                eligible: None,
            };
            events.push(Event {
                at: at(seconds + i as f64 * 0.001),
                what: What::View(view),
            });
        }
    }
    events
}

fn ending() -> Vec<Event> {
    let acknowledged = history();
    let held = acknowledged
        .ops()
        .filter(|op| op.outcome == Outcome::Ok && op.lane.0 < 4)
        .filter(|op| (op.lane, op.seq) != lost_write())
        .map(|op| (op.lane, op.seq, true));
    let holdings = Holdings::collect(held);
    let read = |pass| {
        What::Final(FinalRead {
            source: Source::Authority { pass },
            holdings: Ok(holdings.clone()),
        })
    };
    [
        What::Converged {
            reached: true,
            evidence: vec!["redis1, redis2 and redis3 are at offset 1 482 113".into()],
        },
        read(1),
        read(2),
        What::Closed(Status::Completed),
        What::Residue(Residue {
            left: vec![],
            failed: vec![],
            removed: 9,
        }),
    ]
    .into_iter()
    .enumerate()
    .map(|(i, what)| Event {
        at: at(39.0 + i as f64 * 0.5),
        what,
    })
    .collect()
}

/// What a failover of the sample waits for, as Sentinel's would.
fn waits() -> Vec<Wait> {
    let fixed = "fixed in Sentinel";
    let ms = Duration::from_millis;
    vec![
        Wait::new(
            Milestone::Declared,
            "the primary is silent",
            "down-after-milliseconds 3s, less the age of the last answer, 1s at most",
            [ms(2000), ms(3000)],
        ),
        Wait::upto(
            Milestone::Declared,
            "the sentinels ask each other",
            fixed,
            ms(1000),
        ),
        Wait::upto(
            Milestone::Accepts,
            "random wait before the election",
            fixed,
            ms(1000),
        ),
        Wait::upto(
            Milestone::Accepts,
            "promotion is noticed by INFO",
            fixed,
            ms(1000),
        ),
        Wait::upto(
            Milestone::FirstSuccess,
            "steps of the failover, and clients ask again",
            "five states at 10 to 20 a second",
            ms(1000),
        ),
    ]
}
