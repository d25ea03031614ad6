//! Whether the harness was on time about fault, onset and recovery.

use crate::{history::History, measure::Figures, record::Record};
use std::time::Duration;

use crate::{
    history::{Group, Lane},
    measure::{
        LaneOutage,
        availability::union,
        event::{critical, lateness},
        format::{Round, duration},
        lane::{lanes, sustain},
    },
    record::DisruptionKind,
    time::{Bracket, Nanos},
};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "lateness";

/// How late an operation within W may be at least, where nothing began or ended: an outage as long could go unseen
/// there. A fortieth of W. `docs/measurement.md`, section 4.
const SUSTAIN_LATE: Duration = Duration::from_millis(250);

/// Unknown when an operation was sent later than max(delta, 1 % of T) after its intended time, or the
/// harness was held up for longer, within 1 s of fault, onset or recovery of an event that is judged; or later than that
/// and `SUSTAIN_LATE` within the window over which a recovery, or the absence of an outage, must last.
pub fn check(record: &Record, history: &History, figures: &Figures) -> Finding {
    if figures.headline.is_none() {
        return Finding::unknown(NAME, &[Touch::Time], "no disruptive step was taken");
    }
    let mut seen = Seen::default();
    for (index, event) in figures.events.iter().enumerate() {
        let judged = record.opened.scenario.drill.judges(event.step);
        if Some(index) != figures.headline && (!judged || event.lanes.is_empty()) {
            continue;
        }
        let share = target(record, event.kind);
        seen.within(record, history, &critical(event.at, &event.lanes), share);
        let lasting = lasting(record, event.at, &event.lanes);
        seen.within(record, history, &lasting, share.max(SUSTAIN_LATE));
    }
    for undone in &figures.undone {
        let share = target(record, DisruptionKind::Fault);
        seen.within(record, history, &critical(undone.at, &undone.lanes), share);
        let lasting = lasting(record, undone.at, &undone.lanes);
        seen.within(record, history, &lasting, share.max(SUSTAIN_LATE));
    }
    if seen.doubts.is_empty() {
        let worst = duration(seen.worst, Round::Up);
        Finding::valid(
            NAME,
            format!("no operation was later than {worst} about the fault"),
        )
    } else {
        Finding::unknown(NAME, &[Touch::Time], seen.doubts.join("; "))
    }
}

/// What was seen of lateness so far.
#[derive(Default)]
struct Seen {
    worst: Duration,
    doubts: Vec<String>,
}

impl Seen {
    /// Looks at some windows; `share` is what may be, where a lane's interval is shorter.
    fn within(
        &mut self,
        record: &Record,
        history: &History,
        windows: &[(Nanos, Nanos)],
        share: Duration,
    ) {
        let mut doubt = |doubt: String| {
            if !self.doubts.contains(&doubt) {
                self.doubts.push(doubt);
            }
        };
        for lane in lanes(record, Group::Service, None) {
            let late = lateness(history.lane(lane.id), windows);
            self.worst = self.worst.max(late);
            if late > lane.interval.max(share) {
                doubt(told(&lane.name, "was late by", late));
            }
        }
        let delta = lanes(record, Group::Service, None)
            .map(|lane| lane.interval)
            .min();
        let limit = delta.unwrap_or_default().max(share);
        for (at, by) in &record.stalls {
            let near = |(start, end): &(Nanos, Nanos)| at.low <= *end && at.high >= *start;
            if *by > limit && windows.iter().any(near) {
                doubt(told("the harness", "was held up for", *by));
            }
        }
    }
}

/// Where each lane must have stayed well: W from its last failure on, and from the event on. Of an outage that another event
/// struck, W from the recovery that bounds it, whether or not that event is judged.
fn lasting(record: &Record, at: Bracket, outages: &[LaneOutage]) -> Vec<(Nanos, Nanos)> {
    let window = |from: Nanos, lane: &Lane| (from, from.after(sustain(lane)));
    let quiet = lanes(record, Group::Service, None).map(|lane| window(at.high, lane));
    let after = outages.iter().filter_map(|outage| {
        let lane = record.lanes.get(usize::from(outage.lane.0))?;
        let from = match (outage.recovered, outage.rto.high()) {
            (Some(_), _) => outage.last_failed,
            (None, Some(bound)) => at.low.after(bound),
            (None, None) => return None,
        };
        (lane.group == Group::Service).then(|| window(from, lane))
    });
    union(quiet.chain(after).collect())
}

fn told(who: &str, what: &str, by: Duration) -> String {
    format!("{who} {what} {}", duration(by, Round::Up))
}

/// 1 % of the target of such an event, zero where it has none.
fn target(record: &Record, kind: DisruptionKind) -> Duration {
    let targets = &record.opened.scenario.targets;
    let goal = match kind {
        DisruptionKind::Fault | DisruptionKind::Control => targets.rto,
        DisruptionKind::Switchover => targets.outage.or(targets.rto),
        DisruptionKind::Failback => targets.failback.or(targets.outage),
    };
    goal.and_then(crate::scenario::Goal::limit)
        .map_or(Duration::ZERO, |limit| limit.0 / 100)
}
