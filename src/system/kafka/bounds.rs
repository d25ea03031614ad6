//! What Kafka's settings let a failover take.

use std::time::Duration;

use crate::{record::Bound, time::Span};

/// The controller looks for silent brokers four times in a session (`QuorumController.maybeFenceStaleBrokerPeriodNs`).
const LOOKS: u32 = 4;

/// The longest random wait before a controller stands for election again
/// (`controller.quorum.election.backoff.max.ms`), which nobody sets.
const ELECTION_BACKOFF: Duration = Duration::from_secs(1);

/// The record that names the new leader reaches the brokers, and clients look for the leader again.
const CLIENTS: Duration = Duration::from_secs(1);

/// Settings that were read back from the running brokers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// `broker.session.timeout.ms`.
    pub session: Duration,
    /// `broker.heartbeat.interval.ms`.
    pub heartbeat: Duration,
    /// `controller.quorum.fetch.timeout.ms`.
    pub fetch: Duration,
    /// `controller.quorum.election.timeout.ms`.
    pub election: Duration,
    /// Whether the partition's leader stands on the active controller's node.
    pub with_controller: bool,
    /// Whether writes wait for every replica in sync.
    pub acks_all: bool,
}

/// The bounds by fault and the role of its victim.
///
/// A broker that dies or hangs is fenced when the active controller has not heard of it for a session; the
/// partition then gets another leader. Its last report is up to one heartbeat older than the fault. Losing a
/// replica that is in sync holds writes with `acks=all` up for as long: they wait for it until it is fenced.
/// Where the active controller dies too, another is elected first, and for it every broker's session begins anew.
pub fn bounds(timeouts: &Timeouts) -> Vec<Bound> {
    let Timeouts {
        session,
        heartbeat,
        fetch,
        election,
        with_controller,
        acks_all,
    } = *timeouts;
    let low = session.saturating_sub(heartbeat);
    let looks = session / LOOKS;
    let fenced = session + looks + CLIENTS;
    let elected = fetch + election * 2 + ELECTION_BACKOFF;
    let basis = format!(
        "low: session {session:?} - age of the last heartbeat <= {heartbeat:?}; \
         high: session + next look <= {looks:?} + clients {CLIENTS:?}"
    );
    let (high, primary) = if with_controller {
        let words = format!(
            "{basis} + another controller: fetch timeout {fetch:?} + two elections of {election:?} + \
             backoff <= {ELECTION_BACKOFF:?}, after which every session begins anew"
        );
        (fenced + elected, words)
    } else {
        (fenced, basis.clone())
    };
    let bound = |fault: &str, role: &str, rto: Span, basis: &str, confirmed: bool| Bound {
        fault: format!("{fault} {role}"),
        rto,
        basis: basis.to_owned(),
        confirmed,
    };
    let mut bounds: Vec<Bound> = ["kill", "pause", "partition"]
        .iter()
        .map(|fault| bound(fault, "primary", Span::between(low, high), &primary, false))
        .collect();
    let handover = Span::between(Duration::ZERO, heartbeat + CLIENTS);
    let words = format!(
        "the broker hands its leadership over before it ends: high: next heartbeat <= {heartbeat:?} + clients {CLIENTS:?}"
    );
    bounds.push(bound("stop", "primary", handover, &words, false));
    if acks_all {
        let replica = Span::between(low, fenced + elected);
        let words = format!(
            "writes wait for the replica until it is fenced: {basis}; where it is the active controller, + \
             fetch timeout {fetch:?} + two elections of {election:?} + backoff <= {ELECTION_BACKOFF:?}"
        );
        bounds.extend(
            ["kill", "pause", "partition"]
                .iter()
                .map(|fault| bound(fault, "replica", replica, &words, false)),
        );
    }
    bounds
}

/// What the members of a consumer group were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupTimeouts {
    /// `session.timeout.ms`.
    pub session: Duration,
    /// `heartbeat.interval.ms`.
    pub heartbeat: Duration,
    /// Whether every broker leads a partition.
    pub all_lead: bool,
}

