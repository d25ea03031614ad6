//! A drill for tests: a healthy run with one kill, into which a test plants what it needs.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    history::{
        Access, Draft, Group, History, Lane, Lists, ListsRead, Op, Outcome, TxnStep,
        register_value, transaction,
    },
    id::{LaneId, NodeName, RunId},
    record::{
        AlertEvent, AlertMoment, AlertRule, Alerting, Bound, Consumed, ConsumerGroup, Deed,
        Disruption, DisruptionKind, Effect, EffectState, Environment, FinalRead, Holdings, Member,
        MemberKind, Opened, RebalanceMoment, Rebalanced, Record, Residue, Source, Stack, Status,
        StepResult,
    },
    scenario::{
        Clients, Consistency, ConsistencyClients, ConsistencyKind, Dur, Expect, ExpectedAlert,
        Goal, Rpo, Scenario, Selector, ServiceClients, Step, Targets, Within,
        fault::{Kill, Noop},
    },
    seed::Seed,
    time::{Bracket, Nanos, Span},
};

/// A moment in milliseconds.
pub(crate) fn ms(ms: u64) -> Nanos {
    Nanos(ms * 1_000_000)
}

/// The fault's bracket.
pub(crate) const FAULT: Bracket = Bracket {
    low: Nanos(20_000_000_000),
    high: Nanos(20_002_000_000),
};

/// Lanes of the drill: two write lanes, a read lane of the first, pinned probes to pg1 and pg2.
pub(crate) const W1: LaneId = LaneId(0);
pub(crate) const W2: LaneId = LaneId(1);
pub(crate) const R1: LaneId = LaneId(2);
pub(crate) const P1: LaneId = LaneId(3);
pub(crate) const P2: LaneId = LaneId(4);

/// A run that tests change.
#[derive(Clone)]
pub(crate) struct Bench {
    pub record: Record,
    pub history: Draft,
    /// Elements that the final reads lack.
    pub absent: Vec<(LaneId, u64)>,
    /// Elements that the final reads hold besides.
    pub extra: Vec<(LaneId, u64, bool)>,
}

pub(crate) fn lane(id: u16, name: &str, group: Group, access: Access, interval_ms: u64) -> Lane {
    Lane {
        id: LaneId(id),
        name: name.into(),
        group,
        access,
        fresh: false,
        reads: None,
        pinned: None,
        shard: None,
        keys: None,
        interval: Duration::from_millis(interval_ms),
        timeout: Duration::from_millis(500),
        objective: None,
    }
}

/// An operation that was answered 2 ms after its intended time.
pub(crate) fn ok(lane: LaneId, seq: u64, intended: Nanos) -> Op {
    Op {
        lane,
        seq,
        intended,
        sent: Some(Nanos(intended.0 + 100_000)),
        done: Some(Nanos(intended.0 + 2_000_000)),
        outcome: Outcome::Ok,
        error: None,
        node: Some(0),
        version: None,
    }
}

impl Bench {
    /// Load from 0 to 60 s, steady until 20 s, the primary pg1 killed at 20 s; pg2 takes over at once.
    pub(crate) fn new() -> Self {
        let mut lanes = vec![
            lane(0, "write-1", Group::Service, Access::Write, 40),
            lane(1, "write-2", Group::Service, Access::Write, 40),
            lane(2, "read-1", Group::Service, Access::Read, 40),
            lane(3, "pinned-pg1", Group::Pinned, Access::Write, 100),
            lane(4, "pinned-pg2", Group::Pinned, Access::Write, 100),
        ];
        lanes[2].reads = Some(W1);
        lanes[3].pinned = Some(NodeName::new("pg1"));
        lanes[4].pinned = Some(NodeName::new("pg2"));
        let mut ops = Vec::new();
        for lane in &lanes {
            let step = lane.interval.as_nanos() as u64;
            for seq in 0..60_000_000_000 / step {
                ops.push(healthy(lane, seq, Nanos(seq * step + 1_000_000)));
            }
        }
        let history = Draft {
            ops,
            ..Draft::default()
        };
        Self {
            record: record(lanes),
            history,
            absent: Vec::new(),
            extra: Vec::new(),
        }
    }

    /// The drill with an outage of all service lanes from the fault to `until`.
    pub(crate) fn with_outage(until: Nanos) -> Self {
        let mut bench = Self::new();
        for lane in [W1, W2, R1] {
            bench.fail(lane, FAULT.low, until);
        }
        bench
    }

