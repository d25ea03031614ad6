//! Drills as tests of somebody else's crate: by the library alone, on containers that the test itself has started.

use std::{panic, process, time::Duration};

use drdrill::{Drill, score::Verdict};
use testcontainers::{
    ContainerAsync, GenericImage, ImageExt,
    core::{ExecCommand, WaitFor},
    runners::AsyncRunner,
};

/// A Redis and its replica, as a test starts them: all that drdrill adds is a label that allows it to hang them.
struct Cache {
    primary: ContainerAsync<GenericImage>,
    replica: ContainerAsync<GenericImage>,
}

const LABEL: &str = "com.example.cache";

impl Cache {
    async fn start() -> Self {
        let primary = server("primary", &[]).await;
        let address = primary.get_bridge_ip_address().await.expect("an address");
        let replica = server("replica", &["--replicaof", &address.to_string(), "6379"]).await;
        let cache = Self { primary, replica };
        let linked = async {
            while !cache.says("replica", "master_link_status:up").await {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let linked = tokio::time::timeout(Duration::from_secs(30), linked).await;
        linked.expect("the replica follows");
        cache
    }

    async fn says(&self, which: &str, words: &str) -> bool {
        let container = match which {
            "primary" => &self.primary,
            _ => &self.replica,
        };
        let ask = ExecCommand::new(["redis-cli", "INFO", "replication"]);
        let mut answer = container.exec(ask).await.expect("a shell");
        let text = answer.stdout_to_vec().await.expect("an answer");
        String::from_utf8_lossy(&text).contains(words)
    }
}

async fn server(role: &str, more: &[&str]) -> ContainerAsync<GenericImage> {
    let ready = WaitFor::message_on_stdout("Ready to accept connections");
    let command = ["redis-server", "--protected-mode", "no", "--save", ""];
    let image = GenericImage::new("drdrill.local/redis", "8")
        .with_wait_for(ready)
        .with_network("bridge")
        .with_container_name(name(role))
        .with_label(LABEL, process::id().to_string())
        .with_label("drdrill.allow", "reversible")
        .with_cmd([&command, more].concat());
    image.start().await.expect("a server")
}

fn name(role: &str) -> String {
    format!("cache-{role}-{}", process::id())
}

fn drill() -> Drill {
    let (primary, replica) = (name("primary"), name("replica"));
    Drill::text(format!(
        "
schema: 1
name: cache-hangs
summary: The primary of the cache hangs for two seconds
stack:
  redis:
    topology: replicas
    attach: {{ label: {LABEL}={}, data: [{primary}, {replica}] }}
clients:
  service: {{ lanes: 2, rate: 200/s, timeout: 500ms }}
targets: {{ rto: 6s, rpo: any }}
drill:
  - steady: 6s
  - fault: {{ pause: {{ node: primary, for: 2s }} }}
  - expect: {{ recovered: {{ within: 30s }} }}
must-fail:
  - with: {{ drill.1.fault.pause.for: 9s }}   # it hangs for longer
    misses: [rto]
",
        process::id()
    ))
}

#[tokio::test]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn containers_that_a_test_has_started_are_drilled_in_the_test() {
    let reports = tempfile::tempdir().expect("a folder");
    let cache = Cache::start().await;
    let drill = drill().reports(reports.path());
    let tested = drill.run().expect("it can be run");
    assert_eq!(tested.verdict(), Verdict::Pass, "{tested}");
    tested.assert_passed();
    assert!(tested.ended.folder.join("report.html").is_file());
    // It fails where it must, and a target that is missed fails the test: with the figure, the folder and the seed.
    drill.assert_turns_red().expect("it can be run");
    let missed = drill.set("targets.rto", "100ms").seed(7).run();
    let missed = missed.expect("it can be run");
    let panicked = panic::catch_unwind(panic::AssertUnwindSafe(|| missed.assert_passed()));
    let panicked = panicked.expect_err("a missed target is no pass");
    let said = panicked.downcast_ref::<String>().expect("text");
    let folder = missed.ended.folder.display().to_string();
    for words in [
        "the drill did not pass",
        "missed",
        &folder,
        "Seed 0x0000000000000007",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    // The test's own containers are as they were.
    assert!(cache.says("primary", "role:master").await);
    assert!(cache.says("replica", "master_link_status:up").await);
}

/// As the page shows it: a stack that drdrill brings up, in a test without a runtime.
#[test]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
fn a_shipped_drill_is_a_test_of_a_few_lines() {
    let reports = tempfile::tempdir().expect("a folder");
    let drill = Drill::file("scenarios/redis/sentinel-kill.yaml").set("targets.rto", "20s");
    drill.reports(reports.path()).run().unwrap().assert_passed();
}

#[test]
fn a_drill_that_cannot_be_run_says_why_and_creates_nothing() {
    let wrong = drill()
        .set("targets.rto", "soon")
        .set("clients.service.lanes", 0);
    let said = format!("{:?}", wrong.run().expect_err("two problems"));
    assert!(
        said.contains("2 problems") && said.contains("soon"),
        "{said}"
    );
    let several = drill().set("repeat", 3).run();
    let said = format!("{:?}", several.expect_err("a series"));
    assert!(said.contains("`repeat: 3` is not run by a test"), "{said}");
    let missing = Drill::file("drills/missing.yaml").run();
    let said = format!("{:?}", missing.expect_err("no file"));
    assert!(said.contains("drills/missing.yaml"), "{said}");
    let green = Drill::text(
        "
schema: 1
name: never-red
summary: It names nothing that turns it red
stack: { redis: { topology: sentinel } }
targets: { rto: 1m, rpo: any }
drill: [ { steady: 10s }, { fault: { kill: primary } }, { expect: { recovered: { within: 1m } } } ]
",
    );
    let said = format!("{:?}", green.assert_turns_red().expect_err("no change"));
    assert!(said.contains("`never-red` has no `must-fail`"), "{said}");
}
