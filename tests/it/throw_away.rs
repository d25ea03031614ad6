//! The containers that images and the machine are looked into with, before there is a stack: nothing stays of them.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Output, Stdio},
    sync::mpsc::channel,
    thread,
    time::Duration,
};

use drdrill::time::wall_now;

use crate::{
    drill_rig::Drill,
    drills::{labelled, nothing_left},
};

/// A fault of disks: whether this machine can have one is looked at in a container.
const DISKS: &str = "schema: 1
name: looked-at
summary: A full disk.
stack:
  redis: { settings: { persistence: aof } }
targets: { rto: any, rpo: any }
drill:
  - steady: 2s
  - fault: { disk-full: primary }
  - hold: 2s
  - heal: all
";

/// The engine's events, ended with the test.
struct Events(Child);

impl Drop for Events {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts drdrill, and does something to it as soon as the engine has made its first container.
fn at_first_container(drill: &Drill, act: impl FnOnce(&mut Child)) -> Output {
    let since = wall_now().to_string();
    let events = Command::new("docker")
        .args(["events", "--since", &since, "--filter", "label=drdrill.run"])
        .args(["--filter", "event=create"])
        .args(["--format", "{{index .Actor.Attributes \"drdrill.run\"}}"])
        .stdout(Stdio::piped())
        .spawn();
    let mut events = Events(events.expect("docker"));
    let made = BufReader::new(events.0.stdout.take().expect("its output")).lines();
    let (say, hear) = channel();
    thread::spawn(move || {
        made.map_while(Result::ok)
            .for_each(|run| drop(say.send(run)))
    });
    let mut child = drill.spawn();
    let first = hear.recv_timeout(Duration::from_secs(60));
    act(&mut child);
    let output = child.wait_with_output().expect("an end");
    assert_eq!(first.expect("a container"), drill.run_name());
    output
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn an_interrupt_while_the_machine_is_looked_at_leaves_nothing() {
    let drill = Drill::written(DISKS);
    let output = at_first_container(&drill, |child| {
        let pid = child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &pid]).status();
        assert!(sent.expect("kill").success());
    });
    let done = drill.done(&output);
    assert_eq!(done.exit, 130, "{}", done.talk);
    nothing_left(&done);
    assert_eq!(done.result["residue"]["removed"], 1, "{}", done.talk);
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_kill_while_the_machine_is_looked_at_leaves_nothing_after_the_first_sweep() {
    let drill = Drill::written(DISKS);
    at_first_container(&drill, |child| child.kill().expect("a signal"));
    let run = drill.run_name();
    assert_ne!(labelled(&run), "", "the kill left a container");
    let (code, said) = drill.sweep();
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains(&format!("swept run {run}: 1 thing removed")),
        "{said}"
    );
    assert_eq!(labelled(&run), "");
}
