//! What Kafka's settings let a failover take.

use std::time::Duration;

use crate::record::{Bound, Milestone, Wait};

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
    use Milestone::{Accepts, Declared, FirstSuccess};
    let Timeouts {
        session,
        heartbeat,
        with_controller,
        acks_all,
        ..
    } = *timeouts;
    let silence = Wait::new(
        Declared,
        "the broker is silent",
        format!(
            "broker.session.timeout.ms {session:?}, less the age of its last heartbeat, {heartbeat:?} at most"
        ),
        [session.saturating_sub(heartbeat), session],
    );
    let look = Wait::upto(
        Declared,
        "the controller's next look",
        format!("{LOOKS} looks a session"),
        session / LOOKS,
    );
    let clients = |until| {
        Wait::upto(
            until,
            "clients look for the leader again",
            "their metadata",
            CLIENTS,
        )
    };
    let fenced = |electing: Option<Wait>, again: &str| -> Vec<Bound> {
        let mut waits: Vec<Wait> = electing.into_iter().collect();
        waits.extend([silence.clone(), look.clone(), clients(FirstSuccess)]);
        ["kill", "pause", "partition"]
            .map(|fault| Bound::of(format!("{fault} {again}"), waits.clone(), ""))
            .to_vec()
    };
    let led = with_controller.then(|| election(timeouts, "another controller is elected"));
    let mut bounds = fenced(led, "primary");
    let handed = Wait::upto(
        Accepts,
        "the broker hands its leadership over with its next heartbeat",
        format!("broker.heartbeat.interval.ms {heartbeat:?}"),
        heartbeat,
    );
    let handed = vec![handed, clients(FirstSuccess)];
    bounds.push(Bound::of("stop primary", handed, ""));
    if acks_all {
        // Writes wait for the replica until it is fenced.
        let led = election(
            timeouts,
            "another controller is elected, where the replica was the active one",
        );
        bounds.extend(fenced(Some(led), "replica"));
    }
    bounds
}

/// What the loss of the active controller adds: every broker's session begins anew once there is another.
fn election(timeouts: &Timeouts, what: &str) -> Wait {
    let Timeouts {
        fetch, election, ..
    } = *timeouts;
    Wait::upto(
        Milestone::Declared,
        what,
        format!(
            "controller.quorum.fetch.timeout.ms {fetch:?}, two elections of {election:?}, backoff <= {ELECTION_BACKOFF:?}"
        ),
        fetch + election * 2 + ELECTION_BACKOFF,
    )
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
    let told = [
        Wait::upto(
            Milestone::Accepts,
            "the others' next heartbeat",
            format!("heartbeat.interval.ms {heartbeat:?}"),
            heartbeat,
        ),
        Wait::upto(
            Milestone::FirstSuccess,
            "the members join anew",
            "their next poll",
            CLIENTS,
        ),
    ];
    let missed = Wait::new(
        Milestone::Declared,
        "the member is silent",
        format!(
            "session.timeout.ms {session:?}, less the age of its last heartbeat, {heartbeat:?} at most"
        ),
        [session.saturating_sub(heartbeat), session],
    );
    let silent = if all_lead {
        brokers.session.saturating_sub(brokers.heartbeat)
    } else {
        Duration::ZERO
    };
    let fenced = Wait::new(
        Milestone::Declared,
        if all_lead {
            "the broker is silent"
        } else {
            "the broker is silent; not every broker leads a partition"
        },
        format!("broker.session.timeout.ms {:?}", brokers.session),
        [silent, brokers.session],
    );
    let look = Wait::upto(
        Milestone::Declared,
        "the controller's next look",
        format!("{LOOKS} looks a session"),
        brokers.session / LOOKS,
    );
    let again = Wait::upto(
        Milestone::FirstSuccess,
        "clients look for the leader again",
        "their metadata",
        CLIENTS,
    );
    let crash = [&[missed][..], &told].concat();
    let kill = vec![
        election(brokers, "another controller, should that be needed"),
        fenced,
        look,
        again,
    ];
    vec![
        Bound::of("consumer-crash", crash, ""),
        Bound::of("consumer-leave", told.to_vec(), ""),
        Bound::of("kill", kill, ""),
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
