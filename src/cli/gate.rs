//! `drdrill gate`: evidence, targets, baseline and history in one answer.

use std::{fs, path::Path};

use drdrill::{
    archive::{Archive, Baseline, BaselineRun, Baselines, Judged, Run, resolution, trend},
    evidence::{Register, audit, sha256, stamp},
    gate::{Against, Margin, Policy, State, against, decide},
    measure::format::nanoseconds,
    report::{Gated, gate_json, gate_terminal, gated},
    scenario::{Scenario, Targets},
    score::{self, Scorecard, Verdict},
    time::wall_now,
};

use super::{
    arguments::GateArguments,
    baseline::read_baselines,
    chosen::{self, Trust},
    exit::{Exit, Failure},
    history::archive,
    keys,
    notify::notify,
    output,
    timestamp::refused,
};

/// The confidence level of comparisons (measurement definitions, section 5).
const LEVEL: f64 = 0.95;
/// The variable in which GitHub names the step summary's file.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Decides every scenario; the worst answer is the exit code.
///
/// # Errors
/// When the folder, the key or the baseline cannot be read, or a file cannot be written.
pub fn gate(arguments: &GateArguments) -> Result<Exit, Failure> {
    let key = match (&arguments.key, arguments.unsigned) {
        (Some(key), _) => Some(keys::pinned(key)?),
        (None, true) => None,
        (None, false) => {
            return Err(Failure::new(
                Exit::Usage,
                "no public key to hold the evidence against",
                "name it with --key, or accept unsigned evidence with --unsigned",
            ));
        }
    };
    let archive = archive(&arguments.reports)?;
    let baselines = match &arguments.baseline {
        Some(path) => Some(read_baselines(path)?),
        None => None,
    };
    let known = archive.scenarios().into_iter().map(str::to_owned);
    let mut names: Vec<String> = if arguments.scenarios.is_empty() {
        known.collect()
    } else {
        arguments.scenarios.clone()
    };
    let required = required(&arguments.require)?;
    names.extend(required.iter().map(|scenario| scenario.name.clone()));
    let policy = arguments.policy.as_deref().map(policy).transpose()?;
    names.extend(policy.iter().flat_map(Policy::names).map(str::to_owned));
    names.sort();
    names.dedup();
    if names.is_empty() {
        return Err(Failure::new(
            Exit::EvidenceUnverified,
            format!("there is no run in `{}`", arguments.reports.display()),
            "missing evidence does not pass: run the drills first",
        ));
    }
    let register = Register::of(&arguments.reports);
    let audit = audit(
        register.path(),
        arguments.head.as_deref(),
        true,
        key.as_ref(),
    );
    let stamped = arguments.tsa_ca.as_deref();
    let stamped = stamped.map(|authority| stamp::stamps(register.path(), &audit, authority));
    let stamped = stamped.transpose().map_err(|error| refused(&error))?;
    let all = Asked {
        archive: &archive,
        trust: Trust {
            key: key.as_ref(),
            audit: &audit,
            stamped: stamped.as_ref(),
        },
        baselines: baselines.as_ref(),
        required,
        policy,
        arguments,
    };
    let decided: Vec<Gated<'_>> = names.iter().map(|name| all.decided(name)).collect();
    publish(&decided, arguments)?;
    let exits = decided.iter().map(|it| exit(it.decision.state));
    Ok(exits.fold(Exit::Pass, Exit::worse))
}

/// What all scenarios are held against.
struct Asked<'a> {
    archive: &'a Archive,
    trust: Trust<'a>,
    baselines: Option<&'a Baselines>,
    required: Vec<Scenario>,
    policy: Option<Policy>,
    arguments: &'a GateArguments,
}

