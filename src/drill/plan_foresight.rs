//! Checks what planning can foresee: a drill that can never pass is refused before anything is created, with the way out.

use std::time::Duration;

use crate::{
    scenario::{
        Expect, Fault, Goal, Parsed, Problem, RecoveredBy, Scenario, Selector, ServiceClients,
        Step, SystemSpec, suggest,
    },
    system::{Description, System, TopologySpec},
    workload::FRESH_INTERVAL,
};

/// Operations that a baseline needs before anything may be concluded (measurement definitions, section 4).
const LEAST_OPS: u64 = 1000;

/// How much more than the least a baseline is advised to have, as steps and clocks are not exact.
const ADVISED: f64 = 1.05;

/// What can be foreseen of a scenario on its system: a baseline that is too short, a primary that nobody replaces, waits for
/// what cannot come, an image of another product. Changes that are meant to make a drill fail are not to be checked so.
pub fn validate_foresight(
    parsed: &Parsed,
    system: &dyn System,
    offers: &[Description],
) -> Vec<Problem> {
    let offer = system.describe();
    let Some(spec) = parsed.scenario.stack.get(offer.name) else {
        return Vec::new();
    };
    let topology = match &spec.topology {
        None => offer.topologies.first(),
        Some(name) => offer.topologies.iter().find(|it| it.name == name),
    };
    let Some(topology) = topology else {
        return Vec::new();
    };
    let mut problems: Vec<Problem> = baseline_problem(parsed, spec, topology)
        .into_iter()
        .chain(image_problem(parsed, spec, &offer, offers))
        .collect();
    let foresight = Foresight {
        parsed,
        topology,
        by_operator: system.needs_operator(topology.name),
    };
    problems.extend(foresight.waits());
    problems.extend(foresight.recovered_by());
    problems
}

/// A baseline that has too few operations even if every one of them is acknowledged.
fn baseline_problem(
    parsed: &Parsed,
    spec: &SystemSpec,
    topology: &TopologySpec,
) -> Option<Problem> {
    let scenario = &parsed.scenario;
    let judged = scenario.targets.rto.and_then(Goal::limit).is_some()
        || scenario.targets.rpo.as_ref().is_some_and(|rpo| {
            rpo.seconds.and_then(Goal::limit).is_some()
                || rpo.count.and_then(Goal::limit).is_some()
                || rpo.bytes.and_then(Goal::limit).is_some()
        });
    let nodes = spec.nodes.unwrap_or(topology.nodes.1);
    let shards = nodes.checked_div(topology.shard_size).unwrap_or(0);
    let clients = &scenario.clients.service;
    let (index, steady) = baseline(scenario)?;
    let most = most_operations(clients, shards, steady);
    if !judged || most >= LEAST_OPS {
        return None;
    }
    let wanted = LEAST_OPS as f64 * ADVISED;
    let (write, fresh) = shares(clients, shards);
    let seconds = (wanted / (clients.rate.0 * write + fresh)).ceil();
    let rate = ((wanted / steady.as_secs_f64() - fresh) / write).ceil();
    let message = format!(
        "the baseline will have {most} operations at most, and nothing can be concluded under {LEAST_OPS}"
    );
    let help = format!("write `- steady: {seconds}s`, or `rate: {rate}/s` for `clients.service`");
    let place = ["drill", &index.to_string(), "steady"];
    Some(parsed.spans.problem(&place, message, help))
}

/// All of `steady` before the step that the targets speak of, and where the first of it is.
fn baseline(scenario: &Scenario) -> Option<(usize, Duration)> {
    let headline = scenario.headline.or_else(|| scenario.drill.headline())?;
    let before = scenario.drill.iter().enumerate().take(headline);
    let mut steady = before.filter_map(|(index, step)| match step {
        Step::Steady(time) => Some((index, time.0)),
        _ => None,
    });
    let (first, time) = steady.next()?;
    Some((first, time + steady.map(|(_, time)| time).sum::<Duration>()))
}

