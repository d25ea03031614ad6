//! Checks what a scenario does inside a node, among its own processes and to its disk, before anything is created.

use crate::{
    record::MemberKind,
    scenario::{Dns, Fault, Parsed, Problem, Selector, Step, suggest},
    system::{Design, System},
};

/// Limits, disks, names and certificates of nodes that hold no data, names that nobody looks up or nobody has, and certificates that
/// nobody presents.
pub fn inside_problems(parsed: &Parsed, system: &dyn System, design: &Design) -> Vec<Problem> {
    let offer = system.describe();
    if offer.runtime == "process" {
        return Vec::new();
    }
    let mut problems = Vec::new();
    for (index, step) in parsed.scenario.drill.iter().enumerate() {
        let Step::Fault(fault) = step else {
            continue;
        };
        let (node, lacking) = match fault {
            Fault::Descriptors(few) => (&few.node, None),
            Fault::Dns(dns) => (&dns.node, names(dns, system, design)),
            Fault::Certificate(certificate) => (&certificate.node, certificates(system, design)),
            fault => match fault.disk() {
                Some(disk) => (&disk.node, None),
                None => continue,
            },
        };
        let lost = match fault.disk() {
            Some(_) => "and no disk that can go wrong",
            None => "and nobody asks it on a new connection",
        };
        let kind = fault.name();
        let index = index.to_string();
        let path = ["drill", &index, "fault", kind];
        if let Some(name) = holds_none(node, design) {
            problems.push(parsed.spans.key_problem(
                &path,
                format!("`{name}` holds no data, {lost}"),
                "choose a node that holds data",
            ));
        }
        if let Some((message, help)) = lacking {
            problems.push(parsed.spans.key_problem(&path, message, help));
        }
    }
    problems
}

fn holds_none<'s>(node: &'s Selector, design: &Design) -> Option<&'s str> {
    let Selector::Named(name) = node else {
        return None;
    };
    let member = design.members.iter().find(|m| m.name.as_str() == name)?;
    (member.kind != MemberKind::Data).then_some(name.as_str())
}

/// What is wrong with the names that are to go wrong.
fn names(dns: &Dns, system: &dyn System, design: &Design) -> Option<(String, String)> {
    if !system.resolves_names(design) {
        let message = "no member of this stack looks another one up by its name: they are told fixed addresses";
        let help = "with PostgreSQL streaming write `names: true` below `settings`; elsewhere use `partition`";
        return Some((message.to_owned(), help.to_owned()));
    }
    let known: Vec<&str> = design.members.iter().map(|m| m.name.as_str()).collect();
    let unknown = dns
        .names
        .iter()
        .find(|name| !known.contains(&name.as_str()))?;
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
