//! Brings a replica set up: all members at once, then the first one initiates the set and stands for election.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use futures_util::future::try_join_all;
use mongodb::bson::{Document, doc};
use tokio::time::timeout;

use crate::{
    record::{Member, MemberKind},
    runtime::{NodeFile, NodeSpec, Runtime},
    system::{
        Deploy, Design, SystemError,
        reserve::reserve,
        roster::{Roster, Seat},
        settings::Values,
        started::{listening, not_ready},
        wait::until,
    },
};

use super::{
    concern::Concern,
    delayed,
    design::DR_MEMBERS,
    ready,
    running::MongoStack,
    set::ReplicaSet,
    wire::{ask, hello, number},
};

/// The replica set's name.
pub const SET: &str = "drdrill";

/// Where members listen.
pub const PORT: u16 = 27017;

/// The longest wait for a started member to answer; one that ends says so earlier.
const LISTEN_LIMIT: Duration = Duration::from_secs(30);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_secs(2);

/// The longest wait for a new configuration, which a majority must have heard of by its heartbeats (2 s by default).
const CONFIGURE_LIMIT: Duration = Duration::from_secs(20);

/// The longest wait for the first election.
const ELECT_LIMIT: Duration = Duration::from_secs(30);

/// How often the first member is asked to stand for election.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// The script that starts a member, and its place in the node.
const START: &str = include_str!("files/start.sh");
const START_PATH: &str = "/drdrill/start.sh";

/// How sure a member is to have enough memory: each connection has a thread, and clients connect again and again while a
/// majority is missing.
pub const MEMORY_MIB: u32 = 1024;

/// A small cache and log of operations: a drill writes a few megabytes. The server's own recordings of itself would only
/// take time from it.
const ARGUMENTS: &str = "--wiredTigerCacheSizeGB 0.25 --oplogSize 256 --setParameter diagnosticDataCollectionEnabled=false";

/// Deploys the design and returns once replication is proven flowing.
pub async fn deploy(design: &Design, deploy: Deploy) -> Result<MongoStack, SystemError> {
    let values = Values::of(design);
    let concern = Concern::of(values)?;
    let members = reserve(design, &deploy, |_| PORT).await?;
    let roster = Roster::new(&members)?;
    let specs: Vec<NodeSpec> = members
        .iter()
        .map(|member| {
            let more = match member.kind {
                MemberKind::Store => delayed::ARGUMENTS,
                _ => "",
            };
            spec(member, &deploy, mongod(SET, more))
        })
        .collect();
    try_join_all(specs.iter().map(|spec| deploy.runtime.create(spec))).await?;
    deploy.emitter.note("starting the members");
    let store = roster.of(MemberKind::Store).next().cloned();
    try_join_all(roster.data().chain(&store).map(|seat| start(&deploy, seat))).await?;
    deploy.emitter.note("initiating the replica set");
    let set = ReplicaSet::new(SET, roster.data().cloned().collect());
    let mut configuration = configuration(&set, values)?;
    if let Some(store) = &store {
        delayed::join(&mut configuration, store, values)?;
    }
    elect(&deploy, &set, &configuration).await?;
    let first = set.first()?;
    let (primary, address) = (first.name.clone(), first.address);
    let mut stack = MongoStack::new(members, roster, set, primary, deploy.runtime, concern);
    stack.some_vote = values.count(DR_MEMBERS)? > 0;
    if store.is_some() {
        stack.store = delayed::Store::of(&stack, values)?;
    }
    ready::replication_flows(&stack).await?;
    if let Some(store) = &stack.store {
        store.prove().await?;
    }
    allow_chaining(address).await?;
    ready::prove(&mut stack).await?;
    Ok(stack)
}

/// The environment of a member of a set, with further arguments.
pub fn mongod(set: &str, more: &str) -> Vec<(String, String)> {
    let arguments = format!("{ARGUMENTS} {more}");
    vec![
        ("DRDRILL_SET".into(), set.into()),
        ("DRDRILL_ARGS".into(), arguments.trim_end().into()),
    ]
}

/// The node of a member whose environment says what it starts.
pub fn spec(member: &Member, deploy: &Deploy, env: Vec<(String, String)>) -> NodeSpec {
    let image = deploy.images.get(&member.image).unwrap_or(&member.image);
    NodeSpec {
        name: member.name.clone(),
        image: image.clone(),
        entrypoint: vec!["/bin/sh".into(), START_PATH.into()],
        command: Vec::new(),
        env,
        files: vec![NodeFile {
            path: PathBuf::from(START_PATH),
            mode: 0o755,
            bytes: START.into(),
        }],
        memory_mib: MEMORY_MIB,
        sidecar: true,
        beside: None,
    }
}

