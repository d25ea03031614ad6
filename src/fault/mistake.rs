//! A command that an operator should not have given, on the node where it does harm.

use std::time::Duration;

use async_trait::async_trait;

use crate::{id::NodeName, runtime::RuntimeError, scenario::fault::Mistake};

use super::{
    Action, ActiveEffect, FaultContext, FaultError, Injected,
    described::{Described, Seen, hits_primary},
    select::select,
};

/// How long a command may take.
const EXEC: Duration = Duration::from_secs(60);

/// A mistake, and what shows it.
#[derive(Debug)]
struct MistakeEffect {
    nodes: Vec<NodeName>,
    mistake: Mistake,
    before: Vec<String>,
    codes: Vec<i64>,
}

#[async_trait]
impl Action for Mistake {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        give(self, context).await
    }
}

#[async_trait]
impl ActiveEffect for MistakeEffect {
    async fn verify(&self, context: &FaultContext) -> Seen {
        look(self, context).await
    }
}

/// Gives the command on each node.
async fn give(mistake: &Mistake, context: &FaultContext) -> Result<Injected, FaultError> {
    let nodes = select(&mistake.node, context).await?;
    let primary_hit = hits_primary(&nodes, context).await;
    let mut before = Vec::new();
    for node in &nodes {
        let (said, _) = exec(node, &mistake.shows, context).await?;
        if said == mistake.expect {
            return Err(FaultError::ShownBefore(mistake.shows.clone(), node.clone()));
        }
        before.push(said);
    }
    let given = nodes.iter().map(|node| exec(node, &mistake.run, context));
    let (at, given) = context
        .emitter
        .time(futures_util::future::join_all(given))
        .await;
    let given = given.into_iter().collect::<Result<Vec<_>, _>>()?;
    let injected = Described {
        means: "a command given inside the node".into(),
        primary_hit,
        at,
    };
    let effect = MistakeEffect {
        nodes: nodes.clone(),
        mistake: mistake.clone(),
        before,
        codes: given.into_iter().map(|(_, code)| code).collect(),
    };
    Ok(injected.into(nodes, effect))
}

async fn exec(
    node: &NodeName,
    command: &str,
    context: &FaultContext,
) -> Result<(String, i64), RuntimeError> {
    let said = context
        .runtime
        .exec(node, &["sh", "-c", command], EXEC)
        .await?;
    Ok((said.stdout.trim().to_owned(), said.code))
}

/// What shows the harm says what it should, and did not before.
async fn look(shown: &MistakeEffect, context: &FaultContext) -> Seen {
    let mut seen = Seen::default();
    let Mistake { shows, expect, .. } = &shown.mistake;
    for ((node, before), code) in shown.nodes.iter().zip(&shown.before).zip(&shown.codes) {
        match exec(node, shows, context).await {
            Ok((now, _)) if now == *expect => seen.yes(format!(
                "`{shows}` on {node} says `{now}`, and said `{before}` before"
            )),
            Ok((now, _)) => seen.no(format!(
                "`{shows}` on {node} says `{now}` and not `{expect}`; the command ended with code {code}"
            )),
            Err(error) => seen.no(error.to_string()),
        }
    }
    seen
}
