//! Backups, what they cost, how far the log was kept, and what restores brought back.

use crate::{
    measure::{BackupCost, Figures, Harm, Pitr, RestoreFigures},
    record::Record,
};

use super::{
    figures::{Row, span},
    text,
};

/// A row for each.
pub(super) fn rows(record: &Record, figures: &Figures) -> Vec<Row> {
    let mut rows = Vec::new();
    for (_, backup) in &record.backups {
        rows.push((format!("backup step {}", backup.step), text::backup(backup)));
    }
    for backup in &figures.backups {
        let name = format!("backup_cost step {}", backup.step);
        rows.push((name, text::figure(&backup.cost, cost)));
    }
    if let Some(lag) = &figures.archive_lag {
        rows.push(("archive_lag".into(), span(lag)));
    }
    for restore in &figures.restores {
        rows.extend(restored(restore));
    }
    rows
}

/// By how much clients waited longer while a backup was made than just before.
fn cost(cost: &BackupCost) -> (String, String) {
    let (low, high) = cost.interval_ns;
    let shift = text::signed_milliseconds(cost.shift_ns);
    let interval = [low, high].map(text::signed_milliseconds);
    let [before, during] =
        [cost.before_ns, cost.during_ns].map(|(median, p99)| [median, p99].map(text::milliseconds));
    let note = format!(
        "latency, 95 % interval [{}, {}]; median {} before and {} while it was made, 99th percentile {} and {}; {} of {} operations not ok",
        interval[0],
        interval[1],
        before[0],
        during[0],
        before[1],
        during[1],
        text::count(cost.not_ok),
        text::count(cost.operations)
    );
    (shift, note)
}

/// A restore's time with its stages, and what it brought back.
fn restored(restore: &RestoreFigures) -> Vec<Row> {
    let (time, bracket) = span(&restore.rto);
    let stages = restore.stages.iter();
    let stages = stages.map(|(name, part)| format!("{} {}", name.text(), text::upper(*part)));
    let stages: Vec<String> = stages.collect();
    let parts = [bracket, stages.join(", ")];
    let note: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let step = restore.step;
    let mut rows = vec![(format!("restore_rto step {step}"), (time, note.join("; ")))];
    let count = |pick: fn(&Pitr) -> (u64, String)| {
        text::figure(&restore.held, |pitr: &Pitr| {
            let (count, note) = pick(pitr);
            (text::count(count), note)
        })
    };
    let missing = count(|pitr| {
        let judged = text::plural(pitr.judged, "write");
        (
            pitr.missing,
            format!("of {judged} acknowledged before the point"),
        )
    });
    rows.push((format!("pitr_missing step {step}"), missing));
    if let Some(rpo) = restore.held.value().and_then(|it| it.rpo) {
        rows.push((
            format!("restore_rpo step {step}"),
            (text::upper(rpo), text::bracket(rpo)),
        ));
        let extra = count(|pitr| {
            (
                pitr.extra,
                "elements that nobody sent, or twice there".into(),
            )
        });
        rows.push((format!("pitr_extra step {step}"), extra));
        return rows;
    }
    let extra = count(|pitr| (pitr.extra, "elements of after the point".into()));
    rows.push((format!("pitr_extra step {step}"), extra));
    if let Some(Harm::Absent | Harm::Present | Harm::Unseen(_)) =
        restore.held.value().map(|it| &it.harm)
    {
        rows.push((format!("pitr_harm step {step}"), text::harm(restore)));
    }
    let unsure = count(|pitr| {
        (
            pitr.unsure,
            "writes on either side of the point, not judged".into(),
        )
    });
    rows.push((format!("pitr_unsure step {step}"), unsure));
    rows
}
