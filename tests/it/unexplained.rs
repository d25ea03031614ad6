//! What no step of a drill caused: nodes ended, frozen and removed from outside, and a server that ends by itself.

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use crate::{
    drill_rig::{Done, Drill},
    drills::wait_for,
    faults::container,
};

const KILL: &str = "reference/primary-kill.yaml";
const NOOP: &str = "reference/noop.yaml";

/// The second step has begun to wait, in a kill and in a control.
const STRUCK: &str = "\"effect\"";
pub const BEGUN: &str = "step-started\":{\"step\":0";

/// Runs a drill, does something from outside at a moment, and returns how it ended and how long that took since.
fn meddled(drill: Drill, moment: &str, meddle: impl FnOnce(&Drill)) -> (Done, Duration) {
    let child = drill.spawn();
    meddled_as(drill, child, moment, |drill, _| meddle(drill))
}

/// The same of a drill that was started, for what also needs the number of its process.
pub fn meddled_as(
    drill: Drill,
    child: Child,
    moment: &str,
    meddle: impl FnOnce(&Drill, u32),
) -> (Done, Duration) {
    wait_for(&drill, moment, Duration::from_secs(90));
    std::thread::sleep(Duration::from_millis(500));
    meddle(&drill, child.id());
    let since = Instant::now();
    let output = child.wait_with_output().expect("an end");
    let took = since.elapsed();
    println!("ended {took:?} after it");
    (drill.done(&output), took)
}

/// The processes of the nodes of the reference store, oldest first: children that name their run.
pub fn processes(drill: &Drill) -> Vec<u32> {
    let own = format!("DRDRILL_RUN={}", drill.run_name());
    let mut found: Vec<u32> = std::fs::read_dir("/proc")
        .expect("processes")
        .flatten()
        .filter_map(|entry| entry.file_name().to_string_lossy().parse().ok())
        .filter(|pid: &u32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .split(|byte| *byte == 0)
                .any(|one| one == own.as_bytes())
        })
        .collect();
    found.sort_unstable();
    found
}

/// The process of a replica.
fn process(drill: &Drill) -> String {
    // The first is the primary, which a kill may have taken.
    let last = processes(drill).pop();
    last.expect("a replica").to_string()
}

fn signalled(signal: &str) -> impl FnOnce(&Drill) {
    let signal = signal.to_owned();
    move |drill| {
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), &process(drill)])
            .status();
        assert!(sent.expect("kill").success());
    }
}

/// The verdict is inconclusive for this reason, the terminal names it, and nothing was waited for.
pub fn void(done: &Done, took: Duration, words: &str) {
    done.expect(3, "inconclusive");
    assert_eq!(done.finding("unexplained"), "unknown", "{}", done.talk);
    assert!(done.talk.contains(words), "{words}\n{}", done.talk);
    assert!(took < Duration::from_secs(15), "{took:?}\n{}", done.talk);
}

#[test]
fn a_replica_that_an_outsider_kills_voids_a_drill_and_ends_its_waits() {
    let (done, took) = meddled(Drill::shipped(KILL), STRUCK, signalled("KILL"));
    void(&done, took, "(SIGKILL), from outside: no step did it");
}

#[test]
fn a_replica_that_an_outsider_kills_voids_a_control() {
    let (done, took) = meddled(Drill::shipped(NOOP), BEGUN, signalled("KILL"));
    void(&done, took, "(SIGKILL), from outside: no step did it");
}

#[test]
fn a_replica_that_an_outsider_freezes_voids_a_control() {
    let (done, took) = meddled(Drill::shipped(NOOP), BEGUN, signalled("STOP"));
    void(&done, took, "was frozen, from outside: no step did it");
}

#[test]
fn a_server_that_ends_by_itself_is_told_and_counts_and_is_not_waited_for() {
    // No room for its next allocation: it aborts.
    let starve = |drill: &Drill| {
        let limited = Command::new("prlimit")
            .args(["--pid", &process(drill), "--as=4096"])
            .status();
        assert!(limited.expect("prlimit").success());
    };
    let (done, took) = meddled(Drill::shipped(NOOP), BEGUN, starve);
    assert_eq!(done.finding("unexplained"), "remark", "{}", done.talk);
    assert!(
        done.talk.contains("by itself: no step did it"),
        "{}",
        done.talk
    );
    assert!(done.talk.contains("nothing will start it"), "{}", done.talk);
    assert!(!done.talk.contains("aborted"), "{}", done.talk);
    assert!(took < Duration::from_secs(45), "{took:?}\n{}", done.talk);
}

