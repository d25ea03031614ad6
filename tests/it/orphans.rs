//! SIGKILL of drdrill around the start of processes: none is left, and none has drdrill's secrets.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::drill_rig::DRDRILL;

/// How often drdrill is killed.
const KILLS: u32 = 60;
/// How much later after the first process each kill comes.
const STEP: Duration = Duration::from_micros(150);
/// How long a signal may take to end a process.
const END: Duration = Duration::from_secs(2);

const SECRET: &str = "DRDRILL_SIGNING_KEY=planted";

/// What a process was started with, as text; empty where it has ended or is another user's.
fn environment(pid: u32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', "\n")
}

/// The processes whose environment names this folder.
fn that_name(folder: &Path) -> Vec<u32> {
    let folder = folder.to_str().expect("text");
    let all = fs::read_dir("/proc")
        .expect("a list of processes")
        .flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| environment(*pid).contains(folder))
        .collect()
}

/// The children of a process.
fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    tasks
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|it| it.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

fn drdrill(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(DRDRILL);
    command
        .args(arguments)
        .env("DRDRILL_STATE", folder.join("state"))
        .env("PLANTED", SECRET)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

#[test]
fn a_kill_around_the_start_of_a_process_leaves_none() {
    let mut orphans = Vec::new();
    for kill in 0..KILLS {
        let base = tempfile::tempdir().expect("a folder");
        let folder = base.path().canonicalize().expect("a path");
        let out = folder.join("reports");
        let scenario = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/scenarios/reference/primary-kill.yaml"
        );
        let run = ["run", scenario, "--out", out.to_str().expect("text")];
        let mut drill = drdrill(&folder, &run).spawn().expect("the binary starts");
        let begun = Instant::now();
        while children(drill.id()).is_empty() {
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "nothing was started"
            );
        }
        sleep(STEP * kill);
        drill.kill().expect("a SIGKILL");
        drill.wait().expect("an end");
        drdrill(&folder, &["sweep"])
            .status()
            .expect("the binary starts");
        let swept = Instant::now();
        while !that_name(&folder).is_empty() && swept.elapsed() < END {
            sleep(Duration::from_millis(5));
        }
        orphans.extend(that_name(&folder));
    }
    for pid in &orphans {
        let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
    }
    assert!(
        orphans.is_empty(),
        "{} of {KILLS} kills left {orphans:?}",
        orphans.len()
    );
}

#[test]
fn a_process_has_nothing_of_drdrills_environment_that_may_be_secret() {
    let base = tempfile::tempdir().expect("a folder");
    let out = base.path().join("reports");
    let scenario = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/scenarios/reference/primary-kill.yaml"
    );
    let run = ["run", scenario, "--out", out.to_str().expect("text")];
    let mut drill = drdrill(base.path(), &run)
        .spawn()
        .expect("the binary starts");
    let begun = Instant::now();
    let started = loop {
        let mut seen = children(drill.id()).into_iter().map(environment);
        // Between fork and exec a child is still a copy of drdrill.
        let node = seen.rfind(|text| text.contains("DRDRILL_RUN="));
        if node.is_some() || begun.elapsed() > Duration::from_secs(30) {
            break node;
        }
    };
    drill.kill().expect("a SIGKILL");
    drill.wait().expect("an end");
    drdrill(base.path(), &["sweep"])
        .status()
        .expect("the binary starts");
    let started = started.expect("a node");
    assert!(!started.contains(SECRET), "{started}");
    for line in started.lines() {
        let name = line.split('=').next().unwrap_or_default();
        let known = [
            "PATH",
            "LANG",
            "TZ",
            "TMPDIR",
            "DRDRILL_RUN",
            "DRDRILL_OWNER",
            "DRDRILL_STATE",
        ];
        assert!(known.contains(&name), "{line}");
    }
}
