//! Which failure modes a system's stacks can go through at all: more cannot be asked of its drills.

use std::collections::BTreeSet;

use crate::{
    scenario::{FAULTS, facts, read},
    system::{Description, SettingKind, SettingSpec, System, TopologySpec},
};

use super::plan_check::unfit;

/// The kinds of fault that some stack of the system can take, and its planned moves, by their names in a scenario.
pub fn modes(system: &dyn System) -> BTreeSet<String> {
    let topologies = system.describe().topologies;
    let planned = topologies.iter().any(|topology| topology.planned_moves);
    let moves = ["switchover", "failback"].into_iter().filter(|_| planned);
    let faults = FAULTS.iter().map(|facts| facts.name);
    let taken = faults.filter(|kind| {
        let takes = |topology| takes(system, topology, kind);
        topologies.iter().any(takes)
    });
    taken.chain(moves).map(str::to_owned).collect()
}

/// Whether a drill with this fault can be planned, by some route and with at most one setting turned round.
fn takes(system: &dyn System, topology: &TopologySpec, kind: &str) -> bool {
    let offers = [system.describe()];
    let settings: Vec<String> = std::iter::once(String::new())
        .chain(switches(&offers[0]))
        .collect();
    topology.routes.iter().any(|route| {
        settings.iter().any(|setting| {
            let text = format!(
                "schema: 1\nname: trial\nsummary: Trial.\n\
                 stack: {{ {}: {{ topology: {}, settings: {{ {setting} }} }} }}\n\
                 clients: {{ route: {route} }}\ntargets: {{ rto: any, rpo: any }}\n\
                 drill: [ {{ steady: 2s }}, {{ fault: {} }}, {{ hold: 2s }}, {{ heal: all }} ]\n",
                offers[0].name,
                topology.name,
                example(kind, "primary")
            );
            read("trial", &text, &[]).is_ok_and(|parsed| unfit(&parsed, system, &offers).is_empty())
        })
    })
}

/// Each flag among the settings, turned round.
pub(super) fn switches(offer: &Description) -> Vec<String> {
    let flags = offer.settings.iter();
    let flags = flags.filter(|setting| setting.kind == SettingKind::Flag);
    let turned = |setting: &SettingSpec| {
        let other = if setting.default == "true" {
            "false"
        } else {
            "true"
        };
        format!("{}: {other}", setting.name)
    };
    flags.map(turned).collect()
}

/// A fault of a kind as a scenario may have it, at this node; none of a name that no fault has.
pub fn example(kind: &str, node: &str) -> String {
    facts(kind).map_or_else(String::new, |facts| facts.example(node))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::catalogue;

    #[test]
    fn every_kind_is_taken_by_some_system_and_none_by_all_but_the_plain_ones() {
        let offered: Vec<(&str, BTreeSet<String>)> = catalogue::all()
            .iter()
            .map(|system| (system.describe().name, modes(&**system)))
            .collect();
        for kind in FAULTS.iter().map(|facts| facts.name) {
            let takers: Vec<&str> = offered
                .iter()
                .filter(|(_, modes)| modes.contains(kind))
                .map(|(name, _)| *name)
                .collect();
            println!("{kind}: {}", takers.join(" "));
            assert!(!takers.is_empty(), "{kind}: {}", example(kind, "primary"));
            let plain = [
                "kill",
                "stop",
                "pause",
                "restart",
                "crash-loop",
                "reboot",
                "noop",
            ];
            assert_eq!(
                takers.contains(&"reference") && takers.contains(&"kafka"),
                plain.contains(&kind),
                "{kind}"
            );
        }
    }
}