#[test]
#[cfg_attr(
    not(docker_tests),
    ignore = "mounts a file system of 64 MiB: make test"
)]
fn a_disk_that_someone_fills_voids_a_control() {
    let drill = Drill::shipped(NOOP);
    let state = drill.folder.path().join("state");
    let state = state.to_str().expect("text");
    fs::DirBuilder::new()
        .mode(0o700)
        .create(state)
        .expect("a folder");
    let mounted = Mount::of(state);
    let (done, took) = meddled(drill, BEGUN, |_| {
        fs::write(format!("{}/filler", mounted.0), vec![0; 60 << 20]).expect("a file");
    });
    drop(mounted);
    void(&done, took, "KiB left, from outside: no step did it");
}

/// A small file system, unmounted at the end.
struct Mount(String);

impl Mount {
    fn of(folder: &str) -> Self {
        let options = ["-t", "tmpfs", "-o", "size=64m,mode=700", "tmpfs", folder];
        assert!(
            Command::new("mount")
                .args(options)
                .status()
                .expect("mount")
                .success()
        );
        Self(folder.to_owned())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l", &self.0]).status();
    }
}

/// Does something with the engine's own tool to a replica of a Redis drill.
fn by_docker(arguments: &'static [&'static str]) -> (Done, Duration) {
    by_docker_to("redis/sentinel-kill.yaml", "r3", arguments)
}

