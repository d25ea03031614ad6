//! Checks what a scenario says of regions, before anything is created.

use std::collections::BTreeMap;

use crate::{
    scenario::{Parsed, Problem, Selector, suggest},
    system::Design,
};

use super::plan_design::selectors;

/// Nodes that the stack would not have, machines in two regions, regions that steps speak of and the stack has not.
pub fn region_problems(parsed: &Parsed, system: &str, design: &Design) -> Vec<Problem> {
    let none = BTreeMap::new();
    let spec = parsed.scenario.stack.get(system);
    let regions = spec.map_or(&none, |spec| &spec.regions);
    let mut problems = placed(parsed, system, regions, design);
    let known: Vec<&str> = regions.keys().map(String::as_str).collect();
    for (index, step) in parsed.scenario.drill.iter().enumerate() {
        let index = index.to_string();
        for (keys, selector) in selectors(step) {
            let Selector::Region(name) = selector else {
                continue;
            };
            let moves = matches!(keys.first(), Some(&("switchover" | "failback")));
            let (message, help) = if moves {
                (
                    "a region is no node that the primary could move to".to_owned(),
                    "name one of its nodes".to_owned(),
                )
            } else if !regions.contains_key(name) {
                (
                    format!("there is no region `{name}` in this stack"),
                    if known.is_empty() {
                        format!(
                            "say which nodes lie in it: `regions: {{ {name}: [...] }}` below `{system}`"
                        )
                    } else {
                        suggest::help(name, &known)
                    },
                )
            } else {
                continue;
            };
            let path: Vec<&str> = ["drill", &index].into_iter().chain(keys).collect();
            problems.push(parsed.spans.problem(&path, message, help));
        }
    }
    problems
}

/// Whether each node is known, and each machine lies in one region only.
fn placed(
    parsed: &Parsed,
    system: &str,
    regions: &BTreeMap<String, Vec<String>>,
    design: &Design,
) -> Vec<Problem> {
    let known: Vec<&str> = design.members.iter().map(|m| m.name.as_str()).collect();
    let host = |node: &str| {
        let member = design.members.iter().find(|m| m.name.as_str() == node)?;
        Some(member.host.as_str())
    };
    let mut problems = Vec::new();
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (region, nodes) in regions {
        for (index, node) in nodes.iter().enumerate() {
            let index = index.to_string();
            let path = ["stack", system, "regions", region, index.as_str()];
            let Some(host) = host(node) else {
                let message = format!("there is no node `{node}` in this stack");
                let help = suggest::help(node, &known);
                problems.push(parsed.spans.problem(&path, message, help));
                continue;
            };
            match seen.insert(host, region) {
                Some(other) if other != region => problems.push(parsed.spans.problem(
                    &path,
                    format!("the machine of `{node}` lies in region `{other}` already"),
                    "name each machine in one region",
                )),
                _ => {}
            }
        }
    }
    problems
}