    /// Changes each operation of a lane that is intended within `[from, to)`.
    pub(crate) fn change(&mut self, lane: LaneId, from: Nanos, to: Nanos, how: impl Fn(&mut Op)) {
        self.history
            .ops
            .iter_mut()
            .filter(|op| op.lane == lane && from <= op.intended && op.intended < to)
            .for_each(how);
    }

    /// Refuses each operation of a lane that is intended within `[from, to)`, 1 ms after it was sent.
    pub(crate) fn fail(&mut self, lane: LaneId, from: Nanos, to: Nanos) {
        self.change(lane, from, to, |op| {
            op.outcome = Outcome::Fail;
            op.done = op.sent.map(|sent| Nanos(sent.0 + 1_000_000));
            op.node = None;
            op.version = None;
        });
    }

    /// Sheds each operation of a lane that is intended within `[from, to)`.
    pub(crate) fn shed(&mut self, lane: LaneId, from: Nanos, to: Nanos) {
        self.change(lane, from, to, |op| {
            op.outcome = Outcome::Shed;
            (op.sent, op.done, op.node, op.version) = (None, None, None, None);
        });
    }

    /// One operation.
    pub(crate) fn op(&mut self, lane: LaneId, seq: u64) -> &mut Op {
        self.history
            .ops
            .iter_mut()
            .find(|op| op.lane == lane && op.seq == seq)
            .expect("the operation exists")
    }

    /// The operations as a history.
    pub(crate) fn history(&self) -> History {
        self.history.clone().into()
    }

    /// The scenario's targets.
    pub(crate) fn targets(&mut self) -> &mut Targets {
        &mut self.record.opened.scenario.targets
    }

    /// Fills in the final reads: every acknowledged write, without `absent`, with `extra`.
    pub(crate) fn build(mut self) -> (Record, History) {
        let holdings = self.holdings();
        let mut sources = vec![Source::Authority { pass: 1 }, Source::Authority { pass: 2 }];
        for name in ["pg1", "pg2"] {
            let node = NodeName::new(name);
            sources.push(Source::Before { node: node.clone() });
            sources.push(Source::After { node });
        }
        for source in sources {
            if self.record.final_read(&source).is_none() {
                self.record.finals.push(FinalRead {
                    source,
                    holdings: Ok(holdings.clone()),
                });
            }
        }
        let history = self.history();
        (self.record, history)
    }

    pub(crate) fn holdings(&self) -> Holdings {
        let written = self
            .history
            .ops
            .iter()
            .filter(|op| [W1, W2].contains(&op.lane) && op.outcome == Outcome::Ok)
            .map(|op| (op.lane, op.seq, true))
            .filter(|(lane, seq, _)| !self.absent.contains(&(*lane, *seq)));
        Holdings::collect(written.chain(self.extra.iter().copied()))
    }
}

fn healthy(lane: &Lane, seq: u64, intended: Nanos) -> Op {
    let mut op = ok(lane.id, seq, intended);
    let before = intended < FAULT.low;
    op.node = Some(u16::from(!before));
    if lane.access == Access::Read {
        op.version = Some(seq);
    }
    let accepts = match lane.pinned.as_ref().map(NodeName::as_str) {
        Some("pg1") => before,
        Some(_) => !before,
        None => true,
    };
    if !accepts {
        op.outcome = Outcome::Fail;
        op.node = None;
    }
    op
}

fn record(lanes: Vec<Lane>) -> Record {
    Record {
        opened: opened(),
        environment: Environment::default(),
        images: vec![],
        stack: Some(stack()),
        capacity: None,
        ready_at: Some(Nanos(0)),
        rearmed: None,
        alerting: None,
        alerts: vec![],
        alerts_unseen: vec![],
        consumers: None,
        rebalanced: vec![],
        backups: vec![],
        log_kept: vec![],
        restores: vec![],
        consumed: vec![],
        lanes,
        load: Some((Nanos(0), ms(60_100))),
        due: None,
        history_doubt: None,
        stopping: Some(ms(60_100)),
        steady: vec![(Nanos(0), ms(19_990))],
        disruptions: vec![(
            FAULT,
            Disruption {
                step: 1,
                kind: DisruptionKind::Fault,
                name: "kill".into(),
                victims: vec![NodeName::new("pg1")],
                primary_hit: true,
                means: "SIGKILL".into(),
            },
        )],
        effects: vec![Effect {
            step: 1,
            state: EffectState::Verified,
            evidence: vec!["the process is gone".into()],
        }],
        healed: vec![],
        steps: vec![
            (bracket(0, 19_990), 0, StepResult::Done),
            (bracket(20_000, 20_010), 1, StepResult::Done),
        ],
        actions: vec![],
        views: vec![],
        control: vec![],
        stalls: vec![],
        dropped: Some(0),
        unexplained: Vec::new(),
        watched: Some(crate::record::Watched {
            nodes: 3,
            looks: 400,
            longest_ns: 120_000_000,
        }),
        returned: vec![],
        redundant: vec![],
        converged: Some((true, vec!["positions are equal".into()])),
        finals: vec![],
        status: Status::Completed,
        residue: Some(Residue::default()),
        handed_on: false,
    }
}

