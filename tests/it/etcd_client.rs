//! The etcd client on a single real server.

use std::sync::Arc;

use drdrill::{
    history::{Access, Outcome},
    id::{LaneId, NodeName},
    system::{
        Reply,
        endpoints::{Endpoint, Endpoints},
        etcd::{Elements, ServiceClient, Target, holdings},
    },
};
use testcontainers::{GenericImage, ImageExt, core::WaitFor, runners::AsyncRunner};

use crate::adapter_rig::{Engine, PATIENT, SHORT, invoke, run, tells_what_it_knows};

/// One member of a cluster of so many.
async fn server(of: u16) -> Engine {
    let peer = |n: u16| format!("n{n}=http://127.0.0.1:{}", 2379 + n);
    let cluster: Vec<String> = (1..=of).map(peer).collect();
    let ready = match of {
        1 => "ready to serve client requests",
        _ => "starting an etcd server",
    };
    let words = [
        "/usr/local/bin/etcd".to_owned(),
        "--name=n1".into(),
        "--listen-client-urls=http://0.0.0.0:2379".into(),
        "--advertise-client-urls=http://127.0.0.1:2379".into(),
        "--listen-peer-urls=http://127.0.0.1:2380".into(),
        "--initial-advertise-peer-urls=http://127.0.0.1:2380".into(),
        format!("--initial-cluster={}", cluster.join(",")),
    ];
    let image = GenericImage::new("drdrill.local/etcd", "3.5")
        .with_wait_for(WaitFor::message_on_stderr(ready))
        .with_network("bridge")
        .with_cmd(words);
    Engine::new(image.start().await.expect("a server"), 2379).await
}

fn client(engine: &Engine) -> ServiceClient {
    let endpoints = Endpoints::new(&engine.roster, &NodeName::new("n1"));
    let target = Target::Any(Arc::new(endpoints), LaneId(0));
    ServiceClient::new(Elements::new(run()), target, false)
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn etcd_client_tells_what_it_knows_of_a_frozen_and_a_killed_server() {
    let engine = server(1).await;
    tells_what_it_knows(&engine, || client(&engine)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn etcd_append_that_is_applied_twice_shows_and_the_highest_number_is_read() {
    let engine = server(1).await;
    let mut client = client(&engine);
    let read = Reply::read(Some(0), 0);
    assert_eq!(invoke(&mut client, PATIENT, Access::Read, 0).await, read);
    for seq in [0, 7, 7, 2] {
        let reply = invoke(&mut client, PATIENT, Access::Write, seq).await;
        assert_eq!(reply, Reply::written(Some(0)));
    }
    let read = Reply::read(Some(0), 8);
    assert_eq!(invoke(&mut client, PATIENT, Access::Read, 0).await, read);
    let endpoint = Endpoint {
        node: 0,
        address: engine.address,
    };
    for serializable in [false, true] {
        let found = holdings(&Elements::new(run()), endpoint, serializable).await;
        let found = found.expect("a final read");
        assert_eq!((found.len(), found.alien), (3, 0));
        assert!(found.corrupt.is_empty());
        let repeated: Vec<_> = found.repeated.iter().map(|it| (it.seq, it.times)).collect();
        assert_eq!(repeated, [(7, 2)]);
    }
}

/// More than a page of final reads, and more than one buffer of an answer.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn etcd_final_read_goes_over_all_pages() {
    let engine = server(1).await;
    let mut client = client(&engine);
    for seq in 0..2_500 {
        let reply = invoke(&mut client, PATIENT, Access::Write, seq).await;
        assert_eq!(reply.outcome, Outcome::Ok, "{reply:?}");
    }
    let endpoint = Endpoint {
        node: 0,
        address: engine.address,
    };
    let found = holdings(&Elements::new(run()), endpoint, false).await;
    assert_eq!(found.expect("a final read").len(), 2_500);
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn etcd_probe_of_a_leader_writes_where_nothing_reads() {
    let engine = server(1).await;
    let endpoint = Endpoint {
        node: 0,
        address: engine.address,
    };
    let mut probe = ServiceClient::new(Elements::new(run()), Target::Pinned(endpoint), false);
    let reply = invoke(&mut probe, PATIENT, Access::Write, 3).await;
    assert_eq!(reply, Reply::written(Some(0)));
    let found = holdings(&Elements::new(run()), endpoint, true).await;
    assert!(found.expect("a final read").is_empty());
}

/// It listens from the start, and answers once it has found a majority: a client cannot know that what it sent is not read.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn etcd_member_that_never_found_a_majority_answers_nobody() {
    let engine = server(3).await;
    let write = invoke(&mut client(&engine), SHORT, Access::Write, 0).await;
    assert_eq!(write, Reply::error(Outcome::Info, "timeout"));
    let read = invoke(&mut client(&engine), SHORT, Access::Read, 0).await;
    assert_eq!(read, Reply::error(Outcome::Fail, "timeout"));
}
