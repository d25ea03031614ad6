//! A scenario bound to a system: everything is known, nothing has been created.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use crate::{
    alerting::{AlertingDesign, RuleFile},
    id::NodeName,
    record::MemberKind,
    runtime::Disks,
    scenario::{Fault, Need, Parsed, Scenario, Source, Step, SystemSpec},
    system::{Description, Design, Issue, System},
};

use super::plan_runbooks;

/// A drill that can be run: `Plan::check` makes one of a scenario in which nothing is wrong.
#[derive(Clone)]
pub struct Plan {
    /// The file that it was read from.
    pub source: Source,
    /// The scenario.
    pub scenario: Scenario,
    /// The system.
    pub system: Arc<dyn System>,
    /// What it offers.
    pub description: Description,
    /// The stack as it will be built.
    pub design: Design,
    /// Alerting beside it, if the scenario has any.
    pub alerting: Option<AlertingDesign>,
    /// What the stack is fitted for: the drill's faults, and those of drills that will run on it later.
    faults: Vec<Fault>,
    /// The digest of the plan that was agreed to, if one was.
    pub(super) agreed: Option<String>,
}

impl Plan {
    /// Binds a scenario that was checked; `rules` are the files of alerting rules that it names.
    ///
    /// # Errors
    /// What the system finds wrong with the specification.
    pub(super) fn bind(
        parsed: &Parsed,
        system: Arc<dyn System>,
        rules: Vec<RuleFile>,
    ) -> Result<Self, Vec<Issue>> {
        let scenario = parsed.scenario.clone();
        let description = system.describe();
        let spec = scenario
            .stack
            .get(description.name)
            .cloned()
            .unwrap_or_else(SystemSpec::default);
        let design = system.design(&spec, scenario.clients.route.as_deref())?;
        let alerting = scenario.alerting.clone().zip(system.exporter());
        let alerting = alerting.map(|(spec, exporter)| {
            let mut alerting = AlertingDesign::new(spec, exporter, system.machinery(&design));
            alerting.rules.extend(rules);
            alerting
        });
        let faults = scenario.drill.iter().filter_map(|step| match step {
            Step::Fault(fault) => Some(fault.clone()),
            _ => None,
        });
        Ok(Self {
            faults: faults.collect(),
            agreed: None,
            source: parsed.source.clone(),
            alerting,
            scenario,
            system,
            description,
            design,
        })
    }

    /// Fits the stack for a drill that will run on it later, too.
    pub fn fit_for(&mut self, later: &Self) {
        self.faults.extend(later.faults.iter().cloned());
    }

