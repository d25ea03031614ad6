//! Faults of streams on real stacks behind a real Toxiproxy: what was asked against what was observed.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    time::Duration,
};

use drdrill::{
    drill::validate_against,
    net::{Dose, Side, Toxic},
    scenario::{Problems, StreamLink, read},
    system::proxied::door_name,
    time::Clock,
};

use crate::{
    drill_rig::Drill,
    drills::wait_for,
    faults::{all_seen, effects},
    offers::offers,
    scenario_problems::rendered,
    stack_rig::{deploy, spec},
};

const SHORT: &str = "
schema: 1
name: streams
summary: Clients' streams are late, sliced, closed late, half open and reset, one after the other.
stack:
  redis: { topology: replicas, nodes: 2 }
clients: { route: toxiproxy }
targets: { rto: any, rpo: { count: 0 } }
drill:
  - steady: 9s
  - fault: { stream-latency: { node: primary, delay: 50ms, jitter: 10ms } }
  - heal: all
  - fault: { slice: { node: primary, size: 64, pause: 5ms } }
  - heal: all
  - fault: { slow-close: { node: primary, delay: 500ms } }
  - heal: all
  - fault: { half-open: { node: primary } }
  - heal: all
  - fault: { reset: { node: primary, direction: both } }
  - heal: all
  - expect: { recovered: { within: 1m } }
";

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn streams_of_redis_clients_fare_as_asked() {
    let done = Drill::written(SHORT).run();
    let words = [
        "asked 50 ms and 10 ms jitter down",
        "pieces of at most 64 bytes, 5 ms apart down",
        "asked an end 500 ms late down",
        "asked silence down",
        "3 reset and 0 closed new ones",
    ];
    all_seen(&done, &words);
    assert_eq!(done.line("rpo_count"), "met", "{}", done.talk);
}

const LONG: &str = "
schema: 1
name: streams-long
summary: Streams of clients and replication fare badly in every way, one after the other.
stack:
  redis: { topology: replicas, nodes: 2, settings: { replication: toxiproxy } }
clients: { route: toxiproxy }
targets: { rto: any, rpo: any }
drill:
  - steady: 9s
  - fault: { reset: { node: primary, direction: up, after: 300ms } }
  - heal: all
  - fault: { half-open: { node: primary, direction: up, closes: 500ms } }
  - heal: all
  - fault: { slow-close: { node: primary, delay: 500ms, direction: up } }
  - heal: all
  - fault: { slice: { node: primary, size: 256, pause: 5ms, direction: up } }
  - heal: all
  - fault: { limit-data: { node: primary, bytes: 4096 } }
  - heal: all
  - fault: { limit-data: { node: primary, bytes: 3000, direction: up } }
  - heal: all
  - fault: { stream-latency: { node: primary, delay: 100ms, direction: both } }
  - heal: all
  - fault: { stream-bandwidth: { node: primary, limit: 800kbit/s } }
  - fault: { stream-latency: { node: primary, link: replication, delay: 200ms } }
  - heal: stream-bandwidth
  - heal: all
  - fault: { half-open: { node: primary, share: 50% } }
  - heal: all
  - fault: { half-open: { node: primary, link: replication, direction: both } }
  - heal: all
  - expect: { recovered: { within: 1m } }
  - expect: { redundant: { within: 1m } }
";

const SEEN: [&str; 11] = [
    "a reset 300 ms after the first bytes up",
    "silence and an end after 500 ms up",
    "an end 500 ms late up",
    "pieces of at most 256 bytes, 5 ms apart up",
    "after 4096 to 4096 bytes down",
    "an end after 3000 bytes up",
    "100 ms and 0 ms jitter both ways",
    "asked 0.80 Mbit/s down",
    "followers of",
    "for 50 % of connections",
    "silence both ways",
];

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn streams_fare_as_asked_in_every_way_on_redis_and_on_postgres() {
    all_seen(&Drill::written(LONG).run(), &SEEN);
    let postgres = LONG.replace(
        "redis: { topology: replicas",
        "postgres: { topology: streaming",
    );
    all_seen(&Drill::written(&postgres).run(), &SEEN);
}

