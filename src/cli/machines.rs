//! This machine as drills are run on it: its journals, its engine, its secrets, and what dead runs left.

use std::{
    env,
    path::{Path, PathBuf, absolute},
    sync::Arc,
};

use drdrill::{
    evidence::Register,
    id::RunId,
    image::{
        Resolver,
        doctor::{self, Check},
    },
    runtime::{
        ProcessSweeper,
        docker::{DockerSweeper, Engine},
        journal::Header,
        sweep::{Scope, SweepReport, Sweeper, sweep},
    },
    session::Host,
};

use super::{
    exit::{Exit, Failure},
    harness,
};

/// This program on this machine, with what its environment says.
///
/// # Errors
/// When there is no folder for journals.
pub fn host() -> Result<Host, Failure> {
    Ok(Host {
        state: state_folder()?,
        program: program(),
        docker_host: docker_host(),
        harness: harness::harness(),
        redactor: harness::redactor(),
    })
}

/// The engine's address, if the environment names one.
pub fn docker_host() -> Option<String> {
    env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty())
}

/// drdrill's own executable.
pub fn program() -> PathBuf {
    env::current_exe().unwrap_or_else(|_| PathBuf::from("drdrill"))
}

/// The folder of journals: `$DRDRILL_STATE`, else `drdrill` in the user's state folder.
///
/// # Errors
/// When neither is named and the user has no home: a folder in a place open to all might be another user's.
pub fn state_folder() -> Result<PathBuf, Failure> {
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
        .ok_or_else(|| {
            Failure::new(
                Exit::EnvironmentUnfit,
                "failed to find a folder for journals: this user has no home",
                "set DRDRILL_STATE to a folder of your own",
            )
        })
}

/// Sweeps what dead runs left.
///
/// # Errors
/// When the state folder cannot be read.
pub async fn sweep_dead(state: &Path) -> std::io::Result<SweepReport> {
    let docker = DockerSweeper::new(docker_host());
    let sweepers: [&dyn Sweeper; 2] = [&docker, &ProcessSweeper::new(state)];
    sweep(state, &sweepers, &Scope::Dead, &close).await
}

/// Writes the closing line of a run that died.
fn close(header: &Header) -> Result<(), String> {
    let Some(register) = header.reports.as_deref().map(Register::of) else {
        return Ok(());
    };
    let why = "drdrill ended before the run did; a later sweep removed what it had created";
    let closed = register.abandon(&header.run, why);
    closed.map_err(|error| format!("run {} is open in the register: {error}", header.run))
}

/// What this machine can do.
pub async fn examine() -> Vec<Check> {
    let host = docker_host();
    let run = RunId::new("doctor000000000", std::process::id());
    // Without a folder of its own, nothing is built here that a lock would guard.
    let locks = state_folder().unwrap_or_default().join("locks");
    match Engine::connect(host.as_deref()).await {
        Ok(engine) => {
            let resolver = Resolver::new(Arc::new(engine), locks, Arc::new(|_| {}));
            doctor::examine(host.as_deref(), &resolver, &run).await
        }
        Err(error) => vec![doctor::no_engine(&error)],
    }
}
