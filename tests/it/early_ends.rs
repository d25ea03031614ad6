//! Waits that end before their deadline, because a server ended by itself, or is frozen, and what they wait for cannot come.

use std::{
    fs,
    process::{Child, Command},
    time::{Duration, Instant},
};

use crate::{
    drill_rig::{Done, Drill},
    drills::wait_for,
    faults::container,
    unexplained::processes,
};

/// Far less than the waits of drills with alerts and consumers, and more than what follows such a wait takes.
const SOON: Duration = Duration::from_secs(60);

/// Waits for the end of a drill, and holds that it came soon, with these words.
fn ends_soon(drill: Drill, child: Child, words: &str, limit: Duration) -> Done {
    let since = Instant::now();
    let output = child.wait_with_output().expect("an end");
    let took = since.elapsed();
    let done = drill.done(&output);
    println!("{took:?}\n{}", done.talk);
    assert!(done.talk.contains(words), "{words}\n{}", done.talk);
    assert!(took < limit, "{took:?}\n{}", done.talk);
    done
}

/// Sends a signal to processes at once.
fn signal(signal: &str, processes: &[u32]) {
    let processes = processes.iter().map(ToString::to_string);
    let sent = Command::new("kill").arg(signal).args(processes).status();
    assert!(sent.expect("kill").success());
}

#[test]
fn first_operations_are_not_waited_for_where_every_node_has_ended() {
    let drill = Drill::shipped("reference/noop.yaml");
    let child = drill.spawn();
    wait_for(&drill, "\"clients\":[", Duration::from_secs(30));
    signal("-ABRT", &processes(&drill));
    let done = ends_soon(
        drill,
        child,
        "n3 has ended and nothing will bring it back",
        Duration::from_secs(8),
    );
    assert_ne!(done.exit, 0);
}

/// Makes a server end by a fault of its own, as far as anyone can tell.
fn fails(drill: &Drill, node: &str) {
    let name = container(drill, node);
    let told = Command::new("docker")
        .args(["inspect", "-f", "{{.State.Pid}}", &name])
        .output();
    let told = told.expect("docker");
    let init = String::from_utf8_lossy(&told.stdout);
    let init = init.trim();
    // The first process passes signals of this kind on to nobody: the server is its child.
    let children = fs::read_to_string(format!("/proc/{init}/task/{init}/children"));
    let children = children.expect("children");
    let server = children.split_whitespace().next().expect("a server");
    signal("-ABRT", &[server.parse().expect("a process")]);
}

/// A shipped drill in which a step waits longer.
fn patient(name: &str, step: &str, longer: &str) -> Drill {
    let path = format!("{}/scenarios/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path).expect("a scenario");
    assert!(text.contains(step), "{text}");
    Drill::written(&text.replace(step, longer))
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn an_alert_is_not_waited_for_where_prometheus_has_ended() {
    let drill = patient(
        "redis/sentinel-kill-alert.yaml",
        "alerted: { within: 20s }",
        "alerted: { within: 5m }",
    );
    let child = drill.spawn();
    wait_for(&drill, "\"effect\"", Duration::from_secs(120));
    fails(&drill, "prometheus");
    let done = ends_soon(drill, child, "no alert can come", SOON);
    assert_ne!(done.exit, 0);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn the_end_of_an_alert_is_not_waited_for_where_alertmanager_has_ended() {
    let drill = patient(
        "redis/sentinel-kill-alert.yaml",
        "resolved: { within: 30s }",
        "resolved: { within: 5m }",
    );
    let child = drill.spawn();
    wait_for(
        &drill,
        "step-started\":{\"step\":4",
        Duration::from_secs(180),
    );
    fails(&drill, "alertmanager");
    let done = ends_soon(drill, child, "no alert can be told to be over", SOON);
    assert_ne!(done.exit, 0);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn consumers_are_not_waited_for_where_every_broker_has_ended() {
    let drill = patient(
        "kafka/consumer-crash.yaml",
        "consumed: { within: 60s }",
        "consumed: { within: 5m }",
    );
    let child = drill.spawn();
    wait_for(&drill, "\"disrupted\"", Duration::from_secs(180));
    for node in ["k1", "k2", "k3"] {
        fails(&drill, node);
    }
    let done = ends_soon(drill, child, "nothing can be consumed", SOON);
    assert_ne!(done.exit, 0);
}

const TWICE: &str = "schema: 1
name: twice
summary: The primary is frozen for a moment, twice.
stack: { redis: { topology: sentinel, nodes: 3 } }
clients: { route: sentinel, service: { lanes: 2, rate: 134/s, timeout: 500ms } }
targets: { rto: 30s, rpo: any }
repeat: 2
drill:
  - steady: 5s
  - fault: { pause: { node: primary, for: 1s } }
  - expect: { recovered: { within: 30s } }
  - hold: 3s
";

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn the_next_repeat_does_not_wait_for_a_replica_that_has_ended() {
    let drill = Drill::written(TWICE);
    let child = drill.spawn();
    wait_for(
        &drill,
        "step-started\":{\"step\":3",
        Duration::from_secs(120),
    );
    fails(&drill, "r3");
    let output = child.wait_with_output().expect("an end");
    let done = drill.done(&output);
    println!("{}", done.talk);
    assert!(
        done.talk
            .contains("r3 has ended and nothing will bring it back"),
        "{}",
        done.talk
    );
}
