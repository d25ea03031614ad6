//! The drills of calibration, and what they are run by.

use crate::{
    drill::{Aside, Plan, Stop},
    scenario,
    seed::Seed,
    session::{self, Host, Observed},
    system::catalogue,
};

/// Where calibration runs its drills.
pub trait Field: Send + Sync {
    /// What runs them.
    fn host(&self) -> &Host;

    /// How a person stops it.
    fn stop(&self) -> Stop;

    /// Whether there is time to observe once more what the machine was unfit for: so many drills, one after the other.
    fn again(&self, drills: u32) -> bool;

    /// Tells a person how it goes.
    fn say(&self, text: &str);
}

/// Runs the drill that a scenario's text describes, with witnesses beside it.
///
/// # Errors
/// When it cannot be planned, has no machines, was not completed or left something behind.
pub async fn observe(
    text: &str,
    asides: Vec<Aside>,
    field: &dyn Field,
    seed: Seed,
) -> Result<Observed, String> {
    session::observe(&plan(text)?, asides, field.host(), seed, field.stop()).await
}

/// Binds a scenario's text.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn plan(text: &str) -> Result<Plan, String> {
    let plan = scenario::read("calibration", text, &[])
        .and_then(|parsed| Plan::check(&parsed, &catalogue::all()));
    plan.map_err(|problems| {
        let all: Vec<String> = problems.all.iter().map(ToString::to_string).collect();
        all.join("; ")
    })
}
