//! Signatures against minisign's own program: it takes ours, we take its, and neither takes what was changed.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use drdrill::evidence::SigningKey;

use crate::{
    drill_rig::DRDRILL,
    evidence_rig::{Reports, verify},
};

fn minisign(arguments: &[&str]) -> Output {
    let output = Command::new("minisign").args(arguments).output();
    output.expect("minisign is installed: scripts/setup.sh")
}

/// Whether minisign takes a run's signature by a public key.
fn takes(run: &Path, key: &str) -> bool {
    let file = |name: &str| run.join(name).to_string_lossy().into_owned();
    let (manifest, signature) = (file("manifest.json"), file("manifest.json.minisig"));
    let output = minisign(&["-V", "-P", key, "-m", &manifest, "-x", &signature]);
    output.status.success()
}

#[test]
#[cfg_attr(
    not(docker_tests),
    ignore = "needs minisign: DRDRILL_DOCKER_TESTS=1 scripts/setup.sh"
)]
fn minisign_takes_our_signature_and_nothing_that_was_changed() {
    let reports = Reports::signed();
    let key = reports.key.public().line();
    assert!(takes(&reports.runs[1], &key));
    let other = SigningKey::generate(None).expect("a key").0;
    assert!(!takes(&reports.runs[1], &other.public().line()));
    reports.edit(0, "manifest.json.minisig", "run:2", "run:3");
    assert!(!takes(&reports.runs[0], &key), "the trusted comment");
    reports.edit(1, "manifest.json", "\"pass\"", "\"pasS\"");
    assert!(!takes(&reports.runs[1], &key), "one byte of the manifest");
}

#[test]
#[cfg_attr(
    not(docker_tests),
    ignore = "needs minisign: DRDRILL_DOCKER_TESTS=1 scripts/setup.sh"
)]
fn we_take_what_minisign_signed_for_this_run_and_nothing_else() {
    let reports = Reports::signed();
    let keys = tempfile::tempdir().expect("a folder");
    let path = |name: &str| keys.path().join(name).to_string_lossy().into_owned();
    let (secret, public) = (path("m.key"), path("m.pub"));
    let made = minisign(&["-G", "-W", "-s", &secret, "-p", &public]);
    assert!(made.status.success());
    let run = &reports.runs[1];
    let signed = Command::new(DRDRILL)
        .arg("sign")
        .arg(run)
        .args(["--sign-key", &secret])
        .output()
        .expect("the binary starts");
    assert!(signed.status.success(), "{signed:?}");
    let file = |name: &str| run.join(name).to_string_lossy().into_owned();
    // The first signer's stays; the second one's lies beside it, named by the key.
    let of_key = |name: &String| name.ends_with(".minisig") && name != "manifest.json.minisig";
    let names = fs::read_dir(run).expect("a folder").flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let [second]: [String; 1] = names
        .filter(of_key)
        .collect::<Vec<_>>()
        .try_into()
        .expect("one");
    let (manifest, signature) = (file("manifest.json"), file(&second));
    let sign = |comment: &str| {
        fs::remove_file(&signature).expect("a signature");
        let own = ["-S", "-s", &secret, "-m", &manifest, "-x", &signature];
        assert!(
            minisign(&[&own[..], &["-t", comment]].concat())
                .status
                .success()
        );
    };
    sign(&format!("file:manifest.json\trun:{}", reports.name(1)));
    let said = verify(run, &public, &[]);
    assert_eq!((said.exit, said.problems), (0, vec![]));
    sign("file:manifest.json\trun:another");
    let said = verify(run, &public, &[]);
    assert_eq!(said.exit, 6);
    assert!(said.problems[0].contains("it is for something else"));
    sign(&format!("file:manifest.json\trun:{}", reports.name(1)));
    reports.edit(1, "manifest.json", "\"pass\"", "\"pasS\"");
    assert_eq!(verify(run, &public, &[]).exit, 6);
}
