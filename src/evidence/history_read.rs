//! Reads the history back; of a file that was cut off, every complete batch.

use std::path::Path;

use arrow_array::{
    Array, DictionaryArray, PrimitiveArray, RecordBatch, StringArray,
    types::{ArrowDictionaryKeyType, ArrowPrimitiveType, UInt8Type, UInt16Type, UInt64Type},
};
use arrow_ipc::reader::StreamReader;

use crate::{
    history::{History, Op, Outcome},
    id::LaneId,
    time::Nanos,
};

use super::{
    EvidenceError,
    history_write::{OUTCOMES, RUN},
};

/// The end mark of an Arrow IPC stream.
const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// A history as read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRead {
    /// The operations of all complete batches, sorted.
    pub history: History,
    /// Whether the end is missing: the run died, or the file was cut.
    pub truncated: bool,
    /// The run that the file says it is of.
    pub run: Option<String>,
}

/// Reads a history.
///
/// # Errors
/// When the file cannot be read or holds something else.
pub fn read(path: &Path) -> Result<HistoryRead, EvidenceError> {
    let bytes = std::fs::read(path).map_err(EvidenceError::io("read", path))?;
    let mut history = History::default();
    let mut truncated = !bytes.ends_with(&END);
    let mut run = None;
    match StreamReader::try_new(bytes.as_slice(), None) {
        Ok(reader) => {
            run = reader.schema().metadata.get(RUN).cloned();
            for batch in reader {
                let Ok(batch) = batch else {
                    truncated = true;
                    break;
                };
                add(&mut history, &batch)
                    .ok_or_else(|| EvidenceError::content(path, "it is not a drdrill history"))?;
            }
        }
        // The run died before the schema was on disk: a history without operations.
        Err(_) if truncated && bytes.len() < 4096 => {}
        Err(error) => return Err(EvidenceError::content(path, error)),
    }
    history.sort();
    Ok(HistoryRead {
        history,
        truncated,
        run,
    })
}

/// Adds a batch's rows; `None` when its columns are others than ours.
fn add(history: &mut History, batch: &RecordBatch) -> Option<()> {
    let lane = numbers::<UInt16Type>(batch, "lane")?;
    let seq = numbers::<UInt64Type>(batch, "seq")?;
    let intended = numbers::<UInt64Type>(batch, "intended_ns")?;
    let sent = numbers::<UInt64Type>(batch, "sent_ns")?;
    let done = numbers::<UInt64Type>(batch, "done_ns")?;
    let node = numbers::<UInt16Type>(batch, "node")?;
    let version = numbers::<UInt64Type>(batch, "version")?;
    let (outcome, outcome_words) = words::<UInt8Type>(batch, "outcome")?;
    let (error, error_words) = words::<UInt16Type>(batch, "error")?;
    let outcomes: Vec<Outcome> = (0..outcome_words.len())
        .map(|i| outcome_named(outcome_words.value(i)))
        .collect::<Option<_>>()?;
    let errors: Vec<u16> = (0..error_words.len())
        .map(|i| class(history, error_words.value(i)))
        .collect();
    for row in 0..batch.num_rows() {
        history.ops.push(Op {
            lane: LaneId(lane.value(row)),
            seq: seq.value(row),
            intended: Nanos(intended.value(row)),
            sent: opt(sent, row).map(Nanos),
            done: opt(done, row).map(Nanos),
            outcome: *outcomes.get(usize::from(outcome.value(row)))?,
            error: match opt(error, row) {
                Some(key) => Some(*errors.get(usize::from(key))?),
                None => None,
            },
            node: opt(node, row),
            version: opt(version, row),
        });
    }
    Some(())
}

fn numbers<'a, T: ArrowPrimitiveType>(
    batch: &'a RecordBatch,
    name: &str,
) -> Option<&'a PrimitiveArray<T>> {
    batch.column_by_name(name)?.as_any().downcast_ref()
}

fn words<'a, K: ArrowDictionaryKeyType>(
    batch: &'a RecordBatch,
    name: &str,
) -> Option<(&'a PrimitiveArray<K>, &'a StringArray)> {
    let column: &DictionaryArray<K> = batch.column_by_name(name)?.as_any().downcast_ref()?;
    Some((column.keys(), column.values().as_any().downcast_ref()?))
}

fn opt<T: ArrowPrimitiveType>(column: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
    column.is_valid(row).then(|| column.value(row))
}

fn outcome_named(name: &str) -> Option<Outcome> {
    let known = OUTCOMES.iter().find(|(_, word)| *word == name);
    known.map(|(outcome, _)| *outcome)
}

fn class(history: &mut History, name: &str) -> u16 {
    let known = history.errors.iter().position(|class| class == name);
    let index = known.unwrap_or_else(|| {
        history.errors.push(name.to_owned());
        history.errors.len() - 1
    });
    u16::try_from(index).unwrap_or(u16::MAX)
}
