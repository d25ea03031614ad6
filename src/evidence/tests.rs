//! The run folder, written and read back.

use std::{fs, path::Path, sync::mpsc::channel};

use tempfile::TempDir;

use crate::{
    history::Heard,
    id::NodeName,
    measure::{ConsistencyFigures, Figure},
    record::{Shard, Status, What},
    scenario::{Consistency, ConsistencyKind},
    score::{Verdict, judge},
};

use super::{
    Claims, Closing, EvidenceError, Links, Notice, Opening, Redactor, Register, RunFolder,
    history_read, load, manifest::sha256, result_json, sample,
};

fn observed() -> Vec<Heard> {
    let history = sample::history();
    history
        .ops()
        .map(|op| Heard {
            op,
            error: history.error_of(&op).map(str::to_owned),
            lists: history.lists_of(&op).cloned(),
        })
        .collect()
}

/// Writes the sample as a run does, up to the manifest.
fn written(root: &Path) -> RunFolder {
    let folder = RunFolder::create(root, "redis-sentinel-primary-kill", &sample::run()).unwrap();
    folder.scenario(sample::SCENARIO).unwrap();
    folder.environment(&sample::record().environment).unwrap();
    let mut log = folder.events().unwrap();
    for event in sample::events() {
        log.append(&event).unwrap();
    }
    let (sender, receiver) = channel();
    let thread = folder.history().unwrap().follow(receiver).unwrap();
    for row in observed() {
        sender.send(row).unwrap();
    }
    drop(sender);
    thread.join().unwrap();
    folder
        .log(&NodeName::new("redis1"), "ready to accept connections\n")
        .unwrap();
    folder
}

fn sealed(root: &Path) -> RunFolder {
    let folder = written(root);
    let result = result_json(&sample::record(), &sample::judgement());
    folder.write("result.json", &result).unwrap();
    let loaded = load(folder.path()).unwrap();
    let card = sample::judgement().scorecard;
    let claims = Claims::of(&loaded.record, loaded.end.as_ref(), Some(&card));
    folder.seal(claims, Links::default(), None).unwrap();
    folder
}

/// The history with its classes numbered in order of appearance, as reading back yields it.
fn renumbered() -> crate::history::History {
    let mut history = sample::history().draft();
    let mut classes: Vec<String> = Vec::new();
    for op in &mut history.ops {
        if let Some(error) = op.error {
            let class = sample::history().errors[usize::from(error)].clone();
            let known = classes.iter().position(|c| *c == class);
            op.error = Some(known.unwrap_or_else(|| {
                classes.push(class);
                classes.len() - 1
            }) as u16);
        }
    }
    history.errors = classes;
    history.into()
}

#[test]
fn a_sealed_folder_reads_back_as_it_was_written() {
    let root = TempDir::new().unwrap();
    let loaded = load(sealed(root.path()).path()).unwrap();
    assert_eq!(loaded.record, sample::record());
    assert!(loaded.history == renumbered());
    assert_eq!(loaded.scenario, sample::SCENARIO.as_bytes());
    assert_eq!(loaded.notices, []);
    let manifest = loaded.manifest.unwrap();
    let files: Vec<&str> = manifest.files.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(
        files,
        [
            "environment.json",
            "events.jsonl",
            "history.arrows",
            "logs/redis1.log",
            "result.json",
            "scenario.yaml"
        ]
    );
}

#[test]
fn result_rendered_again_from_the_folder_has_the_same_bytes() {
    let root = TempDir::new().unwrap();
    let folder = sealed(root.path());
    let loaded = load(folder.path()).unwrap();
    let before = fs::read(folder.path().join("result.json")).unwrap();
    assert_eq!(before, result_json(&loaded.record, &sample::judgement()));
}

#[test]
fn a_folder_without_manifest_says_that_it_is_incomplete() {
    let root = TempDir::new().unwrap();
    let loaded = load(written(root.path()).path()).unwrap();
    assert_eq!(loaded.notices, [Notice::Incomplete]);
}

#[test]
fn every_changed_missing_and_extra_file_is_named() {
    let root = TempDir::new().unwrap();
    let folder = sealed(root.path());
    fs::write(folder.path().join("logs/redis1.log"), "edited").unwrap();
    fs::remove_file(folder.path().join("environment.json")).unwrap();
    fs::write(folder.path().join("notes.txt"), "extra").unwrap();
    let error = load(folder.path()).unwrap_err();
    assert!(matches!(error, EvidenceError::Altered { .. }));
    let said = error.to_string();
    assert!(
        said.ends_with("altered: logs/redis1.log; missing: environment.json; extra: notes.txt"),
        "{said}"
    );
}

