//! Checks runbooks of the user's own against the system and the targets, before anything is created.

use crate::{
    scenario::{
        Act, BEST, Goal, OwnRunbook, Parsed, Problem, Rpo, RunbookEnd, Scenario, Selector, Spans,
        Step, Targets, Task, suggest,
    },
    system::{Design, System},
};

use super::{plan_checks::Bound, runbook_files::Places};

/// A runbook, and where its steps stand.
struct Placed<'p> {
    own: &'p OwnRunbook,
    spans: &'p Spans,
    /// The path to `steps`.
    path: Vec<String>,
}

impl<'p> Placed<'p> {
    fn all(parsed: &'p Parsed, places: &'p Places) -> Vec<Self> {
        let own = parsed.scenario.drill.own_runbooks();
        own.map(|(index, own)| {
            let (spans, path) = match places.get(&index) {
                Some(spans) => (spans, vec!["steps".to_owned()]),
                None => {
                    let path = ["drill", &index.to_string(), "runbook", "steps"];
                    (&parsed.spans, path.map(str::to_owned).to_vec())
                }
            };
            Self { own, spans, path }
        })
        .collect()
    }

    fn tasks(&self) -> impl Iterator<Item = (usize, &Task)> {
        self.own.steps.iter().enumerate()
    }

    /// A problem with what stands under the word of a step.
    fn problem(&self, place: usize, keys: &[&str], message: String, help: String) -> Problem {
        let place = place.to_string();
        let head = self.path.iter().map(String::as_str);
        let path: Vec<&str> = head
            .chain([place.as_str()])
            .chain(keys.iter().copied())
            .collect();
        self.spans.problem(&path, message, help)
    }
}

/// What the stack has not got, and targets that would not hold people's time.
pub(super) fn problems(parsed: &Parsed, places: &Places, system: &dyn System) -> Vec<Problem> {
    let offer = system.describe();
    let Some(spec) = parsed.scenario.stack.get(offer.name) else {
        return Vec::new();
    };
    let Some(bound) = Bound::of(parsed, spec, &offer) else {
        return Vec::new();
    };
    let route = parsed.scenario.clients.route.as_deref();
    let design = system.design(spec, route).ok();
    let all = Placed::all(parsed, places);
    let mut problems: Vec<Problem> = all
        .iter()
        .flat_map(|placed| {
            placed
                .tasks()
                .map(move |(place, task)| (placed, place, task))
        })
        .filter_map(|(placed, place, task)| {
            not_by_hand(placed, place, task, &bound)
                .or_else(|| no_member(placed, place, task, design.as_ref()?))
                .or_else(|| no_role(placed, place, task, &bound))
        })
        .collect();
    problems.extend(without_people(parsed));
    problems
}

/// A promotion where nobody promotes by hand.
fn not_by_hand(
    placed: &Placed<'_>,
    place: usize,
    task: &Task,
    bound: &Bound<'_>,
) -> Option<Problem> {
    let act = &task.act;
    let by_hand = matches!(act, Act::Promote(_) | Act::Repoint(_) | Act::Refollow(_));
    let topology = bound.topology;
    (by_hand && topology.runbooks.is_empty()).then(|| {
        let message = format!("nothing of `{}` is promoted by hand", topology.name);
        let help = format!("it fails over by itself: remove the step `{}`", act.name());
        placed.problem(place, &[act.name()], message, help)
    })
}

/// A node that is not in the stack.
fn no_member(placed: &Placed<'_>, place: usize, task: &Task, design: &Design) -> Option<Problem> {
    let name = match (&task.act, selector(&task.act)) {
        (Act::Promote(name), _) if name != BEST => name,
        (_, Some(Selector::Named(name))) => name,
        _ => return None,
    };
    let known: Vec<&str> = design.members.iter().map(|m| m.name.as_str()).collect();
    (!known.contains(&name.as_str())).then(|| {
        let choices = match task.act {
            Act::Promote(_) => [&[BEST], known.as_slice()].concat(),
            _ => [suggest::ROLES, &known].concat(),
        };
        let message = format!("there is no node or role `{name}` in this stack");
        placed.problem(
            place,
            keys(&task.act),
            message,
            suggest::help(name, &choices),
        )
    })
}

/// A role that no node of the topology holds.
fn no_role(placed: &Placed<'_>, place: usize, task: &Task, bound: &Bound<'_>) -> Option<Problem> {
    let selector = selector(&task.act)?;
    let place = place.to_string();
    let head = placed.path.iter().map(String::as_str);
    let path: Vec<&str> = head.chain([place.as_str()]).collect();
    let there = Bound {
        spans: placed.spans,
        ..*bound
    };
    there.selector_problem(&[&path[..], keys(&task.act)].concat(), selector)
}

