//! Waiting for conditions, each with its deadline.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::{
    alerting::Raised,
    fault::FaultContext,
    id::NodeName,
    record::{Member, MemberKind, StepResult, What},
    time::Nanos,
    workload::{Load, SUSTAIN, SUSTAIN_LEAST},
};

use super::{
    lost::{Lost, unless_lost},
    vigil::Vigil,
};

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// How often the stack is asked whether it is whole; asking costs it something.
const ASK: Duration = Duration::from_millis(100);

/// The longest wait for the first operations of every lane to succeed.
const WARM_LIMIT: Duration = Duration::from_secs(15);

/// Waits until every service lane has had its first good operations, so that connecting is no part
/// of the baseline.
///
/// # Errors
/// When that takes too long, or no member with data is left.
pub async fn warm(load: &Load, ground: &FaultContext) -> Result<(), String> {
    let poll = async {
        while !load.live(|live| live.healthy(3)) {
            sleep(LOOK).await;
        }
    };
    let late = |_| format!("the clients had no success on every lane within {WARM_LIMIT:?}");
    let nodes: Vec<NodeName> = data_members(ground).map(|one| one.name.clone()).collect();
    let warmed = unless_lost(&*ground.runtime, &nodes, Lost::All, poll);
    timeout(WARM_LIMIT, warmed).await.map_err(late)?
}

/// Waits until every service lane has recovered and stayed so for the sustain window; `within` counts
/// from `since` to the recovery, not to the end of the window. Ends early where `lost` says why it can no longer come.
pub async fn recovered(
    load: &Load,
    ground: &FaultContext,
    since: Nanos,
    within: Duration,
    lost: impl Fn() -> Option<String>,
) -> StepResult {
    let poll = async {
        while !load.live(|live| live.sustained(since, ground.emitter.now(), SUSTAIN, SUSTAIN_LEAST))
        {
            if let Some(why) = lost() {
                return StepResult::Unmet(format!("{why}: recovery cannot be reached"));
            }
            sleep(LOOK).await;
        }
        StepResult::Done
    };
    let end = since.after(within + SUSTAIN + load.longest_timeout());
    match timeout(end.since(ground.emitter.now()), poll).await {
        Ok(result) => result,
        Err(_) => StepResult::Unmet(format!(
            "not every service lane recovered within {within:?}"
        )),
    }
}

/// Waits until every partition has been consumed in time over the sustain window; `within` counts from `since` to the
/// begin of that, not to the end of the window. Ends early where `lost` says why it can no longer come.
pub async fn consumed(
    ground: &FaultContext,
    since: Nanos,
    within: Duration,
    lost: impl Fn() -> Option<String>,
) -> StepResult {
    let Some(group) = &ground.group else {
        return StepResult::Failed("there is no consumer group in this drill".into());
    };
    let sustained = || {
        let begin = group.in_time_since().map(|begin| begin.max(since));
        begin.is_some_and(|begin| ground.emitter.now().since(begin) >= SUSTAIN)
    };
    let poll = async {
        while !sustained() {
            if let Some(why) = lost() {
                return StepResult::Unmet(format!("{why}: nothing can be consumed"));
            }
            sleep(LOOK).await;
        }
        StepResult::Done
    };
    let end = since.after(within + SUSTAIN);
    match timeout(end.since(ground.emitter.now()), poll).await {
        Ok(result) => result,
        Err(_) => StepResult::Unmet(format!(
            "not every partition was consumed again within {within:?}"
        )),
    }
}

/// Waits until a notification of each of these alerts came since the last disruption. Ends early where `lost` says why none
/// can come any more.
pub async fn alerted(
    alerting: &Raised,
    alerts: &[&str],
    since: Nanos,
    within: Duration,
    lost: impl Fn() -> Option<String>,
) -> StepResult {
    let missing = || alerting.undelivered(alerts.iter().copied(), since);
    let poll = async {
        while missing().is_some() {
            if let Some(why) = lost() {
                return StepResult::Unmet(format!("{why}: no alert can come"));
            }
            sleep(LOOK).await;
        }
        StepResult::Done
    };
    match timeout(within, poll).await {
        Ok(result) => result,
        Err(_) => StepResult::Unmet(format!(
            "no notification of {} came within {within:?}",
            missing().unwrap_or("the last alert")
        )),
    }
}

/// Waits until no alert is active any more, and each that was delivered was told to be over; `others` may stay. Ends early where
/// `lost` says why that can no longer be told.
pub async fn resolved(
    alerting: &Raised,
    others: &[String],
    within: Duration,
    lost: impl Fn() -> Option<String>,
) -> StepResult {
    let poll = async {
        while alerting.unresolved(others).is_some() {
            if let Some(why) = lost() {
                return StepResult::Unmet(format!("{why}: no alert can be told to be over"));
            }
            sleep(LOOK).await;
        }
        StepResult::Done
    };
    match timeout(within, poll).await {
        Ok(result) => result,
        Err(_) => StepResult::Unmet(format!(
            "{} was not over within {within:?}",
            alerting.unresolved(others).unwrap_or_default()
        )),
    }
}

/// The members that hold data.
pub fn data_members(ground: &FaultContext) -> impl Iterator<Item = &Member> {
    let members = ground.members().iter();
    members.filter(|member| member.kind == MemberKind::Data)
}

/// The first of these nodes that has been down for a while, in words.
pub fn gone_of(vigil: &Vigil, ground: &FaultContext, nodes: &[NodeName]) -> Option<String> {
    let gone = vigil.gone(ground.emitter.now(), &*ground.runtime);
    let mut gone = gone.into_iter().filter(|(node, _)| nodes.contains(node));
    gone.next().map(|(_, text)| text)
}

/// The members with data that have been down for a while, in words.
pub fn gone(vigil: &Vigil, ground: &FaultContext) -> Vec<String> {
    let gone = vigil.gone(ground.emitter.now(), &*ground.runtime);
    let has_data = |node: &NodeName| data_members(ground).any(|member| member.name == *node);
    let gone = gone.into_iter().filter(|(node, _)| has_data(node));
    gone.map(|(_, text)| text).collect()
}

/// Waits until every member is back in sync, and says when. Ends early where `lost` says why that can no longer come.
pub async fn redundant(
    ground: &FaultContext,
    within: Duration,
    lost: impl Fn() -> Option<String>,
) -> StepResult {
    let mut last = Vec::new();
    let poll = async {
        loop {
            let (at, redundancy) = ground.emitter.time(ground.system.redundancy()).await;
            if redundancy.whole {
                ground.emitter.say_at(
                    at,
                    What::Redundant {
                        evidence: redundancy.evidence,
                    },
                );
                return StepResult::Done;
            }
            last = redundancy.evidence;
            if let Some(why) = lost() {
                return StepResult::Unmet(format!("{why}: redundancy cannot be reached"));
            }
            sleep(ASK).await;
        }
    };
    match timeout(within, poll).await {
        Ok(result) => result,
        Err(_) => StepResult::Unmet(format!(
            "the stack was not whole within {within:?}: {}",
            last.join("; ")
        )),
    }
}
