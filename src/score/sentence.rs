//! What happened, in one plain sentence for somebody who has a minute.

use std::time::Duration;

use crate::{
    measure::{
        AlertFigures, AlertWish, EventFigures, Figure, Figures, Harm, LaneOutage, Loss,
        RebalanceFigures, RestoreFigures, Undone,
        format::{self, Round},
        people,
        rto::deciding,
    },
    record::{Disruption, Record, Status},
    scenario::{ConsistencyKind, Dur, Point, RecoveredBy, facts},
    time::Span,
};

use super::{Reason, Verdict};

/// One sentence: what was done, what the clients saw of it, what is lost, and why nothing may be
/// concluded where that is so.
pub fn sentence(
    record: &Record,
    figures: &Figures,
    verdict: Verdict,
    reasons: &[Reason],
) -> String {
    let mut text = match record.headline().zip(headline(figures)) {
        Some(((_, disruption), event)) => {
            let done = done(disruption);
            let seen = seen(record, event, disruption.primary_hit);
            let alerts = figures.alerts.iter().filter_map(alert);
            let mut parts = vec![done, seen];
            parts.extend(with_people(record, event));
            parts.push(loss(figures));
            parts.extend(event.rebalance.as_ref().and_then(rebalance));
            parts.extend(consistency(figures));
            parts.extend(figures.restores.iter().flat_map(restored));
            parts.extend(alerts);
            parts.extend(others(record, figures));
            parts.join("; ")
        }
        None => "The run ended before its disruptive step".to_owned(),
    };
    match &record.status {
        Status::Completed => {}
        Status::Interrupted => text.push_str("; the run was interrupted"),
        Status::Aborted(why) => {
            let why = why.lines().next().unwrap_or_default();
            text.push_str(&format!("; the run was aborted: {why}"));
        }
        Status::Halted(why) => text.push_str(&format!("; the drill was stopped: {why}")),
    }
    match verdict {
        // Why it was stopped is said.
        Verdict::Pass | Verdict::Fail | Verdict::Aborted => {}
        Verdict::Control => text.push_str("; the control stayed quiet"),
        // Why it was aborted is why nothing may be concluded.
        Verdict::Inconclusive if matches!(record.status, Status::Aborted(_)) => {}
        Verdict::Inconclusive => {
            let telling =
                |reason: &&Reason| !reason.lines.is_empty() || reason.name.starts_with("control-");
            let why = reasons
                .iter()
                .find(telling)
                .map(|reason| reason.text.as_str());
            let why = why.unwrap_or("no line could be decided");
            text.push_str(&format!("; nothing may be concluded: {why}"));
        }
    }
    text.push('.');
    text
}

/// How long it took with the people who brought it about.
fn with_people(record: &Record, event: &EventFigures) -> Option<String> {
    let people = people::of_event(record, event);
    let rto = event.rto.value()?.high()?;
    (!people.is_zero()).then(|| {
        let all = format::duration(rto + people, Round::Up);
        format!(
            "with the {} that people take, recovery takes {all}",
            Dur(people)
        )
    })
}

/// What a restore brought back, and how long that took.
fn restored(restore: &RestoreFigures) -> Vec<String> {
    let to = match restore.to {
        Point::BeforeMistake => "just before the mistake".to_owned(),
        Point::Ago(time) => format!("what it was {time} before"),
        Point::Latest => "the latest point".to_owned(),
    };
    let (rto, held) = match (&restore.rto, &restore.held) {
        (Figure::Measured(rto), Figure::Measured(held)) => (rto, held),
        (Figure::Missing(why), _) | (_, Figure::Missing(why)) => {
            return vec![format!("the backup was not restored to {to}: {why}")];
        }
    };
    let before = format::counted(held.judged, "write");
    let lacks = match held.missing {
        0 => format!("held all {before} acknowledged before it"),
        missing => format!(
            "lacks {} of the {before} acknowledged before it",
            format::count(missing)
        ),
    };
    let extra = match held.extra {
        0 => String::new(),
        extra => format!(", and holds {} of after it", format::count(extra)),
    };
    let harm = match held.harm {
        Harm::Present => ", and the harm itself",
        Harm::None | Harm::Absent | Harm::Unseen(_) => "",
    };
    let beyond = match held.rpo {
        Some(rpo) if held.missing > 0 => {
            format!(
                ", the oldest {} older than the last one",
                format::value(rpo)
            )
        }
        _ => format!("{extra}{harm}"),
    };
    let told = format!(
        "the backup was restored to {to} within {}, and {lacks}{beyond}",
        format::value(*rto)
    );
    [told].into_iter().chain(held.doubt()).collect()
}

