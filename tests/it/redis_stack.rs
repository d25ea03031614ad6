//! A Redis stack with its sentinels on the real engine, through a failover and back.

use std::time::Duration;

use drdrill::{
    history::Outcome,
    id::{LaneId, NodeName},
    record::{Milestone, Role, Stack, What},
    runtime::{Runtime, Signal},
};

use crate::stack_rig::{SLACK, append, append_in_vain, control, deploy, lane, read, spec};

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn redis_fails_over_and_the_old_primary_comes_back_and_gets_its_role_back() {
    fails_over("redis", "1s").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes of drills on a real engine: make test-long"]
async fn valkey_fails_over_and_the_old_primary_comes_back_and_gets_its_role_back() {
    fails_over("valkey", "3s").await;
}

async fn fails_over(system: &str, down_after: &str) {
    let settings = [("down-after", down_after), ("failover-timeout", "10s")];
    let rig = deploy(system, &spec("sentinel", &settings), None).await;
    let stack = rig.running.stack().clone();
    println!("{} {:#?} {:#?}", stack.server, stack.ready, stack.bounds[0]);
    let r1 = NodeName::new("r1");
    assert_eq!(rig.running.primary().await, Ok(r1.clone()));
    assert!(rig.running.redundancy().await.whole);
    assert_eq!(stack.connection_limit, Some(10_000));

    let writer = lane(0, None);
    let mut client = rig.running.client(&writer);
    for seq in 0..50 {
        let reply = append(client.as_mut(), &writer, seq).await;
        assert_eq!(
            (reply.outcome, reply.node),
            (Outcome::Ok, Some(0)),
            "{reply:?}"
        );
    }
    assert_eq!(read(client.as_mut(), &writer).await.version, Some(50));
    let pinned = lane(9, Some("r2"));
    let refused = append(rig.running.client(&pinned).as_mut(), &pinned, 0).await;
    assert_eq!(
        (refused.outcome, refused.error.as_deref()),
        (Outcome::Fail, Some("read-only"))
    );

    rig.runtime.signal(&r1, Signal::Kill).await.unwrap();
    let ride = rig.ride(&writer, 50, Duration::from_secs(20)).await;
    assert!(ride.acknowledged.len() >= 20, "no recovery");
    within(&stack, "kill primary", ride.outage);
    let new = rig.running.primary().await.expect("a new primary");
    assert_ne!(new, r1);
    assert!(!rig.running.redundancy().await.whole);

    rig.running.bring_back(&r1).await.unwrap();
    rig.whole(Duration::from_secs(60)).await;
    assert_eq!(rig.running.view(&r1).await.role, Role::Replica);

    let before = std::time::Instant::now();
    let planned = rig.running.planned_move().expect("planned moves");
    let (moved, moving) = tokio::join!(
        planned.switchover(Some(&r1)),
        rig.ride(&writer, ride.next, Duration::from_secs(25))
    );
    assert_eq!(moved, Ok(r1.clone()), "after {:?}", before.elapsed());
    println!("moved back within {:?}", before.elapsed());
    rig.whole(Duration::from_secs(60)).await;
    println!(
        "{:#?}",
        rig.converged(Duration::from_secs(30)).await.evidence
    );

    let finals = rig.equal_finals(&["r1", "r2", "r3"]).await;
    let lost: Vec<u64> = moving
        .acknowledged
        .into_iter()
        .filter(|seq| !finals.has(LaneId(0), *seq))
        .collect();
    assert_eq!(
        lost,
        [] as [u64; 0],
        "a planned move must not lose anything"
    );
    assert_eq!(
        (finals.alien, finals.corrupt.len(), finals.repeated.len()),
        (0, 0, 0)
    );

    let events = rig.down().await;
    println!("{}", control(&events).join("\n"));
    let milestone = |wanted| {
        events
            .iter()
            .any(|event| matches!(&event.what, What::Control(c) if c.milestone == Some(wanted)))
    };
    assert!(milestone(Milestone::Declared) && milestone(Milestone::Routed));
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn a_redis_primary_that_was_frozen_becomes_a_replica_once_it_wakes_up() {
    let settings = [("down-after", "2s"), ("failover-timeout", "10s")];
    let rig = deploy("redis", &spec("sentinel", &settings), None).await;
    let stack = rig.running.stack().clone();
    let r1 = NodeName::new("r1");
    let (writer, pinned) = (lane(0, None), lane(9, Some("r1")));
    let first = append(rig.running.client(&writer).as_mut(), &writer, 0).await;
    assert_eq!(first.outcome, Outcome::Ok);

    rig.runtime.pause(&r1).await.unwrap();
    let frozen = append_in_vain(rig.running.client(&pinned).as_mut(), &pinned, 0).await;
    assert_eq!(
        (frozen.outcome, frozen.error.as_deref()),
        (Outcome::Info, Some("timeout"))
    );
    let ride = rig.ride(&writer, 1, Duration::from_secs(20)).await;
    assert!(ride.acknowledged.len() >= 20, "no recovery");
    within(&stack, "pause primary", ride.outage);

    rig.runtime.unpause(&r1).await.unwrap();
    let awake = append(rig.running.client(&pinned).as_mut(), &pinned, 1).await;
    println!("the old primary on waking up: {awake:?}");
    rig.whole(Duration::from_secs(60)).await;
    let fenced = append(rig.running.client(&pinned).as_mut(), &pinned, 2).await;
    assert_eq!(
        (fenced.outcome, fenced.error.as_deref()),
        (Outcome::Fail, Some("read-only"))
    );
    rig.converged(Duration::from_secs(30)).await;
    rig.equal_finals(&["r1", "r2", "r3"]).await;
    rig.down().await;
}

/// The outage of one lane lies within what was predicted.
fn within(stack: &Stack, fault: &str, outage: Duration) {
    let bound = stack.bounds.iter().find(|bound| bound.fault == fault);
    let bound = bound.expect("a bound");
    let high = bound.rto.high().expect("an upper bound");
    assert!(
        bound.rto.low() <= outage && outage <= high + SLACK,
        "{outage:?} outside of {:?} to {high:?}: {}",
        bound.rto.low(),
        bound.basis
    );
}
