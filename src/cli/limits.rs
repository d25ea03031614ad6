//! How many files this process may hold open: connections of clients, and pipes and sockets of nodes and of the engine.

use drdrill::image::doctor::{Check, Fitness};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::exit::{Exit, Failure};

/// With fewer no drill is begun. A quickstart was seen to hold 33, the reference store's kill 26; clients of many lanes hold more.
const LEAST: u64 = 256;

/// What is taken where the machine allows it.
const WANTED: u64 = 65_536;

/// Raises the limit of this process as far as it may be, up to what is wanted.
///
/// # Errors
/// When so few are allowed that a drill would fail by that alone.
pub fn raise() -> Result<(), Failure> {
    let before = getrlimit(Resource::Nofile);
    let wanted = Some(allowed());
    if before.current.is_some() && before.current < wanted {
        let raised = Rlimit {
            current: wanted,
            maximum: before.maximum,
        };
        // Where it cannot be raised, what is there may be enough.
        let _ = setrlimit(Resource::Nofile, raised);
    }
    match getrlimit(Resource::Nofile).current {
        Some(open) if open < LEAST => Err(Failure::new(
            Exit::EnvironmentUnfit,
            format!("this process may hold {open} files open; a drill needs {LEAST}"),
            "run `ulimit -n 1024` in this shell first, or raise the limit of whatever starts drdrill",
        )),
        _ => Ok(()),
    }
}

/// How many files may be open at once, after raising: the hard limit, as far as it is of use.
fn allowed() -> u64 {
    getrlimit(Resource::Nofile)
        .maximum
        .unwrap_or(WANTED)
        .min(WANTED)
}

/// What `doctor` says of it.
pub fn check() -> Check {
    let allowed = allowed();
    let (fitness, cost) = if allowed < LEAST {
        let cost =
            format!("No drill is begun below {LEAST}: run `ulimit -n 1024` in this shell first.");
        (Fitness::Missing, cost)
    } else {
        (Fitness::Good, String::new())
    };
    Check {
        name: "open files".into(),
        found: format!("{allowed} at once"),
        fitness,
        cost,
    }
}
