//! The OpenSearch client on a single real server.

use std::{sync::Arc, time::Duration};

use drdrill::{
    history::{Access, Outcome},
    id::{LaneId, NodeName},
    system::{
        Reply,
        endpoints::{Endpoint, Endpoints},
        opensearch::{
            Copy, Elements, Question, ServiceClient, Shape, Target, ask, create, holdings,
        },
        wait::until,
    },
};
use testcontainers::{GenericImage, ImageExt, core::WaitFor, runners::AsyncRunner};

use crate::adapter_rig::{Engine, PATIENT, invoke, run, tells_what_it_knows};

/// The longest wait for the index of a server that has just started.
const INDEX_LIMIT: Duration = Duration::from_secs(60);

/// A cluster of one node, without an index.
async fn server() -> Engine {
    let image = GenericImage::new("drdrill.local/opensearch", "3")
        .with_wait_for(WaitFor::message_on_stdout("recovered [0] indices"))
        .with_network("bridge")
        .with_env_var("OPENSEARCH_JAVA_OPTS", "-Xms256m -Xmx256m")
        .with_cmd([
            "/usr/share/opensearch/bin/opensearch",
            "-Enode.name=n1",
            "-Enetwork.host=0.0.0.0",
            "-Ediscovery.type=single-node",
            "-Enode.store.allow_mmap=false",
            "-Eaction.auto_create_index=false",
        ]);
    let container = image.with_startup_timeout(INDEX_LIMIT).start().await;
    Engine::new(container.expect("a server"), 9200).await
}

/// The run's index.
async fn index(engine: &Engine) {
    let shape = Shape {
        replicas: 0,
        wait_for: "1".into(),
        refresh: Duration::from_secs(1),
    };
    let (elements, name) = (Elements::new(run()), NodeName::new("n1"));
    let make = || create(engine.address, &elements, &shape, &name, PATIENT);
    let made = until(INDEX_LIMIT, Duration::from_millis(100), make).await;
    made.expect("an index");
}

fn client(engine: &Engine) -> ServiceClient {
    let endpoints = Endpoints::new(&engine.roster, &NodeName::new("n1"));
    let target = Target::Any(Arc::new(endpoints), LaneId(0));
    ServiceClient::new(Elements::new(run()), target)
}

fn endpoint(engine: &Engine) -> Endpoint {
    Endpoint {
        node: 0,
        address: engine.address,
    }
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn opensearch_client_tells_what_it_knows_of_a_frozen_and_a_killed_server() {
    let engine = server().await;
    let unmade = invoke(&mut client(&engine), PATIENT, Access::Write, 0).await;
    assert_eq!(unmade, Reply::error(Outcome::Fail, "no index"));
    index(&engine).await;
    tells_what_it_knows(&engine, || client(&engine)).await;
}

/// Appends, reads, probes and final reads in turn on one server, as each of its starts takes ten seconds.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn opensearch_documents_are_created_once_and_all_of_them_are_found() {
    let engine = server().await;
    index(&engine).await;
    let mut writer = client(&engine);
    let nothing = Reply::read(Some(0), 0);
    assert_eq!(invoke(&mut writer, PATIENT, Access::Read, 0).await, nothing);
    for seq in [0, 7, 2] {
        let reply = invoke(&mut writer, PATIENT, Access::Write, seq).await;
        assert_eq!(reply, Reply::written(Some(0)));
    }
    // Nobody knows from this answer whether the first application is on every copy.
    let again = invoke(&mut client(&engine), PATIENT, Access::Write, 7).await;
    assert_eq!(again, Reply::error(Outcome::Info, "already there"));
    let newest = Reply::read(Some(0), 8);
    assert_eq!(invoke(&mut writer, PATIENT, Access::Read, 0).await, newest);

    let pinned = Target::Pinned(endpoint(&engine), NodeName::new("n1"));
    let mut probe = ServiceClient::new(Elements::new(run()), pinned);
    let reply = invoke(&mut probe, PATIENT, Access::Write, 3).await;
    assert_eq!(reply, Reply::written(Some(0)));
    let elsewhere = Target::Pinned(endpoint(&engine), NodeName::new("n2"));
    let mut probe = ServiceClient::new(Elements::new(run()), elsewhere);
    let reply = invoke(&mut probe, PATIENT, Access::Write, 3).await;
    assert_eq!(reply, Reply::error(Outcome::Fail, "not primary"));

    // More than a page.
    let bodies = (100..2_200).map(|seq| Elements::new(run()).append(LaneId(0), seq).body);
    let many = Question {
        body: bodies.collect(),
        ..Elements::new(run()).append(LaneId(0), 0)
    };
    let answer = ask(engine.address, &many, PATIENT).await;
    assert_eq!(answer.expect("written")["errors"], false);
    for copy in [Copy::Primary, Copy::Own] {
        let found = holdings(&Elements::new(run()), endpoint(&engine), copy).await;
        let found = found.expect("a final read");
        assert_eq!((found.len(), found.alien), (2_103, 0));
        assert!(found.corrupt.is_empty() && found.repeated.is_empty());
    }
    foreign_documents_show(&engine).await;
    what_is_not_whole_is_refused(&engine).await;
}

/// A document that was written once more, and one that no lane of the run sent.
async fn foreign_documents_show(engine: &Engine) {
    let index = Elements::new(run()).index();
    let path = format!("/{index}/_doc/append-0-7");
    let old = ask(engine.address, &Question::get(path.as_str()), PATIENT).await;
    let sent = old.expect("a document")["_source"].clone();
    for (path, document) in [(path, sent.clone()), (format!("/{index}/_doc/x"), sent)] {
        let put = Question::with("PUT", path, &document);
        ask(engine.address, &put, PATIENT).await.expect("written");
    }
    let found = holdings(&Elements::new(run()), endpoint(engine), Copy::Own).await;
    let found = found.expect("a final read");
    let repeated: Vec<_> = found.repeated.iter().map(|it| (it.seq, it.times)).collect();
    assert_eq!((repeated.as_slice(), found.alien), (&[(7, 2)][..], 1));
}

/// The only copy is taken away: nothing that answers now is the whole.
async fn what_is_not_whole_is_refused(engine: &Engine) {
    let index = Elements::new(run()).index();
    let close = Question::with("POST", format!("/{index}/_close"), &serde_json::json!({}));
    ask(engine.address, &close, PATIENT).await.expect("closed");
    for copy in [Copy::Primary, Copy::Own] {
        let found = holdings(&Elements::new(run()), endpoint(engine), copy).await;
        found.expect_err("not the whole");
    }
    let write = invoke(&mut client(engine), PATIENT, Access::Write, 1).await;
    assert_eq!(write.outcome, Outcome::Info, "{write:?}");
}
