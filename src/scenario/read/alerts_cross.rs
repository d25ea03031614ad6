//! What `alerting` and the drill's steps say about each other.

use crate::scenario::{
    Alerting, Dur, Expect, Goal, Scenario, Step, Within, problem::Problem, spans::Spans,
};

/// Expected alerts that no step waits for, waits that end before a target does, and waits without alerting.
pub fn problems(scenario: &Scenario, spans: &Spans) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut waits = 0;
    for (index, step) in scenario.drill.iter().enumerate() {
        let (name, within) = match step {
            Step::Expect(Expect::Alerted(within)) => ("alerted", within),
            Step::Expect(Expect::Resolved(within)) => ("resolved", within),
            _ => continue,
        };
        let index = index.to_string();
        let path = ["drill", &index, "expect", name];
        match &scenario.alerting {
            None => problems.push(spans.key_problem(
                &path,
                "there is no alerting in this scenario",
                "add `alerting: { expect: [...] }`, or remove the step",
            )),
            Some(alerting) if name == "alerted" => {
                waits += 1;
                problems.extend(wait_problem(alerting, within, &path, spans));
            }
            Some(_) => {}
        }
    }
    let expects = scenario
        .alerting
        .as_ref()
        .is_some_and(|it| !it.expect.is_empty());
    if expects && waits == 0 {
        problems.push(spans.key_problem(
            &["alerting", "expect"],
            "no step waits for the expected alerts",
            "add a step `- expect: { alerted: { within: 1m } }` behind the fault, before it is healed",
        ));
    }
    problems
}

fn wait_problem(
    alerting: &Alerting,
    within: &Within,
    path: &[&str],
    spans: &Spans,
) -> Option<Problem> {
    if alerting.expect.is_empty() {
        let help = "name them: `expect: [{ alert: RedisDown, firing: 30s }]`, or remove the step";
        return Some(spans.key_problem(path, "no alert is expected", help));
    }
    let longest = longest_target(alerting)?;
    let path = [path, &["within"]].concat();
    let message = format!(
        "the wait of {} is shorter than the target of {longest} for an alert",
        within.within
    );
    let help = format!("wait at least {longest}: an alert within its target must be seen");
    (within.within < longest).then(|| spans.problem(&path, message, help))
}

fn longest_target(alerting: &Alerting) -> Option<Dur> {
    let goals = alerting
        .expect
        .iter()
        .flat_map(|one| [Some(one.firing), one.delivered]);
    goals.flatten().filter_map(Goal::limit).max()
}