/// What clients saw of the other events and of what was undone, where service failed.
fn others(record: &Record, figures: &Figures) -> Vec<String> {
    let events = figures.events.iter().enumerate();
    let others =
        events.filter(|(index, event)| Some(*index) != figures.headline && event.outage_seen);
    let disrupted = others.map(|(_, event)| {
        let step = format!("step {} ({})", event.step, event.name);
        (step, service(record, &event.lanes))
    });
    let undone = figures.undone.iter().map(|undone| {
        let what = match &undone.what {
            Undone::Heal { step } => format!("the fault of step {step} was undone"),
            Undone::Return { node } => format!("{node} returned"),
        };
        (what, service(record, &undone.lanes))
    });
    let told = disrupted.chain(undone);
    told.filter_map(|(what, longest)| {
        let span = longest?;
        let length = match span.high() {
            Some(_) => format::value(span),
            None => format!("at least {}", format::duration(span.low(), Round::Down)),
        };
        Some(format!("after {what} service failed for {length}"))
    })
    .collect()
}

/// The longest of these outages that a service lane saw.
fn service(record: &Record, outages: &[LaneOutage]) -> Option<Span> {
    let own = outages.iter().filter(|outage| {
        let lane = record.lanes.get(usize::from(outage.lane.0));
        lane.is_some_and(|lane| lane.group == crate::history::Group::Service)
    });
    own.map(|outage| outage.length).reduce(Span::max)
}

/// How long the consumer group was held up, where that is known.
fn rebalance(group: &RebalanceFigures) -> Option<String> {
    let span = group.time.value()?;
    Some(match span.high() {
        None => {
            let least = format::duration(span.low(), Round::Down);
            format!("not every partition was seen to be consumed again (at least {least})")
        }
        Some(high) => {
            let time = format::duration(high, Round::Up);
            match group.paused {
                true => format!("every partition was consumed again after {time}"),
                false => format!("no partition went unconsumed for more than {time}"),
            }
        }
    })
}

/// What the consistency clients were told and should not have been, if anything.
fn consistency(figures: &Figures) -> Option<String> {
    let found = figures.consistency.as_ref()?.value()?;
    (found.anomalies > 0).then(|| match found.kind {
        ConsistencyKind::Registers => {
            let registers = format::counted(found.keys.into(), "register");
            format!(
                "no order explains what was read of {} of {registers}",
                found.broken
            )
        }
        ConsistencyKind::Transfers => "transfers changed the total of their accounts".to_owned(),
        ConsistencyKind::ListAppend => {
            let kinds: Vec<&str> = found.kinds.keys().map(String::as_str).collect();
            let model = found.model.unwrap_or(found.kind.model());
            format!("transactions were not {model}: {}", kinds.join(", "))
        }
    })
}

/// What became of an expected alert, where that is known.
fn alert(of: &AlertFigures) -> Option<String> {
    if of.wish != AlertWish::Expected {
        return None;
    }
    let name = &of.alert;
    let (firing, delivered) = (of.firing.value()?, of.delivered.value()?);
    Some(match (firing.high(), delivered.high()) {
        (None, _) => format!("the alert {name} never fired"),
        (Some(_), None) => format!("the alert {name} fired and did not arrive"),
        (Some(_), Some(high)) => {
            let time = format::duration(high, Round::Up);
            format!("the alert {name} arrived after {time}")
        }
    })
}

fn headline(figures: &Figures) -> Option<&EventFigures> {
    figures.events.get(figures.headline?)
}

