//! Links handled from inside each node's network namespace, by an agent in its sidecar.

use std::{
    collections::BTreeMap,
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
    Grudge, LinkProbe, Links,
    agent::{Agent, Answer, Command},
    harness::Sight,
    rules::{self, FLUSH},
};

/// How long applying or listing rules may take.
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
    armed: Mutex<BTreeMap<NodeName, Arc<Armed>>>,
    /// What is in force, per node.
    grudges: Mutex<BTreeMap<NodeName, Grudge>>,
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
            armed: Mutex::default(),
            grudges: Mutex::default(),
        }
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
        let grudge = lock(&self.grudges).get(node).cloned();
        // Also without a grudge: the first transaction is slow, and the fault's must not be the first.
        let script = grudge.map_or_else(|| FLUSH.to_owned(), |grudge| rules::script(&grudge));
        apply(&armed, script).await?;
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
        let cut = !lock(&self.grudges).is_empty();
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

    fn peers(&self, all: &[(NodeName, Arc<Armed>)], node: &NodeName) -> Vec<String> {
        let others = all.iter().filter(|(other, _)| other != node);
        others
            .filter_map(|(other, _)| self.addresses.get(other))
            .map(ToString::to_string)
            .collect()
    }

    /// Puts these grudges in force, all at once.
    async fn enforce(&self, grudges: &[Grudge]) -> Result<(), RuntimeError> {
        let targets = grudges
            .iter()
            .map(|grudge| Ok((self.find(&grudge.node)?, rules::script(grudge))))
            .collect::<Result<Vec<_>, RuntimeError>>()?;
        let applied = targets
            .iter()
            .map(|(armed, script)| apply(armed, script.clone()));
        join_all(applied).await.into_iter().collect()
    }

    /// Flushes a node's rules; where its agent is gone by a new one, unless the node is gone too.
    async fn flush(&self, node: &NodeName, armed: &Armed) -> Result<(), RuntimeError> {
        let Err(error) = armed.flush().await else {
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
        self.find(node)?.flush().await
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
    async fn flush(&self) -> Result<(), RuntimeError> {
        let script = FLUSH.to_owned();
        self.agent.ask(Command::Flush { script }, APPLY).await?;
        self.open_sight(RENEW).await;
        Ok(())
    }

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

async fn apply(armed: &Armed, script: String) -> Result<(), RuntimeError> {
    armed
        .agent
        .ask(Command::Apply { script }, APPLY)
        .await
        .map(|_| ())
}

#[async_trait]
impl Links for SidecarLinks {
    fn means(&self) -> &'static str {
        "nftables in the node's network namespace"
    }

    async fn arm(&self, nodes: &[NodeName]) -> Result<(), RuntimeError> {
        let arming = join_all(nodes.iter().map(|node| self.arm_one(node)));
        arming.await.into_iter().collect::<Result<(), _>>()?;
        self.connect().await
    }

    async fn cut(&self, grudges: &[Grudge]) -> Result<(), RuntimeError> {
        let before = lock(&self.grudges).clone();
        let mut after = before.clone();
        for grudge in grudges {
            let present = after.get(&grudge.node);
            let sum =
                present.map_or_else(|| grudge.clone(), |present| rules::both(present, grudge));
            after.insert(grudge.node.clone(), sum);
        }
        let named = |node: &NodeName| grudges.iter().any(|grudge| grudge.node == *node);
        let wanted: Vec<Grudge> = after.values().filter(|g| named(&g.node)).cloned().collect();
        *lock(&self.grudges) = after;
        let Err(error) = self.enforce(&wanted).await else {
            return Ok(());
        };
        // Half a cut is none: what was in force before is in force again.
        let undo = wanted.into_iter().map(|grudge| {
            before.get(&grudge.node).cloned().unwrap_or(Grudge {
                incoming_from: Vec::new(),
                outgoing_to: Vec::new(),
                ..grudge
            })
        });
        let undo: Vec<Grudge> = undo.collect();
        *lock(&self.grudges) = before;
        let _ = self.enforce(&undo).await;
        Err(error)
    }

    async fn heal(&self) -> Result<(), RuntimeError> {
        lock(&self.grudges).clear();
        let all = self.all();
        let flushed = join_all(all.iter().map(|(node, armed)| self.flush(node, armed))).await;
        flushed.into_iter().collect()
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
