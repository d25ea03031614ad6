//! Figures as tables: recovery, phases, bounds, lanes, latency, uncertainty.

use std::time::Duration;

use crate::{
    id::NodeName,
    measure::{
        Availability, ConsistencyFigures, EventFigures, Figure, Figures, Staleness, Visibility,
        bounds,
    },
    record::{Bound, Disruption, Record},
    scenario::ConsistencyKind,
    time::{Bracket, Span},
};

use super::{BoundView, PhaseView, Table, consumers, reach, restores, text, thousandths};

/// Lane outages shown; the rest is counted.
const LANES_MAX: usize = 50;

/// The phases of the headline event.
pub(super) fn phases(event: &EventFigures) -> Vec<PhaseView> {
    let zero = event.at.low;
    let scale = event
        .phases
        .iter()
        .map(|phase| phase.at.high.0.saturating_sub(zero.0))
        .max()
        .unwrap_or(0);
    let mut began = 0;
    let mut views = Vec::new();
    for (index, phase) in event.phases.iter().enumerate() {
        let ended = phase.at.high.0.saturating_sub(zero.0);
        views.push(PhaseView {
            number: index + 1,
            until: text::milestone(phase.until),
            took: text::share(began, ended),
            bracket: text::bracket(phase.took),
            ended: text::offset(phase.at.high, zero),
            source: text::clean(&phase.source),
            bar: (thousandths(began, scale), thousandths(ended, scale)),
        });
        began = ended;
    }
    views
}

/// The predicted bounds beside the measured recovery, and those of a consumer group beside its own.
pub(super) fn bounds(record: &Record, event: Option<&EventFigures>) -> Vec<BoundView> {
    let rto = event.map(|event| (applicable(record, event), &event.rto));
    let stack = record.stack.iter().flat_map(|stack| &stack.bounds);
    let of_stack = stack.map(|bound| {
        let said = |rto: &_| event.map_or_else(String::new, |event| text::recovery(event, rto).0);
        bound_view(bound, rto.as_ref(), said)
    });
    let group = record.consumers.iter().flat_map(|(_, group)| &group.bounds);
    let rebalance = event.and_then(|event| {
        let time = &event.rebalance.as_ref()?.time;
        Some((of_group(record, event), time))
    });
    let of_group = group.map(|bound| BoundView {
        fault: format!("{}: rebalance", text::clean(&bound.fault)),
        ..bound_view(bound, rebalance.as_ref(), |time| consumers::cells(time).0)
    });
    of_stack.chain(of_group).collect()
}

fn bound_view(
    bound: &Bound,
    measured: Option<&(Vec<&Bound>, &Figure<Span>)>,
    said: impl Fn(&Figure<Span>) -> String,
) -> BoundView {
    let own = measured
        .filter(|(own, _)| own.contains(&bound))
        .map(|(_, figure)| *figure);
    let value = own.and_then(Figure::value).copied();
    let scale = reach(bound.rto).max(value.map_or(0, reach)) / 10 * 11;
    BoundView {
        fault: text::clean(&bound.fault),
        predicted: text::bracket(bound.rto),
        measured: own.map_or_else(|| "another fault".into(), said),
        basis: text::clean(&bound.basis),
        confirmed: if bound.confirmed {
            "confirmed by drills"
        } else {
            "not yet confirmed"
        },
        bar: (
            thousandths(bound.rto.low_ns, scale),
            bound
                .rto
                .high_ns
                .map_or(1000, |high| thousandths(high, scale)),
            value.map(|value| thousandths(reach(value), scale)),
        ),
    }
}

/// The bounds of the consumer group that the event is held against.
fn of_group<'a>(record: &'a Record, event: &EventFigures) -> Vec<&'a Bound> {
    let own = record
        .disruptions
        .iter()
        .find(|(_, it)| it.step == event.step);
    let (Some((_, disruption)), Some((_, group))) = (own, &record.consumers) else {
        return Vec::new();
    };
    let step = record.opened.scenario.drill.get(disruption.step);
    bounds::applicable(&group.bounds, step, bounds::Hit::of(record, disruption))
}

/// The bounds that the event is held against.
fn applicable<'a>(record: &'a Record, event: &EventFigures) -> Vec<&'a Bound> {
    let own = |(_, it): &&(Bracket, Disruption)| it.step == event.step;
    let disruption = record.disruptions.iter().find(own);
    disruption.map_or_else(Vec::new, |(_, it)| bounds::of_run(record, it))
}

/// All figures, each with its bracket or the reason why it is missing.
pub(super) fn figures(record: &Record, figures: &Figures, event: Option<&EventFigures>) -> Table {
    let mut table = Table::new(&["figure", "measured", "bracket or reason"], "");
    let mut rows = event.map_or_else(Vec::new, of_event);
    rows.extend(of_run(record, figures));
    let names = ["ok", "conflict", "fail", "info", "shed"];
    for (name, number) in names.iter().zip(figures.outcomes) {
        let cells = (text::count(number), String::new());
        rows.push((format!("operations {name}"), cells));
    }
    for (name, (value, note)) in rows {
        table.row([name, value, note]);
    }
    table
}