/// How many operations there are per write, readers included, and how many a second that connect afresh.
fn shares(clients: &ServiceClients, shards: u32) -> (f64, f64) {
    let writers = clients.lanes.max(1);
    let readers = clients.readers(u16::try_from(shards).unwrap_or(u16::MAX));
    let fresh = f64::from(shards.max(1)) / FRESH_INTERVAL.as_secs_f64();
    (1.0 + f64::from(readers) / f64::from(writers), fresh)
}

fn most_operations(clients: &ServiceClients, shards: u32, steady: Duration) -> u64 {
    let (write, fresh) = shares(clients, shards);
    let planned = (clients.rate.0 * write + fresh) * steady.as_secs_f64();
    planned.ceil() as u64
}

/// An image whose name is that of another system's product.
fn image_problem(
    parsed: &Parsed,
    spec: &SystemSpec,
    offer: &Description,
    offers: &[Description],
) -> Option<Problem> {
    let image = spec.image.as_deref().filter(|_| !offer.image.is_empty())?;
    let named = product(image);
    let own = product(offer.image);
    let others = offers.iter().filter(|other| !other.image.is_empty());
    let other = others
        .filter(|other| product(other.image) != own)
        .find(|other| product(other.image) == named)?;
    Some(parsed.spans.problem(
        &["stack", offer.name, "image"],
        format!(
            "`{image}` is an image of {}, not of {}",
            other.name, offer.name
        ),
        format!(
            "name an image of {0} such as `{1}`, or drill `{2}`",
            offer.name, offer.image, other.name
        ),
    ))
}

/// The last part of an image's repository: `kafka` of `apache/kafka:4.3.1`.
fn product(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    let name = image.rsplit('/').next().unwrap_or(image);
    name.split(':').next().unwrap_or(name)
}

/// The drill, step by step.
struct Foresight<'p> {
    parsed: &'p Parsed,
    topology: &'p TopologySpec,
    by_operator: bool,
}

/// A node that a step has taken away, and nothing has brought back yet.
struct Away<'p> {
    step: usize,
    fault: &'p Fault,
    primary: bool,
}

