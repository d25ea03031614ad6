//! Whether a drill needs sidecars: containers that share its nodes' network namespaces.

use crate::{runtime::RuntimeKind, scenario::Need};

use super::Plan;

impl Plan {
    /// Whether a fault acts or looks from within nodes' network namespaces. Without one nobody needs sidecars, and the stack
    /// has no links to cut or probe. Processes on this machine have no such namespaces.
    pub fn sidecars(&self) -> bool {
        self.description.runtime == RuntimeKind::Docker
            && self.needs(|need| *need == Need::Sidecars)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        drill::example_fault,
        scenario::{FAULTS, read},
        system::catalogue,
    };

    fn plan(steps: &str) -> Plan {
        plan_of("redis", steps)
    }

    fn plan_of(name: &str, steps: &str) -> Plan {
        let text = format!(
            "schema: 1\nname: a\nsummary: b\nstack: {{ {name}: {{}} }}\ntargets: {{ rto: any, rpo: any }}\n\
             drill: [ {{ steady: 5s }}, {steps} ]\n"
        );
        let parsed = read("a.yaml", &text, &[]).expect("a scenario");
        let system = catalogue::all().into_iter();
        let system = system.filter(|system| system.describe().name == name);
        Plan::bind(&parsed, system.last().expect("a system"), Vec::new()).expect("a plan")
    }

    fn faults(kinds: &[&str]) -> String {
        let fault = |kind: &&str| format!("{{ fault: {} }}, ", example_fault(kind, "primary"));
        let faults: String = kinds.iter().map(fault).collect();
        format!("{faults}{{ hold: 2s }}, {{ heal: all }}")
    }

    #[test]
    fn only_drills_that_touch_or_probe_the_network_of_nodes_have_sidecars() {
        let with: Vec<&str> = FAULTS
            .iter()
            .map(|facts| facts.name)
            .filter(|kind| plan(&faults(&[kind])).sidecars())
            .collect();
        let wanted = [
            "dns",
            "partition",
            "latency",
            "loss",
            "duplicate",
            "corrupt",
            "reorder",
            "bandwidth",
            "packet-limit",
            "noop",
        ];
        assert_eq!(with, wanted);
        let moved = "{ switchover: planned }, { expect: { recovered: { within: 1m } } }";
        assert!(!plan(moved).sidecars());
    }

    #[test]
    fn one_such_fault_among_others_is_enough() {
        assert!(!plan(&faults(&["kill", "pause"])).sidecars());
        assert!(plan(&faults(&["kill", "pause", "partition"])).sidecars());
    }

    #[test]
    fn processes_have_none() {
        assert!(plan(&faults(&["noop"])).sidecars());
        assert!(!plan_of("reference", &faults(&["noop"])).sidecars());
    }
}
