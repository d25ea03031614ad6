//! A harness that was kept from its work does not print a recovery time. These need a machine to themselves.

use std::{
    process::{Child, Command},
    thread::sleep,
    time::Duration,
};

use crate::{drill_rig::Drill, drills::wait_for};

/// Keeps one processor busy with 200 loops for some seconds.
fn hog(processor: &str, seconds: u32) -> Child {
    let loops = format!(
        "i=0; while [ $i -lt 200 ]; do timeout {seconds} sh -c 'while :; do :; done' & i=$((i+1)); done; wait"
    );
    let mut taskset = Command::new("taskset");
    taskset.args(["-c", processor, "sh", "-c", &loops]);
    taskset.spawn().expect("taskset of util-linux")
}

#[test]
fn a_processor_hog_beside_the_harness_voids_the_recovery_time() {
    let drill = Drill::shipped("reference/primary-kill.yaml");
    let child = drill.spawn();
    wait_for(&drill, "steady for", Duration::from_secs(30));
    // The harness has one processor from now on; the nodes keep all of them.
    let pid = child.id().to_string();
    let pinned = Command::new("taskset").args(["-acp", "0", &pid]).output();
    assert!(pinned.expect("taskset of util-linux").status.success());
    wait_for(&drill, "disrupted", Duration::from_secs(30));
    let mut hog = hog("0", 4);
    let output = child.wait_with_output().expect("an end");
    hog.wait().expect("an end of the loops");
    let done = drill.done(&output);
    assert_eq!(done.line("rto"), "inconclusive", "{}", done.talk);
    assert_eq!(done.exit, 3, "{}", done.talk);
    let reasons = done.reasons();
    assert!(reasons.contains(&"lateness"), "{reasons:?}\n{}", done.talk);
}

#[test]
fn a_suspended_harness_voids_its_own_recovery_time() {
    let drill = Drill::shipped("reference/primary-kill.yaml");
    let child = drill.spawn();
    wait_for(&drill, "disrupted", Duration::from_secs(30));
    let pid = child.id().to_string();
    let signal = |name: &str| {
        assert!(
            Command::new("kill")
                .args([name, &pid])
                .status()
                .is_ok_and(|s| s.success())
        )
    };
    signal("-STOP");
    sleep(Duration::from_secs(3));
    signal("-CONT");
    let done = {
        let output = child.wait_with_output().expect("an end");
        drill.done(&output)
    };
    assert_eq!(done.line("rto"), "inconclusive", "{}", done.talk);
    done.expect(3, "inconclusive");
    assert!(
        done.reasons().iter().any(|name| name.contains("lateness")),
        "{:?}\n{}",
        done.reasons(),
        done.talk
    );
}
