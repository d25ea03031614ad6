//! Finding, reading and checking scenario files, for `check` and `run`.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use drdrill::{
    drill::{Plan, alert_warnings, validate_foresight, warnings},
    evidence,
    scenario::{BYTES_MAX, Parsed, Problem, Problems, Scenario, Source, read},
    system::{Description, System, catalogue},
};

use super::{
    arguments::{CheckArguments, ScenarioArguments},
    exit::{Exit, Failure},
    output,
};

/// How deep folders are searched.
const DEPTH_MAX: u32 = 8;

/// Checks scenarios and says which are right.
///
/// # Errors
/// When a path is not there or holds no scenario.
pub fn check(arguments: &CheckArguments) -> Result<Exit, Failure> {
    let files = files(&arguments.scenarios.paths)?;
    let checked = checked(&files, &arguments.scenarios.overrides);
    for plan in checked.iter().flatten() {
        let steps = plan.scenario.drill.len();
        output::result(&format!("ok  {}  ({steps} steps)\n", plan.source.file));
        warn(plan);
    }
    let wrong = checked.iter().filter(|c| c.is_none()).count();
    if wrong == 0 {
        return Ok(Exit::Pass);
    }
    output::talk(&format!("{wrong} of {} files have problems\n", files.len()));
    Ok(Exit::ScenarioInvalid)
}

/// Says what a person should know before the drill is run.
pub fn warn(plan: &Plan) {
    let alerts = alert_warnings(plan);
    for warning in warnings(&plan.scenario).iter().chain(&alerts) {
        output::talk(&format!("warning: {warning}\n"));
    }
}

/// Reads and checks every scenario that `run` is to run; all of them must be right.
///
/// # Errors
/// When a path is not there, or any scenario has problems.
pub fn ready(
    arguments: &ScenarioArguments,
    more: &[(String, String)],
) -> Result<Vec<Plan>, Failure> {
    let files = files(&arguments.paths)?;
    let mut overrides = arguments.overrides.clone();
    overrides.extend(more.iter().cloned());
    let plans: Option<Vec<Plan>> = checked(&files, &overrides).into_iter().collect();
    plans.ok_or_else(|| {
        Failure::new(
            Exit::ScenarioInvalid,
            "not every scenario can be run, so none was",
            "mend what is shown above; `drdrill check` repeats it",
        )
    })
}

/// A scenario that was checked, read again with more values replaced; its problems are printed. `what` they are of is said.
///
/// # Errors
/// When these values make it wrong.
pub fn varied(plan: &Plan, more: &[(String, String)], what: &str) -> Result<Plan, Failure> {
    let Source {
        file,
        text,
        overrides,
        ..
    } = &plan.source;
    let overrides = [overrides.as_slice(), more].concat();
    let varied =
        read(file, text, &overrides).and_then(|varied| Plan::check(&varied, &catalogue::all()));
    varied.map_err(|problems| {
        output::problems(&problems);
        Failure::new(
            Exit::ScenarioInvalid,
            format!("not every {what} can be run, so none was"),
            "mend what is shown above, or leave the value out",
        )
    })
}

/// The scenarios in these files and folders; all of them must be right.
///
/// # Errors
/// When a path is not there, or any scenario has problems.
pub fn scenarios(paths: &[PathBuf]) -> Result<Vec<Scenario>, Failure> {
    let plans = plain(paths)?;
    Ok(plans.into_iter().map(|it| it.scenario).collect())
}

/// The systems of the scenarios in these files and folders; all of them must be right.
///
/// # Errors
/// When a path is not there, or any scenario has problems.
pub fn systems(paths: &[PathBuf]) -> Result<Vec<String>, Failure> {
    let plans = plain(paths)?;
    let names = plans
        .into_iter()
        .flat_map(|it| it.scenario.stack.into_keys());
    Ok(names.collect())
}

fn plain(paths: &[PathBuf]) -> Result<Vec<Plan>, Failure> {
    let arguments = ScenarioArguments {
        paths: paths.to_vec(),
        overrides: Vec::new(),
    };
    ready(&arguments, &[])
}

