//! Finding, reading and checking scenario files, for `check` and `run`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use drdrill::{
    drill::{Plan, alert_warnings, warnings},
    local,
    scenario::{Problems, Scenario, Source, read},
    system::catalogue,
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
        let plan = local::text(path)
            .map_err(|problem| Problems::new(&file, vec![problem]))
            .and_then(|text| read(&file, &text, overrides))
            .and_then(|parsed| {
                let name = parsed.scenario.name.clone();
                let other = names.insert(name.clone(), file.clone());
                let taken = other.map(|other| {
                    parsed.spans.problem(
                        &["name"],
                        format!("the name `{name}` is taken by `{other}`"),
                        "give it another name: it names the report folder",
                    )
                });
                local::checked(&parsed, &systems, taken.into_iter().collect())
            });
        plan.map_err(|problems| output::problems(&problems)).ok()
    };
    files.iter().map(&mut one).collect()
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
