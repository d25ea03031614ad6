//! What can go wrong with a reports folder, and what to do about it.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::evidence::EvidenceError;

/// Why a reports folder or a baseline could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file system refused.
    #[error("failed to {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The register is damaged.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A file holds something else.
    #[error("failed to read `{}`: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl ArchiveError {
    /// Turns an I/O error into ours, for use with `map_err`.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// Says that a file's content is wrong.
    pub(super) fn content(path: &Path, problem: impl ToString) -> Self {
        Self::Content {
            path: path.to_owned(),
            problem: problem.to_string(),
        }
    }
}
