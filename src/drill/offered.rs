//! Which failure modes a system's stacks can go through at all: more cannot be asked of its drills.

use std::collections::BTreeSet;

use crate::{
    scenario::{FAULTS, read},
    system::{SettingKind, System, TopologySpec},
};

use super::{validate_against, validate_design};

/// The kinds of fault that some stack of the system can take, and its planned moves, by their names in a scenario.
pub fn modes(system: &dyn System) -> BTreeSet<String> {
    let topologies = system.describe().topologies;
    let planned = topologies.iter().any(|topology| topology.planned_moves);
    let moves = ["switchover", "failback"].into_iter().filter(|_| planned);
    let faults = FAULTS.iter().map(|(kind, _)| *kind);
    let taken = faults.filter(|kind| {
        let takes = |topology| takes(system, topology, kind);
        topologies.iter().any(takes)
    });
    taken.chain(moves).map(str::to_owned).collect()
}

/// Whether a drill with this fault can be planned, by some route and with at most one setting turned round.
fn takes(system: &dyn System, topology: &TopologySpec, kind: &str) -> bool {
    let offers = [system.describe()];
    let switches = offers[0].settings.iter().filter_map(|setting| {
        let other = if setting.default == "true" {
            "false"
        } else {
            "true"
        };
        (setting.kind == SettingKind::Flag).then(|| format!("{}: {other}", setting.name))
    });
    let settings: Vec<String> = std::iter::once(String::new()).chain(switches).collect();
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
            read("trial", &text, &[]).is_ok_and(|parsed| {
                validate_against(&parsed, &offers).is_empty()
                    && validate_design(&parsed, system).is_empty()
            })
        })
    })
}

/// A fault of a kind as a scenario may have it, at this node; files and processes are those of a Redis with `persistence: aof`.
pub fn example(kind: &str, node: &str) -> String {
    let more = match kind {
        "noop" => return "noop".into(),
        "partition" => return format!("{{ partition: {{ isolate: {node} }} }}"),
        "crash-loop" => "every: 1s",
        "reboot" => "down: 3s",
        "clock-jump" => "ahead: 60s",
        "clock-drift" => "faster: 5%",
        "kill-process" => "process: redis-server",
        "wipe" => "path: /data/appendonlydir",
        "damage" => "path: '/data/appendonlydir/*.aof'",
        "disk-slow" | "latency" | "stream-latency" => "delay: 50ms",
        "slow-close" => "delay: 1s",
        "disk-errors" | "loss" | "duplicate" | "corrupt" => "share: 20%",
        "reorder" => "share: 20%, hold: 20ms",
        "cpu" => "share: 20%",
        "memory" => "room: 32MiB",
        "dns" => "how: gone",
        "certificate" => "expired: 1h",
        "mistake" => "run: touch /tmp/harm, shows: ls /tmp, expect: harm",
        "bandwidth" | "stream-bandwidth" => "limit: 8Mbit/s",
        "slice" => "size: 64, pause: 5ms",
        "limit-data" => "bytes: 4096",
        "script" => "how: refuse, for: 2s",
        _ => "",
    };
    let separator = if more.is_empty() { "" } else { ", " };
    format!("{{ {kind}: {{ node: {node}{separator}{more} }} }}")
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
        for (kind, _) in FAULTS {
            let takers: Vec<&str> = offered
                .iter()
                .filter(|(_, modes)| modes.contains(*kind))
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
                plain.contains(kind),
                "{kind}"
            );
        }
    }
}