/// A figure's name, value, and bracket or reason.
pub(super) type Row = (String, (String, String));

fn of_event(event: &EventFigures) -> Vec<Row> {
    let mut rows: Vec<Row> = [
        ("rto", &event.rto),
        ("rto_write", &event.rto_write),
        ("rto_read", &event.rto_read),
        ("rto_first", &event.rto_first),
        ("rto_all", &event.rto_all),
        ("rto_app", &event.rto_app),
        ("outage", &event.outage),
    ]
    .map(|(name, figure)| (name.to_owned(), text::recovery(event, figure)))
    .into();
    if let Some(group) = &event.rebalance {
        let (time, bracket) = span(&group.time);
        let again = text::plural(group.again, "record");
        let notes = [bracket, format!("{again} delivered again")];
        rows.push(("rebalance".into(), (time, notes.join("; "))));
    }
    rows.push(("fencing".into(), span(&event.fencing)));
    let by = |by: &_| (text::recovered_by(*by).into(), String::new());
    rows.push(("recovered_by".into(), text::figure(&event.recovered_by, by)));
    rows
}

fn of_run(record: &Record, figures: &Figures) -> Vec<Row> {
    let gap = |(gap, lane): &(Span, _)| {
        let lane = setup_lane(record, *lane);
        (text::upper(*gap), format!("{} {lane}", text::bracket(*gap)))
    };
    let degraded = |time: &Duration| (text::upper(Span::between(*time, *time)), String::new());
    let mut rows: Vec<Row> = [
        ("rto_slo", span(&figures.rto_slo)),
        ("rto_capacity", span(&figures.rto_capacity)),
        ("max_gap", text::figure(&figures.max_gap, gap)),
        ("unavailable_total", unavailable(figures)),
        ("degraded", text::figure(&figures.degraded, degraded)),
        (
            "availability",
            text::figure(&figures.availability, available),
        ),
        ("redundancy_restored", span(&figures.redundancy_restored)),
        (
            "redundancy_from_fault",
            span(&figures.redundancy_from_fault),
        ),
        ("staleness", text::figure(&figures.staleness, stale)),
    ]
    .map(|(name, cells)| (name.to_owned(), cells))
    .into();
    if let Some(found) = &figures.consistency {
        rows.push(("consistency".into(), text::figure(found, explained)));
    }
    rows.extend(restores::rows(record, figures));
    for seen in &figures.visibility {
        rows.push((
            format!("visibility_lag {}", text::clean(seen.node.as_str())),
            visible(seen),
        ));
    }
    for (node, ratio) in &figures.divergence_ratio {
        let percent = |ratio: &f64| {
            let share = format!("{:.3} %", ratio * 100.0);
            (share, "before convergence".into())
        };
        let name = format!("divergence_ratio {node}");
        rows.push((name, text::figure(ratio, percent)));
    }
    rows
}

fn available(available: &Availability) -> (String, String) {
    let (ok, total) = (text::count(available.ok), text::count(available.total));
    let share = text::percent(available.percent());
    (share, format!("{ok} of {total} operations"))
}

/// The total, and what it takes of the month's allowance where an availability target says what that is.
fn unavailable(figures: &Figures) -> (String, String) {
    let (value, note) = span(&figures.unavailable_total);
    let Some(allowance) = figures.allowance else {
        return (value, note);
    };
    let used = allowance.used.map_or_else(
        || "an unknown part".to_owned(),
        |used| format!("{used:.3} min"),
    );
    let (minutes, target) = (allowance.minutes, allowance.target);
    let month = format!("{used} of the {minutes:.2} min that {target} % allows in a month");
    let notes: Vec<String> = [note, month]
        .into_iter()
        .filter(|n| !n.is_empty())
        .collect();
    (value, notes.join("; "))
}

fn visible(seen: &Visibility) -> (String, String) {
    let median = text::upper(seen.median);
    let reads = text::count(seen.reads);
    let note = match text::bracket(seen.worst) {
        exact if exact.is_empty() => format!("median {median}; {reads} reads"),
        bracket => format!("at worst {bracket}; median {median}; {reads} reads"),
    };
    (text::upper(seen.worst), note)
}

fn explained(found: &ConsistencyFigures) -> (String, String) {
    let measured = match found.anomalies {
        0 => found.model.unwrap_or(found.kind.model()).to_string(),
        1 => "1 anomaly".to_owned(),
        many => format!("{} anomalies", text::count(many)),
    };
    let operations = text::plural(found.operations, "operation");
    let judged = match found.kind {
        ConsistencyKind::Registers => {
            let registers = text::plural(found.keys.into(), "register");
            let broken = found.broken;
            format!("{operations} on {registers} judged, {broken} of them broken")
        }
        ConsistencyKind::Transfers => {
            let accounts = text::plural(found.keys.into(), "account");
            format!("{operations} on {accounts} judged")
        }
        ConsistencyKind::ListAppend => {
            let transactions = text::plural(found.operations, "transaction");
            let lists = text::plural(found.keys.into(), "list");
            let model = found.model.unwrap_or(found.kind.model());
            format!("{transactions} on {lists} at a time judged as {model}")
        }
    };
    (measured, judged)
}

