//! Hostile folders and names: what is damaged, foreign or nothing never passes, never hangs, and says nothing of its own.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::TcpStream,
    os::unix::{fs::symlink, process::ExitStatusExt},
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::Duration,
};

use drdrill::{
    evidence::{Opening, Register, SigningKey, sign_folder},
    id::RunId,
    record::Status,
    time::Clock,
};
use nix::{
    sys::{
        signal::{Signal, kill},
        stat::Mode,
    },
    unistd::{Pid, mkfifo},
};

use crate::{
    drill_rig::DRDRILL,
    evidence_rig::{Reports, many, verify},
};

/// How long a command may take that must not wait.
const AT_ONCE: Duration = Duration::from_secs(20);

/// Runs a command to its end, which must come.
fn ends(arguments: &[&str]) -> Output {
    let child = Command::new(DRDRILL)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env_remove("DRDRILL_SIGNING_KEY")
        .spawn()
        .expect("the binary starts");
    ended(child, &format!("{arguments:?}"))
}

fn ended(mut child: Child, what: &str) -> Output {
    let clock = Clock::start();
    while child.try_wait().expect("a process").is_none() {
        if Duration::from_nanos(clock.now().0) > AT_ONCE {
            child.kill().expect("a process");
            panic!("{what} hangs");
        }
        sleep(Duration::from_millis(20));
    }
    child.wait_with_output().expect("its output")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a name that is text")
}

/// What `drdrill verify` prints for people, and its exit code.
fn said(folder: &Path, key: &SigningKey, more: &[&str]) -> (i32, String) {
    let line = key.public().line();
    let output = ends(&[&["verify", text(folder), "--key", &line][..], more].concat());
    let out = String::from_utf8(output.stdout).expect("text");
    (output.status.code().unwrap_or(-1), out)
}

fn last(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

fn open(reports: &Path, overrides: Vec<(String, String)>, folder: &str) -> RunId {
    let run = RunId::new("20261121t235959", 7);
    let opening = Opening {
        run: run.clone(),
        scenario: "reference-primary-kill".into(),
        scenario_sha256: String::new(),
        overrides,
        opening_sha256: String::new(),
        folder: folder.replace("RUN", &run.to_string()),
        started: "2026-11-21T23:59:59Z".into(),
        attempt: None,
    };
    Register::of(reports).open(&opening).expect("a line");
    run
}

fn copied(run: &Path, to: &Path) {
    let copy = Command::new("cp").arg("-a").args([run, to]).status();
    assert!(copy.expect("cp").success());
}

#[test]
fn nothing_verified_is_no_success_and_what_was_not_verified_is_counted() {
    let (key, _) = SigningKey::generate(None).expect("a key");
    let root = tempfile::tempdir().expect("a folder");
    File::create(root.path().join("register.jsonl")).expect("an empty register");
    let (exit, out) = said(root.path(), &key, &[]);
    assert_eq!(exit, 6, "{out}");
    assert!(last(&out).starts_with("Nothing was verified"), "{out}");
    open(root.path(), Vec::new(), "reference-primary-kill/RUN");
    let (exit, out) = said(root.path(), &key, &[]);
    assert_eq!(exit, 6, "{out}");
    assert!(
        last(&out).contains("1 run was opened and never closed"),
        "{out}"
    );
    assert!(!out.contains("signed by"), "{out}");
    let found = verify(root.path(), &key.public().line(), &[]);
    assert_eq!(
        (found.exit, found.json["verified"].as_bool()),
        (6, Some(false))
    );
    let reports = Reports::signed();
    let run = open(reports.path(), Vec::new(), "reference-primary-kill/RUN");
    let (exit, out) = said(reports.path(), &reports.key, &[]);
    assert_eq!(exit, 0, "{out}");
    assert!(last(&out).starts_with("Everything in 3 runs"), "{out}");
    assert!(
        last(&out).contains("1 run was opened and never closed"),
        "{out}"
    );
    let closing = drdrill::evidence::Closing {
        run,
        status: Status::Interrupted,
        verdict: None,
        manifest_sha256: None,
    };
    Register::of(reports.path())
        .close(&closing)
        .expect("a line");
    let (_, out) = said(reports.path(), &reports.key, &[]);
    assert!(
        last(&out).contains("1 run was closed without a manifest"),
        "{out}"
    );
}

#[test]
fn an_unsigned_run_is_not_signed_and_not_tampered_with() {
    let reports = Reports::signed();
    for run in &reports.runs {
        for name in ["manifest.json.minisig", "manifest.dsse.json"] {
            fs::remove_file(run.join(name)).expect("a signature");
        }
    }
    let (exit, out) = said(reports.path(), &reports.key, &[]);
    assert_eq!(exit, 6, "{out}");
    assert_eq!(out.matches("NOT SIGNED").count(), 3, "{out}");
    assert!(last(&out).starts_with("3 runs were not signed"), "{out}");
    assert!(!out.contains("not what the runs left"), "{out}");
    // One signature of two is no unsigned run.
    sign_folder(&reports.runs[0], &reports.key).expect("a signature");
    fs::remove_file(reports.runs[0].join("manifest.json.minisig")).expect("a signature");
    let (exit, out) = said(&reports.runs[0], &reports.key, &[]);
    assert_eq!(exit, 6, "{out}");
    assert!(
        out.contains("NOT VERIFIED") && out.contains("not what the runs left"),
        "{out}"
    );
}

#[test]
fn a_damaged_history_is_exit_6_of_every_reader_and_never_a_bug() {
    let reports = Reports::signed();
    let run = &reports.runs[1];
    let path = run.join("history.arrows");
    let whole = fs::read(&path).expect("a history");
    for number in 0..60 {
        let mut bytes = whole.clone();
        bytes[whole.len() / 61 * number + 5 * number] ^= 1 << (number % 8);
        fs::write(&path, bytes).expect("a change");
        let (exit, out) = said(run, &reports.key, &[]);
        assert_eq!(exit, 6, "{number}: {out}");
        assert!(out.contains("history.arrows"), "{number}: {out}");
    }
    fs::remove_file(run.join("manifest.json")).expect("a manifest");
    let mut bytes = whole.clone();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 512].fill(0xff);
    fs::write(&path, bytes).expect("a change");
    let output = ends(&["report", text(run)]);
    // What can still be decoded is judged, and is not trusted.
    let code = output.status.code();
    assert!([Some(3), Some(6)].contains(&code), "{output:?}");
    fs::write(
        &path,
        [&whole[..whole.len() / 2], &whole[whole.len() / 2 + 1..]].concat(),
    )
    .expect("a change");
    let output = ends(&["report", text(run)]);
    assert_eq!(output.status.code(), Some(6), "{output:?}");
}

