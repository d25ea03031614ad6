//! PostgreSQL stacks on the real engine, through a failover, back, and a planned move.

use std::time::{Duration, Instant};

use drdrill::{
    history::Outcome,
    id::{LaneId, NodeName, RunId},
    record::{Milestone, Role, What},
    runtime::{Runtime, Signal},
    scenario::AppClients,
};

use crate::stack_rig::{Ride, StackRig, append, control, deploy, lane, read, spec};

const NODES: [&str; 3] = ["pg1", "pg2", "pg3"];

async fn prepared(topology: &str, settings: &[(&str, &str)]) -> StackRig {
    let rig = deploy("postgres", &spec(topology, settings), None).await;
    let stack = rig.running.stack().clone();
    println!("{} {:#?}", stack.server, stack.ready);
    for setting in &stack.effective {
        println!("{} = {} ({})", setting.name, setting.value, setting.source);
    }
    println!("{:#?}", stack.bounds[0]);
    assert_eq!(stack.connection_limit, Some(500));
    let run = RunId::new("20261121t081500", 7);
    rig.running.prepare(&run, &[]).await.unwrap();
    assert!(rig.running.redundancy().await.whole);
    rig
}

/// Fifty appends, a read of them, a refused probe of a replica, and an application's append.
async fn baseline(rig: &StackRig, primary: &NodeName) -> u64 {
    let writer = lane(0, None);
    let mut client = rig.running.client(&writer);
    let members = &rig.running.stack().members;
    let index = members
        .iter()
        .position(|member| member.name == *primary)
        .unwrap();
    for seq in 0..50 {
        let reply = append(client.as_mut(), &writer, seq).await;
        let node = reply.node.map(usize::from);
        assert_eq!(
            (reply.outcome, node),
            (Outcome::Ok, Some(index)),
            "{reply:?}"
        );
    }
    assert_eq!(read(client.as_mut(), &writer).await.version, Some(50));
    let replica = NODES
        .into_iter()
        .find(|name| *name != primary.as_str())
        .unwrap();
    let pinned = lane(9, Some(replica));
    let refused = append(rig.running.client(&pinned).as_mut(), &pinned, 0).await;
    assert_eq!(
        (refused.outcome, refused.error.as_deref()),
        (Outcome::Fail, Some("read-only"))
    );
    let app = lane(8, None);
    let mut client = rig.running.app_client(&app, &AppClients::default());
    let reply = append(client.as_mut(), &app, 0).await;
    assert_eq!(
        (reply.outcome, reply.node.map(usize::from)),
        (Outcome::Ok, Some(index))
    );
    50
}

/// Equal everywhere, nothing foreign, corrupt or twice, and what was acknowledged in these rides is there.
async fn finals(rig: &StackRig, rides: &[Ride]) {
    println!(
        "{:#?}",
        rig.converged(Duration::from_secs(20)).await.evidence
    );
    let finals = rig.equal_finals(&NODES).await;
    assert_eq!(
        (finals.alien, finals.corrupt.len(), finals.repeated.len()),
        (0, 0, 0)
    );
    let acknowledged = rides.iter().flat_map(|ride| &ride.acknowledged);
    let lost: Vec<&u64> = acknowledged
        .filter(|seq| !finals.has(LaneId(0), **seq))
        .collect();
    assert_eq!(lost, [] as [&u64; 0]);
}

/// A checkpoint that begins in one file of the log and is recorded in the next, as two copies at once may cause:
/// pg_rewind keeps the second alone, and a new primary throws the first away.
async fn checkpoint_across_segments(rig: &StackRig, primary: &NodeName) {
    sql(rig, primary, "CHECKPOINT").await;
    sql(
        rig,
        primary,
        "CREATE TABLE something_to_write (id int PRIMARY KEY)",
    )
    .await;
    let switch = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        sql(rig, primary, "SELECT pg_switch_wal()").await;
    };
    tokio::join!(
        sql(rig, primary, "SELECT pg_backup_start('slowly', false)"),
        switch
    );
}

async fn sql(rig: &StackRig, node: &NodeName, statement: &str) {
    let argv = ["psql", "-U", "postgres", "-qAtc", statement];
    let limit = Duration::from_secs(30);
    let said = rig.runtime.exec(node, &argv, limit).await.unwrap();
    assert_eq!(said.code, 0, "{said:?}");
}