impl Foresight<'_> {
    /// Waits for what cannot come while a node is away.
    fn waits(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut away: Vec<Away<'_>> = Vec::new();
        for (index, step) in self.parsed.scenario.drill.iter().enumerate() {
            match step {
                Step::Fault(fault) if fault.takes_away() => away.push(Away {
                    step: index,
                    fault,
                    primary: hits_primary(fault),
                }),
                Step::Runbook(called) if !called.promotes() && !called.gives_back() => {}
                Step::Runbook(_) | Step::Switchover(_) => {
                    for gone in &mut away {
                        gone.primary = false;
                    }
                }
                Step::Heal(what) => {
                    away.retain(|gone| what != "all" && what != gone.fault.name());
                }
                Step::Expect(Expect::Recovered(limit)) => {
                    let ended = |gone: &&Away<'_>| {
                        gone.fault.lasting().is_none_or(|time| time > limit.within)
                    };
                    let dead = away.iter().filter(ended).find(|gone| gone.primary);
                    problems.extend(
                        dead.filter(|_| self.by_operator)
                            .map(|gone| self.nobody_promotes(index, gone)),
                    );
                    away.retain(|gone| gone.fault.lasting().is_none());
                }
                Step::Expect(Expect::Redundant(_)) => {
                    let dead = away.iter().find(|gone| gone.fault.lasting().is_none());
                    problems.extend(dead.map(|gone| self.still_away(index, gone)));
                }
                _ => {}
            }
        }
        problems
    }

    fn nobody_promotes(&self, index: usize, gone: &Away<'_>) -> Problem {
        let runbook = self.topology.runbooks.first().copied().unwrap_or_default();
        self.parsed.spans.problem(
            &["drill", &index.to_string(), "expect"],
            format!(
                "nobody replaces the primary after step {}: `{}` has no automatic failover",
                gone.step, self.topology.name
            ),
            format!(
                "add `- runbook: {runbook}` before this step, or `- heal: all` if the same node is to come back"
            ),
        )
    }

    fn still_away(&self, index: usize, gone: &Away<'_>) -> Problem {
        self.parsed.spans.problem(
            &["drill", &index.to_string(), "expect"],
            format!(
                "redundancy cannot come: the {} of step {} is not healed",
                gone.fault.name(),
                gone.step
            ),
            "add `- heal: all` before this step",
        )
    }

    /// A way of coming back that no step of the drill leads to.
    fn recovered_by(&self) -> Option<Problem> {
        let scenario = &self.parsed.scenario;
        let has = |wanted: fn(&Step) -> bool| scenario.drill.iter().any(wanted);
        let (message, help) = match scenario.targets.recovered_by? {
            RecoveredBy::OtherNode
                if self.by_operator
                    && !has(|step| match step {
                        Step::Runbook(called) => called.promotes(),
                        step => matches!(step, Step::Switchover(_)),
                    }) =>
            {
                (
                    format!(
                        "no other node can take over: `{}` has no automatic failover",
                        self.topology.name
                    ),
                    format!(
                        "add a step {}, or expect `restart` or `heal`",
                        suggest::list(&[&format!(
                            "- runbook: {}",
                            self.topology.runbooks.first().copied().unwrap_or_default()
                        )])
                    ),
                )
            }
            RecoveredBy::Heal
                if !has(|step| {
                    matches!(step, Step::Heal(_))
                        || matches!(step, Step::Fault(fault) if !fault.lasts())
                        || matches!(step, Step::Runbook(called) if called.gives_back())
                }) =>
            {
                (
                    "no step heals anything".to_owned(),
                    "add `- heal: all`, or expect `other-node`".to_owned(),
                )
            }
            RecoveredBy::OtherNode | RecoveredBy::Restart | RecoveredBy::Heal => return None,
        };
        let place = ["targets", "recovered-by"];
        Some(self.parsed.spans.problem(&place, message, help))
    }
}

