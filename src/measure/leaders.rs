//! Which nodes acknowledged writes, and up to when, between one event and the next: who led.

use std::collections::BTreeMap;

use crate::{
    history::{Access, Group, History, Lane, Outcome},
    id::NodeName,
    record::Record,
    time::Nanos,
};

use super::dual;

/// When each node last sent an acknowledged write, between one event and the next.
pub struct Leaders<'a> {
    record: &'a Record,
    /// Each event's `t-`.
    events: Vec<Nanos>,
    /// By the number of events that had begun by the acknowledgement, and by node.
    last: Vec<BTreeMap<u16, Nanos>>,
    /// Pairs of nodes that take writes by turns by design.
    by_design: Vec<(NodeName, NodeName)>,
}

impl<'a> Leaders<'a> {
    /// Goes once through the acknowledged writes that name who took them.
    pub fn new(record: &'a Record, history: &History) -> Self {
        let events: Vec<Nanos> = record.disruptions.iter().map(|(at, _)| at.low).collect();
        let mut last = vec![BTreeMap::new(); events.len() + 1];
        for lane in takers(record) {
            let pinned = lane
                .pinned
                .as_ref()
                .and_then(|node| record.node_index(node));
            for op in history.lane(lane.id) {
                let (Outcome::Ok, Some(sent), Some(done)) = (op.outcome, op.sent, op.done) else {
                    continue;
                };
                let Some(node) = pinned.or(op.node) else {
                    continue;
                };
                let span = events.partition_point(|begun| *begun <= done);
                let newest = last[span].entry(node).or_insert(sent);
                *newest = sent.max(*newest);
            }
        }
        Self {
            record,
            events,
            last,
            by_design: dual::by_design(record, history),
        }
    }

    /// Whether another node of the shard took a write that was sent after `acknowledged`, and acknowledged it before the
    /// event at `index`: then `node` did not lead up to that event. False where writes do not tell who led.
    pub fn deposed(&self, node: &NodeName, acknowledged: Nanos, index: usize) -> bool {
        let shard = |node: &NodeName| self.record.stack.as_ref()?.shard_of(node);
        let from = self.events.partition_point(|begun| *begun <= acknowledged);
        let spans = self.last.get(from..=index).unwrap_or_default();
        spans.iter().flatten().any(|(other, sent)| {
            let Some(other) = self.record.node_name(*other) else {
                return false;
            };
            let fellow = |(a, b): &(NodeName, NodeName)| {
                (a == node && b == other) || (a == other && b == node)
            };
            other != node
                && shard(other) == shard(node)
                && *sent >= acknowledged
                && !self.by_design.iter().any(fellow)
        })
    }
}

/// The lanes whose acknowledged writes tell who took them: those pinned to a node, and where only a primary takes writes
/// those whose answers name their node.
pub fn takers(record: &Record) -> impl Iterator<Item = &Lane> {
    let one = record.stack.as_ref().is_some_and(|stack| stack.one_writer);
    record.lanes.iter().filter(move |lane| {
        let pinned = lane.group == Group::Pinned && lane.pinned.is_some();
        lane.access == Access::Write && (pinned || (one && lane.group == Group::Service))
    })
}
