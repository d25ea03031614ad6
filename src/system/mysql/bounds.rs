//! How long a failover may take by the effective settings, and the arithmetic for a reader.

use std::time::Duration;

use crate::{
    record::{Bound, Milestone, Wait},
    time::Span,
};

/// The faults that take a primary away. A replica's loss moves nothing.
const FAULTS: [&str; 3] = ["kill primary", "pause primary", "partition primary"];

/// From the group's new view to the first write: election, the applier's backlog, and the members' answers to clients.
const ELECT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3));

/// How long XCom's detector takes to suspect a silent member; fixed in MySQL.
const SUSPECT: Duration = Duration::from_secs(5);

/// How often XCom's suspicions are looked at, fixed in MySQL: its suspicions processing thread wakes so often.
const SUSPICION_TICK: Duration = Duration::from_secs(15);

/// Galera's look for silent nodes, and the delay before it makes a new view.
const GALERA_TICK: Duration = Duration::from_millis(500);

/// With an operator: nothing happens by itself, and no upper bound follows from any setting.
pub fn by_operator() -> Vec<Bound> {
    let waits = [
        Wait::open(
            Milestone::Accepts,
            "an operator promotes a replica",
            "nothing fails over by itself: no setting",
        ),
        Wait {
            span: Span::at_least(Duration::from_millis(20)),
            ..Wait::open(
                Milestone::Accepts,
                "relay log applied, and four statements",
                "the replica's backlog",
            )
        },
    ];
    FAULTS
        .map(|fault| Bound::of(fault, waits.to_vec(), ""))
        .to_vec()
}

/// With Group Replication: the lost member must be suspected, and expelled.
pub fn by_group(expel: Duration) -> Vec<Bound> {
    use Milestone::{Accepts, Declared};
    let fixed = "fixed in MySQL";
    let waits = [
        Wait::upto(Declared, "the member is suspected", fixed, SUSPECT),
        Wait::new(
            Declared,
            "the group waits for it",
            format!("group_replication_member_expel_timeout {expel:?}"),
            [expel, expel],
        ),
        Wait::upto(Declared, "next look at suspicions", fixed, SUSPICION_TICK),
        Wait::new(
            Accepts,
            "election, and its answer to clients",
            "backlog of the members",
            [ELECT.0, ELECT.1],
        ),
    ];
    FAULTS
        .map(|fault| Bound::of(fault, waits.to_vec(), ""))
        .to_vec()
}

/// With Galera: the lost node is suspected after one silence and dropped once all agree, at the latest after another.
pub fn by_galera(suspect: Duration, inactive: Duration) -> Vec<Bound> {
    use Milestone::{Accepts, Declared};
    let waits = [
        Wait::new(
            Declared,
            "the node is silent",
            format!(
                "evs.suspect_timeout {suspect:?} less one keepalive, to evs.inactive_timeout {inactive:?}"
            ),
            [suspect.saturating_sub(GALERA_TICK * 2), inactive],
        ),
        Wait::upto(
            Declared,
            "look for silent nodes",
            "fixed in Galera",
            GALERA_TICK * 2,
        ),
        Wait::upto(
            Accepts,
            "new view, and its answer to clients",
            "backlog of the nodes",
            ELECT.1,
        ),
    ];
    FAULTS
        .map(|fault| Bound::of(fault, waits.to_vec(), ""))
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_the_usual_stacks() {
        let seconds = Duration::from_secs;
        let of = |bounds: &[Bound]| {
            let rto = bounds[0].rto;
            (
                rto.low().as_millis(),
                rto.high().map(|high| high.as_millis()),
            )
        };
        assert_eq!(of(&by_group(seconds(5))), (5_100, Some(28_000)));
        assert_eq!(
            of(&by_galera(seconds(5), seconds(15))),
            (4_000, Some(19_000))
        );
        assert!(by_operator().iter().all(|bound| bound.rto.high().is_none()));
    }
}