impl<'a> Asked<'a> {
    fn decided(&self, scenario: &str) -> Gated<'a> {
        let judged = Judged::of(self.archive, scenario, self.arguments.last);
        let runs = &judged.runs;
        let evidence = self.evidence(scenario, &judged);
        let cards: Vec<Scorecard> = runs
            .iter()
            .filter_map(|run| run.summary.as_ref().map(|it| it.scorecard.clone()))
            .collect();
        let targets = runs.last().and_then(|run| run.summary.as_ref());
        let targets = targets.map_or_else(Targets::default, |it| it.config.targets.clone());
        let (verdict, sentence) = match cards.as_slice() {
            // One run's own verdict knows nothing of a claim over repeats.
            [card] if targets.confidence.is_none() => (card.verdict, card.sentence.clone()),
            cards => {
                let together = score::repeats(cards, judged.stacks(), &targets);
                (together.verdict, together.sentence)
            }
        };
        let (verdict, sentence) = judged.with_unended(verdict, sentence);
        let baseline = self.baseline(scenario, runs);
        let rise = self.rise(scenario, runs);
        let mut decision = decide(evidence, (verdict, &sentence), baseline.as_ref(), rise);
        for told in [judged.before(), judged.clocks()].into_iter().flatten() {
            decision.sentence = format!("{} {told}", decision.sentence);
        }
        Gated {
            scenario: scenario.to_owned(),
            decision,
            passed: judged
                .ended
                .iter()
                .rev()
                .find(|run| run.verdict == Some(Verdict::Pass))
                .and_then(|run| run.started),
            runs: judged.runs,
        }
    }

    /// Whether the runs are there, new enough, and verify.
    fn evidence(&self, scenario: &str, judged: &Judged<'_>) -> Result<(), String> {
        judged.whole()?;
        let runs = &judged.runs;
        let Some(newest) = runs.last() else {
            return Err("no run of it has ended: there is no evidence".into());
        };
        let age = newest.started.map(|at| wall_now().duration_since(at));
        let most = self.arguments.max_age.0;
        match age {
            Some(age) if age.unsigned_abs() <= most => {}
            Some(age) if age.is_negative() => {
                return Err(format!("its newest run {} starts in the future", newest.id));
            }
            Some(age) => {
                return Err(format!(
                    "its newest run {} is {} days old; evidence counts for {} days",
                    newest.id,
                    age.as_hours() / 24,
                    most.as_secs() / 86_400
                ));
            }
            None => return Err(format!("run {} does not say when it started", newest.id)),
        }
        self.trust.register()?;
        runs.iter().try_for_each(|run| self.trust.whole(run))?;
        for wanted in self.required.iter().filter(|it| it.name == scenario) {
            runs.iter()
                .try_for_each(|run| chosen::same_scenario(run, wanted))?;
        }
        if let Some(policy) = &self.policy {
            policy.permits(scenario, &chosen::files(runs)?)?;
        }
        self.compared(scenario, runs)
    }

    /// Verifies whatever else the decision takes numbers from: the history that a rise is looked for in, and the baseline's
    /// runs. What a run's own result says of itself does not decide whether it is verified.
    fn compared(&self, scenario: &str, runs: &[&Run]) -> Result<(), String> {
        let judged = |run: &&Run| runs.iter().any(|other| other.id == run.id);
        let history = self.archive.of(scenario).filter(|run| run.sealed);
        for run in history.filter(|run| !judged(run)) {
            self.trust.whole(run)?;
        }
        let baseline = self.baselines.and_then(|it| it.scenarios.get(scenario));
        let kept = baseline.iter().flat_map(|it| &it.runs);
        let mut kept = kept.map(|kept| (kept, self.archive.run(&kept.run)));
        kept.try_for_each(|(kept, run)| chosen::kept(kept, run, scenario, self.trust.key.is_some()))
    }

    fn baseline(&self, scenario: &str, runs: &[&Run]) -> Option<Against> {
        let baselines = self.baselines?;
        let none = Baseline { runs: Vec::new() };
        let baseline = baselines.scenarios.get(scenario).unwrap_or(&none);
        let spans = runs.iter().filter_map(|run| run.summary.as_ref()?.rto());
        let margin = match self.arguments.margin {
            Some(margin) => Margin::Set(margin.0.as_nanos() as f64),
            None => Margin::Derived(baseline.resolution().max(resolution(spans))),
        };
        let now: Vec<Option<f64>> = runs.iter().map(|run| run.rto_ns()).collect();
        Some(against(&baseline.times(), &now, margin, LEVEL))
    }

    /// Where the history rose and stayed: the newest change, unless the baseline was set after it.
    fn rise(&self, scenario: &str, runs: &[&Run]) -> Option<String> {
        let trend = trend(self.archive, scenario);
        let change = trend.changes.last()?;
        let (before, after) = change.medians;
        let first = self
            .baselines
            .and_then(|it| it.scenarios.get(scenario)?.runs.first());
        let accepted = first.is_some_and(|first| is_since(&trend.runs, first, change.run));
        let spans = runs.iter().filter_map(|run| run.summary.as_ref()?.rto());
        let margin = match self.arguments.margin {
            Some(margin) => margin.0.as_nanos() as f64,
            None => (before * 0.05).max(resolution(spans)),
        };
        (!accepted && after > before + margin).then(|| {
            format!(
                "The recovery time rose with run {}: the median was {} before and is {} since (change point, p {:.3}); \
                 `drdrill baseline set` accepts it.",
                change.run.id,
                nanoseconds(before),
                nanoseconds(after),
                change.p
            )
        })
    }
}