/// The drill with alerting that expects `Down` of pg1 to fire within 10 s and to arrive within 12 s, watched until 50 s:
/// what became of it, in milliseconds. `Down` is pending for 5 s and looked at each second.
pub(crate) fn alerted(moments: &[(u64, u64, AlertMoment)]) -> Bench {
    const S: u64 = 1_000_000_000;
    let mut bench = Bench::with_outage(ms(22_000));
    let limit = |seconds| Goal::Limit(Dur(Duration::from_secs(seconds)));
    let scenario = &mut bench.record.opened.scenario;
    scenario.alerting = Some(crate::scenario::Alerting {
        expect: vec![ExpectedAlert {
            alert: "Down".into(),
            firing: limit(10),
            delivered: Some(limit(12)),
        }],
        may_fire: vec!["Allowed".into()],
        ..crate::scenario::Alerting::default()
    });
    let within = Within {
        within: Dur(Duration::from_secs(30)),
    };
    scenario.drill.push(Step::Expect(Expect::Alerted(within)));
    let step = (bracket(20_010, 50_000), 2, StepResult::Done);
    bench.record.steps.push(step);
    bench.record.alerting = Some(Alerting {
        members: Vec::new(),
        scrape_ns: S,
        scrape_timeout_ns: S,
        group_wait_ns: S,
        rules: vec![AlertRule {
            alert: "Down".into(),
            expr: "up == 0".into(),
            hold_ns: 5 * S,
            every_ns: S,
        }],
        proof: Ok(vec!["it works".into()]),
    });
    bench.record.alerts = moments
        .iter()
        .map(|(low, high, moment)| {
            let labels = [("instance".to_owned(), "pg1".to_owned())].into();
            let event = AlertEvent {
                alert: "Down".into(),
                labels,
                moment: *moment,
            };
            (bracket(*low, *high), event)
        })
        .collect();
    bench
}

/// A bracket in milliseconds.
pub(crate) fn bracket(low: u64, high: u64) -> Bracket {
    Bracket {
        low: ms(low),
        high: ms(high),
    }
}

fn opened() -> Opened {
    let targets = Targets {
        rto: Some(Goal::Limit(Dur(Duration::from_secs(10)))),
        rpo: Some(Rpo {
            seconds: None,
            count: Some(Goal::Limit(0)),
            bytes: None,
        }),
        ..Targets::default()
    };
    Opened {
        format: 1,
        run: RunId::new("20261121t081500", 1),
        started: "2026-11-21T08:15:00Z".into(),
        attempt: 1,
        attempts: 1,
        seed: Seed(1),
        harness: crate::record::Harness::default(),
        file: "kill-primary.yaml".into(),
        overrides: vec![],
        scenario_sha256: String::new(),
        scenario: Scenario {
            schema: 1,
            name: "kill-primary".into(),
            summary: "The primary dies.".into(),
            tags: vec![],
            stack: BTreeMap::new(),
            clients: Clients {
                route: None,
                service: ServiceClients::default(),
                app: None,
                consistency: None,
                consumers: None,
                workload: "appends".into(),
            },
            targets,
            alerting: None,
            abort: None,
            headline: None,
            drill: vec![
                Step::Steady(Dur(Duration::from_secs(20))),
                Step::Fault(Kill(Selector::Primary.into()).into()),
            ]
            .into(),
            repeat: 1,
            fresh_stacks: false,
            must_fail: Vec::new(),
        },
        last: None,
    }
}

