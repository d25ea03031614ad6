//! The drills of calibration, and what they are run by.

use crate::{
    drill::{Aside, Plan, Stop, validate_against, validate_design},
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

    /// Whether there is time to observe once more what the machine was unfit for.
    fn again(&self) -> bool;

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
pub(super) fn plan(text: &str) -> Result<Plan, String> {
    let parsed =
        scenario::read("calibration", text, &[]).map_err(|problems| problems.to_string())?;
    let systems = catalogue::all();
    let offers: Vec<_> = systems.iter().map(|system| system.describe()).collect();
    let name = parsed.scenario.stack.keys().next().cloned();
    let system = systems
        .into_iter()
        .find(|system| Some(system.describe().name) == name.as_deref())
        .ok_or("there is no such system")?;
    let problems = validate_against(&parsed, &offers)
        .into_iter()
        .chain(validate_design(&parsed, system.as_ref()));
    let problems: Vec<String> = problems.map(|problem| problem.to_string()).collect();
    if !problems.is_empty() {
        return Err(problems.join("; "));
    }
    Plan::bind(&parsed, system).map_err(|issues| {
        let messages: Vec<String> = issues.into_iter().map(|issue| issue.message).collect();
        messages.join("; ")
    })
}
