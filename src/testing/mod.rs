//! Drills as tests of one's own: `cargo test` runs them, and a missed target fails the test.
//!
//! ```no_run
//! # fn main() -> Result<(), drdrill::testing::DrillError> {
//! use drdrill::Drill;
//!
//! let drill = Drill::file("drills/sentinel-kill.yaml").set("targets.rto", "5s");
//! drill.run()?.assert_passed();
//! # Ok(())
//! # }
//! ```
//!
//! - The run is judged by the file's targets and kept as evidence under `target/drills`, or where [`Drill::reports`] says.
//! - Tests of one user take turns, in threads and in processes: two drills on one machine would disturb each other's clocks.
//! - A test that was killed leaves its stack to the next drill, or to `drdrill sweep`: either removes it.
//! - What a test has started, by Testcontainers for instance, is drilled by `attach` and a label; see
//!   `docs/guide/own-containers.md`.

mod tested;

use std::{
    fmt,
    fs::File,
    path::{Path, PathBuf},
    thread,
};

pub use tested::Tested;

use crate::{
    drill::Plan,
    local::{self, Unfit},
    runtime::{state, sweep::Scope},
    scenario::{MustFail, Problems, read},
    seed::Seed,
    session::{Session, SessionError},
    system::catalogue,
};

/// A drill that a test runs.
#[derive(Debug, Clone)]
pub struct Drill {
    /// The scenario's file, or the name that problems of its text are told with.
    file: PathBuf,
    /// Its text, if it is not in the file.
    text: Option<String>,
    overrides: Vec<(String, String)>,
    reports: PathBuf,
    seed: Seed,
}

/// Why a drill could not be run. `unwrap` shows it as a person would read it.
#[derive(thiserror::Error)]
pub enum DrillError {
    /// The scenario has problems; nothing was created.
    #[error("{}", told(.0))]
    Scenario(Problems),
    /// Several drills in one, whose figures are judged together: that takes `drdrill run`.
    #[error("`repeat: {0}` is not run by a test: run it by `drdrill run`, or set `repeat` to 1")]
    Repeats(u32),
    /// A drill that cannot be shown to turn red.
    #[error("`{0}` has no `must-fail`: nothing says under what it must turn red")]
    NoMustFail(String),
    /// This machine cannot run drills.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The folder of journals cannot be used.
    #[error("failed to take the turn in `{folder}`: {source}")]
    Turn {
        /// The folder of journals.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The run could not be carried to its end.
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl fmt::Debug for DrillError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Each problem with its place and what to do.
fn told(problems: &Problems) -> String {
    let mut text = problems.to_string();
    for problem in &problems.all {
        let place = problem
            .place()
            .map(|place| format!("line {}: ", place.line_column().0));
        let help = problem.help_text().map(|help| format!("; {help}"));
        let (place, help) = (place.unwrap_or_default(), help.unwrap_or_default());
        text.push_str(&format!("\n  {place}{problem}{help}"));
    }
    text
}

impl Drill {
    /// The drill of a scenario file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self {
            file: path.into(),
            text: None,
            overrides: Vec::new(),
            reports: PathBuf::from("target/drills"),
            seed: Seed::random(),
        }
    }

    /// The drill of a scenario that stands in the test.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: Some(text.into()),
            ..Self::file("scenario.yaml")
        }
    }

    /// Replaces or adds one value, as `--set` does: `set("targets.rto", "5s")`.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.overrides.push((key.to_owned(), value.to_string()));
        self
    }

    /// Keeps the run under this folder.
    #[must_use]
    pub fn reports(mut self, folder: impl Into<PathBuf>) -> Self {
        self.reports = folder.into();
        self
    }

    /// Runs it by the seed that a run before has printed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Seed(seed);
        self
    }

    /// Runs the drill, as soon as no other test of this user runs one, and judges it.
    ///
    /// # Errors
    /// When it could not be run. A target that was missed is no error: see [`Tested::assert_passed`].
    pub fn run(&self) -> Result<Tested, DrillError> {
        let plan = self.plan(&self.overrides)?;
        self.apart(&plan)
    }

    /// Runs the drill once with each change of its `must-fail`, and panics where one does not turn it red as it must.
    ///
    /// # Errors
    /// When it has none, or could not be run.
    #[track_caller]
    pub fn assert_turns_red(&self) -> Result<(), DrillError> {
        let plan = self.plan(&self.overrides)?;
        let changes = &plan.scenario.must_fail;
        if changes.is_empty() {
            return Err(DrillError::NoMustFail(plan.scenario.name.clone()));
        }
        for change in changes {
            self.changed(change)?.assert_red(change);
        }
        Ok(())
    }

    fn changed(&self, change: &MustFail) -> Result<Tested, DrillError> {
        let plan = self.plan(&[self.overrides.clone(), change.overrides()].concat())?;
        self.apart(&plan)
    }

    fn plan(&self, overrides: &[(String, String)]) -> Result<Plan, DrillError> {
        let file = self.file.display().to_string();
        let text = match &self.text {
            Some(text) => Ok(text.clone()),
            None => local::text(&self.file),
        };
        let plan = text
            .map_err(|problem| Problems::new(&file, vec![problem]))
            .and_then(|text| read(&file, &text, overrides))
            .and_then(|parsed| local::checked(&parsed, &catalogue::all(), Vec::new()));
        let plan = plan.map_err(DrillError::Scenario)?;
        match plan.scenario.repeat {
            1 => Ok(plan),
            repeat => Err(DrillError::Repeats(repeat)),
        }
    }

    /// In a thread with a runtime of its own: the test may have one already, which measurements would have to share.
    fn apart(&self, plan: &Plan) -> Result<Tested, DrillError> {
        thread::scope(|scope| {
            let drilled = scope.spawn(|| self.drill(plan));
            drilled
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn drill(&self, plan: &Plan) -> Result<Tested, DrillError> {
        local::raise_open_files()?;
        let host = local::host()?;
        let _turn = turn(&host.state).map_err(|source| DrillError::Turn {
            folder: host.state.clone(),
            source,
        })?;
        let ended = local::runtime()?.block_on(async {
            // Whoever was killed before left what it had created to this one; that no engine answers, the run says.
            let _ = host.sweep(&Scope::Dead).await;
            let session = Session {
                seed: self.seed,
                ..Session::new(plan, &host, &self.reports)
            };
            session.run((), &mut None).await
        })?;
        Ok(Tested::new(ended, self.seed))
    }
}

/// Waits until no other test of this user drills. It is over when the file is closed, by whatever ends the process.
fn turn(folder: &Path) -> std::io::Result<File> {
    state::make(folder)?;
    let turn = File::create(folder.join("tests.lock"))?;
    turn.lock()?;
    Ok(turn)
}
