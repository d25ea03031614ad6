//! Containers as machines, on a real engine.

use std::time::{Duration, Instant};

use drdrill::{
    id::NodeName,
    runtime::{NodeFile, NodeState, Runtime, RuntimeError, Signal, docker::Engine},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::docker_rig::{Rig, spec};

/// Waits for a state with a deadline.
async fn reaches(rig: &Rig, node: &NodeName, wanted: &NodeState) {
    let wait = async {
        while rig.runtime.state(node).await.unwrap() != *wanted {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), wait)
        .await
        .expect("the state in time");
}

fn exited(code: i64) -> NodeState {
    NodeState::Exited {
        code,
        out_of_memory: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn a_node_lives_dies_and_comes_back_with_its_address_and_files() {
    let rig = Rig::new(&["a", "b"]).await;
    rig.up().await;
    let (a, b) = (NodeName::new("a"), NodeName::new("b"));
    let ip = rig.addresses[&a].to_string();

    let said = rig.exec(&b, "getent hosts a; exit 7").await;
    assert_eq!(said.code, 7);
    assert!(said.stdout.starts_with(&ip), "{said:?}");
    assert!(
        rig.runtime
            .logs(&a, 5)
            .await
            .unwrap()
            .contains("hello from a")
    );

    let file = NodeFile {
        path: "/data/deep/file".into(),
        mode: 0o640,
        bytes: b"kept".to_vec(),
    };
    rig.runtime.upload(&a, &[file]).await.unwrap();

    let before = Instant::now();
    rig.runtime.signal(&a, Signal::Kill).await.unwrap();
    println!("kill: {:?}", before.elapsed());
    reaches(&rig, &a, &exited(137)).await;
    println!("seen dead after {:?}", before.elapsed());
    // At once: the engine may not know yet that it has ended.
    rig.runtime.start(&a).await.unwrap();
    println!("started again after {:?}", before.elapsed());
    assert_eq!(rig.runtime.state(&a).await.unwrap(), NodeState::Running);
    let said = rig
        .exec(
            &a,
            "hostname -I; cat /data/deep/file; stat -c %a /data/deep/file",
        )
        .await;
    assert!(
        said.stdout.contains(&ip) && said.stdout.contains("kept\n640")
            || said.stdout.contains("kept640"),
        "{said:?}"
    );
    rig.down().await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn a_node_is_frozen_stopped_and_terminated() {
    let rig = Rig::new(&["a"]).await;
    rig.up().await;
    let a = NodeName::new("a");

    let before = Instant::now();
    rig.runtime.pause(&a).await.unwrap();
    println!("pause: {:?}", before.elapsed());
    assert_eq!(rig.runtime.state(&a).await.unwrap(), NodeState::Paused);
    let refused = rig
        .runtime
        .exec(&a, &["true"], Duration::from_secs(1))
        .await;
    assert!(
        matches!(refused, Err(RuntimeError::Failed { .. })),
        "{refused:?}"
    );
    rig.runtime.unpause(&a).await.unwrap();
    assert_eq!(rig.runtime.state(&a).await.unwrap(), NodeState::Running);

    let slow = rig
        .runtime
        .exec(&a, &["sleep", "77"], Duration::from_millis(200))
        .await;
    assert!(
        matches!(slow, Err(RuntimeError::Deadline { .. })),
        "{slow:?}"
    );
    let left = rig
        .exec(&a, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
        .await;
    assert!(!left.stdout.contains("sleep 77"), "{left:?}");

    rig.runtime.signal(&a, Signal::Term).await.unwrap();
    reaches(&rig, &a, &exited(3)).await;
    rig.runtime.start(&a).await.unwrap();
    rig.runtime.stop(&a, Duration::from_secs(5)).await.unwrap();
    assert_eq!(rig.runtime.state(&a).await.unwrap(), exited(3));
    rig.down().await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn a_sidecar_shares_the_nodes_network_also_after_a_restart() {
    let rig = Rig::new(&["a"]).await;
    rig.up().await;
    let a = NodeName::new("a");
    let ip = rig.addresses[&a].to_string();
    for _ in 0..2 {
        let argv = [
            "sh",
            "-c",
            "read word; echo $word; ip -br address show eth0",
        ];
        let mut pipe = rig.runtime.beside(&a, &argv).await.unwrap();
        pipe.input.write_all(b"ping\n").await.unwrap();
        let mut said = String::new();
        let read = pipe.output.read_to_string(&mut said);
        timeout(Duration::from_secs(10), read)
            .await
            .unwrap()
            .unwrap();
        assert!(said.starts_with("ping\n") && said.contains(&ip), "{said}");
        rig.runtime.signal(&a, Signal::Kill).await.unwrap();
        rig.runtime.start(&a).await.unwrap();
    }
    rig.down().await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn six_nodes_come_and_go_and_two_runs_stand_side_by_side() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let (one, two) = tokio::join!(Rig::new(&names), Rig::new(&["a"]));
    let before = Instant::now();
    one.up().await;
    println!(
        "create and start of six nodes with sidecars: {:?}",
        before.elapsed()
    );
    two.up().await;
    let subnet = |rig: &Rig| rig.runtime.harness_address();
    assert!(subnet(&one).is_some() && subnet(&one) != subnet(&two));
    // A frozen node and a dead one are removed too.
    one.runtime.pause(&NodeName::new("a")).await.unwrap();
    one.runtime
        .signal(&NodeName::new("b"), Signal::Kill)
        .await
        .unwrap();
    let before = Instant::now();
    one.down().await;
    println!(
        "teardown of six nodes with sidecars: {:?}",
        before.elapsed()
    );
    two.down().await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn volumes_that_an_image_declares_carry_the_label_and_go_with_the_node() {
    let rig = Rig::new(&["a"]).await;
    let a = NodeName::new("a");
    let spec = drdrill::runtime::NodeSpec {
        image: "drdrill.local/postgres:17".into(),
        ..spec(&a)
    };
    rig.runtime.create(&spec).await.unwrap();
    rig.runtime.start(&a).await.unwrap();
    let left = rig.runtime.residue().await.unwrap();
    assert!(
        left.iter().any(|thing| thing.starts_with("volume ")),
        "{left:?}"
    );
    rig.down().await;
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_named_as_such() {
    let error = Engine::connect(Some("unix:///nonexistent.sock"))
        .await
        .unwrap_err();
    assert!(matches!(error, RuntimeError::Unavailable(_)));
}
