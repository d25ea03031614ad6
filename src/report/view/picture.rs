//! The picture of the outage: operations binned over time, marks, and who was primary when.

use crate::{
    history::{Access, Group, History, Op, Outcome, merged},
    measure::{EventFigures, lane::lanes},
    record::{AlertMoment, DisruptionKind, MemberKind, Record, Role},
    time::Nanos,
};

use super::{
    alerts::{self, AlertBand},
    text, zero,
};

/// Bins of the detailed picture, at most.
const BINS_MAX: u64 = 140;
/// Widths of a bin, nanoseconds.
const WIDTHS_MS: [u64; 16] = [
    10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000, 120_000, 300_000,
    600_000, 3_600_000,
];
/// Acknowledgements closer than this are drawn as one stroke.
const STROKE_NS: u64 = 250_000_000;
const SECOND: u64 = 1_000_000_000;

/// The picture of a run. Bins are for drawing: no figure is taken from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The moment that times are shown from.
    pub zero: Nanos,
    /// What that moment is.
    pub zero_name: &'static str,
    /// The time around the headline disruption.
    pub detail: Series,
    /// The whole run, where that is much longer.
    pub overview: Option<Series>,
    /// Times during which a fault was in place.
    pub faults: Vec<FaultWindow>,
    /// Milestones, numbered as the phases are.
    pub marks: Vec<Mark>,
    /// Each data member's roles and acknowledgements.
    pub nodes: Vec<NodeBand>,
    /// When each alert was pending and firing.
    pub alerts: Vec<AlertBand>,
    /// When the service had to be back; absent without a target for the recovery time.
    pub target: Option<TargetMark>,
}

/// The recovery time's target as a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetMark {
    /// So long after the fault.
    pub at: Nanos,
    /// The target as the scenario has it.
    pub label: String,
}

/// Operations in bins of one width.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Start of the first bin.
    pub from: Nanos,
    /// Width of a bin.
    pub width_ns: u64,
    /// The bins, without gaps.
    pub bins: Vec<Bin>,
}

impl Series {
    /// End of the last bin.
    pub fn to(&self) -> Nanos {
        Nanos(self.from.0 + self.width_ns * self.bins.len() as u64)
    }
}

/// The service operations intended in one bin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bin {
    /// Operations by outcome: ok, conflict, fail, info, shed.
    pub counts: [u64; 5],
    /// Latency of its ok operations: median, 99th percentile, largest.
    pub latency: Option<[u64; 3]>,
}

/// A time during which a fault was in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultWindow {
    /// From just before the injecting call.
    pub from: Nanos,
    /// Until it was undone, or a planned move was over; open when that was not seen.
    pub to: Option<Nanos>,
    /// Whether it was something to be undone.
    pub kind: DisruptionKind,
    /// What it was.
    pub label: String,
}

/// A milestone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Its number.
    pub number: usize,
    /// When.
    pub at: Nanos,
    /// What.
    pub label: &'static str,
}

/// A data member over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeBand {
    /// Its name.
    pub name: String,
    /// Its role by its own view, each until the next view differs.
    pub roles: Vec<(Nanos, Nanos, Role)>,
    /// When it acknowledged clients' writes.
    pub acks: Vec<(Nanos, Nanos)>,
    /// When it acknowledged pinned probes.
    pub probes: Vec<(Nanos, Nanos)>,
}

/// Makes the picture; `None` when no client ran.
pub(super) fn picture(
    record: &Record,
    history: &History,
    event: Option<&EventFigures>,
) -> Option<Picture> {
    let (start, recorded_stop) = record.load?;
    let ends = history.lanes().filter_map(|lane| history.lane(lane).last());
    let last = ends.map(|op| op.intended).max()?;
    let stop = recorded_stop.max(last);
    let zero = zero(record);
    let (from, to) = focus(zero, start, stop, event);
    let to = to.max(arrived(record, zero)).min(stop.max(to));
    let detail = series(record, history, zero, (from, to));
    let shown = to.0.saturating_sub(from.0);
    let whole = stop.0.saturating_sub(start.0);
    Some(Picture {
        zero,
        zero_name: if record.headline().is_some() {
            "the fault"
        } else {
            "the clients' start"
        },
        overview: (shown * 5 < whole * 4).then(|| series(record, history, zero, (start, stop))),
        detail,
        faults: fault_windows(record),
        marks: marks(event),
        nodes: bands(record, history),
        alerts: alerts::bands(record, stop),
        target: target(record, zero),
    })
}

