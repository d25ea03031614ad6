//! Whether a control that ran beside others shows that stacks on this machine leave each other alone.

use std::time::Duration;

use crate::{
    history::{Group, History},
    measure::{
        event::lateness,
        format::{self, Round},
        lane::lanes,
    },
    record::Record,
};

use super::{Judgement, Verdict};

/// The latest that the harness was in the whole control: it must be a control by its verdict, and nowhere late by more
/// than max(delta, 1 % of the RTO target), which is what a drill is held to about its fault.
///
/// # Errors
/// What disturbed it.
pub fn quiet(
    record: &Record,
    history: &History,
    judgement: &Judgement,
) -> Result<Duration, String> {
    if judgement.scorecard.verdict != Verdict::Control {
        let reasons = judgement
            .scorecard
            .reasons
            .iter()
            .map(|reason| &reason.text);
        let said: Vec<&str> = std::iter::once(&judgement.scorecard.sentence)
            .chain(reasons)
            .map(String::as_str)
            .collect();
        return Err(said.join("; "));
    }
    let Some(whole) = record.load else {
        return Err("its clients' time is not known".into());
    };
    let service = || lanes(record, Group::Service, None);
    let late = service().map(|lane| lateness(history.lane(lane.id), &[whole]));
    let stalls = record.stalls.iter().map(|(_, by)| *by);
    let worst = late.chain(stalls).max().unwrap_or_default();
    let delta = service()
        .map(|lane| lane.interval)
        .min()
        .unwrap_or_default();
    let target = record.opened.scenario.targets.rto;
    let share = target
        .and_then(crate::scenario::Goal::limit)
        .map(|limit| limit.0 / 100);
    let limit = delta.max(share.unwrap_or_default());
    if worst > limit {
        let (worst, limit) = (
            format::duration(worst, Round::Up),
            format::duration(limit, Round::Down),
        );
        return Err(format!(
            "the harness was late by {worst}, which is more than {limit}"
        ));
    }
    Ok(worst)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measure::fixture::{Bench, W1, control, ms},
        score::judge,
        time::Bracket,
    };

    fn of(bench: Bench) -> Result<Duration, String> {
        let (record, history) = bench.build();
        let judgement = judge(&record, &history);
        quiet(&record, &history, &judgement)
    }

    #[test]
    fn a_control_is_quiet_unless_something_disturbed_it() {
        assert_eq!(of(control()).err(), None);
        let mut outage = control();
        outage.fail(W1, ms(12_000), ms(12_400));
        assert!(of(outage).is_err());
        // Far from the no-op, where a drill would not be held to it.
        let mut stalled = control();
        let at = Bracket::at(ms(3_000));
        stalled.record.stalls.push((at, Duration::from_secs(2)));
        let said = of(stalled).unwrap_err();
        assert!(said.contains("late by 2.000 s"), "{said}");
        let mut late = control();
        late.op(W1, 60).sent = late.op(W1, 60).done;
        assert!(of(late).is_ok(), "a short delay is none");
        assert!(
            of(Bench::with_outage(ms(22_000))).is_err(),
            "a drill is no control"
        );
    }
}
