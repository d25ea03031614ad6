//! What the members' settings let a failover take.

use std::time::Duration;

use crate::{record::Bound, time::Span};

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
    let silence = Span::between(
        election.saturating_sub(heartbeat * 2),
        election * 2 + VOTES + CLIENTS,
    );
    let silent = format!(
        "low: election timeout {election:?} - age of the last heartbeat <= {heartbeat:?} - a tick that had begun <= \
         {heartbeat:?}; high: twice the election timeout, of which a member draws its own at random, + votes and first \
         entry {VOTES:?} + clients {CLIENTS:?}; a split vote adds another draw and is not in it"
    );
    let handed = format!(
        "the leader hands over as it ends: votes and first entry {VOTES:?} + clients {CLIENTS:?}"
    );
    let bound = |fault: &str, rto: Span, basis: &str| Bound {
        fault: format!("{fault} primary"),
        rto,
        basis: basis.to_owned(),
        confirmed: false,
    };
    vec![
        bound("kill", silence, &silent),
        bound("pause", silence, &silent),
        bound("partition", silence, &silent),
        bound(
            "stop",
            Span::between(Duration::ZERO, VOTES + CLIENTS),
            &handed,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

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
