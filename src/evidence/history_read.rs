//! Reads the history back; of a file that was cut off, every complete batch.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use arrow_array::{
    Array, ArrayRef, DictionaryArray, ListArray, PrimitiveArray, RecordBatch, StringArray,
    types::{ArrowDictionaryKeyType, ArrowPrimitiveType, UInt8Type, UInt16Type, UInt64Type},
};
use arrow_ipc::reader::StreamReader;
use nix::{
    fcntl::{OFlag, open},
    sys::stat::Mode,
};

use crate::{
    history::{History, Lists, ListsRead, Op, Outcome, Packer},
    id::{LaneId, RunId},
    time::Nanos,
};

use super::{
    EvidenceError, files, guarded,
    history_frames::frames,
    history_write::{OUTCOMES, RUN, schema},
};

/// The most operations of a run: ten times what the longest drill makes.
const OPS_MOST: usize = 200_000_000;
/// The most lanes of a run.
const LANES_MOST: usize = 4096;
/// The most operations that come when their place was taken or passed; a run has fewer under way at one time.
const LATE_MOST: usize = 1 << 20;
/// The most classes of errors, and words of a dictionary.
const WORDS_MOST: usize = 4096;
/// The most elements that transactions read, all together.
const ELEMENTS_MOST: usize = 1 << 26;
/// The longest time since a run's start, nanoseconds: a hundred days.
const TIME_MOST: u64 = 100 * 86_400 * 1_000_000_000;

/// A history as read back.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryRead {
    /// The operations of all complete batches, sorted.
    pub history: History,
    /// Whether the end is missing: the run died, or the file was cut.
    pub truncated: bool,
    /// The run that the file says it is of.
    pub run: Option<String>,
}

/// Reads a history, batch by batch: of a long one, most goes to a file of no name beside it, half as large.
///
/// The file may come from anyone. Every frame's sizes are looked at before the decoder allocates what they claim, and a
/// decoder that panics all the same is an error that names the file.
///
/// # Errors
/// When the file cannot be read, is damaged, or holds something else.
pub fn read(path: &Path) -> Result<HistoryRead, EvidenceError> {
    let unread = |error| files::unread(path, error);
    let file = files::open(path, files::FILE_MOST).map_err(unread)?;
    let size = file.metadata().map_err(unread)?.len();
    let found = frames(&file, size).map_err(unread)?;
    // The run died before the schema was on disk: a history without operations.
    if found.end == 0 && !found.ended {
        return Ok(HistoryRead {
            history: History::default(),
            truncated: true,
            run: None,
        });
    }
    let decoded = guarded(|| decode(path, file.take(found.end)));
    let decoded = decoded.unwrap_or_else(|| Err("its decoder failed".into()));
    let (found_ops, run) = decoded
        .map_err(|problem| EvidenceError::content(path, format!("it is damaged: {problem}")))?;
    Ok(HistoryRead {
        history: History::new(found_ops.packer, found_ops.errors, found_ops.lists),
        truncated: !found.ended,
        run,
    })
}

/// Decodes whole frames.
fn decode(path: &Path, frames: impl Read) -> Result<(Found, Option<String>), String> {
    let mut found = Found {
        packer: Packer::new(nameless(path)),
        errors: Vec::new(),
        lists: Vec::new(),
        ops: 0,
        elements: 0,
    };
    let other = || "it is not a drdrill history".to_owned();
    let reader = StreamReader::try_new(BufReader::new(frames), None);
    let reader = reader.map_err(|error| error.to_string())?;
    let columns = reader.schema();
    let ours = schema(&RunId::new("", 0));
    // Histories of before there were transactions have no last column.
    let (_, before) = ours.fields().split_last().ok_or_else(other)?;
    if columns.fields() != ours.fields() && **columns.fields() != *before {
        return Err(other());
    }
    let run = columns.metadata().get(RUN).cloned();
    for batch in reader {
        let batch = batch.map_err(|error| error.to_string())?;
        found.add(&batch).ok_or_else(other)?;
    }
    Ok((found, run))
}

/// A file of no name in the history's folder, which is gone with this process; none where nothing can be written there.
fn nameless(history: &Path) -> Option<File> {
    let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
    let file = open(history.parent()?, flags, Mode::S_IRUSR | Mode::S_IWUSR);
    file.ok().map(File::from)
}

