//! What the nodes' settings let a failover take.

use std::time::Duration;

use crate::{
    record::{Bound, Milestone, Wait},
    time::Span,
};

/// The cluster manager leaves the node out, makes a copy primary and tells the others: two changes of its state, each
/// written to disk by a majority. A machine that also does other things is given as long as some seconds.
const CHANGES: Duration = Duration::from_secs(2);

/// Clients leave the node that they are at: an operation that times out, and the next one that is due. What waited at the
/// nodes meanwhile is done first.
const CLIENTS: Duration = Duration::from_secs(3);

/// An election: nodes stand after at most 100 ms at first and 100 ms more with each round, and each round takes 500 ms
/// (`cluster.election.initial_timeout`, `back_off_time` and `duration`, which nobody sets); three rounds.
const ELECTION: Duration = Duration::from_secs(3);

/// How a node finds out that another one says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checks {
    /// The pause between two checks.
    pub interval: Duration,
    /// How long each waits for an answer.
    pub timeout: Duration,
    /// How many must fail in a row.
    pub retries: u32,
}

impl Checks {
    /// From the last check that was answered to the last one that was not: at the earliest the first fails that begins as
    /// the node falls silent, and each next one begins a pause after the one before.
    fn silence(self) -> Span {
        let low = self.timeout * self.retries + self.interval * self.retries.saturating_sub(1);
        Span::between(low, low + self.interval)
    }
}

impl std::fmt::Display for Checks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            interval,
            timeout,
            retries,
        } = self;
        write!(f, "{retries} times, {timeout:?} each, {interval:?} apart")
    }
}

/// Settings that were read back from the running nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// How the cluster manager checks the others.
    pub follower: Checks,
    /// How the others check the cluster manager.
    pub leader: Checks,
    /// Whether the first primary stands on the cluster manager's node.
    pub with_primary: bool,
}

/// The bounds by fault and the role of its victim.
///
/// A node that dies closes its connections, which the cluster manager notices at once. One that hangs or is cut off is left
/// out when enough checks in a row were not answered; until then every write waits for its copy, be that the primary or not.
/// Where the cluster manager itself is lost, the others find out by their own checks and elect another, which begins to
/// check the old one anew.
pub fn bounds(timeouts: &Timeouts) -> Vec<Bound> {
    use Milestone::Declared;
    let Timeouts {
        follower,
        leader,
        with_primary,
    } = *timeouts;
    let high = |span: Span| span.high().unwrap_or_default();
    let (alone, anew) = (follower.silence(), leader.silence());
    let election = Wait::upto(
        Declared,
        "another cluster manager is elected",
        "three rounds of 500ms and what nodes wait between them",
        ELECTION,
    );
    let silent = |what: &str, checks: Checks, from: Duration, to: Duration| {
        Wait::new(Declared, what, format!("checks {checks}"), [from, to])
    };
    // The next check begins an interval after the one before at most: it is in `silence`.
    let checked = silent(
        "the cluster manager's checks fail",
        follower,
        alone.low(),
        high(alone),
    );
    let checked_anew = silent(
        "the new cluster manager's own checks fail",
        follower,
        Duration::ZERO,
        high(alone),
    );
    let managers = |from: Duration| {
        silent(
            "the others' checks of the cluster manager fail",
            leader,
            from,
            high(anew),
        )
    };
    let bound = |fault: &str, waits: &[&Wait]| {
        let waits = waits.iter().copied().chain(&left_out()).cloned().collect();
        Bound::of(fault, waits, "")
    };
    // Its connections end, which is noticed at once.
    let killed: &[&Wait] = if with_primary { &[&election] } else { &[] };
    let manager = managers(anew.low());
    let paused: &[&Wait] = if with_primary {
        &[&manager, &election, &checked_anew]
    } else {
        &[&checked]
    };
    // Writes wait for the replica until it is left out. It may be the cluster manager's node too.
    let either = managers(alone.low().min(anew.low()));
    let replica = [&either, &election, &checked_anew];
    vec![
        bound("kill primary", killed),
        bound("stop primary", killed),
        bound("pause primary", paused),
        bound("partition primary", paused),
        bound("pause replica", &replica),
        bound("partition replica", &replica),
    ]
}

/// What follows once a node is left out.
fn left_out() -> [Wait; 2] {
    [
        Wait::upto(
            Milestone::Accepts,
            "two changes of the cluster's state",
            "each on the disks of a majority",
            CHANGES,
        ),
        Wait::upto(
            Milestone::FirstSuccess,
            "clients go to another node",
            "an operation that times out, and the next one",
            CLIENTS,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(with_primary: bool, fault: &str) -> (f64, f64) {
        let checks = |timeout| Checks {
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(timeout),
            retries: 3,
        };
        let timeouts = Timeouts {
            follower: checks(10),
            leader: checks(2),
            with_primary,
        };
        let bounds = bounds(&timeouts);
        let found = bounds.iter().find(|bound| bound.fault == fault);
        let rto = found.expect("a bound").rto;
        let high = rto.high().expect("an end");
        (rto.low().as_secs_f64(), high.as_secs_f64())
    }

    #[test]
    fn bounds_follow_from_the_checks() {
        assert_eq!(of(false, "kill primary"), (0.0, 5.0));
        assert_eq!(of(false, "pause primary"), (32.0, 38.0));
        assert_eq!(of(false, "partition primary"), (32.0, 38.0));
        assert_eq!(of(false, "pause replica"), (8.0, 50.0));
    }

    #[test]
    fn losing_the_cluster_manager_too_takes_an_election_and_other_checks_first() {
        assert_eq!(of(true, "kill primary"), (0.0, 8.0));
        assert_eq!(of(true, "pause primary"), (8.0, 50.0));
    }
}
