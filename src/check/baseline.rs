//! Whether the drill started from a healthy stack and hit the victim that it was meant to hit.

use crate::{history::History, measure::Figures, record::Record};
use crate::{
    history::{Group, Outcome},
    measure::{
        format,
        lane::{is_ok, lanes},
        windows::baseline,
    },
    record::{Disruption, DisruptionKind},
    scenario::{Selector, Step},
};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "baseline-fit";

/// Least share of ok operations in the baseline. `docs/measurement.md`, section 4.
pub const LEAST_OK: f64 = 0.999;

/// Fewest operations in the baseline that can show `LEAST_OK`. `docs/measurement.md`, section 4.
pub const LEAST_OPS: u64 = 1_000;

/// Unknown when the stack was not ready, the baseline too short or not healthy, or the victim a wrong one.
pub fn check(record: &Record, history: &History, _figures: &Figures) -> Finding {
    let mut doubts = Vec::new();
    let Some((at, _)) = record.headline() else {
        return Finding::unknown(NAME, &[Touch::All], "no disruptive step was taken");
    };
    match record.ready_at {
        None => doubts.push("the stack was never ready".to_owned()),
        Some(ready) if ready > at.low => {
            doubts.push("the stack was ready only after the fault".to_owned());
        }
        Some(_) => {}
    }
    let (ok, total) = counts(record, history, Group::Service);
    let lent = record.rearmed.as_ref().map_or(0, |rearmed| rearmed.lent);
    let share = share(record, ok, total);
    if total + lent < LEAST_OPS {
        doubts.push(format!(
            "the baseline has only {share}, under {LEAST_OPS} operations"
        ));
    } else if (ok as f64) < LEAST_OK * total as f64 {
        // Every operation that was lent was ok: what is the run's own must be healthy by itself.
        doubts.push(format!("the baseline was not healthy: {share}"));
    }
    if record.opened.scenario.targets.rto_app.is_some() {
        doubts.extend(application(record, history));
    }
    doubts.extend(
        record
            .disruptions
            .iter()
            .filter_map(|(_, disruption)| wrong_victim(record, disruption)),
    );
    let ready = record.stack.iter().flat_map(|stack| stack.ready.clone());
    if doubts.is_empty() {
        Finding::valid(
            NAME,
            format!("the stack was ready and healthy: {share} before the fault"),
        )
        .with(ready)
    } else {
        Finding::unknown(NAME, &[Touch::All], doubts.join("; ")).with(ready)
    }
}

fn share(record: &Record, ok: u64, total: u64) -> String {
    let own = format!(
        "{} of {} operations ok",
        format::count(ok),
        format::count(total)
    );
    match record.rearmed.as_ref().filter(|rearmed| rearmed.lent > 0) {
        Some(rearmed) => format!(
            "{own} and {} lent by run {}",
            format::count(rearmed.lent),
            rearmed.after
        ),
        None => own,
    }
}

/// What the application's lanes say of the baseline, if they were not well. One late answer of few shows nothing: as many as one
/// of the fewest that service lanes must have.
fn application(record: &Record, history: &History) -> Option<String> {
    let (ok, total) = counts(record, history, Group::App);
    let is_well = total <= ok + 1 || ok as f64 >= LEAST_OK * total as f64;
    let share = format!("{} of {}", format::count(ok), format::count(total));
    (!is_well).then(|| {
        format!(
            "the application was not healthy before the fault: {share} operations ok within its objective"
        )
    })
}

/// ok, in app lanes within the objective and from the first ok one on, and ok + fail + info + shed, of a group's lanes in the baseline.
fn counts(record: &Record, history: &History, group: Group) -> (u64, u64) {
    let windows = baseline(record);
    let (mut ok, mut total) = (0, 0);
    for lane in lanes(record, group, None) {
        // An application is not waited for before the first step, and is cold at first.
        let mut is_cold = group == Group::App;
        for op in history.lane(lane.id) {
            is_cold &= !is_ok(lane, &op);
            if is_cold {
                continue;
            }
            let inside = windows
                .iter()
                .any(|(start, end)| *start <= op.intended && op.intended < *end);
            if inside && op.outcome != Outcome::Conflict {
                total += 1;
                ok += u64::from(is_ok(lane, &op));
            }
        }
    }
    (ok, total)
}

/// Says so if a fault aimed at the primary missed it, or one aimed at replicas hit it.
fn wrong_victim(record: &Record, disruption: &Disruption) -> Option<String> {
    if disruption.kind != DisruptionKind::Fault {
        return None;
    }
    let fault = match record.opened.scenario.drill.get(disruption.step) {
        Some(Step::Fault(fault)) => fault,
        Some(Step::Consumer(_)) => return None,
        _ => {
            return Some(format!(
                "step {} of the scenario is no fault",
                disruption.step
            ));
        }
    };
    let aimed = fault.aimed();
    let wants_primary = aimed.iter().any(|(_, s)| {
        matches!(
            s,
            Selector::Primary | Selector::PrimaryOf(_) | Selector::Primaries(_)
        )
    });
    let wants_replica = aimed
        .iter()
        .any(|(_, s)| matches!(s, Selector::Replica(_) | Selector::ReplicasOf(_)));
    let victims: Vec<&str> = disruption.victims.iter().map(|n| n.as_str()).collect();
    let hit = victims.join(", ");
    if wants_primary && !disruption.primary_hit {
        Some(format!(
            "step {} was to hit the primary and hit {hit}",
            disruption.step
        ))
    } else if wants_replica && disruption.primary_hit {
        Some(format!(
            "step {} was to spare the primary and hit {hit}",
            disruption.step
        ))
    } else {
        None
    }
}
