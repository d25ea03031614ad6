//! What tests of evidence share: a reports folder of runs made from the sample run, and hands to forge it with.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use drdrill::{
    evidence::{
        self, Claims, Closing, Opening, Pruned, Register, RunFolder, SigningKey, folder::FORMAT,
        register, sha256, sign_folder,
    },
    history::{Heard, Op},
    id::{NodeName, RunId},
    record::{Event, Opened, What},
    report, scenario, score,
    time::wall_now,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::drill_rig::DRDRILL;

/// The sample run's folder.
pub fn sample() -> PathBuf {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("reports/sample/reference-primary-kill");
    let runs = fs::read_dir(folder).expect("a sample run: make sample");
    let mut runs: Vec<PathBuf> = runs.flatten().map(|entry| entry.path()).collect();
    assert_eq!(runs.len(), 1, "one sample run");
    runs.remove(0)
}

/// A reports folder of three runs with the sample's events and operations, sealed, signed and registered.
pub struct Reports {
    root: TempDir,
    /// The key that signed.
    pub key: SigningKey,
    /// The runs' folders, oldest first.
    pub runs: Vec<PathBuf>,
    /// The key's file, away from the reports.
    secret: tempfile::NamedTempFile,
}

/// What `drdrill verify` said.
pub struct Said {
    /// Its exit code.
    pub exit: i32,
    /// Each problem: place and what.
    pub problems: Vec<String>,
    /// All of its output.
    pub json: Value,
}

impl Reports {
    /// Three signed runs.
    pub fn signed() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let (key, text) = SigningKey::generate(None).expect("a key");
        let secret = tempfile::NamedTempFile::new().expect("a file");
        fs::write(secret.path(), text).expect("a key's file");
        let runs = (1..=3).map(|number| add(root.path(), number, &key, |_| {}));
        let runs = runs.collect();
        Self {
            root,
            key,
            runs,
            secret,
        }
    }

    /// Runs `drdrill prune` with the key: its exit code and what it said.
    pub fn prune(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::new(DRDRILL)
            .arg("prune")
            .arg(self.path())
            .arg("--sign-key")
            .arg(self.secret.path())
            .args(arguments)
            .output()
            .expect("the binary starts");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        (output.status.code().unwrap_or(-1), said)
    }

    /// Writes that a run was pruned and removes its folder, past the command's own rules: what can be done by hand.
    pub fn prune_by_hand(&self, folder: &Path, key: Option<&SigningKey>) {
        let name = folder.file_name().expect("a name").to_string_lossy();
        let register = Register::of(self.path());
        let entries = register.entries().expect("a register");
        let closing = entries.iter().find_map(|entry| match &entry.what {
            register::Said::Closed(closing) if closing.run.to_string() == name => Some(closing),
            _ => None,
        });
        let closing = closing.expect("a closed run");
        let pruned = Pruned {
            run: closing.run.clone(),
            manifest_sha256: closing.manifest_sha256.clone().expect("a manifest"),
            verdict: closing.verdict,
            at: wall_now().to_string(),
            rule: "by hand".into(),
            signature: None,
        };
        register.prune(pruned, key).expect("a line");
        fs::remove_dir_all(folder).expect("a folder");
    }

    /// The reports folder.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// The register's file.
    pub fn register(&self) -> PathBuf {
        self.path().join("register.jsonl")
    }

    /// The register's head, to be noted elsewhere.
    pub fn head(&self) -> String {
        let text = fs::read_to_string(self.register()).expect("a register");
        sha256(text.lines().last().expect("a line").as_bytes())
    }

    /// Adds a run whose opening is changed before it is written: what a holder of the key can forge.
    pub fn forge(&self, number: u32, change: impl Fn(&mut Opened)) -> PathBuf {
        add(self.path(), number, &self.key, change)
    }

    /// The same of a file that reads otherwise, with an opening that follows from it and from the overrides.
    pub fn forge_of(
        &self,
        number: u32,
        edits: &[(&str, &str)],
        change: impl Fn(&mut Opened),
    ) -> PathBuf {
        let text = edited(edits);
        add_of(self.path(), number, &self.key, &text, |opened| {
            change(opened);
            let parsed = scenario::read("scenario.yaml", &text, &opened.overrides);
            opened.scenario = parsed.expect("a scenario").scenario;
        })
    }

    /// Puts another run in a run's place, consistent in itself and signed by the same key.
    pub fn replace(&self, run: usize, change: impl Fn(&mut Opened)) {
        let elsewhere = tempfile::tempdir().expect("a folder");
        let number = u32::try_from(run).expect("few runs") + 1;
        let forged = add(elsewhere.path(), number, &self.key, change);
        fs::remove_dir_all(&self.runs[run]).expect("the run's folder");
        fs::rename(forged, &self.runs[run]).expect("another folder in its place");
    }

    /// Changes the text of a file of a run.
    pub fn edit(&self, run: usize, file: &str, from: &str, to: &str) {
        let path = self.runs[run].join(file);
        let text = fs::read_to_string(&path).expect("a text file");
        assert!(text.contains(from), "`{file}` has `{from}`");
        fs::write(path, text.replacen(from, to, 1)).expect("a change");
    }

    /// Writes the digests of a run's files into its manifest anew, as a forger does.
    pub fn manifest_again(&self, run: usize) {
        let folder = &self.runs[run];
        let path = folder.join("manifest.json");
        let mut manifest: Value =
            serde_json::from_slice(&fs::read(&path).expect("a manifest")).expect("JSON");
        for file in manifest["files"].as_array_mut().expect("files") {
            let bytes = fs::read(folder.join(file["path"].as_str().expect("a path")));
            let bytes = bytes.expect("a file");
            file["bytes"] = bytes.len().into();
            file["sha256"] = sha256(&bytes).into();
        }
        fs::write(&path, format!("{manifest:#}\n")).expect("a manifest");
    }

    /// The same, signed again.
    pub fn seal_again(&self, run: usize, key: &SigningKey) {
        self.manifest_again(run);
        sign_folder(&self.runs[run], key).expect("a signature");
    }

    /// Writes the register anew from these lines, chained afresh, as a forger does.
    pub fn register_again(&self, keep: impl Fn(&str) -> bool) {
        let text = fs::read_to_string(self.register()).expect("a register");
        let mut previous = "null".to_owned();
        let mut out = String::new();
        for line in text.lines().filter(|line| keep(line)) {
            let (_, what) = line
                .split_once(",\"what\":")
                .expect("a line of the register");
            let line = format!("{{\"previous\":{previous},\"what\":{what}");
            previous = format!("\"{}\"", sha256(line.as_bytes()));
            out.push_str(&format!("{line}\n"));
        }
        fs::write(self.register(), out).expect("a register");
    }

    /// The name of a run.
    pub fn name(&self, run: usize) -> String {
        let name = self.runs[run].file_name().expect("a name");
        name.to_string_lossy().into_owned()
    }

    /// Verifies all of it with the pinned key.
    pub fn verify(&self, arguments: &[&str]) -> Said {
        verify(self.path(), &self.key.public().line(), arguments)
    }
}

