//! Proves that a stack is whole and that replication flows, before anyone uses it.

use std::{net::SocketAddr, time::Duration};

use futures_util::future::try_join_all;
use sqlx::Row;

use crate::{
    record::MemberKind,
    runtime::NodeState,
    system::{SystemError, roster::Seat, started::not_ready, wait::until},
};

use super::{effective, health::sole_primary, patroni, running::PostgresStack, sql};

/// The longest wait for all members to be present; it takes 3 s, with Patroni 9 s, on an idle machine.
const WHOLE_LIMIT: Duration = Duration::from_secs(120);

/// How often is looked; with Patroni each look also wakes it.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The longest wait for a row written through the endpoint to be read from a replica.
const ROW_LIMIT: Duration = Duration::from_secs(10);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_secs(2);

/// Waits until the stack is whole and a row written through the clients' endpoint was read from every replica;
/// then completes the stack's facts.
///
/// # Errors
/// When a node ends or a deadline passes.
pub async fn prove(stack: &mut PostgresStack) -> Result<(), SystemError> {
    let mut evidence = whole(stack).await?;
    let said = stack.statuses().await;
    let primary = sole_primary(&said)?.0.clone();
    evidence.extend(flows(stack, &primary).await?);
    let read = effective::read(stack, &primary).await?;
    read.into_facts(&mut stack.facts);
    if let Some(proxied) = &stack.proxied {
        let proxies = proxied.listening(&stack.roster, &*stack.runtime).await?;
        stack.facts.effective.extend(proxies);
    }
    stack.facts.primary = primary.name;
    stack.facts.ready = evidence;
    Ok(())
}

async fn whole(stack: &PostgresStack) -> Result<Vec<String>, SystemError> {
    let looked = until(WHOLE_LIMIT, LOOK_EVERY, || async {
        let redundancy = stack.whole().await;
        if redundancy.whole {
            return Ok(Ok(redundancy.evidence));
        }
        if let Some(ended) = ended(stack).await {
            return Ok(Err(ended));
        }
        wake(stack).await;
        Err(redundancy.evidence.first().cloned().unwrap_or_default())
    });
    let (seat, reason) = match looked.await {
        Ok(Ok(evidence)) => return Ok(evidence),
        Ok(Err(ended)) => ended,
        Err(reason) => {
            let named = stack
                .roster
                .data()
                .find(|seat| reason.starts_with(seat.name.as_str()));
            let seat = named.or_else(|| stack.roster.data().next()).cloned();
            let none = || SystemError::Refused("there is no data node".into());
            (
                seat.ok_or_else(none)?,
                format!("{reason} after {WHOLE_LIMIT:?}"),
            )
        }
    };
    Err(not_ready(
        &*stack.runtime,
        &seat.name,
        "all members present and in sync",
        reason,
    )
    .await)
}

/// A node whose main process has ended.
async fn ended(stack: &PostgresStack) -> Option<(Seat, String)> {
    let kinds = [MemberKind::Data, MemberKind::Control, MemberKind::Route];
    for seat in kinds.iter().flat_map(|kind| stack.roster.of(*kind)) {
        if let Ok(NodeState::Exited { code, .. }) = stack.runtime.state(&seat.name).await {
            return Some((seat.clone(), format!("it ended with code {code}")));
        }
    }
    None
}

/// Wakes Patroni where there is one and a leader.
async fn wake(stack: &PostgresStack) {
    let Some(timings) = stack.shape.timings() else {
        return;
    };
    let said = stack.statuses().await;
    if let Ok((leader, _)) = sole_primary(&said) {
        patroni::wake(leader, timings.loop_wait).await;
    }
}

/// Writes through the endpoint, and reads from every replica.
async fn flows(stack: &PostgresStack, primary: &Seat) -> Result<Vec<String>, SystemError> {
    let endpoint = stack.endpoint_now();
    // A row of this run: one of an earlier run would prove nothing.
    let mark = stack.elements.ready();
    let write = format!(
        "CREATE TABLE IF NOT EXISTS drdrill_ready (run text NOT NULL);
        INSERT INTO drdrill_ready VALUES ('{mark}')"
    );
    let question = format!("SELECT count(*) AS rows FROM drdrill_ready WHERE run = '{mark}'");
    let (write, question) = (write.as_str(), question.as_str());
    let wrote = until(ROW_LIMIT, LOOK_EVERY, || {
        sql::ask(endpoint, ASK_LIMIT, write)
    });
    if let Err(reason) = wrote.await {
        return Err(not_ready(
            &*stack.runtime,
            &primary.name,
            "a write through the endpoint",
            reason,
        )
        .await);
    }
    let replicas = stack.roster.data().filter(|seat| seat.name != primary.name);
    let read = replicas.map(|seat| async move {
        match until(ROW_LIMIT, Duration::from_millis(20), || {
            row(seat.address, question)
        })
        .await
        {
            Ok(()) => Ok(format!(
                "{}: a row written at {endpoint} was read here",
                seat.name
            )),
            Err(reason) => Err(not_ready(
                &*stack.runtime,
                &seat.name,
                "a row to be replicated",
                reason,
            )
            .await),
        }
    });
    try_join_all(read).await
}

async fn row(address: SocketAddr, question: &str) -> Result<(), String> {
    let rows = sql::ask(address, ASK_LIMIT, question).await?;
    match rows.first().map(|row| row.try_get::<i64, _>("rows")) {
        Some(Ok(1..)) => Ok(()),
        _ => Err("the row is not there yet".into()),
    }
}
