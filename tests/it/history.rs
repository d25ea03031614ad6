//! Many runs: history and page stay quick, find a change, and give away nothing that is no run.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::Command,
    time::{Duration, Instant},
};

use drdrill::{
    archive::{Archive, trend, trends},
    serve::{Page, listen},
};

use crate::{
    drill_rig::DRDRILL,
    evidence_rig::{Reports, many, many_with, sample},
};

/// Runs that must stay quick.
const MANY: u32 = 5000;
/// What quick means in a debug build on a shared machine.
const QUICK: Duration = Duration::from_secs(20);

#[test]
fn thousands_of_runs_are_listed_in_seconds() {
    let root = tempfile::tempdir().expect("a folder");
    many(root.path(), MANY, |_| 1);
    let begin = Instant::now();
    let archive = Archive::read(root.path()).expect("an archive");
    let read = begin.elapsed();
    assert_eq!(archive.runs.len(), MANY as usize);
    assert!(archive.runs.iter().all(|run| run.summary.is_some()));
    let trends = trends(&archive);
    let judged = begin.elapsed();
    let page = drdrill::report::pages::overview(&archive, &trends);
    let shown = begin.elapsed();
    println!(
        "{MANY} runs: read {read:?}, trends {:?}, page {:?}, {} bytes",
        judged - read,
        shown - judged,
        page.len()
    );
    assert!(shown < QUICK, "{shown:?}");
    let begin = Instant::now();
    let output = Command::new(DRDRILL)
        .arg("history")
        .arg(root.path())
        .output()
        .expect("the binary starts");
    println!("`drdrill history`: {:?}", begin.elapsed());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("5000") && output.status.success(), "{text}");
}