/// The sample's scenario file with these texts replaced.
pub fn edited(edits: &[(&str, &str)]) -> String {
    let text = fs::read_to_string(sample().join("scenario.yaml")).expect("a scenario");
    edits.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "the scenario has `{from}`");
        text.replacen(from, to, 1)
    })
}

/// Runs `drdrill verify`.
pub fn verify(folder: &Path, key: &str, arguments: &[&str]) -> Said {
    let output = Command::new(DRDRILL)
        .arg("verify")
        .arg(folder)
        .args(["--key", key, "--json"])
        .args(arguments)
        .output()
        .expect("the binary starts");
    let json: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let problems = json["problems"].as_array().expect("problems").iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Said {
        exit: output.status.code().unwrap_or(-1),
        problems: problems
            .map(|it| format!("{}: {}", text(&it["place"]), text(&it["what"])))
            .collect(),
        json,
    }
}

/// Adds runs to a folder that only have what lists and trends read: the sample's `result.json` under another
/// name, with the recovery time multiplied, and their lines in the register. Their big files are links.
pub fn many(root: &Path, count: u32, factor: impl Fn(u32) -> u64) {
    many_with(root, count, factor, |_| Vec::new());
}

/// The same, each with what replaced values of its file.
pub fn many_with(
    root: &Path,
    count: u32,
    factor: impl Fn(u32) -> u64,
    overrides: impl Fn(u32) -> Vec<(String, String)>,
) {
    let source = sample();
    let result = fs::read_to_string(source.join("result.json")).expect("a result");
    let value: Value = serde_json::from_str(&result).expect("JSON");
    let name = value["run"]["id"].as_str().expect("a name").to_owned();
    let scenario = value["run"]["scenario"]
        .as_str()
        .expect("a name")
        .to_owned();
    let register = Register::of(root);
    let begin = wall_now() - jiff::SignedDuration::from_hours(24 * 365);
    let mut lines = String::new();
    let mut previous = "null".to_owned();
    let mut enter = |what: &str| {
        let line = format!("{{\"previous\":{previous},\"what\":{what}}}");
        previous = format!("\"{}\"", sha256(line.as_bytes()));
        lines.push_str(&format!("{line}\n"));
    };
    for number in 0..count {
        let run = RunId::new(
            &format!("2026112{}t{:06}", number / 100_000, number),
            number,
        );
        let started = begin + jiff::SignedDuration::from_mins(i64::from(number));
        let folder = root.join(&scenario).join(run.to_string());
        fs::create_dir_all(&folder).expect("a folder");
        let mut own = value.clone();
        own["run"]["id"] = run.to_string().into();
        own["run"]["started"] = started.to_string().into();
        let replaced = serde_json::to_value(overrides(number)).expect("texts");
        own["run"]["overrides"] = replaced.clone();
        let rto = &mut own["figures"]["events"][0]["rto"]["measured"];
        for bound in ["low_ns", "high_ns"] {
            let jitter = u64::from(number * 7919 % 1000) * 1000;
            rto[bound] = (rto[bound].as_u64().expect("a bound") * factor(number) + jitter).into();
        }
        fs::write(folder.join("result.json"), format!("{own:#}")).expect("a result");
        for name in ["events.jsonl", "history.arrows", "report.html"] {
            fs::hard_link(source.join(name), folder.join(name))
                .or_else(|_| fs::copy(source.join(name), folder.join(name)).map(|_| ()))
                .expect("a file");
        }
        enter(&format!(
            "{{\"opened\":{{\"run\":\"{run}\",\"scenario\":\"{scenario}\",\"scenario_sha256\":\"\",\"overrides\":{replaced},\"opening_sha256\":\"\",\"folder\":\"{scenario}/{run}\",\"started\":\"{started}\"}}}}"
        ));
        enter(&format!(
            "{{\"closed\":{{\"run\":\"{run}\",\"status\":\"completed\",\"verdict\":\"pass\",\"manifest_sha256\":\"{}\"}}}}",
            sha256(name.as_bytes())
        ));
    }
    fs::write(register.path(), lines).expect("a register");
}

