//! This machine as drills are run on it: its journals, its engine, its secrets.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf, absolute},
    sync::Arc,
};

use drdrill::{
    id::RunId,
    image::{
        Resolver,
        doctor::{self, Check},
    },
    runtime::docker::Engine,
    session::{Host, Secrets},
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
        harness: harness::harness(),
        redactor: harness::redactor(),
        secrets: Secrets::by(secret),
        ..sweeper()?
    })
}

/// What is at a place that a scenario names: a variable, or a file that only its owner may read.
fn secret(place: &str) -> Result<String, String> {
    let found = match place.split_once(':') {
        Some(("env", name)) => env::var(name)
            .map_err(|_| format!("the variable `{name}`, which holds a password, is not set"))?,
        Some(("file", path)) => private(Path::new(path))?,
        _ => return Err(format!("`{place}` names no place of a password")),
    };
    let found = found.trim_end_matches(['\r', '\n']).to_owned();
    match found.is_empty() {
        true => Err(format!("`{place}` is empty, and should hold a password")),
        false => Ok(found),
    }
}

/// The text of a file that others may not read.
fn private(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let unread =
        |error: std::io::Error| format!("failed to read the password in `{shown}`: {error}");
    let open = fs::metadata(path).map_err(unread)?.permissions().mode() & 0o077;
    if open != 0 {
        return Err(format!(
            "others may read the password in `{shown}`: `chmod 600 {shown}`"
        ));
    }
    fs::read_to_string(path).map_err(unread)
}

/// The same as far as a sweep needs it: nothing is read of the program and of the machine.
///
/// # Errors
/// When there is no folder for journals.
pub fn sweeper() -> Result<Host, Failure> {
    Ok(Host {
        docker_host: docker_host(),
        ..Host::new(state_folder()?, program())
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