/// One thing that lies in a reports folder and is no evidence, and what verify must say.
type Foreign = (&'static str, fn(&Reports), &'static str);

const FOREIGN: &[Foreign] = &[
    (
        "a log's twin whose name has a backslash",
        |it| {
            let logs = it.runs[1].join("logs");
            let log = fs::read_dir(&logs).expect("logs").flatten().next();
            let log = log.expect("a log").file_name();
            let twin = format!("logs\\{}", log.to_str().expect("text"));
            fs::write(it.runs[1].join(twin), "as you like").expect("a file");
        },
        "extra: the manifest does not name it",
    ),
    (
        "a folder that looks like a run",
        |it| {
            let folder = it
                .path()
                .join("reference-primary-kill/20261122t000000-abcdef");
            fs::create_dir(&folder).expect("a folder");
            fs::write(folder.join("report.html"), "PASS").expect("a file");
        },
        "the register does not know this folder",
    ),
    (
        "a folder of a scenario that the register does not know",
        |it| {
            let folder = it.path().join("other/20261122t000000-abcdef");
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join("result.json"), "{}").expect("a file");
        },
        "the register does not know this folder",
    ),
    (
        "a run nested one deeper",
        |it| {
            let folder = it.path().join("reference-primary-kill/more");
            fs::create_dir(&folder).expect("a folder");
            copied(&it.runs[0], &folder);
        },
        "the register does not know this folder",
    ),
    (
        "a run copied beside",
        |it| {
            let folder = it
                .path()
                .join("reference-primary-kill/20261122t000000-abcdef");
            copied(&it.runs[0], &folder);
        },
        "the register does not know this run",
    ),
    (
        "a run's folder that is a link to one inside",
        |it| {
            let hidden = it.path().join("reference-primary-kill/hidden");
            fs::rename(&it.runs[1], &hidden).expect("a move");
            symlink("hidden", &it.runs[1]).expect("a link");
        },
        "a link lies where its folder was",
    ),
    (
        "a scenario's folder that is a link to one inside",
        |it| {
            let own = it.path().join("reference-primary-kill");
            fs::rename(&own, it.path().join(".git")).expect("a move");
            symlink(".git", own).expect("a link");
        },
        "a link lies where its folder was",
    ),
    (
        "a link beside the runs",
        |it| {
            let link = it.path().join("reference-primary-kill/newest");
            symlink(it.runs[0].file_name().expect("a name"), link).expect("a link");
        },
        "it is a link, a pipe or a device",
    ),
    (
        "a file that is a link to its own content inside",
        |it| {
            let file = it.runs[1].join("report.md");
            fs::rename(&file, it.runs[1].join("logs/report.log")).expect("a move");
            symlink("logs/report.log", file).expect("a link");
        },
        "not a plain file",
    ),
    (
        "a report beside the runs",
        |it| {
            fs::write(it.path().join("reference-primary-kill/report.html"), "PASS")
                .expect("a file");
        },
        "the register does not know this file",
    ),
    (
        "a pipe in the place of the history",
        |it| {
            let path = it.runs[1].join("history.arrows");
            fs::remove_file(&path).expect("a history");
            mkfifo(&path, Mode::S_IRWXU).expect("a pipe");
        },
        "it is not a plain file",
    ),
    (
        "an endless file in the place of the manifest",
        |it| {
            let path = it.runs[1].join("manifest.json");
            fs::remove_file(&path).expect("a manifest");
            let file = File::create(path).expect("a file");
            file.set_len(1 << 42).expect("a size");
        },
        "it is too large",
    ),
];

