//! Proves that a cluster replicates and could fail over, before any client sees it.

use std::time::Duration;

use futures_util::future::join_all;

use crate::{
    id::NodeName,
    system::{Running, SystemError, roster::Seat, started::not_ready, wait::until},
};

use super::{api::ask, effective, index, redundancy::redundancy, running::OpenSearchStack};

/// The longest wait for a cluster manager, for the index and its copies, and for replication to flow.
const READY_LIMIT: Duration = Duration::from_secs(90);

/// How often the document that proves replication is written through each node: virtual machines that have just started
/// are slow at first, and no client is to take that for an outage.
const WRITES: u32 = 100;

/// How often is asked.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_secs(5);

/// Waits until all nodes follow one cluster manager, makes the run's index with its primary where it is wanted, waits
/// until every copy is in sync and has a document that was written at the primary; then reads the settings back.
pub async fn prove(mut stack: OpenSearchStack) -> Result<OpenSearchStack, SystemError> {
    let manager = formed(&stack).await?;
    let wanted = placement(&stack, &manager)?;
    place(&stack, &wanted).await?;
    let whole = whole(&stack).await?;
    let primary = stack.primary().await?;
    if primary != wanted {
        let words = format!("the primary is on `{primary}`, not on `{wanted}`");
        return Err(SystemError::Refused(words));
    }
    let mut evidence = replication_flows(&stack, &primary).await?;
    evidence.extend(whole);
    let beside = match stack.with_primary {
        true => "with",
        false => "apart from",
    };
    evidence.push(format!(
        "{manager}: cluster manager, {beside} the primary {primary}"
    ));
    stack.know(primary);
    effective::read_back(&mut stack).await?;
    stack.stack.ready = evidence;
    Ok(stack)
}

/// Waits until all nodes name the same cluster manager.
async fn formed(stack: &OpenSearchStack) -> Result<NodeName, SystemError> {
    let look = || async {
        let statuses = stack.statuses().await;
        let managers: Vec<Option<String>> = statuses
            .into_iter()
            .map(|(_, status)| status.and_then(|status| status.manager))
            .collect();
        match managers.split_first() {
            Some((Some(one), rest)) if rest.iter().all(|other| other.as_ref() == Some(one)) => {
                Ok(NodeName::new(one))
            }
            _ => Err(format!("nodes name these cluster managers: {managers:?}")),
        }
    };
    match until(READY_LIMIT, ASK_EVERY, look).await {
        Ok(manager) => Ok(manager),
        Err(reason) => {
            Err(failed(stack, &stack.stack.primary, "one cluster manager", reason).await)
        }
    }
}

/// The first node that is, or is not, the cluster manager.
fn placement(stack: &OpenSearchStack, manager: &NodeName) -> Result<NodeName, SystemError> {
    let mut seats = stack.roster.data();
    let found = seats.find(|seat| (seat.name == *manager) == stack.with_primary);
    let none = || SystemError::Refused("there is no node for the primary".into());
    found.map(|seat| seat.name.clone()).ok_or_else(none)
}

async fn place(stack: &OpenSearchStack, primary: &NodeName) -> Result<(), SystemError> {
    let seat = stack.roster.named(primary)?;
    let create = || {
        index::create(
            seat.address,
            &stack.elements,
            &stack.shape,
            primary,
            ASK_LIMIT,
        )
    };
    match until(READY_LIMIT, ASK_EVERY, create).await {
        Ok(()) => Ok(()),
        Err(reason) => Err(failed(stack, primary, "the run's index", reason).await),
    }
}

/// Waits until every copy is in place.
async fn whole(stack: &OpenSearchStack) -> Result<Vec<String>, SystemError> {
    let look = || async {
        let found = redundancy(stack).await;
        match (found.whole, found.evidence.first()) {
            (true, _) => Ok(found.evidence),
            (false, missing) => Err(missing.cloned().unwrap_or_default()),
        }
    };
    match until(READY_LIMIT, ASK_EVERY, look).await {
        Ok(evidence) => Ok(evidence),
        Err(reason) => {
            Err(failed(stack, &stack.stack.primary, "every copy in place", reason).await)
        }
    }
}

/// Waits until what was written at the primary is read at every other node that holds a copy, from that copy.
async fn replication_flows(
    stack: &OpenSearchStack,
    primary: &NodeName,
) -> Result<Vec<String>, SystemError> {
    let proof = stack.elements.ready();
    let writes = stack.roster.data().map(|seat| async {
        for _ in 0..WRITES {
            let write = || async { ask(seat.address, &proof, ASK_LIMIT).await.map(drop) };
            if let Err(reason) = until(READY_LIMIT, ASK_EVERY, write).await {
                return Err(failed(stack, &seat.name, "a first write", reason).await);
            }
        }
        Ok(())
    });
    join_all(writes)
        .await
        .into_iter()
        .collect::<Result<(), _>>()?;
    let statuses = stack.statuses().await;
    let holds = |(seat, status): &(&Seat, Option<super::status::Status>)| {
        let copy = status
            .as_ref()
            .and_then(|status| status.copy_of(&seat.name));
        copy.is_some() && seat.name != *primary
    };
    let others = statuses.iter().filter(|one| holds(one));
    let reads = others.map(|(seat, _)| async {
        let question = stack.elements.is_ready();
        let read = || async {
            match ask(seat.address, &question, ASK_LIMIT).await?["found"] == true {
                true => Ok(()),
                false => Err("the primary's document has not arrived".to_owned()),
            }
        };
        match until(READY_LIMIT, ASK_EVERY, read).await {
            Ok(()) => Ok(format!(
                "{}: its copy has the document that was written at {primary}",
                seat.name
            )),
            Err(reason) => Err(failed(stack, &seat.name, "the primary's document", reason).await),
        }
    });
    join_all(reads).await.into_iter().collect()
}

async fn failed(
    stack: &OpenSearchStack,
    node: &NodeName,
    waited: &str,
    reason: String,
) -> SystemError {
    not_ready(&*stack.runtime, node, waited, reason).await
}
