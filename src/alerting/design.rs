//! What stands beside the stack for alerting, before anything is created.

use crate::{
    id::NodeName,
    scenario::{Alerting, SHIPPED},
    system::{Exporter, Machinery},
};

/// The image of Prometheus.
pub const PROMETHEUS: &str = "prom/prometheus:v2.53.3";

/// The image of Alertmanager.
pub const ALERTMANAGER: &str = "prom/alertmanager:v0.28.1";

/// The rule that always fires.
const WATCHDOG_RULES: &str = include_str!("../../docker/prometheus/rules/watchdog.yaml");

/// A file with Prometheus' rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFile {
    /// Its name as the scenario gives it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Alerting as it will be built.
#[derive(Debug, Clone)]
pub struct AlertingDesign {
    /// What the scenario says of it.
    pub spec: Alerting,
    /// How the system is seen.
    pub exporter: Exporter,
    /// The failover machinery that is seen beside it.
    pub machinery: Vec<Machinery>,
    /// The files of rules, in order; the watchdog's is added.
    pub rules: Vec<RuleFile>,
}

impl AlertingDesign {
    /// Plans alerting with the rules shipped for the system and its failover machinery, where the scenario asks for those.
    pub fn new(spec: Alerting, exporter: Exporter, machinery: Vec<Machinery>) -> Self {
        let mut rules: Vec<RuleFile> = Vec::new();
        if spec.rules.iter().any(|rules| rules == SHIPPED) {
            let parts = machinery.iter().map(|part| part.rules);
            for text in std::iter::once(exporter.rules).chain(parts) {
                // Parts may share a file.
                if rules.iter().all(|rules| rules.text != text) {
                    rules.push(RuleFile {
                        name: SHIPPED.into(),
                        text: text.into(),
                    });
                }
            }
        }
        Self {
            spec,
            exporter,
            machinery,
            rules,
        }
    }

    /// The image references that it needs.
    pub fn images(&self) -> [&'static str; 3] {
        [PROMETHEUS, ALERTMANAGER, self.exporter.image]
    }

    /// Every file of rules, the watchdog's first.
    pub fn files(&self) -> Vec<RuleFile> {
        let watchdog = RuleFile {
            name: "watchdog".into(),
            text: WATCHDOG_RULES.into(),
        };
        std::iter::once(watchdog)
            .chain(self.rules.iter().cloned())
            .collect()
    }
}

/// The exporter of a member.
pub fn exporter_of(member: &NodeName) -> NodeName {
    NodeName::new(format!("{member}-exporter"))
}

/// Prometheus' name.
pub fn prometheus() -> NodeName {
    NodeName::new("prometheus")
}

/// Alertmanager's name.
pub fn alertmanager() -> NodeName {
    NodeName::new("alertmanager")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        scenario::SystemSpec,
        system::{Design, System, catalogue},
    };

    fn names_its_job(rules: &str, job: &str) -> bool {
        rules.contains(&format!("up{{job=\"{job}\"}} == 0"))
    }

    /// Every design that a system offers with its routes and defaults.
    fn designs(system: &dyn System) -> Vec<Design> {
        let topologies = system.describe().topologies;
        let offers = topologies.iter().flat_map(|topology| {
            let routes = topology.routes.iter();
            routes.map(|route| (topology.name, *route))
        });
        let designs = offers.filter_map(|(topology, route)| {
            let spec = SystemSpec {
                topology: Some(topology.into()),
                ..SystemSpec::default()
            };
            system.design(&spec, Some(route)).ok()
        });
        designs.collect()
    }

    #[test]
    fn shipped_rules_name_the_job_under_which_a_system_is_scraped() {
        let (mut seen, mut parts) = (0, Vec::new());
        for system in catalogue::all() {
            let Some(exporter) = system.exporter() else {
                continue;
            };
            let name = system.describe().name;
            assert!(names_its_job(exporter.rules, exporter.job), "{name}");
            seen += 1;
            for design in designs(system.as_ref()) {
                for part in system.machinery(&design) {
                    assert!(names_its_job(part.rules, part.job), "{name} {}", part.job);
                    assert!(!part.nodes.is_empty(), "{name} {}", part.job);
                    parts.push((name, design.topology, design.route, part.job));
                }
            }
        }
        assert!(seen >= 5);
        for part in [
            ("redis", "sentinel", "sentinel", "sentinel"),
            ("redis", "replicas", "haproxy", "haproxy"),
            ("postgres", "patroni", "haproxy", "patroni"),
            ("postgres", "patroni", "haproxy", "etcd"),
            ("postgres", "patroni", "haproxy-split", "haproxy"),
        ] {
            assert!(parts.contains(&part), "{part:?} of {parts:?}");
        }
        let others = parts.iter().filter(|part| part.1 == "streaming").count();
        assert_eq!(others, 0, "nobody decides there");
    }

    fn postgres() -> Arc<dyn System> {
        let mut all = catalogue::all().into_iter();
        let named = all.find(|system| system.describe().name == "postgres");
        named.expect("it is offered")
    }

    #[test]
    fn a_file_of_rules_that_parts_share_is_loaded_once() {
        let system = postgres();
        let spec = SystemSpec {
            topology: Some("patroni".into()),
            ..SystemSpec::default()
        };
        let design = system.design(&spec, None).expect("a design");
        let exporter = system.exporter().expect("it has one");
        let machinery = system.machinery(&design);
        let shipped = Alerting {
            rules: vec![SHIPPED.into()],
            ..Alerting::default()
        };
        let alerting = AlertingDesign::new(shipped, exporter, machinery.clone());
        assert_eq!((alerting.rules.len(), alerting.machinery.len()), (3, 3));
        let own = Alerting {
            rules: vec!["own.rules".into()],
            ..Alerting::default()
        };
        let alerting = AlertingDesign::new(own, exporter, machinery);
        assert_eq!((alerting.rules.len(), alerting.machinery.len()), (0, 3));
    }
}
