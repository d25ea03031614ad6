//! Links handled from inside each node's network namespace, by an agent in its sidecar.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::{
    id::NodeName,
    runtime::{
        NodeState, Runtime, RuntimeError,
        journal::{Effect, Journal},
    },
};

use super::{
    Admission, Dial, Grudge, Knock, Knocked, LinkProbe, Links, PathFigures, Ping, Push, Shape,
    Shaping,
    agent::{Agent, Answer, Command},
    force::{Deed, Force},
    harness::{self, Sight},
    shape,
};

/// How long applying or listing rules may take; the first time the packet queue's interpreter starts.
const APPLY: Duration = Duration::from_secs(5);
/// How long opening the probe connections may take; a lost first packet is sent again after 1 s.
const CONNECT: Duration = Duration::from_secs(4);
/// How long the harness may take to see a healed node again.
const RENEW: Duration = Duration::from_secs(1);
/// What an agent may take beyond the limit of its own task.
const SLACK: Duration = Duration::from_secs(2);

/// Cuts and probes links by agents in sidecars.
pub struct SidecarLinks {
    runtime: Arc<dyn Runtime>,
    journal: Journal,
    addresses: BTreeMap<NodeName, IpAddr>,
    /// Nodes that stand in another one's network: they have no links of their own.
    beside: BTreeSet<NodeName>,
    armed: Mutex<BTreeMap<NodeName, Arc<Armed>>>,
    /// What is in force.
    force: Mutex<Force>,
}

