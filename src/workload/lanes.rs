//! Which lanes a scenario's clients become.

use std::time::Duration;

use crate::{
    history::{Access, Group, Lane},
    id::LaneId,
    record::{MemberKind, Stack},
    scenario::{Clients, ConsistencyKind, PinnedAsk},
};

/// The slow lane's interval: ten connections a second show connection trouble and are no load.
pub const FRESH_INTERVAL: Duration = Duration::from_millis(100);

/// The lane whose writes are looked for at each member; where there are shards, the first one of its shard.
const FIRST_WRITER: LaneId = LaneId(0);

/// The share of the server's connections that service lanes may take.
const CONNECTION_SHARE: f64 = 0.2;

/// A lane and how many operations it may have in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedLane {
    /// The lane.
    pub lane: Lane,
    /// Its budget.
    pub budget: LaneBudget,
}

/// How many operations a lane may have in flight; one more is shed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneBudget(pub usize);

/// The lanes of a scenario's clients on a stack: write lanes, read lanes, the slow lane, app lanes, and for each
/// member that holds data a pinned write lane, if wanted, and a pinned lane that looks how far it is behind; then the
/// consistency lanes. Where there are shards, each lane's keys lie in one of them, and each shard has a write, a read and a slow lane.
pub fn lanes(clients: &Clients, stack: &Stack) -> Vec<PlannedLane> {
    let mut planned = Plan {
        lanes: Vec::new(),
        clients,
        stack,
    };
    planned.service();
    planned.app();
    planned.pinned();
    planned.consistency();
    planned.lanes
}

struct Plan<'a> {
    lanes: Vec<PlannedLane>,
    clients: &'a Clients,
    stack: &'a Stack,
}