/// One entry per file, none for a file with problems, which are printed.
fn checked(files: &[PathBuf], overrides: &[(String, String)]) -> Vec<Option<Plan>> {
    let systems = catalogue::all();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut one = |path: &PathBuf| {
        let file = path.display().to_string();
        let plan = text(path)
            .map_err(|problem| Problems::new(&file, vec![problem]))
            .and_then(|text| read(&file, &text, overrides))
            .and_then(|parsed| {
                let checked = Plan::check(&parsed, &systems);
                let mut problems = Vec::new();
                if checked.is_ok() && overrides.is_empty() {
                    problems = change_problems(&parsed, &systems);
                }
                // With the steps of runbooks that it names, where they could be read.
                let known = match &checked {
                    Ok(plan) => plan.scenario.clone(),
                    Err(_) => parsed.scenario.clone(),
                };
                let known = Parsed {
                    scenario: known,
                    ..parsed.clone()
                };
                problems.extend(foreseen(&known, &systems));
                let name = parsed.scenario.name.clone();
                if let Some(other) = names.insert(name.clone(), file.clone()) {
                    problems.push(parsed.spans.problem(
                        &["name"],
                        format!("the name `{name}` is taken by `{other}`"),
                        "give it another name: it names the report folder",
                    ));
                }
                match checked {
                    Ok(plan) if problems.is_empty() => Ok(plan),
                    Ok(_) => Err(Problems::new(&file, problems)),
                    Err(wrong) => Err(wrong.and(problems)),
                }
            });
        plan.map_err(|problems| output::problems(&problems)).ok()
    };
    files.iter().map(&mut one).collect()
}

/// What can be foreseen of the drill. Not of changes that are meant to make it fail.
fn foreseen(parsed: &Parsed, systems: &[Arc<dyn System>]) -> Vec<Problem> {
    let offers: Vec<Description> = systems.iter().map(|system| system.describe()).collect();
    let used = systems.iter().zip(&offers);
    used.filter(|(_, offer)| parsed.scenario.stack.contains_key(offer.name))
        .flat_map(|(system, _)| validate_foresight(parsed, system.as_ref(), &offers))
        .collect()
}

/// Changes of `must-fail` with which the drill could not be run.
fn change_problems(parsed: &Parsed, systems: &[Arc<dyn System>]) -> Vec<Problem> {
    let changes = (0_usize..).zip(&parsed.scenario.must_fail);
    let wrong = changes.filter_map(|(index, change)| {
        let Source { file, text, .. } = &parsed.source;
        let varied =
            read(file, text, &change.overrides()).and_then(|varied| Plan::check(&varied, systems));
        let problems = varied.err()?;
        let first = problems.all.first()?;
        let message = format!("the drill cannot be run so: {}", first.message());
        let help = first.help_text().unwrap_or("change something else");
        let place = ["must-fail", &index.to_string(), "with"];
        Some(parsed.spans.problem(&place, message, help))
    });
    wrong.collect()
}

/// The file's text, at most a little more than the reader takes.
fn text(path: &Path) -> Result<String, Problem> {
    let unreadable = |cause: String| {
        Problem::new(format!("failed to read the file: {cause}"))
            .help("a scenario is a UTF-8 text file")
    };
    // A pipe or a device would be waited for; a file that is too long is the reader's to refuse, by its first part.
    let file = evidence::files::open_named(path, evidence::files::FILE_MOST);
    let file = file.map_err(|error| unreadable(error.to_string()))?;
    let mut bytes = Vec::new();
    let most = u64::try_from(BYTES_MAX)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    file.take(most)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| unreadable(error.utf8_error().to_string()))
}

/// The files that the paths name, folders searched, each once and in order.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        let help = "name a scenario file, or a folder that holds `.yaml` files";
        if path.is_dir() {
            let before = files.len();
            search(path, DEPTH_MAX, &mut files);
            if files.len() == before {
                let message = format!("there is no scenario in `{}`", path.display());
                return Err(Failure::new(Exit::Usage, message, help));
            }
        } else if path.exists() {
            files.push(path.clone());
        } else {
            let message = format!("there is no file `{}`", path.display());
            return Err(Failure::new(Exit::Usage, message, help));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    Ok(files)
}

fn search(folder: &Path, depth: u32, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() && depth > 0 {
            search(&path, depth - 1, found);
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            found.push(path);
        }
    }
}
