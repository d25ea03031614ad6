//! Brings a sharded cluster up: every set at once, then the routers, then who holds which documents.

use std::{net::SocketAddr, time::Duration};

use futures_util::future::try_join_all;
use mongodb::bson::{Document, doc};

use crate::{
    record::{Member, MemberKind},
    runtime::NodeSpec,
    system::{
        Deploy, Design, SystemError,
        mongodb::{
            client::DATABASE,
            concern::Concern,
            deploy::{PORT, allow_chaining, configuration, elect, mongod, spec, start, within},
            element::{Collection, SHARD},
            ready::whole,
            set::ReplicaSet,
            wire::number,
        },
        reserve::reserve,
        roster::{Roster, Seat},
        settings::Values,
        started::not_ready,
        wait::until,
    },
};

use super::{
    design::SHARD_SIZE,
    effective,
    place::{collections, members},
    running::ShardedStack,
};

/// The config servers' set.
const CONFIG: &str = "drdrill-config";

/// The longest wait for what a router is asked for; a shard that joins is looked at and written to first.
const FORM_LIMIT: Duration = Duration::from_secs(30);

/// How often is asked.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// Deploys the design and returns once each shard's replication is proven flowing from each router.
pub async fn deploy(design: &Design, deploy: Deploy) -> Result<ShardedStack, SystemError> {
    let mut stack = raise(design, &deploy).await?;
    deploy.emitter.note("starting the routers");
    try_join_all(stack.routers.iter().map(|seat| start(&deploy, seat))).await?;
    deploy.emitter.note("adding the shards");
    form(&stack).await?;
    let flowing = flows(&stack).await?;
    stack.stack.ready.extend(flowing);
    stack.stack.connection_limit = effective::connection_limit(&stack.routers).await?;
    Ok(stack)
}

/// Brings up the shards and the config servers, each a replica set that is whole, and creates the routers' nodes. Nothing
/// of it needs a router.
pub async fn raise(design: &Design, deploy: &Deploy) -> Result<ShardedStack, SystemError> {
    let values = Values::of(design);
    let reserved = reserve(design, deploy, |_| PORT).await?;
    let roster = Roster::new(&reserved)?;
    let data: Vec<Seat> = roster.data().cloned().collect();
    let shards: Vec<ReplicaSet> = (1..)
        .zip(data.chunks(SHARD_SIZE as usize))
        .map(|(number, seats)| ReplicaSet::new(format!("drdrill-{number}"), seats.to_vec()))
        .collect();
    let config = ReplicaSet::new(CONFIG, roster.of(MemberKind::Control).cloned().collect());
    let specs: Vec<NodeSpec> = reserved
        .iter()
        .map(|member| spec(member, deploy, environment(member, &shards, &config)))
        .collect();
    try_join_all(specs.iter().map(|spec| deploy.runtime.create(spec))).await?;
    deploy
        .emitter
        .note("starting the shards and the config servers");
    let sets: Vec<&ReplicaSet> = shards.iter().chain([&config]).collect();
    let seats = sets.iter().flat_map(|set| &set.seats);
    try_join_all(seats.map(|seat| start(deploy, seat))).await?;
    deploy.emitter.note("initiating their replica sets");
    let initiated = sets.iter().map(|set| async {
        let mut configuration = configuration(set, values)?;
        if set.name == CONFIG {
            configuration.insert("configsvr", true);
        }
        elect(deploy, set, &configuration).await?;
        let evidence = whole(&*deploy.runtime, set).await?;
        allow_chaining(set.first()?.address).await?;
        Ok::<_, SystemError>(evidence)
    });
    let ready = try_join_all(initiated).await?.concat();
    let runtime = deploy.runtime.clone();
    let concern = Concern::of(values)?;
    let mut stack = ShardedStack::new(reserved, roster, (shards, config), runtime, concern)?;
    effective::read_back(&mut stack).await?;
    stack.stack.ready = ready;
    Ok(stack)
}

