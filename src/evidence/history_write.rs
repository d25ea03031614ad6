//! Writes the history as an Arrow IPC stream while the run goes on, in bounded memory.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufWriter, Write},
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use arrow_array::{
    ArrayRef, DictionaryArray, ListArray, RecordBatch, StringArray, UInt8Array, UInt16Array,
    UInt64Array,
    builder::{ListBuilder, UInt64Builder},
    types::{UInt8Type, UInt16Type},
};
use arrow_ipc::{
    CompressionType,
    writer::{IpcWriteOptions, StreamWriter},
};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{
    history::{Heard, Lists, Op, Outcome},
    id::RunId,
};

use super::{EvidenceError, Redactor, folder::FORMAT};

/// Rows of a batch: about five seconds of a usual load.
const BATCH_ROWS: usize = 1024;
/// After which quiet time the rows at hand are written as a batch.
const QUIET: Duration = Duration::from_millis(500);

/// Where the file's metadata names the run.
pub(super) const RUN: &str = "drdrill.run";
/// The outcomes in the order of the column's dictionary.
pub(super) const OUTCOMES: [(Outcome, &str); 5] = [
    (Outcome::Ok, "ok"),
    (Outcome::Conflict, "conflict"),
    (Outcome::Fail, "fail"),
    (Outcome::Info, "info"),
    (Outcome::Shed, "shed"),
];

/// The history's columns. Times are nanoseconds since the run's start; `node` indexes the stack's members.
pub fn schema(run: &RunId) -> SchemaRef {
    let words = |key| DataType::Dictionary(Box::new(key), Box::new(DataType::Utf8));
    Arc::new(Schema::new_with_metadata(
        vec![
            Field::new("lane", DataType::UInt16, false),
            Field::new("seq", DataType::UInt64, false),
            Field::new("intended_ns", DataType::UInt64, false),
            Field::new("sent_ns", DataType::UInt64, true),
            Field::new("done_ns", DataType::UInt64, true),
            Field::new("outcome", words(DataType::UInt8), false),
            Field::new("error", words(DataType::UInt16), true),
            Field::new("node", DataType::UInt16, true),
            Field::new("version", DataType::UInt64, true),
            Field::new("lists", list_of(list_of(DataType::UInt64)), true),
        ],
        HashMap::from([
            ("drdrill.format".into(), FORMAT.to_string()),
            (RUN.into(), run.to_string()),
        ]),
    ))
}

fn list_of(of: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", of, true)))
}

/// Collects operations and writes them in batches.
pub struct HistoryWriter {
    path: PathBuf,
    stream: StreamWriter<BufWriter<File>>,
    schema: SchemaRef,
    rows: Vec<(Op, Option<Lists>)>,
    errors: Vec<String>,
    redactor: Redactor,
}

impl HistoryWriter {
    /// Creates the file and writes its schema; what the redactor knows as secret does not reach it.
    ///
    /// # Errors
    /// When the file is there already or cannot be created.
    pub fn create(path: PathBuf, run: &RunId, redactor: Redactor) -> Result<Self, EvidenceError> {
        let file = File::create_new(&path).map_err(EvidenceError::io("create", &path))?;
        let schema = schema(run);
        let stream = IpcWriteOptions::default()
            .try_with_compression(Some(CompressionType::ZSTD))
            .and_then(|options| {
                StreamWriter::try_new_with_options(BufWriter::new(file), &schema, options)
            })
            .map_err(|e| EvidenceError::content(&path, e))?;
        let mut writer = Self {
            path,
            stream,
            schema,
            rows: Vec::with_capacity(BATCH_ROWS),
            errors: Vec::new(),
            redactor,
        };
        writer.hand_over()?;
        Ok(writer)
    }

    /// Takes an operation; every so often a batch is written.
    ///
    /// # Errors
    /// When a batch cannot be written.
    pub fn push(&mut self, heard: Heard) -> Result<(), EvidenceError> {
        let op = Op {
            error: heard.error.map(|class| self.class(class)),
            ..heard.op
        };
        self.rows.push((op, heard.lists));
        if self.rows.len() >= BATCH_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes the operations at hand as a batch.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn flush(&mut self) -> Result<(), EvidenceError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let batch = batch(&self.schema, &self.rows, &self.errors)
            .and_then(|batch| self.stream.write(&batch));
        batch.map_err(|e| EvidenceError::content(&self.path, e))?;
        self.rows.clear();
        self.hand_over()
    }

