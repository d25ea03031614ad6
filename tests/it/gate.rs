//! The gate on real runs: each reason to fail has its exit code, and each output is what its reader takes.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    process::{Command, Output},
};

use drdrill::{archive::Archive, scenario::Goal};

use crate::{drill_rig::DRDRILL, evidence_rig::Reports};

pub const SCENARIO: &str = "reference-primary-kill";

pub struct Gate {
    pub reports: Reports,
}

impl Gate {
    pub fn new() -> Self {
        Self {
            reports: Reports::signed(),
        }
    }

    pub fn command(&self, arguments: &[&str]) -> Output {
        Command::new(DRDRILL)
            .arg("gate")
            .arg(self.reports.path())
            .args(arguments)
            .env_remove("GITHUB_ACTIONS")
            .env_remove("GITHUB_STEP_SUMMARY")
            .output()
            .expect("the binary starts")
    }

    /// The exit code and the only decision's sentence, with the key pinned.
    pub fn decide(&self, arguments: &[&str]) -> (i32, String) {
        let key = self.reports.key.public().line();
        self.ask(&["--key", &key], arguments)
    }

    /// The same without a key.
    fn decide_unsigned(&self, arguments: &[&str]) -> (i32, String) {
        self.ask(&["--unsigned"], arguments)
    }

    fn ask(&self, by: &[&str], arguments: &[&str]) -> (i32, String) {
        let all = [by, &["--json"], arguments].concat();
        let output = self.command(&all);
        let json: serde_json::Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        let sentence = json[0]["sentence"].as_str().unwrap_or_default().to_owned();
        (output.status.code().unwrap_or(-1), sentence)
    }

    /// Writes a baseline of runs that took so many nanoseconds.
    pub fn baseline(&self, times: impl Iterator<Item = u64>) -> String {
        let runs: Vec<serde_json::Value> = times
            .map(|ns| {
                let rto = serde_json::json!({ "low_ns": ns, "high_ns": ns });
                serde_json::json!({ "run": "20260101t000000-000000", "started": "", "rto": rto })
            })
            .collect();
        let file = serde_json::json!({ "schema": 1, "scenarios": { SCENARIO: { "runs": runs } } });
        let path = self.reports.path().join("baseline.json");
        fs::write(&path, file.to_string()).expect("a baseline");
        path.to_string_lossy().into_owned()
    }
}

#[test]
fn signed_runs_that_met_their_targets_pass() {
    let (exit, sentence) = Gate::new().decide(&[]);
    assert_eq!(exit, 0, "{sentence}");
}

#[test]
fn evidence_that_is_missing_old_unsigned_or_altered_does_not_pass() {
    let gate = Gate::new();
    let code = |arguments: &[&str]| gate.command(arguments).status.code();
    let key = gate.reports.key.public().line();
    assert_eq!(code(&[]), Some(2), "no key and not --unsigned");
    assert_eq!(code(&["--unsigned"]), Some(0));
    assert_eq!(
        code(&["--key", &key, "--scenario", "never-drilled"]),
        Some(6)
    );
    let scenarios = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/quickstart.yaml");
    assert_eq!(code(&["--key", &key, "--require", scenarios]), Some(6));
    let (exit, sentence) = gate.decide(&["--max-age", "1s"]);
    assert_eq!(exit, 6);
    assert!(sentence.contains("days old"), "{sentence}");
    fs::remove_file(gate.reports.runs[2].join("manifest.json.minisig")).expect("a signature");
    assert_eq!(gate.decide(&[]).0, 6);
    assert_eq!(code(&["--unsigned"]), Some(0));
    gate.reports.edit(2, "report.md", "rto", "RTO");
    assert_eq!(code(&["--unsigned"]), Some(6));
    let empty = tempfile::tempdir().expect("a folder");
    let output = Command::new(DRDRILL)
        .arg("gate")
        .arg(empty.path())
        .arg("--unsigned")
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(6));
}

#[test]
fn a_deleted_run_of_the_register_does_not_pass() {
    let gate = Gate::new();
    fs::remove_dir_all(&gate.reports.runs[0]).expect("a folder");
    let (exit, sentence) = gate.decide(&[]);
    assert_eq!(exit, 6);
    assert!(sentence.contains("deleted"), "{sentence}");
}

