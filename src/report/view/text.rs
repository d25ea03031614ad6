//! How values are written: one rule per kind of value, for all formats.

pub use crate::measure::format::{
    bracket, count, counted as plural, nanoseconds, percent, value as upper,
};
use crate::{
    check::Answer,
    measure::{EventFigures, Figure, Harm, RestoreFigures},
    record::{
        AlertMoment, BackedUp, ConsumerGroup, Deed, Disruption, DisruptionKind, EffectState,
        Milestone, RebalanceMoment, Rebalanced, Restored, Role, Status, StepResult,
    },
    scenario::{Dur, RecoveredBy},
    score::{LineState, Verdict},
    shown::unseen,
    time::{Bracket, Nanos, Span},
};

/// Text from outside without characters that are not seen, which could move a terminal's cursor, turn a line around or
/// break a format.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if unseen(c) { ' ' } else { c })
        .collect()
}

/// A place on the axis of time, in seconds to the millisecond, rounded up as the printed times are: `4.047 s`.
pub fn seconds(ns: u64) -> String {
    let ms = ns.div_ceil(1_000_000);
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}

/// The seconds between two moments as they are printed, so that what is printed of parts sums to what is printed of the whole.
pub fn share(from_ns: u64, to_ns: u64) -> String {
    let printed = |ns: u64| ns.div_ceil(1_000_000) * 1_000_000;
    seconds(printed(to_ns).saturating_sub(printed(from_ns)))
}

/// Milliseconds to the hundredth: `1.12 ms`.
pub fn milliseconds(ns: u64) -> String {
    let hundredths = (ns + 5_000) / 10_000;
    format!("{}.{:02} ms", hundredths / 100, hundredths % 100)
}

/// A difference in milliseconds, with its sign.
pub fn signed_milliseconds(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "+" };
    format!("{sign}{}", milliseconds(ns.unsigned_abs()))
}

/// The value and bracket of an event's recovery time, which is zero where no outage was seen.
pub fn recovery(event: &EventFigures, figure: &Figure<Span>) -> (String, String) {
    let (value, note) = self::figure(figure, |span| (upper(*span), bracket(*span)));
    if event.outage_seen || figure.value() != Some(&Span::ZERO) {
        (value, note)
    } else {
        (value, "no outage seen".into())
    }
}

/// A moment from another: `+3.149 s`, `-0.032 s`.
pub fn offset(at: Nanos, zero: Nanos) -> String {
    if at >= zero {
        format!("+{}", seconds(at.0 - zero.0))
    } else {
        format!("-{}", seconds(zero.0 - at.0))
    }
}

/// A bracket of moments from another moment.
pub fn offsets(at: Bracket, zero: Nanos) -> String {
    if at.low == at.high {
        offset(at.low, zero)
    } else {
        format!("{} to {}", offset(at.low, zero), offset(at.high, zero))
    }
}

/// A figure's value and bracket; of a missing one `not measured` and the reason.
pub fn figure<T>(figure: &Figure<T>, value: impl Fn(&T) -> (String, String)) -> (String, String) {
    match figure {
        Figure::Measured(measured) => value(measured),
        Figure::Missing(reason) => ("not measured".into(), reason.clone()),
    }
}

/// What became of an alert, in a word.
pub fn alert_moment(moment: AlertMoment) -> &'static str {
    match moment {
        AlertMoment::Pending => "is pending",
        AlertMoment::Firing => "fires",
        AlertMoment::Delivered => "was delivered",
        AlertMoment::Ended => "ended",
        AlertMoment::Resolved => "was told to be resolved",
    }
}

/// A consumer group in a few words.
pub fn sharing(group: &ConsumerGroup) -> String {
    let consumers = plural(group.members.len() as u64, "consumer");
    let partitions = plural(group.partitions.into(), "partition");
    format!("{consumers} share {partitions}")
}

/// What an operator did, and where.
pub fn action(deed: &Deed) -> String {
    let text = clean(&deed.text).to_string();
    match (&deed.node, deed.declared) {
        (Some(node), _) => format!("{text} on {node}"),
        (None, Some(time)) => format!("{text} (takes {}, not waited for)", Dur(time)),
        (None, None) => text,
    }
}

/// What backup was made and where it is kept, or why there is none.
pub fn backup(backup: &BackedUp) -> (String, String) {
    match &backup.made {
        Ok(made) => (clean(made).to_string(), clean(backup.node.as_str())),
        Err(why) => ("not made".into(), clean(why)),
    }
}

/// Whether a backup was made, in a few words.
pub fn backed_up(backup: &BackedUp) -> String {
    match &backup.made {
        Ok(made) => format!("backup made on {}: {}", backup.node, clean(made)),
        Err(why) => format!("no backup was made: {}", clean(why)),
    }
}

