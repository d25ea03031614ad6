//! Which lanes a scenario's clients become.

use std::time::Duration;

use crate::{
    history::{Access, Group, Lane},
    id::LaneId,
    record::{MemberKind, Stack},
    scenario::{Clients, PinnedAsk},
};

/// The slow lane's interval: ten connections a second show connection trouble and are no load.
const FRESH_INTERVAL: Duration = Duration::from_millis(100);

/// The lane whose writes are looked for at each member.
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
/// member that holds data a pinned write lane, if wanted, and a pinned lane that looks how far it is behind.
pub fn lanes(clients: &Clients, stack: &Stack) -> Vec<PlannedLane> {
    let mut planned = Plan {
        lanes: Vec::new(),
        clients,
        stack,
    };
    planned.service();
    planned.app();
    planned.pinned();
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
        let interval = Duration::from_secs_f64(f64::from(writers) / service.rate.0);
        let base = Lane {
            id: LaneId(0),
            name: String::new(),
            group: Group::Service,
            access: Access::Write,
            fresh: false,
            reads: None,
            pinned: None,
            interval,
            timeout: service.timeout.0,
            objective: None,
        };
        let most = self.most_per_lane(writers + writers.div_ceil(2) + 1);
        for number in 1..=writers {
            self.push(
                Lane {
                    name: format!("write-{number}"),
                    ..base.clone()
                },
                most,
            );
        }
        for number in 1..=writers.div_ceil(2) {
            let reads = Some(LaneId(number - 1));
            let name = format!("read-{number}");
            self.push(
                Lane {
                    name,
                    access: Access::Read,
                    reads,
                    ..base.clone()
                },
                most,
            );
        }
        let fresh = Lane {
            name: "fresh".into(),
            fresh: true,
            interval: FRESH_INTERVAL,
            ..base
        };
        self.push(fresh, most);
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
                interval: Duration::from_secs_f64(f64::from(app.lanes) / app.rate.0),
                timeout: app.timeout.0,
                objective: Some(app.slo.0),
            };
            self.push(lane, usize::MAX);
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
            let lane = Lane {
                id: LaneId(0),
                name: format!("visible-{}", member.name),
                group: Group::Pinned,
                access: Access::Read,
                fresh: false,
                reads: Some(FIRST_WRITER),
                pinned: Some(member.name.clone()),
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
