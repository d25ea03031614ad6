//! What people do: a command that should not have been given, on the node where it does harm.

use std::time::Duration;

use crate::{id::NodeName, record::Effect, runtime::RuntimeError, scenario::Mistake};

use super::{
    Expected, FaultError, Ground, Injected, Undo,
    process::{Described, Seen, hits_primary},
    select::select,
};

/// How long a command may take.
const EXEC: Duration = Duration::from_secs(60);

/// A mistake, and what shows it.
#[derive(Debug)]
pub struct Shown {
    nodes: Vec<NodeName>,
    mistake: Mistake,
    before: Vec<String>,
    codes: Vec<i64>,
}

/// Gives the command on each node.
pub async fn err(mistake: &Mistake, step: usize, ground: &Ground) -> Result<Injected, FaultError> {
    let nodes = select(&mistake.node, ground).await?;
    let primary_hit = hits_primary(&nodes, ground).await;
    let mut before = Vec::new();
    for node in &nodes {
        let (said, _) = exec(node, &mistake.shows, ground).await?;
        if said == mistake.expect {
            return Err(FaultError::ShownBefore(mistake.shows.clone(), node.clone()));
        }
        before.push(said);
    }
    let given = nodes.iter().map(|node| exec(node, &mistake.run, ground));
    let (at, given) = ground
        .emitter
        .time(futures_util::future::join_all(given))
        .await;
    let given = given.into_iter().collect::<Result<Vec<_>, _>>()?;
    let injected = Described {
        name: "mistake",
        means: "a command given inside the node",
        primary_hit,
        at,
        step,
    };
    let shown = Shown {
        nodes: nodes.clone(),
        mistake: mistake.clone(),
        before,
        codes: given.into_iter().map(|(_, code)| code).collect(),
    };
    Ok(injected.into(nodes, Undo::Nothing, Expected::Mistaken(shown)))
}

async fn exec(
    node: &NodeName,
    command: &str,
    ground: &Ground,
) -> Result<(String, i64), RuntimeError> {
    let said = ground
        .runtime
        .exec(node, &["sh", "-c", command], EXEC)
        .await?;
    Ok((said.stdout.trim().to_owned(), said.code))
}

/// What shows the harm says what it should, and did not before.
pub async fn verify(step: usize, shown: &Shown, ground: &Ground) -> Effect {
    let mut seen = Seen::default();
    let Mistake { shows, expect, .. } = &shown.mistake;
    for ((node, before), code) in shown.nodes.iter().zip(&shown.before).zip(&shown.codes) {
        match exec(node, shows, ground).await {
            Ok((now, _)) if now == *expect => seen.yes(format!(
                "`{shows}` on {node} says `{now}`, and said `{before}` before"
            )),
            Ok((now, _)) => seen.no(format!(
                "`{shows}` on {node} says `{now}` and not `{expect}`; the command ended with code {code}"
            )),
            Err(error) => seen.no(error.to_string()),
        }
    }
    seen.effect(step)
}
