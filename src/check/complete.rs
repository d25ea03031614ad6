//! Whether the history is whole and in order, so that figures may be read from it.

use crate::{history::History, measure::Figures, record::Record};
use crate::{
    history::{Access, Lane, Op, Ops, Outcome},
    id::LaneId,
    measure::format::{Round, duration},
    time::Nanos,
};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "history-complete";

/// Unknown when an operation is missing, out of order, or impossible.
pub fn check(record: &Record, history: &History, figures: &Figures) -> Finding {
    let problems = problems(record, history, &figures.integrity.phantom);
    if problems.is_empty() {
        let count = crate::measure::format::counted(history.count() as u64, "operation");
        return Finding::valid(NAME, format!("{count}, without gaps and in order"));
    }
    let summary = format!("the history cannot be trusted: {}", problems[0]);
    Finding::unknown(NAME, &[Touch::All], summary).with(problems.into_iter().skip(1))
}

/// What is wrong with the history, at most one problem per lane and of each general kind.
///
/// A read of an element that the final reads hold too, and that nobody sent, is the server's word and
/// no gap: `phantom` lists those, ascending.
pub fn problems(record: &Record, history: &History, phantom: &[(LaneId, u64)]) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(record.history_doubt.clone());
    if record.lanes.is_empty() {
        found.push("no lane is recorded".to_owned());
    }
    let mut lanes = history.lanes();
    if !lanes.all(|lane| history.lane(lane).iter().is_sorted_by(|a, b| a.seq < b.seq)) {
        found.push("operations are out of order or repeated".to_owned());
        return found;
    }
    let last = history.lanes().next_back();
    if let Some(lane) = last.filter(|lane| usize::from(lane.0) >= record.lanes.len()) {
        found.push(format!(
            "lane {} has operations and is not recorded",
            lane.0
        ));
    }
    if !record.disruptions.is_sorted_by(|a, b| a.0.low <= b.0.low)
        || record.disruptions.iter().any(|(at, _)| at.low > at.high)
    {
        found.push("disruptive steps are out of order".to_owned());
    }
    for (index, lane) in record.lanes.iter().enumerate() {
        if usize::from(lane.id.0) != index {
            found.push(format!("{} is not numbered by its place", lane.name));
            continue;
        }
        found.extend(
            lane_problem(record, history, lane, phantom)
                .map(|problem| format!("{}: {problem}", lane.name)),
        );
    }
    found
}

fn lane_problem(
    record: &Record,
    history: &History,
    lane: &Lane,
    phantom: &[(LaneId, u64)],
) -> Option<String> {
    let ops = history.lane(lane.id);
    if ops.is_empty() {
        return Some("it has no operation".into());
    }
    let due = record.due.as_ref();
    let due = due.map(|due| due.get(usize::from(lane.id.0)).copied().unwrap_or_default());
    if let Some(due) = due.filter(|due| *due != ops.len() as u64) {
        let told = ops.len();
        return Some(format!(
            "{told} of the {due} operations that were due are there"
        ));
    }
    let gap = ops.iter().zip(0..).find(|(op, seq)| op.seq != *seq);
    if let Some((op, seq)) = gap {
        return Some(format!("#{seq} is missing; #{} follows", op.seq));
    }
    let mut pairs = ops.iter().zip(ops.skip(1));
    if let Some((_, op)) = pairs.find(|(before, op)| before.intended >= op.intended) {
        return Some(format!("#{} is not intended after the one before", op.seq));
    }
    if let Some(problem) = off_grid(lane, ops) {
        return Some(problem);
    }
    if let Some(problem) = ops.iter().find_map(|op| times(&op)) {
        return Some(problem);
    }
    let members = record.stack.as_ref().map_or(0, |stack| stack.members.len());
    let stranger = |op: &Op| op.node.is_some_and(|node| usize::from(node) >= members);
    if let Some(op) = ops.iter().find(stranger) {
        return Some(format!("#{} was answered by an unknown node", op.seq));
    }
    ended(record, lane, ops).or_else(|| foreseen(lane, ops, history, phantom))
}

/// Slots lie one interval apart from the first on: a jump would leave a time in which nothing was asked.
fn off_grid(lane: &Lane, ops: Ops<'_>) -> Option<String> {
    let first = ops.first()?.intended;
    let interval = Nanos::from_duration(lane.interval).0;
    let off = |op: &Op| {
        let slot = first.0.saturating_add(interval.saturating_mul(op.seq));
        slot.abs_diff(op.intended.0) > interval / 2
    };
    let op = ops.iter().find(off)?;
    Some(format!(
        "#{} was to start at {}, which is not its slot",
        op.seq,
        duration(op.intended.since_start(), Round::Up)
    ))
}

/// Times must be there unless shed, and in order.
fn times(op: &Op) -> Option<String> {
    let sound = match (op.outcome, op.sent, op.done) {
        (Outcome::Shed, None, None) => true,
        (Outcome::Shed, _, _) => false,
        (_, Some(sent), Some(done)) => op.intended <= sent && sent <= done,
        (_, _, _) => false,
    };
    (!sound).then(|| format!("#{} has impossible times", op.seq))
}

/// The lane must have run until the clients were told to stop, and nothing of it longer than until they had: an operation
/// of the application that is under way may take seconds.
fn ended(record: &Record, lane: &Lane, ops: Ops<'_>) -> Option<String> {
    /// What scheduling and stopping may take beyond two intervals and a timeout.
    const SLACK: std::time::Duration = std::time::Duration::from_secs(1);
    let (start, end) = record.load?;
    let (first, last) = (ops.first()?, ops.last()?);
    let latest = ops.iter().map(|op| op.done.unwrap_or(op.intended)).max();
    if first.intended < start || latest > Some(end) {
        return Some(
            "it has operations outside the clients' time, or the clients were not stopped".into(),
        );
    }
    let due = last
        .intended
        .after(lane.interval * 2 + lane.timeout + SLACK);
    let stopping = record.stopping.unwrap_or(end);
    (due < stopping).then(|| "it ended before the clients were stopped".into())
}

/// A read cannot have seen a write that had not been sent when it ended.
fn foreseen(
    lane: &Lane,
    ops: Ops<'_>,
    history: &History,
    phantom: &[(LaneId, u64)],
) -> Option<String> {
    let (Access::Read, Some(of)) = (lane.access, lane.reads) else {
        return None;
    };
    let writes = history.lane(of);
    ops.iter().find_map(|op| {
        let newest = op.version?.checked_sub(1)?;
        if phantom.binary_search(&(of, newest)).is_ok() {
            return None;
        }
        let sent = writes.find(newest).and_then(|write| write.sent);
        let seen = op.done.zip(sent).is_some_and(|(done, sent)| sent <= done);
        (!seen).then(|| format!("#{} saw write #{newest}, which had not been sent", op.seq))
    })
}
