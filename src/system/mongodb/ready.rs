//! Proves that a set replicates and could fail over, before any client sees it.

use std::time::Duration;

use futures_util::future::join_all;
use mongodb::bson::{Document, doc};
use tokio::time::timeout;

use crate::{
    runtime::Runtime,
    system::{SystemError, roster::Seat, started::not_ready, wait::until},
};

use super::{
    client::DATABASE,
    effective,
    element::Collection,
    redundancy::redundancy,
    running::MongoStack,
    set::ReplicaSet,
    wire::{ask, number},
};

/// The longest wait for replication to flow and for every member to be a secondary that is seen.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// How often is asked.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_secs(2);

/// Waits until a document written at the primary is read at every other member and every member is whole; then creates
/// the workload's collections and reads the settings back.
pub async fn prove(stack: &mut MongoStack) -> Result<(), SystemError> {
    let mut evidence = replication_flows(stack).await?;
    evidence.extend(whole(&*stack.runtime, &stack.set).await?);
    if let Some(store) = &stack.store {
        evidence.push(store.prove().await?);
    }
    let primary = stack.roster.named(&stack.stack.primary)?.clone();
    create(stack, &primary).await?;
    effective::read_back(stack).await?;
    stack.stack.ready = evidence;
    Ok(())
}

/// Waits until a document written at the primary is read at every other member.
pub async fn replication_flows(stack: &MongoStack) -> Result<Vec<String>, SystemError> {
    let primary = stack.roster.named(&stack.stack.primary)?;
    let collection = stack.elements.collection(Collection::Ready);
    let run = stack.elements.run().to_string();
    let write = || async {
        let insert = doc! { "insert": &collection, "documents": [{ "run": &run }], "writeConcern": { "w": 1 } };
        said(primary, insert).await.map(drop)
    };
    if let Err(reason) = until(READY_LIMIT, ASK_EVERY, write).await {
        return Err(not_ready(&*stack.runtime, &primary.name, "a first write", reason).await);
    }
    let others = stack.roster.data().filter(|seat| seat.name != primary.name);
    let reads = others.map(|seat| async {
        let read = || async {
            let find = doc! {
                "count": &collection, "query": { "run": &run }, "$readPreference": { "mode": "nearest" },
            };
            match number(&said(seat, find).await?, "n") {
                Some(0) | None => Err("the primary's document has not arrived".to_owned()),
                Some(_) => Ok(()),
            }
        };
        match until(READY_LIMIT, ASK_EVERY, read).await {
            Ok(()) => Ok(format!("{}: read the document that was written at {}", seat.name, primary.name)),
            Err(reason) => {
                Err(not_ready(&*stack.runtime, &seat.name, "the primary's document", reason).await)
            }
        }
    });
    join_all(reads).await.into_iter().collect()
}

/// Waits until every member of a set is in place.
pub async fn whole(runtime: &dyn Runtime, set: &ReplicaSet) -> Result<Vec<String>, SystemError> {
    let look = || async {
        let found = redundancy(&[set]).await;
        match (found.whole, found.evidence.first()) {
            (true, _) => Ok(found.evidence),
            (false, missing) => Err(missing.cloned().unwrap_or_default()),
        }
    };
    match until(READY_LIMIT, ASK_EVERY, look).await {
        Ok(evidence) => Ok(evidence),
        Err(reason) => {
            let node = &set.first()?.name;
            Err(not_ready(runtime, node, "every member in place", reason).await)
        }
    }
}

/// Reads of a lane's newest element need an index. No index is unique: a second application of an append must show.
async fn create(stack: &MongoStack, primary: &Seat) -> Result<(), SystemError> {
    let refused = |words: String| {
        SystemError::Refused(format!(
            "failed to create the workload's collections: {words}"
        ))
    };
    let index = doc! {
        "createIndexes": stack.elements.collection(Collection::Appends),
        "indexes": [{ "key": { "lane": 1, "seq": 1 }, "name": "lane_seq" }],
        "writeConcern": { "w": "majority" },
    };
    said(primary, index).await.map_err(refused)?;
    let pins = doc! {
        "create": stack.elements.collection(Collection::Pins), "writeConcern": { "w": "majority" },
    };
    said(primary, pins).await.map(drop).map_err(refused)
}

async fn said(seat: &Seat, command: Document) -> Result<Document, String> {
    match timeout(ASK_LIMIT, ask(seat.address, DATABASE, command)).await {
        Ok(answer) => answer.map_err(|failure| failure.to_string()),
        Err(_) => Err(format!("no answer within {ASK_LIMIT:?}")),
    }
}