/// A node whose links can be cut and probed.
struct Armed {
    agent: Agent,
    /// The harness's own connection; taken out while it is used.
    sight: Mutex<Option<Sight>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SidecarLinks {
    /// Links of nodes that have sidecars; no agent runs yet.
    pub fn new(
        runtime: Arc<dyn Runtime>,
        journal: Journal,
        addresses: impl IntoIterator<Item = (NodeName, IpAddr)>,
    ) -> Self {
        Self {
            runtime,
            journal,
            addresses: addresses.into_iter().collect(),
            beside: BTreeSet::new(),
            armed: Mutex::default(),
            force: Mutex::default(),
        }
    }

    /// The same, where these nodes stand in others' networks.
    pub fn beside(self, nodes: impl IntoIterator<Item = NodeName>) -> Self {
        let beside = nodes.into_iter().collect();
        Self { beside, ..self }
    }

    fn all(&self) -> Vec<(NodeName, Arc<Armed>)> {
        let armed = lock(&self.armed);
        armed
            .iter()
            .map(|(node, armed)| (node.clone(), Arc::clone(armed)))
            .collect()
    }

    fn find(&self, node: &NodeName) -> Result<Arc<Armed>, RuntimeError> {
        lock(&self.armed)
            .get(node)
            .cloned()
            .ok_or_else(|| RuntimeError::Failed {
                action: "handle the links of",
                node: node.to_string(),
                cause: "they were not armed".into(),
            })
    }

    fn address(&self, node: &NodeName) -> Result<IpAddr, RuntimeError> {
        self.addresses
            .get(node)
            .copied()
            .ok_or_else(|| RuntimeError::Failed {
                action: "find the address of",
                node: node.to_string(),
                cause: "none was reserved".into(),
            })
    }

    /// Makes sure that an agent runs in the node's present network namespace and that what is in
    /// force for the node is in force there: a partitioned machine that boots is still partitioned.
    async fn arm_one(&self, node: &NodeName) -> Result<(), RuntimeError> {
        let address = self.address(node)?;
        let present = lock(&self.armed).get(node).cloned();
        if let Some(armed) = present
            && armed.agent.ask(Command::Rules, APPLY).await.is_ok()
        {
            return Ok(());
        }
        let effect = Effect::Cut { node: node.clone() };
        self.journal
            .ensure(effect)
            .await
            .map_err(|error| RuntimeError::Failed {
                action: "write ahead the undo of cuts at",
                node: node.to_string(),
                cause: error.to_string(),
            })?;
        let agent = Agent::start(&*self.runtime, node).await?;
        let sight = Mutex::new(Some(Sight::new(address)));
        let armed = Arc::new(Armed { agent, sight });
        // Also where nothing is in force: the first transaction is slow, and the fault's must not be the first.
        self.enforce_at(node, &armed, false).await?;
        lock(&self.armed).insert(node.clone(), armed);
        Ok(())
    }

    /// Opens the probe connections that are missing or did not answer last time.
    async fn connect(&self) -> Result<(), RuntimeError> {
        let all = self.all();
        let opened = join_all(all.iter().map(|(node, armed)| async {
            let command = Command::Connect {
                peers: self.peers(&all, node),
                limit: CONNECT.as_secs_f64(),
            };
            let sight = armed.open_sight(CONNECT);
            let (answer, seen) = tokio::join!(armed.agent.ask(command, CONNECT + SLACK), sight);
            (node.clone(), answer, seen)
        }));
        let cut = !lock(&self.force).is_empty();
        for (node, answer, seen) in opened.await {
            let mut missing = answer?.missing;
            if !seen {
                missing.push("the harness".into());
            }
            if !missing.is_empty() && !cut {
                return Err(RuntimeError::Failed {
                    action: "open probe connections of",
                    node: node.to_string(),
                    cause: format!("no answer from {}", missing.join(", ")),
                });
            }
        }
        Ok(())
    }

    fn named(&self, address: &str) -> Option<&NodeName> {
        let mut all = self.addresses.iter();
        all.find(|(_, own)| own.to_string() == address)
            .map(|(node, _)| node)
    }

    fn peers(&self, all: &[(NodeName, Arc<Armed>)], node: &NodeName) -> Vec<String> {
        let others = all.iter().filter(|(other, _)| other != node);
        others
            .filter_map(|(other, _)| self.addresses.get(other))
            .map(ToString::to_string)
            .collect()
    }

    /// Puts what is in force for a node in force there; with `renew` connections that went unanswered are opened anew.
    async fn enforce_at(
        &self,
        node: &NodeName,
        armed: &Armed,
        renew: bool,
    ) -> Result<(), RuntimeError> {
        let (script, orders) = lock(&self.force).orders(node);
        let command = Command::Enforce {
            script,
            renew,
            orders,
        };
        armed.agent.ask(command, APPLY).await?;
        if renew {
            armed.open_sight(RENEW).await;
        }
        Ok(())
    }

    /// Adds to what is in force, at all nodes at once.
    async fn impose(&self, fault: usize, deeds: Vec<Deed>) -> Result<(), RuntimeError> {
        let nodes: BTreeSet<NodeName> = deeds.iter().map(|deed| deed.node().clone()).collect();
        let targets = nodes
            .iter()
            .map(|node| Ok((node, self.find(node)?)))
            .collect::<Result<Vec<_>, RuntimeError>>()?;
        let before = lock(&self.force).clone();
        lock(&self.force).add(fault, deeds);
        let all = || {
            join_all(
                targets
                    .iter()
                    .map(|(node, armed)| self.enforce_at(node, armed, false)),
            )
        };
        let done: Result<(), RuntimeError> = all().await.into_iter().collect();
        if done.is_err() {
            // Half a fault is none: what was in force before is in force again.
            *lock(&self.force) = before;
            all().await;
        }
        done
    }

    /// Enforces at a node what is left; where its agent is gone by a new one, unless the node is gone too.
    async fn relax(&self, node: &NodeName, armed: &Armed) -> Result<(), RuntimeError> {
        let Err(error) = self.enforce_at(node, armed, true).await else {
            return Ok(());
        };
        if self
            .runtime
            .state(node)
            .await
            .is_ok_and(|state| is_down(&state))
        {
            return Ok(());
        }
        let Ok(()) = self.arm_one(node).await else {
            return Err(error);
        };
        self.enforce_at(node, &*self.find(node)?, true).await
    }

    async fn probe_one(
        &self,
        all: &[(NodeName, Arc<Armed>)],
        node: &NodeName,
        armed: &Armed,
        limit: Duration,
    ) -> Result<Vec<LinkProbe>, RuntimeError> {
        let command = Command::Probe {
            peers: self.peers(all, node),
            limit: limit.as_secs_f64(),
        };
        let ask = armed.agent.ask(command, limit + SLACK);
        let (answer, (established, fresh)) = tokio::join!(ask, armed.probe_sight(limit));
        let answer = match answer {
            Ok(answer) => answer,
            Err(_)
                if self
                    .runtime
                    .state(node)
                    .await
                    .is_ok_and(|state| is_down(&state)) =>
            {
                Answer::default()
            }
            Err(error) => return Err(error),
        };
        let others = all
            .iter()
            .map(|(other, _)| other)
            .filter(|other| *other != node);
        let mut probes: Vec<LinkProbe> = others
            .map(|other| {
                let address = self.addresses.get(other).map(ToString::to_string);
                let link = answer
                    .links
                    .iter()
                    .find(|link| Some(&link.to) == address.as_ref());
                LinkProbe {
                    from: node.clone(),
                    to: Some(other.clone()),
                    established: link.is_some_and(|link| link.established),
                    fresh: link.is_some_and(|link| link.fresh),
                }
            })
            .collect();
        probes.push(LinkProbe {
            from: node.clone(),
            to: None,
            established,
            fresh,
        });
        Ok(probes)
    }
}

impl Armed {
    async fn open_sight(&self, limit: Duration) -> bool {
        let Some(mut sight) = lock(&self.sight).take() else {
            return true;
        };
        let opened = sight.renew(limit).await;
        *lock(&self.sight) = Some(sight);
        opened
    }

