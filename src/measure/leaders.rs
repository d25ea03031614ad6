//! Which nodes acknowledged writes, and up to when, between one event and the next: who led.

use std::collections::BTreeMap;

use crate::{
    history::{Access, Group, History, Lane, Outcome},
    id::NodeName,
    record::{Record, Role},
    time::Nanos,
};

use super::dual;

/// Who took writes between one event and the next, and who called itself primary just before each event.
pub struct Leaders<'a> {
    record: &'a Record,
    /// Each event's `t-`.
    events: Vec<Nanos>,
    /// When each node last sent an acknowledged write: by the number of events that had begun by its end, and by node.
    last: Vec<BTreeMap<u16, Nanos>>,
    /// When each node first acknowledged a write that was sent after an event's `t+`: by the last such event, and by node.
    next: Vec<BTreeMap<u16, Nanos>>,
    /// The nodes that were primary by their own word when the event came, by event.
    claims: Vec<Vec<u16>>,
    /// Pairs of nodes that take writes by turns by design.
    by_design: Vec<(NodeName, NodeName)>,
}

impl<'a> Leaders<'a> {
    /// Goes once through the acknowledged writes that name who took them.
    pub fn new(record: &'a Record, history: &History) -> Self {
        let events: Vec<Nanos> = record.disruptions.iter().map(|(at, _)| at.low).collect();
        let mut last = vec![BTreeMap::new(); events.len() + 1];
        let mut next = vec![BTreeMap::new(); events.len()];
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
                let after = record.disruptions.partition_point(|(at, _)| at.high < sent);
                if let Some(after) = after.checked_sub(1) {
                    let earliest = next[after].entry(node).or_insert(done);
                    *earliest = done.min(*earliest);
                }
            }
        }
        Self {
            record,
            events,
            last,
            next,
            claims: claims(record),
            by_design: dual::by_design(record, history),
        }
    }

    /// Whether `node`, which acknowledged a write then, did not lead up to the event at `index`: another node of the shard
    /// led before the event already, by the writes that it took or by its own word. False where neither tells who led.
    pub fn deposed(&self, node: &NodeName, acknowledged: Nanos, index: usize) -> bool {
        let from = self.events.partition_point(|begun| *begun <= acknowledged);
        let spans = self.last.get(from..=index).unwrap_or_default();
        let mut took = spans.iter().flatten();
        took.any(|(other, sent)| *sent >= acknowledged && self.rivals(node, *other))
            || self.beside(node, index)
    }

    /// Whether another node of the shard took a write that was sent after the event at `index`, and before the next one was
    /// over: it took the place of `node`, which that event had hit.
    pub fn replaced(&self, node: &NodeName, index: usize) -> bool {
        let took = self.next.get(index).into_iter().flatten();
        let mut others = took.map(|(other, _)| *other);
        others.any(|other| self.rivals(node, other))
    }

    /// Whether another node was primary by its own word when the event came, and is the first other one to take a write
    /// after it: the event made nobody primary, and what that node lacks had gone to a second one. So it is where no
    /// other node took any.
    fn beside(&self, node: &NodeName, index: usize) -> bool {
        let since = self.next.get(index..).unwrap_or_default().iter();
        let others = since.flatten().filter(|(it, _)| self.rivals(node, **it));
        let others: Vec<(u16, Nanos)> = others.map(|(it, done)| (*it, *done)).collect();
        let first = others.iter().map(|(_, done)| *done).min();
        let claims = self.claims.get(index).into_iter().flatten();
        claims
            .filter(|claim| self.rivals(node, **claim))
            .any(|claim| first.is_none_or(|first| others.contains(&(*claim, first))))
    }

    /// Whether this is another node of the shard, of which only one of both may lead.
    fn rivals(&self, node: &NodeName, other: u16) -> bool {
        let Some(other) = self.record.node_name(other) else {
            return false;
        };
        let shard = |node: &NodeName| self.record.stack.as_ref()?.shard_of(node);
        let pair =
            |(a, b): &(NodeName, NodeName)| (a == node && b == other) || (a == other && b == node);
        other != node && shard(other) == shard(node) && !self.by_design.iter().any(pair)
    }
}

/// For each event the nodes whose last answer before it, asked for since the event before, called them primary. None
/// where more than a primary takes writes.
fn claims(record: &Record) -> Vec<Vec<u16>> {
    let one = record.stack.as_ref().is_some_and(|stack| stack.one_writer);
    let mut since = None;
    let mut claims = Vec::new();
    for (at, _) in &record.disruptions {
        let mut newest: BTreeMap<u16, Role> = BTreeMap::new();
        for (seen, view) in record.views.iter().filter(|_| one) {
            let between = since.is_none_or(|since| seen.low > since) && seen.high < at.low;
            if let (true, Some(node)) = (between, record.node_index(&view.node)) {
                newest.insert(node, view.role);
            }
        }
        let primary = newest
            .into_iter()
            .filter(|(_, role)| *role == Role::Primary);
        claims.push(primary.map(|(node, _)| node).collect());
        since = Some(at.high);
    }
    claims
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
