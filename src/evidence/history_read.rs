//! Reads the history back; of a file that was cut off, every complete batch.

use std::{
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
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
/// # Errors
/// When the file cannot be read or holds something else.
pub fn read(path: &Path) -> Result<HistoryRead, EvidenceError> {
    let mut file = File::open(path).map_err(EvidenceError::io("read", path))?;
    let (size, whole) = end(&mut file).map_err(EvidenceError::io("read", path))?;
    let mut truncated = !whole;
    let mut found = Found {
        packer: Packer::new(nameless(path)),
        errors: Vec::new(),
        lists: Vec::new(),
    };
    let mut run = None;
    match StreamReader::try_new(BufReader::new(file), None) {
        Ok(reader) => {
            run = reader.schema().metadata.get(RUN).cloned();
            for batch in reader {
                let Ok(batch) = batch else {
                    truncated = true;
                    break;
                };
                found
                    .add(&batch)
                    .ok_or_else(|| EvidenceError::content(path, "it is not a drdrill history"))?;
            }
        }
        // The run died before the schema was on disk: a history without operations.
        Err(_) if truncated && size < 4096 => {}
        Err(error) => return Err(EvidenceError::content(path, error)),
    }
    Ok(HistoryRead {
        history: History::new(found.packer, found.errors, found.lists),
        truncated,
        run,
    })
}

/// A file's size, and whether it has its end mark; it is at its beginning afterwards.
fn end(file: &mut File) -> std::io::Result<(u64, bool)> {
    let size = file.metadata()?.len();
    let mut last = [0; END.len()];
    if let Some(before) = size.checked_sub(last.len() as u64) {
        file.seek(SeekFrom::Start(before))?;
        file.read_exact(&mut last)?;
        file.rewind()?;
    }
    Ok((size, last == END))
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
}

impl Found {
    /// Adds a batch's rows; `None` when its columns are others than ours.
    fn add(&mut self, batch: &RecordBatch) -> Option<()> {
        let lane = numbers::<UInt16Type>(batch, "lane")?;
        let seq = numbers::<UInt64Type>(batch, "seq")?;
        let intended = numbers::<UInt64Type>(batch, "intended_ns")?;
        let sent = numbers::<UInt64Type>(batch, "sent_ns")?;
        let done = numbers::<UInt64Type>(batch, "done_ns")?;
        let node = numbers::<UInt16Type>(batch, "node")?;
        let version = numbers::<UInt64Type>(batch, "version")?;
        // Histories of before there were transactions have no such column.
        let lists = batch.column_by_name("lists");
        let lists = lists.and_then(|column| column.as_any().downcast_ref::<ListArray>());
        let (outcome, outcome_words) = words::<UInt8Type>(batch, "outcome")?;
        let (error, error_words) = words::<UInt16Type>(batch, "error")?;
        let outcomes: Vec<Outcome> = (0..outcome_words.len())
            .map(|i| outcome_named(outcome_words.value(i)))
            .collect::<Option<_>>()?;
        let errors: Vec<u16> = (0..error_words.len())
            .map(|i| self.class(error_words.value(i)))
            .collect();
        for row in 0..batch.num_rows() {
            if let Some(lists) = lists.filter(|lists| lists.is_valid(row)) {
                self.lists.push(ListsRead {
                    lane: LaneId(lane.value(row)),
                    seq: seq.value(row),
                    lists: read_lists(&lists.value(row))?,
                });
            }
            self.packer.push(Op {
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

    fn class(&mut self, name: &str) -> u16 {
        let known = self.errors.iter().position(|class| class == name);
        let index = known.unwrap_or_else(|| {
            self.errors.push(name.to_owned());
            self.errors.len() - 1
        });
        u16::try_from(index).unwrap_or(u16::MAX)
    }
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

/// The lists that one transaction read.
fn read_lists(lists: &ArrayRef) -> Option<Lists> {
    let lists: &ListArray = lists.as_any().downcast_ref()?;
    lists
        .iter()
        .map(|list| {
            let list = list?;
            let elements: &PrimitiveArray<UInt64Type> = list.as_any().downcast_ref()?;
            Some(elements.values().to_vec())
        })
        .collect()
}

fn outcome_named(name: &str) -> Option<Outcome> {
    let known = OUTCOMES.iter().find(|(_, word)| *word == name);
    known.map(|(outcome, _)| *outcome)
}