/// How long until every partition is consumed again, by what went away.
///
/// A member that says nothing is missed when a session has passed since its last heartbeat; the others hear of it with
/// their next heartbeat, and join anew. One that leaves is missed at once. With a broker, the partitions that it led wait
/// for another leader, as the service does; a group whose coordinator died finds the next one within that time, which
/// knows its members and need not share the partitions out again.
pub fn group_bounds(group: &GroupTimeouts, brokers: &Timeouts) -> Vec<Bound> {
    let GroupTimeouts {
        session,
        heartbeat,
        all_lead,
    } = *group;
    let bound = |fault: &str, low: Duration, high: Duration, basis: String| Bound {
        fault: fault.to_owned(),
        rto: Span::between(low, high),
        basis,
        confirmed: false,
    };
    let told = heartbeat + CLIENTS;
    let fenced = brokers.session + brokers.session / LOOKS + CLIENTS;
    let elected = brokers.fetch + brokers.election * 2 + ELECTION_BACKOFF;
    let silent = if all_lead {
        brokers.session.saturating_sub(brokers.heartbeat)
    } else {
        Duration::ZERO
    };
    vec![
        bound(
            "consumer-crash",
            session.saturating_sub(heartbeat),
            session + told,
            format!(
                "low: session {session:?} - age of the last heartbeat <= {heartbeat:?}; high: session + the others' next \
                 heartbeat <= {heartbeat:?} + clients {CLIENTS:?}"
            ),
        ),
        bound(
            "consumer-leave",
            Duration::ZERO,
            told,
            format!("high: the others' next heartbeat <= {heartbeat:?} + clients {CLIENTS:?}"),
        ),
        bound(
            "kill",
            silent,
            fenced + elected,
            format!(
                "low: {}; high: the brokers' session {:?} + next look + clients {CLIENTS:?} + another controller \
                 {elected:?}, should that be needed",
                if all_lead {
                    "the brokers' session - age of the last heartbeat"
                } else {
                    "not every broker leads a partition"
                },
                brokers.session
            ),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeouts(with_controller: bool, acks_all: bool) -> Timeouts {
        Timeouts {
            session: Duration::from_secs(9),
            heartbeat: Duration::from_secs(2),
            fetch: Duration::from_secs(2),
            election: Duration::from_secs(1),
            with_controller,
            acks_all,
        }
    }

    fn of(bounds: &[Bound], fault: &str) -> Option<(f64, f64)> {
        let bound = bounds.iter().find(|bound| bound.fault == fault)?;
        let high = bound.rto.high()?;
        Some((bound.rto.low().as_secs_f64(), high.as_secs_f64()))
    }

    #[test]
    fn bounds_follow_from_the_session() {
        let apart = bounds(&timeouts(false, true));
        assert_eq!(of(&apart, "kill primary"), Some((7.0, 12.25)));
        assert_eq!(of(&apart, "kill replica"), Some((7.0, 17.25)));
        assert_eq!(of(&apart, "stop primary"), Some((0.0, 3.0)));
    }

    #[test]
    fn a_group_misses_a_silent_member_after_its_session() {
        let group = GroupTimeouts {
            session: Duration::from_secs(10),
            heartbeat: Duration::from_secs(3),
            all_lead: true,
        };
        let bounds = group_bounds(&group, &timeouts(false, true));
        assert_eq!(of(&bounds, "consumer-crash"), Some((7.0, 14.0)));
        assert_eq!(of(&bounds, "consumer-leave"), Some((0.0, 4.0)));
        assert_eq!(of(&bounds, "kill"), Some((7.0, 17.25)));
    }

    #[test]
    fn losing_the_controller_too_takes_an_election_more() {
        let together = bounds(&timeouts(true, false));
        assert_eq!(of(&together, "pause primary"), Some((7.0, 17.25)));
        assert_eq!(of(&together, "kill replica"), None);
    }
}