/// Whether a baseline begins with a run or after it. One that is not here any more is placed by its name.
fn is_since(runs: &[&Run], first: &BaselineRun, run: &Run) -> bool {
    let place = |name: &str| runs.iter().position(|known| known.id.to_string() == name);
    let name = run.id.to_string();
    match (place(&first.run), place(&name)) {
        (Some(first), Some(own)) => first >= own,
        (None, _) | (_, None) => first.run >= name,
    }
}

/// Reads a policy's file.
fn policy(path: &Path) -> Result<Policy, Failure> {
    let read = fs::read_to_string(path).map_err(|error| error.to_string());
    read.and_then(|text| Policy::read(&text)).map_err(|error| {
        let message = format!("failed to read the policy `{}`: {error}", path.display());
        let help = "docs/ci.md says what stands in a policy";
        Failure::new(Exit::Usage, message, help)
    })
}

/// The scenarios whose files must have evidence.
fn required(paths: &[std::path::PathBuf]) -> Result<Vec<Scenario>, Failure> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    super::check::scenarios(paths)
}

/// Writes every output that was asked for.
fn publish(decided: &[Gated<'_>], arguments: &GateArguments) -> Result<(), Failure> {
    if arguments.json {
        output::result(&format!("{:#}\n", gate_json(decided)));
    } else {
        output::result(&gate_terminal(decided, output::style()));
    }
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if set("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        output::commands(&gated::annotations(decided));
    }
    let summary = arguments
        .summary
        .clone()
        .or_else(|| set(STEP_SUMMARY).map(Into::into));
    if let Some(path) = summary {
        append(&path, &gated::summary(decided))?;
    }
    let files = [
        (
            &arguments.junit,
            gated::gate_junit as fn(&[Gated<'_>]) -> String,
        ),
        (&arguments.metrics, gated::metrics_report),
        (&arguments.textfile, gated::textfile),
    ];
    for (path, render) in files {
        if let Some(path) = path {
            output::replace(path, &render(decided))?;
        }
    }
    if let Some(url) = &arguments.webhook {
        let data = gate_json(decided);
        let id = sha256(data.to_string().as_bytes());
        notify(
            url,
            "gate.decided",
            &id,
            &arguments.reports.display().to_string(),
            &data,
        );
    }
    Ok(())
}

fn append(path: &Path, text: &str) -> Result<(), Failure> {
    use std::io::Write;
    let file = fs::OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| output::unwritten(path, &error))
}

fn exit(state: State) -> Exit {
    match state {
        State::Pass => Exit::Pass,
        State::TargetMissed => Exit::TargetMissed,
        State::Regression => Exit::Regression,
        State::Inconclusive => Exit::Inconclusive,
        State::Evidence => Exit::EvidenceUnverified,
    }
}
