//! Proves that logical replication flows, before anyone uses the stack.

use std::time::Duration;

use crate::{
    runtime::NodeState,
    system::{
        SystemError,
        postgres::flow::{Flow, TABLE, spoken_of},
        started::not_ready,
        wait::until,
    },
};

use super::{effective, health::sole_primary, running::LogicalStack, tables};

/// The longest wait for all members to be present and subscribed; it takes 6 s on an idle machine.
const WHOLE_LIMIT: Duration = Duration::from_secs(120);

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Waits until each other server subscribes to the primary, and a row written through the clients' endpoint was read
/// there; then completes the stack's facts.
///
/// # Errors
/// When a node ends or a deadline passes.
pub async fn prove(stack: &mut LogicalStack) -> Result<(), SystemError> {
    let mut evidence = whole(stack).await?;
    let said = stack.statuses().await;
    let primary = sole_primary(&said)?.0.clone();
    tables::make(stack, TABLE).await?;
    let flow = Flow {
        runtime: &*stack.runtime,
        roster: &stack.roster,
        endpoint: stack.endpoint_now(),
        primary: &primary,
    };
    let arrived = flow.proven(&stack.elements.ready()).await?;
    let by = |line| format!("{line}, by logical replication");
    evidence.extend(arrived.into_iter().map(by));
    effective::read(stack, &primary).await?;
    if let Some(proxied) = &stack.proxied {
        let proxies = proxied.listening(&stack.roster, &*stack.runtime).await?;
        stack.facts.effective.extend(proxies);
    }
    stack.facts.primary = primary.name;
    stack.facts.ready = evidence;
    Ok(())
}

async fn whole(stack: &LogicalStack) -> Result<Vec<String>, SystemError> {
    let looked = until(WHOLE_LIMIT, LOOK_EVERY, || async {
        let redundancy = stack.whole().await;
        if redundancy.whole {
            return Ok(Ok(redundancy.evidence));
        }
        for seat in stack.roster.data() {
            if let Ok(NodeState::Exited { code, .. }) = stack.runtime.state(&seat.name).await {
                return Ok(Err((seat.clone(), format!("it ended with code {code}"))));
            }
        }
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
    let waited = "all members present and subscribed";
    Err(not_ready(&*stack.runtime, &seat.name, waited, reason).await)
}
