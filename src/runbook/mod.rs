//! What operators do when nothing fails over by itself, step by step and timed.

use crate::{
    id::NodeName,
    record::{Emitter, What},
    system::{SharedRunning, SystemError},
};

/// Promotes the follower that lost least, makes the others follow it, and repoints the clients.
///
/// # Errors
/// When the system has no such runbook or a step fails; steps before it have been done and recorded.
pub async fn promote_replica(
    step: usize,
    system: &SharedRunning,
    emitter: &Emitter,
) -> Result<NodeName, SystemError> {
    let none = || SystemError::Refused("this topology has no runbook `promote-replica`".into());
    let promote = system.promote().ok_or_else(none)?;
    let act = |at, text: &str, node: Option<&NodeName>| {
        emitter.say_at(
            at,
            What::Action {
                step,
                text: text.into(),
                node: node.cloned(),
            },
        );
    };
    let (at, candidate) = emitter.time(promote.best_candidate()).await;
    let candidate = candidate?;
    act(at, "chose the replica that received most", Some(&candidate));
    let (at, done) = emitter.time(promote.promote(&candidate)).await;
    done?;
    act(at, "promoted it", Some(&candidate));
    let (at, done) = emitter.time(promote.repoint(&candidate)).await;
    done?;
    act(at, "repointed the clients", Some(&candidate));
    let (at, done) = emitter.time(promote.refollow(&candidate)).await;
    done?;
    act(at, "made the other replicas follow it", Some(&candidate));
    Ok(candidate)
}