fn hits_primary(fault: &Fault) -> bool {
    let aimed = fault.aimed();
    aimed
        .iter()
        .any(|(_, selector)| matches!(selector, Selector::Primary | Selector::All))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{scenario::read, system::catalogue};

    /// What is foreseen of a drill: the stack, what more stands below the targets, the steps.
    fn foreseen(stack: &str, clients: &str, targets: &str, steps: &str) -> Vec<(String, String)> {
        let text = format!(
            "schema: 1\nname: a\nsummary: b\nstack: {{ {stack} }}\nclients: {{ service: {{ {clients} }} }}\n\
             targets: {{ rto: 1m, rpo: any{targets} }}\ndrill: [ {steps} ]\n"
        );
        let parsed = read("a.yaml", &text, &[]).expect("a scenario");
        let systems = catalogue::all();
        let offers: Vec<Description> = systems.iter().map(|it| it.describe()).collect();
        let used = systems.iter().zip(&offers);
        let used = used.filter(|(_, offer)| parsed.scenario.stack.contains_key(offer.name));
        used.flat_map(|(system, _)| validate_foresight(&parsed, system.as_ref(), &offers))
            .map(|it| {
                let help = it.help_text().unwrap_or_default().to_owned();
                (it.message().to_owned(), help)
            })
            .collect()
    }

    const KILLED: &str = "{ steady: 10s }, { fault: { kill: primary } }";
    const RECOVERED: &str = "{ expect: { recovered: { within: 1m } } }";
    const REDUNDANT: &str = "{ expect: { redundant: { within: 1m } } }";

    #[test]
    fn a_baseline_that_is_too_short_is_told_with_what_would_do() {
        let steps = format!("{KILLED}, {RECOVERED}");
        let said = foreseen("redis: {}", "lanes: 4, rate: 50/s", "", &steps);
        assert_eq!(
            said,
            [(
                "the baseline will have 850 operations at most, and nothing can be concluded under 1000".to_owned(),
                "write `- steady: 13s`, or `rate: 64/s` for `clients.service`".to_owned()
            )]
        );
        for mended in ["rate: 64/s", "rate: 100/s"] {
            assert_eq!(foreseen("redis: {}", mended, "", &steps), []);
        }
        let longer = steps.replace("10s", "13s");
        assert_eq!(foreseen("redis: {}", "rate: 50/s", "", &longer), []);
    }

    #[test]
    fn a_primary_that_nobody_replaces_is_told() {
        let waits = |middle: &str| format!("{KILLED}{middle}, {RECOVERED}");
        for stack in [
            "redis: { topology: replicas }",
            "postgres: { topology: streaming }",
            "postgres: { topology: logical }",
            "mysql: { topology: replication }",
            "mariadb: { topology: replication }",
        ] {
            let said = foreseen(stack, "", "", &waits(""));
            assert_eq!(said.len(), 1, "{stack}: {said:?}");
            assert!(
                said[0]
                    .0
                    .contains("nobody replaces the primary after step 1"),
                "{said:?}"
            );
            assert!(said[0].1.contains("- runbook: promote-replica"), "{said:?}");
            assert_eq!(
                foreseen(stack, "", "", &waits(", { runbook: promote-replica }")),
                []
            );
            assert_eq!(foreseen(stack, "", "", &waits(", { heal: all }")), []);
        }
        for stack in [
            "redis: {}",
            "postgres: { topology: patroni }",
            "mysql: { topology: group-replication }",
        ] {
            assert_eq!(foreseen(stack, "", "", &waits("")), [], "{stack}");
        }
    }

    #[test]
    fn a_freeze_that_outlasts_the_wait_is_told_where_nobody_takes_over() {
        let steps = |time: &str| {
            format!(
                "{{ steady: 10s }}, {{ fault: {{ pause: {{ node: primary, for: {time} }} }} }}, {RECOVERED}"
            )
        };
        let stack = "postgres: { topology: streaming }";
        assert_eq!(foreseen(stack, "", "", &steps("2m")).len(), 1);
        assert_eq!(foreseen(stack, "", "", &steps("20s")), []);
    }

    #[test]
    fn redundancy_is_not_waited_for_while_a_node_is_away() {
        let said = foreseen(
            "redis: {}",
            "",
            "",
            &format!("{KILLED}, {RECOVERED}, {REDUNDANT}"),
        );
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0].0.contains("the kill of step 1 is not healed"),
            "{said:?}"
        );
        let healed = format!("{KILLED}, {RECOVERED}, {{ heal: all }}, {REDUNDANT}");
        assert_eq!(foreseen("redis: {}", "", "", &healed), []);
    }

    #[test]
    fn a_way_back_that_no_step_leads_to_is_told() {
        let steps = format!("{KILLED}, {{ heal: all }}, {RECOVERED}");
        let stack = "redis: { topology: replicas }";
        let said = foreseen(stack, "", ", recovered-by: other-node", &steps);
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(foreseen(stack, "", ", recovered-by: heal", &steps), []);
        let never = format!("{KILLED}, {RECOVERED}");
        assert_eq!(
            foreseen("redis: {}", "", ", recovered-by: heal", &never).len(),
            1
        );
    }

    #[test]
    fn an_image_of_another_product_is_told() {
        let steps = format!("{KILLED}, {RECOVERED}");
        let said = foreseen("redis: { image: 'postgres:17' }", "", "", &steps);
        assert_eq!(
            said[0].0,
            "`postgres:17` is an image of postgres, not of redis"
        );
        for image in [
            "redis:7",
            "registry.local:5000/own/redis:8",
            "own/cache@sha256:aa",
        ] {
            let stack = format!("redis: {{ image: '{image}' }}");
            assert_eq!(foreseen(&stack, "", "", &steps), [], "{image}");
        }
    }
}