async fn streaming(synchronous: &str) {
    let rig = prepared("streaming", &[("synchronous", synchronous)]).await;
    let pg1 = NodeName::new("pg1");
    assert_eq!(rig.running.primary().await, Ok(pg1.clone()));
    let first = baseline(&rig, &pg1).await;
    if synchronous == "off" {
        checkpoint_across_segments(&rig, &pg1).await;
    }

    let writer = lane(0, None);
    let runbook = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        rig.runtime.signal(&pg1, Signal::Kill).await.unwrap();
        let before = Instant::now();
        let promote = rig.running.promote().expect("a promotion by hand");
        let new = promote.best_candidate().await.unwrap();
        promote.promote(&new).await.unwrap();
        promote.repoint(&new).await.unwrap();
        promote.refollow(&new).await.unwrap();
        println!("promoted by hand in {:?}", before.elapsed());
        new
    };
    let (new, ride) = tokio::join!(runbook, rig.ride(&writer, first, Duration::from_secs(20)));
    assert_ne!(new, pg1);
    assert!(ride.acknowledged.len() >= 20, "no recovery");
    assert_eq!(rig.running.primary().await, Ok(new.clone()));
    assert!(!rig.running.redundancy().await.whole);
    rig.running.bring_back(&pg1).await.unwrap();
    rig.whole(Duration::from_secs(60)).await;
    assert_eq!(rig.running.view(&pg1).await.role, Role::Replica);
    assert_eq!(rig.running.view(&pg1).await.follows, Some(new.to_string()));

    // A replica that is killed follows the same primary again without being rewound.
    let other = NodeName::new(
        NODES
            .into_iter()
            .find(|n| *n != "pg1" && *n != new.as_str())
            .unwrap(),
    );
    rig.runtime.signal(&other, Signal::Kill).await.unwrap();
    rig.running.bring_back(&other).await.unwrap();
    rig.whole(Duration::from_secs(60)).await;

    let before = Instant::now();
    let planned = rig.running.planned_move().expect("planned moves");
    let (moved, moving) = tokio::join!(
        planned.switchover(Some(&pg1)),
        rig.ride(&writer, ride.next, Duration::from_secs(20))
    );
    println!("planned move {:?}", before.elapsed());
    assert_eq!(moved, Ok(pg1.clone()));
    rig.whole(Duration::from_secs(60)).await;
    let sure = if synchronous == "off" {
        vec![moving]
    } else {
        vec![ride, moving]
    };
    finals(&rig, &sure).await;
    let events = rig.down().await;
    println!("{}", control(&events).join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn postgres_streaming_fails_over_by_runbook_and_moves_back() {
    streaming("off").await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn postgres_synchronous_streaming_loses_nothing_that_was_acknowledged() {
    streaming("remote-apply").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes of drills on a real engine: make test-long"]
async fn postgres_patroni_fails_over_by_itself_and_switches_back() {
    let rig = prepared("patroni", &[]).await;
    let old = rig.running.primary().await.unwrap();
    assert_eq!(rig.running.stack().primary, old);
    let first = baseline(&rig, &old).await;

    let plane = rig.running.control_plane().expect("a control plane");
    let host = |node: &NodeName| {
        let members = &rig.running.stack().members;
        members
            .iter()
            .find(|member| member.name == *node)
            .unwrap()
            .host
            .clone()
    };
    let other = ["h1", "h2", "h3"]
        .into_iter()
        .find(|name| *name != host(&old))
        .unwrap();
    plane.move_leader(other).await.unwrap();
    assert_eq!(plane.leader_host().await.as_deref(), Ok(other));

    let writer = lane(0, None);
    let members = rig.running.stack().members.clone();
    let machine: Vec<NodeName> = members
        .into_iter()
        .filter(|member| member.host == host(&old))
        .map(|member| member.name)
        .collect();
    assert_eq!(machine.len(), 2);
    for node in &machine {
        rig.runtime.signal(node, Signal::Kill).await.unwrap();
    }
    let ride = rig.ride(&writer, first, Duration::from_secs(60)).await;
    assert!(ride.acknowledged.len() >= 20, "no recovery");
    let new = rig.running.primary().await.unwrap();
    assert_ne!(new, old);
    let bound = rig.running.stack().bounds[0].rto;
    assert!(
        ride.outage >= bound.low(),
        "{:?} is below {:?}",
        ride.outage,
        bound
    );

    for node in &machine {
        rig.running.bring_back(node).await.unwrap();
    }
    rig.whole(Duration::from_secs(60)).await;
    assert_eq!(rig.running.view(&old).await.role, Role::Replica);

    let before = Instant::now();
    let planned = rig.running.planned_move().expect("planned moves");
    let (moved, moving) = tokio::join!(
        planned.switchover(Some(&old)),
        rig.ride(&writer, ride.next, Duration::from_secs(30))
    );
    println!("planned move {:?}", before.elapsed());
    assert_eq!(moved, Ok(old));
    rig.whole(Duration::from_secs(60)).await;
    finals(&rig, &[moving]).await;
    let events = rig.down().await;
    println!("{}", control(&events).join("\n"));
    let milestone = |wanted| {
        events
            .iter()
            .any(|event| matches!(&event.what, What::Control(c) if c.milestone == Some(wanted)))
    };
    assert!(milestone(Milestone::Declared) && milestone(Milestone::Routed));
}
