//! The MongoDB client on a single real server.

use drdrill::{
    history::{Access, Outcome},
    system::{
        Reply,
        mongodb::{Concern, Elements, ServiceClient, Target},
    },
};
use mongodb::{Client as Driver, bson::doc, options::ClientOptions};
use testcontainers::{GenericImage, ImageExt, core::WaitFor, runners::AsyncRunner};

use crate::adapter_rig::{Engine, PATIENT, invoke, run, tells_what_it_knows};

const ONE: Concern = Concern {
    majority: false,
    wtimeout: None,
    reads_majority: false,
    retry_writes: false,
};

async fn server(arguments: &[&str]) -> Engine {
    let ready = WaitFor::message_on_stdout("Waiting for connections");
    let command = ["mongod", "--bind_ip_all"].iter().chain(arguments);
    let image = GenericImage::new("drdrill.local/mongodb", "6")
        .with_wait_for(ready)
        .with_network("bridge")
        .with_cmd(command.map(|word| (*word).to_owned()));
    Engine::new(image.start().await.expect("a server"), 27017).await
}

fn client(engine: &Engine, concern: Concern) -> ServiceClient {
    let target = Target::Pinned(engine.address);
    ServiceClient::new(Elements::new(run()), engine.roster.clone(), target, concern)
}

async fn driver(engine: &Engine) -> Driver {
    let uri = format!("mongodb://{}/?directConnection=true", engine.address);
    let options = ClientOptions::parse(uri).await.expect("options");
    Driver::with_options(options).expect("a driver")
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn mongodb_client_tells_what_it_knows_of_a_frozen_and_a_killed_server() {
    let engine = server(&[]).await;
    tells_what_it_knows(&engine, || client(&engine, ONE)).await;
}

/// A pinned client writes to a collection of its own; the same documents are put where reads look.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn mongodb_append_that_is_applied_twice_is_there_twice_and_the_highest_number_is_read() {
    let engine = server(&[]).await;
    let mut client = client(&engine, ONE);
    for seq in [0, 7, 7, 2] {
        let reply = invoke(&mut client, PATIENT, Access::Write, seq).await;
        assert_eq!(reply, Reply::written(Some(0)));
    }
    let database = driver(&engine).await.database("drdrill");
    let pins = database.collection::<mongodb::bson::Document>(&format!("pins-{}", run()));
    assert_eq!(pins.count_documents(doc! { "seq": 7 }).await.unwrap(), 2);
    assert_eq!(pins.count_documents(doc! {}).await.unwrap(), 4);
    assert_eq!(
        invoke(&mut client, PATIENT, Access::Read, 0).await.version,
        Some(0)
    );
    let copy = [
        doc! { "$match": {} },
        doc! { "$out": format!("appends-{}", run()) },
    ];
    pins.aggregate(copy).await.unwrap();
    assert_eq!(
        invoke(&mut client, PATIENT, Access::Read, 0).await.version,
        Some(8)
    );
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn mongodb_member_of_a_set_without_a_primary_refuses() {
    let engine = server(&["--replSet", "alone"]).await;
    let reply = invoke(&mut client(&engine, ONE), PATIENT, Access::Write, 0).await;
    assert_eq!(reply, Reply::error(Outcome::Fail, "not primary"));
}
