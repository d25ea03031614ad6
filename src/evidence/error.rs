//! What can go wrong with a run folder, and what to do about it.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Why a run folder could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The file system refused.
    #[error("failed to {action} `{}`", path.display())]
    Io {
        /// What was tried, for instance `write`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A folder that a run would create is there already.
    #[error("failed to create the run folder `{}`: it is there already", .0.display())]
    Exists(PathBuf),
    /// A name would lead out of its folder.
    #[error("failed to use `{0}` as a file name")]
    Name(String),
    /// Not a run folder.
    #[error("failed to load `{}`: it has no `{missing}`", folder.display())]
    NotARun {
        /// The folder.
        folder: PathBuf,
        /// The file that every run has.
        missing: &'static str,
    },
    /// A line of a file cannot be read.
    #[error("failed to read line {line} of `{}`: {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A file's content is not what it should be.
    #[error("failed to read `{}`: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file was written by another version of drdrill.
    #[error("failed to read `{}`: its format is {found}, this drdrill reads {known}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The format that this version reads.
        known: u32,
    },
    /// Another process keeps the register.
    #[error("failed to lock `{}`: {why}", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
        /// Who keeps it, or what else failed.
        why: io::Error,
    },
    /// A manifest could not be signed.
    #[error("failed to sign the manifest: {0}")]
    Unsigned(String),
    /// Files differ from the manifest.
    #[error("failed to verify `{}`: {problems}", folder.display())]
    Altered {
        /// The folder.
        folder: PathBuf,
        /// Every altered, missing and extra file.
        problems: String,
    },
}

impl EvidenceError {
    /// What a person can do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Io { .. } => "check that the folder exists, is writable and has space left",
            Self::Exists(_) => "a run never writes into another run's folder: start the run again",
            Self::Name(_) => "use letters, digits, dashes and dots",
            Self::NotARun { .. } => {
                "name a run's own folder, `reports/<scenario>/<run-id>`, not the one above it"
            }
            Self::Line { .. } | Self::Content { .. } => {
                "the file is damaged: restore the folder from a copy, or repeat the drill"
            }
            Self::Format { .. } => "read it with the version of drdrill that wrote it",
            Self::Locked { .. } => "wait for the process that is named, or end it",
            Self::Unsigned(_) => "check the signing key",
            Self::Altered { .. } => {
                "the folder is not what the run wrote: restore it from a copy, or repeat the drill"
            }
        }
    }

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
