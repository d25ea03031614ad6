//! The manifest: the digest of every file of a run, and whether they still hold.

use std::{
    collections::{BTreeMap, BTreeSet},
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
    files,
    folder::{FORMAT, LOGS, MANIFEST},
    sign::{self, DSSE},
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
    Ok(with_bytes(folder)?.map(|(manifest, _)| manifest))
}

/// The same with the very bytes that it was read from.
pub(super) fn with_bytes(folder: &Path) -> Result<Option<(Manifest, Vec<u8>)>, EvidenceError> {
    let path = folder.join(MANIFEST);
    let bytes = match files::read(&path, files::MANIFEST_MOST) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(files::unread(&path, error)),
    };
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|e| EvidenceError::content(&path, e))?;
    if manifest.format == FORMAT {
        Ok(Some((manifest, bytes)))
    } else {
        Err(EvidenceError::Format {
            path,
            found: manifest.format,
            known: FORMAT,
        })
    }
}

/// Compares every file of a folder with its manifest. Only what has the size that the manifest says is read.
///
/// # Errors
/// When a file cannot be read.
pub fn compare(folder: &Path, manifest: &Manifest) -> Result<Verification, EvidenceError> {
    let mut verification = Verification::default();
    let found: BTreeMap<String, Kept> = kept(folder)?.into_iter().collect();
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for file in &manifest.files {
        let path = file.path.as_str();
        if !named.insert(path) {
            verification.extra.push(format!("{path} (named twice)"));
            continue;
        }
        match found.get(path) {
            Some(Kept::File(bytes)) => {
                if *bytes != file.bytes || digest(folder, path)? != *file {
                    verification.altered.push(file.path.clone());
                }
            }
            Some(Kept::Other) | None => verification.missing.push(file.path.clone()),
        }
    }
    let extra = found.into_iter().filter_map(|(path, kept)| match kept {
        Kept::File(_) => (!named.contains(path.as_str())).then_some(path),
        Kept::Other => Some(format!("{path} (not a plain file)")),
    });
    verification.extra.extend(extra);
    Ok(verification)
}

/// The digests of all files but the manifest and its signatures, by path.
pub(super) fn digests(folder: &Path) -> Result<Vec<FileDigest>, EvidenceError> {
    let mut files = Vec::new();
    for (path, kept) in kept(folder)? {
        match kept {
            Kept::File(_) => files.push(digest(folder, &path)?),
            Kept::Other => {
                let problem = "it is no plain file, and no run leaves such a thing";
                return Err(EvidenceError::content(&folder.join(path), problem));
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// What lies in a run's folder under a name.
enum Kept {
    /// A plain file of so many bytes.
    File(u64),
    /// A link, a pipe, an empty folder, a name that is no text: no file of a run.
    Other,
}

/// Everything in a folder but the manifest and its signatures, by path with forward slashes. A backslash is a character
/// like others: a name that holds one is another file.
fn kept(folder: &Path) -> Result<Vec<(String, Kept)>, EvidenceError> {
    let mut all = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(relative) = folders.pop() {
        let dir = folder.join(&relative);
        let mut empty = true;
        for entry in fs::read_dir(&dir).map_err(EvidenceError::io("list", &dir))? {
            let entry = entry.map_err(EvidenceError::io("list", &dir))?;
            empty = false;
            let path = relative.join(entry.file_name());
            let found = entry.metadata();
            let found = found.map_err(EvidenceError::io("look at", &dir))?;
            let Some(name) = path.to_str().map(str::to_owned) else {
                all.push((path.to_string_lossy().into_owned(), Kept::Other));
                continue;
            };
            if found.is_dir() {
                folders.push(path);
            } else if !found.is_file() {
                all.push((name, Kept::Other));
            } else if !apart(&name) {
                all.push((name, Kept::File(found.len())));
            }
        }
        let name = relative.to_string_lossy();
        if empty && !name.is_empty() && name != LOGS {
            all.push((format!("{name}/"), Kept::Other));
        }
    }
    Ok(all)
}

/// The files that are not in a manifest: itself and its signatures.
fn apart(name: &str) -> bool {
    [MANIFEST, DSSE].contains(&name) || sign::is_minisig(name)
}

fn digest(folder: &Path, name: &str) -> Result<FileDigest, EvidenceError> {
    let path = folder.join(name);
    let unread = |error| files::unread(&path, error);
    let mut file = files::open(&path, files::FILE_MOST).map_err(unread)?;
    let mut digest = Sha256::new();
    let (mut part, mut size) = (vec![0; 1 << 16], 0);
    loop {
        let read = file.read(&mut part).map_err(unread)?;
        if read == 0 {
            break;
        }
        digest.update(&part[..read]);
        size += read as u64;
    }
    Ok(FileDigest {
        path: name.to_owned(),
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
