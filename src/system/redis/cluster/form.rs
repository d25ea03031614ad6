//! Brings a cluster up: every node at once, then slots, meetings, and who follows whom.

use std::{net::SocketAddr, time::Duration};

use futures_util::future::try_join_all;
use redis::FromRedisValue;

use crate::{
    record::Shard,
    system::{
        Deploy, Design, SystemError,
        redis::{
            deploy::{PORT, specs, start},
            link::{ask, command},
        },
        reserve::reserve,
        roster::{Roster, Seat},
        started::not_ready,
        wait::until,
    },
};

use super::{ready, running::ClusterStack, slots::range};

/// The longest wait for the nodes to know each other: a meeting is taken up within 100 ms, and answered.
const MEET_LIMIT: Duration = Duration::from_secs(20);

/// How often is asked.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_secs(1);

/// Deploys the design and returns once replication is proven flowing in every shard.
pub async fn deploy(
    system: &'static str,
    design: &Design,
    deploy: Deploy,
) -> Result<ClusterStack, SystemError> {
    let members = reserve(design, &deploy, |_| PORT).await?;
    let roster = Roster::new(&members)?;
    let specs = specs(&members, design, &deploy, None)?;
    try_join_all(specs.iter().map(|spec| deploy.runtime.create(spec))).await?;
    deploy.emitter.note("starting the nodes");
    start(&deploy, &roster, roster.data().map(|seat| &seat.name)).await?;
    deploy.emitter.note("forming the cluster");
    let shards = shards(&roster);
    form(&roster, &shards, &deploy).await?;
    deploy
        .emitter
        .note("waiting for every node to take the cluster for whole");
    let mut stack = ClusterStack::new(system, members, roster, shards, deploy.runtime, design)?;
    ready::prove(&mut stack).await?;
    Ok(stack)
}

/// The shards: the first half of the nodes are their primaries, the others the replicas in the same order.
pub fn shards(roster: &Roster) -> Vec<Shard> {
    let seats: Vec<&Seat> = roster.data().collect();
    let (primaries, replicas) = seats.split_at(seats.len() / 2);
    let count = u16::try_from(primaries.len()).unwrap_or(u16::MAX);
    let pairs = (1..).zip(primaries.iter().zip(replicas));
    pairs
        .map(|(number, (primary, replica))| {
            let (first, last) = range(number, count);
            Shard {
                number,
                holds: format!("slots {first} to {last}"),
                members: vec![primary.name.clone(), replica.name.clone()],
            }
        })
        .collect()
}

/// Gives each primary its slots and an epoch of its own, makes everyone meet, and the replicas follow.
async fn form(roster: &Roster, shards: &[Shard], deploy: &Deploy) -> Result<(), SystemError> {
    let count = u16::try_from(shards.len()).unwrap_or(u16::MAX);
    let owners = shards.iter().map(|shard| async move {
        let address = roster.named(&shard.members[0])?.address;
        let (first, last) = range(shard.number, count);
        let (first, last) = (first.to_string(), last.to_string());
        order(address, &["CLUSTER", "ADDSLOTSRANGE", &first, &last]).await?;
        // Else they would settle who has which one after another.
        let epoch = shard.number.to_string();
        order(address, &["CLUSTER", "SET-CONFIG-EPOCH", &epoch]).await
    });
    try_join_all(owners).await?;
    // Each pair meets directly: what the others tell of each other spreads a node at a time.
    let seats: Vec<&Seat> = roster.data().collect();
    let meetings = seats.iter().enumerate().flat_map(|(index, one)| {
        let others = seats[index + 1..].iter();
        others.map(move |other| async move {
            let (ip, port) = (
                other.address.ip().to_string(),
                other.address.port().to_string(),
            );
            order(one.address, &["CLUSTER", "MEET", &ip, &port]).await
        })
    });
    try_join_all(meetings).await?;
    let following = shards.iter().map(|shard| follow(shard, roster, deploy));
    try_join_all(following).await.map(drop)
}

/// Makes a shard's replicas follow its primary, once they know it as the owner of its slots.
async fn follow(shard: &Shard, roster: &Roster, deploy: &Deploy) -> Result<(), SystemError> {
    let (primary, replicas) = shard.members.split_at(1);
    let primary: SocketAddr = roster.named(&primary[0])?.address;
    let id: String = said(primary, &["CLUSTER", "MYID"]).await?;
    for name in replicas {
        let address = roster.named(name)?.address;
        let ask = || async {
            let words = ["CLUSTER", "REPLICATE", &id];
            let asked = order(address, &words).await;
            asked.map_err(|error| error.to_string())
        };
        if let Err(reason) = until(MEET_LIMIT, ASK_EVERY, ask).await {
            let waited = "a primary to follow";
            return Err(not_ready(&*deploy.runtime, name, waited, reason).await);
        }
    }
    Ok(())
}

async fn order(address: SocketAddr, words: &[&str]) -> Result<(), SystemError> {
    said(address, words).await
}

async fn said<T: FromRedisValue>(address: SocketAddr, words: &[&str]) -> Result<T, SystemError> {
    let asked = ask(address, &command(words), ASK_LIMIT).await;
    asked.map_err(|error| {
        SystemError::Refused(format!("`{}` was refused: {error}", words.join(" ")))
    })
}