/// Whom a step names by role.
fn selector(act: &Act) -> Option<&Selector> {
    match act {
        Act::Fence(selector) => Some(selector),
        Act::Run(command) => Some(&command.node),
        _ => None,
    }
}

/// Where it names them.
fn keys(act: &Act) -> &'static [&'static str] {
    match act {
        Act::Fence(_) => &["fence"],
        Act::Run(_) => &["run", "node"],
        Act::Promote(_) => &["promote"],
        _ => &[],
    }
}

/// Targets that would be judged without the time that people take, although it belongs to them: the drill does not wait.
fn without_people(parsed: &Parsed) -> Vec<Problem> {
    let scenario = &parsed.scenario;
    let mut own = scenario.drill.own_runbooks();
    let mut tasks = own.by_ref().flat_map(|(_, own)| &own.steps);
    if !tasks.any(|task| matches!(task.act, Act::Person(_))) {
        return Vec::new();
    }
    let limited = longer(&scenario.targets).into_iter();
    let limited = limited.filter(|(_, limited)| *limited);
    let over = limited.map(|(name, _)| {
        let message = format!(
            "`{name}` would not hold the time that people take: the drill does not wait for them"
        );
        let help = "write `any`, and judge `rto`: it is also judged with their time";
        parsed.spans.problem(&["targets", name], message, help)
    });
    over.chain(lost_meanwhile(scenario, parsed)).collect()
}

