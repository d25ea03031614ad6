//! The files under `scenarios/` and the schema beside them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use drdrill::{
    drill::validate_against,
    scenario::{Fault, Problems, Step, read, rehearsal, schema::json_schema, to_yaml},
    system::own,
};
use serde_json::Value;

use crate::{offers::offers, scenario_problems::rendered};

fn shipped(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("scenarios are there") {
        let path = entry.expect("a folder entry").path();
        if path.is_dir() {
            found.extend(shipped(&path));
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn every_shipped_scenario_can_be_planned() {
    let mut names = Vec::new();
    let files = shipped(Path::new("scenarios"));
    assert!(files.len() >= 14);
    for path in files {
        let name = path.display().to_string();
        let text = fs::read_to_string(&path).expect("it can be read");
        let parsed = read(&name, &text, &[]).unwrap_or_else(|p| panic!("{}", rendered(&p)));
        let problems = Problems::new(&name, validate_against(&parsed, &offers()));
        assert!(problems.all.is_empty(), "{}", rendered(&problems));
        assert!(
            !names.contains(&parsed.scenario.name),
            "{name}: the name is taken"
        );
        names.push(parsed.scenario.name);
    }
}

/// A drill that nobody saw turn red proves little: what turns it red stands in the file, or why nothing is known to.
#[test]
fn every_shipped_scenario_names_what_turns_it_red_or_says_why_nothing_does() {
    for path in shipped(Path::new("scenarios")) {
        let name = path.display().to_string();
        let text = fs::read_to_string(&path).expect("it can be read");
        let scenario = read(&name, &text, &[]).expect("a scenario").scenario;
        let why = text.contains("# No `must-fail`");
        assert!(scenario.must_fail.is_empty() == why, "{name}");
    }
}

/// Whatever a drill breaks, it can be rehearsed without that.
#[test]
fn every_shipped_scenario_can_be_rehearsed() {
    for path in shipped(Path::new("scenarios")) {
        let name = path.display().to_string();
        let text = fs::read_to_string(&path).expect("it can be read");
        let scenario = read(&name, &text, &[]).expect("a scenario").scenario;
        let quiet = rehearsal(&scenario);
        let parsed = read(&name, &text, &quiet).unwrap_or_else(|p| panic!("{}", rendered(&p)));
        let problems = Problems::new(&name, validate_against(&parsed, &offers()));
        assert!(problems.all.is_empty(), "{}", rendered(&problems));
        let steps = &parsed.scenario.drill;
        let broken = steps.iter().filter(|step| matches!(step, Step::Fault(_)));
        let nothing = |step: &Step| matches!(step, Step::Fault(Fault::Noop(_)));
        assert!(
            broken.clone().count() == 1 && broken.clone().all(nothing),
            "{name}"
        );
    }
}

/// `drdrill check` takes what is foreseen of a drill into account; of changes that must make it fail it does not.
#[test]
fn every_shipped_scenario_is_checked_without_a_problem() {
    let said = assert_cmd::Command::new(env!("CARGO_BIN_EXE_drdrill"))
        .args(["check", "scenarios"])
        .output()
        .expect("drdrill starts");
    let err = String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(0), "{err}");
}

/// A scenario that drdrill makes itself is written to its run's folder as YAML, and verified by reading it again.
#[test]
fn every_shipped_scenario_reads_back_from_what_it_resolves_to() {
    for path in shipped(Path::new("scenarios")) {
        let text = fs::read_to_string(&path).expect("it can be read");
        let name = path.display().to_string();
        let scenario = read(&name, &text, &[]).expect("a scenario").scenario;
        let yaml = to_yaml(&scenario);
        assert!(yaml.starts_with("schema: 1\nname: "), "{yaml}");
        let again = read(&name, &yaml, &[]).unwrap_or_else(|p| panic!("{}", rendered(&p)));
        assert_eq!(again.scenario, scenario, "{name}");
    }
}

#[test]
fn every_shipped_scenario_fits_the_schema() {
    let schema = jsonschema::validator_for(&json_schema()).expect("the schema is one");
    for path in shipped(Path::new("scenarios")) {
        let text = fs::read_to_string(&path).expect("it can be read");
        let value: Value = drdrill::scenario::to_json(&text).expect("it is YAML");
        let errors: Vec<String> = schema
            .iter_errors(&value)
            .map(|e| format!("{} at {}", e, e.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let schema = jsonschema::validator_for(&json_schema()).expect("the schema is one");
    let text = fs::read_to_string("scenarios/quickstart.yaml").expect("it can be read");
    for (from, to) in [
        ("nodes: 3", "node: 3"),
        ("- heal: all", "- repair: all"),
        ("rpo: any", "rpo: some"),
        ("steady: 5s", "steady: 5"),
        ("schema: 1", "schema: 2"),
        ("rto: 1m", "rto:"),
        ("kill: primary", "melt: primary"),
    ] {
        let value = drdrill::scenario::to_json(&text.replacen(from, to, 1)).expect("it is YAML");
        assert!(!schema.is_valid(&value), "{to}");
    }
}

#[test]
fn the_schema_files_are_current() {
    let schemas = [
        ("schema/scenario.schema.json", json_schema()),
        ("schema/client.schema.json", own::json_schema()),
    ];
    for (path, schema) in schemas {
        let current = format!("{schema:#}\n");
        if std::env::var_os("DRDRILL_BLESS").is_some() {
            fs::write(path, &current).expect("it can be written");
        }
        let kept = fs::read_to_string(path).unwrap_or_default();
        assert!(
            kept == current,
            "run the tests with DRDRILL_BLESS=1 to write {path} anew"
        );
    }
}

#[test]
fn a_resolved_scenario_reads_back_as_itself() {
    for path in shipped(Path::new("scenarios")) {
        let text = fs::read_to_string(&path).expect("it can be read");
        let first = read("a", &text, &[]).expect("it reads").scenario;
        let json = serde_json::to_string(&first).expect("it serialises");
        let second = read("b", &json, &[]).unwrap_or_else(|p| panic!("{}", rendered(&p)));
        assert_eq!(first, second.scenario, "{}", path.display());
    }
}

#[test]
fn the_reference_shows_a_scenario_that_reads() {
    let reference = fs::read_to_string("docs/scenario.md").expect("it is there");
    let block = reference
        .split("```yaml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let text = block.expect("it has an example");
    let parsed = read("docs/scenario.md", text, &[]).unwrap_or_else(|p| panic!("{}", rendered(&p)));
    let problems = Problems::new("docs/scenario.md", validate_against(&parsed, &offers()));
    assert!(problems.all.is_empty(), "{}", rendered(&problems));
}

#[test]
fn the_reference_names_every_key() {
    let reference = fs::read_to_string("docs/scenario.md").expect("it is there");
    let schema = json_schema();
    let mut missing = Vec::new();
    let mut look = |map: &Value| {
        for (key, _) in map["properties"].as_object().into_iter().flatten() {
            let named = [format!("`{key}"), format!(" {key}:")];
            if !named.iter().any(|n| reference.contains(n)) {
                missing.push(key.clone());
            }
        }
    };
    look(&schema);
    for (_, definition) in schema["$defs"].as_object().expect("definitions") {
        look(definition);
        for kind in ["oneOf", "anyOf"] {
            definition[kind]
                .as_array()
                .into_iter()
                .flatten()
                .for_each(&mut look);
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}
