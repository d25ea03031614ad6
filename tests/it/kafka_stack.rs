//! A Kafka cluster on the real engine, through the loss of its leader and back.

use std::time::Duration;

use drdrill::{
    history::Outcome,
    id::{LaneId, NodeName},
    record::{Milestone, Role, Source, What},
    runtime::{Runtime, Signal},
};

use crate::stack_rig::{SLACK, append, control, deploy, lane, read, spec};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes of drills on a real engine: make test-long"]
async fn kafka_elects_another_leader_and_loses_nothing_that_all_replicas_had() {
    let settings = [("session-timeout", "2s"), ("heartbeat-interval", "400ms")];
    let rig = deploy("kafka", &spec("kraft", &settings), None).await;
    let stack = rig.running.stack().clone();
    println!("{} {:#?} {:#?}", stack.server, stack.ready, stack.bounds[0]);
    let old = rig.running.primary().await.expect("a leader");
    assert_eq!(old, stack.primary);
    assert!(
        stack.server.starts_with("Apache Kafka 4."),
        "{}",
        stack.server
    );
    rig.whole(Duration::from_secs(60)).await;

    let writer = lane(0, None);
    let mut client = rig.running.client(&writer);
    let own = stack.members.iter().position(|member| member.name == old);
    for seq in 0..50 {
        let reply = append(client.as_mut(), &writer, seq).await;
        assert_eq!(reply.outcome, Outcome::Ok, "{reply:?}");
        assert_eq!(reply.node.map(usize::from), own);
    }
    assert_eq!(read(client.as_mut(), &writer).await.version, Some(50));
    let follower = stack.members.iter().find(|member| member.name != old);
    let follower = follower.expect("a follower").name.to_string();
    let pinned = lane(9, Some(&follower));
    let refused = append(rig.running.client(&pinned).as_mut(), &pinned, 0).await;
    assert_eq!(
        (refused.outcome, refused.error.as_deref()),
        (Outcome::Fail, Some("not leader"))
    );

    rig.runtime.signal(&old, Signal::Kill).await.unwrap();
    let ride = rig.ride(&writer, 50, Duration::from_secs(30)).await;
    assert!(ride.acknowledged.len() >= 20, "no recovery");
    let bound = &stack.bounds[0];
    let high = bound.rto.high().expect("an upper bound");
    assert!(
        bound.rto.low() <= ride.outage && ride.outage <= high + SLACK,
        "{:?} outside of {}",
        ride.outage,
        bound.basis
    );
    assert_ne!(rig.running.primary().await, Ok(old.clone()));
    assert!(!rig.running.redundancy().await.whole);

    rig.running.bring_back(&old).await.unwrap();
    rig.whole(Duration::from_secs(60)).await;
    assert_eq!(rig.running.view(&old).await.role, Role::Replica);
    let planned = rig.running.planned_move().expect("planned moves");
    assert_eq!(planned.switchover(Some(&old)).await, Ok(old.clone()));
    rig.whole(Duration::from_secs(60)).await;
    rig.converged(Duration::from_secs(30)).await;
    let finals = rig.equal_finals(&["k1", "k2", "k3"]).await;
    let acknowledged = (0..50).chain(ride.acknowledged);
    let lost: Vec<u64> = acknowledged
        .filter(|seq| !finals.has(LaneId(0), *seq))
        .collect();
    assert_eq!(lost, [] as [u64; 0]);
    assert_eq!(
        (finals.alien, finals.corrupt.len(), finals.repeated.len()),
        (0, 0, 0)
    );
    held_is_what_stands_in_the_log_files(&rig).await;

    let events = rig.down().await;
    println!("{}", control(&events).join("\n"));
    let milestone = |wanted| {
        events
            .iter()
            .any(|event| matches!(&event.what, What::Control(c) if c.milestone == Some(wanted)))
    };
    assert!(milestone(Milestone::Declared) && milestone(Milestone::Routed));
}

/// The answer of a broker to a debugging reader against Kafka's own tool on the files of its log.
async fn held_is_what_stands_in_the_log_files(rig: &crate::stack_rig::StackRig) {
    let node = NodeName::new("k2");
    let source = Source::After { node: node.clone() };
    let held = rig.running.final_read(&source).await.expect("a final read");
    let dump = "java -Xmx128m -cp \"$(printf '%s:' /opt/kafka/libs/*.jar)\" \
        org.apache.kafka.tools.DumpLogSegments --print-data-log \
        --files \"$(echo /var/lib/kafka/data/drdrill-*-0/00000000000000000000.log)\"";
    let limit = Duration::from_secs(30);
    let said = rig.runtime.exec(&node, &["sh", "-c", dump], limit).await;
    let said = said.expect("the tool's output");
    let values = said
        .stdout
        .lines()
        .filter(|line| line.contains("key: 0 payload: "));
    let on_disk: Vec<u64> = values
        .filter_map(|line| {
            line.split("payload: ")
                .nth(1)?
                .split(':')
                .next()?
                .parse()
                .ok()
        })
        .collect();
    assert!(on_disk.len() >= 50, "{} {}", said.stdout, said.stderr);
    for seq in &on_disk {
        assert!(held.has(LaneId(0), *seq), "{seq}");
    }
    let ranges = held.lanes.get(&LaneId(0)).expect("the lane").iter();
    let total: u64 = ranges.map(|range| range.to - range.from + 1).sum();
    assert_eq!(total, on_disk.len() as u64);
}
