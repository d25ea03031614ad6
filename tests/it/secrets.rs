//! Planted secrets do not reach a run folder, and a run without them still verifies.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use drdrill::evidence::{self, SigningKey};

use crate::{drill_rig::DRDRILL, evidence_rig::verify};

const IN_COMMENT: &str = "planted-in-a-comment";
const IN_SUMMARY: &str = "planted-in-the-summary";
const IN_VARIABLE: &str = "planted-in-a-variable";
const IN_OVERRIDE: &str = "planted-in-an-override";

/// A short drill that names secrets wherever a person can write.
fn scenario() -> String {
    format!(
        "# the application's password: {IN_COMMENT}\n\
         schema: 1\nname: secrets\nsummary: \"connects with token={IN_SUMMARY} and {IN_VARIABLE}\"\n\
         stack: {{ reference: {{ topology: replicated, settings: {{ detect: 500ms }} }} }}\n\
         clients: {{ service: {{ lanes: 2, rate: 400/s, timeout: 200ms }} }}\n\
         targets: {{ rto: 30s, rpo: any }}\n\
         drill: [ {{ steady: 2s }}, {{ fault: {{ kill: primary }} }}, {{ expect: {{ recovered: {{ within: 30s }} }} }} ]\n"
    )
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn secrets_of_settings_variables_and_texts_stay_out_of_the_run_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("drill.yaml");
    fs::write(&path, scenario()).expect("a scenario");
    let reports = folder.path().join("reports");
    let (key, secret) = SigningKey::generate(None).expect("a key");
    let output = Command::new(DRDRILL)
        .arg("run")
        .arg(&path)
        .arg("--out")
        .arg(&reports)
        .args([
            "--set",
            &format!("summary=asks with api_key={IN_OVERRIDE} and {IN_VARIABLE}"),
        ])
        .env("DRDRILL_STATE", folder.path().join("state"))
        .env("DRDRILL_SIGNING_KEY", &secret)
        .env("PGPASSWORD", IN_VARIABLE)
        .output()
        .expect("the binary starts");
    let talk = String::from_utf8_lossy(&output.stderr);
    let key_line = secret.lines().last().expect("a line").to_owned();
    let planted = [IN_COMMENT, IN_SUMMARY, IN_VARIABLE, IN_OVERRIDE, &key_line];
    let files = files(&reports);
    assert!(files.len() > 12, "{files:?} {talk}");
    let mut redacted = 0;
    for file in &files {
        let bytes = fs::read(file).expect("a file");
        let text = String::from_utf8_lossy(&bytes);
        for secret in planted {
            assert!(
                !text.contains(secret),
                "`{secret}` is in {}",
                file.display()
            );
        }
        redacted += usize::from(text.contains("REDACTED"));
    }
    assert!(
        redacted >= 2,
        "scenario and event log say that something was taken out"
    );
    let run = files
        .iter()
        .find(|file| file.ends_with("manifest.json"))
        .and_then(|file| file.parent())
        .expect("a sealed run");
    let loaded = evidence::load(run).expect("a run");
    assert!(
        loaded
            .record
            .opened
            .scenario
            .summary
            .contains("api_key=REDACTED and REDACTED")
    );
    assert!(
        loaded
            .history
            .errors
            .iter()
            .all(|error| !error.contains("planted"))
    );
    let said = verify(&reports, &key.public().line(), &[]);
    assert_eq!((said.exit, said.problems), (0, vec![]));
}
