//! Outages that a node of the reference store plays by itself.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    id::NodeName,
    scenario::{Play, fault::Script},
    system::SystemError,
};

use super::{
    Action, ActiveEffect, FaultContext, FaultError, Injected, described::Seen, select::select,
};

/// The longest wait for the node's log to tell that it began.
const EFFECT_LIMIT: Duration = Duration::from_secs(2);

/// How many lines of the node's log are looked through.
const LOG_LINES: u32 = 200;

/// A node that plays.
#[derive(Debug)]
struct ScriptEffect {
    node: NodeName,
    play: Play,
}

#[async_trait]
impl Action for Script {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        play(self, context).await
    }
}

#[async_trait]
impl ActiveEffect for ScriptEffect {
    async fn verify(&self, context: &FaultContext) -> Seen {
        look(&self.node, self.play, context).await
    }
}

/// Lets the node begin. It ends by itself, so there is nothing to undo.
async fn play(script: &Script, context: &FaultContext) -> Result<Injected, FaultError> {
    let nodes = select(&script.node, context).await?;
    let node = nodes
        .first()
        .ok_or_else(|| FaultError::NoVictim(script.node.to_string()))?
        .clone();
    let primary_hit = context.system.primary().await.is_ok_and(|now| now == node);
    let unable = || SystemError::Refused("the nodes of this stack play no outages".into());
    let scripted = context.system.scripted().ok_or_else(unable)?;
    let (at, result) = context
        .emitter
        .time(scripted.play(&node, script.how, script.lasting.0))
        .await;
    result?;
    Ok(Injected {
        victims: vec![node.clone()],
        primary_hit,
        means: format!("the node plays {} for {}", script.how, script.lasting),
        at,
        effect: Arc::new(ScriptEffect {
            node,
            play: script.how,
        }),
    })
}

/// The node's own log says that it plays.
async fn look(node: &NodeName, play: Play, context: &FaultContext) -> Seen {
    let word = format!("script {play} begins");
    let told = async {
        loop {
            let log = context.runtime.logs(node, LOG_LINES).await;
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
    seen
}
