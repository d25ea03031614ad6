//! A member of the consumer group that goes away: without a word, or by leaving.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::{
    id::NodeName,
    record::{Disruption, DisruptionKind, Effect},
    scenario::ConsumerEnd,
    system::{SharedGroup, SystemError},
    time::Bracket,
};

use super::{FaultContext, FaultError, described::Seen};

/// The longest wait for a member that left to be counted no more, and for the coordinator to answer at all.
const EFFECT_LIMIT: Duration = Duration::from_secs(5);

/// How often is asked.
const ASK_EVERY: Duration = Duration::from_millis(50);

fn group(context: &FaultContext) -> Result<&SharedGroup, FaultError> {
    let none = || SystemError::Refused("there is no consumer group".into());
    Ok(context.group.as_ref().ok_or_else(none)?)
}

fn name(end: ConsumerEnd, group: &SharedGroup) -> Option<NodeName> {
    let index = usize::from(end.member()).checked_sub(1)?;
    group.facts().members.get(index).cloned()
}

/// Lets a consumer go.
///
/// # Errors
/// When there is no such consumer, or it does not end.
pub async fn end_consumer(
    end: ConsumerEnd,
    step: usize,
    context: &FaultContext,
) -> Result<(Bracket, Disruption), FaultError> {
    let group = group(context)?;
    let (at, gone) = context.emitter.time(group.end(end)).await;
    gone?;
    let means = match end {
        ConsumerEnd::Crash(_) => {
            "the driver's handle is destroyed: nothing is committed, no group is left"
        }
        ConsumerEnd::Leave(_) => "the driver's handle is closed: it commits, and leaves its group",
    };
    let disruption = Disruption {
        step,
        kind: DisruptionKind::Fault,
        name: end.name().into(),
        victims: name(end, group).into_iter().collect(),
        primary_hit: false,
        means: means.into(),
    };
    Ok((at, disruption))
}

/// By the coordinator's word: one that left is counted no more, one that crashed still is, since it said nothing.
pub async fn verify_consumer(end: ConsumerEnd, step: usize, context: &FaultContext) -> Effect {
    let mut seen = Seen::default();
    let Some((group, name)) = group(context)
        .ok()
        .and_then(|group| Some((group, name(end, group)?)))
    else {
        seen.no("there is no such consumer".into());
        return seen.effect(step);
    };
    let stays = matches!(end, ConsumerEnd::Crash(_));
    let asked = async {
        loop {
            if let Ok(counted) = group.counted().await
                && counted.contains(&name) == stays
            {
                return counted.len();
            }
            sleep(ASK_EVERY).await;
        }
    };
    match (timeout(EFFECT_LIMIT, asked).await, stays) {
        (Ok(count), true) => seen.yes(format!(
            "{name} has ended, and the coordinator counts it still, one of {count}: it did not leave"
        )),
        (Ok(count), false) => seen.yes(format!(
            "{name} has ended, and the coordinator counts {count} without it"
        )),
        (Err(_), true) => seen.no(format!("the coordinator does not count {name} any more")),
        (Err(_), false) => seen.no(format!("the coordinator counts {name} still")),
    }
    seen.effect(step)
}