/// Times and shares that people's time would make longer or worse.
fn longer(targets: &Targets) -> [(&'static str, bool); 8] {
    fn limited<T>(goal: &Option<Goal<T>>) -> bool {
        matches!(goal, Some(Goal::Limit(_)))
    }
    [
        ("availability", limited(&targets.availability)),
        ("rto-slo", limited(&targets.rto_slo)),
        ("max-gap", limited(&targets.max_gap)),
        ("unavailable-total", limited(&targets.unavailable_total)),
        ("fencing", limited(&targets.fencing)),
        ("staleness", limited(&targets.staleness)),
        ("rebalance", limited(&targets.rebalance)),
        ("redundancy-restored", limited(&targets.redundancy_restored)),
    ]
}

/// A limit of loss where clients may go on being acknowledged by who was struck: they would lose more while people decide.
fn lost_meanwhile(scenario: &Scenario, parsed: &Parsed) -> Option<Problem> {
    let limited = scenario.targets.rpo.as_ref().is_some_and(Rpo::limits);
    let mut faults = scenario.drill.iter().filter_map(|step| match step {
        Step::Fault(fault) => Some(fault),
        _ => None,
    });
    let serving = faults.find(|fault| fault.serves_on()).filter(|_| limited)?;
    let message = format!(
        "`rpo` would not hold what is lost while people decide: clients may go on writing to the victim of `{}`",
        serving.name()
    );
    let help = "write `rpo: any`, or a fault that takes the victim away from its clients";
    Some(parsed.spans.problem(&["targets", "rpo"], message, help))
}

/// What a person should know: a runbook that would act on a service that is well.
pub(super) fn unchecked(scenario: &Scenario) -> Vec<String> {
    let own = scenario.drill.own_runbooks();
    let bold = own.filter(|(_, own)| own.expect == RunbookEnd::Done && own.acts_unchecked());
    bold.map(|(index, own)| {
        format!(
            "the runbook {} (step {}) acts before any `check`: started by mistake, it would act on a service that is well",
            own.name(),
            index + 1
        )
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        drill::{Plan, warnings},
        scenario::read,
        system::catalogue,
    };

    fn planned(stack: &str, targets: &str, runbook: &str) -> Result<Plan, Vec<String>> {
        let text = format!(
            "schema: 1\nname: a\nsummary: b\nstack: {{ {stack} }}\ntargets: {{ rto: 1m, rpo: any{targets} }}\n\
             drill: [ {{ steady: 10s }}, {{ fault: {{ kill: primary }} }}, {{ runbook: {runbook} }},\n\
             {{ expect: {{ recovered: {{ within: 1m }} }} }} ]\n"
        );
        let parsed = read("scenarios/a.yaml", &text, &[]).expect("a scenario");
        let told = |problems: crate::scenario::Problems| {
            let all = problems.all.into_iter();
            all.map(|problem| problem.message().to_owned()).collect()
        };
        Plan::check(&parsed, &catalogue::all()).map_err(told)
    }

    fn said(stack: &str, targets: &str, runbook: &str) -> Vec<String> {
        planned(stack, targets, runbook).err().unwrap_or_default()
    }

    const REPLICAS: &str = "redis: { topology: replicas }";

    #[test]
    fn nodes_and_roles_that_the_stack_has_not_are_told_at_once() {
        let runbook = "{ steps: [ { fence: old-primary }, { promote: redis9 }, { run: { node: 'replica[7]', command: w } },\n\
                       { run: { node: pg1, command: w } } ] }";
        let nobody = |name| format!("there is no node or role `{name}` in this stack");
        let told = said(REPLICAS, "", runbook);
        assert_eq!(told.len(), 3, "{told:?}");
        assert_eq!(told[0], nobody("redis9"));
        assert_eq!(told[2], nobody("pg1"));
    }

    #[test]
    fn what_fails_over_by_itself_is_not_promoted_by_hand() {
        let runbook = "{ steps: [ { promote: best }, { repoint: clients } ] }";
        let nothing = "nothing of `sentinel` is promoted by hand";
        assert_eq!(said("redis: {}", "", runbook), [nothing, nothing]);
        assert!(said(REPLICAS, "", runbook).is_empty());
    }

    #[test]
    fn a_file_that_is_not_there_or_wrong_is_told_with_the_rest() {
        let told = said(
            "redis: { topology: replicas, nodes: 9 }",
            "",
            "nowhere.yaml",
        );
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told.iter()
                .any(|it| it.starts_with("failed to read the runbook `nowhere.yaml`"))
        );
        let own = "../runbooks/fail-over-by-hand.yaml";
        let plan = planned(REPLICAS, "", own).expect("a plan");
        let called = plan.scenario.drill.iter().find_map(|step| match step {
            crate::scenario::Step::Runbook(called) => called.own(),
            _ => None,
        });
        assert!(called.expect("a runbook").steps.len() > 5);
    }

    #[test]
    fn a_target_over_the_whole_run_would_not_hold_what_people_take() {
        let runbook =
            "{ steps: [ { person: { who: a, does: b, takes: 3m } }, { promote: best } ] }";
        let told = said(REPLICAS, ", availability: 90%, max-gap: 1m", runbook);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(said(REPLICAS, ", max-gap: any", runbook).is_empty());
        let nobody = "{ steps: [ { promote: best } ] }";
        assert!(said(REPLICAS, ", max-gap: 1m", nobody).is_empty());
    }

    #[test]
    fn loss_grows_while_people_decide_where_the_victim_serves_on() {
        let told = |fault: &str, targets: &str| {
            let text = format!(
                "schema: 1\nname: a\nsummary: b\nstack: {{ {REPLICAS} }}\ntargets: {{ rto: 5m, {targets} }}\n\
                 drill: [ {{ steady: 10s }}, {{ fault: {fault} }}, {{ runbook: {{ steps: [\n\
                 {{ person: {{ who: a, does: b, takes: 3m }} }}, {{ promote: best }} ] }} }}, {{ hold: 1s }} ]\n"
            );
            let parsed = read("a.yaml", &text, &[]).expect("a scenario");
            let problems = Plan::check(&parsed, &catalogue::all()).err();
            problems.map_or(0, |problems| problems.all.len())
        };
        let limit = "rpo: { count: 5 }";
        for serves in [
            "{ partition: { isolate: primary, clients: keep } }",
            "{ partition: { isolate: primary, clients: isolated } }",
        ] {
            assert_eq!(
                (told(serves, limit), told(serves, "rpo: any")),
                (1, 0),
                "{serves}"
            );
        }
        for gone in [
            "{ kill: primary }",
            "{ pause: primary }",
            "{ partition: { isolate: primary } }",
        ] {
            assert_eq!(told(gone, limit), 0, "{gone}");
        }
        assert_eq!(
            told("{ kill: primary }", "rpo: any, fencing: 5s, staleness: 1s"),
            2
        );
    }

    #[test]
    fn a_runbook_that_acts_before_it_looks_is_told() {
        let warned = |steps: &str| {
            let plan = planned(REPLICAS, "", &format!("{{ steps: [ {steps} ] }}"));
            let all = warnings(&plan.expect("a plan").scenario);
            all.iter()
                .filter(|it| it.contains("acts before any"))
                .count()
        };
        assert_eq!(warned("{ promote: best }, { check: { primary: up } }"), 1);
        assert_eq!(warned("{ check: { primary: down } }, { promote: best }"), 0);
    }
}
