//! What a sharded cluster's settings let a failover take.

use std::time::Duration;

use crate::{
    record::{Bound, Milestone, Wait},
    system::mongodb::bounds::{Timeouts, bounds},
};

/// How often a router asks the members of a set without a primary (`kExpeditedRefreshPeriod`).
const ROUTES: Duration = Duration::from_millis(500);

/// What clients of a router that is gone need to ask another one, which they do after 200 ms.
const CLIENTS: Duration = Duration::from_secs(1);

/// The bounds by fault: of one shard's primary, which are those of a replica set and of the routers that look for the new
/// primary; and of any other member. No drill has confirmed them.
pub fn sharded(timeouts: &Timeouts) -> Vec<Bound> {
    let routed = |bound: Bound| {
        let mut waits = bound.waits;
        let routers = Wait::upto(
            Milestone::Routed,
            "routers look for the new primary",
            "fixed in mongos",
            ROUTES,
        );
        waits.insert(waits.len().saturating_sub(1), routers);
        let split = "a split vote, which adds another election timeout";
        Bound::of(bound.fault, waits, split)
    };
    let of_set = bounds(timeouts).into_iter().map(routed);
    let apart = ["kill", "stop"].into_iter().flat_map(|fault| {
        ["replica", "control plane", "route"].map(|role| {
            let asks = Wait::upto(
                Milestone::FirstSuccess,
                "clients of a router ask another one",
                "no outage is expected of a config server, nor of a member that leads no shard",
                CLIENTS,
            );
            Bound::of(format!("{fault} {role}"), vec![asks], "")
        })
    });
    of_set.chain(apart).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routers_add_to_what_a_set_takes_and_other_members_take_next_to_nothing() {
        let all = sharded(&Timeouts {
            election: Duration::from_secs(2),
            heartbeat: Duration::from_millis(500),
            lost: Duration::from_secs(2),
        });
        let of = |fault: &str| {
            let bound = all.iter().find(|bound| bound.fault == fault);
            bound.map(|bound| (bound.rto.low(), bound.rto.high()))
        };
        let kill = (
            Duration::from_millis(1_500),
            Some(Duration::from_millis(6_300)),
        );
        assert_eq!(of("kill primary"), Some(kill));
        for event in ["kill replica", "kill control plane", "stop route"] {
            assert_eq!(of(event), Some((Duration::ZERO, Some(CLIENTS))));
        }
        assert!(all.iter().all(|bound| !bound.confirmed));
    }
}
