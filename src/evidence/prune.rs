//! Old runs removed on purpose: a line of the register, signed, that keeps what was registered of a run whose folder is gone.

use std::{fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::{id::RunId, score::Verdict};

use super::{
    Closing, EvidenceError, PinnedKey, Register, SigningKey, files,
    register::{Entry, Said},
};

/// A run whose folder was removed on purpose, and what was registered of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruned {
    /// The run.
    pub run: RunId,
    /// The digest of its manifest, as the run was closed with it.
    pub manifest_sha256: String,
    /// Its verdict, as the run was closed with it.
    pub verdict: Option<Verdict>,
    /// When it was removed, RFC 3339, for labels only.
    pub at: String,
    /// By which rule it was chosen.
    pub rule: String,
    /// Ed25519 over this line of the register without this field, in base64; absent where runs are not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

impl Pruned {
    /// The line that says it, signed where there is a key. The digest of the line before is signed with it, so that it
    /// says nothing in another place or another register.
    pub(super) fn entry(mut self, previous: Option<String>, key: Option<&SigningKey>) -> Entry {
        self.signature = None;
        let bytes = signed_bytes(previous.clone(), &self);
        self.signature = key.map(|key| STANDARD.encode(key.ed25519.sign(&bytes)));
        Entry {
            previous,
            what: Said::Pruned(self),
        }
    }

    /// What is wrong with the line by the pinned key.
    pub(super) fn unsigned(
        &self,
        previous: Option<String>,
        key: &PinnedKey,
    ) -> Option<&'static str> {
        let Some(signature) = &self.signature else {
            return Some("pruned by nobody: the line that says so is not signed");
        };
        let mut bare = self.clone();
        bare.signature = None;
        let bytes = signed_bytes(previous, &bare);
        let holds = STANDARD
            .decode(signature)
            .is_ok_and(|signature| key.signed(&bytes, &signature));
        (!holds).then_some("pruned by another: the line that says so is not signed by the pinned key, or not in this place")
    }

    /// What is wrong with the line by how the run was closed.
    pub(super) fn disagreement(&self, closing: &Closing) -> Option<&'static str> {
        let same = Some(&self.manifest_sha256) == closing.manifest_sha256.as_ref()
            && self.verdict == closing.verdict;
        (!same)
            .then_some("the line that says that it was pruned names another manifest or verdict than it was closed with")
    }
}

fn signed_bytes(previous: Option<String>, bare: &Pruned) -> Vec<u8> {
    let entry = Entry {
        previous,
        what: Said::Pruned(bare.clone()),
    };
    serde_json::to_vec(&entry).expect("the line has text keys and no value that JSON cannot hold")
}

/// Writes the line that a run was pruned, and then removes its folder.
///
/// # Errors
/// When the register cannot be written or is damaged, or the folder cannot be removed.
pub fn prune(
    register: &Register,
    folder: &str,
    pruned: Pruned,
    key: Option<&SigningKey>,
) -> Result<(), EvidenceError> {
    register.prune(pruned, key)?;
    remove(register, folder)
}

/// Removes what a call that was interrupted left of runs that were pruned, where the key signed that they were.
///
/// # Errors
/// When the register cannot be read or is damaged, or a folder cannot be removed.
pub fn finish(register: &Register, key: Option<&PinnedKey>) -> Result<(), EvidenceError> {
    let entries = register.entries()?;
    let folder_of = |run: &RunId| {
        entries.iter().find_map(|entry| match &entry.what {
            Said::Opened(opening) if opening.run == *run => Some(opening.folder.as_str()),
            Said::Opened(_) | Said::Closed(_) | Said::Pruned(_) | Said::SetAside(_) => None,
        })
    };
    for entry in &entries {
        if let Said::Pruned(pruned) = &entry.what
            && key.is_none_or(|key| pruned.unsigned(entry.previous.clone(), key).is_none())
            && let Some(folder) = folder_of(&pruned.run)
        {
            remove(register, folder)?;
        }
    }
    Ok(())
}

/// Removes a run's folder; one that is gone already is no error.
fn remove(register: &Register, folder: &str) -> Result<(), EvidenceError> {
    let base = register.path().parent().unwrap_or(Path::new("."));
    let path = files::below(base, folder).ok_or_else(|| EvidenceError::Name(folder.into()))?;
    if path.is_dir() {
        fs::remove_dir_all(&path).map_err(EvidenceError::io("remove", &path))?;
    }
    Ok(())
}
