//! Proves that a stack is whole and that replication flows, before anyone uses it.

use std::{net::SocketAddr, time::Duration};

use futures_util::future::try_join_all;

use crate::{
    record::MemberKind,
    runtime::NodeState,
    system::{SystemError, roster::Seat, started::not_ready, wait::until},
};

use super::{effective, members::text, running::MySqlStack, sql};

/// The longest wait for all members to be present; it takes 1 s, in a group 5 s, on an idle machine.
const WHOLE_LIMIT: Duration = Duration::from_secs(120);

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The longest wait for a row written through the endpoint to be read from a replica.
const ROW_LIMIT: Duration = Duration::from_secs(15);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_secs(5);

/// Waits until the stack is whole and a row written where clients write was read from every other node; then completes
/// the stack's facts.
///
/// # Errors
/// When a node ends or a deadline passes.
pub async fn prove(stack: &mut MySqlStack) -> Result<(), SystemError> {
    let mut evidence = whole(stack).await?;
    let said = stack.statuses().await;
    let primary = stack.used(&said)?.0.clone();
    stack.directory.use_from_now(primary.address);
    evidence.extend(flows(stack, &primary).await?);
    if let Some(store) = &stack.store {
        evidence.push(store.prove(&primary).await?);
    }
    let read = effective::read(stack, &primary).await?;
    read.into_facts(&mut stack.facts);
    if let Some(route) = &stack.route {
        evidence.push(
            route
                .prove(&primary, &*stack.runtime, &mut stack.facts)
                .await?,
        );
    }
    stack.facts.primary = primary.name;
    stack.facts.ready = evidence;
    Ok(())
}

async fn whole(stack: &MySqlStack) -> Result<Vec<String>, SystemError> {
    let looked = until(WHOLE_LIMIT, LOOK_EVERY, || async {
        let redundancy = stack.whole().await;
        if redundancy.whole {
            return Ok(Ok(redundancy.evidence));
        }
        if let Some(ended) = ended(stack).await {
            return Ok(Err(ended));
        }
        Err(redundancy.evidence.first().cloned().unwrap_or_default())
    });
    let (seat, reason) = match looked.await {
        Ok(Ok(evidence)) => return Ok(evidence),
        Ok(Err(ended)) => ended,
        Err(reason) => {
            let named = |seat: &&Seat| reason.starts_with(seat.name.as_str());
            let named = stack.roster().data().find(named);
            let seat = named.or_else(|| stack.roster().data().next()).cloned();
            let none = || SystemError::Refused("there is no data node".into());
            (
                seat.ok_or_else(none)?,
                format!("{reason} after {WHOLE_LIMIT:?}"),
            )
        }
    };
    let waited = "all members present and in sync";
    Err(not_ready(&*stack.runtime, &seat.name, waited, reason).await)
}

/// A node whose main process has ended.
async fn ended(stack: &MySqlStack) -> Option<(Seat, String)> {
    let kinds = [MemberKind::Data, MemberKind::Store];
    for seat in kinds.iter().flat_map(|kind| stack.roster().of(*kind)) {
        if let Ok(NodeState::Exited { code, .. }) = stack.runtime.state(&seat.name).await {
            return Some((seat.clone(), format!("it ended with code {code}")));
        }
    }
    None
}

/// Writes where clients write, and reads from every other node.
async fn flows(stack: &MySqlStack, primary: &Seat) -> Result<Vec<String>, SystemError> {
    // A row of this run: one of an earlier run would prove nothing.
    let mark = stack.elements.ready();
    let create = "CREATE TABLE IF NOT EXISTS drdrill_ready (run VARCHAR(64) NOT NULL PRIMARY KEY) ENGINE=InnoDB";
    let insert =
        format!("INSERT INTO drdrill_ready VALUES ('{mark}') ON DUPLICATE KEY UPDATE run = run");
    let question = format!("SELECT run FROM drdrill_ready WHERE run = '{mark}'");
    let (statements, question) = ([create, insert.as_str()], question.as_str());
    let wrote = until(ROW_LIMIT, LOOK_EVERY, || {
        sql::act(primary.address, ASK_LIMIT, &statements)
    });
    if let Err(reason) = wrote.await {
        let waited = "a write where clients write";
        return Err(not_ready(&*stack.runtime, &primary.name, waited, reason).await);
    }
    let others = stack.roster().data();
    let others = others.filter(|seat| seat.name != primary.name);
    let read = others.map(|seat| async move {
        let every = Duration::from_millis(20);
        match until(ROW_LIMIT, every, || row(seat.address, question)).await {
            Ok(()) => Ok(format!(
                "{}: a row written at {} was read here",
                seat.name, primary.name
            )),
            Err(reason) => {
                let waited = "a row to be replicated";
                Err(not_ready(&*stack.runtime, &seat.name, waited, reason).await)
            }
        }
    });
    try_join_all(read).await
}

async fn row(address: SocketAddr, question: &str) -> Result<(), String> {
    let rows = sql::ask(address, ASK_LIMIT, question).await?;
    match rows.first().map(|row| text(row, "run")) {
        Some(Ok(_)) => Ok(()),
        _ => Err("the row is not there yet".into()),
    }
}
