//! The engine's event stream, for what happens between two looks, and a look at what stands beside the nodes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use bollard::{
    errors::Error,
    models::{ContainerSummary, ContainerSummaryStateEnum, EndpointResource, EventMessage},
    query_parameters::{
        EventsOptionsBuilder, InspectContainerOptions, InspectNetworkOptions,
        ListContainersOptionsBuilder,
    },
};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::time::{sleep, timeout};

use crate::{
    id::{NodeName, RunId},
    runtime::{Deed, Happening, RUN_LABEL, Report, RuntimeError, Surroundings},
};

use super::{
    engine::{ANSWER, ASK, Engine, within},
    network,
    node::{AMONG, Machine},
};

/// How long after a break the engine is asked again.
const AGAIN: Duration = Duration::from_millis(50);

/// By how much the time that is asked for again after a break begins before the last event, nanoseconds; and how long after its
/// memory ran out a container's end is the doing of that.
const OVERLAP: i64 = 2_000_000_000;

/// The events that are asked for.
const EVENTS: [&str; 8] = [
    "die", "oom", "kill", "pause", "unpause", "start", "restart", "destroy",
];

/// Finds whose container an id is: the node's own, or a helper of it by its name.
pub(super) type Whose<'a> = Box<dyn Fn(&str) -> Option<NodeName> + Send + Sync + 'a>;

/// Whose events are asked for.
pub(super) enum Scope {
    /// Those of all containers with a run's label.
    Run(String),
    /// Those of these containers.
    Containers(Vec<String>),
}

/// A stream of events that is opened anew when it breaks.
struct Listening<'a> {
    engine: &'a Engine,
    scope: Scope,
    whose: Whose<'a>,
    /// Whether a name is that of a node's own container.
    own: Whose<'a>,
    events: Option<BoxStream<'static, Result<EventMessage, Error>>>,
    /// The engine's identity when it was first asked, where it has one.
    identity: Option<Option<String>>,
    heard: Heard,
    /// Containers whose memory ran out, and when, nanoseconds by the engine's clock.
    starved: BTreeMap<String, i64>,
}

/// What the engine says happens to these containers, from the first poll on.
pub(super) fn reports<'a>(
    engine: &'a Engine,
    scope: Scope,
    own: Whose<'a>,
    whose: Whose<'a>,
) -> BoxStream<'a, Report> {
    let listening = Listening {
        engine,
        scope,
        whose,
        own,
        events: None,
        identity: None,
        heard: Heard::default(),
        starved: BTreeMap::new(),
    };
    stream::unfold(listening, |mut listening| async move {
        let report = listening.next().await;
        Some((report, listening))
    })
    .boxed()
}

/// The events of the last moments, so that none is taken twice where the stream is opened anew.
#[derive(Default)]
struct Heard {
    /// The time of the last event, nanoseconds by the engine's clock: after a break they go on from shortly before it.
    last: i64,
    /// Time, container, and what happened. Times alone do not tell events apart: several may share one, and those of several
    /// containers come in an order that is not quite that of their times.
    lately: BTreeSet<(i64, String, String)>,
}

impl Heard {
    fn is_new(&mut self, at: i64, id: &str, action: &str) -> bool {
        self.last = self.last.max(at);
        let old = self.last - 2 * OVERLAP;
        self.lately.retain(|(time, ..)| *time > old);
        at > old && self.lately.insert((at, id.to_owned(), action.to_owned()))
    }
}

