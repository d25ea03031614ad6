//! A first scenario for a topology and a fault, with comments: what `drdrill new` writes.

use crate::{
    scenario::{FAULTS, facts, read, suggest},
    system::{Description, System, TopologySpec, proxied},
};

use super::{example_fault, offered::switches, plan_check::unfit, validate_foresight};

/// What a first scenario is for.
pub struct Purpose<'a> {
    /// The system.
    pub system: &'a dyn System,
    /// One of its topologies.
    pub topology: &'a TopologySpec,
    /// The kind of fault, by its name in a file.
    pub fault: &'a str,
}

/// Faults that need to be told what they act on.
const BY_HAND: &[&str] = &["wipe", "damage", "kill-process", "mistake"];

/// The scenario as a file; it has been checked.
///
/// # Errors
/// When there is no such fault, or the topology cannot take it.
pub fn starter(purpose: &Purpose<'_>) -> Result<String, String> {
    let kinds: Vec<&str> = FAULTS.iter().map(|facts| facts.name).collect();
    if !kinds.contains(&purpose.fault) {
        return Err(format!(
            "there is no fault `{}`: {}",
            purpose.fault,
            suggest::help(purpose.fault, &kinds)
        ));
    }
    if BY_HAND.contains(&purpose.fault) {
        return Err(format!(
            "`{}` must be told what it acts on: start with `--fault kill`, and see docs/scenario.md",
            purpose.fault
        ));
    }
    let offers = [purpose.system.describe()];
    let mut refused = None;
    for text in purpose.candidates(&offers[0]) {
        let problem = match read("new.yaml", &text, &[]) {
            Err(problems) => problems.all.first().map(ToString::to_string),
            Ok(parsed) => {
                let problems = unfit(&parsed, purpose.system, &offers).into_iter();
                let mut problems =
                    problems.chain(validate_foresight(&parsed, purpose.system, &offers));
                problems.next().map(|problem| problem.message().to_owned())
            }
        };
        match problem {
            None => return Ok(text),
            Some(problem) => refused = refused.or(Some(problem)),
        }
    }
    Err(format!(
        "`{}` of `{}` cannot take the fault `{}`: {}",
        purpose.topology.name,
        offers[0].name,
        purpose.fault,
        refused.unwrap_or_default()
    ))
}

