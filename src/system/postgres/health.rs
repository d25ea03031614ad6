//! Whether the stack is whole, and whether its members hold the same.

use futures_util::future::join_all;

use crate::{
    id::NodeName,
    system::{
        Redundancy, SystemError, patience,
        roster::{self, Seat},
        seen::Seen,
    },
};

use super::{
    etcd, haproxy, patroni,
    running::PostgresStack,
    shape::Synchronous,
    status::{Follower, Status, followers},
};

/// The bytes that a replica may be behind and count as in sync, where nothing else says so: Patroni's default
/// for eligibility.
pub const LAG_MAX: u64 = 1 << 20;

/// A node and what it says.
pub type Said = roster::Said<Status>;

/// The one node that says it is primary.
///
/// # Errors
/// When none or more than one says so.
pub fn sole_primary(said: &[Said]) -> Result<(&Seat, &Status), SystemError> {
    roster::leading(said, |status| !status.follower)
}

impl PostgresStack {
    /// What every node with a database says, asked at once.
    pub(super) async fn statuses(&self) -> Vec<Said> {
        let asked = self.roster.data().map(|seat| async {
            let said = patience::answer(&*self.runtime, &seat.name, Status::ask(seat.address));
            (seat.clone(), said.await)
        });
        join_all(asked).await
    }

    /// What a replica may be behind and count as in sync.
    pub(super) fn lag_max(&self) -> u64 {
        self.shape
            .timings()
            .map_or(LAG_MAX, |timings| timings.maximum_lag)
    }

    pub(super) async fn whole(&self) -> Redundancy {
        let mut seen = Seen::default();
        let said = self.statuses().await;
        let primary = match sole_primary(&said) {
            Ok((seat, _)) => seat.clone(),
            Err(error) => {
                seen.note(false, error.to_string());
                return seen.redundancy();
            }
        };
        seen.note(true, format!("{}: primary", primary.name));
        if let Some(route) = &self.route {
            let nodes = route.redundancy(&*self.runtime).await;
            (nodes.into_iter()).for_each(|(runs, text)| seen.note(runs, text));
        }
        let names = said.iter().map(|(seat, _)| &seat.name);
        let expected: Vec<&NodeName> = names.filter(|name| **name != primary.name).collect();
        match followers(primary.address).await {
            Ok(followers) => {
                judge_followers(&mut seen, &expected, &followers, self.lag_max());
                let synchronous = followers.iter().any(|follower| follower.synchronous);
                if self.shape.synchronous != Synchronous::Off {
                    let text = "a replica confirms writes before they are acknowledged";
                    seen.note(
                        synchronous,
                        if synchronous {
                            text.into()
                        } else {
                            format!("not yet: {text}")
                        },
                    );
                }
            }
            Err(error) => seen.note(false, format!("{}: {error}", primary.name)),
        }
        if self.shape.timings().is_some() {
            self.surroundings(&mut seen, &primary).await;
        }
        seen.redundancy()
    }

    /// Patroni's own word on each node, etcd's members, and where HAProxy leads. The list of members that Patroni
    /// keeps in etcd is not asked: it names the dead for up to the ttl.
    async fn surroundings(&self, seen: &mut Seen, primary: &Seat) {
        let replica = format!("/replica?lag={}", self.lag_max());
        let replica = replica.as_str();
        let nodes = join_all(self.roster.data().map(|seat| async move {
            let leads = seat.name == primary.name;
            let path = if leads { "/primary" } else { replica };
            (seat, path, patroni::is(seat, path).await)
        }));
        let (nodes, etcd) = tokio::join!(nodes, etcd::standings(&self.roster));
        for (seat, path, good) in nodes {
            let word = if good {
                "agrees to"
            } else {
                "does not agree to"
            };
            seen.note(good, format!("{}: Patroni {word} {path}", seat.name));
        }
        for (seat, standing) in etcd {
            match standing {
                Ok(standing) if standing.leader.is_some() => {
                    seen.note(true, format!("{}: has a leader", seat.name));
                }
                Ok(_) => seen.note(false, format!("{}: has no leader", seat.name)),
                Err(error) => seen.note(false, format!("{}: {error}", seat.name)),
            }
        }
        let Some(proxy) = haproxy::seat(&self.roster) else {
            return;
        };
        match haproxy::up(proxy).await {
            Ok(up) => {
                let leads = up.primary == [primary.name.as_str()];
                let lists = up.replicas.len() + 1 == self.roster.data().count();
                let (to, readers) = (up.primary.join(", "), up.replicas.join(", "));
                let text = format!("{}: leads to [{to}], readers to [{readers}]", proxy.name);
                seen.note(leads && lists, text);
            }
            Err(error) => seen.note(false, format!("{}: {error}", proxy.name)),
        }
    }

