//! What stands beside the stack for alerting, before anything is created.

use crate::{
    id::NodeName,
    scenario::{Alerting, SHIPPED},
    system::Exporter,
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
    /// The files of rules, in order; the watchdog's is added.
    pub rules: Vec<RuleFile>,
}

impl AlertingDesign {
    /// Plans alerting with the rules shipped for the system, where the scenario asks for those.
    pub fn new(spec: Alerting, exporter: Exporter) -> Self {
        let shipped = spec.rules.iter().any(|rules| rules == SHIPPED);
        let rules = shipped.then(|| RuleFile {
            name: SHIPPED.into(),
            text: exporter.rules.into(),
        });
        Self {
            spec,
            exporter,
            rules: rules.into_iter().collect(),
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
    use crate::system::catalogue;

    #[test]
    fn shipped_rules_name_the_job_under_which_a_system_is_scraped() {
        let mut seen = 0;
        for system in catalogue::all() {
            let Some(exporter) = system.exporter() else {
                continue;
            };
            let job = format!("up{{job=\"{}\"}} == 0", exporter.job);
            assert!(exporter.rules.contains(&job), "{}", system.describe().name);
            seen += 1;
        }
        assert!(seen >= 5);
    }
}
