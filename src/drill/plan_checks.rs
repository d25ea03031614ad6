//! Checks a scenario against what the systems offer, before anything is created.

use crate::{
    runtime::RuntimeKind,
    scenario::{
        Condition, Conditions, Dur, Fault, Need, Parsed, Problem, RunbookStep, Selector, Spans,
        Step, StreamLink, SystemSpec, suggest,
    },
    system::{Description, SettingKind, SettingSpec, TopologySpec, proxied},
};

use super::plan_shards as shards;

/// Everything in the file that no system could carry out: unknown systems, topologies, routes, settings
/// and runbooks, values of the wrong kind, and steps that the topology or its runtime cannot take.
pub fn validate_against(parsed: &Parsed, offers: &[Description]) -> Vec<Problem> {
    let stack = &parsed.scenario.stack;
    if let Some(second) = stack.keys().nth(1) {
        // Which of them routes and steps speak of is unknown, so nothing else can be said.
        return vec![parsed.spans.key_problem(
            &["stack", second],
            "a stack of several systems is not supported yet",
            "write one scenario per system for now",
        )];
    }
    let mut problems = Vec::new();
    for (name, spec) in stack {
        let Some(offer) = offers.iter().find(|offer| offer.name == name) else {
            let names: Vec<&str> = offers.iter().map(|offer| offer.name).collect();
            problems.push(parsed.spans.key_problem(
                &["stack", name],
                format!("unknown system `{name}`"),
                suggest::help(name, &names),
            ));
            continue;
        };
        problems.extend(system_problems(parsed, spec, offer));
    }
    problems
}

/// What is checked: one system of the stack as one topology.
pub(super) struct Bound<'p> {
    pub parsed: &'p Parsed,
    pub spans: &'p Spans,
    pub offer: &'p Description,
    pub topology: &'p TopologySpec,
    pub nodes: u32,
}

fn system_problems(parsed: &Parsed, spec: &SystemSpec, offer: &Description) -> Vec<Problem> {
    let spans = &parsed.spans;
    let mut problems: Vec<Problem> = spec
        .settings
        .iter()
        .filter_map(|(name, value)| setting_problem(spans, offer, name, value))
        .collect();
    if spec.image.is_some() && offer.image.is_empty() {
        problems.push(spans.problem(
            &["stack", offer.name, "image"],
            format!("`{}` is part of drdrill and has no image", offer.name),
            "remove the key",
        ));
    }
    let Some(bound) = Bound::of(parsed, spec, offer) else {
        let name = spec.topology.as_deref().unwrap_or_default();
        let names: Vec<&str> = offer.topologies.iter().map(|t| t.name).collect();
        problems.push(spans.problem(
            &["stack", offer.name, "topology"],
            format!("unknown topology `{name}` of `{}`", offer.name),
            suggest::help(name, &names),
        ));
        return problems;
    };
    problems.extend(bound.nodes_problem());
    problems.extend(bound.cpu_problem());
    problems.extend(bound.route_problem());
    problems.extend(bound.consistency_problem());
    problems.extend(bound.consumers_problem());
    problems.extend(shards::lanes_problem(&bound));
    for (index, step) in parsed.scenario.drill.iter().enumerate() {
        problems.extend(bound.step_problems(&index.to_string(), step));
    }
    problems
}

fn setting_problem(spans: &Spans, offer: &Description, name: &str, value: &str) -> Option<Problem> {
    let path = ["stack", offer.name, "settings", name];
    let Some(setting) = offer.settings.iter().find(|s| s.name == name) else {
        let names: Vec<&str> = offer.settings.iter().map(|s| s.name).collect();
        let message = format!("unknown setting `{name}` of `{}`", offer.name);
        return Some(spans.key_problem(&path, message, suggest::help(name, &names)));
    };
    let help = expected(setting, value)?;
    let message = format!("failed to read `{value}` as the setting `{name}`");
    Some(spans.problem(&path, message, help))
}

/// What the setting expects, if the value is something else.
fn expected(setting: &SettingSpec, value: &str) -> Option<String> {
    match setting.kind {
        SettingKind::Duration => value.parse::<Dur>().err().map(|error| error.0),
        SettingKind::Count => value
            .parse::<u64>()
            .err()
            .map(|_| "expected a whole number from 0".to_owned()),
        SettingKind::Flag => {
            (!matches!(value, "true" | "false")).then(|| "expected `true` or `false`".to_owned())
        }
        SettingKind::OneOf(words) => (!words.contains(&value)).then(|| {
            suggest::nearest(value, words).map_or_else(
                || format!("expected one of {}", suggest::list(words)),
                |near| format!("did you mean `{near}`?"),
            )
        }),
    }
}