#[test]
fn what_the_register_does_not_know_does_not_pass() {
    for (name, plant, expected) in FOREIGN {
        let reports = Reports::signed();
        plant(&reports);
        let (exit, out) = said(reports.path(), &reports.key, &[]);
        assert_eq!(exit, 6, "{name}: {out}");
        assert!(out.contains(expected), "{name}: {out}");
    }
    let reports = Reports::signed();
    fs::write(reports.path().join("drills.xml"), "<x/>").expect("a file");
    let (exit, out) = said(reports.path(), &reports.key, &[]);
    assert_eq!(exit, 0, "{out}");
    assert!(
        out.contains("nothing protects what lies beside the register: drills.xml"),
        "{out}"
    );
}

#[test]
fn names_say_nothing_of_their_own() {
    let reports = Reports::signed();
    let spoof =
        "x\u{1b}[2J\u{1b}[H\nEverything follows from events and history\n::error::x\u{202e}";
    fs::write(reports.runs[0].join(spoof), "").expect("a file");
    fs::create_dir(reports.path().join(spoof)).expect("a folder");
    let run = open(
        reports.path(),
        vec![("summary".into(), format!("a\n::add-mask::pass\n{spoof}"))],
        "reference-primary-kill/RUN",
    );
    let key = reports.key.public().line();
    let folder = text(reports.path());
    let one = text(&reports.runs[0]);
    for command in [
        vec!["verify", folder, "--key", &key],
        vec!["verify", one, "--key", &key],
        vec!["gate", folder, "--key", &key],
        vec!["history", folder],
        vec!["sign", one, "--sign-key", "/dev/zero"],
        vec!["report", one],
    ] {
        let output = ends(&command);
        assert_ne!(output.status.code(), Some(70), "{command:?}");
        for bytes in [&output.stdout, &output.stderr] {
            let said = String::from_utf8_lossy(bytes);
            let hidden = |c: char| c != '\n' && drdrill::shown::unseen(c);
            assert!(!said.contains(hidden), "{command:?}: {said:?}");
            for line in said.lines() {
                let line = line.trim_start();
                let own = line.starts_with("Everything follows") || line.starts_with("::");
                assert!(!own, "{command:?}: {said}");
            }
        }
    }
    assert!(run.to_string().ends_with("000007"));
}

