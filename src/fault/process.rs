//! Faults of a node's processes: kill, stop, pause, restart.

use std::time::Duration;

use futures_util::future::join_all;

use crate::{
    id::NodeName,
    record::{Disruption, DisruptionKind, Effect, EffectState, Role, What},
    runtime::{NodeState, Signal, journal},
    scenario::Victim,
    time::Bracket,
};

use super::{
    ActiveFault, Expected, FaultError, Ground, Injected, Undo,
    select::{select, victims},
};

/// The longest wait for an effect to show in a node's state.
const EFFECT_LIMIT: Duration = Duration::from_secs(5);

/// How long an orderly stop may take before the node is killed: Docker's own default.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// Kills all processes of the victims' machines at once.
pub async fn kill(victim: &Victim, step: usize, ground: &Ground) -> Result<Injected, FaultError> {
    let nodes = victims(victim, ground).await?;
    let primary_hit = hits_primary(&nodes, ground).await;
    let (at, results) = ground
        .emitter
        .time(join_all(
            nodes
                .iter()
                .map(|node| ground.runtime.signal(node, Signal::Kill)),
        ))
        .await;
    results.into_iter().collect::<Result<Vec<()>, _>>()?;
    let means = "SIGKILL to the node's main process";
    let injected = Described {
        name: "kill",
        means,
        primary_hit,
        at,
        step,
    };
    Ok(injected.into(
        nodes.clone(),
        Undo::BringBack(nodes.clone()),
        Expected::Ended(nodes),
    ))
}

/// Stops the victims in an orderly way.
pub async fn stop(victim: &Victim, step: usize, ground: &Ground) -> Result<Injected, FaultError> {
    let nodes = victims(victim, ground).await?;
    let primary_hit = hits_primary(&nodes, ground).await;
    let (at, results) = ground
        .emitter
        .time(join_all(
            nodes
                .iter()
                .map(|node| ground.runtime.stop(node, STOP_GRACE)),
        ))
        .await;
    results.into_iter().collect::<Result<Vec<()>, _>>()?;
    let means = "the image's stop signal to the node's main process";
    let injected = Described {
        name: "stop",
        means,
        primary_hit,
        at,
        step,
    };
    Ok(injected.into(
        nodes.clone(),
        Undo::BringBack(nodes.clone()),
        Expected::Ended(nodes),
    ))
}

/// Freezes all processes of the victims' machines.
pub async fn pause(victim: &Victim, step: usize, ground: &Ground) -> Result<Injected, FaultError> {
    let nodes = victims(victim, ground).await?;
    let primary_hit = hits_primary(&nodes, ground).await;
    ground
        .write_ahead(&nodes, |node| journal::Effect::Paused { node })
        .await?;
    let (at, results) = ground
        .emitter
        .time(join_all(
            nodes.iter().map(|node| ground.runtime.pause(node)),
        ))
        .await;
    results.into_iter().collect::<Result<Vec<()>, _>>()?;
    let means = match ground.runtime.kind() {
        "docker" => "the engine's freezer",
        _ => "SIGSTOP to the node's process",
    };
    let injected = Described {
        name: "pause",
        means,
        primary_hit,
        at,
        step,
    };
    Ok(injected.into(
        nodes.clone(),
        Undo::Unpause(nodes.clone()),
        Expected::Frozen(nodes),
    ))
}

/// Kills the victims and starts them again at once.
pub async fn restart(
    victim: &Victim,
    step: usize,
    ground: &Ground,
) -> Result<Injected, FaultError> {
    let nodes = victims(victim, ground).await?;
    let primary_hit = hits_primary(&nodes, ground).await;
    let (at, results) = ground
        .emitter
        .time(join_all(
            nodes
                .iter()
                .map(|node| ground.runtime.signal(node, Signal::Kill)),
        ))
        .await;
    results.into_iter().collect::<Result<Vec<()>, _>>()?;
    for node in &nodes {
        ended(node, ground).await;
    }
    let start = join_all(nodes.iter().map(|node| ground.runtime.start(node)));
    let (back, results) = ground.emitter.time(start).await;
    results.into_iter().collect::<Result<Vec<()>, _>>()?;
    for node in &nodes {
        let node = node.clone();
        ground.emitter.say_at(back, What::Returned { node });
    }
    let means = "SIGKILL to the node's main process, then a start";
    let injected = Described {
        name: "restart",
        means,
        primary_hit,
        at,
        step,
    };
    Ok(injected.into(nodes.clone(), Undo::Nothing, Expected::Restarted(nodes)))
}