/// How a restore ended, in a few words.
pub fn restored(restored: &Restored) -> String {
    let node = &restored.node;
    match &restored.held {
        Ok(held) => format!(
            "restored to {} on {node}: {}",
            restored.to,
            plural(held.len(), "element")
        ),
        Err(why) => format!("not restored to {} on {node}: {}", restored.to, clean(why)),
    }
}

/// Whether a mistake's harm came back with a restore, and why that cannot be told.
pub fn harm(restore: &RestoreFigures) -> (String, String) {
    match restore.held.value().map(|held| &held.harm) {
        Some(Harm::Present) => ("present".into(), String::new()),
        Some(Harm::Absent) => ("absent".into(), String::new()),
        Some(Harm::Unseen(why)) => ("not looked for".into(), clean(why).to_string()),
        Some(Harm::None) | None => (String::new(), String::new()),
    }
}

/// What a consumer was told of its partitions, in a few words.
pub fn rebalanced(moved: &Rebalanced) -> String {
    let deed = match moved.moment {
        RebalanceMoment::Assigned => "was given",
        RebalanceMoment::Revoked => "gives back",
        RebalanceMoment::Lost => "has lost",
    };
    let numbers: Vec<String> = moved.partitions.iter().map(u16::to_string).collect();
    match numbers.as_slice() {
        [] => format!("{} {deed} no partition", moved.member),
        [one] => format!("{} {deed} partition {one}", moved.member),
        several => format!("{} {deed} partitions {}", moved.member, several.join(", ")),
    }
}

/// The verdict as a word.
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "PASS",
        Verdict::Fail => "FAIL",
        Verdict::Inconclusive => "INCONCLUSIVE",
        Verdict::Control => "CONTROL",
        Verdict::Aborted => "ABORTED",
    }
}

/// A line's state as a word.
pub fn state(state: LineState) -> &'static str {
    match state {
        LineState::Met => "met",
        LineState::Missed => "missed",
        LineState::Inconclusive => "inconclusive",
        LineState::Any => "any",
    }
}

/// A checker's answer as a word.
pub fn answer(answer: Answer) -> &'static str {
    match answer {
        Answer::Valid => "valid",
        Answer::Remark => "remark",
        Answer::Invalid => "invalid",
        Answer::Unknown => "unknown",
    }
}

/// What happens at a milestone.
pub fn milestone(milestone: Milestone) -> &'static str {
    match milestone {
        Milestone::FirstFailure => "first failure",
        Milestone::Declared => "declared gone",
        Milestone::Accepts => "another node accepts",
        Milestone::Routed => "clients are led there",
        Milestone::FirstSuccess => "first success",
        Milestone::Sustained => "sustained",
    }
}

/// A role as a word.
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Primary => "primary",
        Role::Replica => "replica",
        Role::Other => "other",
        Role::Unreachable => "unreachable",
    }
}

/// A disruption in a few words: `kill redis1`.
pub fn disruption(disruption: &Disruption) -> String {
    let victims: Vec<&str> = disruption
        .victims
        .iter()
        .map(|node| node.as_str())
        .collect();
    match (disruption.kind, victims.is_empty()) {
        (DisruptionKind::Control, _) => "control: nothing was done".into(),
        (_, true) => disruption.name.clone(),
        (_, false) => format!("{} {}", disruption.name, victims.join(", ")),
    }
}

/// What was seen of an effect.
pub fn effect(state: EffectState) -> &'static str {
    match state {
        EffectState::Verified => "effect verified",
        EffectState::NotVerified => "effect not verified",
        EffectState::Unchanged => "nothing changed, as intended",
    }
}

/// How a run ended.
pub fn status(status: &Status) -> String {
    match status {
        Status::Completed => "completed".into(),
        Status::Interrupted => "interrupted".into(),
        Status::Aborted(why) => format!("aborted: {}", why.lines().next().unwrap_or_default()),
        Status::Halted(why) => format!("stopped: {why}"),
    }
}

/// How a step ended.
pub fn step(result: &StepResult) -> String {
    match result {
        StepResult::Done => "done".into(),
        StepResult::Unmet(why) => format!("not met: {why}"),
        StepResult::Failed(why) => format!("failed: {why}"),
    }
}

/// Who brought the service back.
pub fn recovered_by(by: RecoveredBy) -> &'static str {
    match by {
        RecoveredBy::OtherNode => "other-node",
        RecoveredBy::Restart => "restart",
        RecoveredBy::Heal => "heal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_rounded_to_the_printed_digit_and_never_lose_their_unit() {
        assert_eq!(seconds(4_046_000_001), "4.047 s");
        assert_eq!(seconds(999_999_999), "1.000 s");
        assert_eq!(milliseconds(1_124_999), "1.12 ms");
        assert_eq!(offset(Nanos(1), Nanos(32_000_001)), "-0.032 s");
    }
}