impl Listening<'_> {
    async fn next(&mut self) -> Report {
        if self.identity.is_none() {
            self.identity = identity(self.engine).await;
        }
        loop {
            if self.events.is_none() {
                self.events = Some(self.open());
            }
            let next = match &mut self.events {
                Some(events) => events.next().await,
                None => None,
            };
            match next {
                Some(Ok(message)) => {
                    if let Some(mut happening) = self.read(&message) {
                        ask_of_memory(self.engine, &mut happening.deed, &message).await;
                        return Report::Happened(happening);
                    }
                }
                Some(Err(_)) | None => {
                    self.events = None;
                    return self.resume().await;
                }
            }
        }
    }

    fn open(&self) -> BoxStream<'static, Result<EventMessage, Error>> {
        let (key, values) = match &self.scope {
            Scope::Run(run) => ("label", vec![format!("{RUN_LABEL}={run}")]),
            Scope::Containers(ids) => ("container", ids.clone()),
        };
        let filters = HashMap::from([
            (key, values.iter().map(String::as_str).collect()),
            ("type", vec!["container"]),
            ("event", EVENTS.to_vec()),
        ]);
        let mut options = EventsOptionsBuilder::new().filters(&filters);
        let from = self.heard.last - OVERLAP;
        let since = format!("{}.{:09}", from / 1_000_000_000, from % 1_000_000_000);
        if self.heard.last > 0 {
            options = options.since(&since);
        }
        self.engine.docker.events(Some(options.build())).boxed()
    }

    /// Waits until the engine answers again, and says how it went.
    async fn resume(&mut self) -> Report {
        let mut refused = false;
        loop {
            if let Some(now) = identity(self.engine).await {
                let before = self.identity.replace(now.clone()).flatten();
                let other = before.is_some() && before != now;
                return Report::Resumed { refused, other };
            }
            refused = true;
            sleep(AGAIN).await;
        }
    }

    fn read(&mut self, message: &EventMessage) -> Option<Happening> {
        let at = message.time_nano.unwrap_or(0);
        let actor = message.actor.as_ref()?;
        let attributes = actor.attributes.as_ref()?;
        let id = actor.id.as_deref()?;
        let action = message.action.as_deref()?;
        if !self.heard.is_new(at, id, action) {
            return None;
        }
        let deed = self.deed(action, id, at, attributes)?;
        let node = self.own.as_ref()(id);
        let (node, helper) = match node {
            Some(node) => (node, None),
            None => (self.whose.as_ref()(id)?, attributes.get("name").cloned()),
        };
        Some(Happening {
            node,
            helper,
            deed,
            at: time_of_day(at),
        })
    }

    fn deed(
        &mut self,
        action: &str,
        id: &str,
        at: i64,
        facts: &HashMap<String, String>,
    ) -> Option<Deed> {
        let deed = match action {
            "oom" => {
                self.starved.insert(id.to_owned(), at);
                return None;
            }
            "start" | "restart" => {
                // A restart is told by its end and its start already.
                return (action == "start").then_some(Deed::Started);
            }
            "die" => Deed::Ended {
                code: facts.get("exitCode")?.parse().ok()?,
                // A child may have run out of memory long before somebody ends the server.
                out_of_memory: self
                    .starved
                    .get(id)
                    .is_some_and(|then| (at - then).abs() < OVERLAP),
            },
            "kill" => Deed::Signalled(facts.get("signal")?.clone()),
            "pause" => Deed::Frozen,
            "unpause" => Deed::Thawed,
            "destroy" => Deed::Removed,
            _ => return None,
        };
        Some(deed)
    }
}

/// An end by SIGKILL may be the kernel's for want of memory though the stream told nothing of that: the container's state says so.
async fn ask_of_memory(engine: &Engine, deed: &mut Deed, message: &EventMessage) {
    let Deed::Ended {
        code: 137,
        out_of_memory: out_of_memory @ false,
    } = deed
    else {
        return;
    };
    let id = message.actor.as_ref().and_then(|actor| actor.id.as_deref());
    let asked = engine
        .docker
        .inspect_container(id.unwrap_or_default(), None::<InspectContainerOptions>);
    let state = timeout(ANSWER, asked).await.ok().and_then(Result::ok);
    let state = state.and_then(|found| found.state);
    *out_of_memory = state.and_then(|state| state.oom_killed).unwrap_or(false);
}

/// The engine's identity, where it has one; nothing while it does not answer.
async fn identity(engine: &Engine) -> Option<Option<String>> {
    timeout(ANSWER, engine.identity()).await.ok()?.ok()
}

/// The time of day in UTC, with microseconds, of nanoseconds since 1970.
fn time_of_day(nanos: i64) -> String {
    let micros = nanos / 1_000;
    let seconds = micros / 1_000_000 % 86_400;
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!(
        "{hour:02}:{minute:02}:{second:02}.{:06} UTC",
        micros % 1_000_000
    )
}

/// What stands beside the nodes of a run: helpers that ended, and strangers on its network.
pub(super) async fn surroundings(
    engine: &Engine,
    run: &RunId,
    machines: &BTreeMap<NodeName, Machine>,
    network: &network::Network,
) -> Result<Surroundings, RuntimeError> {
    let label = format!("{RUN_LABEL}={run}");
    let filters = HashMap::from([("label", vec![label.as_str()])]);
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filters)
        .build();
    let listed = engine.docker.list_containers(Some(options));
    let listed = within("list containers of", run, ASK, listed);
    let asked = engine
        .docker
        .inspect_network(&network.name, None::<InspectNetworkOptions>);
    let asked = within("ask who is on", &network.name, ASK, asked);
    let (listed, on_network) = tokio::try_join!(listed, asked)?;
    let own: BTreeSet<&str> = machines
        .values()
        .map(|one| one.container.as_str())
        .collect();
    let attached = on_network.containers.unwrap_or_default();
    Ok(Surroundings {
        ended: ended(&listed, machines),
        detached: machines
            .iter()
            .filter(|(_, machine)| machine.beside.is_none())
            .filter(|(_, machine)| !attached.contains_key(&machine.container))
            .map(|(node, _)| node.clone())
            .collect(),
        strangers: strangers(&attached, &own),
        addresses: network
            .addresses
            .iter()
            .map(|(node, address)| (node.clone(), address.to_string()))
            .collect(),
    })
}

