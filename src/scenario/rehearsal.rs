//! A rehearsal: a drill without what it breaks.

use std::time::Duration;

use super::{Dur, Scenario, Step};

/// How long the clients go on after nothing was done.
const AFTER: Dur = Dur(Duration::from_secs(5));

/// How long whole stacks may take to say that they are whole.
const WHOLE: Dur = Dur(Duration::from_secs(60));

/// What is replaced in a scenario to rehearse it: its stack, clients and alerting stay; of its steps only the undisturbed
/// time, then nothing is done and the stack must be whole; of its targets that nothing is lost, and its consistency. Its own
/// values that speak of steps go, and the alerts that it expects of them: none may fire. Once
/// is enough. `key=value` pairs as of `--set`.
pub fn rehearsal(scenario: &Scenario) -> Vec<(String, String)> {
    let steady = scenario.drill.iter().find_map(|step| match step {
        Step::Steady(time) => Some(*time),
        _ => None,
    });
    let steady = steady.unwrap_or(Dur(Duration::from_secs(10)));
    let steps = format!(
        "[{{ steady: {steady} }}, {{ fault: noop }}, {{ hold: {AFTER} }}, {{ expect: {{ redundant: {{ within: {WHOLE} }} }} }}]"
    );
    // What clients of a consistency model must see holds without a fault too.
    let consistency = scenario.targets.consistency.and_then(|it| {
        let name = serde_json::to_value(it).ok()?;
        Some(format!(", consistency: {}", name.as_str()?))
    });
    let targets = format!(
        "{{ rto: any, rpo: {{ count: 0 }}{} }}",
        consistency.unwrap_or_default()
    );
    let mut pairs = vec![
        ("drill", steps.as_str()),
        ("headline", "1"),
        ("must-fail", "[]"),
        ("repeat", "1"),
        ("targets", targets.as_str()),
    ];
    if scenario.alerting.is_some() {
        pairs.push(("alerting.expect", "[]"));
    }
    let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    pairs.into_iter().map(owned).collect()
}