/// The headline's target, where something was done that it counts from.
fn target(record: &Record, zero: Nanos) -> Option<TargetMark> {
    let disrupted = record.headline()?.1.kind != DisruptionKind::Control;
    let limit = record.opened.scenario.targets.rto?.limit()?;
    let after = u64::try_from(limit.0.as_nanos()).ok()?;
    disrupted.then(|| TargetMark {
        at: Nanos(zero.0.saturating_add(after)),
        label: limit.to_string(),
    })
}

/// A little after the last expected alert first arrived, if one did.
fn arrived(record: &Record, zero: Nanos) -> Nanos {
    let spec = record.opened.scenario.alerting.as_ref();
    let expected = spec.map_or(&[][..], |spec| &spec.expect);
    let first = |alert: &str| {
        let mut events = record.alerts.iter();
        let own = events.find(|(at, event)| {
            event.alert == alert && event.moment == AlertMoment::Delivered && at.high >= zero
        });
        own.map(|(at, _)| Nanos(at.high.0 + SECOND))
    };
    let all = expected.iter().filter_map(|one| first(&one.alert));
    all.max().unwrap_or_default()
}

/// The time around the disruption and the recovery from it; everything when there was none.
fn focus(zero: Nanos, start: Nanos, stop: Nanos, event: Option<&EventFigures>) -> (Nanos, Nanos) {
    let Some(event) = event else {
        return (start, stop);
    };
    let unseen = event.lanes.iter().any(|outage| outage.recovered.is_none());
    let recovered = event.lanes.iter().filter_map(|outage| outage.recovered);
    let marks = event.phases.iter().map(|phase| phase.at.high);
    let end = recovered.chain(marks).max().filter(|_| !unseen);
    let length = match end {
        Some(end) => end.0.saturating_sub(zero.0),
        None if unseen => stop.0.saturating_sub(zero.0),
        None => 2 * SECOND,
    };
    let from = Nanos(zero.0.saturating_sub((length / 3).max(2 * SECOND)));
    let to = Nanos(zero.0 + length + (length / 2).max(3 * SECOND));
    (from.max(start), to.min(stop).max(from.max(start)))
}

/// Bins the service operations intended in a window; an edge of a bin lies at `zero`.
fn series(record: &Record, history: &History, zero: Nanos, window: (Nanos, Nanos)) -> Series {
    let (from, to) = window;
    let length = to.0.saturating_sub(from.0).max(1);
    let width_ns = width(record, length);
    let before = zero.0.saturating_sub(from.0) / width_ns * width_ns;
    let first = Nanos(if zero >= from {
        zero.0 - before
    } else {
        from.0
    });
    let number = (to.0.saturating_sub(first.0) / width_ns).max(1);
    let mut bins = vec![Bin::default(); usize::try_from(number).unwrap_or(1)];
    let mut latencies: Vec<u64> = Vec::new();
    let mut current = 0;
    for op in service(record, history, first) {
        let since = op.intended.0.saturating_sub(first.0);
        let index = usize::try_from(since / width_ns).unwrap_or(usize::MAX);
        if index != current {
            end(bins.get_mut(current), &mut latencies);
            current = index;
        }
        let Some(bin) = bins.get_mut(index) else {
            break;
        };
        bin.counts[op.outcome as usize] += 1;
        if let (Outcome::Ok, Some(done)) = (op.outcome, op.done) {
            latencies.push(done.0.saturating_sub(op.intended.0));
        }
    }
    end(bins.get_mut(current), &mut latencies);
    Series {
        from: first,
        width_ns,
        bins,
    }
}

/// The narrowest round width that gives few enough bins, stretched to whole intervals of all lanes: a bin
/// that holds now two and now three operations of a lane would draw waves that are not there.
fn width(record: &Record, length: u64) -> u64 {
    let round = WIDTHS_MS
        .iter()
        .map(|ms| ms * 1_000_000)
        .find(|width| length / width < BINS_MAX)
        .unwrap_or(length / BINS_MAX);
    let service = record
        .lanes
        .iter()
        .filter(|lane| lane.group == Group::Service);
    let interval = service
        .map(|lane| Nanos::from_duration(lane.interval).0.max(1))
        .try_fold(1, |all, one| {
            least_common_multiple(all, one).filter(|ns| *ns <= SECOND / 2)
        });
    round.next_multiple_of(interval.unwrap_or(1))
}

fn least_common_multiple(a: u64, b: u64) -> Option<u64> {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a / x).checked_mul(b)
}

/// The operations of the lanes that measure the system, from a moment on, by intended time.
fn service<'a>(
    record: &Record,
    history: &'a History,
    from: Nanos,
) -> impl Iterator<Item = Op> + use<'a> {
    let lanes = lanes(record, Group::Service, None);
    merged(lanes.map(|lane| {
        let ops = history.lane(lane.id);
        ops.skip(ops.partition_point(|op| op.intended < from))
    }))
}

