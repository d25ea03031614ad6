//! The sample run that is shipped: it verifies, and judged and rendered again it gives the same bytes.

use std::{fs, path::PathBuf};

use drdrill::{evidence, report, score};

fn sample() -> PathBuf {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("reports/sample/reference-primary-kill");
    let runs = fs::read_dir(folder).expect("a sample run: make sample");
    let mut runs: Vec<PathBuf> = runs.flatten().map(|entry| entry.path()).collect();
    assert_eq!(runs.len(), 1, "one sample run");
    runs.remove(0)
}

#[test]
fn the_sample_run_verifies_and_renders_to_the_same_bytes() {
    let folder = sample();
    let loaded = evidence::load(&folder).expect("a run whose digests hold");
    assert!(loaded.notices.is_empty(), "{:?}", loaded.notices);
    let judgement = score::judge(&loaded.record, &loaded.history);
    let mut files = vec![(
        "result.json",
        evidence::result_json(&loaded.record, &judgement),
    )];
    files.extend(report::render_all(
        &loaded.record,
        &loaded.history,
        &judgement,
    ));
    for (name, bytes) in files {
        let old = fs::read(folder.join(name)).expect("a file of the run");
        assert!(
            old == bytes,
            "`{name}` renders differently now: make sample makes a new sample"
        );
    }
}

#[test]
fn a_sample_run_with_one_changed_byte_does_not_verify() {
    let copy = tempfile::tempdir().expect("a folder");
    for entry in fs::read_dir(sample()).expect("a sample run").flatten() {
        if entry.path().is_file() {
            fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("a copy");
        }
    }
    fs::create_dir(copy.path().join("logs")).expect("a folder");
    for entry in fs::read_dir(sample().join("logs")).expect("logs").flatten() {
        fs::copy(
            entry.path(),
            copy.path().join("logs").join(entry.file_name()),
        )
        .expect("a copy");
    }
    assert!(evidence::load(copy.path()).is_ok(), "the copy is whole");
    let path = copy.path().join("scenario.yaml");
    let text = fs::read_to_string(&path)
        .expect("a scenario")
        .replace("rto: 5s", "rto: 9s");
    fs::write(&path, text).expect("a change");
    assert!(evidence::load(copy.path()).is_err());
}
