//! Restores of known truth against what was measured: C9.

use crate::{
    history::{Access, History, Outcome},
    measure::{Figure, Pitr, RestoreFigures},
    record::Record,
    score::judge,
};

use super::{
    Line,
    definitions_loss::Ids,
    line::{milliseconds, seconds},
    witness,
};

/// By how much a measured time may be longer than the store's own: the servers' clock is read first, and each question goes
/// there and back.
const BEYOND_MS: u64 = 50;

/// How wide the bracket of a log's age may be beyond the truth: two looks, and the writes in between.
const LOOKS_MS: u64 = 1_000;

/// The only restore of a run, and what it brought back; without them the line is rejected.
fn only(line: &mut Line, record: &Record, history: &History) -> Option<(RestoreFigures, Pitr)> {
    let figures = judge(record, history).figures;
    let restore = figures.restores.into_iter().next();
    let held = restore
        .as_ref()
        .and_then(|restore| restore.held.value().cloned());
    let both = restore.zip(held);
    line.ask(both.is_some(), || "nothing was restored".into());
    both
}

/// Judges a restore that left these elements out, and brought these back from beyond the point; everything else is as it was.
pub fn elements(
    mut line: Line,
    (out, beyond): (&Ids, &Ids),
    record: &Record,
    history: &History,
) -> Line {
    line.truth = format!("{} missing, {} extra", out.len(), beyond.len());
    line.limit = "the same elements".into();
    if let Some((_, held)) = only(&mut line, record, history) {
        line.measured = format!("{} missing, {} extra", held.missing, held.extra);
        let missing: Ids = (held.first_missing.iter())
            .map(|write| (write.lane, write.seq))
            .collect();
        let extra: Ids = held.first_extra.iter().copied().collect();
        let off =
            missing.symmetric_difference(out).count() + extra.symmetric_difference(beyond).count();
        line.error = format!("{off} elements");
        let counted = (held.missing, held.extra) == (out.len() as u64, beyond.len() as u64);
        line.ask(off == 0 && counted, || "other elements are told".into());
        let doubt = held.doubt();
        line.ask(doubt.is_none(), || doubt.unwrap_or_default());
    }
    line.excuse(record, history)
}

/// Judges a restore before which the servers' clock stepped ahead by this many nanoseconds: the point is known that much worse.
pub fn stepped(line: Line, by: u64, record: &Record, history: &History) -> Line {
    let none = Ids::default();
    let mut line = elements(line, (&none, &none), record, history);
    line.truth = format!("a point {} wide", seconds(by));
    line.limit = "as wide, and 20 ms more".into();
    let wide = record.restores.first().map_or(0, |(_, restored)| {
        restored.point.high.since(restored.point.low).as_nanos()
    });
    let wide = u64::try_from(wide).unwrap_or(u64::MAX);
    line.measured = seconds(wide);
    line.error = milliseconds(i128::from(wide) - i128::from(by));
    line.ask(wide >= by && wide - by <= 20_000_000, || {
        "the point is not as wide as the clock went".into()
    });
    line.excuse(record, history)
}

/// Judges how long a restore took, by the store's own log: nanoseconds.
pub fn took(mut line: Line, planted: u64, record: &Record, history: &History) -> Line {
    line.limit = format!("not shorter, {BEYOND_MS} ms longer at most");
    line.truth = seconds(planted);
    if let Some((figures, _)) = only(&mut line, record, history) {
        match &figures.rto {
            Figure::Measured(span) => {
                let high = span.high_ns.unwrap_or(u64::MAX);
                line.measured = format!("{} to {}", seconds(span.low_ns), seconds(high));
                line.error = milliseconds(i128::from(high) - i128::from(planted));
                let fits = high >= planted && span.low_ns <= planted + BEYOND_MS * 1_000_000;
                line.ask(fits, || "the store says otherwise".into());
            }
            Figure::Missing(why) => line.ask(false, || why.clone()),
        }
    }
    line.excuse(record, history)
}

/// Judges how old the log became that was not kept, by the node that keeps it.
pub fn lag(mut line: Line, oldest_us: u64, record: &Record, history: &History) -> Line {
    let oldest = oldest_us * 1_000;
    line.truth = seconds(oldest);
    line.limit = "inside the bracket".into();
    match judge(record, history).figures.archive_lag {
        Some(Figure::Measured(span)) => {
            let high = span.high_ns.unwrap_or(u64::MAX);
            line.measured = format!("{} to {}", seconds(span.low_ns), seconds(high));
            line.error = milliseconds(i128::from(high) - i128::from(oldest));
            let wide = high.saturating_sub(span.low_ns);
            line.ask(span.low_ns <= oldest && oldest <= high, || {
                "the truth is outside the bracket".into()
            });
            line.ask(wide <= LOOKS_MS * 1_000_000, || {
                format!("the bracket is {} wide", seconds(wide))
            });
        }
        _ => line.ask(false, || "it was not measured".into()),
    }
    line.excuse(record, history)
}

/// Judges a restore to the latest point by the last element of each lane that the store says it restored: the first that is
/// missing is the next one that was acknowledged.
pub fn latest(mut line: Line, last: &Ids, record: &Record, history: &History) -> Line {
    line.truth = format!("the log ends in {} lanes", last.len());
    line.limit = "the next acknowledged write of each".into();
    if let Some((_, held)) = only(&mut line, record, history) {
        line.measured = format!("{} missing", held.missing);
        let lanes = record.lanes.iter();
        let writers = lanes.filter(|lane| lane.access == Access::Write && lane.group.appends());
        let mut off = 0;
        for lane in writers {
            let kept = last.iter().find(|(of, _)| *of == lane.id);
            let next = history.lane(lane.id).into_iter().find(|op| {
                op.outcome == Outcome::Ok && kept.is_none_or(|(_, last)| op.seq > *last)
            });
            let told = held.first_missing.iter().find(|it| it.lane == lane.id);
            off += usize::from(next.map(|op| op.seq) != told.map(|it| it.seq));
        }
        line.error = format!("{off} lanes");
        line.ask(off == 0, || "the first missing write is another".into());
        line.ask(held.missing > 0, || "nothing is missing".into());
        line.ask(held.extra == 0, || format!("{} are extra", held.extra));
    }
    line.excuse(record, history)
}

/// What a store's log tells of a restore's time, from its first question to its first write: nanoseconds.
pub fn time(log: &str) -> Option<u64> {
    let begins = witness::number(log, "restore begins")?;
    let writes = witness::number(log, "restore writes")?;
    u64::try_from(writes.checked_sub(begins)?).ok()
}
