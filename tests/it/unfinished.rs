//! Runs that drdrill could not carry to their end: each is closed in the register, at once or by the next sweep.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::drill_rig::DRDRILL;

/// How often drdrill is killed after its line in the register.
const KILLS: u32 = 20;
/// How much later each kill comes.
const STEP: Duration = Duration::from_micros(500);

const SCENARIO: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/scenarios/reference/primary-kill.yaml"
);

fn drdrill(base: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(DRDRILL);
    command
        .args(arguments)
        .env("DRDRILL_STATE", base.join("state"))
        .current_dir(base);
    command
}

fn run(base: &Path) -> Output {
    let drill = drdrill(base, &["run", SCENARIO, "--out", "reports"]).output();
    drill.expect("the binary starts")
}

/// The runs that the register says were opened, and how each was closed.
fn register(base: &Path) -> (Vec<String>, Vec<Value>) {
    let text = fs::read_to_string(base.join("reports/register.jsonl")).unwrap_or_default();
    let lines = text.lines().map(serde_json::from_str);
    let lines: Vec<Value> = lines.collect::<Result<_, _>>().expect("whole lines");
    let of = |what: &str| {
        let lines = lines.iter().map(|line| &line["what"][what]);
        lines.filter(|line| line.is_object()).cloned().collect()
    };
    let opened: Vec<Value> = of("opened");
    let name = |line: &Value| line["run"].as_str().expect("a run").to_owned();
    (opened.iter().map(name).collect(), of("closed"))
}

fn says(output: &Output, words: &str) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{text}");
    assert!(text.contains(words), "{words}\n{text}");
}

#[test]
fn a_state_folder_that_is_refused_leaves_nothing_open() {
    let base = tempfile::tempdir().expect("a folder");
    let state = base.path().join("state");
    fs::create_dir(&state).expect("a folder");
    fs::set_permissions(&state, fs::Permissions::from_mode(0o777)).expect("its mode");
    says(&run(base.path()), "other users may write to");
    assert_eq!(register(base.path()).0, Vec::<String>::new());
}

#[test]
fn a_run_whose_folder_cannot_be_made_is_closed_with_the_reason() {
    let base = tempfile::tempdir().expect("a folder");
    fs::create_dir(base.path().join("reports")).expect("a folder");
    let taken = base.path().join("reports/reference-primary-kill");
    fs::write(taken, "no folder").expect("a file");
    says(&run(base.path()), "reference-primary-kill");
    let (opened, closed) = register(base.path());
    assert_eq!((opened.len(), closed.len()), (1, 1));
    let why = closed[0]["status"]["aborted"].as_str();
    assert!(why.is_some_and(|why| why.contains("reference-primary-kill")));
    let journals = fs::read_dir(base.path().join("state")).expect("a folder");
    let journals = journals.flatten().map(|entry| entry.path());
    assert_eq!(
        journals
            .filter(|it| it.extension().is_some_and(|end| end == "jsonl"))
            .count(),
        0,
        "its journal is gone"
    );
}

#[test]
fn a_kill_after_the_line_in_the_register_is_closed_by_the_next_sweep() {
    let mut open = Vec::new();
    for kill in 0..KILLS {
        let base = tempfile::tempdir().expect("a folder");
        let arguments = ["run", SCENARIO, "--out", "reports"];
        let mut drill = drdrill(base.path(), &arguments);
        let mut drill = drill
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("it starts");
        first_line(base.path());
        sleep(STEP * kill);
        drill.kill().expect("a SIGKILL");
        drill.wait().expect("an end");
        let swept = drdrill(base.path(), &["sweep"])
            .output()
            .expect("it starts");
        let (opened, closed) = register(base.path());
        if opened.len() != closed.len() {
            open.push((kill, String::from_utf8_lossy(&swept.stdout).into_owned()));
        }
    }
    assert!(
        open.is_empty(),
        "{} of {KILLS} stay open: {open:?}",
        open.len()
    );
}

#[test]
fn too_few_open_files_are_named_before_anything_is_begun() {
    for allowed in [16, 24, 255] {
        let base = tempfile::tempdir().expect("a folder");
        let limited = Command::new("sh")
            .args(["-c", &format!("ulimit -n {allowed}; exec \"$0\" \"$@\"")])
            .args([DRDRILL, "run", SCENARIO, "--out", "reports"])
            .env("DRDRILL_STATE", base.path().join("state"))
            .current_dir(base.path())
            .output();
        let limited = limited.expect("a shell");
        says(&limited, &format!("may hold {allowed} files open"));
        assert_eq!(register(base.path()).0, Vec::<String>::new());
    }
}

#[test]
fn a_low_soft_limit_is_raised() {
    let base = tempfile::tempdir().expect("a folder");
    let mut limited = Command::new("sh")
        .args(["-c", "ulimit -S -n 20; exec \"$0\" \"$@\""])
        .args([DRDRILL, "run", SCENARIO, "--out", "reports"])
        .env("DRDRILL_STATE", base.path().join("state"))
        .current_dir(base.path())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell");
    first_line(base.path());
    let limits = fs::read_to_string(format!("/proc/{}/limits", limited.id())).expect("its limits");
    limited.kill().expect("a SIGKILL");
    limited.wait().expect("an end");
    let swept = drdrill(base.path(), &["sweep"]).status();
    assert!(swept.expect("it starts").success());
    let line = limits
        .lines()
        .find_map(|it| it.strip_prefix("Max open files"));
    let soft = line.and_then(|it| it.split_whitespace().next()?.parse().ok());
    assert!(soft.is_some_and(|soft: u64| soft >= 256), "{limits}");
}

/// Waits for the first line of the register.
fn first_line(base: &Path) {
    let begun = Instant::now();
    while fs::metadata(base.join("reports/register.jsonl")).map_or(0, |facts| facts.len()) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "no line");
    }
}
