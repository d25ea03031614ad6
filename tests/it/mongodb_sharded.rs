//! A sharded cluster as far as it can be had without a router: its shards and config servers, and the refusal of an image
//! that has no mongos.

use std::{sync::Arc, time::Duration};

use drdrill::{
    history::{Lane, Outcome},
    id::{LaneId, NodeName},
    record::{Role, Source, What},
    runtime::{Runtime, Signal},
    system::{
        Running, System,
        mongodb::{
            Elements, MongoDb, ReplicaSet,
            sharded::{self, Routers, ShardedStack},
        },
    },
};
use mongodb::{
    Client as Driver,
    bson::{Document, doc},
    options::ClientOptions,
};

use crate::{
    adapter_rig::PATIENT,
    drill_rig::Drill,
    stack_rig::{StackRig, append, control, lane, raise, read, spec},
};

/// How long an elected member may take until it takes writes; two members that are milliseconds apart need less than one second.
const DRAINED: Duration = Duration::from_secs(5);

/// How long an election may take: its timeout is 2 s.
const ELECTED: Duration = Duration::from_secs(15);

async fn driver(address: std::net::SocketAddr) -> Driver {
    let uri = format!("mongodb://{address}/?directConnection=true");
    let options = ClientOptions::parse(uri).await.expect("options");
    Driver::with_options(options).expect("a driver")
}

/// The shards and the config servers of the usual design, each set with a primary.
async fn shards() -> (StackRig, Arc<ShardedStack>) {
    let settings = [("election-timeout", "2s"), ("heartbeat-interval", "500ms")];
    let design = MongoDb.design(&spec("sharded", &settings), None);
    let design = design.expect("a design");
    let mut kept = None;
    let rig = raise(&design, async |deploy| {
        let stack = Arc::new(sharded::raise(&design, &deploy).await?);
        kept = Some(stack.clone());
        Ok(stack as Arc<dyn Running>)
    });
    let rig = rig.await;
    (rig, kept.expect("a stack"))
}

/// Everything of the record that is not a router's is well.
async fn whole_but_for_routers(rig: &StackRig) -> Vec<String> {
    let found = rig.running.redundancy().await;
    assert!(!found.whole, "no router stands: {:#?}", found.evidence);
    let rest = found.evidence.into_iter();
    rest.filter(|text| !text.starts_with("router")).collect()
}

/// A write that a shard's member takes by itself.
async fn pinned(rig: &StackRig, node: &str, shard: u16) -> (Outcome, Option<String>) {
    let lane = Lane {
        shard: Some(shard),
        timeout: PATIENT,
        ..lane(9, Some(node))
    };
    let reply = append(rig.running.client(&lane).as_mut(), &lane, 0).await;
    (reply.outcome, reply.error)
}