impl Purpose<'_> {
    /// With the default route, and with proxies where the fault needs them.
    fn candidates(&self, offer: &Description) -> Vec<String> {
        let plain = self.topology.routes.first().copied().unwrap_or_default();
        let has = |setting: &str| offer.settings.iter().any(|it| it.name == setting);
        let mut all = vec![self.text(offer, plain, "")];
        if self.topology.routes.contains(&proxied::ROUTE) {
            all.push(self.text(offer, proxied::ROUTE, ""));
        }
        if has(proxied::SETTING) {
            let setting = format!("{}: {}", proxied::SETTING, proxied::ROUTE);
            all.push(self.text(offer, plain, &setting));
        }
        let switches = switches(offer);
        all.extend(switches.iter().map(|it| self.text(offer, plain, it)));
        all
    }

    fn text(&self, offer: &Description, route: &str, setting: &str) -> String {
        let topology = self.topology;
        let (_, nodes, _) = topology.nodes;
        let shards = nodes.checked_div(topology.shard_size).unwrap_or(0);
        let lanes = shards.max(4);
        let node = if shards == 0 {
            "primary"
        } else {
            "primary of shard 1"
        };
        let kind = self.fault;
        let members = self.members(offer, setting);
        let others = self.other_routes(route);
        format!(
            "\
# {summary}
# Written by `drdrill new`. Change what you like, then:
#   drdrill check FILE    finds mistakes, creates nothing
#   drdrill plan FILE     shows what would be created, and how long it takes
#   drdrill run FILE      runs the drill
schema: 1
name: {system}-{topology_name}-{kind}
summary: {what}.

stack:
  {system}:
    topology: {topology_name}
{members}
clients:
  route: {route}{others}
  service: {{ lanes: {lanes}, rate: {rate}/s, timeout: 500ms }}   # each operation is due at its time, whatever earlier ones do

targets:
  rto: 1m                   # the longest time until every client is served again
  rpo: any                  # lost writes are counted, not judged; `rpo: {{ count: 0 }}` allows none

drill:
  - steady: 10s             # the baseline: all is well
  - fault: {fault}
{operator}  - expect: {{ recovered: {{ within: 2m }} }}
  - heal: all               # what was broken is mended
  - expect: {{ redundant: {{ within: 2m }} }}
",
            summary = sentence(topology.summary),
            fault = example_fault(kind, node),
            system = offer.name,
            topology_name = topology.name,
            what = sentence(&what(kind)),
            rate = 25 * lanes,
            operator = self.operator(),
        )
    }

    /// What the stack has, below its topology.
    fn members(&self, offer: &Description, setting: &str) -> String {
        let (least, nodes, most) = self.topology.nodes;
        let image = match offer.image {
            "" => String::new(),
            image => {
                format!("    # image: {image}     # another version; its digest is recorded\n")
            }
        };
        let settings = match setting {
            "" => "    # settings: {}           # `drdrill list` shows them with their defaults\n"
                .to_owned(),
            setting => format!("    settings: {{ {setting} }}\n"),
        };
        match self.system.only_attaches() {
            true => "    \
    attach:
      data: [n1, n2, n3]             # containers that run already, as `docker ps` names them
      client: [python3, client.py]   # what acts on the store: docs/guide/own-client.md\n"
                .to_owned(),
            false => format!(
                "    nodes: {nodes}               # {least} to {most} members that hold data\n{image}{settings}"
            ),
        }
    }

    /// The topology's other routes, as a comment.
    fn other_routes(&self, route: &str) -> String {
        let others = self.topology.routes.iter().copied();
        let others: Vec<&str> = others.filter(|it| *it != route).collect();
        match others.as_slice() {
            [] => String::new(),
            others => format!("   # or {}", others.join(", ")),
        }
    }

    /// The operator's step, where nobody else replaces a primary that is gone.
    fn operator(&self) -> String {
        let gone = ["kill", "stop", "pause", "reboot"].contains(&self.fault);
        match self.topology.runbooks.first() {
            Some(runbook) if gone && self.system.needs_operator(self.topology.name) => {
                format!("  - runbook: {runbook}   # no member does it by itself\n")
            }
            _ => String::new(),
        }
    }
}

fn what(kind: &str) -> String {
    facts(kind).map_or_else(String::new, |facts| facts.help.replace(": ", ", "))
}

/// The text with a capital letter in front.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::catalogue;

    #[test]
    fn every_topology_has_a_first_scenario_for_the_plain_faults() {
        for system in catalogue::all() {
            for topology in &system.describe().topologies {
                for fault in ["kill", "stop", "pause", "restart", "noop"] {
                    let purpose = Purpose {
                        system: system.as_ref(),
                        topology,
                        fault,
                    };
                    let text = starter(&purpose).unwrap_or_else(|error| panic!("{error}"));
                    assert!(text.contains("# the baseline"), "{text}");
                }
            }
        }
    }

    #[test]
    fn what_a_topology_cannot_take_is_said() {
        let systems = catalogue::all();
        let reference = systems.last().expect("a system");
        let topology = &reference.describe().topologies[0];
        let said = |fault| {
            let system = reference.as_ref();
            starter(&Purpose {
                system,
                topology,
                fault,
            })
            .expect_err("it is refused")
        };
        assert!(said("kil").contains("did you mean `kill`?"));
        assert!(said("partition").contains("cannot be partitioned"));
        assert!(said("wipe").contains("docs/scenario.md"));
    }
}