#[test]
fn a_pruned_run_is_no_evidence_and_the_others_are() {
    let gate = Gate::new();
    assert_eq!(gate.reports.prune(&["--keep", "2"]).0, 0);
    let (exit, sentence) = gate.decide(&[]);
    assert_eq!(exit, 0, "{sentence}");
    assert_eq!(gate.decide(&["--last", "2"]).0, 0);
    let (exit, sentence) = gate.decide(&["--last", "3"]);
    assert_eq!(exit, 6);
    assert!(sentence.contains("was pruned"), "{sentence}");
}

/// The command does not take the newest run; whoever holds the key can write the line by hand.
#[test]
fn a_gate_whose_newest_run_was_pruned_does_not_pass() {
    let gate = Gate::new();
    let reports = &gate.reports;
    reports.prune_by_hand(&reports.runs[2], Some(&reports.key));
    let (exit, sentence) = gate.decide(&[]);
    assert_eq!(exit, 6);
    assert!(sentence.contains("was pruned"), "{sentence}");
    assert_eq!(gate.command(&["--unsigned"]).status.code(), Some(6));
}

/// The repeats that were started together are judged together: without the first, the others are a choice.
#[test]
fn a_gate_whose_newest_runs_first_repeat_was_pruned_does_not_pass() {
    let gate = Gate::new();
    let reports = &gate.reports;
    let repeat = |number: u32, attempt: u32| {
        reports.forge(number, |opened| {
            (opened.seed, opened.attempt, opened.attempts) = (drdrill::seed::Seed(7), attempt, 2);
        })
    };
    let (first, _) = (repeat(4, 1), repeat(5, 2));
    assert_eq!(gate.decide(&[]).0, 0);
    let gone = reports.runs.iter().chain([&first]);
    gone.for_each(|run| reports.prune_by_hand(run, Some(&reports.key)));
    assert_eq!(
        reports.verify(&[]).problems,
        [""; 0],
        "the oldest went first"
    );
    let (exit, sentence) = gate.decide(&[]);
    assert_eq!(exit, 6);
    assert!(sentence.contains("was pruned"), "{sentence}");
}

#[test]
fn a_missed_target_is_one_and_says_which() {
    let gate = Gate::new();
    gate.reports.forge(9, |opened| {
        opened.overrides = vec![("targets.rto".into(), "100ms".into())];
        opened.scenario.targets.rto = "100ms".parse().map(Goal::Limit).ok();
    });
    let (exit, sentence) = gate.decide(&[]);
    assert_eq!(exit, 1, "{sentence}");
    assert_eq!(gate.decide(&["--last", "4"]).0, 1);
}

#[test]
fn a_drill_with_other_values_is_no_evidence_for_the_file_s_own() {
    let gate = Gate::new();
    gate.reports.forge(9, |opened| {
        opened.overrides = vec![("targets.rto".into(), "100ms".into())];
        opened.scenario.targets.rto = "100ms".parse().map(Goal::Limit).ok();
    });
    let of = |name: &str| gate.decide(&["--scenario", name]).0;
    assert_eq!(of("reference-primary-kill"), 0);
    assert_eq!(of("reference-primary-kill [targets.rto=100ms]"), 1);
    assert_eq!(of("reference-primary-kill [targets.rto=1h]"), 6);
}

#[test]
fn a_baseline_tells_slower_from_alike_and_from_too_few() {
    let gate = Gate::new();
    let fast = gate.baseline((0..10).map(|i| 1_000_000 + i));
    let (exit, sentence) =
        gate.decide_unsigned(&["--baseline", &fast, "--last", "3", "--margin", "10ms"]);
    assert_eq!(exit, 7, "{sentence}");
    assert!(sentence.contains("regression"), "{sentence}");
    let few = gate.baseline((0..1).map(|i| 1_000_000 + i));
    let (exit, sentence) =
        gate.decide_unsigned(&["--baseline", &few, "--last", "3", "--margin", "10ms"]);
    assert_eq!(exit, 3, "{sentence}");
    let slow = gate.baseline((0..10).map(|i| 60_000_000_000 + i));
    let (exit, sentence) = gate.decide_unsigned(&["--baseline", &slow, "--last", "3"]);
    assert_eq!(exit, 0, "{sentence}");
    let other = gate.baseline(std::iter::empty());
    assert_eq!(
        gate.decide(&["--baseline", &other]).0,
        3,
        "no run to compare with"
    );
}

