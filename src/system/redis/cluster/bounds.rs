//! What a cluster's settings let a failover take.

use std::time::Duration;

use crate::record::{Bound, Milestone, Wait};

/// The server looks at its links and elections ten times a second (`clusterCron`): detection, the reports of two
/// primaries, the start of the election and its votes each wait for such a look at most, and clients ask again.
const TICKS: Duration = Duration::from_millis(500);

/// What a replica waits before it stands for election: fixed, and at random up to as much again
/// (`clusterHandleReplicaFailover`). The only replica of its primary waits no longer.
const DELAY: Duration = Duration::from_millis(500);

/// From Valkey 9 on, both are a thirtieth of the node timeout where that is shorter.
const SHORT_DELAY_PART: u32 = 30;

/// The delay of a server of this name and version, as `INFO server` says them.
pub fn delay(server: &str, node_timeout: Duration) -> Duration {
    let version = server.strip_prefix("Valkey ");
    let major = version.and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    match major {
        Some(9..) => DELAY.min(node_timeout / SHORT_DELAY_PART),
        _ => DELAY,
    }
}

/// The bounds by fault; each speaks of one shard's primary as its victim, and of that shard's clients.
///
/// A node is pinged once half the node timeout has passed since its last answer, and is taken for failing a node
/// timeout after a ping without an answer: the clock runs from between the fault and half a node timeout later,
/// whether its connections are reset or hang. Another primary's report may take half a node timeout more, the time
/// within which any two nodes exchange messages.
pub fn bounds(node_timeout: Duration, delay: Duration) -> Vec<Bound> {
    use Milestone::{Accepts, Declared, FirstSuccess};
    let half = node_timeout / 2;
    let by = format!("cluster-node-timeout {node_timeout:?}");
    let part = format!("half of {by}");
    let fixed = "fixed in the server";
    let waits = vec![
        Wait::upto(Declared, "next ping", part.clone(), half),
        Wait::new(
            Declared,
            "the ping has no answer",
            by,
            [node_timeout, node_timeout],
        ),
        Wait::upto(Declared, "another primary's report", part, half),
        Wait::new(Accepts, "delay before the election", fixed, [delay, delay]),
        Wait::upto(Accepts, "random part of that delay", fixed, delay),
        Wait::upto(
            FirstSuccess,
            "looks at links and votes, and clients ask again",
            "ten looks a second",
            TICKS,
        ),
    ];
    let again = 4 * node_timeout.max(Duration::from_secs(1));
    let lost = format!("an election that is not won, which adds twice its timeout, {again:?}");
    ["kill", "stop", "pause", "partition"]
        .map(|fault| {
            // By drills with node timeouts of 1 s and 2 s.
            Bound::of(format!("{fault} primary"), waits.clone(), &lost)
                .confirmed(matches!(fault, "kill" | "pause"))
        })
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_follow_from_the_node_timeout() {
        let timeout = Duration::from_secs(2);
        let bounds = bounds(timeout, delay("Redis 8.0.2", timeout));
        let kill = bounds.first().expect("a bound");
        assert_eq!(kill.fault, "kill primary");
        assert_eq!(kill.rto.low(), Duration::from_millis(2_500));
        assert_eq!(kill.rto.high(), Some(Duration::from_millis(5_500)));
    }

    #[test]
    fn a_late_valkey_waits_less_before_an_election() {
        let timeout = Duration::from_secs(3);
        assert_eq!(delay("Valkey 8.1.1", timeout), DELAY);
        assert_eq!(delay("Valkey 9.0.0", timeout), Duration::from_millis(100));
        assert_eq!(delay("Valkey 9.0.0", Duration::from_secs(60)), DELAY);
    }
}
