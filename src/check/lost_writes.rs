//! Whether more acknowledged data is gone than the target allows.

use crate::measure::{
    Figure, Loss, LostWrite,
    format::{self, Round},
};
use crate::{
    history::History,
    measure::Figures,
    record::Record,
    scenario::{Goal, Rpo},
    time::Span,
};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "lost-writes";

/// How many lost writes are listed as evidence.
const LISTED: usize = 20;

/// Invalid when loss is certainly beyond a limit. Without any target, loss cannot be judged.
pub fn check(record: &Record, _history: &History, figures: &Figures) -> Finding {
    let loss = match &figures.loss {
        Figure::Measured(loss) => loss,
        Figure::Missing(why) => return Finding::unknown(NAME, &[Touch::Data], why.clone()),
    };
    let (lost, all) = (loss.lost.len() as u64, loss.acknowledged);
    let later: u64 = loss.later.iter().map(|event| event.lost.len() as u64).sum();
    if all == 0 {
        return Finding::unknown(NAME, &[Touch::Data], "no write was acknowledged at all");
    }
    let (lost_text, all_text) = (format::count(lost), format::count(all));
    if lost + later == 0 {
        return Finding::valid(
            NAME,
            format!("none of {all_text} acknowledged writes is lost"),
        );
    }
    let age = format::value(loss.rpo_seconds);
    let mut summary = format!(
        "{lost_text} of {all_text} acknowledged writes lost, the oldest {age} before the fault"
    );
    for event in &loss.later {
        let writes = format::counted(event.lost.len() as u64, "write");
        let age = format::value(event.rpo_seconds);
        let step = event.step;
        summary.push_str(&format!(
            "; {writes} lost by step {step}, the oldest {age} before it"
        ));
    }
    let evidence = evidence(record, loss);
    let Some(rpo) = &record.opened.scenario.targets.rpo else {
        let summary = format!("{summary}; no target says how many may be");
        return Finding::unknown(NAME, &[Touch::Data], summary).with(evidence);
    };
    let size = record.stack.as_ref().map_or(0, |s| s.element_bytes);
    let judged = loss.later.iter();
    let judged = judged.filter(|event| record.opened.scenario.drill.judges(event.step));
    let each = judged.map(|event| (&event.lost[..], event.rpo_seconds));
    let beyond = std::iter::once((&loss.lost[..], loss.rpo_seconds))
        .chain(each)
        .any(|(lost, age)| beyond(rpo, lost, age, size));
    if beyond {
        Finding::invalid(NAME, &[Touch::Data], summary).with(evidence)
    } else {
        Finding::valid(NAME, format!("{summary}; not beyond the target")).with(evidence)
    }
}

/// Whether one event's loss is certainly beyond a limit. Each event has its own RPO; the limits are the same.
fn beyond(rpo: &Rpo, lost: &[LostWrite], age: Span, element_bytes: u32) -> bool {
    let count = lost.len() as u64;
    let limit = |goal: Option<Goal<u64>>| goal.and_then(Goal::limit);
    let seconds = rpo.seconds.and_then(Goal::limit);
    limit(rpo.count).is_some_and(|limit| count > limit)
        || limit(rpo.bytes).is_some_and(|limit| count * u64::from(element_bytes) > limit)
        || seconds.is_some_and(|limit| age.low() > limit.0)
}

fn evidence(record: &Record, loss: &Loss) -> Vec<String> {
    let all = || {
        let later = loss.later.iter().flat_map(|event| &event.lost);
        loss.lost.iter().chain(later)
    };
    let mut lines: Vec<String> = all()
        .take(LISTED)
        .map(|write| {
            let lane = record.lanes.get(usize::from(write.lane.0));
            let lane = lane.map_or("?", |lane| lane.name.as_str());
            let node = write.node.and_then(|node| record.node_name(node));
            let by = node.map_or_else(String::new, |node| format!(" by {node}"));
            let at = format::duration(write.done.since_start(), Round::Down);
            format!("{lane} #{} acknowledged{by} at {at}", write.seq)
        })
        .collect();
    let more = all().count().saturating_sub(LISTED);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}
