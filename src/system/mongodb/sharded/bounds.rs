//! What a sharded cluster's settings let a failover take.

use std::time::Duration;

use crate::{record::Bound, system::mongodb::bounds, time::Span};

/// How often a router asks the members of a set without a primary (`kExpeditedRefreshPeriod`).
const ROUTES: Duration = Duration::from_millis(500);

/// What clients of a router that is gone need to ask another one, which they do after 200 ms.
const CLIENTS: Duration = Duration::from_secs(1);

/// The bounds by fault: of one shard's primary, which are those of a replica set and of the routers that look for the new
/// primary; and of any other member. No drill has confirmed them.
pub fn sharded(election: Duration, heartbeat: Duration) -> Vec<Bound> {
    let mut all = bounds::bounds(election, heartbeat);
    for bound in &mut all {
        let routed = Duration::from_nanos(bound.rto.high_ns.unwrap_or(0)) + ROUTES;
        bound.rto = Span::between(bound.rto.low(), routed);
        bound.basis = format!(
            "{}; routers look for the new primary every {ROUTES:?}",
            bound.basis
        );
    }
    let basis = format!(
        "a config server, or a member that leads no shard: no outage is expected; a router: its clients ask another one {CLIENTS:?}"
    );
    for fault in ["kill", "stop"] {
        all.extend(["replica", "control plane", "route"].map(|role| Bound {
            fault: format!("{fault} {role}"),
            rto: Span::between(Duration::ZERO, CLIENTS),
            basis: basis.clone(),
            confirmed: false,
        }));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routers_add_to_what_a_set_takes_and_other_members_take_next_to_nothing() {
        let all = sharded(Duration::from_secs(2), Duration::from_millis(500));
        let of = |fault: &str| {
            let bound = all.iter().find(|bound| bound.fault == fault);
            bound.map(|bound| (bound.rto.low(), bound.rto.high()))
        };
        let kill = (
            Duration::from_millis(1_500),
            Some(Duration::from_millis(4_300)),
        );
        assert_eq!(of("kill primary"), Some(kill));
        for event in ["kill replica", "kill control plane", "stop route"] {
            assert_eq!(of(event), Some((Duration::ZERO, Some(CLIENTS))));
        }
        assert!(all.iter().all(|bound| !bound.confirmed));
    }
}
