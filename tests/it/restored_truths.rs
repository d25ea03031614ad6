//! C9: restores of known truth are measured, and a judgement that is one element, one look or one stage off is not accepted.

use std::time::Duration;

use drdrill::{
    calibrate::restores::Plant,
    record::{Holdings, StageName},
    seed::Seed,
    session::Observed,
    truth::Acceptance,
};
use futures_util::future::join_all;

use crate::calibration_rig::Processes;

/// How often a machine that was unfit is tried again.
const TRIES: u32 = 4;

async fn accepted(number: u32, plant: Plant, field: &Processes) -> Observed {
    tokio::time::sleep(Duration::from_secs(2) * number).await;
    for _ in 0..TRIES {
        let observed = plant.observe(field, Seed(1)).await.expect("a drill");
        let line = plant.judge(&observed);
        if line.state == Acceptance::Accepted {
            return observed;
        }
        assert_eq!(line.state, Acceptance::Undecided, "{line:#?}");
    }
    panic!("the machine was unfit {TRIES} times for {plant:?}");
}

/// What was restored without the first or the last element of a lane.
fn one_element_less(held: &Holdings, last: bool) -> Holdings {
    let mut less = Vec::new();
    for (lane, ranges) in &held.lanes {
        let all = ranges.iter().flat_map(|range| range.from..=range.to);
        less.extend(all.map(|seq| (*lane, seq, true)));
    }
    less.remove(if last { less.len() - 1 } else { 0 });
    Holdings::collect(less)
}

/// The same run with one thing altered, as a slip of the harness would.
fn one_off(plant: Plant, observed: &Observed) -> Observed {
    let mut record = observed.record.clone();
    let mut history = observed.history.draft();
    let restored = &mut record.restores[0].1;
    match plant {
        Plant::Nothing | Plant::Ahead | Plant::Forget => {
            let held = restored.held.as_ref().expect("a restore");
            restored.held = Ok(one_element_less(held, false));
        }
        // One of what was brought back is told as sent by then.
        Plant::Beyond => {
            let after = restored.point.high;
            let beyond = history.ops.iter_mut();
            let mut beyond = beyond.filter(|op| {
                let held = restored.held.as_ref().expect("a restore");
                op.sent > Some(after) && held.has(op.lane, op.seq)
            });
            beyond.next().expect("an element").sent = Some(after);
        }
        Plant::Step => restored.point.low = restored.point.high,
        Plant::Slow => {
            let mut stages = restored.stages.iter_mut();
            let writes = stages.find(|stage| stage.name == StageName::Writes);
            let at = &mut writes.expect("a stage").at;
            (at.low, at.high) = (
                at.low.before(Duration::from_secs(1)),
                at.high.before(Duration::from_secs(1)),
            );
        }
        // Each look is told of as if all had been kept.
        Plant::Lag => {
            let looks = record.log_kept.iter_mut();
            for (_, look) in looks {
                look.kept = Some(look.written);
            }
        }
        Plant::Latest => {
            let held = restored.held.as_ref().expect("a restore");
            restored.held = Ok(one_element_less(held, true));
        }
    }
    Observed {
        record,
        history: history.into(),
        logs: observed.logs.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn restores_of_known_truth_are_measured_and_one_that_is_off_is_not_accepted() {
    let field = Processes::new();
    let all = (0..).zip(Plant::ALL);
    let observed = join_all(all.map(|(number, plant)| accepted(number, plant, &field))).await;
    for (plant, observed) in Plant::ALL.into_iter().zip(&observed) {
        let line = plant.judge(&one_off(plant, observed));
        assert_ne!(line.state, Acceptance::Accepted, "{line:#?}");
    }
}
