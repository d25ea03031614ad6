//! The event log: one event per line, each chained to the one before, on disk before the run goes on.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    record::{Event, What},
    time::Bracket,
};

use super::{EvidenceError, Redactor, files, manifest::sha256};

/// A line of the log: the event, and the digest of the line before.
#[derive(Serialize, Deserialize)]
struct Line {
    /// SHA-256 of the line before, without its line end; absent in the first line.
    previous: Option<String>,
    at: Bracket,
    what: What,
}

/// Where a log ends: what a manifest must name so that no line can be cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEnd {
    /// How many lines it has.
    pub lines: u64,
    /// SHA-256 of the first line, without its line end: what was fixed before anything was created.
    pub first: String,
    /// SHA-256 of the last line, without its line end.
    pub head: String,
}

/// The event log of a run while it is written.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    file: File,
    redactor: Redactor,
    head: Option<String>,
}

impl EventLog {
    /// Creates the log; what the redactor knows as secret does not reach it.
    ///
    /// # Errors
    /// When the file is there already or cannot be created.
    pub fn create(path: PathBuf, redactor: Redactor) -> Result<Self, EvidenceError> {
        let file = File::create_new(&path).map_err(EvidenceError::io("create", &path))?;
        Ok(Self {
            path,
            file,
            redactor,
            head: None,
        })
    }

    /// Appends an event. It is with the operating system when this returns; events that fix targets,
    /// start a step, carry a bracket or close the run are on disk, with all lines before them.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&mut self, event: &Event) -> Result<(), EvidenceError> {
        let mut line = line(event, self.head.take(), &self.redactor)
            .map_err(|e| EvidenceError::content(&self.path, e))?;
        self.head = Some(sha256(&line));
        line.push(b'\n');
        self.file
            .write_all(&line)
            .and_then(|()| {
                if durable(&event.what) {
                    self.file.sync_data()
                } else {
                    Ok(())
                }
            })
            .map_err(EvidenceError::io("append to", &self.path))
    }
}

/// The digest that the first line of a log will have, known before there is a log.
///
/// # Errors
/// When the event cannot be written as JSON.
pub fn opening_sha256(event: &Event, redactor: &Redactor) -> Result<String, EvidenceError> {
    line(event, None, redactor)
        .map(|line| sha256(&line))
        .map_err(|e| EvidenceError::content(Path::new("events.jsonl"), e))
}

fn line(
    event: &Event,
    previous: Option<String>,
    redactor: &Redactor,
) -> Result<Vec<u8>, serde_json::Error> {
    let Event { at, what } = redactor.event(event)?;
    serde_json::to_vec(&Line { previous, at, what })
}

/// Whether losing the event to a power loss would change what can be said of the run.
fn durable(what: &What) -> bool {
    matches!(
        what,
        What::Opened(_)
            | What::StepStarted { .. }
            | What::Disrupted(_)
            | What::Healed { .. }
            | What::Final(_)
            | What::Closed(_)
            | What::Residue(_)
            | What::HandedOn
    )
}

/// A log as read back.
#[derive(Debug, Clone, PartialEq)]
pub struct EventsRead {
    /// The events of all whole lines.
    pub events: Vec<Event>,
    /// Whether the last line was cut off and left out.
    pub cut: bool,
    /// Where it ends; `None` of an empty log.
    pub end: Option<LogEnd>,
}

/// Reads a log and checks its chain.
///
/// # Errors
/// When the file cannot be read, a line before the last is not an event, or a line does not follow from
/// the one before.
pub fn read(path: &Path) -> Result<EventsRead, EvidenceError> {
    let text = files::string(path, files::WHOLE_MOST)?;
    let mut read = EventsRead {
        events: Vec::new(),
        cut: false,
        end: None,
    };
    for (index, whole) in text.split_inclusive('\n').enumerate() {
        let wrong = |problem: String| EvidenceError::Line {
            path: path.to_owned(),
            line: index + 1,
            problem,
        };
        let Some(text) = whole.strip_suffix('\n') else {
            read.cut = true;
            break;
        };
        let line: Line = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        if line.previous.as_ref() != read.end.as_ref().map(|end| &end.head) {
            return Err(wrong(
                "it does not follow from the line before, which was changed, removed or added"
                    .into(),
            ));
        }
        let head = sha256(text.as_bytes());
        read.end = Some(LogEnd {
            lines: index as u64 + 1,
            first: read
                .end
                .take()
                .map_or_else(|| head.clone(), |end| end.first),
            head,
        });
        read.events.push(Event {
            at: line.at,
            what: line.what,
        });
    }
    Ok(read)
}
