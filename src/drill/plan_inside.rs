//! Checks what a scenario does inside a node, among its own processes and to its disk, before anything is created.

use crate::{
    record::MemberKind,
    runtime::RuntimeKind,
    scenario::{Need, Parsed, Problem, Selector, Step, suggest},
    system::{Design, System},
};

/// Limits, disks, names and certificates of nodes that hold no data, names that nobody looks up or nobody has, and certificates that
/// nobody presents.
pub fn inside_problems(parsed: &Parsed, system: &dyn System, design: &Design) -> Vec<Problem> {
    let offer = system.describe();
    if offer.runtime == RuntimeKind::Process {
        return Vec::new();
    }
    let mut problems = Vec::new();
    for (index, step) in parsed.scenario.drill.iter().enumerate() {
        let Step::Fault(fault) = step else {
            continue;
        };
        let index = index.to_string();
        let path = ["drill", &index, "fault", fault.name()];
        for need in fault.needs() {
            let lacking = match need {
                Need::Data(lost) => fault.node().and_then(|node| holds_none(node, lost, design)),
                Need::Names(names) => unresolved(names, system, design),
                Need::Certificates => certificates(system, design),
                _ => None,
            };
            problems.extend(
                lacking.map(|(message, help)| parsed.spans.key_problem(&path, message, help)),
            );
        }
    }
    problems
}

fn holds_none(node: &Selector, lost: &str, design: &Design) -> Option<(String, String)> {
    let Selector::Named(name) = node else {
        return None;
    };
    let member = design.members.iter().find(|m| m.name.as_str() == name)?;
    (member.kind != MemberKind::Data).then(|| {
        let message = format!("`{name}` holds no data, {lost}");
        (message, "choose a node that holds data".to_owned())
    })
}

/// What is wrong with the names that are to go wrong.
fn unresolved(names: &[String], system: &dyn System, design: &Design) -> Option<(String, String)> {
    if !system.resolves_names(design) {
        let message = "no member of this stack looks another one up by its name: they are told fixed addresses";
        let help = "with PostgreSQL streaming write `names: true` below `settings`; elsewhere use `partition`";
        return Some((message.to_owned(), help.to_owned()));
    }
    let known: Vec<&str> = design.members.iter().map(|m| m.name.as_str()).collect();
    let unknown = names.iter().find(|name| !known.contains(&name.as_str()))?;
    let message =
        format!("there is no member `{unknown}` in this stack whose name could be looked up");
    Some((message, suggest::help(unknown, &known)))
}

/// What is wrong with a certificate that is to expire.
fn certificates(system: &dyn System, design: &Design) -> Option<(String, String)> {
    if system.presents_certificates(design) {
        return None;
    }
    let message = "no server of this stack presents a certificate";
    let help = "with PostgreSQL streaming write `tls: true` below `settings`; elsewhere there is none to expire";
    Some((message.to_owned(), help.to_owned()))
}