/// Starts a created node and waits for its first answer.
pub async fn start(deploy: &Deploy, seat: &Seat) -> Result<(), SystemError> {
    started(&*deploy.runtime, seat, LISTEN_LIMIT).await
}

/// Starts a node and waits so long for its first answer.
pub async fn started(
    runtime: &dyn Runtime,
    seat: &Seat,
    limit: Duration,
) -> Result<(), SystemError> {
    runtime.start(&seat.name).await?;
    let address = seat.address;
    let greet = || async move { command(address, hello()).await.map(drop) };
    listening(runtime, &seat.name, limit, greet).await
}

/// One command to the administration's database, with a deadline and words for an error.
pub async fn command(address: SocketAddr, command: Document) -> Result<Document, String> {
    within(ASK_LIMIT, address, "admin", command).await
}

/// One command to a database, with a deadline and words for an error.
pub async fn within(
    limit: Duration,
    address: SocketAddr,
    database: &str,
    command: Document,
) -> Result<Document, String> {
    match timeout(limit, ask(address, database, command)).await {
        Ok(answer) => answer.map_err(|failure| failure.to_string()),
        Err(_) => Err(format!("no answer within {limit:?}")),
    }
}

/// Members that are empty yet must not copy from each other: one that finds the other's log too short does not copy from
/// it for a minute, and if the primary fails within it, no majority has any write. Once all have copied they may, as is
/// the default.
pub async fn allow_chaining(primary: SocketAddr) -> Result<(), SystemError> {
    let refused = |words: String| {
        SystemError::Refused(format!(
            "failed to let members copy from each other: {words}"
        ))
    };
    let answer = command(primary, doc! { "replSetGetConfig": 1 })
        .await
        .map_err(refused)?;
    let unreadable = |error: mongodb::bson::error::Error| refused(error.to_string());
    let mut configuration = answer.get_document("config").map_err(unreadable)?.clone();
    let version = number(&configuration, "version").unwrap_or(0);
    configuration.insert("version", version + 1);
    let settings = configuration
        .get_document_mut("settings")
        .map_err(unreadable)?;
    settings.insert("chainingAllowed", true);
    let reconfigure = doc! { "replSetReconfig": configuration };
    within(CONFIGURE_LIMIT, primary, "admin", reconfigure)
        .await
        .map(drop)
        .map_err(refused)
}

/// A set's configuration; the last members have no vote where the scenario says so. A member that hangs counts as unreachable after the election timeout, in whole seconds.
pub fn configuration(set: &ReplicaSet, values: Values<'_>) -> Result<Document, SystemError> {
    let milliseconds = |name| {
        let duration = values.duration(name)?;
        Ok::<_, SystemError>(i32::try_from(duration.as_millis()).unwrap_or(i32::MAX))
    };
    let election = milliseconds("election-timeout")?;
    let dr = usize::try_from(values.count(DR_MEMBERS)?).unwrap_or(usize::MAX);
    let voting = set.seats.len().saturating_sub(dr);
    let member = |(place, seat): (usize, &Seat)| {
        let id = i32::try_from(place).unwrap_or(i32::MAX);
        let mut member = doc! { "_id": id, "host": seat.address.to_string() };
        if place >= voting {
            member.extend(doc! { "priority": 0, "votes": 0 });
        }
        member
    };
    let members: Vec<Document> = set.seats.iter().enumerate().map(member).collect();
    Ok(doc! {
        "_id": &set.name,
        "members": members,
        "settings": {
            "chainingAllowed": false,
            "electionTimeoutMillis": election,
            "heartbeatIntervalMillis": milliseconds("heartbeat-interval")?,
            "heartbeatTimeoutSecs": (election / 1000 + i32::from(election % 1000 > 0)).max(1),
        },
    })
}

/// Left alone the set would wait an election timeout; the first member is asked to stand at once, until it is primary.
pub async fn elect(
    deploy: &Deploy,
    set: &ReplicaSet,
    configuration: &Document,
) -> Result<(), SystemError> {
    let first = set.first()?;
    let address = first.address;
    let initiated = command(address, doc! { "replSetInitiate": configuration.clone() }).await;
    initiated.map_err(|words| {
        SystemError::Refused(format!(
            "`{}` refused to initiate the set: {words}",
            first.name
        ))
    })?;
    let stand = || async move {
        let said = command(address, hello()).await?;
        if said.get_bool("isWritablePrimary").unwrap_or(false) {
            return Ok(());
        }
        command(address, doc! { "replSetStepUp": 1 }).await?;
        Err("elected, and not writable yet".to_owned())
    };
    match until(ELECT_LIMIT, ASK_EVERY, stand).await {
        Ok(()) => Ok(()),
        Err(reason) => {
            Err(not_ready(&*deploy.runtime, &first.name, "the first election", reason).await)
        }
    }
}