fn stale(staleness: &Staleness) -> (String, String) {
    let reads = format!(
        "{} of {} reads certainly stale, {} backwards, {} missed an own write",
        text::count(staleness.stale_reads),
        text::count(staleness.reads),
        text::count(staleness.monotonic_violations),
        text::count(staleness.read_your_writes_violations)
    );
    (text::upper(staleness.worst), reads)
}

pub(super) fn span(figure: &Figure<Span>) -> (String, String) {
    text::figure(figure, |span| (text::upper(*span), text::bracket(*span)))
}

/// A lane's name.
pub(super) fn setup_lane(record: &Record, lane: crate::id::LaneId) -> String {
    record.lanes.get(usize::from(lane.0)).map_or_else(
        || format!("lane {}", lane.0),
        |lane| text::clean(&lane.name),
    )
}

/// What each shard saw of the headline event; no rows where there are no shards.
pub(super) fn shards(record: &Record, event: Option<&EventFigures>) -> Table {
    let mut table = Table::new(
        &[
            "shard",
            "holds",
            "members",
            "hit",
            "rto",
            "bracket",
            "recovered by",
        ],
        "There are no shards.",
    );
    for shard in event.iter().flat_map(|event| &event.shards) {
        let stack = record.stack.iter().flat_map(|stack| &stack.shards);
        let own = stack.into_iter().find(|own| own.number == shard.shard);
        let members = own.map_or_else(String::new, |own| {
            let names: Vec<&str> = own.members.iter().map(NodeName::as_str).collect();
            text::clean(&names.join(", "))
        });
        let (rto, bracket) = match shard.outage_seen {
            true => span(&shard.rto),
            false => text::figure(&shard.rto, |span| {
                ("no outage seen".into(), text::bracket(*span))
            }),
        };
        let by = match (&shard.recovered_by, &shard.successor) {
            (Figure::Measured(way), Some(node)) => {
                format!(
                    "{}: {}",
                    text::recovered_by(*way),
                    text::clean(node.as_str())
                )
            }
            (Figure::Measured(way), None) => text::recovered_by(*way).into(),
            (Figure::Missing(_), _) if !shard.outage_seen => String::new(),
            (Figure::Missing(why), _) => text::clean(why),
        };
        table.row([
            shard.shard.to_string(),
            own.map_or_else(String::new, |own| text::clean(&own.holds)),
            members,
            if shard.hit { "yes" } else { "no" }.into(),
            rto,
            bracket,
            by,
        ]);
    }
    table
}

/// The outages of each lane that belong to the headline event.
pub(super) fn lanes(record: &Record, event: Option<&EventFigures>) -> Table {
    let mut table = Table::new(
        &["lane", "onset", "recovered", "rto", "bracket", "not ok"],
        "No lane saw an outage.",
    );
    let Some(event) = event else {
        return table;
    };
    let zero = event.at.low;
    for outage in &event.lanes {
        table.row([
            setup_lane(record, outage.lane),
            text::offsets(outage.onset, zero),
            outage
                .recovered
                .map_or_else(|| "not seen".into(), |at| text::offset(at, zero)),
            text::upper(outage.rto),
            text::bracket(outage.rto),
            text::count(outage.failed),
        ]);
    }
    table.first(LANES_MAX)
}

/// Latency per window.
pub(super) fn latency(figures: &Figures) -> Table {
    let mut table = Table::new(
        &["window", "ok operations", "p50", "p99", "max"],
        "No latency was measured.",
    );
    for summary in &figures.latency {
        let value = |ns| {
            if summary.count == 0 {
                "not measured".into()
            } else {
                text::milliseconds(ns)
            }
        };
        table.row([
            summary.window.clone(),
            text::count(summary.count),
            value(summary.p50_ns),
            value(summary.p99_ns),
            value(summary.max_ns),
        ]);
    }
    table
}

/// The parts of the recovery time's uncertainty.
pub(super) fn uncertainty(event: Option<&EventFigures>) -> Table {
    let mut table = Table::new(
        &["part", "size", "what it is"],
        "No disruption was measured.",
    );
    let Some(event) = event else {
        return table;
    };
    if event.rto.value().is_none() {
        return Table::new(
            &["part", "size", "what it is"],
            "No recovery time was measured.",
        );
    }
    let parts = event.uncertainty;
    for (part, ns, what) in [
        (
            "injection",
            parts.injection_ns,
            "width of the injecting call",
        ),
        (
            "interval",
            parts.interval_ns,
            "probe interval of the lane that decided",
        ),
        (
            "lateness",
            parts.lateness_ns,
            "largest scheduler lateness within 1 s of fault, onset and recovery",
        ),
        ("service time", parts.service_ns, "median in the baseline"),
        (
            "standard uncertainty",
            parts.standard_ns,
            "(high - low) / sqrt(12)",
        ),
    ] {
        table.row([part.into(), text::milliseconds(ns), what.into()]);
    }
    table
}
