//! This machine as drills are run on it: its folder of journals, its engine, its secrets, its limits, its files.
//!
//! Only here and in the command line is the environment read.

mod facts;
mod limits;
mod scenario;
mod secret;

use std::{
    env,
    path::{PathBuf, absolute},
};

pub use limits::{LEAST_OPEN_FILES, allowed_open_files, raise_open_files};
pub use scenario::{checked, text};

use crate::session::{Host, Secrets};

/// This machine cannot run drills as it is.
#[derive(Debug, thiserror::Error)]
#[error("{what}; {help}")]
pub struct Unfit {
    /// What is not as it must be.
    pub what: String,
    /// What to do.
    pub help: &'static str,
}

/// This program on this machine, with what its environment says.
///
/// # Errors
/// When there is no folder for journals.
pub fn host() -> Result<Host, Unfit> {
    Ok(Host {
        harness: facts::harness(),
        redactor: facts::redactor(),
        secrets: Secrets::by(secret::secret),
        ..sweeper()?
    })
}

/// The same as far as a sweep needs it: nothing is read of the program and of the machine.
///
/// # Errors
/// When there is no folder for journals.
pub fn sweeper() -> Result<Host, Unfit> {
    Ok(Host {
        docker_host: docker_host(),
        ..Host::new(state_folder()?, program())
    })
}

/// The engine's address, if the environment names one.
pub fn docker_host() -> Option<String> {
    env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty())
}

/// The program that runs.
fn program() -> PathBuf {
    env::current_exe().unwrap_or_else(|_| PathBuf::from("drdrill"))
}

/// A runtime that drills run on.
///
/// # Errors
/// When the system refuses its threads.
pub fn runtime() -> Result<tokio::runtime::Runtime, Unfit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.map_err(|error| Unfit {
        what: format!("failed to start threads: {error}"),
        help: "raise the limit of processes",
    })
}

/// The folder of journals: `$DRDRILL_STATE`, else `drdrill` in the user's state folder.
///
/// # Errors
/// When neither is named and the user has no home: a folder in a place open to all might be another user's.
pub fn state_folder() -> Result<PathBuf, Unfit> {
    let variable = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    // Without HOME it is the one that the system's list of users names.
    let home = || env::home_dir().filter(|home| !home.as_os_str().is_empty());
    variable("DRDRILL_STATE")
        .or_else(|| Some(variable("XDG_STATE_HOME")?.join("drdrill")))
        .or_else(|| Some(home()?.join(".local/state/drdrill")))
        .and_then(|folder| absolute(folder).ok())
        .ok_or_else(|| Unfit {
            what: "failed to find a folder for journals: this user has no home".into(),
            help: "set DRDRILL_STATE to a folder of your own",
        })
}
