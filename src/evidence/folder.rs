//! The folder of one run: who writes which file, and how a file becomes durable.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::{
    id::{NodeName, RunId},
    record::Environment,
};

use super::{
    Claims, EventLog, EvidenceError, HistoryWriter, Manifest, Redactor, SigningKey, manifest, sign,
};

/// The version of the run folder's formats. 2: the event log is chained.
pub const FORMAT: u32 = 2;

/// The scenario as given, secrets apart.
pub const SCENARIO: &str = "scenario.yaml";

/// Whether a file of a run is called as the copy of a runbook is.
pub fn is_runbook(name: &str) -> bool {
    name.starts_with("runbook-") && name.ends_with(".yaml")
}

/// The copy of the runbook file that a step of the scenario, from 0, names.
pub fn runbook(step: usize) -> String {
    format!("runbook-{step}.yaml")
}
/// What the drill ran on.
pub const ENVIRONMENT: &str = "environment.json";
/// What happened, one event per line.
pub const EVENTS: &str = "events.jsonl";
/// Every operation: an Arrow IPC stream, compressed with zstd.
pub const HISTORY: &str = "history.arrows";
/// The nodes' logs.
pub const LOGS: &str = "logs";
/// The digests of all other files; written last.
pub const MANIFEST: &str = "manifest.json";

/// Where a manifest stands in the chain of runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// The digest of the manifest of the run before.
    pub previous: Option<String>,
    /// The head of the register.
    pub register: Option<String>,
}

/// The folder of one run while it is written.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
    run: RunId,
    redactor: Redactor,
}

impl RunFolder {
    /// Creates `root/<scenario>/<run>` with its folder for logs.
    ///
    /// # Errors
    /// When it is there already, when the scenario's name is not a plain name, or when it cannot be created.
    pub fn create(root: &Path, scenario: &str, run: &RunId) -> Result<Self, EvidenceError> {
        let parent = root.join(plain(scenario)?);
        fs::create_dir_all(&parent).map_err(EvidenceError::io("create", &parent))?;
        let path = parent.join(run.to_string());
        if path.exists() {
            return Err(EvidenceError::Exists(path));
        }
        fs::create_dir(&path).map_err(EvidenceError::io("create", &path))?;
        let logs = path.join(LOGS);
        fs::create_dir(&logs).map_err(EvidenceError::io("create", &logs))?;
        sync_dir(&path)?;
        sync_dir(&parent)?;
        Ok(Self {
            path,
            run: run.clone(),
            redactor: Redactor::default(),
        })
    }

    /// The same folder, which from now on keeps out the secrets that the redactor knows.
    #[must_use]
    pub fn redacting(self, redactor: Redactor) -> Self {
        Self { redactor, ..self }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whose it is.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// Writes the scenario file's text as it was given, secrets apart.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn scenario(&self, text: &str) -> Result<(), EvidenceError> {
        self.write(SCENARIO, self.redactor.text(text).as_bytes())
    }

    /// Writes the text of a runbook file that a step of the scenario names, secrets apart.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn runbook(&self, step: usize, text: &str) -> Result<(), EvidenceError> {
        self.write(&runbook(step), self.redactor.text(text).as_bytes())
    }

    /// Writes what the drill runs on.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn environment(&self, environment: &Environment) -> Result<(), EvidenceError> {
        self.write(
            ENVIRONMENT,
            &json(environment, &self.path.join(ENVIRONMENT))?,
        )
    }

    /// Opens the event log.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn events(&self) -> Result<EventLog, EvidenceError> {
        EventLog::create(self.path.join(EVENTS), self.redactor.clone())
    }

    /// Opens the history.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn history(&self) -> Result<HistoryWriter, EvidenceError> {
        HistoryWriter::create(self.path.join(HISTORY), &self.run, self.redactor.clone())
    }

    /// Writes the log of a node.
    ///
    /// # Errors
    /// When the node's name is not a plain name or the file cannot be written.
    pub fn log(&self, node: &NodeName, text: &str) -> Result<(), EvidenceError> {
        let name = format!("{}.log", plain(node.as_str())?);
        let text = self.redactor.text(text);
        replace(&self.path.join(LOGS).join(name), text.as_bytes())
    }

    /// Writes a whole file durably: under another name first, then renamed.
    ///
    /// # Errors
    /// When the name is not a plain name or the file cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), EvidenceError> {
        replace(&self.path.join(plain(name)?), bytes)
    }

    /// Writes the manifest, after which the folder is complete, and its signatures where there is a key.
    /// Returns it with its own digest.
    ///
    /// # Errors
    /// When a file cannot be read, or the manifest or a signature cannot be written.
    pub fn seal(
        &self,
        claims: Claims,
        links: Links,
        key: Option<&SigningKey>,
    ) -> Result<(Manifest, String), EvidenceError> {
        let manifest = Manifest {
            format: FORMAT,
            run: self.run.clone(),
            claims,
            previous: links.previous,
            register: links.register,
            files: manifest::digests(&self.path)?,
        };
        let path = self.path.join(MANIFEST);
        let bytes = json(&manifest, &path)?;
        replace(&path, &bytes)?;
        if let Some(key) = key {
            for (name, bytes) in sign::signatures(&self.path, &manifest, &bytes, key)? {
                self.write(&name, &bytes)?;
            }
        }
        Ok((manifest, manifest::sha256(&bytes)))
    }
}

/// Pretty JSON with a final newline; the same value gives the same bytes.
pub(super) fn json(value: &impl Serialize, path: &Path) -> Result<Vec<u8>, EvidenceError> {
    let mut bytes =
        serde_json::to_vec_pretty(value).map_err(|e| EvidenceError::content(path, e))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Accepts names that stay within their folder.
pub(super) fn plain(name: &str) -> Result<&str, EvidenceError> {
    let fits = !name.is_empty()
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    fits.then_some(name)
        .ok_or_else(|| EvidenceError::Name(name.to_owned()))
}

/// Replaces a file's content so that a reader sees the old or the new one, power loss included.
/// A link in its place is replaced, and never written through: the folder may have come from elsewhere.
///
/// # Errors
/// When the file cannot be written.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), EvidenceError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let temporary = path.with_file_name(name);
    // What an interrupted call left there, or a link that someone put there.
    let _ = fs::remove_file(&temporary);
    let mut file = File::create_new(&temporary).map_err(EvidenceError::io("create", &temporary))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(EvidenceError::io("write", &temporary))?;
    fs::rename(&temporary, path).map_err(EvidenceError::io("rename to", path))?;
    path.parent().map_or(Ok(()), sync_dir)
}

fn sync_dir(path: &Path) -> Result<(), EvidenceError> {
    File::open(path)
        .and_then(|dir| dir.sync_all())
        .map_err(EvidenceError::io("sync", path))
}
