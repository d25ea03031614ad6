//! What became of the data: counts, and the lost writes by name.

use crate::{
    id::LaneId,
    measure::{Figure, Figures, Loss, LostWrite},
    record::Record,
};

use super::{Table, figures::setup_lane, text, zero};

/// Ids shown of each kind; the rest is counted.
pub const IDS_MAX: usize = 50;

/// What became of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LossView {
    /// One sentence; why it was not measured, where it was not.
    pub sentence: String,
    /// Whether it was measured.
    pub measured: bool,
    /// Whether anything is lost or wrong.
    pub wrong: bool,
    /// Each count with what it means.
    pub counts: Table,
    /// The lost writes.
    pub lost: Table,
}

/// Makes the loss ready to be shown.
pub(super) fn loss(record: &Record, figures: &Figures) -> LossView {
    let counts = Table::new(&["what", "count", "meaning"], "Loss was not measured.");
    let lost = Table::new(
        &["write", "sent", "acknowledged", "by", "kind"],
        "No acknowledged write is lost.",
    );
    match &figures.loss {
        Figure::Missing(reason) => LossView {
            sentence: format!("Loss was not measured: {}.", text::clean(reason)),
            measured: false,
            wrong: false,
            counts,
            lost: Table {
                empty: "Loss was not measured.",
                ..lost
            },
        },
        Figure::Measured(loss) => LossView {
            sentence: sentence(loss),
            measured: true,
            wrong: wrong(loss),
            counts: fill_counts(counts, record, loss),
            lost: fill_lost(lost, record, loss),
        },
    }
}

fn wrong(loss: &Loss) -> bool {
    !(loss.lost.is_empty()
        && loss.split_brain.is_empty()
        && loss.later.is_empty()
        && loss.dual_primary.is_none()
        && loss.phantom.is_empty()
        && loss.resurrected.is_empty()
        && loss.duplicate.is_empty()
        && loss.corrupt.is_empty()
        && loss.holes.is_empty())
}

fn sentence(loss: &Loss) -> String {
    let acknowledged = text::plural(loss.acknowledged, "acknowledged write");
    let lost = loss.lost.len() as u64;
    let split = loss.split_brain.len() as u64;
    let later: u64 = loss.later.iter().map(|l| l.lost.len() as u64).sum();
    match (lost, split) {
        (0, 0) if later > 0 => format!(
            "{} of {acknowledged} lost by a step after the fault.",
            text::count(later)
        ),
        (0, 0) => format!("No loss: none of {acknowledged} is lost."),
        (_, 0) => format!(
            "{} of {acknowledged} lost, acknowledged up to {} before the fault.",
            text::count(lost),
            text::upper(loss.rpo_seconds)
        ),
        (0, _) => format!(
            "{} of {acknowledged} lost to a second primary after the fault.",
            text::count(split)
        ),
        (_, _) => format!(
            "{} of {acknowledged} lost from before the fault, and {} to a second primary after it.",
            text::count(lost),
            text::count(split)
        ),
    }
}

fn fill_counts(mut table: Table, record: &Record, loss: &Loss) -> Table {
    for (name, number, meaning) in lost_rows(record, loss)
        .into_iter()
        .chain(other_rows(record, loss))
    {
        table.row([name.into(), number, meaning]);
    }
    table
}

