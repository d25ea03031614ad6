//! How many files this process may hold open: connections of clients, and pipes and sockets of nodes and of the engine.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Unfit;

/// With fewer no drill is begun. A quickstart was seen to hold 33, the reference store's kill 26; clients of many lanes hold more.
pub const LEAST_OPEN_FILES: u64 = 256;

/// What is taken where the machine allows it.
const WANTED: u64 = 65_536;

/// Raises the limit of this process as far as it may be, up to what is wanted.
///
/// # Errors
/// When so few are allowed that a drill would fail by that alone.
pub fn raise_open_files() -> Result<(), Unfit> {
    let before = getrlimit(Resource::Nofile);
    let wanted = Some(allowed_open_files());
    if before.current.is_some() && before.current < wanted {
        let raised = Rlimit {
            current: wanted,
            maximum: before.maximum,
        };
        // Where it cannot be raised, what is there may be enough.
        let _ = setrlimit(Resource::Nofile, raised);
    }
    match getrlimit(Resource::Nofile).current {
        Some(open) if open < LEAST_OPEN_FILES => Err(Unfit {
            what: format!(
                "this process may hold {open} files open; a drill needs {LEAST_OPEN_FILES}"
            ),
            help: "run `ulimit -n 1024` in this shell first, or raise the limit of whatever starts drdrill",
        }),
        _ => Ok(()),
    }
}

/// How many files may be open at once, after raising: the hard limit, as far as it is of use.
pub fn allowed_open_files() -> u64 {
    getrlimit(Resource::Nofile)
        .maximum
        .unwrap_or(WANTED)
        .min(WANTED)
}