/// What every process fault says of itself.
pub(super) struct Described {
    pub name: &'static str,
    pub means: &'static str,
    pub primary_hit: bool,
    pub at: Bracket,
    pub step: usize,
}

impl Described {
    pub(super) fn into(self, victims: Vec<NodeName>, undo: Undo, expected: Expected) -> Injected {
        Injected {
            disruption: Disruption {
                step: self.step,
                kind: DisruptionKind::Fault,
                name: self.name.into(),
                victims,
                primary_hit: self.primary_hit,
                means: self.means.into(),
            },
            at: self.at,
            active: ActiveFault {
                step: self.step,
                name: self.name,
                undo,
            },
            expected,
        }
    }
}

/// Whether the primary is one of them.
pub(super) async fn hits_primary(nodes: &[NodeName], ground: &Ground) -> bool {
    let primary = select(&crate::scenario::Selector::Primary, ground)
        .await
        .unwrap_or_default();
    primary.iter().any(|primary| nodes.contains(primary))
}

/// Waits until the node's main process has ended; false if it does not.
pub(super) async fn ended(node: &NodeName, ground: &Ground) -> bool {
    let exited = |state: &NodeState| matches!(state, NodeState::Exited { .. });
    wait_for(node, ground, exited).await.is_some()
}

async fn wait_for(
    node: &NodeName,
    ground: &Ground,
    fits: fn(&NodeState) -> bool,
) -> Option<NodeState> {
    let poll = async {
        loop {
            if let Ok(state) = ground.runtime.state(node).await
                && fits(&state)
            {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(EFFECT_LIMIT, poll).await.ok()
}

/// Every victim's main process has ended.
pub async fn verify_ended(step: usize, nodes: &[NodeName], ground: &Ground) -> Effect {
    let mut seen = Seen::default();
    for node in nodes {
        match wait_for(node, ground, |state| {
            matches!(state, NodeState::Exited { .. })
        })
        .await
        {
            Some(NodeState::Exited { code, .. }) => {
                seen.yes(format!("{node} has ended with code {code}"))
            }
            _ => seen.no(format!("{node} still runs after {EFFECT_LIMIT:?}")),
        }
    }
    seen.effect(step)
}

/// Every victim runs again.
pub async fn verify_restarted(step: usize, nodes: &[NodeName], ground: &Ground) -> Effect {
    let mut seen = Seen::default();
    for node in nodes {
        match wait_for(node, ground, |state| *state == NodeState::Running).await {
            Some(_) => seen.yes(format!("{node} was seen ended, and runs again")),
            None => seen.no(format!("{node} does not run again after {EFFECT_LIMIT:?}")),
        }
    }
    seen.effect(step)
}

/// Every victim is frozen, and those that hold data do not answer.
pub async fn verify_frozen(step: usize, nodes: &[NodeName], ground: &Ground) -> Effect {
    let mut seen = Seen::default();
    for node in nodes {
        match wait_for(node, ground, |state| *state == NodeState::Paused).await {
            Some(_) => seen.yes(format!("{node} is frozen")),
            None => seen.no(format!("{node} is not frozen after {EFFECT_LIMIT:?}")),
        }
        let data = ground
            .members()
            .iter()
            .any(|member| member.name == *node && member.kind == crate::record::MemberKind::Data);
        if data {
            match ground.system.view(node).await.role {
                Role::Unreachable => {
                    seen.yes(format!("{node} does not answer on a new connection"))
                }
                role => seen.no(format!("{node} still answers as {role:?}")),
            }
        }
    }
    seen.effect(step)
}

/// Collects observations for and against an effect.
#[derive(Default)]
pub struct Seen {
    against: u32,
    evidence: Vec<String>,
}

impl Seen {
    /// An observation as intended.
    pub fn yes(&mut self, text: String) {
        self.evidence.push(text);
    }

    /// An observation against it; those are listed first.
    pub fn no(&mut self, text: String) {
        self.against += 1;
        self.evidence.insert(0, text);
    }

    /// The effect, verified unless something spoke against it.
    pub fn effect(self, step: usize) -> Effect {
        let state = if self.against == 0 {
            EffectState::Verified
        } else {
            EffectState::NotVerified
        };
        Effect {
            step,
            state,
            evidence: self.evidence,
        }
    }
}