/// The containers on a network that are none of the run's own. While a container ends, the engine lists its endpoint under the
/// endpoint's name (`ep-` and its id) instead of the container's id: what is attached by then is nobody's.
fn strangers(
    attached: &HashMap<String, EndpointResource>,
    own: &BTreeSet<&str>,
) -> Vec<(String, String)> {
    let alien = |id: &str| !own.contains(id) && !id.starts_with("ep-");
    let strangers = attached.iter().filter(|(id, _)| alien(id));
    strangers.map(|(_, stranger)| described(stranger)).collect()
}

fn described(stranger: &EndpointResource) -> (String, String) {
    let address = stranger.ipv4_address.clone().unwrap_or_default();
    let address = address.split('/').next().unwrap_or_default().to_owned();
    (stranger.name.clone().unwrap_or_default(), address)
}

/// The helpers that were started and do not run. The one in a node's process namespace ends with the node, whatever ended that,
/// and is started again when it is next needed: that it does not run says nothing.
fn ended(
    listed: &[ContainerSummary],
    machines: &BTreeMap<NodeName, Machine>,
) -> Vec<(NodeName, String, Option<i64>)> {
    let mut ended = Vec::new();
    for (node, machine) in machines {
        for (kind, helper) in machine.helpers().filter(|(kind, _)| *kind != AMONG) {
            let name = format!("{kind} helper");
            let found = listed.iter().find(|one| one.id.as_deref() == Some(helper));
            match found.and_then(|one| one.state) {
                None => ended.push((node.clone(), name, None)),
                Some(ContainerSummaryStateEnum::EXITED | ContainerSummaryStateEnum::DEAD) => {
                    let status = found.and_then(|one| one.status.as_deref());
                    ended.push((node.clone(), name, status.and_then(exit_code)));
                }
                Some(_) => {}
            }
        }
    }
    ended
}

/// The code in for instance `Exited (137) 2 seconds ago`.
fn exit_code(status: &str) -> Option<i64> {
    let (_, rest) = status.split_once('(')?;
    rest.split_once(')')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_one_instant_are_all_taken_and_those_told_again_are_not() {
        let mut heard = Heard::default();
        assert!(heard.is_new(5_000_000_000, "a", "die"));
        assert!(heard.is_new(5_000_000_000, "b", "die"), "of one instant");
        assert!(
            heard.is_new(4_999_999_000, "c", "die"),
            "told a little late"
        );
        for (at, id) in [
            (5_000_000_000, "a"),
            (5_000_000_000, "b"),
            (4_999_999_000, "c"),
        ] {
            assert!(!heard.is_new(at, id, "die"), "told again: {id}");
        }
        assert!(heard.is_new(5_000_000_001, "a", "start"));
        assert!(heard.is_new(20_000_000_000, "a", "die"));
        assert!(!heard.is_new(5_000_000_000, "d", "die"), "long ago");
    }

    #[test]
    fn an_own_container_that_ends_is_no_stranger() {
        let endpoint = |name: &str| EndpointResource {
            name: Some(name.to_owned()),
            ipv4_address: Some("10.213.254.10/24".to_owned()),
            ..EndpointResource::default()
        };
        let mut attached = HashMap::from([("c0ffee".to_owned(), endpoint("r1"))]);
        let own = BTreeSet::from(["c0ffee"]);
        assert_eq!(strangers(&attached, &own), []);
        // As Docker 20.10 lists it between the end of its process and that of its network.
        let ending = attached.remove("c0ffee").expect("it is there");
        attached.insert("ep-44cdf9c8b3ab".to_owned(), ending);
        assert_eq!(strangers(&attached, &own), []);
        attached.insert("badcafe".to_owned(), endpoint("other"));
        let other = ("other".to_owned(), "10.213.254.10".to_owned());
        assert_eq!(strangers(&attached, &own), [other]);
    }

    #[test]
    fn a_helper_that_ended_is_seen_but_the_one_that_ends_with_its_node_is_not() {
        let machine = Machine {
            container: "node".into(),
            sidecar: Some("net".into()),
            started: true,
            killed: false,
            paused: false,
            memory: 0,
            cores: None,
            visible: None,
            among: Some("within".into()),
            disk: None,
            beside: None,
            adopted: None,
        };
        let machines = BTreeMap::from([(NodeName::new("pg1"), machine)]);
        let exited = |id: &str| ContainerSummary {
            id: Some(id.to_owned()),
            state: Some(ContainerSummaryStateEnum::EXITED),
            status: Some("Exited (137) 2 seconds ago".to_owned()),
            ..ContainerSummary::default()
        };
        let listed = [exited("net"), exited("within")];
        let network = (NodeName::new("pg1"), "network helper".to_owned(), Some(137));
        assert_eq!(ended(&listed, &machines), [network]);
    }

    #[test]
    fn times_and_exit_codes_are_read_as_the_engine_writes_them() {
        assert_eq!(
            time_of_day(1_787_000_000_123_456_789),
            "20:53:20.123456 UTC"
        );
        assert_eq!(exit_code("Exited (137) 2 seconds ago"), Some(137));
        assert_eq!(exit_code("Up 3 seconds"), None);
    }
}