/// Takes every toxic away, as someone might who does not know of the drill.
fn forget_toxics(server: &str) {
    let mut stream = TcpStream::connect((server, 8474)).expect("a connection");
    let order = format!(
        "POST /reset HTTP/1.1\r\nHost: {server}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(order.as_bytes()).expect("sent");
    let mut said = String::new();
    stream.read_to_string(&mut said).expect("an answer");
    assert!(said.starts_with("HTTP/1.1 204"), "{said}");
}

/// The address of the proxies' server of the only run.
fn server(drill: &Drill) -> String {
    let run = drill.run_folder().expect("a run");
    let run = run
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    let listed = Command::new("docker")
        .args(["ps", "-q", "--filter", &format!("label=drdrill.run={run}")])
        .args(["--filter", "name=toxiproxy1"])
        .output()
        .expect("docker");
    let ids = String::from_utf8_lossy(&listed.stdout).into_owned();
    let addresses = ids.split_whitespace().map(|id| {
        let output = Command::new("docker")
            .args(["inspect", "-f", template, id])
            .output()
            .expect("docker");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    });
    // A sidecar shares its node's network and has no address of its own.
    let mut own = addresses.filter(|address| !address.is_empty());
    own.next().expect("a server")
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn toxics_that_someone_takes_away_are_inconclusive() {
    let faults = SHORT.find("  - fault").expect("faults");
    let text = format!(
        "{}  - fault: {{ half-open: {{ node: primary }} }}\n  - hold: 1s\n  - heal: all\n  - expect: {{ recovered: {{ within: 1m }} }}\n",
        &SHORT[..faults]
    );
    let drill = Drill::written(&text);
    let child = drill.spawn();
    // Once it is in force, and before a second of silence has been waited for.
    wait_for(&drill, "\"disrupted\"", Duration::from_secs(90));
    forget_toxics(&server(&drill));
    let output = child.wait_with_output().expect("an end");
    let done = drill.done(&output);
    done.expect(3, "inconclusive");
    let (state, evidence) = &effects(&done)[0];
    println!("{evidence}");
    assert_eq!(state, "not-verified", "{evidence}\n{}", done.talk);
    assert!(done.reasons().contains(&"effect-verified"), "{}", done.talk);
}

/// The crate takes no refusal of the server for one: what is read back decides.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
async fn a_toxic_that_the_server_refuses_is_an_error() {
    let rig = deploy("redis", &spec("replicas", &[]), Some("toxiproxy")).await;
    let proxied = rig.running.proxied().expect("proxies");
    let (server, clock) = (&proxied.server, Clock::start());
    let dose = |toxic| Dose {
        proxy: door_name(&rig.running.stack().primary, StreamLink::Clients),
        side: Side::Downstream,
        toxic,
        toxicity: 1.0,
    };
    let first = [dose(Toxic::SlowClose(100))];
    server.free(&first).await.expect("nothing in force");
    server.add(&first, clock).await.expect("in force");
    let taken = server.free(&first).await.expect_err("taken").to_string();
    assert!(taken.contains("is in force already"), "{taken}");
    // The server answers 409, and the crate says nothing of it.
    let again = server.add(&[dose(Toxic::SlowClose(200))], clock).await;
    let again = again.expect_err("refused").to_string();
    assert!(again.contains("and it lists"), "{again}");
    let reset = [dose(Toxic::ResetPeer(0))];
    server.add(&reset, clock).await.expect("in force");
    assert_eq!(server.remove(&first).await, Ok(false), "the reset is left");
    assert_eq!(server.remove(&reset).await, Ok(true));
    assert_eq!(server.remove(&reset).await, Ok(true), "gone is gone");
    let nowhere = Dose {
        proxy: "nowhere".into(),
        ..dose(Toxic::Timeout(0))
    };
    assert!(server.add(&[nowhere], clock).await.is_err());
    rig.down().await;
}

#[test]
fn a_fault_of_streams_without_a_proxy_is_refused_at_its_place() {
    let text = std::fs::read_to_string("scenarios/redis/streams-reset.yaml").expect("shipped");
    let text = text.replace("route: toxiproxy", "route: sentinel").replace(
        "  - hold: 4s\n",
        "  - fault: { half-open: { node: replica, link: replication } }\n  - hold: 4s\n",
    );
    let parsed = read("drill.yaml", &text, &[]).expect("right as a file");
    let problems = Problems::new("drill.yaml", validate_against(&parsed, &offers()));
    insta::assert_snapshot!("plan_no_proxy", rendered(&problems));
}

#[test]
fn what_toxiproxy_cannot_count_is_refused_at_its_place() {
    let text = std::fs::read_to_string("scenarios/postgres/streams-slow.yaml").expect("shipped");
    let wrong = [
        ("delay: 50ms, jitter: 10ms", "delay: 50ms, jitter: 60ms"),
        ("size: 64, pause: 5ms", "size: 8, pause: 500us"),
        ("limit: 800kbit/s", "limit: 801kbit/s"),
        ("delay: 1s", "delay: 1s, direction: both, share: 50%"),
    ];
    let text = wrong
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to));
    let problems = read("drill.yaml", &text, &[]).expect_err("wrong");
    insta::assert_snapshot!("streams_out_of_range", rendered(&problems));
}
