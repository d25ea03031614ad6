//! Checks a drill of containers that drdrill did not create, and says what their owner must allow for it.

use crate::{
    fault::Permit,
    record::MemberKind,
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

    /// How many members faults may have out of service at a time, where that is limited.
    pub(super) fn permit(&self) -> Option<Permit> {
        let attach = self.attach()?;
        let deciding = self.design.names(MemberKind::Control);
        Some(Permit::of(attach.max_targets, deciding))
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
            "Redis and Valkey can, as `sentinel` and `replicas`, and `own` with a client program; else remove the key",
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
    let program = spec
        .attach
        .as_ref()
        .is_some_and(|attach| !attach.client.is_empty());
    if program && !system.only_attaches() {
        let message = format!(
            "drdrill acts on `{}` by itself, and starts no client program",
            offer.name
        );
        say(
            &["stack", offer.name, "attach", "client"],
            message,
            "remove the key",
        );
    }
    if system.only_attaches() && scenario.clients.app.is_some() {
        let message =
            "a client program has no pool, timeouts and retries of a driver that drdrill knows";
        say(&["clients", "app"], message.into(), "remove the key");
    }
    if scenario.alerting.is_some() {
        let message = "alerting beside containers that drdrill did not create is not supported yet";
        say(&["alerting"], message.into(), "remove the key");
    }
    problems.extend(step_problems(parsed));
    problems
}

/// The steps that are not done near such containers.
fn step_problems(parsed: &Parsed) -> Vec<Problem> {
    let steps = parsed.scenario.drill.iter().enumerate();
    let told = |(index, step): (usize, &Step)| {
        let index = index.to_string();
        match step {
            Step::Fault(fault) if fault.allowance().is_none() => {
                let message = format!(
                    "`{}` is not done near containers that drdrill did not create: its undo cannot be armed there",
                    fault.name()
                );
                let help = "choose `kill`, `stop`, `restart`, `pause`, `partition`, or a fault of packets such as `latency`";
                let path = ["drill", &index, "fault", fault.name()];
                Some(parsed.spans.problem(&path, message, help))
            }
            step if is_left_alone(step) => {
                let title = steps::title(step);
                let message =
                    format!("`{title}` is not done near containers that drdrill did not create");
                Some(
                    parsed
                        .spans
                        .problem(&["drill", &index], message, "remove the step"),
                )
            }
            _ => None,
        }
    };
    steps.filter_map(told).collect()
}

/// Whether a step acts on the stack otherwise than by a fault.
fn is_left_alone(step: &Step) -> bool {
    !matches!(
        step,
        Step::Fault(_) | Step::Steady(_) | Step::Hold(_) | Step::Heal(_) | Step::Expect(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        drill::example_fault,
        scenario::{FAULTS, read},
        system::catalogue,
    };

    const REDIS: &str = "redis: { attach: { data: [a, b], control: [s] } }";
    const OWN: &str = "own: { attach: { data: [a, b], client: [python3, client.py] } }";

    /// What is said of a stack, of clients, and of steps after the baseline.
    fn said(stack: &str, clients: &str, steps: &str) -> Vec<String> {
        let text = format!(
            "schema: 1\nname: a\nsummary: b\nstack: {{ {stack} }}\nclients: {{ {clients} }}\ntargets: {{ rto: any, rpo: any }}\n\
             drill: [ {{ steady: 20s }}, {steps} ]\n"
        );
        let parsed = read("a.yaml", &text, &[]).unwrap_or_else(|wrong| panic!("{text}{wrong:?}"));
        let problems = Plan::check(&parsed, &catalogue::all()).err();
        let all = problems.into_iter().flat_map(|problems| problems.all);
        all.map(|problem| problem.message().to_owned()).collect()
    }

    #[test]
    fn a_fault_without_an_undo_beside_the_containers_is_refused_and_every_other_is_not() {
        for facts in FAULTS {
            let fault = format!("{{ fault: {} }}", example_fault(facts.name, "primary"));
            let refused = said(REDIS, "", &format!("{fault}{}", rest(facts.name)));
            let Some(Step::Fault(example)) = read_step(&fault) else {
                panic!("{fault}")
            };
            match example.allowance() {
                Some(_) => assert!(refused.is_empty(), "{}: {refused:?}", facts.name),
                None => assert!(!refused.is_empty(), "{} is taken", facts.name),
            }
        }
    }

    /// What follows a fault: nothing is healed where nothing lasts.
    fn rest(kind: &str) -> &'static str {
        match ["noop", "restart", "reboot"].contains(&kind) {
            true => ", { hold: 2s }",
            false => ", { hold: 2s }, { heal: all }",
        }
    }

    fn read_step(fault: &str) -> Option<Step> {
        let text = format!(
            "schema: 1\nname: a\nsummary: b\nstack: {{ redis: {{}} }}\ntargets: {{ rto: any, rpo: any }}\n\
             drill: [ {{ steady: 20s }}, {fault}, {{ hold: 2s }}, {{ heal: all }} ]\n"
        );
        let parsed = read("a.yaml", &text, &[]).ok()?;
        parsed.scenario.drill.get(1).cloned()
    }

    #[test]
    fn what_has_no_meaning_beside_containers_that_run_already_is_told() {
        let noop = "{ fault: noop }, { hold: 2s }";
        assert_eq!(said(REDIS, "", noop), [] as [&str; 0]);
        assert_eq!(said(OWN, "", noop), [] as [&str; 0]);
        let one = |stack: &str, clients: &str, steps: &str, words: &str| {
            let all = said(stack, clients, steps);
            assert!(all.len() == 1 && all[0].contains(words), "{words}: {all:?}");
        };
        one(
            "redis: { nodes: 3, attach: { data: [a, b], control: [s] } }",
            "",
            noop,
            "`nodes` has no meaning",
        );
        one(
            "redis: { attach: { data: [a, b], control: [s], client: [x] } }",
            "",
            noop,
            "starts no client program",
        );
        one(
            "postgres: { attach: { data: [a, b] } }",
            "",
            noop,
            "cannot be attached",
        );
        one("own: {}", "", noop, "is a store that runs already");
        one(
            "own: { attach: { data: [a] } }",
            "",
            noop,
            "no program that acts",
        );
        one(
            OWN,
            "app: { lanes: 1, rate: 10/s }",
            noop,
            "no pool, timeouts and retries",
        );
        one(
            REDIS,
            "",
            "{ switchover: planned }, { hold: 2s }",
            "is not done near containers",
        );
    }
}
