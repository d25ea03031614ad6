//! A disk that fills up during a drill.

use std::{path::Path, process::Command};

use crate::drill_rig::DRDRILL;

#[test]
#[cfg_attr(
    not(docker_tests),
    ignore = "mounts a file system of 40 KiB: make test"
)]
fn a_drill_whose_disk_fills_up_removes_what_it_made_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let (small, state) = (folder.path().join("small"), folder.path().join("state"));
    std::fs::create_dir(&small).expect("a folder");
    let scenario =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/reference/primary-kill.yaml");
    // The mount is gone with the process that sees it.
    let script =
        "mount -t tmpfs -o size=40k tmpfs \"$1\" && exec \"$2\" run \"$3\" --out \"$1/reports\"";
    let output = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", script, "sh"])
        .args([&small, Path::new(DRDRILL), &scenario])
        .env("DRDRILL_STATE", &state)
        .output()
        .expect("unshare");
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{talk}");
    assert!(talk.contains("has space left"), "{talk}");
    assert!(talk.contains("nothing left"), "{talk}");
    let nodes = state.join("nodes");
    let left = nodes.read_dir().map_or(0, Iterator::count);
    assert_eq!(left, 0, "{talk}");
}