    async fn probe_sight(&self, limit: Duration) -> (bool, bool) {
        let Some(mut sight) = lock(&self.sight).take() else {
            return (false, false);
        };
        let seen = sight.probe(limit).await;
        *lock(&self.sight) = Some(sight);
        seen
    }
}

fn is_down(state: &NodeState) -> bool {
    matches!(state, NodeState::Exited { .. } | NodeState::Missing)
}

fn unseen(node: &NodeName, error: &std::io::Error) -> RuntimeError {
    RuntimeError::Failed {
        action: "measure the path to",
        node: node.to_string(),
        cause: error.to_string(),
    }
}

#[async_trait]
impl Links for SidecarLinks {
    fn means(&self) -> &'static str {
        "nftables in the node's network namespace"
    }

    async fn arm(&self, nodes: &[NodeName]) -> Result<(), RuntimeError> {
        let own = nodes.iter().filter(|node| !self.beside.contains(*node));
        let mut all: Vec<NodeName> = own.cloned().collect();
        // A node that was started again since has lost its agent.
        for (node, _) in self.all() {
            if !all.contains(&node) && self.runtime.state(&node).await? == NodeState::Running {
                all.push(node);
            }
        }
        let arming = join_all(all.iter().map(|node| self.arm_one(node)));
        arming.await.into_iter().collect::<Result<(), _>>()?;
        self.connect().await
    }

    async fn cut(&self, fault: usize, grudges: &[Grudge]) -> Result<(), RuntimeError> {
        let deeds = grudges.iter().cloned().map(Deed::Cut).collect();
        self.impose(fault, deeds).await
    }

    async fn rehearse(&self, wanted: &[Shaping]) -> Result<(), RuntimeError> {
        let all = self.all();
        let asked = all.iter().map(|(_, armed)| {
            let command = Command::Prepare(shape::rehearsal(wanted));
            armed.agent.ask(command, APPLY)
        });
        let answers: Result<Vec<Answer>, _> = join_all(asked).await.into_iter().collect();
        lock(&self.force).emulated = answers?.iter().all(|answer| answer.emulates);
        Ok(())
    }

