//! The lanes that measure time, each with its operations and its outages, found once.

use crate::{
    history::{Access, Group, History, Lane, Ops},
    record::Record,
    time::{Bracket, Nanos},
};

use super::{
    Undone,
    cause::undone,
    lane::lanes,
    outage::{Outage, outages},
};

/// One lane with what was found in it.
#[derive(Debug)]
pub struct Scanned<'a> {
    /// The lane.
    pub lane: &'a Lane,
    /// Its operations in intended order.
    pub ops: Ops<'a>,
    /// Its outages.
    pub outages: Vec<Outage>,
}

/// The service and app lanes of a run, and its events.
#[derive(Debug)]
pub struct Scan<'a> {
    /// Everything observed.
    pub record: &'a Record,
    /// All operations.
    pub history: &'a History,
    /// Each event's `t-`, in order.
    pub events: Vec<Nanos>,
    /// What was undone, and which nodes returned, in order.
    pub undone: Vec<(Bracket, Undone)>,
    /// Service lanes.
    pub service: Vec<Scanned<'a>>,
    /// App lanes.
    pub app: Vec<Scanned<'a>>,
}

impl<'a> Scan<'a> {
    /// Finds the outages of every service and app lane.
    pub fn new(record: &'a Record, history: &'a History) -> Self {
        let events: Vec<Nanos> = record.disruptions.iter().map(|(at, _)| at.low).collect();
        let group = |group| {
            lanes(record, group, None)
                .map(|lane| {
                    let ops = history.lane(lane.id);
                    Scanned {
                        lane,
                        ops,
                        outages: outages(lane, ops, &events),
                    }
                })
                .collect()
        };
        Self {
            record,
            history,
            service: group(Group::Service),
            app: group(Group::App),
            events,
            undone: undone(record),
        }
    }

    /// The service lanes of one kind of access.
    pub fn service_of(&self, access: Access) -> impl Iterator<Item = &Scanned<'a>> {
        self.service
            .iter()
            .filter(move |scanned| scanned.lane.access == access)
    }
}
