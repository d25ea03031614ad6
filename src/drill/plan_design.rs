//! Checks a scenario against the stack that its system would build, before anything is created.

use crate::{
    record::MemberKind,
    scenario::{Condition, Parsed, Problem, Selector, Step, SystemSpec, suggest},
    system::{Design, Issue, System},
};

use super::{
    plan_clock::clock_problems, plan_inside::inside_problems, plan_regions::region_problems,
};

/// What the system itself finds wrong, and nodes named that the stack would not have. For scenarios that
/// fit the system's description.
pub fn validate_design(parsed: &Parsed, system: &dyn System) -> Vec<Problem> {
    let name = system.describe().name;
    let spec = parsed.scenario.stack.get(name).cloned();
    let route = parsed.scenario.clients.route.as_deref();
    match system.design(&spec.unwrap_or_else(SystemSpec::default), route) {
        Ok(design) => {
            let mut problems = unknown_nodes(parsed, &design);
            problems.extend(region_problems(parsed, name, &design));
            problems.extend(clock_problems(parsed, system, &design));
            problems.extend(inside_problems(parsed, system, &design));
            problems.extend(backup_problems(parsed, system, &design));
            problems.extend(condition_problems(parsed, &design));
            problems
        }
        Err(issues) => issue_problems(parsed, name, issues),
    }
}

/// Backups and restores of a stack that keeps none.
fn backup_problems(parsed: &Parsed, system: &dyn System, design: &Design) -> Vec<Problem> {
    if system.keeps_backups(design) {
        let target = parsed.scenario.targets.archive_lag;
        let target = target.filter(|_| !system.keeps_log(design)).map(|_| {
            let message = "nothing of this stack's log is kept apart from it as it is written";
            let help = "remove it, or keep backups with a log, where this system can: this way, only a restore shows what a disaster takes";
            parsed
                .spans
                .problem(&["targets", "archive-lag"], message, help)
        });
        return target.into_iter().collect();
    }
    let problem = |path: &[&str]| {
        let message = "this stack keeps no backups";
        let help = "with PostgreSQL streaming or replication of MySQL or MariaDB write `backup: stream` below `settings`, with Redis and Valkey `backup: aof`, with a MongoDB replica set `backup: delayed`; elsewhere there are none yet";
        parsed.spans.problem(path, message, help)
    };
    let steps = parsed.scenario.drill.iter().enumerate();
    let steps = steps.filter_map(|(index, step)| {
        let key = match step {
            Step::Backup(_) => "backup",
            Step::Restore(_) => "restore",
            _ => return None,
        };
        Some(problem(&["drill", &index.to_string(), key]))
    });
    let target = parsed.scenario.targets.archive_lag;
    let target = target.map(|_| problem(&["targets", "archive-lag"]));
    target.into_iter().chain(steps).collect()
}

/// Conditions on etcd where it stands on machines of its own. That a topology has none at all is told before.
fn condition_problems(parsed: &Parsed, design: &Design) -> Vec<Problem> {
    let of = |kind| design.members.iter().filter(move |one| one.kind == kind);
    let apart = of(MemberKind::Control)
        .all(|control| of(MemberKind::Data).all(|data| data.host != control.host));
    let mut problems = Vec::new();
    for (index, step) in parsed.scenario.drill.iter().enumerate() {
        let Step::Fault(fault) = step else { continue };
        let asked = fault.conditions();
        for (key, condition) in [("and", asked.and), ("unless", asked.unless)] {
            if apart && condition == Some(Condition::EtcdLeader) {
                let path = ["drill", &index.to_string(), "fault", fault.name(), key];
                let message = "etcd stands on machines of its own here, so that no server's machine holds its leader";
                let help = "remove the condition, or set `etcd: beside`";
                problems.push(parsed.spans.problem(&path, message, help));
            }
        }
    }
    problems
}

/// What a system finds wrong with its part of the stack, at its places.
pub(super) fn issue_problems(parsed: &Parsed, system: &str, issues: Vec<Issue>) -> Vec<Problem> {
    let problem = |issue: Issue| {
        let below = issue.path.iter().map(String::as_str);
        let path: Vec<&str> = ["stack", system].into_iter().chain(below).collect();
        parsed.spans.problem(&path, issue.message, issue.help)
    };
    issues.into_iter().map(problem).collect()
}

fn unknown_nodes(parsed: &Parsed, design: &Design) -> Vec<Problem> {
    let known: Vec<&str> = design.members.iter().map(|m| m.name.as_str()).collect();
    let choices = [suggest::ROLES, &known].concat();
    let mut problems = Vec::new();
    for (index, step) in parsed.scenario.drill.iter().enumerate() {
        let index = index.to_string();
        for (keys, selector) in selectors(step) {
            let Selector::Named(name) = selector else {
                continue;
            };
            if !known.contains(&name.as_str()) {
                let path: Vec<&str> = ["drill", &index].into_iter().chain(keys).collect();
                let message = format!("there is no node or role `{name}` in this stack");
                problems.push(
                    parsed
                        .spans
                        .problem(&path, message, suggest::help(name, &choices)),
                );
            }
        }
    }
    problems
}

/// Everyone whom a step names, and under which keys.
pub(super) fn selectors(step: &Step) -> Vec<(Vec<&'static str>, &Selector)> {
    match step {
        Step::Steady(_)
        | Step::Hold(_)
        | Step::Capacity(_)
        | Step::Runbook(_)
        | Step::Consumer(_)
        | Step::Expect(_)
        | Step::Heal(_)
        | Step::Backup(_)
        | Step::Restore(_) => Vec::new(),
        Step::Switchover(to) => to
            .to
            .iter()
            .map(|to| (vec!["switchover", "to"], to))
            .collect(),
        Step::Failback(to) => to
            .to
            .iter()
            .map(|to| (vec!["failback", "to"], to))
            .collect(),
        Step::Fault(fault) => {
            let named = fault.named().into_iter();
            named
                .map(|(key, selector)| (vec!["fault", fault.name(), key], selector))
                .collect()
        }
    }
}