    /// Writes what is left and the end mark, without which a reader calls the file truncated.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> Result<(), EvidenceError> {
        self.flush()?;
        self.stream
            .finish()
            .map_err(|e| EvidenceError::content(&self.path, e))?;
        self.hand_over()?;
        self.stream
            .get_ref()
            .get_ref()
            .sync_all()
            .map_err(EvidenceError::io("sync", &self.path))
    }

    /// Starts a thread that writes what arrives, until all senders are gone.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn follow(mut self, ops: Receiver<Heard>) -> Result<HistoryThread, EvidenceError> {
        let path = self.path.clone();
        let work = move || {
            loop {
                match ops.recv_timeout(QUIET) {
                    Ok(heard) => self.push(heard)?,
                    Err(RecvTimeoutError::Timeout) => self.flush()?,
                    Err(RecvTimeoutError::Disconnected) => return self.finish(),
                }
            }
        };
        thread::Builder::new()
            .name("history".into())
            .spawn(work)
            .map(HistoryThread)
            .map_err(EvidenceError::io("start the writer of", &path))
    }

    fn class(&mut self, class: String) -> u16 {
        let class = self.redactor.text(&class).into_owned();
        // Classes are few by contract; beyond 65,535 the last one stands for the rest.
        let known = self.errors.iter().position(|known| *known == class);
        let index = known.unwrap_or_else(|| {
            if self.errors.len() < usize::from(u16::MAX) {
                self.errors.push(class);
            }
            self.errors.len() - 1
        });
        u16::try_from(index).unwrap_or(u16::MAX)
    }

    fn hand_over(&mut self) -> Result<(), EvidenceError> {
        self.stream
            .get_mut()
            .flush()
            .map_err(EvidenceError::io("write", &self.path))
    }
}

/// The thread that writes the history.
#[derive(Debug)]
pub struct HistoryThread(thread::JoinHandle<Result<(), EvidenceError>>);

impl HistoryThread {
    /// Waits until everything is written: call it after the last sender is dropped.
    ///
    /// # Errors
    /// When something could not be written.
    pub fn join(self) -> Result<(), EvidenceError> {
        self.0
            .join()
            .expect("the history's writer returns its errors and does not panic")
    }
}

fn batch(
    schema: &SchemaRef,
    rows: &[(Op, Option<Lists>)],
    errors: &[String],
) -> Result<RecordBatch, arrow_schema::ArrowError> {
    let ops = || rows.iter().map(|(op, _)| op);
    let times = |get: fn(&Op) -> Option<u64>| -> ArrayRef {
        Arc::new(ops().map(get).collect::<UInt64Array>())
    };
    let outcomes: UInt8Array = ops().map(|op| Some(op.outcome as u8)).collect();
    let outcome_words = StringArray::from_iter_values(OUTCOMES.map(|(_, word)| word));
    let classes: UInt16Array = ops().map(|op| op.error).collect();
    let class_words = StringArray::from_iter_values(errors);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt16Array::from_iter_values(ops().map(|op| op.lane.0))),
        Arc::new(UInt64Array::from_iter_values(ops().map(|op| op.seq))),
        Arc::new(UInt64Array::from_iter_values(ops().map(|op| op.intended.0))),
        times(|op| op.sent.map(|at| at.0)),
        times(|op| op.done.map(|at| at.0)),
        Arc::new(DictionaryArray::<UInt8Type>::try_new(
            outcomes,
            Arc::new(outcome_words),
        )?),
        Arc::new(DictionaryArray::<UInt16Type>::try_new(
            classes,
            Arc::new(class_words),
        )?),
        Arc::new(ops().map(|op| op.node).collect::<UInt16Array>()),
        times(|op| op.version),
        Arc::new(lists(rows)),
    ];
    RecordBatch::try_new(schema.clone(), columns)
}

fn lists(rows: &[(Op, Option<Lists>)]) -> ListArray {
    let mut column = ListBuilder::new(ListBuilder::new(UInt64Builder::new()));
    for (_, lists) in rows {
        for list in lists.iter().flatten() {
            column.values().append_value(list.iter().copied().map(Some));
        }
        column.append(lists.is_some());
    }
    column.finish()
}
