//! How long a failover may take by the effective settings, and the arithmetic for a reader.

use std::{slice, time::Duration};

use crate::{
    record::{Bound, Milestone, Wait},
    time::Span,
};

use super::{etcd, haproxy::CHECK_TIMEOUT, shape::Timings};

/// Promotion of a replica that has replayed all: from the end of recovery to the first write.
const PROMOTE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(1));

/// How often etcd looks for leases that have expired.
const REVOKE_TICK: Duration = Duration::from_millis(500);

/// What Patroni gives each member to answer in the race for the lead; the limit is fixed in Patroni.
const RACE: Duration = Duration::from_secs(2);

/// Clients whose connection was ended connect once more.
const RECONNECT: Duration = Duration::from_secs(1);

/// What etcd adds to every lease when it has a new leader: one election timeout.
const EXTEND: Duration = etcd::ELECTION;

/// The faults that take a primary away. A replica's loss moves nothing.
const FAULTS: [&str; 3] = ["kill primary", "pause primary", "partition primary"];

/// With an operator: nothing happens by itself, and no upper bound follows from any setting.
pub fn by_operator() -> Vec<Bound> {
    let waits = [
        Wait::open(
            Milestone::Accepts,
            "an operator promotes a replica",
            "nothing fails over by itself: no setting",
        ),
        Wait {
            span: Span::at_least(Duration::from_millis(100)),
            ..Wait::open(
                Milestone::Accepts,
                "promotion",
                "1s at most once all log is replayed",
            )
        },
    ];
    FAULTS
        .map(|fault| Bound::of(fault, waits.to_vec(), ""))
        .to_vec()
}

/// With Patroni: the leader's key must expire first, whatever took the leader away.
pub fn by_patroni(timings: Timings) -> Vec<Bound> {
    use Milestone::Declared;
    let Timings { ttl, loop_wait, .. } = timings;
    let after = once_expired(timings);
    let lease = Wait::new(
        Declared,
        "the leader's key expires",
        format!("ttl {ttl:?}, less up to loop_wait {loop_wait:?} since it was renewed"),
        [ttl.saturating_sub(loop_wait), ttl],
    );
    let passive = |fault: &str| Bound::of(fault, chained(slice::from_ref(&lease), &after), "");
    // The last heartbeat may be one interval old, and an election waits for one to two timeouts.
    let with_leader = [
        Wait::new(
            Declared,
            "etcd elects a leader, with which every lease starts anew",
            format!("etcd's election timeout {:?}", etcd::ELECTION),
            [etcd::ELECTION - etcd::HEARTBEAT, etcd::ELECTION * 2],
        ),
        Wait::new(
            Declared,
            "the leader's key expires",
            format!("ttl {ttl:?}"),
            [ttl, ttl],
        ),
        Wait::upto(
            Declared,
            "extension of the leases",
            "one election timeout of etcd",
            EXTEND,
        ),
    ];
    let with_leader = Bound::of(
        "kill primary and etcd-leader",
        chained(&with_leader, &after),
        "",
    );
    FAULTS
        .map(passive)
        .into_iter()
        .chain([with_leader])
        .chain(of_readers(timings))
        .collect()
}

/// What a failover waits for once the leader's key may be revoked.
fn once_expired(timings: Timings) -> [Wait; 4] {
    use Milestone::{Accepts, Declared, Routed};
    let Timings { inter, rise, .. } = timings;
    let checks = |count: u64| inter * u32::try_from(count).unwrap_or(u32::MAX);
    [
        Wait::upto(
            Declared,
            "etcd's look for expired leases",
            "fixed in etcd",
            REVOKE_TICK,
        ),
        Wait::upto(Accepts, "race for the lead", "fixed in Patroni", RACE),
        Wait::new(
            Accepts,
            "promotion",
            "a replica that has replayed all log",
            [PROMOTE.0, PROMOTE.1],
        ),
        Wait::new(
            Routed,
            "HAProxy takes it for well",
            format!("rise {rise} x inter {inter:?}"),
            [checks(rise.saturating_sub(1)), checks(rise)],
        ),
    ]
}

fn chained(first: &[Wait], after: &[Wait]) -> Vec<Wait> {
    first.iter().chain(after).cloned().collect()
}

/// Readers behind HAProxy: until a lost replica is marked down, every other new connection leads there.
fn of_readers(timings: Timings) -> [Bound; 2] {
    let Timings { inter, fall, .. } = timings;
    let fall_times = u32::try_from(fall).unwrap_or(u32::MAX);
    let bound = |fault: &str, check: Duration| {
        let waits = vec![
            Wait::upto(
                Milestone::Routed,
                "HAProxy's next check",
                format!("inter {inter:?}"),
                inter,
            ),
            Wait::upto(
                Milestone::Routed,
                "HAProxy takes it for down (reads only)",
                format!("fall {fall} x (inter {inter:?} + answer <= {check:?})"),
                (inter + check) * fall_times,
            ),
            Wait::upto(
                Milestone::FirstSuccess,
                "clients connect once more",
                "their connections were ended",
                RECONNECT,
            ),
        ];
        Bound::of(fault, waits, "")
    };
    [
        bound("kill replica", Duration::ZERO),
        bound("pause replica", CHECK_TIMEOUT),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_the_usual_stack() {
        let timings = Timings {
            ttl: Duration::from_secs(20),
            loop_wait: Duration::from_secs(5),
            retry_timeout: Duration::from_secs(5),
            maximum_lag: 1 << 20,
            agent_restarts: true,
            inter: Duration::from_secs(1),
            fall: 3,
            rise: 1,
        };
        let bounds = by_patroni(timings);
        let of = |fault: &str| {
            let bound = bounds
                .iter()
                .find(|bound| bound.fault == fault)
                .expect("a bound");
            (
                bound.rto.low().as_millis(),
                bound.rto.high().map(|high| high.as_millis()),
            )
        };
        for fault in FAULTS {
            assert_eq!(of(fault), (15_200, Some(24_500)));
        }
        assert_eq!(of("kill replica"), (0, Some(5_000)));
        assert_eq!(of("pause replica"), (0, Some(11_000)));
        assert_eq!(of("kill primary and etcd-leader"), (21_100, Some(27_500)));
        assert!(by_operator().iter().all(|bound| bound.rto.high().is_none()));
    }
}
