//! Checks a drill of containers that drdrill did not create, and says what their owner must allow for it.

use crate::{
    runtime::Attached,
    scenario::{Allowance, Attach, Parsed, Problem, Scenario, Step},
    system::System,
};

use super::{Plan, steps};

impl Plan {
    /// What the file says of containers that run already, if it does.
    pub fn attach(&self) -> Option<&Attach> {
        attach(&self.scenario)
    }

    /// Holds what is found at the start against this plan's digest.
    pub fn agree_to(&mut self, digest: String) {
        self.agreed = Some(digest);
    }

    /// Which containers are to be taken, and what their owner must allow.
    pub fn attached(&self) -> Option<Attached> {
        let attach = self.attach()?;
        Some(Attached {
            project: attach.project.clone(),
            label: attach.label.clone(),
            needs: needs(&self.scenario),
            lease: attach.lease.0,
            drill: serde_json::to_string(&self.scenario).unwrap_or_default(),
            agreed: self.agreed.clone(),
        })
    }
}

fn attach(scenario: &Scenario) -> Option<&Attach> {
    scenario
        .stack
        .values()
        .find_map(|spec| spec.attach.as_ref())
}

/// The most that any of its steps needs.
fn needs(scenario: &Scenario) -> Allowance {
    let of = |step: &Step| match step {
        Step::Fault(fault) => fault.allowance(),
        _ => None,
    };
    let needed = scenario.drill.iter().filter_map(of).max();
    needed.unwrap_or(Allowance::Reversible)
}

/// What cannot be done near containers that drdrill did not create.
pub(super) fn problems(parsed: &Parsed, system: &dyn System) -> Vec<Problem> {
    let scenario = &parsed.scenario;
    let offer = system.describe();
    let Some(spec) = scenario
        .stack
        .get(offer.name)
        .filter(|spec| spec.attach.is_some())
    else {
        return Vec::new();
    };
    let own = ["stack", offer.name];
    let at = |key: &'static str| [own[0], own[1], key];
    let topology = spec.topology.as_deref();
    let topology = topology.or(offer.topologies.first().map(|one| one.name));
    let mut problems = Vec::new();
    let mut say = |path: &[&str], message: String, help: &str| {
        problems.push(parsed.spans.problem(path, message, help));
    };
    if !system.attaches(topology.unwrap_or_default()) {
        let message = format!(
            "drills of `{}` cannot be attached to running containers yet",
            offer.name
        );
        say(
            &at("attach"),
            message,
            "Redis and Valkey can, as `sentinel` and `replicas`; else remove the key",
        );
        return problems;
    }
    let given = [
        ("nodes", spec.nodes.is_some()),
        ("image", spec.image.is_some()),
        ("cpu", spec.cpu.is_some()),
    ];
    for (key, _) in given.into_iter().filter(|(_, given)| *given) {
        let message =
            format!("`{key}` has no meaning beside `attach`: the containers are there already");
        say(&at(key), message, "remove the key");
    }
    if scenario.alerting.is_some() {
        let message = "alerting beside containers that drdrill did not create is not supported yet";
        say(&["alerting"], message.into(), "remove the key");
    }
    for (index, step) in scenario.drill.iter().enumerate() {
        let index = index.to_string();
        match step {
            Step::Fault(fault) if fault.allowance().is_none() => {
                let message = format!(
                    "`{}` is not done near containers that drdrill did not create: its undo cannot be armed there",
                    fault.name()
                );
                let help = "choose `kill`, `stop`, `restart`, `pause`, `partition`, or a fault of packets such as `latency`";
                say(&["drill", &index, "fault", fault.name()], message, help);
            }
            step if is_left_alone(step) => {
                let message = format!(
                    "`{}` is not done near containers that drdrill did not create",
                    steps::title(step)
                );
                say(&["drill", &index], message, "remove the step");
            }
            _ => {}
        }
    }
    problems
}

/// Whether a step acts on the stack otherwise than by a fault.
fn is_left_alone(step: &Step) -> bool {
    !matches!(
        step,
        Step::Fault(_) | Step::Steady(_) | Step::Hold(_) | Step::Heal(_) | Step::Expect(_)
    )
}