impl Plan<'_> {
    fn service(&mut self) {
        let service = &self.clients.service;
        let writers = service.lanes.max(1);
        let (readers, fresh) = (service.readers(self.shards()), self.shards().max(1));
        let interval = Duration::from_secs_f64(f64::from(writers) / service.rate.0);
        let base = Lane {
            id: LaneId(0),
            name: String::new(),
            group: Group::Service,
            access: Access::Write,
            fresh: false,
            reads: None,
            pinned: None,
            shard: None,
            keys: None,
            interval,
            timeout: service.timeout.0,
            objective: None,
        };
        let most = self.most_per_lane(self.sharing());
        for number in 1..=writers {
            self.push(
                Lane {
                    name: format!("write-{number}"),
                    shard: self.shard_in_turn(number),
                    ..base.clone()
                },
                most,
            );
        }
        for number in 1..=readers {
            let reads = Some(LaneId(number - 1));
            let name = format!("read-{number}");
            self.push(
                Lane {
                    name,
                    access: Access::Read,
                    reads,
                    shard: self.shard_in_turn(number),
                    ..base.clone()
                },
                most,
            );
        }
        for number in 1..=fresh {
            let shard = self.shard_in_turn(number);
            let slow = Lane {
                name: shard.map_or_else(|| "fresh".into(), |shard| format!("fresh-{shard}")),
                fresh: true,
                interval: FRESH_INTERVAL,
                shard,
                ..base.clone()
            };
            self.push(slow, most);
        }
    }

    /// How many lanes share the connections that lanes may take: service and consistency lanes.
    fn sharing(&self) -> u16 {
        let service = &self.clients.service;
        let (writers, readers) = (service.lanes.max(1), service.readers(self.shards()));
        let consistency = self.clients.consistency.as_ref().map_or(0, |it| it.lanes);
        writers + readers + self.shards().max(1) + consistency
    }

    fn shards(&self) -> u16 {
        u16::try_from(self.stack.shards.len()).unwrap_or(u16::MAX)
    }

    /// The shard of the lane of this number (from 1): one after another, so that the first writers are one per shard.
    fn shard_in_turn(&self, number: u16) -> Option<u16> {
        (self.shards() > 0).then(|| (number - 1) % self.shards() + 1)
    }

    fn app(&mut self) {
        let Some(app) = &self.clients.app else {
            return;
        };
        for number in 1..=app.lanes {
            let lane = Lane {
                id: LaneId(0),
                name: format!("app-{number}"),
                group: Group::App,
                access: Access::Write,
                fresh: false,
                reads: None,
                pinned: None,
                shard: self.shard_in_turn(number),
                keys: None,
                interval: Duration::from_secs_f64(f64::from(app.lanes) / app.rate.0),
                timeout: app.timeout.0,
                objective: Some(app.slo.0),
            };
            self.push(lane, usize::MAX);
        }
    }

    /// Half of them write, half of them read; of list-append, each does both. They come last: what other lanes are called
    /// does not depend on them.
    fn consistency(&mut self) {
        let Some(spec) = &self.clients.consistency else {
            return;
        };
        let half = spec.lanes.div_ceil(2);
        let (group, noun, writers) = match spec.kind {
            ConsistencyKind::Registers => (Group::Register, "register", half),
            ConsistencyKind::Transfers => (Group::Transfer, "transfer", half),
            ConsistencyKind::ListAppend => (Group::List, "list-append", spec.lanes),
        };
        let most = self.most_per_lane(self.sharing());
        for index in 0..spec.lanes {
            let (access, word, number) = if index < writers {
                (Access::Write, "write", index + 1)
            } else {
                (Access::Read, "read", index + 1 - writers)
            };
            let lane = Lane {
                id: LaneId(0),
                name: match group {
                    Group::List => format!("{noun}-{number}"),
                    _ => format!("{noun}-{word}-{number}"),
                },
                group,
                access,
                fresh: false,
                reads: None,
                pinned: None,
                shard: None,
                keys: Some(spec.keys),
                interval: Duration::from_secs_f64(f64::from(spec.lanes) / spec.rate.0),
                timeout: self.clients.service.timeout.0,
                objective: None,
            };
            self.push(lane, most);
        }
    }

    fn pinned(&mut self) {
        let service = &self.clients.service;
        for member in self
            .stack
            .members
            .iter()
            .filter(|member| member.kind == MemberKind::Data)
        {
            let shard = self.stack.shard_of(&member.name);
            let lane = Lane {
                id: LaneId(0),
                name: format!("visible-{}", member.name),
                group: Group::Pinned,
                access: Access::Read,
                fresh: false,
                reads: Some(shard.map_or(FIRST_WRITER, |shard| LaneId(shard - 1))),
                pinned: Some(member.name.clone()),
                shard,
                keys: None,
                interval: service.pinned.every.0,
                timeout: service.timeout.0,
                objective: None,
            };
            if service.pinned.ask == PinnedAsk::Write {
                let probe = Lane {
                    name: format!("pinned-{}", member.name),
                    access: Access::Write,
                    reads: None,
                    ..lane.clone()
                };
                self.push(probe, 2);
            }
            self.push(lane, 2);
        }
    }

    /// The budget covers every operation that can be waiting for its timeout, within the lane's share
    /// of the server's connections, so that probes do not make the outage.
    fn push(&mut self, mut lane: Lane, most: usize) {
        let waiting = lane.timeout.as_secs_f64() / lane.interval.as_secs_f64();
        let wanted = waiting.ceil() as usize + 1;
        lane.id = LaneId(u16::try_from(self.lanes.len()).expect("lanes are few"));
        let budget = LaneBudget(wanted.min(most).max(2));
        self.lanes.push(PlannedLane { lane, budget });
    }

    fn most_per_lane(&self, lanes: u16) -> usize {
        self.stack.connection_limit.map_or(usize::MAX, |limit| {
            (f64::from(limit) * CONNECTION_SHARE / f64::from(lanes)) as usize
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::NodeName,
        record::{Member, Shard},
        scenario::Reads,
    };

    fn two_shards() -> Stack {
        let member = |name: &str| Member {
            name: NodeName::new(name),
            kind: MemberKind::Data,
            address: String::new(),
            host: name.into(),
            image: String::new(),
        };
        let shard = |number: u16, name: &str| Shard {
            number,
            holds: String::new(),
            members: vec![NodeName::new(name)],
        };
        Stack {
            system: "redis".into(),
            topology: "cluster".into(),
            route: "cluster".into(),
            server: String::new(),
            members: vec![member("r1"), member("r2")],
            primary: NodeName::new("r1"),
            effective: Vec::new(),
            bounds: Vec::new(),
            connection_limit: None,
            phase_ns: 0,
            idempotent: false,
            one_writer: true,
            element_bytes: 21,
            shards: vec![shard(1, "r1"), shard(2, "r2")],
            ready: Vec::new(),
        }
    }

    #[test]
    fn every_shard_has_a_writer_a_reader_of_it_and_a_lane_that_connects_afresh() {
        let mut clients = Clients::default();
        clients.service.lanes = 3;
        let lanes: Vec<Lane> = lanes(&clients, &two_shards())
            .into_iter()
            .map(|planned| planned.lane)
            .collect();
        let service: Vec<_> = lanes
            .iter()
            .filter(|lane| lane.group == Group::Service)
            .map(|lane| (lane.name.as_str(), lane.shard))
            .collect();
        let expected = [
            ("write-1", Some(1)),
            ("write-2", Some(2)),
            ("write-3", Some(1)),
            ("read-1", Some(1)),
            ("read-2", Some(2)),
            ("fresh-1", Some(1)),
            ("fresh-2", Some(2)),
        ];
        assert_eq!(service, expected);
        // A lane that reads another one's list does so in that one's shard.
        for lane in lanes.iter().filter(|lane| lane.reads.is_some()) {
            let read = lane.reads.and_then(|id| lanes.get(usize::from(id.0)));
            assert_eq!(
                read.and_then(|read| read.shard),
                lane.shard,
                "{}",
                lane.name
            );
        }
    }

    #[test]
    fn without_reads_no_service_lane_reads() {
        let mut clients = Clients::default();
        clients.service.reads = Reads::None;
        for stack in [
            two_shards(),
            Stack {
                shards: Vec::new(),
                ..two_shards()
            },
        ] {
            let planned = lanes(&clients, &stack);
            let mut service = planned.iter().filter(|it| it.lane.group == Group::Service);
            assert!(service.clone().count() > 4);
            assert!(service.all(|it| it.lane.access == Access::Write));
        }
    }
}
