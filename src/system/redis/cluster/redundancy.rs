//! Whether every node is present and in sync, and takes the cluster for whole.

use std::time::Duration;

use crate::{
    record::Shard,
    system::{
        Redundancy,
        redis::redundancy::{CLOSE, position},
        roster::{Roster, Seat},
        seen::twice,
    },
};

use super::{
    look::{Look, Looks, leaders, looks},
    slots::SLOTS,
};

/// The longest wait for one node's answers.
const ASK_LIMIT: Duration = Duration::from_millis(500);

/// Asks every node.
pub async fn redundancy(roster: &Roster, shards: &[Shard]) -> Redundancy {
    let looks = looks(roster, ASK_LIMIT).await;
    let mut verdicts = standing(&looks, shards);
    for (seat, look) in &looks {
        let own = look.as_ref().and_then(Look::myself);
        if own.is_some_and(|own| own.is("nofailover")) {
            let text = format!("{}: does not stand for election", seat.name);
            verdicts.push((false, text));
        }
    }
    verdicts.into_iter().collect()
}

/// Whether all positions of each shard are equal twice in a row.
pub async fn converged(roster: &Roster, shards: &[Shard]) -> Redundancy {
    twice(|| async {
        let looks = looks(roster, ASK_LIMIT).await;
        positions(&looks, shards).into_iter().collect()
    })
    .await
}

fn positions(looks: &Looks<'_>, shards: &[Shard]) -> Vec<(bool, String)> {
    let leaders = leaders(looks, shards);
    let of = |(seat, look): &(&Seat, Option<Look>)| {
        let leader = number_of(seat, shards).and_then(|number| leaders.get(&number));
        let leader = leader.map(|(seat, look)| (seat.address, look.status.offset));
        position(seat, look.as_ref().map(|look| &look.status), leader)
    };
    looks.iter().map(of).collect()
}

fn number_of(seat: &Seat, shards: &[Shard]) -> Option<u16> {
    let own = shards
        .iter()
        .find(|shard| shard.members.contains(&seat.name));
    own.map(|shard| shard.number)
}

/// Whether each node serves with everyone in reach, a primary with its replica attached, a replica in sync.
pub fn standing(looks: &Looks<'_>, shards: &[Shard]) -> Vec<(bool, String)> {
    let leaders = leaders(looks, shards);
    let of = |(seat, look): &(&Seat, Option<Look>)| {
        let name = &seat.name;
        let Some(look) = look else {
            return (false, format!("{name}: does not answer"));
        };
        if let Some(missing) = missing(look, looks.len()) {
            return (false, format!("{name}: {missing}"));
        }
        let Some(number) = number_of(seat, shards) else {
            return (false, format!("{name}: belongs to no shard"));
        };
        let Some((leader, leading)) = leaders.get(&number) else {
            return (false, format!("{name}: shard {number} has no primary"));
        };
        if leader.name == *name {
            let (attached, fellows) = (look.status.replicas, members(number, shards) - 1);
            let text = format!(
                "{name}: primary of shard {number} with {attached} of {fellows} replicas attached"
            );
            return (attached >= fellows as u64, text);
        }
        if look.status.primary || !look.status.follows_at(leader.address) {
            return (false, format!("{name}: does not follow {}", leader.name));
        }
        let behind = leading.status.offset.saturating_sub(look.status.offset);
        let link = if look.status.linked { "up" } else { "down" };
        let text = format!(
            "{name}: replica of {} in shard {number}, link {link}, {behind} bytes behind",
            leader.name
        );
        (look.status.linked && behind <= CLOSE, text)
    };
    looks.iter().map(of).collect()
}

fn members(number: u16, shards: &[Shard]) -> usize {
    let own = shards.iter().find(|shard| shard.number == number);
    own.map_or(1, |shard| shard.members.len())
}

