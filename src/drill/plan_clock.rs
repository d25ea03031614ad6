//! Checks what a scenario says of clocks, before anything is created.

use crate::{
    record::MemberKind,
    runtime::RuntimeKind,
    scenario::{Need, Parsed, Problem, Selector, Step},
    system::{Design, System},
};

/// Go programs, by their images and by the systems that they are: they ask the kernel for the time, and no library in between.
const GO: [&str; 2] = ["etcd", "toxiproxy"];

/// Faults of clocks where no clock can be changed, or nobody tells its time.
pub fn clock_problems(parsed: &Parsed, system: &dyn System, design: &Design) -> Vec<Problem> {
    let offer = system.describe();
    let mut problems = Vec::new();
    for (index, step) in parsed.scenario.drill.iter().enumerate() {
        let Step::Fault(fault) = step else {
            continue;
        };
        if !fault.needs().contains(&Need::Clock) {
            continue;
        }
        let refused = if offer.runtime == RuntimeKind::Process {
            Some((
                format!(
                    "`{}` runs as processes on this machine, which share its clock",
                    offer.name
                ),
                "use a system that runs in containers",
            ))
        } else if system.tell_time().is_empty() {
            let message = match GO.contains(&offer.name) {
                true => asks_the_kernel("a server", offer.name),
                false => format!(
                    "servers of `{}` are not asked for their time yet",
                    offer.name
                ),
            };
            let help = "use Redis, Valkey, PostgreSQL, MySQL, MariaDB, MongoDB or Kafka";
            Some((message, help))
        } else {
            let node = fault.node();
            node.and_then(|node| named(node, design, system.tell_time()))
        };
        if let Some((message, help)) = refused {
            let index = index.to_string();
            let path = ["drill", &index, "fault", fault.name()];
            problems.push(parsed.spans.key_problem(&path, message, help));
        }
    }
    problems
}

/// What is wrong with a node that is named.
fn named(
    node: &Selector,
    design: &Design,
    telling: &[MemberKind],
) -> Option<(String, &'static str)> {
    let Selector::Named(name) = node else {
        return None;
    };
    let member = design.members.iter().find(|m| m.name.as_str() == name)?;
    if telling.contains(&member.kind) {
        return None;
    }
    let program = GO.iter().find(|program| member.image.contains(**program));
    let message = match program {
        Some(program) => asks_the_kernel(&format!("`{name}`"), program),
        None => {
            format!("the clock of `{name}` could be changed, and nobody could ask it for its time")
        }
    };
    Some((message, "choose a node that holds data"))
}

fn asks_the_kernel(whose: &str, program: &str) -> String {
    format!(
        "the clock of {whose} cannot be changed: {program} is a Go program, which asks the kernel itself, so that no library can tell it another time"
    )
}