/// Waits until another member of the set is primary.
async fn elected(set: &ReplicaSet, old: &NodeName) -> (NodeName, Duration) {
    let before = std::time::Instant::now();
    loop {
        match set.primary().await {
            Ok(new) if new != *old => return (new, before.elapsed()),
            _ if before.elapsed() > ELECTED => panic!("{}: nobody was elected", set.name),
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Waits until an elected member takes writes: it says `PRIMARY` in `replSetGetStatus` somewhat before, while it still
/// applies what it has of its predecessor, and refuses every write until then.
async fn takes_writes(rig: &StackRig, node: &NodeName, shard: u16) {
    let before = std::time::Instant::now();
    loop {
        match pinned(rig, node.as_str(), shard).await {
            (Outcome::Ok, None) => break,
            told => assert_eq!(told, (Outcome::Fail, Some("not primary".into()))),
        }
        assert!(before.elapsed() < DRAINED, "{node} takes no writes");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("{node} takes writes {:?} later", before.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn mongodb_shards_and_config_servers_stand_and_fail_over_each_for_itself() {
    let (rig, stack) = shards().await;
    let told = rig.running.stack().clone();
    println!("{} {:#?} {:#?}", told.server, told.ready, told.effective);
    assert_eq!(told.ready.len(), 9);
    let election = told
        .effective
        .iter()
        .find(|it| it.name == "electionTimeoutMillis");
    let election = election.expect("it was read back");
    assert_eq!(election.value, "2000 ms");
    assert_eq!(election.source, "all 9 members: replSetGetConfig");
    assert!(
        told.bounds
            .iter()
            .any(|bound| bound.fault == "kill primary")
    );

    let [m1, m4, config1] = ["m1", "m4", "config1"].map(NodeName::new);
    assert_eq!(
        rig.running.primaries().await,
        Ok(vec![m1.clone(), m4.clone()])
    );
    assert!(rig.running.primary().await.is_err(), "there are two shards");
    let plane = rig.running.control_plane().expect("config servers");
    assert_eq!(plane.leader_host().await, Ok("config1".into()));
    assert_eq!(whole_but_for_routers(&rig).await.len(), 9);
    refused_without_a_router(&rig, &stack).await;

    let well = (Outcome::Ok, None);
    assert_eq!(pinned(&rig, "m1", 1).await, well);
    assert_eq!(pinned(&rig, "m4", 2).await, well);
    let secondary = (Outcome::Fail, Some("not primary".into()));
    assert_eq!(pinned(&rig, "m5", 2).await, secondary);
    finals_are_of_every_shard(&rig, &stack).await;

    rig.runtime.signal(&m1, Signal::Kill).await.unwrap();
    let (new, after) = elected(&stack.shards[0], &m1).await;
    println!("shard 1: {new} instead of {m1} after {after:?}");
    assert_eq!(
        rig.running.primaries().await,
        Ok(vec![new.clone(), m4.clone()])
    );
    takes_writes(&rig, &new, 1).await;
    assert_eq!(pinned(&rig, "m4", 2).await, well);
    assert_eq!(rig.running.view(&m1).await.role, Role::Unreachable);
    assert!(whole_but_for_routers(&rig).await[0].contains("m1: does not answer"));

    rig.runtime.signal(&config1, Signal::Kill).await.unwrap();
    let (leader, after) = elected(&stack.config, &config1).await;
    println!("config servers: {leader} instead of {config1} after {after:?}");
    assert_eq!(plane.leader_host().await, Ok(leader.to_string()));
    assert_eq!(rig.running.primaries().await, Ok(vec![new, m4]));

    rig.running.bring_back(&m1).await.unwrap();
    rig.running.bring_back(&config1).await.unwrap();
    rig.converged(Duration::from_secs(30)).await;
    assert_eq!(rig.running.view(&m1).await.role, Role::Replica);
    assert!(rig.running.keepsakes().await.is_empty());
    let events = rig.down().await;
    println!("{}", control(&events).join("\n"));
    let became = |event: &drdrill::record::Event| matches!(&event.what, What::Control(it) if it.text.starts_with("PRIMARY in term 2"));
    assert!(events.iter().any(became));
}

/// No router stands, and a member is none: clients have a certain failure, within their deadline.
async fn refused_without_a_router(rig: &StackRig, stack: &ShardedStack) {
    let member = stack.shards[0].seats[0].address;
    let failure = Routers::new(vec![member], 0).connect().await;
    assert_eq!(
        failure.unwrap_err().to_string(),
        "unreadable answer: no router"
    );
    let writer = Lane {
        shard: Some(1),
        ..lane(0, None)
    };
    let mut client = rig.running.client(&writer);
    let reply = append(client.as_mut(), &writer, 0).await;
    assert_eq!(reply.outcome, Outcome::Fail, "{reply:?}");
    assert_eq!(read(client.as_mut(), &writer).await.outcome, Outcome::Fail);
}

/// Documents put where a router would put them are read of every shard together, and of each member by itself.
async fn finals_are_of_every_shard(rig: &StackRig, stack: &ShardedStack) {
    let appends = format!("appends-{}", stack.elements().run());
    for (shard, set) in (1..).zip(&stack.shards) {
        let driver = driver(set.seats[0].address).await;
        let collection = driver.database("drdrill").collection::<Document>(&appends);
        let own = stack.elements().in_shard(Some(shard));
        let documents = (0..7).map(|seq| own.append(LaneId(shard - 1), seq));
        collection.insert_many(documents).await.unwrap();
    }
    rig.converged(Duration::from_secs(10)).await;
    let read = async |source: Source| rig.running.final_read(&source).await.expect("a read");
    let all = read(Source::Authority { pass: 1 }).await;
    assert_eq!((all.len(), all.alien, all.corrupt.len()), (14, 0, 0));
    assert!(all.has(LaneId(0), 6) && all.has(LaneId(1), 6));
    let node = NodeName::new("m5");
    let member = read(Source::After { node }).await;
    assert!(member.has(LaneId(1), 6) && !member.has(LaneId(0), 6));
}

/// The very commands that routers are asked for, but passed on as a router does it, to the config servers and to the
/// first shard: every zone's documents come to lie in their shard.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn mongodb_config_servers_take_the_shards_and_place_each_zone_in_its_own() {
    let (rig, stack) = shards().await;
    let config = driver(stack.config.seats[0].address).await;
    let first = driver(stack.shards[0].seats[0].address).await;
    let elements: &Elements = stack.elements();
    let commands = sharded::members(&stack.shards)
        .into_iter()
        .chain(sharded::collections(&stack.shards, elements));
    let mut version = doc! {};
    for command in commands {
        let (server, database, passed) = passed_on(&command, &version);
        let server = if server == "config" { &config } else { &first };
        let said = server.database(database).run_command(passed.clone()).await;
        println!("{passed}: {said:?}");
        if let Ok(made) = said.unwrap().get_document("databaseVersion") {
            version = made.clone();
        }
    }
    let known = config.database("config");
    let find = async |collection: &str, query: Document| {
        let found = known
            .collection::<Document>(collection)
            .find_one(query.clone())
            .await;
        let found = found.unwrap();
        found.unwrap_or_else(|| panic!("no {query} in {collection}"))
    };
    for set in &stack.shards {
        let shard = find("shards", doc! { "_id": &set.name }).await;
        assert!(shard.get_str("host").unwrap().starts_with(&set.name));
        assert_eq!(shard.get_array("tags").unwrap().len(), 1);
    }
    for collection in ["appends", "pins", "ready"] {
        let namespace = format!("drdrill.{collection}-{}", elements.run());
        let spread = find("collections", doc! { "_id": namespace }).await;
        for (number, set) in (1..).zip(&stack.shards) {
            let (min, max) = sharded::range(number);
            let uuid = spread.get("uuid").unwrap().clone();
            let chunk = find("chunks", doc! { "uuid": uuid, "min": min, "max": max }).await;
            assert_eq!(
                chunk.get_str("shard").unwrap(),
                set.name,
                "{collection}: {number}"
            );
        }
    }
    // Members of a cluster are still asked and written to directly.
    assert_eq!(pinned(&rig, "m1", 1).await, (Outcome::Ok, None));
    assert_eq!(pinned(&rig, "m4", 2).await, (Outcome::Ok, None));
    finals_are_of_every_shard(&rig, &stack).await;
    assert_eq!(whole_but_for_routers(&rig).await.len(), 9);
    rig.down().await;
}

/// What a router makes of a command: for the config servers or for the first shard, and in which database.
fn passed_on(command: &Document, version: &Document) -> (&'static str, &'static str, Document) {
    let majority = doc! { "w": "majority" };
    let text = |key: &str| command.get_str(key).unwrap_or_default().to_owned();
    let name = command.keys().next().expect("a command").as_str();
    let name = match name {
        "balancerStop" => return ("config", "admin", doc! { "_configsvrBalancerStop": 1 }),
        "enableSharding" => {
            let passed = doc! {
                "_configsvrCreateDatabase": text("enableSharding"),
                "primaryShardId": text("primaryShard"), "writeConcern": majority,
            };
            return ("config", "admin", passed);
        }
        "shardCollection" => {
            let namespace = text("shardCollection");
            let collection = namespace.strip_prefix("drdrill.").expect("our database");
            let passed = doc! {
                "_shardsvrCreateCollection": collection, "databaseVersion": version.clone(),
                "shardKey": command.get_document("key").unwrap().clone(), "writeConcern": majority,
            };
            return ("first shard", "drdrill", passed);
        }
        "addShard" => "_configsvrAddShard",
        "addShardToZone" => "_configsvrAddShardToZone",
        "updateZoneKeyRange" => "_configsvrUpdateZoneKeyRange",
        other => panic!("{other} is passed on to nobody"),
    };
    let value = command.values().next().expect("a value").clone();
    let mut passed = doc! { name: value, "writeConcern": majority };
    passed.extend(command.clone().into_iter().skip(1));
    ("config", "admin", passed)
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
fn a_sharded_drill_is_refused_where_the_image_has_no_mongos_and_is_not_green() {
    for name in ["primary", "config", "router"] {
        let done = Drill::shipped(&format!("mongodb/sharded-{name}-kill.yaml"))
            .set("stack.mongodb.image", "mongo:6.0.5")
            .run();
        assert_eq!(done.exit, 5, "{}", done.talk);
        let lines = done.talk.lines();
        let said: Vec<&str> = lines
            .filter(|line| line.contains("it has no mongos"))
            .collect();
        assert!(
            said.iter()
                .any(|line| line.contains("docker pull mongo:6.0.5")),
            "{}",
            done.talk
        );
        assert_eq!(done.result["verdict"], "inconclusive");
        assert!(done.result["system"].is_null());
    }
}