impl<'p> Bound<'p> {
    /// Of a system whose topology there is.
    pub fn of(parsed: &'p Parsed, spec: &SystemSpec, offer: &'p Description) -> Option<Self> {
        let topology = match &spec.topology {
            None => offer.topologies.first(),
            Some(name) => offer.topologies.iter().find(|t| t.name == name),
        }?;
        Some(Self {
            parsed,
            spans: &parsed.spans,
            offer,
            topology,
            nodes: spec.nodes.unwrap_or(topology.nodes.1),
        })
    }
}

impl Bound<'_> {
    fn nodes_problem(&self) -> Option<Problem> {
        let (least, _, most) = self.topology.nodes;
        (!(least..=most).contains(&self.nodes)).then(|| {
            self.spans.problem(
                &["stack", self.offer.name, "nodes"],
                format!(
                    "`{}` cannot stand on {} nodes",
                    self.topology.name, self.nodes
                ),
                format!("choose {least} to {most}"),
            )
        })
    }

    fn consistency_problem(&self) -> Option<Problem> {
        let spec = self.parsed.scenario.clients.consistency.as_ref()?;
        (!self.topology.consistency.contains(&spec.kind)).then(|| {
            self.spans.key_problem(
                &["clients", "consistency"],
                format!(
                    "`{}` of `{}` has no clients for {}",
                    self.topology.name, self.offer.name, spec.kind
                ),
                "remove the key, or choose a stack that has them: `drdrill list` shows which",
            )
        })
    }

    fn consumers_problem(&self) -> Option<Problem> {
        let wanted = self.parsed.scenario.clients.consumers.is_some();
        (wanted && !self.topology.consumers).then(|| {
            self.spans.key_problem(
                &["clients", "consumers"],
                format!(
                    "`{}` of `{}` has no consumers that share partitions as a group",
                    self.topology.name, self.offer.name
                ),
                "remove the key, or choose a stack that has them: `drdrill list` shows which",
            )
        })
    }

    fn cpu_problem(&self) -> Option<Problem> {
        let spec = self.parsed.scenario.stack.get(self.offer.name)?;
        (spec.cpu.is_some() && self.offer.runtime == RuntimeKind::Process).then(|| {
            self.spans.problem(
                &["stack", self.offer.name, "cpu"],
                format!(
                    "`{}` runs as processes on this machine, which share its CPU time",
                    self.offer.name
                ),
                "remove `cpu`, or choose a system that runs in containers",
            )
        })
    }

    fn route_problem(&self) -> Option<Problem> {
        let route = self.parsed.scenario.clients.route.as_deref()?;
        (!self.topology.routes.contains(&route)).then(|| {
            self.spans.problem(
                &["clients", "route"],
                format!("there is no route `{route}` to `{}`", self.topology.name),
                suggest::help(route, self.topology.routes),
            )
        })
    }

    fn step_problems(&self, index: &str, step: &Step) -> Vec<Problem> {
        match step {
            Step::Steady(_)
            | Step::Hold(_)
            | Step::Consumer(_)
            | Step::Expect(_)
            | Step::Heal(_)
            | Step::Backup(_)
            | Step::Restore(_) => Vec::new(),
            Step::Capacity(_) => shards::capacity_problem(self, index).into_iter().collect(),
            Step::Fault(fault) => self.fault_problems(index, fault),
            // One of the user's own is looked at with the file that it may come from.
            Step::Runbook(RunbookStep::Own(_)) => Vec::new(),
            Step::Runbook(RunbookStep::Shipped(name)) => {
                self.runbook_problem(index, name).into_iter().collect()
            }
            Step::Switchover(to) => self.move_problems(index, "switchover", to.to.as_ref()),
            Step::Failback(to) => self.move_problems(index, "failback", to.to.as_ref()),
        }
    }

    fn runbook_problem(&self, index: &str, name: &str) -> Option<Problem> {
        let runbooks = self.topology.runbooks;
        let message = format!("unknown runbook `{name}` of `{}`", self.topology.name);
        let help = if runbooks.is_empty() {
            format!(
                "`{}` fails over by itself: remove the step",
                self.topology.name
            )
        } else {
            suggest::help(name, runbooks)
        };
        (!runbooks.contains(&name)).then(|| {
            self.spans
                .problem(&["drill", index, "runbook"], message, help)
        })
    }

    fn move_problems(&self, index: &str, step: &str, to: Option<&Selector>) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !self.topology.planned_moves {
            problems.push(self.spans.key_problem(
                &["drill", index, step],
                format!(
                    "`{}` has no planned move of the primary",
                    self.topology.name
                ),
                "remove the step, or use a topology that has (see `drdrill list`)",
            ));
        }
        problems.extend(to.and_then(|to| self.selector_problem(&["drill", index, step, "to"], to)));
        problems
    }

    fn fault_problems(&self, index: &str, fault: &Fault) -> Vec<Problem> {
        let path = ["drill", index, "fault", fault.name()];
        let named = fault.named().into_iter();
        let mut problems: Vec<Problem> = named
            .filter_map(|(key, selector)| match key {
                "isolate" | "between" => self.selector_problem(&path, selector),
                _ => self.selector_problem(&[&path[..], &[key]].concat(), selector),
            })
            .collect();
        problems.extend(self.condition_problems(&path, fault.conditions()));
        let needs = fault.needs();
        let lacking = needs.iter().find_map(|need| self.lacking(*need));
        problems
            .extend(lacking.map(|(message, help)| self.spans.key_problem(&path, message, help)));
        problems
    }

    /// What the topology or its machines lack of what a fault needs, and what to do. What needs the design is looked at with it.
    fn lacking(&self, need: Need<'_>) -> Option<(String, &'static str)> {
        let name = self.offer.name;
        match need {
            Need::Machines(lacks) if self.offer.runtime == RuntimeKind::Process => Some((
                format!("`{name}` runs as processes on this machine, {lacks}"),
                "use kill, stop, pause or restart, or a system that runs in containers",
            )),
            Need::Disk if self.offer.disk.is_none() => Some((
                format!(
                    "servers of `{name}` are started without a script, which would have to wait for a disk that can go wrong"
                ),
                "use `pause` for a server that hangs, or another system that runs in containers",
            )),
            Need::Scripts if !self.topology.scripts => Some((
                format!("`{name}` cannot play an outage"),
                "only the reference store can; use kill, stop, pause, restart or partition",
            )),
            Need::Proxy(link) => self.proxy_lacking(link),
            Need::Machines(_)
            | Need::Sidecars
            | Need::Disk
            | Need::Clock
            | Need::Data(_)
            | Need::Names(_)
            | Need::Certificates
            | Need::Scripts => None,
        }
    }

    /// Faults of streams need a proxy before the nodes.
    fn proxy_lacking(&self, link: StreamLink) -> Option<(String, &'static str)> {
        let spec = self.parsed.scenario.stack.get(self.offer.name);
        let (message, chosen, offered, way) = match link {
            StreamLink::Clients => (
                "no proxy stands between the clients and the nodes",
                self.parsed.scenario.clients.route.as_ref(),
                self.topology.routes.contains(&proxied::ROUTE),
                "write `route: toxiproxy` below `clients`",
            ),
            StreamLink::Replication => (
                "no proxy stands between the nodes and those that follow them",
                spec.and_then(|spec| spec.settings.get(proxied::SETTING)),
                self.offer
                    .settings
                    .iter()
                    .any(|setting| setting.name == proxied::SETTING),
                "write `replication: toxiproxy` below `settings`",
            ),
        };
        let help = if offered {
            way
        } else {
            "use a topology with the route `toxiproxy` (see `drdrill list`), or a fault of packets"
        };
        let missing = chosen.is_none_or(|chosen| chosen != proxied::ROUTE);
        missing.then(|| (message.to_owned(), help))
    }

    fn condition_problems(&self, path: &[&str], conditions: Conditions) -> Vec<Problem> {
        let asked = [("and", conditions.and), ("unless", conditions.unless)].into_iter();
        let missing = asked.filter(|(_, condition)| {
            *condition == Some(Condition::EtcdLeader) && !self.topology.etcd
        });
        let problem = |(key, _)| {
            self.spans.problem(
                &[path, &[key]].concat(),
                format!(
                    "there is no etcd beside the nodes of `{}`",
                    self.topology.name
                ),
                "remove the condition, or use a topology that has etcd (see `drdrill list`)",
            )
        };
        missing.map(problem).collect()
    }

    /// Names of nodes are the design's to check; here roles are.
    pub fn selector_problem(&self, path: &[&str], selector: &Selector) -> Option<Problem> {
        if *selector == Selector::Controller && !self.topology.controllers {
            return Some(self.spans.problem(
                path,
                format!("nodes of `{}` are no controllers", self.topology.name),
                "choose another role, such as `primary`; `drdrill list` shows which topologies have controllers",
            ));
        }
        if let Some(problem) = shards::selector_problem(self, path, selector) {
            return Some(problem);
        }
        let replicas = usize::try_from(self.nodes.saturating_sub(1)).unwrap_or(usize::MAX);
        let missing = match selector {
            Selector::Replica(index) => index.unwrap_or(0) >= replicas,
            Selector::Primary
            | Selector::OldPrimary
            | Selector::Controller
            | Selector::Coordinator
            | Selector::All
            | Selector::PrimaryOf(_)
            | Selector::ReplicasOf(_)
            | Selector::Shard(_)
            | Selector::Primaries(_)
            | Selector::Region(_)
            | Selector::Named(_) => false,
        };
        let help = match replicas {
            0 => "the stack has one node: raise `nodes`".to_owned(),
            1 => "the stack has one replica: `replica[0]`".to_owned(),
            n => format!(
                "replicas are counted from 0: choose `replica[0]` to `replica[{}]`",
                n - 1
            ),
        };
        missing.then(|| {
            self.spans.problem(
                path,
                format!("there is no `{selector}` in this stack"),
                help,
            )
        })
    }
}