/// What was done: `The primary pg1 was killed`.
fn done(disruption: &Disruption) -> String {
    let names: Vec<&str> = disruption.victims.iter().map(|n| n.as_str()).collect();
    let victims = match names.split_last() {
        None => "nobody".to_owned(),
        Some((only, [])) if disruption.primary_hit => format!("the primary {only}"),
        Some((only, [])) => (*only).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    };
    let several = names.len() > 1;
    let text = match disruption.name.as_str() {
        "switchover" => format!("the primary was moved in the planned way (from {victims})"),
        "failback" => format!("the primary was moved back in the planned way (from {victims})"),
        "consumer-crash" if several => format!("{victims} stopped without leaving their group"),
        "consumer-crash" => format!("{victims} stopped without leaving its group"),
        "consumer-leave" if several => format!("{victims} left their group"),
        "consumer-leave" => format!("{victims} left its group"),
        other => match facts(other) {
            Some(facts) => facts.was_done(&victims, several),
            // A run of another version may have had a fault that this one has not.
            None if several => format!("{victims} were hit by `{other}`"),
            None => format!("{victims} was hit by `{other}`"),
        },
    };
    // A node's name keeps its spelling.
    if names.first().is_some_and(|name| text.starts_with(name)) {
        return text;
    }
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// What the clients saw: writes first, reads where only they failed.
fn seen(record: &Record, event: &EventFigures, primary_hit: bool) -> String {
    let writes = of_access(record, event, crate::history::Access::Write);
    let reads = of_access(record, event, crate::history::Access::Read);
    let (what, figure, outages) = if !writes.is_empty() {
        ("writes", &event.rto_write, writes)
    } else if !reads.is_empty() {
        ("no write failed, and reads", &event.rto_read, reads)
    } else {
        return quiet(event);
    };
    match figure {
        Figure::Missing(why) => format!("{what} failed, for how long could not be told: {why}"),
        Figure::Measured(span) => failed((what, *span, &outages), event, primary_hit),
    }
}

/// How long the lanes with these outages failed, which took as long as `span` from the event on.
fn failed(
    (what, span, outages): (&str, Span, &[&LaneOutage]),
    event: &EventFigures,
    primary_hit: bool,
) -> String {
    let Some(high) = span.high() else {
        let last = outages.iter().map(|outage| outage.last_failed).max();
        let seen = last.unwrap_or(event.at.high);
        let least = format::duration(seen.since(event.at.low).max(span.low()), Round::Down);
        return format!("{what} failed and no lasting recovery was seen (at least {least})");
    };
    let time = match begun_late(outages, event) {
        Some((begun, length)) => format!(
            "{} from {} after the step on",
            format::value(length),
            format::duration(begun, Round::Up)
        ),
        None => format::duration(high, Round::Up),
    };
    let until = match (&event.recovered_by, &event.successor) {
        (Figure::Measured(RecoveredBy::OtherNode), Some(node)) if primary_hit => {
            format!(" until {node} took over")
        }
        (Figure::Measured(RecoveredBy::OtherNode), None) if primary_hit => {
            " until other nodes took over".into()
        }
        (Figure::Measured(RecoveredBy::OtherNode), Some(node)) => format!(" until {node} answered"),
        (Figure::Measured(RecoveredBy::OtherNode), None) => String::new(),
        (Figure::Measured(RecoveredBy::Restart), _) => " until the victim answered again".into(),
        (Figure::Measured(RecoveredBy::Heal), _) => " until the fault was undone".into(),
        (Figure::Missing(_), _) => String::new(),
    };
    format!("{what} failed for {time}{until}")
}

/// How long after the step service began to fail, and for how long it then did, where the begin is no small part (a tenth) of
/// the recovery time: then the recovery time is not how long service failed. Outages of several lanes that overlap are one.
fn begun_late(outages: &[&LaneOutage], event: &EventFigures) -> Option<(Duration, Span)> {
    let own = || {
        let all = outages.iter().copied();
        all.filter(|outage| !event.late.contains(outage))
    };
    let last = deciding(own())?;
    let mut first = last;
    let overlapping = |first: &LaneOutage| {
        let before = own().filter(|outage| outage.onset.low < first.onset.low);
        let reaching =
            before.filter(|outage| outage.recovered.is_none_or(|at| at >= first.onset.low));
        reaching.min_by_key(|outage| outage.onset.low)
    };
    while let Some(earlier) = overlapping(first) {
        first = earlier;
    }
    let begun = first.onset.low.since(event.at.high);
    let rto = last.rto.high()?;
    let length = Span {
        low_ns: last.length.low_ns.max(first.length.low_ns),
        high_ns: last
            .recovered
            .map(|at| at.0.saturating_sub(first.onset.low.0)),
    };
    (begun > rto / 10).then(|| (first.onset.high.since(event.at.low), length))
}

fn quiet(event: &EventFigures) -> String {
    match &event.rto {
        Figure::Measured(span) => {
            let resolution = span.high().unwrap_or_default();
            let resolution = format::duration(resolution, Round::Up);
            format!("no outage was seen (one of up to {resolution} could have gone unseen)")
        }
        Figure::Missing(why) => format!("whether service was interrupted could not be told: {why}"),
    }
}

/// The service outages of one kind of access.
fn of_access<'a>(
    record: &Record,
    event: &'a EventFigures,
    access: crate::history::Access,
) -> Vec<&'a LaneOutage> {
    event
        .lanes
        .iter()
        .filter(|outage| {
            let lane = record.lanes.get(usize::from(outage.lane.0));
            lane.is_some_and(|lane| {
                lane.access == access && lane.group == crate::history::Group::Service
            })
        })
        .collect()
}