fn stack() -> Stack {
    let member = |name: &str| Member {
        name: NodeName::new(name),
        kind: MemberKind::Data,
        address: String::new(),
        host: name.into(),
        image: String::new(),
    };
    Stack {
        system: "postgres".into(),
        topology: "manual".into(),
        route: "direct".into(),
        server: "17".into(),
        members: vec![member("pg1"), member("pg2")],
        primary: NodeName::new("pg1"),
        effective: vec![],
        bounds: vec![Bound {
            fault: "kill primary".into(),
            rto: Span::between(Duration::from_secs(1), Duration::from_secs(4)),
            basis: "lease".into(),
            confirmed: true,
            waits: Vec::new(),
        }],
        connection_limit: None,
        phase_ns: 0,
        idempotent: true,
        one_writer: true,
        element_bytes: 64,
        shards: Vec::new(),
        ready: vec!["pg2 streams".into()],
    }
}

/// Adds a person who is to take so long from this moment, milliseconds, on.
pub(crate) fn add_person(bench: &mut Bench, at: u64, takes: Duration) {
    let deed = Deed {
        step: 2,
        text: "on-call: decides".into(),
        node: None,
        declared: Some(takes),
    };
    bench.record.actions.push((bracket(at, at), deed));
}

/// Adds a second event.
pub(crate) fn add_event(bench: &mut Bench, at: Bracket, kind: DisruptionKind, victim: &str) {
    let step = bench.record.opened.scenario.drill.len();
    let (name, scenario_step) = match kind {
        DisruptionKind::Fault => (
            "kill",
            Step::Fault(Kill(Selector::Named(victim.into()).into()).into()),
        ),
        DisruptionKind::Control => ("noop", Step::Fault(Noop.into())),
        DisruptionKind::Switchover => (
            "switchover",
            Step::Switchover(crate::scenario::Move::default()),
        ),
        DisruptionKind::Failback => ("failback", Step::Failback(crate::scenario::Move::default())),
    };
    bench.record.opened.scenario.drill.push(scenario_step);
    bench.record.disruptions.push((
        at,
        Disruption {
            step,
            kind,
            name: name.into(),
            victims: vec![NodeName::new(victim)],
            primary_hit: false,
            means: String::new(),
        },
    ));
    bench.record.effects.push(Effect {
        step,
        state: EffectState::Verified,
        evidence: vec![],
    });
    bench.record.steps.push((at, step, StepResult::Done));
}

/// Turns the drill into a control.
pub(crate) fn control() -> Bench {
    let mut bench = Bench::new();
    bench.record.opened.scenario.drill[1] = Step::Fault(Noop.into());
    let disruption = &mut bench.record.disruptions[0].1;
    disruption.kind = DisruptionKind::Control;
    disruption.name = "noop".into();
    disruption.victims.clear();
    disruption.primary_hit = false;
    bench.record.effects[0].state = EffectState::Unchanged;
    for op in &mut bench.history.ops {
        op.node = Some(0).filter(|_| op.lane != P2);
        op.outcome = if op.lane == P2 {
            Outcome::Fail
        } else {
            Outcome::Ok
        };
    }
    bench
}

/// The lanes of the drill with lists.
pub(crate) const LISTS: [LaneId; 2] = [LaneId(5), LaneId(6)];

/// The drill with four lists at a time, which are to be serializable: two lanes, each with a transaction every second, in
/// turns; the final reads hold what they appended.
pub(crate) fn lists() -> Bench {
    let mut bench = Bench::with_outage(ms(22_000));
    let spec = ConsistencyClients::new(ConsistencyKind::ListAppend);
    let keys = spec.keys;
    bench.record.opened.scenario.clients.consistency = Some(spec);
    bench.targets().consistency = Some(Consistency::Serializable);
    for (lane_id, name) in LISTS.iter().zip(["list-append-1", "list-append-2"]) {
        let mut lane = lane(lane_id.0, name, Group::List, Access::Write, 1000);
        lane.keys = Some(keys);
        bench.record.lanes.push(lane);
    }
    let mut held: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for seq in 0..60 {
        for (lane, offset) in LISTS.into_iter().zip([1, 501]) {
            let mut lists = Lists::new();
            for step in transaction(lane, seq, keys) {
                match step {
                    TxnStep::Append { list, element } => {
                        held.entry(list).or_default().push(element)
                    }
                    TxnStep::Read { list } => {
                        lists.push(held.get(&list).cloned().unwrap_or_default())
                    }
                }
            }
            let at = ms(seq * 1000 + offset);
            bench.history.ops.push(ok(lane, seq, at));
            bench.history.lists.push(ListsRead { lane, seq, lists });
        }
    }
    for pass in [1, 2] {
        let holdings = Holdings {
            lists: Some(held.clone()),
            ..bench.holdings()
        };
        bench.record.finals.push(FinalRead {
            source: Source::Authority { pass },
            holdings: Ok(holdings),
        });
    }
    bench
}

