//! The Redis client on a single real server.

use drdrill::{
    history::Access,
    id::LaneId,
    system::{
        Reply,
        redis::{Keys, RedisClient, Target},
    },
};
use testcontainers::{GenericImage, ImageExt, core::WaitFor, runners::AsyncRunner};

use crate::adapter_rig::{Engine, PATIENT, invoke, run, tells_what_it_knows};

async fn server() -> Engine {
    let ready = WaitFor::message_on_stdout("Ready to accept connections");
    let image = GenericImage::new("drdrill.local/redis", "8")
        .with_wait_for(ready)
        .with_network("bridge");
    Engine::new(image.start().await.expect("a server"), 6379).await
}

fn client(engine: &Engine) -> RedisClient {
    let target = Target::Pinned(engine.address);
    RedisClient::new(Keys::new(run()), engine.roster.clone(), target, 10)
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn redis_client_tells_what_it_knows_of_a_frozen_and_a_killed_server() {
    let engine = server().await;
    tells_what_it_knows(&engine, || client(&engine)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn redis_append_that_is_applied_twice_is_there_twice_and_the_highest_number_is_read() {
    let engine = server().await;
    let mut client = client(&engine);
    for seq in [0, 7, 7, 2] {
        let reply = invoke(&mut client, PATIENT, Access::Write, seq).await;
        assert_eq!(reply, Reply::written(Some(0)));
    }
    let keys = Keys::new(run());
    let driver = redis::Client::open(format!("redis://{}", engine.address)).unwrap();
    let mut raw = driver.get_multiplexed_async_connection().await.unwrap();
    // A pinned client writes to a list of its own, and reads those of the service's lanes.
    assert_eq!(
        invoke(&mut client, PATIENT, Access::Read, 0).await.version,
        Some(0)
    );
    let mut push = redis::cmd("RPUSH");
    push.arg(keys.lane(LaneId(0)));
    push.arg(
        [0, 7, 7, 2]
            .map(|seq| keys.element(LaneId(0), seq))
            .to_vec(),
    );
    let _: u64 = push.query_async(&mut raw).await.unwrap();
    assert_eq!(
        invoke(&mut client, PATIENT, Access::Read, 0).await.version,
        Some(8)
    );
    let mut all = redis::cmd("LRANGE");
    all.arg(keys.pinned(LaneId(0))).arg(0).arg(-1);
    let all: Vec<String> = all.query_async(&mut raw).await.unwrap();
    let seqs: Vec<_> = all
        .iter()
        .map(|element| keys.parse(LaneId(0), element))
        .collect();
    assert_eq!(
        seqs,
        [
            Some((0, true)),
            Some((7, true)),
            Some((7, true)),
            Some((2, true))
        ]
    );
}
