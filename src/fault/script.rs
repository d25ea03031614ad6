//! Outages that a node of the reference store plays by itself.

use std::time::Duration;

use crate::{
    id::NodeName,
    record::{Disruption, DisruptionKind, Effect},
    scenario::{Play, Script},
    system::SystemError,
};

use super::{
    ActiveFault, Expected, FaultError, Ground, Injected, Undo, process::Seen, select::select,
};

/// The longest wait for the node's log to tell that it began.
const EFFECT_LIMIT: Duration = Duration::from_secs(2);

/// How many lines of the node's log are looked through.
const LOG_LINES: u32 = 200;

/// Lets the node begin. It ends by itself, so there is nothing to undo.
pub async fn play(script: &Script, step: usize, ground: &Ground) -> Result<Injected, FaultError> {
    let nodes = select(&script.node, ground).await?;
    let node = nodes
        .first()
        .ok_or_else(|| FaultError::NoVictim(script.node.to_string()))?
        .clone();
    let primary_hit = ground.system.primary().await.is_ok_and(|now| now == node);
    let unable = || SystemError::Refused("the nodes of this stack play no outages".into());
    let scripted = ground.system.scripted().ok_or_else(unable)?;
    let (at, result) = ground
        .emitter
        .time(scripted.play(&node, script.how, script.lasting.0))
        .await;
    result?;
    Ok(Injected {
        disruption: Disruption {
            step,
            kind: DisruptionKind::Fault,
            name: "script".into(),
            victims: vec![node.clone()],
            primary_hit,
            means: format!("the node plays {} for {}", script.how, script.lasting),
        },
        at,
        active: ActiveFault {
            step,
            name: "script",
            undo: Undo::Nothing,
        },
        expected: Expected::Playing(node, script.how),
    })
}

/// The node's own log says that it plays.
pub async fn verify(step: usize, node: &NodeName, play: Play, ground: &Ground) -> Effect {
    let word = format!("script {play} begins");
    let told = async {
        loop {
            let log = ground.runtime.logs(node, LOG_LINES).await;
            let line = log
                .ok()
                .and_then(|log| log.lines().find(|l| l.contains(&word)).map(str::to_owned));
            if let Some(line) = line {
                return line;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let mut seen = Seen::default();
    match tokio::time::timeout(EFFECT_LIMIT, told).await {
        Ok(line) => seen.yes(format!("{node} logged: {line}")),
        Err(_) => seen.no(format!("{node} did not log that it plays {play}")),
    }
    seen.effect(step)
}
