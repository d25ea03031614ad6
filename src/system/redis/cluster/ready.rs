//! Proves that a cluster is whole and that each shard replicates, before any client sees it.

use std::time::Duration;

use futures_util::future::join_all;

use crate::{
    record::Shard,
    system::{
        SystemError,
        redis::{
            client::append,
            link::{command, connect},
        },
        started::not_ready,
        wait::until,
    },
};

use super::{effective, look::looks, redundancy::standing, running::ClusterStack};

/// The longest wait for the cluster to be whole: a started node takes no writes for 2 s, by a fixed delay.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// How often is asked.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_millis(500);

/// Waits until every node takes the cluster for whole and an element written at each primary is read at its replica;
/// then reads the settings back.
pub async fn prove(stack: &mut ClusterStack) -> Result<(), SystemError> {
    let mut evidence = whole(stack).await?;
    let shards = stack.stack.shards.clone();
    let flowing = shards.iter().map(|shard| replication_flows(stack, shard));
    for shard in join_all(flowing).await {
        evidence.extend(shard?);
    }
    effective::read_back(stack).await?;
    stack.stack.ready = evidence;
    Ok(())
}

async fn whole(stack: &ClusterStack) -> Result<Vec<String>, SystemError> {
    let ask = || async {
        let looks = looks(&stack.roster, ASK_LIMIT).await;
        let verdicts = standing(&looks, &stack.stack.shards);
        match verdicts.iter().find(|(well, _)| !well) {
            Some((_, missing)) => Err(missing.clone()),
            None => Ok(verdicts.into_iter().map(|(_, text)| text).collect()),
        }
    };
    match until(READY_LIMIT, ASK_EVERY, ask).await {
        Ok(evidence) => Ok(evidence),
        Err(reason) => {
            let runtime = &*stack.runtime;
            let node = &stack.stack.primary;
            Err(not_ready(runtime, node, "a whole cluster", reason).await)
        }
    }
}

async fn replication_flows(
    stack: &ClusterStack,
    shard: &Shard,
) -> Result<Vec<String>, SystemError> {
    let primary = stack.primary_of(shard).await?;
    let keys = stack.keys_of(Some(shard.number));
    let (key, element) = (keys.ready(), keys.run().to_string());
    let write = || async {
        let mut connection = connect(primary.address, ASK_LIMIT).await.map_err(text)?;
        append(&mut connection, &key, &element).await.map_err(text)
    };
    if let Err(reason) = until(READY_LIMIT, ASK_EVERY, write).await {
        return Err(not_ready(&*stack.runtime, &primary.name, "a first write", reason).await);
    }
    let mut evidence = Vec::new();
    for name in shard.members.iter().filter(|name| **name != primary.name) {
        let replica = stack.roster.named(name)?;
        let read = || async {
            let mut connection = connect(replica.address, ASK_LIMIT).await.map_err(text)?;
            let allowed = command(&["READONLY"]);
            allowed
                .query_async::<()>(&mut connection)
                .await
                .map_err(text)?;
            let last = command(&["LRANGE", &key, "-1", "-1"]);
            let last: Vec<String> = last.query_async(&mut connection).await.map_err(text)?;
            match last.last() {
                Some(last) if *last == element => Ok(()),
                _ => Err("the primary's element has not arrived".to_owned()),
            }
        };
        if let Err(reason) = until(READY_LIMIT, ASK_EVERY, read).await {
            return Err(not_ready(&*stack.runtime, name, "the primary's element", reason).await);
        }
        evidence.push(format!(
            "{name}: read the element that was written at {} in shard {}",
            primary.name, shard.number
        ));
    }
    Ok(evidence)
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