    /// The primary's position, every replica's, and the primary's again: equal, and the log at rest.
    pub(super) async fn level(&self) -> Redundancy {
        let mut seen = Seen::default();
        let said = self.statuses().await;
        let (primary, position) = match sole_primary(&said) {
            Ok((seat, status)) => (seat, status.position),
            Err(error) => {
                seen.note(false, error.to_string());
                return seen.redundancy();
            }
        };
        // Asked once more after it: a replica that is equal to an older position is not behind a newer one.
        let later = self.statuses().await;
        for (seat, status) in &later {
            let (name, leads) = (&seat.name, seat.name == primary.name);
            match status {
                Ok(status) => {
                    let word = if leads { "written to" } else { "replayed to" };
                    let text = format!("{name}: {word} {}", lsn(status.position));
                    seen.note(
                        status.position == position && status.follower != leads,
                        text,
                    );
                }
                Err(error) => seen.note(false, format!("{name}: {error}")),
            }
        }
        seen.redundancy()
    }
}

fn judge_followers(seen: &mut Seen, expected: &[&NodeName], found: &[Follower], lag_max: u64) {
    for name in expected {
        // Patroni's and our own copies in progress come under other names.
        let follower = found.iter().find(|follower| follower.name == name.as_str());
        match follower {
            None => seen.note(false, format!("{name}: does not follow the primary")),
            Some(follower) => {
                let near = follower.lag.is_some_and(|lag| lag <= lag_max);
                let lag = follower.lag.map_or("unknown".into(), |lag| lag.to_string());
                let streams = if follower.streaming {
                    "streams"
                } else {
                    "does not stream yet"
                };
                let text = format!("{name}: {streams}, {lag} bytes behind");
                seen.note(follower.streaming && near, text);
            }
        }
    }
}

/// A position as PostgreSQL writes it.
pub fn lsn(position: u64) -> String {
    format!("{:X}/{:X}", position >> 32, position & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follower(name: &str, streaming: bool, lag: Option<u64>) -> Follower {
        Follower {
            name: name.into(),
            streaming,
            synchronous: false,
            lag,
        }
    }

    #[test]
    fn only_replicas_that_stream_by_name_and_are_near_count() {
        let names = [NodeName::new("pg2"), NodeName::new("pg3")];
        let expected: Vec<&NodeName> = names.iter().collect();
        let check = |found: &[Follower]| {
            let mut seen = Seen::default();
            judge_followers(&mut seen, &expected, found, 100);
            seen.redundancy().whole
        };
        let good = follower("pg2", true, Some(0));
        assert!(check(&[good.clone(), follower("pg3", true, Some(100))]));
        for bad in [
            follower("pg3", true, Some(101)),
            follower("pg3", false, Some(0)),
            follower("pg3", true, None),
            follower("pg_basebackup", true, Some(0)),
        ] {
            assert!(!check(&[good.clone(), bad]));
        }
    }

    #[test]
    fn a_primary_is_one() {
        let said = |name: &str, follower: Option<bool>| {
            let seat = Seat {
                index: 0,
                name: NodeName::new(name),
                kind: crate::record::MemberKind::Data,
                address: "10.0.0.1:5432".parse().expect("an address"),
                host: "h1".into(),
            };
            let status = follower
                .ok_or_else(|| "gone".to_owned())
                .map(|follower| Status {
                    follower,
                    timeline: None,
                    position: 0,
                    received: None,
                    upstream: None,
                    source: None,
                    streaming: false,
                });
            (seat, status)
        };
        let name = |said: &[Said]| {
            sole_primary(said)
                .map(|(seat, _)| seat.name.to_string())
                .ok()
        };
        let (pg1, pg2) = (said("pg1", Some(false)), said("pg2", Some(true)));
        assert_eq!(
            name(&[pg1.clone(), pg2.clone(), said("pg3", None)]),
            Some("pg1".into())
        );
        assert_eq!(name(&[pg1, said("pg3", Some(false))]), None);
        assert_eq!(name(&[pg2]), None);
        assert_eq!(lsn(0x1_0300_0060), "1/3000060");
    }
}
