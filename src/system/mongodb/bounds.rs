//! What a replica set's settings let a failover take.

use std::time::Duration;

use crate::record::{Bound, Milestone, Wait};

/// The part of the election timeout that a member waits longer at random, at most: the server parameter
/// `replElectionTimeoutOffsetLimitFraction`.
const OFFSET: f64 = 0.15;

/// Votes and the new primary's drain, by the server's own test of election times
/// (`election_timing_test.js`: 1 s and 0.2 s).
const ELECTION: Duration = Duration::from_millis(1200);

/// Clients look for the primary again: a round of questions, and a member that hangs.
const CLIENTS: Duration = Duration::from_millis(300);

/// Settings that were read back from the running set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// `electionTimeoutMillis`.
    pub election: Duration,
    /// `heartbeatIntervalMillis`.
    pub heartbeat: Duration,
    /// `heartbeatTimeoutSecs`.
    pub lost: Duration,
}

/// The bounds by fault; each speaks of the primary as its victim.
///
/// A secondary stands for election when it has heard nothing of the primary for the election timeout and a random part
/// of it more. It last heard of it up to one heartbeat before the fault, less where it copies from it all the time. An
/// orderly end hands the role over at once.
///
/// A new primary stays in catch-up mode until it knows how far every other member is, or has failed to ask it. Where
/// the lost machine says nothing, that takes as long as a heartbeat's timeout: 19.3 s by the log of a partition with 20 s;
/// 0.5 s, 1.6 s and 10.0 s in three kills with 10 s.
pub fn bounds(timeouts: &Timeouts) -> Vec<Bound> {
    let Timeouts {
        election,
        heartbeat,
        lost,
    } = *timeouts;
    let ends = [
        Wait::upto(
            Milestone::Accepts,
            "votes and drain",
            "the server's own test of election times",
            ELECTION,
        ),
        Wait::upto(
            Milestone::FirstSuccess,
            "clients look for the primary again",
            "a round of questions",
            CLIENTS,
        ),
    ];
    let silence = [
        Wait::new(
            Milestone::Declared,
            "the primary is silent",
            format!(
                "electionTimeoutMillis {election:?}, less the age of the last heartbeat, {heartbeat:?} at most"
            ),
            [election.saturating_sub(heartbeat), election],
        ),
        Wait::upto(
            Milestone::Declared,
            "what a secondary waits longer at random",
            format!("replElectionTimeoutOffsetLimitFraction {OFFSET} of it"),
            election.mul_f64(OFFSET),
        ),
    ];
    let catch_up = [Wait::upto(
        Milestone::Accepts,
        "catch-up: the new primary hears of every member, or its heartbeat to the lost one times out",
        format!("heartbeatTimeoutSecs {lost:?}"),
        lost,
    )];
    let silent = |fault: &str| {
        let waits = [&silence[..], &catch_up, &ends].concat();
        let split = "a split vote, which adds another election timeout";
        Bound::of(format!("{fault} primary"), waits, split)
    };
    let handed = Bound::of("stop primary", ends.to_vec(), "");
    let mut bounds = ["kill", "pause", "partition"].map(silent).to_vec();
    bounds.push(handed);
    bounds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_follow_from_the_election_timeout() {
        let bounds = bounds(&Timeouts {
            election: Duration::from_secs(10),
            heartbeat: Duration::from_secs(2),
            lost: Duration::from_secs(10),
        });
        let of = |fault: &str| {
            bounds
                .iter()
                .find(|bound| bound.fault == fault)
                .map(|bound| bound.rto)
        };
        let kill = of("kill primary").expect("a bound");
        assert_eq!(kill.low(), Duration::from_secs(8));
        assert_eq!(kill.high(), Some(Duration::from_secs(23)));
        let stop = of("stop primary").expect("a bound");
        assert_eq!(
            (stop.low(), stop.high()),
            (Duration::ZERO, Some(Duration::from_millis(1500)))
        );
    }
}