/// What keeps a node from taking the cluster for whole.
fn missing(look: &Look, count: usize) -> Option<String> {
    if !look.state.ok {
        return Some("takes the cluster for down".into());
    }
    if look.state.covered < SLOTS {
        return Some(format!(
            "sees {} of {SLOTS} slots covered",
            look.state.covered
        ));
    }
    let well = |known: &&super::nodes::Known| {
        let sound = !["fail", "fail?", "handshake", "noaddr"]
            .iter()
            .any(|flag| known.is(flag));
        known.linked && sound
    };
    let known = look.nodes.iter().filter(well).count();
    (known < count).then(|| format!("reaches {known} of {count} nodes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::NodeName,
        record::MemberKind,
        system::redis::{
            cluster::nodes::{State, nodes},
            status::Status,
        },
    };

    fn seat(index: u16, name: &str) -> Seat {
        Seat {
            index,
            name: NodeName::new(name),
            kind: MemberKind::Data,
            address: format!("10.0.0.{}:6379", index + 2)
                .parse()
                .expect("an address"),
            host: name.into(),
        }
    }

    /// A shard of r1 and r2 as both see it: r1 leads.
    fn look(me: usize) -> Look {
        let flags = |own: usize, role: &str| match own == me {
            true => format!("myself,{role}"),
            false => role.to_owned(),
        };
        let text = format!(
            "a 10.0.0.2:6379@16379 {} - 0 0 1 connected 0-16383\n\
             b 10.0.0.3:6379@16379 {} a 0 0 1 connected\n",
            flags(0, "master"),
            flags(1, "slave")
        );
        Look {
            status: Status {
                primary: me == 0,
                leader: (me == 1).then(|| ("10.0.0.2".to_owned(), 6379)),
                linked: true,
                offset: 100,
                replicas: u64::from(me == 0),
                priority: 100,
            },
            state: State {
                ok: true,
                covered: SLOTS,
                epoch: 1,
            },
            nodes: nodes(&text),
        }
    }

    fn whole(looks: &Looks<'_>) -> Result<(), String> {
        let shard = Shard {
            number: 1,
            holds: String::new(),
            members: vec![NodeName::new("r1"), NodeName::new("r2")],
        };
        let verdicts = standing(looks, &[shard]);
        let wrong: Vec<String> = verdicts
            .into_iter()
            .filter(|(well, _)| !well)
            .map(|(_, text)| text)
            .collect();
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.join("; "))
        }
    }

    #[test]
    fn what_a_node_lacks_is_named() {
        let (one, other) = (seat(0, "r1"), seat(1, "r2"));
        let wrong = |change: &dyn Fn(&mut Look, &mut Look)| {
            let (mut first, mut second) = (look(0), look(1));
            change(&mut first, &mut second);
            let looks = vec![(&one, Some(first)), (&other, Some(second))];
            whole(&looks).err().unwrap_or_default()
        };
        assert_eq!(wrong(&|_, _| {}), "");
        let down = wrong(&|first, _| first.state.ok = false);
        assert_eq!(down, "r1: takes the cluster for down");
        let failing = wrong(&|_, second| second.nodes[0].flags.push("fail?".into()));
        assert_eq!(failing, "r2: reaches 1 of 2 nodes");
        let behind = wrong(&|_, second| second.status.linked = false);
        assert_eq!(
            behind,
            "r2: replica of r1 in shard 1, link down, 0 bytes behind"
        );
        let alone = wrong(&|first, _| first.status.replicas = 0);
        assert_eq!(
            alone,
            "r1: primary of shard 1 with 0 of 1 replicas attached"
        );
        let away = vec![(&one, Some(look(0))), (&other, None)];
        assert_eq!(whole(&away), Err("r2: does not answer".into()));
    }

    #[test]
    fn the_primary_with_the_higher_epoch_counts() {
        let (one, other) = (seat(0, "r1"), seat(1, "r2"));
        let mut promoted = look(1);
        promoted.status.primary = true;
        promoted.state.epoch = 7;
        promoted.nodes[1].slots = vec![(0, 16_383)];
        let looks = vec![(&one, Some(look(0))), (&other, Some(promoted))];
        let shard = Shard {
            number: 1,
            holds: String::new(),
            members: vec![NodeName::new("r1"), NodeName::new("r2")],
        };
        let leaders = leaders(&looks, &[shard]);
        let (leader, _) = leaders.get(&1).expect("a leader");
        assert_eq!(leader.name.as_str(), "r2");
    }
}