#[test]
fn pipes_and_devices_hold_nobody_up() {
    let reports = Reports::signed();
    let root = tempfile::tempdir().expect("a folder");
    let pipe = root.path().join("pipe.yaml");
    mkfifo(&pipe, Mode::S_IRWXU).expect("a pipe");
    let key = reports.key.public().line();
    let one = text(&reports.runs[0]);
    for file in [text(&pipe), "/dev/zero"] {
        for command in [
            vec!["check", file],
            vec!["verify", one, "--key", file],
            vec!["verify", one, "--key", &key, "--register", file],
            vec!["sign", one, "--sign-key", file],
            vec!["gate", text(reports.path()), "--key", file],
            vec![
                "gate",
                text(reports.path()),
                "--key",
                &key,
                "--baseline",
                file,
            ],
        ] {
            let output = ends(&command);
            let code = output.status.code();
            assert!(
                code.is_some_and(|code| ![0, 70].contains(&code)),
                "{command:?}: {output:?}"
            );
        }
    }
    for name in [
        "manifest.json",
        "events.jsonl",
        "scenario.yaml",
        "result.json",
        "manifest.dsse.json",
    ] {
        let reports = Reports::signed();
        let path = reports.runs[2].join(name);
        fs::remove_file(&path).expect("a file");
        mkfifo(&path, Mode::S_IRWXU).expect("a pipe");
        let key = reports.key.public().line();
        let folder = text(reports.path());
        for command in [
            vec!["verify", folder, "--key", &key],
            vec!["gate", folder, "--key", &key],
            vec!["report", text(&reports.runs[2])],
        ] {
            let output = ends(&command);
            assert_eq!(
                output.status.code(),
                Some(6),
                "{name}: {command:?} {output:?}"
            );
        }
        ends(&["history", folder]);
    }
}