#[test]
fn what_transactions_read_is_read_back_and_belongs_to_its_operation() {
    let root = TempDir::new().unwrap();
    let folder = RunFolder::create(root.path(), "lists", &sample::run()).unwrap();
    let mut history = folder.history().unwrap();
    let told = [Some(vec![vec![7, 8], vec![]]), None, Some(vec![])];
    let ops: Vec<_> = sample::history().ops().take(3).collect();
    for (op, lists) in ops.iter().zip(told.clone()) {
        let op = crate::history::Op { error: None, ..*op };
        let heard = Heard {
            op,
            error: None,
            lists,
        };
        history.push(heard).unwrap();
    }
    history.finish().unwrap();
    let read = history_read::read(&folder.path().join("history.arrows")).unwrap();
    for (op, lists) in ops.iter().zip(told) {
        assert_eq!(read.history.lists_of(op).cloned(), lists);
    }
}

#[test]
fn a_truncated_history_yields_its_complete_batches() {
    let root = TempDir::new().unwrap();
    let path = written(root.path()).path().join("history.arrows");
    let whole = fs::read(&path).unwrap();
    let all = history_read::read(&path).unwrap();
    assert!(!all.truncated);
    let mut lengths = Vec::new();
    for cut in [
        0,
        7,
        900,
        whole.len() / 3,
        whole.len() / 2,
        whole.len() - 8,
        whole.len() - 1,
    ] {
        fs::write(&path, &whole[..cut]).unwrap();
        let read = history_read::read(&path).unwrap();
        assert!(read.truncated, "cut at {cut}");
        assert!(read.history.count().is_multiple_of(1024) || cut >= whole.len() - 8);
        lengths.push(read.history.count());
    }
    assert!(lengths.is_sorted() && lengths[4] >= 1024, "{lengths:?}");
    assert_eq!(lengths[5], all.history.count());
}

#[test]
fn a_cut_event_line_is_left_out_and_a_damaged_one_is_an_error() {
    let root = TempDir::new().unwrap();
    let folder = written(root.path());
    let path = folder.path().join("events.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() - 5]).unwrap();
    let loaded = load(folder.path()).unwrap();
    assert_eq!(
        loaded.notices,
        [Notice::Incomplete, Notice::EventsTruncated]
    );
    let mut lines: Vec<&str> = text.lines().collect();
    lines[3] = "{}";
    fs::write(&path, lines.join("\n")).unwrap();
    let error = load(folder.path()).unwrap_err();
    assert!(error.to_string().contains("line 4 of"), "{error}");
}

#[test]
fn a_scenario_changed_after_the_opening_is_refused() {
    let root = TempDir::new().unwrap();
    let folder = written(root.path());
    let easier = sample::SCENARIO.replace("30s", "60s");
    fs::write(folder.path().join("scenario.yaml"), easier).unwrap();
    let error = load(folder.path()).unwrap_err();
    assert!(error.to_string().contains("opened with"), "{error}");
}

#[test]
fn a_run_never_writes_into_another_runs_folder_nor_outside_its_own() {
    let root = TempDir::new().unwrap();
    let run = sample::run();
    RunFolder::create(root.path(), "a", &run).unwrap();
    assert!(matches!(
        RunFolder::create(root.path(), "a", &run),
        Err(EvidenceError::Exists(_))
    ));
    assert!(matches!(
        RunFolder::create(root.path(), "../a", &run),
        Err(EvidenceError::Name(_))
    ));
    assert!(matches!(
        load(root.path()),
        Err(EvidenceError::NotARun { .. })
    ));
}

fn opening(tail: u32) -> Opening {
    Opening {
        run: crate::id::RunId::new("20261121t081500", tail),
        scenario: "redis-sentinel-primary-kill".into(),
        scenario_sha256: sha256(b"x"),
        overrides: Vec::new(),
        opening_sha256: sha256(b"y"),
        folder: "redis-sentinel-primary-kill/20261121t081500-000001".into(),
        started: "2026-11-21T08:15:00Z".into(),
        attempt: None,
    }
}

fn closing(tail: u32) -> Closing {
    Closing {
        run: opening(tail).run,
        status: Status::Completed,
        verdict: Some(Verdict::Pass),
        manifest_sha256: Some(sha256(b"manifest")),
    }
}

#[test]
fn the_register_names_runs_that_were_not_closed_and_closing_twice_is_once() {
    let root = TempDir::new().unwrap();
    let register = Register::of(&root.path().join("reports"));
    assert_eq!(register.unclosed().unwrap(), []);
    register.open(&opening(1)).unwrap();
    register.open(&opening(2)).unwrap();
    register.close(&closing(1)).unwrap();
    register.close(&closing(1)).unwrap();
    assert_eq!(register.unclosed().unwrap(), [opening(2)]);
    assert_eq!(register.entries().unwrap().len(), 3);
    let seal = |links: Links| {
        assert_eq!(links.previous, Some(sha256(b"manifest")));
        Ok(closing(2))
    };
    register.seal(seal).unwrap();
    assert_eq!(register.unclosed().unwrap(), []);
}

#[test]
fn a_changed_register_line_is_found_and_a_torn_one_is_repaired() {
    let root = TempDir::new().unwrap();
    let register = Register::of(root.path());
    register.open(&opening(1)).unwrap();
    register.close(&closing(1)).unwrap();
    let path = root.path().join("register.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}{{\"previous\":")).unwrap();
    register.open(&opening(2)).unwrap();
    assert_eq!(register.entries().unwrap().len(), 3);
    fs::write(&path, text.replace("08:15", "09:15")).unwrap();
    let error = register.entries().unwrap_err();
    assert!(error.to_string().contains("line 2"), "{error}");
}

