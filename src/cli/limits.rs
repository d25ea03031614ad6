//! How many files this process may hold open: connections of clients, and pipes and sockets of nodes and of the engine.

use drdrill::image::doctor::{Check, Fitness};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::exit::{Exit, Failure};

/// With fewer no drill is begun: one of three nodes and two lanes holds about 60, and each lane of a client more.
const LEAST: u64 = 256;

/// What is taken where the machine allows it: a client of 1,000 lanes, and as many nodes as one machine carries.
const WANTED: u64 = 65_536;

/// Raises the limit of this process as far as it may be, up to what is wanted.
///
/// # Errors
/// When so few are allowed that a drill would fail by that alone.
pub fn raise() -> Result<(), Failure> {
    let allowed = allowed();
    if allowed < LEAST {
        return Err(Failure::new(
            Exit::EnvironmentUnfit,
            format!("this process may hold {allowed} files open; a drill needs {LEAST}"),
            "run `ulimit -n 1024` in this shell first, or raise the limit of whatever starts drdrill",
        ));
    }
    let now = getrlimit(Resource::Nofile);
    if now.current.is_some_and(|soft| soft < allowed) {
        let raised = Rlimit {
            current: Some(allowed),
            maximum: now.maximum,
        };
        // A soft limit that is enough stays as it is where it cannot be raised.
        let refused = setrlimit(Resource::Nofile, raised).is_err();
        if refused && now.current < Some(LEAST) {
            return Err(Failure::new(
                Exit::EnvironmentUnfit,
                "the limit of open files cannot be raised",
                "run `ulimit -n 1024` in this shell first",
            ));
        }
    }
    Ok(())
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
