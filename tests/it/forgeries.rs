//! Forged evidence of a real run: each forgery is named by `drdrill verify`, and honest evidence is not.

use std::{fs, path::PathBuf};

use drdrill::evidence::SigningKey;
use tempfile::TempDir;

use crate::evidence_rig::{Reports, verify};

/// One forgery: what is done, and what verify must say of it.
type Forgery = (&'static str, fn(&Reports), &'static [&'static str]);

/// What can be done without the key.
const OUTSIDERS: &[Forgery] = &[
    (
        "result.json edited",
        |it| {
            it.edit(
                1,
                "result.json",
                "\"verdict\": \"pass\"",
                "\"verdict\": \"fail\"",
            )
        },
        &["result.json: altered", "result.json: it says \"fail\""],
    ),
    (
        "result.json edited, manifest made to fit",
        |it| {
            it.edit(
                1,
                "result.json",
                "\"verdict\": \"pass\"",
                "\"verdict\": \"fail\"",
            );
            it.manifest_again(1);
        },
        &[
            "manifest.json.minisig: it is not by the pinned key",
            "manifest.dsse.json: its statement does not follow",
            "result.json: it says \"fail\"",
        ],
    ),
    (
        "the same, signed with another key",
        |it| {
            it.edit(
                1,
                "result.json",
                "\"verdict\": \"pass\"",
                "\"verdict\": \"fail\"",
            );
            it.seal_again(1, &SigningKey::generate(None).expect("a key").0);
        },
        &[
            "manifest.json.minisig: it is not by the pinned key",
            "manifest.dsse.json: no signature in it is by the pinned key",
        ],
    ),
    (
        "target in scenario.yaml edited",
        |it| it.edit(1, "scenario.yaml", "rto: 5s", "rto: 9s"),
        &["scenario.yaml: altered", "scenario.yaml: failed to read"],
    ),
    (
        "target in the event log edited",
        |it| it.edit(1, "events.jsonl", "\"rto\":\"5s\"", "\"rto\":\"9s\""),
        &["events.jsonl: altered", "line 2 of"],
    ),
    (
        "line of the event log removed",
        |it| {
            let path = it.runs[1].join("events.jsonl");
            let text = fs::read_to_string(&path).expect("a log");
            let lines: Vec<&str> = text.lines().collect();
            let without = [&lines[..30], &lines[31..]].concat().join("\n");
            fs::write(&path, without + "\n").expect("a log");
        },
        &["events.jsonl: altered", "line 31 of"],
    ),
    (
        "end of the event log cut off",
        |it| {
            let path = it.runs[1].join("events.jsonl");
            let text = fs::read_to_string(&path).expect("a log");
            let lines: Vec<&str> = text.lines().collect();
            fs::write(&path, lines[..lines.len() - 1].join("\n") + "\n").expect("a log");
        },
        &[
            "events.jsonl: altered",
            "manifest.json: `events` does not follow",
        ],
    ),
    (
        "node's log edited",
        |it| fs::write(it.runs[1].join("logs/n1.log"), "all is well\n").expect("a log"),
        &["logs/n1.log: altered"],
    ),
    (
        "history of another run",
        |it| {
            fs::copy(
                it.runs[0].join("history.arrows"),
                it.runs[1].join("history.arrows"),
            )
            .expect("a copy");
        },
        &["history.arrows: altered", "history.arrows: it is of 2026"],
    ),
    (
        "report.html edited",
        |it| it.edit(1, "report.html", "PASS", "FAIL"),
        &["report.html: altered", "report.html: it does not follow"],
    ),
    (
        "file added",
        |it| fs::write(it.runs[1].join("notes.txt"), "as agreed").expect("a file"),
        &["notes.txt: extra"],
    ),
    (
        "file added under the manifest's name",
        |it| fs::write(it.runs[1].join("manifest.old.json"), "{}").expect("a file"),
        &["manifest.old.json: extra"],
    ),
    (
        "link added",
        |it| {
            std::os::unix::fs::symlink("/etc/hostname", it.runs[1].join("logs/x")).expect("a link")
        },
        &["logs/x (not a plain file): extra"],
    ),
    (
        "file removed",
        |it| fs::remove_file(it.runs[1].join("environment.json")).expect("a file"),
        &["environment.json: missing"],
    ),
    (
        "manifest removed",
        |it| fs::remove_file(it.runs[1].join("manifest.json")).expect("a file"),
        &["manifest.json: missing", "its manifest is gone"],
    ),
    (
        "signatures removed",
        |it| {
            for name in ["manifest.json.minisig", "manifest.dsse.json"] {
                fs::remove_file(it.runs[1].join(name)).expect("a signature");
            }
        },
        &["manifest.json: not signed: nobody vouches for this run"],
    ),
    (
        "signatures of another run",
        |it| {
            for name in ["manifest.json.minisig", "manifest.dsse.json"] {
                fs::copy(it.runs[0].join(name), it.runs[1].join(name)).expect("a copy");
            }
        },
        &[
            "manifest.json.minisig: it is not by the pinned key",
            "manifest.dsse.json: its statement does not follow",
        ],
    ),
    (
        "run deleted",
        |it| fs::remove_dir_all(&it.runs[1]).expect("a folder"),
        &["deleted: the register names this run"],
    ),
    (
        "run deleted, its register lines too",
        |it| {
            let text = fs::read_to_string(it.register()).expect("a register");
            let kept = text.lines().filter(|line| !line.contains(&it.name(1)));
            let kept: String = kept.map(|line| format!("{line}\n")).collect();
            fs::write(it.register(), kept).expect("a register");
            fs::remove_dir_all(&it.runs[1]).expect("a folder");
        },
        &["register line 3: it does not follow", "a run was removed"],
    ),
    (
        "run deleted, the register chained anew",
        |it| {
            it.register_again(|line| !line.contains(&it.name(1)));
            fs::remove_dir_all(&it.runs[1]).expect("a folder");
        },
        &["a run was removed", "lines were rewritten"],
    ),
    (
        "register line edited",
        |it| {
            let text = fs::read_to_string(it.register()).expect("a register");
            fs::write(it.register(), text.replacen("\"pass\"", "\"fail\"", 1)).expect("a register");
        },
        &[
            "register line 3: it does not follow",
            "verdict or status is not the one",
        ],
    ),
    (
        "end of the register cut off, the run kept",
        |it| {
            let text = fs::read_to_string(it.register()).expect("a register");
            let kept = text.lines().filter(|line| !line.contains(&it.name(2)));
            let kept: String = kept.map(|line| format!("{line}\n")).collect();
            fs::write(it.register(), kept).expect("a register");
        },
        &["the register does not know this run"],
    ),
    (
        "run of another register added",
        |it| {
            let other = Reports::signed();
            let to = it.runs[0].with_file_name("20261121t110000-00000f");
            fs::rename(&other.runs[2], to).expect("a folder");
        },
        &["20261121t110000-00000f: the register does not know this run"],
    ),
    (
        "run deleted, a line that says that it was pruned appended",
        |it| it.prune_by_hand(&it.runs[0], None),
        &["pruned by nobody: the line that says so is not signed"],
    ),
    (
        "the same, signed with another key",
        |it| {
            it.prune_by_hand(
                &it.runs[0],
                Some(&SigningKey::generate(None).expect("a key").0),
            )
        },
        &["pruned by another: the line that says so is not signed by the pinned key"],
    ),
    (
        "run deleted, the signed line of another that was pruned made to name it",
        |it| {
            it.prune(&["--keep", "2"]);
            let text = fs::read_to_string(it.register()).expect("a register");
            let line = text.lines().last().expect("a line");
            let forged = line.replace(&it.name(0), &it.name(1));
            fs::write(it.register(), format!("{text}{forged}\n")).expect("a register");
            it.register_again(|_| true);
            fs::remove_dir_all(&it.runs[1]).expect("a folder");
        },
        &[
            "pruned by another: the line that says so is not signed by the pinned key",
            "the line that says that it was pruned names another manifest or verdict",
        ],
    ),
    (
        "verdict in the line that says that a run was pruned edited",
        |it| {
            it.prune(&["--keep", "2"]);
            let text = fs::read_to_string(it.register()).expect("a register");
            let at = text.rfind("\"pass\"").expect("a verdict");
            let forged = format!("{}\"fail\"{}", &text[..at], &text[at + 6..]);
            fs::write(it.register(), forged).expect("a register");
        },
        &["pruned by another", "names another manifest or verdict"],
    ),
    (
        "line that says that a run was pruned removed, the register chained anew",
        |it| {
            it.prune(&["--keep", "2"]);
            it.register_again(|line| !line.contains("\"pruned\""));
        },
        &["deleted: the register names this run"],
    ),
    (
        "another folder in a pruned run's place",
        |it| {
            it.prune(&["--keep", "2"]);
            fs::create_dir(&it.runs[0]).expect("a folder");
            fs::copy(
                it.runs[1].join("result.json"),
                it.runs[0].join("result.json"),
            )
            .expect("a copy");
        },
        &["the register says that it was pruned, and its folder is there"],
    ),
];

/// What the key's holder can do and is named all the same.
const INSIDERS: &[Forgery] = &[
    (
        "verdict edited everywhere, signed by the key's holder",
        |it| {
            it.edit(
                1,
                "result.json",
                "\"verdict\": \"pass\"",
                "\"verdict\": \"fail\"",
            );
            it.edit(
                1,
                "manifest.json",
                "\"verdict\": \"pass\"",
                "\"verdict\": \"fail\"",
            );
            it.seal_again(1, &it.key);
        },
        &[
            "result.json: it says \"fail\"",
            "manifest.json: `verdict` does not follow",
            "its manifest is not the one that was registered",
        ],
    ),
    (
        "a measured value edited, signed by the key's holder",
        |it| {
            it.edit(
                1,
                "result.json",
                "\"target\": \"<= 5s\"",
                "\"target\": \"<= 4s\"",
            );
            it.seal_again(1, &it.key);
        },
        &[
            "result.json: target of \"rto\"",
            "its manifest is not the one",
        ],
    ),
    (
        "report edited, signed by the key's holder",
        |it| {
            it.edit(1, "report.html", "PASS", "FAIL");
            it.seal_again(1, &it.key);
        },
        &["report.html: it does not follow from events and history"],
    ),
    (
        "history swapped, signed by the key's holder",
        |it| {
            let from = it.runs[0].join("history.arrows");
            fs::copy(from, it.runs[1].join("history.arrows")).expect("a copy");
            it.seal_again(1, &it.key);
        },
        &["history.arrows: it is of 2026"],
    ),
    (
        "easier target than in scenario.yaml, by the key's holder",
        |it| {
            it.forge(9, |opened| opened.scenario.targets.rto = "9s".parse().ok());
        },
        &["events.jsonl: the scenario that it was opened with does not follow"],
    ),
    (
        "run made anew under the same name, consistent in itself, by the key's holder",
        |it| it.replace(1, |opened| opened.seed = drdrill::seed::Seed(7)),
        &[
            "its targets, overrides or seed are not those that were registered before the run",
            "its manifest is not the one that was registered",
        ],
    ),
    (
        "file added to the manifest, by the key's holder",
        |it| {
            fs::write(it.runs[1].join("notes.txt"), "as agreed").expect("a file");
            it.edit(
                1,
                "manifest.json",
                "\"files\": [",
                "\"files\": [ { \"path\": \"notes.txt\", \"bytes\": 0, \"sha256\": \"\" },",
            );
            it.seal_again(1, &it.key);
        },
        &["notes.txt: extra: no file of a run"],
    ),
    (
        "one run pruned and an older one kept, by the key's holder",
        |it| it.prune_by_hand(&it.runs[1], Some(&it.key)),
        &["pruned, and an older run of its scenario was not"],
    ),
    (
        "every run pruned, by the key's holder",
        |it| {
            it.runs
                .iter()
                .for_each(|run| it.prune_by_hand(run, Some(&it.key)))
        },
        &["pruned, and no newer run of its scenario was kept"],
    ),
];

fn named(forgeries: &[Forgery]) {
    let mut table = String::new();
    for (name, forge, expected) in forgeries {
        let reports = Reports::signed();
        forge(&reports);
        let said = reports.verify(&[]);
        assert_eq!(said.exit, 6, "{name}: {:?}", said.problems);
        for words in *expected {
            let found = said.problems.iter().any(|problem| problem.contains(words));
            assert!(found, "{name}: `{words}` is not in {:#?}", said.problems);
        }
        let place = format!("{}/", reports.path().display());
        let first: Vec<String> = said
            .problems
            .iter()
            .map(|it| it.replace(&place, ""))
            .collect();
        table.push_str(&format!("{name} -> {}\n", first.join(" | ")));
    }
    println!("{table}");
}

#[test]
fn honest_evidence_verifies() {
    let reports = Reports::signed();
    let said = reports.verify(&["--head", &reports.head()]);
    assert_eq!((said.exit, said.problems), (0, vec![]));
    assert_eq!(said.json["runs"].as_array().map(Vec::len), Some(3));
    let register = reports.register();
    let register = register.to_string_lossy();
    let one = verify(
        &reports.runs[1],
        &reports.key.public().line(),
        &["--register", &register],
    );
    assert_eq!((one.exit, one.problems), (0, vec![]));
}

/// A run's folder and the register at places of their own, so that nothing lies beside the register.
fn apart(reports: &Reports, run: usize) -> (TempDir, PathBuf, String) {
    let root = tempfile::tempdir().expect("a folder");
    let folder = root.path().join("run");
    fs::create_dir_all(folder.join("logs")).expect("a folder");
    for part in ["", "logs"] {
        let files = fs::read_dir(reports.runs[run].join(part)).expect("a folder");
        for file in files.flatten().filter(|file| file.path().is_file()) {
            let to = folder.join(part).join(file.file_name());
            fs::copy(file.path(), to).expect("a copy");
        }
    }
    let register = root.path().join("elsewhere/register.jsonl");
    fs::create_dir(root.path().join("elsewhere")).expect("a folder");
    fs::copy(reports.register(), &register).expect("a copy");
    (root, folder, register.to_string_lossy().into_owned())
}

#[test]
fn a_register_that_was_taken_away_must_still_be_the_one_that_the_run_was_written_to() {
    let reports = Reports::signed();
    let key = reports.key.public().line();
    let alone = |reports: &Reports| {
        let (_root, folder, register) = apart(reports, 1);
        verify(&folder, &key, &["--register", &register])
    };
    let honest = alone(&reports);
    assert_eq!((honest.exit, honest.problems), (0, vec![]));
    reports.register_again(|line| !line.contains(&reports.name(0)));
    let forged = alone(&reports);
    assert_eq!(forged.exit, 6);
    for words in ["lines were rewritten", "a run was removed"] {
        let named = |problem: &&String| problem.contains(words);
        assert_eq!(forged.problems.iter().filter(named).count(), 1, "{words}");
    }
}

/// What a holder of the register can write there: easier words before the run, a better verdict after it.
#[test]
fn a_register_that_was_taken_away_must_say_of_the_run_what_its_manifest_says() {
    for (from, to, words) in [
        (
            "\"opening_sha256\":\"",
            "\"opening_sha256\":\"0",
            "registered before the run",
        ),
        (
            "\"verdict\":\"pass\"",
            "\"verdict\":\"fail\"",
            "verdict or status",
        ),
    ] {
        let reports = Reports::signed();
        let key = reports.key.public().line();
        let text = fs::read_to_string(reports.register()).expect("a register");
        fs::write(reports.register(), text.replace(from, to)).expect("a register");
        reports.register_again(|_| true);
        let (_root, folder, register) = apart(&reports, 0);
        let said = verify(&folder, &key, &["--register", &register]);
        assert_eq!(said.exit, 6);
        let named = said.problems.iter().any(|problem| problem.contains(words));
        assert!(named, "{words}: {:?}", said.problems);
    }
}

#[test]
fn every_forgery_without_the_key_is_named() {
    named(OUTSIDERS);
}

#[test]
fn what_the_keys_holder_forges_is_named_by_derivation_and_register() {
    named(INSIDERS);
}

#[test]
fn the_wrong_pinned_key_verifies_nothing() {
    let reports = Reports::signed();
    let other = SigningKey::generate(None).expect("a key").0;
    let said = verify(reports.path(), &other.public().line(), &[]);
    assert_eq!(said.exit, 6);
    assert_eq!(said.problems.len(), 6, "{:?}", said.problems);
}

/// Cutting off the newest runs together with their register lines leaves a whole chain: only a head that
/// was noted elsewhere shows it.
#[test]
fn a_cut_off_tail_is_shown_by_a_head_noted_elsewhere() {
    let reports = Reports::signed();
    let head = reports.head();
    reports.register_again(|line| !line.contains(&reports.name(2)));
    fs::remove_dir_all(&reports.runs[2]).expect("a folder");
    assert_eq!(
        reports.verify(&[]).exit,
        0,
        "the limit that docs/evidence.md states"
    );
    let said = reports.verify(&["--head", &head]);
    assert_eq!(said.exit, 6);
    assert!(
        said.problems[0].contains("its end was cut off"),
        "{:?}",
        said.problems
    );
}