#[test]
fn a_baseline_is_made_of_passed_runs_only() {
    let gate = Gate::new();
    let path = gate.reports.path().join("baseline.json");
    let set = |last: &str| {
        let mut command = Command::new(DRDRILL);
        command.args(["baseline", "set"]).arg(gate.reports.path());
        command.args(["--last", last, "--file"]).arg(&path);
        command.output().expect("the binary starts").status.code()
    };
    assert_eq!(set("2"), Some(0));
    let shown = Command::new(DRDRILL)
        .args(["baseline", "show"])
        .arg(&path)
        .output()
        .expect("the binary starts");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.starts_with("reference-primary-kill: 2 runs\n"),
        "{shown}"
    );
    gate.reports.forge(9, |opened| {
        opened.overrides = vec![("targets.rto".into(), "100ms".into())];
        opened.scenario.targets.rto = "100ms".parse().map(Goal::Limit).ok();
    });
    assert_eq!(set("2"), Some(2));
}

#[test]
fn every_reader_gets_its_format() {
    let gate = Gate::new();
    gate.reports.forge(9, |opened| {
        opened.overrides = vec![("targets.rto".into(), "100ms".into())];
        opened.scenario.targets.rto = "100ms".parse().map(Goal::Limit).ok();
    });
    let out = tempfile::tempdir().expect("a folder");
    let path = |name: &str| out.path().join(name).to_string_lossy().into_owned();
    let key = gate.reports.key.public().line();
    let output = Command::new(DRDRILL)
        .arg("gate")
        .arg(gate.reports.path())
        .args(["--key", &key, "--junit", &path("junit.xml")])
        .args([
            "--metrics",
            &path("metrics.txt"),
            "--textfile",
            &path("drdrill.prom"),
        ])
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", path("summary.md"))
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(1));
    let read = |name: &str| fs::read_to_string(out.path().join(name)).expect("a file");
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    let annotation = "::error file=scenarios/reference/primary-kill.yaml,title=drdrill reference-primary-kill [targets.rto=100ms]%3A target-missed::";
    assert!(talk.contains(annotation), "{talk}");
    let junit = read("junit.xml");
    assert!(
        junit.contains("file=\"scenarios/reference/primary-kill.yaml\""),
        "{junit}"
    );
    assert!(junit.contains("<failure message=\"rto missed"), "{junit}");
    assert!(
        read("summary.md")
            .contains("| target-missed | reference-primary-kill [targets.rto=100ms] | 1 |")
    );
    let metrics = read("metrics.txt");
    assert!(
        metrics.ends_with("\n# EOF\n") && !metrics.contains("timestamp"),
        "{metrics}"
    );
    let textfile = read("drdrill.prom");
    assert!(!textfile.contains("# EOF") && textfile.ends_with('\n'));
    assert!(
        textfile
            .contains("drdrill_last_success_timestamp_seconds{scenario=\"reference-primary-kill\"")
    );
    for line in textfile.lines().filter(|line| !line.starts_with('#')) {
        assert_eq!(
            line.rsplit("} ").next().map(|it| it.split(' ').count()),
            Some(1),
            "{line}"
        );
    }
}

