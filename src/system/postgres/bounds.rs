//! How long a failover may take by the effective settings, and the arithmetic for a reader.

use std::time::Duration;

use crate::{record::Bound, time::Span};

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
    let bound = |fault: &str| {
        Bound {
        fault: fault.into(),
        rto: Span::at_least(Duration::from_millis(100)),
        basis: "nothing fails over by itself: the operator's own time + promotion [0.1 s, 1 s with all log \
                replayed] + one connection; without an upper bound from any setting"
            .into(),
        confirmed: false,
    }
    };
    FAULTS.map(bound).to_vec()
}

/// With Patroni: the leader's key must expire first, whatever took the leader away.
pub fn by_patroni(timings: Timings) -> Vec<Bound> {
    let Timings {
        ttl,
        loop_wait,
        inter,
        rise,
        ..
    } = timings;
    let checks = |count: u64| inter * u32::try_from(count).unwrap_or(u32::MAX);
    let proxy = (checks(rise.saturating_sub(1)), checks(rise));
    let after = (
        PROMOTE.0 + proxy.0,
        REVOKE_TICK + RACE + PROMOTE.1 + proxy.1,
    );
    let tail = format!(
        "etcd's look for expired leases [0, {REVOKE_TICK:?}] + race for the lead [0, {RACE:?}] + promotion \
         [{:?}, {:?}] + HAProxy, rise {rise} x inter {inter:?} [{:?}, {:?}]",
        PROMOTE.0, PROMOTE.1, proxy.0, proxy.1
    );
    let lease = (ttl.saturating_sub(loop_wait), ttl);
    let passive = |fault: &str| Bound {
        fault: fault.into(),
        rto: Span::between(lease.0 + after.0, lease.1 + after.1),
        basis: format!("left of the lease [ttl {ttl:?} - loop_wait {loop_wait:?}, ttl] + {tail}"),
        confirmed: false,
    };
    // The last heartbeat may be one interval old, and an election waits for one to two timeouts.
    let election = (etcd::ELECTION - etcd::HEARTBEAT, etcd::ELECTION * 2);
    let with_leader = Bound {
        fault: "kill primary and etcd-leader".into(),
        rto: Span::between(
            election.0 + ttl + after.0,
            election.1 + ttl + EXTEND + after.1,
        ),
        basis: format!(
            "etcd elects a leader [{:?}, {:?}], which starts every lease anew: ttl {ttl:?} + extension [0, \
             {EXTEND:?}] + {tail}",
            election.0, election.1
        ),
        confirmed: false,
    };
    FAULTS
        .map(passive)
        .into_iter()
        .chain([with_leader])
        .chain(of_readers(timings))
        .collect()
}

/// Readers behind HAProxy: until a lost replica is marked down, every other new connection leads there.
fn of_readers(timings: Timings) -> [Bound; 2] {
    let Timings { inter, fall, .. } = timings;
    let fall_times = u32::try_from(fall).unwrap_or(u32::MAX);
    let bound = |fault: &str, check: Duration| Bound {
        fault: fault.into(),
        rto: Span::between(
            Duration::ZERO,
            inter + (inter + check) * fall_times + RECONNECT,
        ),
        basis: format!(
            "reads only: next check <= {inter:?} + fall {fall} x (inter {inter:?} + answer <= {check:?}) + \
             reconnecting {RECONNECT:?}"
        ),
        confirmed: false,
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
