//! The command line: exit codes, help, and that checking creates nothing.

use std::{fs, path::Path};

use assert_cmd::Command;

fn drdrill() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drdrill"));
    command.env("NO_COLOR", "1");
    command
}

/// Exit code, standard output, standard error.
fn said(command: &mut Command) -> (i32, String, String) {
    let output = command.output().expect("drdrill starts");
    (
        output.status.code().expect("it exits by itself"),
        String::from_utf8(output.stdout).expect("text"),
        String::from_utf8(output.stderr).expect("text"),
    )
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

fn reference() -> String {
    fs::read_to_string("scenarios/reference/primary-kill.yaml").expect("it is shipped")
}

#[test]
fn check_passes_right_files_and_creates_nothing() {
    let folder = folder(&[("drill.yaml", &reference())]);
    let (code, out, err) = said(
        drdrill()
            .current_dir(folder.path())
            .args(["check", "drill.yaml"]),
    );
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out, "ok  drill.yaml  (5 steps)\n");
    let left = fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 1);
}

#[test]
fn check_shows_every_problem_and_exits_with_4() {
    let wrong = reference()
        .replace("nodes: 3", "nodes: 30")
        .replace("kill:", "kil:");
    let folder = folder(&[("a.yaml", &wrong), ("b.yml", &reference()), ("c.txt", "no")]);
    let (code, out, err) = said(drdrill().current_dir(folder.path()).args(["check", "."]));
    assert_eq!(code, 4);
    assert_eq!(out, "ok  ./b.yml  (5 steps)\n");
    insta::assert_snapshot!("cli_check", err);
    assert!(!err.contains('\u{1b}'), "no colour is asked for");
}

#[test]
fn run_checks_all_before_it_starts_any() {
    let wrong = reference().replace("kill:", "kil:");
    let folder = folder(&[("a.yaml", &reference()), ("b.yaml", &wrong)]);
    let (code, out, _) = said(drdrill().current_dir(folder.path()).args(["run", "."]));
    assert_eq!((code, out.as_str()), (4, ""));
    assert!(!folder.path().join("reports").exists());
}

#[test]
fn tags_that_choose_nothing_are_no_pass() {
    let folder = folder(&[("a.yaml", &reference())]);
    for tags in [&["--tag", "quarterly"][..], &["--except-tag", "failover"]] {
        for command in ["run", "prove"] {
            let mut drdrill = drdrill();
            let command = drdrill.current_dir(folder.path()).args([command, "."]);
            let (code, out, err) = said(command.args(tags));
            assert_eq!((code, out.as_str()), (2, ""));
            assert!(err.contains("their tags are failover, reference"), "{err}");
        }
    }
    assert!(!folder.path().join("reports").exists());
}

#[test]
fn two_files_may_not_share_a_name() {
    let folder = folder(&[("a.yaml", &reference()), ("b.yaml", &reference())]);
    let (code, _, err) = said(drdrill().current_dir(folder.path()).args(["check", "."]));
    assert_eq!(code, 4);
    assert!(
        err.contains("the name `reference-primary-kill` is taken by `./a.yaml`"),
        "{err}"
    );
}

#[test]
fn wrong_usage_exits_with_2() {
    for arguments in [
        &["chekc"][..],
        &["check"],
        &["check", "no-such-file.yaml"],
        &["check", "src"],
        &["run", "scenarios", "--repeat", "0"],
        &["run", "scenarios", "--set", "targets.rto"],
        &["run", "scenarios", "--seed", "xyz"],
        &["completions", "tcsh"],
    ] {
        let (code, out, err) = said(drdrill().args(arguments));
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(!err.is_empty(), "{arguments:?}");
    }
}

#[test]
fn overrides_are_checked_like_the_file() {
    let file = "scenarios/reference/primary-kill.yaml";
    let (code, _, err) = said(drdrill().args(["check", file, "--set", "targets.rto=8s"]));
    assert_eq!((code, err.as_str()), (0, ""));
    let (code, _, err) = said(drdrill().args(["check", file, "--set", "targets.rto=2s"]));
    assert_eq!(code, 0, "a warning refuses nothing");
    assert!(err.starts_with("warning: the RTO target of 2s"), "{err}");
    let (code, _, err) = said(drdrill().args(["check", file, "--set", "targets.rto=20"]));
    assert_eq!(code, 4);
    assert!(err.contains("[--set targets.rto=20:1:13]"), "{err}");
}

