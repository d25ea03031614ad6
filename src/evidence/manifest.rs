//! The manifest: the digest of every file of a run, and whether they still hold.

use std::{
    fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    id::RunId,
    record::{Harness, ImageFact, Record, Setting, Status},
    score::{LineState, Scorecard, Verdict},
    seed::Seed,
};

use super::{
    EvidenceError,
    events::LogEnd,
    folder::{FORMAT, LOGS, MANIFEST},
    sign::{DSSE, MINISIG},
};

/// What a complete run folder holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the run folder's formats.
    pub format: u32,
    /// The run.
    pub run: RunId,
    /// What it was and how it came out, as the other files show.
    #[serde(flatten)]
    pub claims: Claims,
    /// The digest of the manifest of the run before, which shows that none was left out.
    pub previous: Option<String>,
    /// The digest of the register's last line when the manifest was written.
    pub register: Option<String>,
    /// Every other file, by path.
    pub files: Vec<FileDigest>,
}

/// What a manifest says of its run beside digests. All of it follows from the event log and the verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    /// The scenario's name.
    pub scenario: String,
    /// Its verdict; absent where it could not be judged.
    pub verdict: Option<Verdict>,
    /// Each target line and how it came out.
    pub lines: Vec<(String, LineState)>,
    /// How it ended.
    pub status: Status,
    /// Wall-clock start, RFC 3339.
    pub started: String,
    /// The seed of all random choices.
    pub seed: Seed,
    /// SHA-256 of the scenario file.
    pub scenario_sha256: String,
    /// What replaced values of the file.
    pub overrides: Vec<(String, String)>,
    /// Where the event log ends.
    pub events: Option<LogEnd>,
    /// The program that ran the drill, and the machine whose clock it used.
    pub harness: Harness,
    /// Where the stack ran: kernel, engine, cores, memory.
    pub environment: Vec<(String, String)>,
    /// Images with their digests.
    pub images: Vec<ImageFact>,
    /// Settings as read back from the running stack.
    pub settings: Vec<Setting>,
}

impl Claims {
    /// What follows from a run's record and scorecard.
    pub fn of(record: &Record, events: Option<&LogEnd>, card: Option<&Scorecard>) -> Self {
        let opened = &record.opened;
        let lines = card.iter().flat_map(|card| &card.lines);
        let settings = record.stack.iter().flat_map(|stack| &stack.effective);
        Self {
            scenario: opened.scenario.name.clone(),
            verdict: card.map(|card| card.verdict),
            lines: lines
                .map(|line| (line.figure.clone(), line.state))
                .collect(),
            status: record.status.clone(),
            started: opened.started.clone(),
            seed: opened.seed,
            scenario_sha256: opened.scenario_sha256.clone(),
            overrides: opened.overrides.clone(),
            events: events.cloned(),
            harness: opened.harness.clone(),
            environment: record.environment.facts.clone(),
            images: record.images.clone(),
            settings: settings.cloned().collect(),
        }
    }
}

/// One file of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDigest {
    /// Its path within the folder, with forward slashes.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its content, hexadecimal.
    pub sha256: String,
}

/// How a folder differs from its manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// Files whose content is another.
    pub altered: Vec<String>,
    /// Files that are gone.
    pub missing: Vec<String>,
    /// Files that the manifest does not name.
    pub extra: Vec<String>,
}

impl Verification {
    /// Whether nothing differs.
    pub fn holds(&self) -> bool {
        self.altered.is_empty() && self.missing.is_empty() && self.extra.is_empty()
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = [
            ("altered", &self.altered),
            ("missing", &self.missing),
            ("extra", &self.extra),
        ];
        let said = lists.iter().filter(|(_, files)| !files.is_empty());
        let words: Vec<String> = said
            .map(|(word, files)| format!("{word}: {}", files.join(", ")))
            .collect();
        f.write_str(&words.join("; "))
    }
}

/// Reads a folder's manifest; `None` when the folder is incomplete.
///
/// # Errors
/// When it cannot be read or is of another version.
pub fn read(folder: &Path) -> Result<Option<Manifest>, EvidenceError> {
    let path = folder.join(MANIFEST);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(EvidenceError::io("read", &path)(source)),
    };
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|e| EvidenceError::content(&path, e))?;
    if manifest.format == FORMAT {
        Ok(Some(manifest))
    } else {
        Err(EvidenceError::Format {
            path,
            found: manifest.format,
            known: FORMAT,
        })
    }
}

/// Compares every file of a folder with its manifest.
///
/// # Errors
/// When a file cannot be read.
pub fn compare(folder: &Path, manifest: &Manifest) -> Result<Verification, EvidenceError> {
    let mut verification = Verification::default();
    let found = digests(folder)?;
    for file in &manifest.files {
        match found.iter().find(|other| other.path == file.path) {
            None => verification.missing.push(file.path.clone()),
            Some(other) if other != file => verification.altered.push(file.path.clone()),
            Some(_) => {}
        }
    }
    let named = |file: &FileDigest| manifest.files.iter().any(|other| other.path == file.path);
    let extra = found.into_iter().filter(|file| !named(file));
    verification.extra = extra.map(|file| file.path).collect();
    Ok(verification)
}

/// The files that are not in a manifest: itself and its signatures.
const APART: [&str; 3] = [MANIFEST, MINISIG, DSSE];

/// The digests of all files but the manifest and its signatures, by path. A link, a pipe or an empty
/// folder is no file of a run: its digest is that of nothing, so that it is named as extra or altered.
pub(super) fn digests(folder: &Path) -> Result<Vec<FileDigest>, EvidenceError> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(relative) = folders.pop() {
        let dir = folder.join(&relative);
        let mut empty = true;
        for entry in fs::read_dir(&dir).map_err(EvidenceError::io("list", &dir))? {
            let entry = entry.map_err(EvidenceError::io("list", &dir))?;
            empty = false;
            let path = relative.join(entry.file_name());
            let kind = entry
                .file_type()
                .map_err(EvidenceError::io("look at", &dir))?;
            let name = path.to_string_lossy().replace('\\', "/");
            if kind.is_dir() {
                folders.push(path);
            } else if !kind.is_file() {
                files.push(no_file(format!("{name} (not a plain file)")));
            } else if !APART.contains(&name.as_str()) {
                files.push(digest(folder, name)?);
            }
        }
        let name = relative.to_string_lossy();
        if empty && !name.is_empty() && name != LOGS {
            files.push(no_file(format!("{name}/")));
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn no_file(path: String) -> FileDigest {
    FileDigest {
        path,
        bytes: 0,
        sha256: sha256(b""),
    }
}

fn digest(folder: &Path, name: String) -> Result<FileDigest, EvidenceError> {
    let path = folder.join(&name);
    let mut file = fs::File::open(&path).map_err(EvidenceError::io("read", &path))?;
    let mut digest = Sha256::new();
    let (mut part, mut size) = (vec![0; 1 << 16], 0);
    loop {
        let read = file.read(&mut part);
        let read = read.map_err(EvidenceError::io("read", &path))?;
        if read == 0 {
            break;
        }
        digest.update(&part[..read]);
        size += read as u64;
    }
    Ok(FileDigest {
        path: name,
        bytes: size,
        sha256: hexadecimal(&digest.finalize()),
    })
}

/// SHA-256 of bytes, hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