/// The lanes of the drill with a register.
pub(crate) const REGISTER_WRITE: LaneId = LaneId(5);
pub(crate) const REGISTER_READ: LaneId = LaneId(6);

/// The drill with one register, which is to be linearizable: written every second, and read half a second later.
pub(crate) fn registers() -> Bench {
    let mut bench = Bench::with_outage(ms(22_000));
    let mut spec = ConsistencyClients::new(ConsistencyKind::Registers);
    spec.keys = 1;
    bench.record.opened.scenario.clients.consistency = Some(spec);
    bench.targets().consistency = Some(Consistency::Linearizable);
    for (id, name, access) in [
        (5, "register-write-1", Access::Write),
        (6, "register-read-1", Access::Read),
    ] {
        let mut lane = lane(id, name, Group::Register, access, 1000);
        lane.keys = Some(1);
        bench.record.lanes.push(lane);
    }
    for seq in 0..60 {
        let written = ok(REGISTER_WRITE, seq, ms(seq * 1000 + 1));
        let mut read = ok(REGISTER_READ, seq, ms(seq * 1000 + 501));
        read.version = Some(register_value(REGISTER_WRITE, seq));
        bench.history.ops.extend([written, read]);
    }
    bench
}

/// A beat of a partition as `(number, sent, delivered)` in milliseconds, and to whom; never delivered without.
pub(crate) type Beaten = (u64, u64, Option<(u64, &'static str)>);

/// The drill with three consumers of three partitions, watched from the start: a beat each 50 ms, delivered 2 ms later to
/// the partition's own consumer. `change` says what became of a partition's beat instead.
pub(crate) fn consumers(change: impl Fn(u16, Beaten) -> Beaten) -> Bench {
    const NAMES: [&str; 3] = ["consumer-1", "consumer-2", "consumer-3"];
    let mut bench = Bench::with_outage(ms(22_000));
    let group = ConsumerGroup {
        name: "drdrill".into(),
        members: NAMES.map(NodeName::new).into(),
        partitions: 3,
        phase_ns: 0,
        every_ns: 50_000_000,
        late_ns: 500_000_000,
        settings: vec![],
        bounds: vec![Bound {
            fault: "kill".into(),
            rto: Span::between(Duration::from_secs(7), Duration::from_secs(12)),
            basis: "session".into(),
            confirmed: false,
            waits: Vec::new(),
        }],
        ready: vec![],
    };
    bench.record.consumers = Some((Nanos(0), group));
    for (partition, name) in (0..).zip(NAMES) {
        let beats = (0..1_200).map(|number| {
            let sent = number * 50;
            change(partition, (number, sent, Some((sent + 2, name))))
        });
        let mut stretches: Vec<(Bracket, Consumed)> = Vec::new();
        for (number, sent, delivered) in beats {
            let Some((done, member)) = delivered else {
                continue;
            };
            let late = done - sent > 500;
            match stretches.last_mut() {
                Some((at, it))
                    if it.beats.1 + 1 == number
                        && it.late == late
                        && it.member.as_str() == member =>
                {
                    (at.high, it.beats.1, it.sent.high) = (ms(done), number, ms(sent));
                    it.records += 1;
                }
                _ => stretches.push((
                    bracket(done, done),
                    Consumed {
                        member: NodeName::new(member),
                        partition,
                        beats: (number, number),
                        sent: bracket(sent, sent),
                        late,
                        records: 1,
                        again: 0,
                    },
                )),
            }
        }
        bench.record.consumed.extend(stretches);
    }
    bench
}

/// The drill in which the consumer of partition 0 says nothing from the fault on: the next one takes over at 31 s.
pub(crate) fn crashed() -> Bench {
    let mut bench = consumers(|partition, (number, sent, delivered)| {
        let gone = partition == 0 && sent + 2 > 20_000;
        let late = (sent.max(31_000) + 2, "consumer-2");
        (number, sent, if gone { Some(late) } else { delivered })
    });
    let given = Rebalanced {
        member: NodeName::new("consumer-2"),
        moment: RebalanceMoment::Assigned,
        partitions: vec![0, 1],
    };
    bench
        .record
        .rebalanced
        .push((bracket(30_800, 30_801), given));
    bench
}
