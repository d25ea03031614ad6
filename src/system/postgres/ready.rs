//! Proves that a stack is whole and that replication flows, before anyone uses it.

use std::time::Duration;

use crate::{
    record::MemberKind,
    runtime::NodeState,
    system::{SystemError, roster::Seat, started::not_ready, wait::until},
};

use super::{
    effective,
    flow::{Flow, spoken_of},
    health::sole_primary,
    patroni,
    running::PostgresStack,
    tls,
};

/// The longest wait for all members to be present; it takes 3 s, with Patroni 9 s, on an idle machine.
const WHOLE_LIMIT: Duration = Duration::from_secs(120);

/// How often is looked; with Patroni each look also wakes it.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Waits until the stack is whole and a row written through the clients' endpoint was read from every replica;
/// then completes the stack's facts.
///
/// # Errors
/// When a node ends or a deadline passes.
pub async fn prove(stack: &mut PostgresStack) -> Result<(), SystemError> {
    let mut evidence = whole(stack).await?;
    let said = stack.statuses().await;
    let primary = sole_primary(&said)?.0.clone();
    if let Some(route) = &stack.route {
        route.leads_to(&primary).await?;
    }
    let flow = Flow {
        runtime: &*stack.runtime,
        roster: &stack.roster,
        endpoint: stack.endpoint_now(),
        primary: &primary,
    };
    evidence.extend(flow.proven(&stack.elements.ready()).await?);
    evidence.extend(tls::prove(stack, &primary).await?);
    if let Some(store) = &stack.store {
        evidence.push(store.prove(&primary).await?);
    }
    let read = effective::read(stack, &primary).await?;
    read.into_facts(&mut stack.facts);
    if let Some(proxied) = &stack.proxied {
        let proxies = proxied.listening(&stack.roster, &*stack.runtime).await?;
        stack.facts.effective.extend(proxies);
    }
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
        Err(reason) => (
            spoken_of(&stack.roster, &reason)?,
            format!("{reason} after {WHOLE_LIMIT:?}"),
        ),
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
    let kinds = [
        MemberKind::Data,
        MemberKind::Control,
        MemberKind::Route,
        MemberKind::Store,
    ];
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