fn loss(figures: &Figures) -> String {
    let loss = match &figures.loss {
        Figure::Measured(loss) => loss,
        Figure::Missing(why) => return format!("loss could not be told: {why}"),
    };
    let all = format::count(loss.acknowledged);
    let before = if loss.lost.is_empty() {
        None
    } else {
        Some(lost(loss, &all))
    };
    let after = (!loss.split_brain.is_empty()).then(|| {
        let writes = format::counted(loss.split_brain.len() as u64, "write");
        let verb = were(loss.split_brain.len() as u64);
        format!("{writes} acknowledged after the fault {verb} lost")
    });
    let later: Vec<String> = loss
        .later
        .iter()
        .map(|event| {
            let writes = format::counted(event.lost.len() as u64, "write");
            let verb = were(event.lost.len() as u64);
            format!("{writes} {verb} lost by step {}", event.step)
        })
        .collect();
    let after = match (after, later.is_empty()) {
        (after, true) => after,
        (after, false) => Some(
            after
                .into_iter()
                .chain(later)
                .collect::<Vec<_>>()
                .join(", and "),
        ),
    };
    match (before, after) {
        (None, None) if loss.acknowledged == 0 => "no write was acknowledged at all".into(),
        (None, None) => format!("no acknowledged write was lost (0 of {all})"),
        (Some(before), None) => before,
        (None, Some(after)) => after,
        (Some(before), Some(after)) => format!("{before}, and {after}"),
    }
}

fn were(count: u64) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

fn lost(loss: &Loss, all: &str) -> String {
    let count = format::count(loss.lost.len() as u64);
    let age = format::value(loss.rpo_seconds);
    let verb = were(loss.lost.len() as u64);
    format!(
        "{count} of {all} acknowledged writes {verb} lost, the oldest from up to {age} before the fault"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measure::{
            fixture::{Bench, bracket, ms},
            measure,
        },
        time::Nanos,
    };

    /// What is said of write outages from so many ms after the fault at 20 s on until so many.
    fn said(outages: &[(u64, u64)]) -> Option<(u128, u64)> {
        let (record, history) = Bench::with_outage(ms(24_000)).build();
        let mut event = measure(&record, &history).events[0].clone();
        let sample = event.lanes[0].clone();
        event.late.clear();
        event.lanes = outages
            .iter()
            .map(|(from, until)| LaneOutage {
                onset: bracket(20_000 + from, 20_000 + from),
                recovered: Some(ms(20_000 + until)),
                rto: Span::between(Duration::ZERO, Duration::from_millis(*until)),
                length: Span::between(Duration::ZERO, Duration::from_millis(until - from)),
                ..sample.clone()
            })
            .collect();
        event.at = bracket(20_000, 20_000);
        let all: Vec<&LaneOutage> = event.lanes.iter().collect();
        begun_late(&all, &event).map(|(begun, length)| {
            let length = length.high_ns.map(Nanos).unwrap_or_default();
            (begun.as_millis(), length.0 / 1_000_000)
        })
    }

    #[test]
    fn service_failed_from_where_the_first_of_overlapping_outages_began() {
        // One shard fails at once, the others join it: from the fault on.
        assert_eq!(said(&[(5, 3_950), (3_100, 4_000)]), None);
        assert_eq!(said(&[(5, 2_000), (1_900, 3_000), (2_900, 4_000)]), None);
        // A blip that was over before.
        assert_eq!(said(&[(5, 100), (3_100, 4_000)]), Some((3_100, 900)));
        assert_eq!(
            said(&[(3_100, 3_900), (3_000, 3_500), (3_200, 4_000)]),
            Some((3_000, 1_000))
        );
        assert_eq!(said(&[(3_100, 4_000)]), Some((3_100, 900)));
    }
}
