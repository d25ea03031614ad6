//! What tests of whole drills share: the binary run on a shipped scenario, and its result read back.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

/// The binary as built for these tests.
pub const DRDRILL: &str = env!("CARGO_BIN_EXE_drdrill");

/// How often a drill is tried on a machine that was unfit.
const TRIES: u32 = 3;

/// A drill to run, with a reports and a state folder of its own.
pub struct Drill {
    pub scenario: PathBuf,
    arguments: Vec<String>,
    pub folder: tempfile::TempDir,
}

/// A drill that has ended.
pub struct Done {
    pub exit: i32,
    pub talk: String,
    pub result: Value,
    pub run: PathBuf,
    /// Keeps the folders until the test is over.
    _folder: tempfile::TempDir,
}

impl Drill {
    /// A drill of a shipped scenario, for instance `redis/sentinel-kill.yaml`.
    pub fn shipped(name: &str) -> Self {
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("scenarios")
            .join(name);
        Self {
            scenario,
            arguments: Vec::new(),
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// A drill of a scenario written for one test.
    pub fn written(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let scenario = folder.path().join("scenario.yaml");
        std::fs::write(&scenario, text).expect("a scenario");
        Self {
            scenario,
            arguments: Vec::new(),
            folder,
        }
    }

    /// Overrides one value.
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.arguments
            .extend(["--set".to_owned(), format!("{key}={value}")]);
        self
    }

    /// Adds arguments as they are.
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    /// The folders of all its runs, oldest first; of controls too.
    pub fn run_folders(&self) -> Vec<PathBuf> {
        let scenarios = folders(&self.folder.path().join("reports"));
        let mut runs: Vec<PathBuf> = scenarios.iter().flat_map(|path| folders(path)).collect();
        runs.sort_by_key(|run| run.file_name().map(ToOwned::to_owned));
        runs
    }

    /// Takes this seed.
    pub fn seeded(mut self, seed: &str) -> Self {
        self.arguments
            .extend(["--seed".to_owned(), seed.to_owned()]);
        self
    }

    fn command(&self) -> Command {
        self.command_of(Command::new(DRDRILL))
    }

    /// Starts it among processes of its own, without waiting: it sees none of the engine's, as with an engine elsewhere. The
    /// child is `unshare`, drdrill is that one's child.
    pub fn spawn_apart(&self) -> Child {
        let mut unshare = Command::new("unshare");
        unshare.args(["--pid", "--fork", "--mount-proc", DRDRILL]);
        self.command_of(unshare).spawn().expect("unshare starts")
    }

    fn command_of(&self, mut command: Command) -> Command {
        command
            .arg("run")
            .arg(&self.scenario)
            .args(&self.arguments)
            .arg("--out")
            .arg(self.folder.path().join("reports"))
            .env("DRDRILL_STATE", self.folder.path().join("state"))
            .env("NO_COLOR", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts it with the engine at another address, without waiting.
    pub fn spawn_with_engine(&self, host: &str) -> Child {
        let mut command = self.command();
        command.env("DOCKER_HOST", host);
        command.spawn().expect("the binary starts")
    }

    /// Starts it without waiting.
    pub fn spawn(&self) -> Child {
        self.command().spawn().expect("the binary starts")
    }

    /// Runs it to its end, again where the machine was unfit.
    pub fn run(self) -> Done {
        let output = run_fit(&self.folder.path().join("reports"), || self.command());
        self.done(&output)
    }

    /// Reads its result.
    pub fn done(self, output: &Output) -> Done {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let talk = format!("{}\n{}", text(&output.stderr), text(&output.stdout));
        let run = self.run_folder();
        let result = run
            .as_ref()
            .and_then(|run| std::fs::read(run.join("result.json")).ok());
        let result = result.map_or(Value::Null, |bytes| {
            serde_json::from_slice(&bytes).expect("JSON")
        });
        Done {
            exit: output.status.code().unwrap_or(-1),
            talk,
            result,
            run: run.unwrap_or_default(),
            _folder: self.folder,
        }
    }

    /// The run's name, once its folder is there.
    pub fn run_name(&self) -> String {
        let run = self.run_folder().expect("a run");
        let name = run.file_name().expect("a name");
        name.to_string_lossy().into_owned()
    }

    /// Sweeps what its runs left: the exit code and what is said.
    pub fn sweep(&self) -> (i32, String) {
        sweep(&self.folder.path().join("state"))
    }

    /// The run's folder, once it is there.
    pub fn run_folder(&self) -> Option<PathBuf> {
        let reports = folders(&self.folder.path().join("reports"));
        folders(reports.first()?).into_iter().next()
    }
}

impl Done {
    /// The verdict.
    pub fn verdict(&self) -> &str {
        self.result["verdict"].as_str().unwrap_or("none")
    }

    /// A target line's state.
    pub fn line(&self, figure: &str) -> &str {
        let lines = self.result["scorecard"]["lines"].as_array();
        let line = lines.and_then(|lines| lines.iter().find(|line| line["figure"] == figure));
        line.and_then(|line| line["state"].as_str())
            .unwrap_or("none")
    }

    /// A target line's measured upper end.
    pub fn value(&self, figure: &str) -> Option<f64> {
        let lines = self.result["scorecard"]["lines"].as_array()?;
        lines.iter().find(|line| line["figure"] == figure)?["value"].as_f64()
    }

    /// A checker's answer.
    pub fn finding(&self, check: &str) -> &str {
        let findings = self.result["findings"].as_array();
        let found = findings.and_then(|findings| findings.iter().find(|one| one["check"] == check));
        found
            .and_then(|one| one["answer"].as_str())
            .unwrap_or("none")
    }

    /// The named reasons.
    pub fn reasons(&self) -> Vec<&str> {
        let reasons = self.result["scorecard"]["reasons"].as_array();
        let names = reasons.map(|all| all.iter().filter_map(|one| one["name"].as_str()).collect());
        names.unwrap_or_default()
    }

    /// The measured loss.
    pub fn loss(&self) -> &Value {
        &self.result["figures"]["loss"]["measured"]
    }

    /// Fails with everything that was said unless the exit code and the verdict are these.
    pub fn expect(&self, exit: i32, verdict: &str) -> &Self {
        assert_eq!(
            (self.exit, self.verdict()),
            (exit, verdict),
            "{}",
            self.talk
        );
        self
    }
}

/// Runs a command that drills to its end. Where drdrill says that the machine was unfit to measure on (a baseline that
/// stalled, a harness that was held up), which is no finding about drdrill, the reports are removed and it is run again.
pub fn run_fit(reports: &Path, command: impl Fn() -> Command) -> Output {
    let run = || command().output().expect("the binary starts");
    for attempt in 1..TRIES {
        let output = run();
        let reasons = machine_unfit(reports);
        if output.status.code() != Some(3) || reasons.is_empty() {
            return output;
        }
        println!("try {attempt} was inconclusive by the machine: {reasons:?}");
        std::fs::remove_dir_all(reports).expect("its reports");
    }
    run()
}

/// The reasons of inconclusive runs, if all of them lie in the machine; else none.
fn machine_unfit(reports: &Path) -> Vec<String> {
    let machine = [
        "baseline-fit",
        "dropped-packets",
        "lateness",
        "shed-before-fault",
    ];
    // What such a machine also leaves undone.
    let follows = ["exposure", "not-measured", "undecided"];
    let mut all = Vec::new();
    for run in folders(reports).iter().flat_map(|path| folders(path)) {
        let Ok(bytes) = std::fs::read(run.join("result.json")) else {
            continue;
        };
        let result: Value = serde_json::from_slice(&bytes).expect("JSON");
        if result["verdict"] != "inconclusive" {
            continue;
        }
        let reasons = result["scorecard"]["reasons"].as_array();
        let names = reasons.into_iter().flatten();
        let names: Vec<&str> = names.filter_map(|it| it["name"].as_str()).collect();
        let known = |name: &&str| machine.contains(name) || follows.contains(name);
        if !names.iter().any(|name| machine.contains(name)) || !names.iter().all(known) {
            return Vec::new();
        }
        all.extend(names.into_iter().map(str::to_owned));
    }
    all
}

/// The folders in a folder.
fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect()
}

/// Sweeps what the runs of a state folder left: the exit code and what is said.
pub fn sweep(state: &Path) -> (i32, String) {
    let swept = Command::new(DRDRILL)
        .arg("sweep")
        .env("DRDRILL_STATE", state)
        .output()
        .expect("the binary starts");
    let said = String::from_utf8_lossy(&swept.stdout).into_owned();
    (swept.status.code().unwrap_or(-1), said)
}
