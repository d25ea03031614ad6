//! Faults among a node's own processes on real stacks: what was asked against what was observed, and what is left of them.

use std::{fs, path::Path, process::Command, time::Duration};

use crate::{
    drill_rig::Drill,
    drills::wait_for,
    faults::{all_seen, container, effects},
    machines::refused,
};

const FEW: &str = "
schema: 1
name: few
summary: The primary can open nothing more; later a replica can open a little.
stack:
  redis: { settings: { down-after: 30s } }
targets: { rto: any, rpo: any }
drill:
  - steady: 9s
  - fault: { descriptors: primary }
  - hold: 3s
  - heal: all
  - fault: { descriptors: { node: replica, left: 20, for: 8s } }
  - hold: 8s
  - expect: { recovered: { within: 1m } }
  - expect: { redundant: { within: 1m } }
";

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_server_without_descriptors_takes_no_new_connection_and_takes_them_again() {
    let done = Drill::written(FEW).run();
    let asked = "3 of 3 questions on new connections got no answer";
    // 20, and what was closed since the limit was set.
    all_seen(&done, &[asked, "more connections held for 2"]);
    assert!(!done.talk.contains("failed to heal"), "{}", done.talk);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn postgresql_and_its_children_run_out_of_descriptors_and_get_them_back() {
    let text = FEW
        .replace("redis: { settings: { down-after: 30s } }", "postgres: {}")
        .replace("left: 20, for", "for");
    let done = Drill::written(&text).run();
    all_seen(&done, &["3 of 3 questions"]);
    assert!(!done.talk.contains("failed to heal"), "{}", done.talk);
}

#[test]
fn the_reference_store_s_limits_are_the_machine_s() {
    let text = FEW.replace("redis: { settings: { down-after: 30s } }", "reference: {}");
    let said = refused(&text);
    assert!(said.contains("whose limits are not its own"), "{said}");
}

const HELD: &str = "
schema: 1
name: held
summary: The primary can open nothing more for a while.
stack:
  redis: { settings: { down-after: 30s } }
targets: { rto: any, rpo: any }
drill:
  - steady: 9s
  - fault: { descriptors: primary }
  - hold: 2s
  - heal: all
  - expect: { recovered: { within: 1m } }
";

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn limits_that_someone_lifts_at_once_are_inconclusive() {
    let drill = Drill::written(HELD);
    let child = drill.spawn();
    wait_for(
        &drill,
        "step-started\":{\"step\":1",
        Duration::from_secs(90),
    );
    let lift = "import os, resource, time\n\
        server = next(int(pid) for pid in os.listdir('/proc') if pid.isdigit() and open(f'/proc/{pid}/comm').read() == 'redis-server\\n')\n\
        ids = [line.split()[1] for line in open(f'/proc/{server}/status') if line[:4] in ('Uid:', 'Gid:')]; os.setgroups([])\n\
        os.setresgid(*[int(ids[1])] * 3); os.setresuid(*[int(ids[0])] * 3); end = time.time() + 8\n\
        while time.time() < end: resource.prlimit(server, 7, (resource.prlimit(server, 7)[1],) * 2); time.sleep(0.001)";
    let among = container(&drill, "r1.among");
    let lifted = Command::new("docker")
        .args(["exec", &among, "python3", "-c", lift])
        .status();
    assert!(lifted.expect("docker").success());
    let output = child.wait_with_output().expect("an end");
    let done = drill.done(&output);
    done.expect(3, "inconclusive");
    let seen = effects(&done);
    assert_eq!(seen.len(), 1, "{}", done.talk);
    assert_eq!(seen[0].0, "not-verified", "{seen:#?}\n{}", done.talk);
    println!("{}", seen[0].1);
}

const MISNAMED: &str = "
schema: 1
name: misnamed
summary: Names come late to the replicas, then to a wrong address, then to nothing.
stack:
  postgres: { settings: { names: true } }
targets: { rto: any, rpo: any }
drill:
  - steady: 9s
  - fault: { dns: { node: replicas, how: slow, delay: 1s } }
  - heal: dns
  - fault: { dns: { node: replica, how: wrong, names: [pg1] } }
  - heal: dns
  - fault: { dns: { node: replica, how: gone, names: [pg1] } }
  - heal: dns
  - expect: { recovered: { within: 1m } }
  - expect: { redundant: { within: 1m } }
";

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn names_come_late_wrongly_and_to_nothing_as_asked_and_rightly_again() {
    let done = Drill::written(MISNAMED).run();
    all_seen(
        &done,
        &["1.0 s later", "came to 192.0.2.1", "came to no answer"],
    );
    assert!(!done.talk.contains("failed to heal"), "{}", done.talk);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_replica_that_cannot_find_its_primary_again_holds_synchronous_writes_back() {
    let done = Drill::shipped("postgres/streaming-dns-gone.yaml").run();
    all_seen(&done, &["came to no answer", "runs again"]);
    done.expect(0, "pass");
    let held = done.value("rto").expect("a figure");
    println!("writes were held back for {held} s");
    assert!(held > 10.0, "names were gone for longer: {held}");
}

#[test]
fn names_that_nobody_looks_up_cannot_go_wrong() {
    let by_address = MISNAMED.replace("{ settings: { names: true } }", "{}");
    let said = refused(&by_address);
    assert!(said.contains("told fixed addresses"), "{said}");
    let said = refused(&MISNAMED.replace("[pg1]", "[pg9]"));
    assert!(said.contains("there is no member `pg9`"), "{said}");
    let said = refused(&MISNAMED.replace(", delay: 1s", ""));
    assert!(said.contains("`delay` goes with `how: slow`"), "{said}");
    let said =
        refused(&MISNAMED.replace("{ names: true }", "{ names: true, replication: toxiproxy }"));
    assert!(said.contains("led to addresses"), "{said}");
}

const EXPIRED: &str = "
schema: 1
name: expired
summary: The primary presents a certificate that has expired, for a while.
stack:
  postgres: { nodes: 2, settings: { tls: true } }
targets: { rto: any, rpo: any }
drill:
  - steady: 9s
  - fault: { certificate: { node: primary, expired: 1h } }
  - hold: 2s
  - heal: all
  - expect: { recovered: { within: 1m } }
";

/// The last whole line of a node's private key.
fn key_of(drill: &Drill, node: &str) -> String {
    let container = container(drill, node);
    let read = Command::new("docker")
        .args(["exec", &container, "cat", "/drdrill/tls/server.key"])
        .output()
        .expect("docker");
    let key = String::from_utf8(read.stdout).expect("text");
    assert!(key.contains("PRIVATE KEY"), "{key}");
    let line = key.lines().find(|line| !line.starts_with('-'));
    line.expect("a line of the key").to_owned()
}

/// Everything below a folder, as it is on disk.
fn bytes_below(folder: &Path) -> Vec<u8> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let read = entries.map(|entry| match entry.path() {
        path if path.is_dir() => bytes_below(&path),
        path => fs::read(path).expect("a file"),
    });
    read.collect::<Vec<_>>().concat()
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_server_whose_certificate_expired_keeps_its_connections_and_takes_no_new_ones() {
    let drill = Drill::written(EXPIRED);
    let child = drill.spawn();
    wait_for(
        &drill,
        "step-started\":{\"step\":0",
        Duration::from_secs(90),
    );
    let key = key_of(&drill, "pg1");
    let folder = drill.folder.path().to_owned();
    let output = child.wait_with_output().expect("an end");
    let done = drill.done(&output);
    all_seen(&done, &["was refused: invalid peer certificate"]);
    let seen = &effects(&done)[0].1;
    assert!(
        seen.contains("a connection opened before answered"),
        "{seen}"
    );
    assert!(!done.talk.contains("failed to heal"), "{}", done.talk);
    let all = bytes_below(&folder);
    assert!(all.len() > 10_000, "{}", all.len());
    let holds = |words: &str| all.windows(words.len()).any(|at| at == words.as_bytes());
    assert!(holds("expired") && !holds(&key) && !holds("PRIVATE KEY"));
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_primary_that_restarts_with_an_expired_certificate_is_shut_off_until_it_is_renewed() {
    let done = Drill::shipped("postgres/streaming-certificate-expired.yaml").run();
    all_seen(
        &done,
        &["was refused: invalid peer certificate", "runs again"],
    );
    done.expect(0, "pass");
    let held = done.value("rto").expect("a figure");
    println!("writes failed for {held} s");
    // Another library, by which the replicas connect, refused it too.
    let log = fs::read_to_string(done.run.join("logs/pg2.log")).expect("a log");
    let said = log
        .lines()
        .find(|line| line.contains("certificate verify failed"));
    println!("{}", said.expect("the replica's own words"));
    assert!(
        held > 22.0,
        "the certificate had expired for longer: {held}"
    );
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_certificate_that_has_not_expired_is_inconclusive() {
    let drill = Drill::written(EXPIRED);
    let child = drill.spawn();
    wait_for(
        &drill,
        "step-started\":{\"step\":0",
        Duration::from_secs(90),
    );
    let container = container(&drill, "pg1");
    let back = "cd /drdrill/tls && cp server.crt good.crt && end=$(($(date +%s) + 20)) && \
        while [ $(date +%s) -lt $end ]; do cp good.crt server.crt; kill -HUP 1; sleep 0.01; done";
    let looped = Command::new("docker")
        .args(["exec", &container, "sh", "-c", back])
        .spawn();
    let output = child.wait_with_output().expect("an end");
    looped.expect("docker").wait().expect("an end");
    let done = drill.done(&output);
    done.expect(3, "inconclusive");
    let seen = effects(&done);
    assert_eq!(seen.len(), 1, "{}", done.talk);
    assert_eq!(seen[0].0, "not-verified", "{seen:#?}\n{}", done.talk);
    assert!(
        seen[0].1.contains("a new handshake was accepted"),
        "{seen:#?}"
    );
    println!("{}", seen[0].1);
}

#[test]
fn certificates_that_nobody_presents_cannot_expire() {
    let said = refused(&EXPIRED.replace("tls: true", "tls: false"));
    assert!(said.contains("no server of this stack presents"), "{said}");
    let said = refused(&EXPIRED.replace("nodes: 2,", "topology: patroni,"));
    assert!(said.contains("without Patroni"), "{said}");
    let redis = EXPIRED.replace(
        "postgres: { nodes: 2, settings: { tls: true } }",
        "redis: {}",
    );
    let said = refused(&redis);
    assert!(said.contains("no server of this stack presents"), "{said}");
    let said = refused(&EXPIRED.replace("expired: 1h", "expired: 1s"));
    assert!(said.contains("a time since it expired"), "{said}");
}
