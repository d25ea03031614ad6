//! Proves that a cluster replicates and could fail over, before any client sees it.

use std::time::Duration;

use futures_util::future::join_all;

use crate::{
    id::NodeName,
    system::{Running, SystemError, roster::Seat, started::not_ready, wait::until},
};

use super::{
    api::{Question, ask, found, plain},
    effective,
    redundancy::redundancy,
    running::EtcdStack,
    status::Status,
};

/// The longest wait for a leader, for replication to flow and for every member to be in place.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// How often is asked.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_secs(2);

/// Waits until every member is in place under one leader and a key that the leader took is read at every other member
/// from its own data; then learns the members' numbers and reads the settings back.
pub async fn prove(mut stack: EtcdStack) -> Result<EtcdStack, SystemError> {
    let whole = whole(&stack).await?;
    let primary = stack.primary().await?;
    let mut evidence = replication_flows(&stack, &primary).await?;
    evidence.extend(whole);
    let statuses = stack.statuses().await;
    let number = |(seat, status): (&Seat, Option<Status>)| Some((status?.own, seat.name.clone()));
    let names = statuses.into_iter().filter_map(number).collect();
    stack.know(primary, names);
    effective::read_back(&mut stack).await?;
    stack.stack.ready = evidence;
    Ok(stack)
}

/// Waits until every member is in place.
async fn whole(stack: &EtcdStack) -> Result<Vec<String>, SystemError> {
    let look = || async {
        let found = redundancy(stack).await;
        match (found.whole, found.evidence.first()) {
            (true, _) => Ok(found.evidence),
            (false, missing) => Err(missing.cloned().unwrap_or_default()),
        }
    };
    match until(READY_LIMIT, ASK_EVERY, look).await {
        Ok(evidence) => Ok(evidence),
        Err(reason) => Err(not_ready(
            &*stack.runtime,
            &stack.stack.primary,
            "every member in place",
            reason,
        )
        .await),
    }
}

/// Waits until what was put at the leader is read at every other member, by reads that ask nobody else.
async fn replication_flows(
    stack: &EtcdStack,
    primary: &NodeName,
) -> Result<Vec<String>, SystemError> {
    let leader = stack.roster.named(primary)?;
    let (key, run) = (stack.elements.ready(), stack.elements.run().to_string());
    let put = Question::put(&key, &run);
    let write = || async { ask(leader.address, &put, ASK_LIMIT).await.map(drop) };
    if let Err(reason) = until(READY_LIMIT, ASK_EVERY, write).await {
        return Err(not_ready(&*stack.runtime, primary, "a first write", reason).await);
    }
    let others = stack.roster.data().filter(|seat| seat.name != *primary);
    let reads = others.map(|seat| async {
        let question = Question::get(&key, true);
        let read = || async {
            let answer = ask(seat.address, &question, ASK_LIMIT).await?;
            let value = found(&answer)
                .first()
                .and_then(|found| plain(&found["value"]));
            match value.as_ref() == Some(&run) {
                true => Ok(()),
                false => Err("the leader's key has not arrived".to_owned()),
            }
        };
        match until(READY_LIMIT, ASK_EVERY, read).await {
            Ok(()) => Ok(format!(
                "{}: has the key that was put at {primary}",
                seat.name
            )),
            Err(reason) => {
                Err(not_ready(&*stack.runtime, &seat.name, "the leader's key", reason).await)
            }
        }
    });
    join_all(reads).await.into_iter().collect()
}
