//! The manifest: the digest of every file of a run, and whether they still hold.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{id::RunId, score::Verdict};

use super::{
    EvidenceError,
    folder::{FORMAT, MANIFEST},
};

/// What a complete run folder holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the run folder's formats.
    pub format: u32,
    /// The run.
    pub run: RunId,
    /// Its verdict; absent where it could not be judged.
    pub verdict: Option<Verdict>,
    /// The digest of the manifest of the run before, which shows that none was left out.
    pub previous: Option<String>,
    /// Every other file, by path.
    pub files: Vec<FileDigest>,
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
pub fn verify(folder: &Path, manifest: &Manifest) -> Result<Verification, EvidenceError> {
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

/// The digests of all files but the manifest and its signatures, by path.
pub(super) fn digests(folder: &Path) -> Result<Vec<FileDigest>, EvidenceError> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(relative) = folders.pop() {
        let dir = folder.join(&relative);
        for entry in fs::read_dir(&dir).map_err(EvidenceError::io("list", &dir))? {
            let entry = entry.map_err(EvidenceError::io("list", &dir))?;
            let path = relative.join(entry.file_name());
            let kind = entry
                .file_type()
                .map_err(EvidenceError::io("look at", &dir))?;
            let name = path.to_string_lossy().replace('\\', "/");
            if kind.is_dir() {
                folders.push(path);
            } else if !name.starts_with("manifest.") {
                files.push(digest(folder, name)?);
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn digest(folder: &Path, name: String) -> Result<FileDigest, EvidenceError> {
    let path = folder.join(&name);
    let bytes = fs::read(&path).map_err(EvidenceError::io("read", &path))?;
    Ok(FileDigest {
        path: name,
        bytes: bytes.len() as u64,
        sha256: sha256(&bytes),
    })
}

/// SHA-256 of bytes, hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