fn by_docker_to(drill: &str, node: &str, arguments: &'static [&'static str]) -> (Done, Duration) {
    meddled(Drill::shipped(drill), BEGUN, |drill| {
        let done = Command::new("docker")
            .args(arguments)
            .arg(container(drill, node))
            .status();
        assert!(done.expect("docker").success());
    })
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_replica_that_someone_kills_in_the_engine_voids_the_drill() {
    let (done, took) = by_docker(&["kill"]);
    void(
        &done,
        took,
        "r3 ended with exit code 137 (SIGKILL), from outside",
    );
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_replica_that_someone_pauses_in_the_engine_voids_the_drill() {
    let (done, took) = by_docker(&["pause"]);
    void(&done, took, "r3 was frozen, from outside");
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_server_that_someone_stops_below_its_init_voids_the_drill() {
    let drill = Drill::shipped("redis/sentinel-kill.yaml");
    let (done, took) = meddled(drill, BEGUN, |drill| {
        let init = docker(&["inspect", "-f", "{{.State.Pid}}", &container(drill, "r3")]);
        // The container's main process is the init; the server is what it started.
        let below = fs::read_to_string(format!("/proc/{init}/task/{init}/children"));
        let below = below.expect("its children");
        let sent = Command::new("kill").args(["-STOP", below.trim()]).status();
        assert!(sent.expect("kill").success());
    });
    void(&done, took, "r3 was frozen, from outside");
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_replica_that_someone_removes_in_the_engine_voids_the_drill() {
    let (done, took) = by_docker(&["rm", "-f"]);
    // Its end is seen before it is gone, or only that it is gone.
    void(&done, took, "from outside: no step did it");
}

/// Restarts a replica while drdrill is held, so that the restart lies between two looks for certain.
fn restart(drill: &Drill, own: &str) {
    let ran = |program: &str, arguments: &[&str]| {
        let done = Command::new(program).args(arguments).status();
        assert!(done.expect("a program").success(), "{program}");
    };
    ran("kill", &["-STOP", own]);
    ran("docker", &["restart", "-t", "0", &container(drill, "r3")]);
    ran("kill", &["-CONT", own]);
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_replica_that_someone_restarts_between_two_looks_voids_the_drill() {
    let drill = Drill::shipped("redis/sentinel-kill.yaml");
    let child = drill.spawn();
    let (done, took) = meddled_as(drill, child, BEGUN, |drill, own| {
        restart(drill, &own.to_string());
    });
    // Its process is not the one that the drill started.
    void(
        &done,
        took,
        "r3 ended with exit code 137 (SIGKILL), from outside",
    );
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_restart_between_two_looks_voids_the_drill_where_the_engine_is_elsewhere() {
    let drill = Drill::shipped("redis/sentinel-kill.yaml");
    let child = drill.spawn_apart();
    let (done, took) = meddled_as(drill, child, BEGUN, |drill, unshare| {
        let own = fs::read_to_string(format!("/proc/{unshare}/task/{unshare}/children"));
        restart(drill, own.expect("its children").trim());
    });
    void(&done, took, "r3 was started again, from outside");
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_prometheus_that_someone_kills_voids_the_drill() {
    let (done, took) = by_docker_to("redis/sentinel-kill-alert.yaml", "prometheus", &["kill"]);
    void(&done, took, "prometheus ended with exit code 137 (SIGKILL)");
}

/// Runs the engine's own tool, and returns what it says.
pub fn docker(arguments: &[&str]) -> String {
    let done = Command::new("docker").args(arguments).output();
    let done = done.expect("docker");
    let error = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{arguments:?}: {error}");
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_replica_that_is_frozen_and_let_go_on_between_two_looks_voids_the_drill() {
    let drill = Drill::shipped("redis/sentinel-kill.yaml");
    let (done, took) = meddled(drill, BEGUN, |drill| {
        let replica = container(drill, "r3");
        docker(&["pause", &replica]);
        docker(&["unpause", &replica]);
    });
    void(&done, took, "r3 was frozen, from outside");
    assert!(done.talk.contains("by the engine's clock"), "{}", done.talk);
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_helper_that_someone_kills_voids_a_drill_that_needs_it() {
    let drill = "redis/sentinel-partition.yaml";
    let (done, took) = by_docker_to(drill, "r3.sidecar", &["kill"]);
    void(&done, took, "need, ended with exit code 137 (SIGKILL)");
}

/// A container that is none of the run's, removed at the end.
struct Stranger(String);

impl Stranger {
    /// Joins the network of the drill's nodes, by its arguments with an address of its own.
    fn join(drill: &Drill, node: &str, address: Option<&str>) -> Self {
        let (network, image) = (network_of(drill, node), image_of(drill, node));
        let mut arguments = vec!["run", "-d", "--network", &network];
        arguments.extend(address.iter().flat_map(|address| ["--ip", address]));
        arguments.extend(["--entrypoint", "sleep", &image, "60"]);
        Self(docker(&arguments))
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rm", "-f", &self.0]).output();
    }
}

fn network_of(drill: &Drill, node: &str) -> String {
    let format = "{{.HostConfig.NetworkMode}}";
    docker(&["inspect", "-f", format, &container(drill, node)])
}

fn image_of(drill: &Drill, node: &str) -> String {
    docker(&["inspect", "-f", "{{.Image}}", &container(drill, node)])
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_stranger_on_the_drills_network_voids_the_drill() {
    let drill = Drill::shipped("redis/sentinel-kill.yaml");
    let (done, took) = meddled(drill, BEGUN, |drill| {
        let _stranger = Stranger::join(drill, "r3", None);
        thread::sleep(Duration::from_secs(3));
    });
    void(&done, took, "joined the drill's network as");
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn an_address_that_a_stranger_took_voids_the_drill() {
    let drill = Drill::shipped("redis/sentinel-kill.yaml");
    let (done, took) = meddled(drill, BEGUN, |drill| {
        let (network, replica) = (network_of(drill, "r3"), container(drill, "r3"));
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let address = docker(&["inspect", "-f", format, &replica]);
        docker(&["network", "disconnect", &network, &replica]);
        let _stranger = Stranger::join(drill, "r3", Some(&address));
        thread::sleep(Duration::from_secs(3));
    });
    void(&done, took, "the address of r3");
    let lost = "r3 was taken off the drill's network";
    assert!(done.talk.contains(lost), "{}", done.talk);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_replica_whose_memory_runs_out_ended_by_itself() {
    let (done, _) = meddled(Drill::shipped("redis/sentinel-kill.yaml"), BEGUN, |drill| {
        let limit = ["--memory", "40m", "--memory-swap", "40m"];
        docker(&[&["update"], &limit[..], &[&container(drill, "r3")]].concat());
        // The primary has room for it.
        let grow = ["redis-cli", "SETRANGE", "grown", "100000000", "x"];
        docker(&[&["exec", &container(drill, "r1")], &grow[..]].concat());
    });
    let words = "r3 ended with exit code 137 (SIGKILL), killed by the kernel because its memory ran out, by itself";
    assert!(done.talk.contains(words), "{}", done.talk);
    assert_eq!(done.finding("unexplained"), "remark", "{}", done.talk);
}