#[test]
fn several_signers_count_once_each() {
    let reports = Reports::signed();
    let (second, _) = SigningKey::generate(None).expect("a key");
    let (third, _) = SigningKey::generate(None).expect("a key");
    for run in &reports.runs {
        sign_folder(run, &second).expect("a signature");
        // Once more is once.
        sign_folder(run, &second).expect("a signature");
    }
    let lines = [&reports.key, &second, &third].map(|key| key.public().line());
    let [a, b, c] = lines.each_ref().map(String::as_str);
    let ask = |keys: &[&str], threshold: Option<&str>| {
        let mut arguments = vec!["verify", text(reports.path())];
        keys.iter().for_each(|key| arguments.extend(["--key", key]));
        threshold
            .iter()
            .for_each(|it| arguments.extend(["--threshold", it]));
        let output = ends(&arguments);
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.code(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    };
    for (keys, threshold, exit) in [
        (&[a][..], None, 0),
        (&[b], None, 0),
        (&[a, b], None, 0),
        (&[a, b], Some("2"), 0),
        (&[a, b, c], Some("2"), 0),
        (&[c], None, 6),
        (&[a, b, c], None, 6),
        (&[a, b, c], Some("3"), 6),
        (&[a, c], Some("2"), 6),
        (&[a, c], Some("1"), 0),
        (&[a, a], Some("2"), 2),
        (&[a], Some("2"), 2),
        (&[a], Some("0"), 2),
    ] {
        let (code, said) = ask(keys, threshold);
        assert_eq!(
            code,
            Some(exit),
            "{} keys, {threshold:?}: {said}",
            keys.len()
        );
    }
    // The second signature copied to the third's name is no third signer.
    let run = &reports.runs[0];
    let name = |key: &SigningKey| run.join(format!("manifest.json.{}.minisig", key.public().id()));
    fs::copy(name(&second), name(&third)).expect("a copy");
    assert_eq!(ask(&[a, b, c], Some("3")).0, Some(6));
    assert_eq!(ask(&[a, b, c], Some("2")).0, Some(0));
    // A wrong signature is named although enough others are there.
    let damaged = fs::read_to_string(name(&second)).expect("a signature");
    fs::write(name(&second), damaged.replace("run:", "run:x")).expect("a change");
    fs::remove_file(name(&third)).expect("a signature");
    let (code, said) = ask(&[a, b], Some("1"));
    assert_eq!(code, Some(6), "{said}");
    assert!(said.contains(&second.public().id()), "{said}");
}

/// A page that is served by the binary.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn of(reports: &Path) -> Self {
        let mut child = Command::new(DRDRILL)
            .args(["serve", text(reports), "--listen", "127.0.0.1:0"])
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut said = String::new();
        let mut byte = [0];
        let talk = child.stderr.as_mut().expect("its talk");
        while !said.ends_with('\n') {
            talk.read_exact(&mut byte).expect("its talk");
            said.push(char::from(byte[0]));
        }
        let (_, rest) = said.split_once("http://").expect("an address");
        let (address, _) = rest.split_once('/').expect("an address");
        Self {
            address: address.to_owned(),
            child,
        }
    }

    /// The status of an answer.
    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_page_follows_no_link_and_finds_variants_with_slashes() {
    let root = tempfile::tempdir().expect("a folder");
    many(root.path(), 2, |_| 1);
    let scenario = root.path().join("reference-primary-kill");
    let runs: Vec<_> = fs::read_dir(&scenario).expect("runs").flatten().collect();
    let secret = root.path().join("secret");
    fs::write(&secret, "the secret").expect("a file");
    let run = runs[0].path();
    fs::write(run.join("report.md"), "fine").expect("a file");
    symlink(&secret, run.join("scenario.yaml")).expect("a link");
    let other = runs[1].path();
    fs::rename(&other, scenario.join("moved")).expect("a move");
    symlink("moved", &other).expect("a link");
    open(
        root.path(),
        vec![("clients.service.rate".into(), "10/s".into())],
        "reference-primary-kill/RUN",
    );
    let page = Served::of(root.path());
    let name = |path: &Path| {
        path.file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned()
    };
    assert!(
        page.get(&format!("/run/{}/report.md", name(&run)))
            .contains("fine")
    );
    let links = [
        format!("/run/{}/scenario.yaml", name(&run)),
        format!("/run/{}/report.html", name(&other)),
    ];
    for path in links {
        let answer = page.get(&path);
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    let overview = page.get("/");
    let (_, rest) = overview
        .split_once("href=\"/scenario/reference-primary-kill%20")
        .expect("a link");
    let (rest, _) = rest.split_once('"').expect("a link");
    let variant = page.get(&format!("/scenario/reference-primary-kill%20{rest}"));
    assert!(variant.starts_with("HTTP/1.1 200"), "{variant}");
}

#[test]
fn a_register_that_leads_out_is_served_by_nobody() {
    let outside = tempfile::tempdir().expect("a folder");
    let reports = outside.path().join("reports");
    fs::create_dir(&reports).expect("a folder");
    fs::write(outside.path().join("report.md"), "the secret").expect("a file");
    for folder in ["..", "../..", "/etc", "a/../.."] {
        let _ = fs::remove_file(reports.join("register.jsonl"));
        open(&reports, Vec::new(), folder);
        let output = ends(&["serve", text(&reports), "--listen", "127.0.0.1:0"]);
        assert_eq!(output.status.code(), Some(6), "{folder}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("outside its own"), "{folder}: {said}");
    }
}

#[test]
fn a_report_of_a_strangers_folder_writes_through_no_link() {
    let reports = Reports::signed();
    let run = &reports.runs[0];
    fs::remove_file(run.join("manifest.json")).expect("a manifest");
    let outside = reports.path().join("outside");
    fs::write(&outside, "mine").expect("a file");
    for name in ["report.html", "report.md.tmp", "result.json"] {
        let _ = fs::remove_file(run.join(name));
        symlink(&outside, run.join(name)).expect("a link");
    }
    let output = ends(&["report", text(run)]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(fs::read_to_string(&outside).expect("a file"), "mine");
    assert!(!run.join("report.html").is_symlink());
}

#[test]
fn half_open_requests_do_not_block_the_end() {
    let root = tempfile::tempdir().expect("a folder");
    many(root.path(), 1, |_| 1);
    let mut page = Served::of(root.path());
    let half: Vec<TcpStream> = (0..600)
        .map(|_| {
            let mut stream = TcpStream::connect(&page.address).expect("a connection");
            stream
                .write_all(b"GET / HTTP/1.1\r\nHost: loc")
                .expect("a part");
            stream
        })
        .collect();
    assert!(page.get("/").starts_with("HTTP/1.1 200"));
    let id = i32::try_from(page.child.id()).expect("a process");
    kill(Pid::from_raw(id), Signal::SIGINT).expect("a signal");
    let clock = Clock::start();
    let status = loop {
        if let Some(status) = page.child.try_wait().expect("a process") {
            break status;
        }
        let waited = Duration::from_nanos(clock.now().0);
        assert!(
            waited < Duration::from_secs(10),
            "{} requests hold it up",
            half.len()
        );
        sleep(Duration::from_millis(20));
    };
    assert!(status.success() || status.signal().is_none(), "{status:?}");
}