#[test]
fn a_webhook_gets_a_cloudevent_and_its_failure_is_a_warning() {
    let gate = Gate::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("an address");
    let url = format!(
        "http://{}/hook?token=abc",
        listener.local_addr().expect("an address")
    );
    let receiving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a caller");
        let mut text = String::new();
        let mut part = [0; 4096];
        while !text.contains("\"specversion\"") {
            let read = stream.read(&mut part).expect("a request");
            text.push_str(&String::from_utf8_lossy(&part[..read]));
        }
        let answer = b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).expect("an answer");
        text
    });
    let key = gate.reports.key.public().line();
    let told = gate.command(&["--key", &key, "--webhook", &url]);
    assert_eq!(told.status.code(), Some(0));
    let received = receiving.join().expect("a request").to_lowercase();
    assert!(received.starts_with("post /hook?token=abc"), "{received}");
    assert!(
        received.contains("content-type: application/cloudevents+json"),
        "{received}"
    );
    assert!(
        received.contains("\"type\":\"drdrill.gate.decided\""),
        "{received}"
    );
    let untold = gate.command(&["--key", &key, "--webhook", &url]);
    assert_eq!(untold.status.code(), Some(0), "nobody listens any more");
    let talk = String::from_utf8_lossy(&untold.stderr).into_owned();
    assert!(
        talk.contains("warning") && !talk.contains("token=abc"),
        "{talk}"
    );
}

#[test]
fn an_archive_knows_what_the_register_and_the_results_say() {
    let gate = Gate::new();
    let archive = Archive::read(gate.reports.path()).expect("an archive");
    assert_eq!(archive.scenarios(), [SCENARIO]);
    assert_eq!(archive.runs.len(), 3);
    assert!(
        archive
            .runs
            .iter()
            .all(|run| run.counts() && run.rto_ns().is_some())
    );
    assert!(archive.run(&gate.reports.name(1)).is_some());
    assert!(archive.run("../../etc").is_none());
}

/// Opens a run in the register as `drdrill run` does before anything is created, and leaves it there: as one that was killed.
pub fn left_open(gate: &Gate, number: u32) -> String {
    let run = drdrill::id::RunId::new(&format!("20261121t11{number:02}00"), number);
    let opening = drdrill::evidence::Opening {
        run: run.clone(),
        scenario: SCENARIO.into(),
        scenario_sha256: String::new(),
        overrides: Vec::new(),
        opening_sha256: String::new(),
        folder: format!("{SCENARIO}/{run}"),
        started: drdrill::time::wall_now().to_string(),
        attempt: None,
    };
    let register = drdrill::evidence::Register::of(gate.reports.path());
    register.open(&opening).expect("an opening");
    run.to_string()
}

#[test]
fn a_run_that_never_ended_leaves_the_gate_open_until_it_is_set_aside() {
    for swept in [false, true] {
        let gate = Gate::new();
        let run = left_open(&gate, 1);
        if swept {
            let closing = drdrill::evidence::Closing {
                run: drdrill::id::RunId::parse(&run).expect("a name"),
                status: drdrill::record::Status::Aborted("killed".into()),
                verdict: None,
                manifest_sha256: None,
            };
            let register = drdrill::evidence::Register::of(gate.reports.path());
            register.close(&closing).expect("a line");
        }
        for arguments in [&[][..], &["--last", "2"], &["--last", "3"]] {
            let (exit, sentence) = gate.decide(arguments);
            assert_eq!(exit, 3, "{sentence}");
            assert!(sentence.contains(&run), "{sentence}");
        }
        let (exit, said) = gate.reports.prune(&["--run", &run]);
        assert_eq!(exit, 2, "a reason is asked for: {said}");
        let reason = ["--run", &run, "--reason", "the host lost its power"];
        let (exit, said) = gate.reports.prune(&reason);
        assert_eq!(exit, 0, "{said}");
        assert_eq!(gate.decide(&[]).0, 0);
        let said = gate.reports.verify(&[]);
        assert_eq!(said.problems, [""; 0]);
        assert!(said.json["register"].to_string().contains("lost its power"));
        // Nobody is rid of a run that came to a verdict, nor without the key.
        let name = gate.reports.name(2);
        let judged = ["--run", &name, "--reason", "it was red"];
        assert_eq!(gate.reports.prune(&judged).0, 2);
    }
}

