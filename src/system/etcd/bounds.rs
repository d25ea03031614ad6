//! What the members' settings let a failover take.

use std::time::Duration;

use crate::record::{Bound, Milestone, Wait};

/// A round of votes before the vote (PreVote, on by default since 3.5), the vote, and the new leader's first entry: three
/// rounds, two of which wait for the disk. etcd's own guide calls a sync to disk of more than 10 ms slow; a machine that
/// also does other things is given ten times that.
const VOTES: Duration = Duration::from_millis(300);

/// Clients leave the member that they are at: a connection that comes to nothing, and the next operation that is due.
const CLIENTS: Duration = Duration::from_millis(300);

/// The bounds by fault; each speaks of the leader as its victim.
///
/// A member counts ticks of a heartbeat's length since it last heard its leader, and stands when it has counted as many as
/// it drew at random: from the election timeout to one tick less than twice of it (`resetRandomizedElectionTimeout` in
/// etcd's Raft). The first tick is one that had begun. It last heard of its leader up to one heartbeat before the fault.
/// A leader that is asked to end hands over first.
pub fn bounds(heartbeat: Duration, election: Duration) -> Vec<Bound> {
    let least = election.saturating_sub(heartbeat * 2);
    let by = format!(
        "election timeout {election:?}, less the age of the last heartbeat and a tick that had begun, {heartbeat:?} each"
    );
    let ends = [
        Wait::upto(
            Milestone::Accepts,
            "votes and first entry",
            "three rounds, two of them to disk",
            VOTES,
        ),
        Wait::upto(
            Milestone::FirstSuccess,
            "clients go to another member",
            "connection refused, or the next operation",
            CLIENTS,
        ),
    ];
    let silence = [
        Wait::new(
            Milestone::Declared,
            "the leader is silent",
            by,
            [least, election],
        ),
        Wait::upto(
            Milestone::Declared,
            "what a member waits longer at random",
            format!("up to the election timeout {election:?} again"),
            election,
        ),
    ];
    let silent = |fault: &str| {
        let waits = silence.iter().chain(&ends).cloned().collect();
        let split = "a split vote, which adds another draw";
        Bound::of(format!("{fault} primary"), waits, split)
    };
    // A leader that is asked to end hands over first.
    let handed = Bound::of("stop primary", ends.to_vec(), "");
    let mut bounds = ["kill", "pause", "partition"].map(silent).to_vec();
    bounds.push(handed);
    bounds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    #[test]
    fn bounds_follow_from_heartbeat_and_election_timeout() {
        let bounds = bounds(Duration::from_millis(100), Duration::from_secs(1));
        let of = |fault: &str| {
            let found = bounds.iter().find(|bound| bound.fault == fault);
            found.expect("a bound").rto
        };
        for fault in ["kill primary", "pause primary", "partition primary"] {
            let expected = Span::between(Duration::from_millis(800), Duration::from_millis(2600));
            assert_eq!(of(fault), expected);
        }
        let stop = Span::between(Duration::ZERO, Duration::from_millis(600));
        assert_eq!(of("stop primary"), stop);
    }
}