/// The operation as on a machine that was never late, so that what tests forge does not depend on the machine
/// on which the sample was made.
fn punctual(mut op: Op) -> Op {
    op.sent = op
        .sent
        .map(|sent| sent.min(op.intended.after(Duration::from_millis(1))));
    op
}

/// Writes the sample's events and operations as a run of its own, judged, sealed, signed and registered.
fn add(root: &Path, number: u32, key: &SigningKey, change: impl Fn(&mut Opened)) -> PathBuf {
    add_of(root, number, key, &edited(&[]), change)
}

/// The same of a file with this text.
fn add_of(
    root: &Path,
    number: u32,
    key: &SigningKey,
    text: &str,
    change: impl Fn(&mut Opened),
) -> PathBuf {
    let source = sample();
    let mut loaded = evidence::load(&source).expect("the sample verifies");
    let run = RunId::new(&format!("20261121t10{number:02}00"), number);
    let log = evidence::events::read(&source.join("events.jsonl")).expect("events");
    let mut events: Vec<Event> = log.events;
    events.retain(|event| !matches!(event.what, What::Stalled { .. }));
    let What::Opened(opened) = &mut events[0].what else {
        panic!("the opening comes first");
    };
    opened.run = run.clone();
    let minutes = i64::from(60 - number);
    let started = wall_now() - jiff::SignedDuration::from_mins(minutes);
    opened.started = started.to_string();
    opened.scenario_sha256 = sha256(text.as_bytes());
    assert_eq!(opened.format, FORMAT);
    change(opened);
    let started = opened.started.clone();
    let opening = Opening {
        run: run.clone(),
        scenario: opened.scenario.name.clone(),
        scenario_sha256: opened.scenario_sha256.clone(),
        overrides: opened.overrides.clone(),
        opening_sha256: evidence::opening_sha256(&events[0], &Default::default()).expect("a line"),
        folder: format!("{}/{run}", loaded.record.opened.scenario.name),
        started,
        attempt: None,
    };
    let register = Register::of(root);
    register.open(&opening).expect("an opening");
    let scenario = &loaded.record.opened.scenario.name;
    let folder = RunFolder::create(root, scenario, &run).expect("a folder");
    folder.scenario(text).expect("the scenario");
    let mut log = folder.events().expect("a log");
    events
        .iter()
        .for_each(|event| log.append(event).expect("an event"));
    let mut history = folder.history().expect("a history");
    for op in loaded.history.ops() {
        let error = loaded.history.error_of(&op).map(str::to_owned);
        let heard = Heard {
            op: punctual(op),
            error,
            lists: None,
        };
        history.push(heard).expect("an operation");
    }
    history.finish().expect("a history");
    for entry in fs::read_dir(source.join("logs")).expect("logs").flatten() {
        let name = entry.file_name().to_string_lossy().replace(".log", "");
        let text = fs::read_to_string(entry.path()).expect("a log");
        folder.log(&NodeName::new(name), &text).expect("a log");
    }
    loaded = evidence::load(folder.path()).expect("a run");
    let judgement = score::judge(&loaded.record, &loaded.history);
    folder
        .environment(&loaded.record.environment)
        .expect("an environment");
    let result = evidence::result_json(&loaded.record, &judgement);
    folder.write("result.json", &result).expect("a result");
    for (name, bytes) in report::render_all(&loaded.record, &loaded.history, &judgement) {
        folder.write(name, &bytes).expect("a report");
    }
    let card = Some(&judgement.scorecard);
    let claims = Claims::of(&loaded.record, loaded.end.as_ref(), card);
    let seal = |links| {
        let (manifest, digest) = folder.seal(claims, links, Some(key))?;
        Ok(Closing {
            run,
            status: manifest.claims.status,
            verdict: manifest.claims.verdict,
            manifest_sha256: Some(digest),
        })
    };
    register.seal(seal).expect("a closing");
    folder.path().to_owned()
}