/// No more operations are of this bin: these are the latencies of its ok ones.
fn end(bin: Option<&mut Bin>, latencies: &mut Vec<u64>) {
    latencies.sort_unstable();
    if let Some(bin) = bin {
        bin.latency = summary(latencies);
    }
    latencies.clear();
}

/// Median, 99th percentile by nearest rank, and largest of sorted values.
fn summary(sorted: &[u64]) -> Option<[u64; 3]> {
    let rank = |percent: usize| sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1];
    sorted.last().map(|max| [rank(50), rank(99), *max])
}

fn fault_windows(record: &Record) -> Vec<FaultWindow> {
    record
        .disruptions
        .iter()
        .map(|(at, disruption)| {
            let healed = record
                .healed
                .iter()
                .find(|(_, step)| *step == disruption.step);
            FaultWindow {
                from: at.low,
                to: match disruption.kind {
                    DisruptionKind::Fault => healed.map(|(at, _)| at.high),
                    DisruptionKind::Control
                    | DisruptionKind::Switchover
                    | DisruptionKind::Failback => Some(at.high),
                },
                kind: disruption.kind,
                label: text::clean(&text::disruption(disruption)),
            }
        })
        .collect()
}

fn marks(event: Option<&EventFigures>) -> Vec<Mark> {
    let phases = event.map_or(&[][..], |event| &event.phases);
    phases
        .iter()
        .enumerate()
        .map(|(index, phase)| Mark {
            number: index + 1,
            at: phase.at.high,
            label: text::milestone(phase.until),
        })
        .collect()
}

fn bands(record: &Record, history: &History) -> Vec<NodeBand> {
    let members = record
        .stack
        .as_ref()
        .map_or(&[][..], |stack| &stack.members);
    let acks = strokes(
        record,
        history,
        members.len(),
        &[Group::Service, Group::App],
    );
    let probes = strokes(record, history, members.len(), &[Group::Pinned]);
    let strokes = acks.into_iter().zip(probes);
    members
        .iter()
        .zip(strokes)
        .filter(|(member, _)| member.kind == MemberKind::Data)
        .map(|(member, (acks, probes))| {
            let mut roles: Vec<(Nanos, Nanos, Role)> = Vec::new();
            let views = record
                .views
                .iter()
                .filter(|(_, view)| view.node == member.name);
            for (at, view) in views {
                match roles.last_mut() {
                    Some(last) if last.2 == view.role => last.1 = at.high,
                    Some(last) => {
                        last.1 = at.low;
                        roles.push((at.low, at.high, view.role));
                    }
                    None => roles.push((at.low, at.high, view.role)),
                }
            }
            NodeBand {
                name: text::clean(member.name.as_str()),
                roles,
                acks,
                probes,
            }
        })
        .collect()
}

/// When each node acknowledged writes, as strokes.
fn strokes(
    record: &Record,
    history: &History,
    nodes: usize,
    groups: &[Group],
) -> Vec<Vec<(Nanos, Nanos)>> {
    let mut strokes: Vec<Vec<(Nanos, Nanos)>> = vec![Vec::new(); nodes];
    let lanes = record.lanes.iter();
    let lanes = lanes.filter(|lane| lane.access == Access::Write && groups.contains(&lane.group));
    for op in lanes.flat_map(|lane| history.lane(lane.id)) {
        let node = op.node.filter(|_| op.outcome == Outcome::Ok);
        let own = node.and_then(|node| strokes.get_mut(usize::from(node)));
        let (Some(own), Some(time)) = (own, op.done) else {
            continue;
        };
        match own.last_mut() {
            Some((from, to)) if near(*to, time) && near(time, *from) => {
                (*from, *to) = ((*from).min(time), (*to).max(time));
            }
            _ => own.push((time, time)),
        }
    }
    strokes.into_iter().map(joined).collect()
}

/// Whether the second moment is before the first, or so little later that both are drawn as one stroke.
fn near(first: Nanos, second: Nanos) -> bool {
    second.0.saturating_sub(first.0) <= STROKE_NS
}

/// Strokes in order, those that are near each other as one.
fn joined(mut parts: Vec<(Nanos, Nanos)>) -> Vec<(Nanos, Nanos)> {
    parts.sort_unstable();
    let mut strokes: Vec<(Nanos, Nanos)> = Vec::new();
    for (from, to) in parts {
        match strokes.last_mut() {
            Some(last) if near(last.1, from) => last.1 = last.1.max(to),
            _ => strokes.push((from, to)),
        }
    }
    strokes
}