#[test]
fn a_run_that_was_set_aside_without_the_key_does_not_pass() {
    let gate = Gate::new();
    let run = left_open(&gate, 1);
    let aside = drdrill::evidence::SetAside {
        run: drdrill::id::RunId::parse(&run).expect("a name"),
        at: String::new(),
        reason: "none".into(),
        signature: None,
    };
    let register = drdrill::evidence::Register::of(gate.reports.path());
    register.set_aside(aside, None).expect("a line");
    let (exit, sentence) = gate.decide(&[]);
    assert_eq!(exit, 6, "{sentence}");
    assert!(sentence.contains("set aside by nobody"), "{sentence}");
}

#[test]
fn what_is_required_is_what_stands_in_the_file() {
    let gate = Gate::new();
    let shipped = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/scenarios/reference/primary-kill.yaml"
    );
    let text = fs::read_to_string(shipped).expect("a scenario");
    let folder = tempfile::tempdir().expect("a folder");
    let with = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let path = folder.path().join("required.yaml");
        fs::write(&path, text.replacen(from, to, 1)).expect("a file");
        gate.decide(&["--require", &path.to_string_lossy()])
    };
    let (exit, sentence) = with("summary: ", "summary: Again, ");
    assert_eq!(exit, 0, "{sentence}");
    // The run was made with weaker targets, fewer clients, or another fault than the file asks for.
    for (from, to) in [
        ("  rto: ", "  rto: 1ms # "),
        ("kill: primary", "pause: primary"),
        ("drill:\n", "clients:\n  service: { rate: 40/s }\ndrill:\n"),
    ] {
        if text.contains("clients:") && from == "drill:\n" {
            continue;
        }
        let (exit, sentence) = with(from, to);
        assert_eq!(exit, 6, "{sentence}");
        assert!(sentence.contains("another scenario"), "{sentence}");
    }
}

#[test]
fn older_runs_and_baselines_are_verified_too() {
    let gate = Gate::new();
    gate.reports
        .edit(0, "result.json", "\"high_ns\"", "\"high_ns\" ");
    let (exit, sentence) = gate.decide(&[]);
    assert_eq!(exit, 6, "{sentence}");
    assert!(sentence.contains(&gate.reports.name(0)), "{sentence}");
    let file = gate.reports.path().join("b.json");
    let set = Command::new(DRDRILL)
        .args(["baseline", "set"])
        .arg(gate.reports.path())
        .arg("--file")
        .arg(&file)
        .output()
        .expect("the binary starts");
    assert_eq!(set.status.code(), Some(6));
    assert!(!file.exists());
}

#[test]
fn a_register_whose_end_was_cut_off_does_not_pass_with_its_head_noted() {
    let gate = Gate::new();
    let red = gate.reports.forge(9, |opened| {
        opened.scenario.targets.rto = "100ms".parse().map(Goal::Limit).ok();
        opened.overrides = vec![("targets.rto".into(), "100ms".into())];
    });
    let head = gate.reports.head();
    let name = red
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    gate.reports.register_again(|line| !line.contains(&name));
    fs::remove_dir_all(&red).expect("a folder");
    assert_eq!(gate.decide(&["--scenario", SCENARIO]).0, 0);
    let (exit, sentence) = gate.decide(&["--scenario", SCENARIO, "--head", &head]);
    assert_eq!(exit, 6, "{sentence}");
    assert!(sentence.contains("noted head"), "{sentence}");
}

#[test]
fn a_series_without_all_of_its_attempts_does_not_pass() {
    let gate = Gate::new();
    for attempt in [1, 3] {
        gate.reports.forge(3 + attempt, |opened| {
            (opened.seed, opened.attempt, opened.attempts) = (drdrill::seed::Seed(7), attempt, 3);
        });
    }
    let (exit, sentence) = gate.decide(&[]);
    assert_eq!(exit, 6, "{sentence}");
    assert!(sentence.contains("of the 3 attempts"), "{sentence}");
}

#[test]
fn runs_that_were_not_green_since_the_last_pass_are_told() {
    let gate = Gate::new();
    let red = gate.reports.forge(8, |opened| {
        // The step that was to be taken was not: inconclusive.
        opened.scenario.headline = Some(7);
    });
    gate.reports.forge(9, |_| {});
    let (_, sentence) = gate.decide(&[]);
    let name = red
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    assert!(
        sentence.contains(&name) && sentence.contains("not green"),
        "{sentence}"
    );
}
