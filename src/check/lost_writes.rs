//! Whether more acknowledged data is gone than the target allows.

use crate::measure::{
    Figure, Loss,
    format::{self, Round},
};
use crate::{history::History, measure::Figures, record::Record};

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
    if all == 0 {
        return Finding::unknown(NAME, &[Touch::Data], "no write was acknowledged at all");
    }
    let (lost_text, all_text) = (format::count(lost), format::count(all));
    if lost == 0 {
        return Finding::valid(
            NAME,
            format!("none of {all_text} acknowledged writes is lost"),
        );
    }
    let age = format::value(loss.rpo_seconds);
    let summary = format!(
        "{lost_text} of {all_text} acknowledged writes lost, the oldest {age} before the fault"
    );
    let evidence = evidence(record, loss);
    let Some(rpo) = &record.opened.scenario.targets.rpo else {
        let summary = format!("{summary}; no target says how many may be");
        return Finding::unknown(NAME, &[Touch::Data], summary).with(evidence);
    };
    let count = rpo.count.and_then(|goal| goal.limit());
    let bytes = rpo.bytes.and_then(|goal| goal.limit());
    let seconds = rpo.seconds.and_then(|goal| goal.limit());
    let beyond = count.is_some_and(|limit| lost > limit)
        || bytes.is_some_and(|limit| loss.rpo_bytes > limit)
        || seconds.is_some_and(|limit| loss.rpo_seconds.low() > limit.0);
    if beyond {
        Finding::invalid(NAME, &[Touch::Data], summary).with(evidence)
    } else {
        Finding::valid(NAME, format!("{summary}; not beyond the target")).with(evidence)
    }
}

fn evidence(record: &Record, loss: &Loss) -> Vec<String> {
    let mut lines: Vec<String> = loss
        .lost
        .iter()
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
    if loss.lost.len() > LISTED {
        lines.push(format!("and {} more", loss.lost.len() - LISTED));
    }
    lines
}
