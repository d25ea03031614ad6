//! What `doctor` says of the files that this process may hold open.

use drdrill::{
    image::doctor::{Check, Fitness},
    local::{LEAST_OPEN_FILES, allowed_open_files},
};

/// Whether they are enough for a drill.
pub fn check() -> Check {
    let allowed = allowed_open_files();
    let (fitness, cost) = if allowed < LEAST_OPEN_FILES {
        let cost = format!(
            "No drill is begun below {LEAST_OPEN_FILES}: run `ulimit -n 1024` in this shell first."
        );
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