/// A count's name, its value and what it means.
type Row = (&'static str, String, String);

fn lost_rows(record: &Record, loss: &Loss) -> Vec<Row> {
    let number = |ids: &[LostWrite]| text::count(ids.len() as u64);
    let zero = zero(record);
    let window = loss.split_brain_window.map_or_else(String::new, |window| {
        format!(", {}", text::offsets(window, zero))
    });
    let oldest = match text::bracket(loss.rpo_seconds) {
        bracket if bracket.is_empty() => "age of the oldest of them at the fault".to_owned(),
        bracket => format!("age of the oldest of them at the fault, {bracket}"),
    };
    let mut rows = vec![
        (
            "acknowledged",
            text::count(loss.acknowledged),
            "writes that a client was told are done".into(),
        ),
        (
            "rpo_count",
            number(&loss.lost),
            "lost, sent before the fault was in force".into(),
        ),
        ("rpo_seconds", text::upper(loss.rpo_seconds), oldest),
        (
            "rpo_bytes",
            text::count(loss.rpo_bytes),
            "their payload".into(),
        ),
        (
            "split_brain",
            number(&loss.split_brain),
            format!("lost, sent after the fault{window}"),
        ),
    ];
    if let Some(engine) = loss.engine {
        let most = engine.high.map_or_else(|| "not seen".into(), text::count);
        rows.push((
            "engine distance",
            format!(">= {}", text::count(engine.low)),
            format!("of the old primary's log beyond its successor's, in the engine's unit; at most: {most}"),
        ));
    }
    for event in &loss.later {
        let age = text::upper(event.rpo_seconds);
        rows.push((
            "lost later",
            number(&event.lost),
            format!("lost by step {}, up to {age} old", event.step + 1),
        ));
    }
    if let Some((a, b, at)) = &loss.dual_primary {
        let at = text::offsets(*at, zero);
        let said = format!("{a} and {b} acknowledged probes at once, {at}");
        rows.push(("two primaries", "seen".into(), said));
    }
    rows
}

fn other_rows(record: &Record, loss: &Loss) -> Vec<Row> {
    let exposure = &loss.exposure;
    let age = if exposure.recent {
        "at most"
    } else {
        "more than"
    };
    let exposed = format!(
        "writes acknowledged in the {} before the fault, the last {age} two write periods old",
        text::seconds(exposure.window_ns)
    );
    let kind = |name, meaning: &str, ids: &[(LaneId, u64)]| {
        let listed = listed(record, ids.iter().copied());
        (
            name,
            text::count(ids.len() as u64),
            format!("{meaning}{listed}"),
        )
    };
    let twice: Vec<(LaneId, u64)> = loss
        .duplicate
        .iter()
        .map(|(lane, seq, _)| (*lane, *seq))
        .collect();
    vec![
        ("exposure", text::count(exposure.writes), exposed),
        (
            "info",
            text::count(loss.info),
            "writes that may have been applied; never counted as loss".into(),
        ),
        (
            "recovered",
            text::count(loss.recovered),
            "of those, present".into(),
        ),
        kind("resurrected", "failed, and yet present", &loss.resurrected),
        kind("phantom", "never attempted, and present", &loss.phantom),
        kind("duplicate", "present more than once", &twice),
        kind("corrupt", "checksum differs", &loss.corrupt),
        kind(
            "hole",
            "lost, while a later acknowledged write of the lane survives",
            &loss.holes,
        ),
    ]
}

/// The first ids after a colon, the rest counted; nothing when there are none.
fn listed(record: &Record, ids: impl ExactSizeIterator<Item = (LaneId, u64)>) -> String {
    let total = ids.len();
    if total == 0 {
        return String::new();
    }
    let names = ids.take(IDS_MAX).map(|(lane, seq)| name(record, lane, seq));
    let names: Vec<String> = names.collect();
    let more = total.saturating_sub(IDS_MAX);
    let rest = if more == 0 {
        String::new()
    } else {
        format!(" and {} more", text::count(more as u64))
    };
    format!(": {}{rest}", names.join(", "))
}

fn name(record: &Record, lane: LaneId, seq: u64) -> String {
    format!("{} #{seq}", setup_lane(record, lane))
}

fn fill_lost(mut table: Table, record: &Record, loss: &Loss) -> Table {
    let zero = zero(record);
    let later = loss.later.iter().map(|event| (&event.lost, "a later step"));
    let kinds: Vec<_> = [
        (&loss.lost, "before the fault"),
        (&loss.split_brain, "second primary"),
    ]
    .into_iter()
    .chain(later)
    .collect();
    let total: usize = kinds.iter().map(|(writes, _)| writes.len()).sum();
    let writes = kinds
        .into_iter()
        .flat_map(|(writes, kind)| writes.iter().map(move |write: &LostWrite| (write, kind)));
    for (write, kind) in writes.take(IDS_MAX) {
        let by = write.node.and_then(|node| record.node_name(node));
        table.row([
            name(record, write.lane, write.seq),
            text::offset(write.sent, zero),
            text::offset(write.done, zero),
            by.map_or_else(|| "not named".into(), ToString::to_string),
            kind.into(),
        ]);
    }
    table.more = total.saturating_sub(IDS_MAX) as u64;
    table
}