#[test]
fn a_table_of_systems_holds_what_the_runs_measured_and_keeps_changed_ones_apart() {
    let root = tempfile::tempdir().expect("a folder");
    // The last of ten took twice as long, and was run with a value replaced.
    let replaced = |number: u32| -> Vec<(String, String)> {
        let slower = ("stack.reference.settings.detect".into(), "1s".into());
        Vec::from_iter((number == 9).then_some(slower))
    };
    let factor = |number: u32| if number < 9 { 1 } else { 2 };
    many_with(root.path(), 10, factor, replaced);
    let output = Command::new(DRDRILL)
        .args(["history", "--systems"])
        .arg(root.path())
        .output()
        .expect("the binary starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("kill primary"))
        .collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert!(
        rows[0].contains("| 9 | 9/0/0/0 |") && rows[0].contains("n 9"),
        "{text}"
    );
    assert!(
        rows[1].contains("detect=1s") && rows[1].contains("| 1 | 1/0/0/0 |"),
        "{text}"
    );
    let never = text
        .lines()
        .find(|line| line.starts_with("Never drilled: "));
    let never = never.expect("other systems were not drilled");
    assert!(
        never.contains("sharded of mongodb") && !never.contains("of reference"),
        "{never}"
    );
}

#[test]
fn a_rise_of_the_recovery_time_is_found_at_its_run() {
    let root = tempfile::tempdir().expect("a folder");
    many(root.path(), 40, |number| if number < 25 { 1 } else { 3 });
    let archive = Archive::read(root.path()).expect("an archive");
    let scenarios = archive.scenarios();
    let trend = trend(&archive, scenarios[0]);
    let at: Vec<bool> = trend
        .changes
        .iter()
        .map(|it| it.run.id == trend.runs[25].id)
        .collect();
    assert_eq!(at, [true]);
    let (before, after) = trend.changes[0].medians;
    assert!(after > 2.5 * before);
    let gate = Command::new(DRDRILL)
        .args(["history", "--scenario", scenarios[0]])
        .arg(root.path())
        .output()
        .expect("the binary starts");
    let text = String::from_utf8_lossy(&gate.stdout).into_owned();
    assert!(text.contains("the recovery time rose with run"), "{text}");
    let steady = tempfile::tempdir().expect("a folder");
    many(steady.path(), 40, |_| 1);
    let archive = Archive::read(steady.path()).expect("an archive");
    assert!(trends(&archive)[0].changes.is_empty());
}

#[test]
fn runs_without_a_register_and_damaged_results_are_still_listed() {
    let root = tempfile::tempdir().expect("a folder");
    let folder = root.path().join("reference-primary-kill");
    fs::create_dir(&folder).expect("a folder");
    let name = sample().file_name().expect("a name").to_owned();
    fs::create_dir(folder.join(&name)).expect("a folder");
    for entry in fs::read_dir(sample())
        .expect("a run")
        .flatten()
        .filter(|it| it.path().is_file())
    {
        fs::copy(entry.path(), folder.join(&name).join(entry.file_name())).expect("a copy");
    }
    let archive = Archive::read(root.path()).expect("an archive");
    assert!(!archive.registered && archive.runs[0].summary.is_some());
    fs::write(folder.join(&name).join("result.json"), "{").expect("a file");
    let archive = Archive::read(root.path()).expect("an archive");
    assert_eq!(
        (archive.runs.len(), archive.runs[0].summary.is_none()),
        (1, true)
    );
}

fn ask(address: SocketAddr, path: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn the_page_shows_runs_and_nothing_else() {
    let reports = Reports::signed();
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let archive = Archive::read(reports.path()).expect("an archive");
    let listener = runtime
        .block_on(listen(SocketAddr::from(([127, 0, 0, 1], 0))))
        .expect("an address");
    let address = listener.local_addr().expect("an address");
    runtime.spawn(Page::new(archive).serve(listener, std::future::pending()));
    let get = |path: &str| ask(address, path, "localhost:7070");
    let (a, b) = (reports.name(0), reports.name(2));
    for (path, words) in [
        ("/".to_owned(), "3 runs of 1 scenario<"),
        (
            "/scenario/reference-primary-kill".into(),
            "Compare A with B",
        ),
        (format!("/compare?a={a}&b={b}"), "Two runs side by side"),
        (
            format!("/run/{a}/report.html"),
            "PASS: reference-primary-kill",
        ),
        (
            format!("/run/{a}/report.html"),
            "<a href=\"/scenario/reference-primary-kill\" ",
        ),
        (format!("/run/{a}/manifest.json"), "scenario_sha256"),
    ] {
        let answer = get(&path);
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        assert!(answer.contains(words), "{path}: {answer}");
        assert!(
            answer.contains("content-security-policy: default-src 'none'"),
            "{path}"
        );
    }
    for path in [
        format!("/run/{a}/..%2f..%2fregister.jsonl"),
        format!("/run/{a}/%2e%2e"),
        format!("/run/{a}/logs%2fn1.log"),
        "/run/..%2f..%2fetc/passwd".into(),
        "/scenario/..%2f".into(),
        "/compare?a=x&b=y".into(),
        "/register.jsonl".into(),
    ] {
        let answer = get(&path);
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
        assert!(
            answer.contains("<a href=\"/\">All scenarios</a>"),
            "a way on: {path}"
        );
    }
    let elsewhere = ask(address, "/", "attacker.example");
    assert!(elsewhere.starts_with("HTTP/1.1 421"), "{elsewhere}");
    let posted = {
        let mut stream = TcpStream::connect(address).expect("a connection");
        let request =
            "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    };
    assert!(posted.starts_with("HTTP/1.1 405"), "{posted}");
    reports.forge(8, |_| {});
    assert!(
        get("/").contains("4 runs of 1 scenario<"),
        "a new run shows without a restart"
    );
    reports.forge(9, |opened| {
        opened.overrides = vec![("clients.service.rate".into(), "10/s".into())];
    });
    let overview = get("/");
    let link = overview
        .split("href=\"")
        .find(|link| link.contains("10%2Fs"));
    let link = link
        .and_then(|link| link.split('"').next())
        .expect("a link to the variant");
    let variant = get(link);
    assert!(
        variant.starts_with("HTTP/1.1 200"),
        "a variant with a slash: {link}: {variant}"
    );
}