#[test]
fn help_teaches_by_examples() {
    let (code, out, _) = said(drdrill().arg("--help"));
    assert_eq!(code, 0);
    assert!(out.contains("drdrill run scenarios/quickstart.yaml"));
    assert!(out.contains("4    scenario invalid"));
    assert!(!out.contains("reference-node"));
    let (code, out, _) = said(drdrill().args(["run", "--help"]));
    assert_eq!(code, 0);
    assert!(out.contains("--set targets.rto=20s"));
}

#[test]
fn completions_hold_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let (code, out, _) = said(drdrill().args(["completions", shell]));
        assert_eq!(code, 0);
        for word in ["check", "sweep", "repeat", "scenario"] {
            assert!(out.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn schemas_are_printed_as_they_are_kept() {
    for which in ["scenario", "result", "client"] {
        let kept = fs::read_to_string(format!("schema/{which}.schema.json")).expect("it is kept");
        let (code, out, _) = said(drdrill().args(["schema", which]));
        assert_eq!(code, 0);
        assert!(out == kept, "{which}");
    }
}

#[test]
fn list_names_systems_settings_and_faults() {
    let (code, out, _) = said(drdrill().arg("list"));
    assert_eq!(code, 0);
    for word in [
        "reference:",
        "topology replicated",
        "defect-amount",
        "partition",
        "noop",
    ] {
        assert!(out.contains(word), "{word}");
    }
}

#[test]
fn a_file_that_is_no_text_is_a_problem_and_no_crash() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.yaml"), [0xff, 0xfe, 0x00]).expect("a file");
    let (code, _, err) = said(drdrill().arg("check").arg(folder.path() as &Path));
    assert_eq!(code, 4);
    assert!(err.contains("failed to read the file"), "{err}");
}

#[test]
fn images_of_a_name_that_no_recipe_has_are_refused_with_the_names() {
    let (code, out, err) = said(drdrill().args(["images", "redis", "postgre"]));
    assert_eq!((code, out.as_str()), (2, ""));
    for word in ["postgre", "postgres", "mongodb"] {
        assert!(err.contains(word), "{err}");
    }
}

/// Checks a text within a few seconds; returns what is said.
fn refused_briefly(text: &str) -> String {
    let folder = folder(&[("a.yaml", text)]);
    let begun = std::time::Instant::now();
    let (code, out, err) = said(drdrill().arg("check").arg(folder.path() as &Path));
    let took = begun.elapsed();
    assert_eq!((code, out.as_str()), (4, ""));
    assert!(took < std::time::Duration::from_secs(5), "{took:?}");
    assert!(err.len() < 200_000, "{} bytes are said", err.len());
    err
}

#[test]
fn a_file_made_to_be_wrong_is_refused_briefly() {
    let keys: Vec<String> = (0..6_000).map(|n| format!("key{n}: 1")).collect();
    let one_line = refused_briefly(&format!("{{{}}}", keys.join(", ")));
    assert!(one_line.contains("the first 50 are shown"), "{one_line}");
    assert!(one_line.contains("unknown key `key0`"), "{one_line}");
    assert!(one_line.contains(":1:2]"), "{one_line}");
    refused_briefly(&keys.join("\n"));
    // Long words that are wrong: keys, names, words of closed sets, lists of tags.
    let long = "k".repeat(200_000);
    for text in [
        format!("{long}: 1\n"),
        format!("name: {long}\nstack: {{ {long}: {{}} }}\ndrill:\n  - fault: {long}\n"),
        format!("{long}\n"),
        format!("? {long}\n: 1\n? {long}\n: 2\n"),
        format!("name: *{long}\n"),
        format!(
            "tags: [{}]\n",
            (0..15_000)
                .map(|n| format!("t{n}"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        format!("tags: [{}]\n", "t, ".repeat(15_000)),
        format!("drill: [{}]\n", "{ wait: }, ".repeat(6_000)),
        format!("name: {}\n", "[".repeat(100_000)),
        format!("a: {}1{}\n", "{ a: ".repeat(20_000), " }".repeat(20_000)),
    ] {
        let said = refused_briefly(&text);
        let longest = said.lines().map(|line| line.chars().count()).max();
        assert!(
            longest < Some(1_200),
            "{longest:?} in {}",
            &said[..said.len().min(2_000)]
        );
    }
}

#[test]
fn aliases_of_aliases_are_refused_briefly() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let aliases = vec![format!("*a{}", n - 1); 9].join(", ");
        bomb.push_str(&format!("a{n}: &a{n} [{aliases}]\n"));
    }
    refused_briefly(&bomb);
}

#[test]
fn what_can_never_pass_is_refused_with_the_way_out() {
    let slow = reference().replace("rate: 400/s", "rate: 50/s");
    let folder = folder(&[("a.yaml", &slow)]);
    let (code, _, err) = said(drdrill().current_dir(folder.path()).args(["check", "."]));
    assert_eq!(code, 4);
    assert!(
        err.contains("the baseline will have 170 operations at most"),
        "{err}"
    );
    assert!(err.contains("write `- steady: 13s`"), "{err}");
}

#[test]
fn a_misspelt_role_is_recognised() {
    let wrong = reference().replace("kill: primary", "kill: primry");
    let folder = folder(&[("a.yaml", &wrong)]);
    let (code, _, err) = said(drdrill().current_dir(folder.path()).args(["check", "."]));
    assert_eq!(code, 4);
    assert!(err.contains("did you mean `primary`?"), "{err}");
}

#[test]
fn a_plan_creates_nothing_and_says_what_would_be() {
    let folder = folder(&[("a.yaml", &reference())]);
    let (code, out, err) = said(
        drdrill()
            .current_dir(folder.path())
            .args(["plan", "a.yaml"]),
    );
    assert_eq!((code, err.as_str()), (0, ""));
    for words in [
        "reference replicated, clients by direct: 3 processes",
        "expect recovery within 30s",
        "10 s if all goes well, at most 40 s",
        "Takes   12 s if all goes well, at most 1 min 12 s",
        "rto                  5s",
        "Nothing was created.",
    ] {
        assert!(out.contains(words), "{words}: {out}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    let (code, out, _) = said(
        drdrill()
            .current_dir(folder.path())
            .args(["plan", "a.yaml", "--json"]),
    );
    let value: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &value[0]["least_s"]), (0, &serde_json::json!(12.0)));
}

#[test]
fn a_first_scenario_is_written_for_every_topology_and_checks() {
    let folder = folder(&[]);
    let (code, listed, _) = said(drdrill().args(["new"]));
    assert_eq!(code, 0);
    let stacks = listed
        .lines()
        .filter_map(|line| line.trim().split(' ').next());
    let stacks: Vec<&str> = stacks.filter(|word| word.contains('/')).collect();
    assert!(stacks.len() > 10, "{listed}");
    for (number, stack) in stacks.iter().enumerate() {
        let file = format!("{number}.yaml");
        let new = ["new", stack, "--fault", "kill", "--out", &file];
        let (code, _, err) = said(drdrill().current_dir(folder.path()).args(new));
        assert_eq!(code, 0, "{stack}: {err}");
    }
    let (code, _, err) = said(drdrill().current_dir(folder.path()).args(["check", "."]));
    assert_eq!(code, 0, "{err}");
    let again = ["new", "redis", "--out", "0.yaml"];
    let (code, _, err) = said(drdrill().current_dir(folder.path()).args(again));
    assert_eq!(code, 2);
    assert!(err.contains("none is overwritten"), "{err}");
    let (code, _, err) = said(drdrill().args(["new", "redis/sentinal"]));
    assert_eq!(code, 2);
    assert!(err.contains("did you mean `sentinel`?"), "{err}");
}

#[test]
fn a_wrong_reports_folder_is_said_to_be_one() {
    let folder = folder(&[("a.yaml", &reference())]);
    for command in ["history", "serve"] {
        for (place, why) in [
            ("nowhere", "there is no such folder"),
            (".", "it holds no run"),
        ] {
            let (code, _, err) = said(drdrill().current_dir(folder.path()).args([command, place]));
            assert_eq!(code, 2, "{err}");
            assert!(
                err.contains(&format!("`{place}` is no reports folder: {why}")),
                "{err}"
            );
        }
    }
}

#[test]
fn without_an_engine_the_drill_without_one_is_named() {
    let mut doctor = drdrill();
    let (_, out, _) = said(doctor.env("DOCKER_HOST", "unix:///nope").arg("doctor"));
    assert!(out.contains("Docker is not running"), "{out}");
    assert!(
        out.contains("Without Docker: drdrill run scenarios/reference"),
        "{out}"
    );
}
