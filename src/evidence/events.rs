//! The event log: one event per line, on disk before the run goes on.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use crate::record::{Event, What};

use super::EvidenceError;

/// The event log of a run while it is written.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    file: File,
}

impl EventLog {
    /// Creates the log.
    ///
    /// # Errors
    /// When the file is there already or cannot be created.
    pub fn create(path: PathBuf) -> Result<Self, EvidenceError> {
        let file = File::create_new(&path).map_err(EvidenceError::io("create", &path))?;
        Ok(Self { path, file })
    }

    /// Appends an event. It is with the operating system when this returns; events that fix targets,
    /// carry a bracket or close the run are on disk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&mut self, event: &Event) -> Result<(), EvidenceError> {
        let mut line =
            serde_json::to_vec(event).map_err(|e| EvidenceError::content(&self.path, e))?;
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

/// Whether losing the event to a power loss would change what can be said of the run.
fn durable(what: &What) -> bool {
    matches!(
        what,
        What::Opened(_)
            | What::Disrupted(_)
            | What::Healed { .. }
            | What::Final(_)
            | What::Closed(_)
            | What::Residue(_)
            | What::HandedOn
    )
}

/// Reads a log; the second value says whether its last line was cut off and left out.
///
/// # Errors
/// When the file cannot be read or a line before the last is not an event.
pub fn read(path: &Path) -> Result<(Vec<Event>, bool), EvidenceError> {
    let text = std::fs::read_to_string(path).map_err(EvidenceError::io("read", path))?;
    let mut events = Vec::new();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        match serde_json::from_str(line) {
            Ok(event) => events.push(event),
            Err(_) if !line.ends_with('\n') => return Ok((events, true)),
            Err(error) => {
                return Err(EvidenceError::Line {
                    path: path.to_owned(),
                    line: index + 1,
                    problem: error.to_string(),
                });
            }
        }
    }
    Ok((events, false))
}