    /// The faults that the stack is fitted for.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Whether one of those faults has such a need.
    pub(super) fn needs(&self, such: impl Fn(&Need<'_>) -> bool) -> bool {
        self.faults
            .iter()
            .any(|fault| fault.needs().iter().any(&such))
    }

    /// Whose data must lie on a disk that can be made to go wrong: every member's that holds some, if any fault does that.
    pub fn disks(&self) -> Option<Disks> {
        let folder = self.description.disk?;
        self.needs(|need| *need == Need::Disk).then(|| Disks {
            folder: folder.to_owned(),
            nodes: self.design.names(MemberKind::Data),
        })
    }

    /// The nodes whose clocks may be changed: all that tell their time, where a fault changes a clock.
    pub fn clocked(&self) -> BTreeSet<NodeName> {
        let changed = self.needs(|need| *need == Need::Clock);
        let kinds = self.system.tell_time().iter().filter(|_| changed);
        kinds.flat_map(|kind| self.design.names(*kind)).collect()
    }

    /// The folder of the file that it was read from.
    pub fn folder(&self) -> PathBuf {
        let parent = Path::new(&self.source.file).parent();
        let parent = parent.filter(|parent| !parent.as_os_str().is_empty());
        parent.unwrap_or(Path::new(".")).to_owned()
    }

    /// Which nodes lie in which region.
    pub fn regions(&self) -> BTreeMap<String, Vec<NodeName>> {
        let regions = self.scenario.stack.values().flat_map(|spec| &spec.regions);
        let named = |nodes: &Vec<String>| nodes.iter().map(NodeName::new).collect();
        regions
            .map(|(name, nodes)| (name.clone(), named(nodes)))
            .collect()
    }

    /// The image references that it needs, in the order of first use.
    pub fn images(&self) -> Vec<String> {
        let mut images = self.design.images.clone();
        let more = self.alerting.iter().flat_map(AlertingDesign::images);
        images.extend(more.map(str::to_owned));
        images
    }
}

/// Operations that a baseline needs before anything may be concluded (measurement definitions, section 4).
const BASELINE_LEAST: f64 = 1000.0;

/// What a person should know before the run: a resolution too coarse for the target, a baseline too short,
/// a runbook that looks at nothing before it acts.
pub fn warnings(scenario: &Scenario) -> Vec<String> {
    coarse(scenario)
        .into_iter()
        .chain(short(scenario))
        .chain(plan_runbooks::unchecked(scenario))
        .collect()
}

/// The baseline's service operations, were every one of them ok: write lanes at the rate, half as many read
/// lanes at the same interval, and the slow lane.
fn short(scenario: &Scenario) -> Option<String> {
    let service = &scenario.clients.service;
    let lanes = f64::from(service.lanes.max(1));
    let reads = f64::from(service.lanes.max(1).div_ceil(2));
    let rate = service.rate.0 * (1.0 + reads / lanes) + 10.0;
    let steady: Duration = scenario
        .drill
        .iter()
        .map_while(|step| match step {
            Step::Steady(time) => Some(time.0),
            Step::Capacity(_) => Some(Duration::ZERO),
            _ => None,
        })
        .sum();
    let operations = rate * steady.as_secs_f64();
    (operations < BASELINE_LEAST * 1.05).then(|| {
        format!(
            "the baseline of {} s will have about {operations:.0} operations; under {BASELINE_LEAST:.0} nothing may be \
             concluded: lengthen the first `steady` or raise `clients.service.rate`",
            steady.as_secs_f64(),
        )
    })
}

fn coarse(scenario: &Scenario) -> Option<String> {
    let service = &scenario.clients.service;
    let interval = Duration::from_secs_f64(f64::from(service.lanes.max(1)) / service.rate.0);
    let resolution = service.timeout.0 + interval;
    let target = scenario.targets.rto.and_then(crate::scenario::Goal::limit);
    let coarse = target.filter(|target| resolution > target.0.mul_f64(0.05));
    coarse
        .map(|target| {
            format!(
                "the RTO target of {target} is judged with a resolution of {} ms (timeout {} + probe interval {} ms): \
                 more than 5 % of it; shorten `clients.service.timeout` or raise `rate`",
                resolution.as_millis(),
                service.timeout,
                interval.as_millis(),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{drill::example_fault, scenario::read, system::catalogue};

    fn scenario(steady: &str, rate: &str, rto: &str) -> Scenario {
        let text = format!(
            "schema: 1\nname: a\nsummary: b\nstack: {{ reference: {{}} }}\n\
             clients: {{ service: {{ lanes: 4, rate: {rate}, timeout: 200ms }} }}\n\
             targets: {{ rto: {rto}, rpo: any }}\n\
             drill: [ {{ steady: {steady} }}, {{ fault: {{ kill: primary }} }}, {{ expect: {{ recovered: {{ within: 1m }} }} }} ]\n"
        );
        read("a.yaml", &text, &[]).expect("a scenario").scenario
    }

    #[test]
    fn a_short_baseline_and_a_coarse_resolution_are_told() {
        assert!(warnings(&scenario("10s", "100/s", "10s")).is_empty());
        assert_eq!(warnings(&scenario("4s", "100/s", "10s")).len(), 1);
        assert_eq!(warnings(&scenario("10s", "100/s", "2s")).len(), 1);
    }

    #[test]
    fn a_control_has_the_stack_of_the_drills_that_follow_it() {
        let plan = |fault: &str| {
            let text = format!(
                "schema: 1\nname: a\nsummary: b\nstack: {{ redis: {{}} }}\ntargets: {{ rto: any, rpo: any }}\n\
                 drill: [ {{ steady: 10s }}, {{ fault: {fault} }}, {{ expect: {{ recovered: {{ within: 1m }} }} }} ]\n"
            );
            let parsed = read("a.yaml", &text, &[]).expect("a scenario");
            Plan::check(&parsed, &catalogue::all()).expect("a plan")
        };
        let mut control = plan("noop");
        assert!(control.disks().is_none() && control.clocked().is_empty());
        for kind in ["disk-full", "clock-jump"] {
            control.fit_for(&plan(&example_fault(kind, "primary")));
        }
        assert!(control.disks().is_some() && !control.clocked().is_empty());
    }
}