/// What a member is started with.
fn environment(
    member: &Member,
    shards: &[ReplicaSet],
    config: &ReplicaSet,
) -> Vec<(String, String)> {
    let has = |set: &&ReplicaSet| set.seats.iter().any(|seat| seat.name == member.name);
    match (shards.iter().find(has), member.kind) {
        (Some(shard), _) => mongod(&shard.name, "--shardsvr"),
        (None, MemberKind::Control) => mongod(&config.name, "--configsvr"),
        (None, _) => {
            let servers = config.seats.iter().map(|seat| seat.address.to_string());
            let servers = servers.collect::<Vec<_>>().join(",");
            vec![(
                "DRDRILL_CONFIG".into(),
                format!("{}/{servers}", config.name),
            )]
        }
    }
}

/// Adds the shards and spreads the run's collections over them. Reads of a lane's newest element need an index. No index
/// is unique: a second application of an append must show.
async fn form(stack: &ShardedStack) -> Result<(), SystemError> {
    let commands = members(&stack.shards)
        .into_iter()
        .chain(collections(&stack.shards, &stack.elements));
    for command in commands {
        ask(stack, "admin", command).await?;
    }
    let index = doc! {
        "createIndexes": stack.elements.collection(Collection::Appends),
        "indexes": [{ "key": { SHARD: 1, "lane": 1, "seq": 1 }, "name": "shard_lane_seq" }],
        "writeConcern": { "w": "majority" },
    };
    ask(stack, DATABASE, index).await
}

/// Asks the first router until it has done what it is asked for; what is done already is done again without harm.
async fn ask(stack: &ShardedStack, database: &str, command: Document) -> Result<(), SystemError> {
    let router = router(stack)?;
    let name = command.keys().next().cloned().unwrap_or_default();
    let said = || async {
        let asked = within(FORM_LIMIT, router.address, database, command.clone());
        asked.await.map(drop)
    };
    match until(FORM_LIMIT, ASK_EVERY, said).await {
        Ok(()) => Ok(()),
        Err(reason) => Err(not_ready(&*stack.runtime, &router.name, &name, reason).await),
    }
}

fn router(stack: &ShardedStack) -> Result<&Seat, SystemError> {
    let none = || SystemError::Refused("there is no router".into());
    stack.routers.first().ok_or_else(none)
}

/// Waits until what was written through each router into each shard is read at every member of that shard, and nothing
/// of another shard's is.
async fn flows(stack: &ShardedStack) -> Result<Vec<String>, SystemError> {
    let collection = stack.elements.collection(Collection::Ready);
    for router in &stack.routers {
        for number in (1..).take(stack.shards.len()) {
            let insert = doc! {
                "insert": &collection,
                "documents": [{ SHARD: number, "router": router.name.as_str() }],
                "writeConcern": { "w": "majority" },
            };
            let write = || async {
                let asked = within(FORM_LIMIT, router.address, DATABASE, insert.clone());
                asked.await.map(drop)
            };
            if let Err(reason) = until(FORM_LIMIT, ASK_EVERY, write).await {
                let waited = format!("a first write to shard {number}");
                return Err(not_ready(&*stack.runtime, &router.name, &waited, reason).await);
            }
        }
    }
    let mut evidence = Vec::new();
    for (number, set) in (1..).zip(&stack.shards) {
        for seat in &set.seats {
            let read = || holds(seat.address, &collection, number, &stack.routers);
            if let Err(reason) = until(FORM_LIMIT, ASK_EVERY, read).await {
                let waited = format!("the routers' writes to shard {number}");
                return Err(not_ready(&*stack.runtime, &seat.name, &waited, reason).await);
            }
            evidence.push(format!(
                "{}: read what was written through each router into shard {number}, and nothing of another shard",
                seat.name
            ));
        }
    }
    Ok(evidence)
}

async fn holds(
    address: SocketAddr,
    collection: &str,
    shard: i32,
    routers: &[Seat],
) -> Result<(), String> {
    for router in routers {
        let name = router.name.as_str();
        if count(address, collection, doc! { SHARD: shard, "router": name }).await? == 0 {
            return Err(format!("the write through {name} has not arrived"));
        }
    }
    match count(address, collection, doc! { SHARD: { "$ne": shard } }).await? {
        0 => Ok(()),
        others => Err(format!("it holds {others} writes of another shard")),
    }
}

async fn count(address: SocketAddr, collection: &str, query: Document) -> Result<i64, String> {
    let count = doc! {
        "count": collection, "query": query, "$readPreference": { "mode": "nearest" },
    };
    let answer = within(FORM_LIMIT, address, DATABASE, count).await?;
    Ok(number(&answer, "n").unwrap_or(0))
}