/// What was read so far.
struct Found {
    packer: Packer,
    errors: Vec<String>,
    lists: Vec<ListsRead>,
    /// Operations so far.
    ops: usize,
    /// Elements of lists so far.
    elements: usize,
}

impl Found {
    /// Adds a batch's rows; `None` when they are none that a run can have written.
    fn add(&mut self, batch: &RecordBatch) -> Option<()> {
        let lane = numbers::<UInt16Type>(batch, "lane")?;
        let seq = numbers::<UInt64Type>(batch, "seq")?;
        let intended = numbers::<UInt64Type>(batch, "intended_ns")?;
        let sent = numbers::<UInt64Type>(batch, "sent_ns")?;
        let done = numbers::<UInt64Type>(batch, "done_ns")?;
        let node = numbers::<UInt16Type>(batch, "node")?;
        let version = numbers::<UInt64Type>(batch, "version")?;
        let lists = batch.column_by_name("lists");
        let lists = lists.and_then(|column| column.as_any().downcast_ref::<ListArray>());
        let (outcome, outcome_words) = words::<UInt8Type>(batch, "outcome")?;
        let (error, error_words) = words::<UInt16Type>(batch, "error")?;
        let outcomes: Vec<Outcome> = (0..outcome_words.len())
            .map(|i| outcome_named(outcome_words.value(i)))
            .collect::<Option<_>>()?;
        let errors: Vec<u16> = (0..error_words.len())
            .map(|i| self.class(error_words.value(i)))
            .collect::<Option<_>>()?;
        for row in 0..batch.num_rows() {
            if let Some(lists) = lists.filter(|lists| lists.is_valid(row)) {
                let read = self.read_lists(&lists.value(row))?;
                self.lists.push(ListsRead {
                    lane: LaneId(lane.value(row)),
                    seq: seq.value(row),
                    lists: read,
                });
            }
            self.packer.push(Op {
                lane: LaneId(lane.value(row)),
                seq: Some(seq.value(row)).filter(|seq| *seq < OPS_MOST as u64)?,
                intended: time(Some(intended.value(row)))?.unwrap_or_default(),
                sent: time(opt(sent, row))?,
                done: time(opt(done, row))?,
                outcome: *outcomes.get(usize::from(outcome.value(row)))?,
                error: match opt(error, row) {
                    Some(key) => Some(*errors.get(usize::from(key))?),
                    None => None,
                },
                node: opt(node, row),
                version: opt(version, row),
            });
        }
        self.ops += batch.num_rows();
        let (lanes, late) = self.packer.held();
        (self.ops <= OPS_MOST && lanes <= LANES_MOST && late <= LATE_MOST).then_some(())
    }

    /// The number of a class of errors; `None` where there are more than a run has.
    fn class(&mut self, name: &str) -> Option<u16> {
        let known = self.errors.iter().position(|class| class == name);
        let index = known.unwrap_or_else(|| {
            self.errors.push(name.to_owned());
            self.errors.len() - 1
        });
        u16::try_from(index).ok().filter(|_| index < WORDS_MOST)
    }

    /// The lists that one transaction read.
    fn read_lists(&mut self, lists: &ArrayRef) -> Option<Lists> {
        let lists: &ListArray = lists.as_any().downcast_ref()?;
        let read: Lists = lists
            .iter()
            .map(|list| {
                let list = list?;
                self.elements += list.len() + 1;
                let elements: &PrimitiveArray<UInt64Type> = list.as_any().downcast_ref()?;
                (self.elements <= ELEMENTS_MOST).then(|| elements.values().to_vec())
            })
            .collect::<Option<_>>()?;
        Some(read)
    }
}

/// A time since the run's start; `None` of one that no run lasts.
fn time(ns: Option<u64>) -> Option<Option<Nanos>> {
    ns.is_none_or(|ns| ns <= TIME_MOST).then(|| ns.map(Nanos))
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
    let words: &StringArray = column.values().as_any().downcast_ref()?;
    (words.len() <= WORDS_MOST).then(|| (column.keys(), words))
}

fn opt<T: ArrowPrimitiveType>(column: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
    column.is_valid(row).then(|| column.value(row))
}

fn outcome_named(name: &str) -> Option<Outcome> {
    let known = OUTCOMES.iter().find(|(_, word)| *word == name);
    known.map(|(outcome, _)| *outcome)
}