#[test]
fn the_register_takes_writers_one_at_a_time() {
    let root = TempDir::new().unwrap();
    let register = Register::of(root.path());
    std::thread::scope(|scope| {
        for tail in 0..16 {
            let register = register.clone();
            scope.spawn(move || register.open(&opening(tail)).unwrap());
        }
    });
    assert_eq!(register.entries().unwrap().len(), 16);
}

#[test]
fn the_result_fits_its_schema() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../schema/result.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let check = |bytes: Vec<u8>| {
        let result = serde_json::from_slice(&bytes).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&result)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}", errors.join("\n"));
    };
    check(result_json(&sample::record(), &sample::judgement()));
    let mut died = sample::record();
    died.stack = None;
    died.residue = None;
    died.converged = None;
    died.status = Status::Aborted("no image".into());
    check(result_json(&died, &sample::judgement()));
    let mut stopped = sample::record();
    stopped.status = Status::Halted("`drdrill halt`: a real incident".into());
    let aborted = judge(&stopped, &sample::history());
    assert_eq!(aborted.scorecard.verdict, Verdict::Aborted);
    check(result_json(&stopped, &aborted));
    let mut sharded = sample::record();
    let stack = sharded.stack.as_mut().unwrap();
    stack.shards = vec![Shard {
        number: 1,
        holds: "slots 0 to 16383".into(),
        members: stack.members.iter().map(|m| m.name.clone()).collect(),
    }];
    for lane in &mut sharded.lanes {
        lane.shard = Some(1);
    }
    let judgement = judge(&sharded, &sample::history());
    assert_eq!(judgement.figures.events[0].shards.len(), 1);
    check(result_json(&sharded, &judgement));
    let mut consistent = sample::judgement();
    let found = ConsistencyFigures {
        kind: ConsistencyKind::Transfers,
        keys: 4,
        operations: 9,
        broken: 0,
        anomalies: 1,
        model: None,
        kinds: [].into(),
        told: vec!["a final read held a total of 3 instead of 4".into()],
    };
    let of_lists = ConsistencyFigures {
        kind: ConsistencyKind::ListAppend,
        model: Some(Consistency::Serializable),
        kinds: [("G2-item".to_owned(), 1)].into(),
        ..found.clone()
    };
    for figure in [
        Figure::Measured(of_lists),
        Figure::Measured(found),
        Figure::Missing("a final read holds no total".into()),
    ] {
        consistent.figures.consistency = Some(figure);
        check(result_json(&sample::record(), &consistent));
    }
    let wrong = serde_json::json!({ "schema_version": 1 });
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn secrets_in_logs_errors_and_events_stay_out_of_the_folder() {
    let root = TempDir::new().unwrap();
    let planted = "corr3ct-horse";
    let redactor = Redactor::knowing([("MYSQL_ROOT_PASSWORD".to_owned(), planted.to_owned())]);
    let folder = RunFolder::create(root.path(), "secrets", &sample::run()).unwrap();
    let folder = folder.redacting(redactor);
    folder
        .scenario(&format!("# {planted}\n{}", sample::SCENARIO))
        .unwrap();
    let node = NodeName::new("redis1");
    let said = format!("auth with {planted} failed; requirepass other-secret");
    folder.log(&node, &said).unwrap();
    let mut log = folder.events().unwrap();
    let mut events = sample::events();
    let What::Opened(opened) = &mut events[0].what else {
        panic!("the opening comes first");
    };
    opened.overrides = vec![("stack.redis.settings.masterauth".into(), "short".into())];
    events[1].what = What::Note(format!("connects to redis://:{planted}@redis1:6379"));
    events.iter().for_each(|event| log.append(event).unwrap());
    let mut history = folder.history().unwrap();
    let op = sample::history().ops().next().unwrap();
    let heard = Heard {
        op,
        error: Some(said.clone()),
        lists: None,
    };
    history.push(heard).unwrap();
    history.finish().unwrap();
    for name in ["scenario.yaml", "events.jsonl", "logs/redis1.log"] {
        let text = fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(
            !text.contains(planted) && !text.contains("other-secret"),
            "{name}"
        );
        assert!(!text.contains("\"short\""), "{name}");
        assert!(text.contains("REDACTED"), "{name}");
    }
    let errors = history_read::read(&folder.path().join("history.arrows"))
        .unwrap()
        .history
        .errors;
    assert_eq!(errors, ["auth with REDACTED failed; requirepass REDACTED"]);
}
