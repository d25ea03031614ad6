//! What the consistency clients were told, against the model of their kind.

use crate::{
    history::{Group, History, Lane, Op},
    record::Record,
    scenario::ConsistencyKind,
    time::Nanos,
};

use super::{ConsistencyFigures, Figure, lists::lists, registers::registers, transfers::transfers};

/// Anomalies told in words; the rest is counted.
pub const TOLD_MAX: usize = 10;

/// Judges them; none where the scenario has no such clients. Missing where operations are missing: a write that is not
/// in the history would make its readers look wrong.
pub fn consistency(record: &Record, history: &History) -> Option<Figure<ConsistencyFigures>> {
    let spec = record.opened.scenario.clients.consistency.as_ref()?;
    let group = match spec.kind {
        ConsistencyKind::Registers => Group::Register,
        ConsistencyKind::Transfers => Group::Transfer,
        ConsistencyKind::ListAppend => Group::List,
    };
    let lanes = record.lanes.iter().filter(|lane| lane.group == group);
    let lanes: Vec<&Lane> = lanes.collect();
    if let Some(why) = gap(&lanes, history) {
        return Some(Figure::Missing(why));
    }
    Some(match spec.kind {
        ConsistencyKind::Registers => registers(record, history, spec, &lanes),
        ConsistencyKind::Transfers => transfers(record, history, spec, &lanes),
        ConsistencyKind::ListAppend => lists(record, history, spec, &lanes),
    })
}

fn gap(lanes: &[&Lane], history: &History) -> Option<String> {
    if lanes.is_empty() {
        return Some("no lane of these clients ran".into());
    }
    lanes.iter().find_map(|lane| {
        let ops = history.lane(lane.id);
        let whole = ops.iter().zip(0..).all(|(op, seq)| op.seq == seq);
        (!whole || ops.is_empty()).then(|| format!("operations of {} are missing", lane.name))
    })
}

/// Whether this is after the last disruptive step was in force.
pub fn after_all(record: &Record, at: Nanos) -> bool {
    let last = record.disruptions.iter().map(|(at, _)| at.high).max();
    last.is_none_or(|last| at > last)
}

/// An operation by its lane and number.
pub fn name(record: &Record, op: &Op) -> String {
    let lane = record.lanes.get(usize::from(op.lane.0));
    let lane = lane.map_or("?", |lane| lane.name.as_str());
    format!("{lane} #{}", op.seq)
}

/// An operation in words: what became of it, by which node, and when.
pub fn told(record: &Record, op: &Op, did: &str) -> String {
    let node = op.node.and_then(|node| record.node_name(node));
    let by = node.map_or_else(String::new, |node| format!(" by {node}"));
    let (sent, done) = (seconds(op.sent), seconds(op.done));
    format!("{} ({did}{by}, sent {sent}, done {done})", name(record, op))
}

/// A moment of the run to the microsecond: operations that follow each other are less than a millisecond apart.
fn seconds(at: Option<Nanos>) -> String {
    let since = at.unwrap_or_default().since_start();
    format!("{}.{:06} s", since.as_secs(), since.subsec_micros())
}