    fn means_of(&self, how: &Shaping) -> &'static str {
        how.means(lock(&self.force).emulated)
    }

    async fn shape(&self, fault: usize, shapes: &[Shape]) -> Result<(), RuntimeError> {
        let deeds = shapes.iter().cloned().map(Deed::Shape).collect();
        self.impose(fault, deeds).await
    }

    async fn admit(&self, fault: usize, admissions: &[Admission]) -> Result<(), RuntimeError> {
        let deeds = admissions.iter().cloned().map(Deed::Admit).collect();
        self.impose(fault, deeds).await
    }

    async fn heal(&self, fault: usize) -> Result<Vec<NodeName>, RuntimeError> {
        lock(&self.force).remove(fault);
        let all = self.all();
        let relaxed = join_all(all.iter().map(|(node, armed)| self.relax(node, armed))).await;
        relaxed.into_iter().collect::<Result<(), _>>()?;
        let force = lock(&self.force);
        let spared = all.into_iter().filter(|(node, _)| force.spares(node));
        Ok(spared.map(|(node, _)| node).collect())
    }

    async fn measure(&self, node: &NodeName, ping: Ping) -> Result<Vec<PathFigures>, RuntimeError> {
        let (all, armed) = (self.all(), self.find(node)?);
        let command = Command::Measure {
            peers: self.peers(&all, node),
            count: ping.count,
            gap: ping.gap.as_secs_f64(),
            limit: ping.limit.as_secs_f64(),
            flows: ping.flows,
        };
        // Timers are late on a loaded machine.
        let ask = armed.agent.ask(command, ping.took() * 3 + SLACK);
        let (answer, own) = tokio::join!(ask, harness::ping(self.address(node)?, ping));
        let own = own.map_err(|error| unseen(node, &error))?;
        let mut figures: Vec<PathFigures> = answer?
            .paths
            .iter()
            .filter_map(|path| {
                let peer = self.named(&path.to)?;
                Some(PathFigures::of(node, Some(peer), path.sent, &path.came))
            })
            .collect();
        figures.push(PathFigures::of(node, None, ping.count, &own));
        Ok(figures)
    }

    async fn throughput(
        &self,
        node: &NodeName,
        to: Option<&NodeName>,
        push: Push,
    ) -> Result<f64, RuntimeError> {
        let Some(to) = to else {
            let bits = harness::stream(self.address(node)?, push).await;
            return bits.map_err(|error| unseen(node, &error));
        };
        let command = Command::Stream {
            peer: self.address(node)?.to_string(),
            seconds: push.time.as_secs_f64(),
            most: push.bits,
        };
        let answer = self
            .find(to)?
            .agent
            .ask(command, push.time * 3 + SLACK)
            .await?;
        Ok(answer.bits)
    }

    async fn damaged(&self, node: &NodeName) -> Result<u64, RuntimeError> {
        let answer = self.find(node)?.agent.ask(Command::Damaged, APPLY).await?;
        Ok(answer.damaged)
    }

    async fn knock(&self, node: &NodeName, knock: Knock) -> Result<Knocked, RuntimeError> {
        Ok(harness::knock(self.address(node)?, knock).await)
    }

    async fn dial(
        &self,
        from: Option<&NodeName>,
        targets: &[(NodeName, u16)],
        limit: Duration,
    ) -> Result<Vec<Dial>, RuntimeError> {
        let addresses = targets
            .iter()
            .map(|(node, port)| Ok((self.address(node)?, *port)))
            .collect::<Result<Vec<_>, RuntimeError>>()?;
        let Some(from) = from else {
            let dials = addresses
                .iter()
                .map(|(address, port)| harness::dial(*address, *port, limit));
            return Ok(join_all(dials).await);
        };
        let command = Command::Dial {
            targets: addresses
                .iter()
                .map(|(address, port)| (address.to_string(), *port))
                .collect(),
            limit: limit.as_secs_f64(),
        };
        let answer = self.find(from)?.agent.ask(command, limit + SLACK).await?;
        Ok(answer.dials)
    }

    async fn probe(&self, limit: Duration) -> Result<Vec<LinkProbe>, RuntimeError> {
        let all = self.all();
        let probes = all
            .iter()
            .map(|(node, armed)| self.probe_one(&all, node, armed, limit));
        let probes: Result<Vec<_>, _> = join_all(probes).await.into_iter().collect();
        Ok(probes?.into_iter().flatten().collect())
    }

    async fn rules(&self, node: &NodeName) -> Result<String, RuntimeError> {
        let answer = self.find(node)?.agent.ask(Command::Rules, APPLY).await?;
        Ok(answer.rules)
    }

    fn harness_address(&self) -> Option<IpAddr> {
        self.runtime.harness_address()
    }
}
