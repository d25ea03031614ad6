//! The pages that people read: links lead somewhere, commands exist, and the book has every page.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::drill_rig::DRDRILL;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// Every page, from the repository's root on.
fn pages() -> Vec<String> {
    let mut pages: Vec<String> = [
        "README.md",
        "CONTRIBUTING.md",
        "ARCHITECTURE.md",
        "reports/README.md",
    ]
    .map(str::to_owned)
    .into();
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "md") {
                let path = path.strip_prefix(root()).expect("below the root");
                pages.push(path.to_string_lossy().into_owned());
            }
        }
    }
    pages
}

/// A page's text without its blocks of code, and the lines of these.
fn parts(text: &str) -> (String, Vec<String>) {
    let (mut prose, mut code, mut within) = (String::new(), Vec::new(), false);
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            within = !within;
        } else if within {
            code.push(line.to_owned());
        } else {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    (prose, code)
}

/// The anchors of a page's headings, as the book and code hosts make them.
fn anchors(page: &str) -> BTreeSet<String> {
    let (prose, _) = parts(&read(page));
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|heading| {
            let kept = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = kept
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

/// The addresses that a page's links name.
fn links(prose: &str) -> Vec<String> {
    let after = prose.split("](").skip(1);
    after
        .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
        .collect()
}

/// Path from the root on, without `.` and `..`.
fn resolved(page: &str, link: &str) -> PathBuf {
    let mut path = PathBuf::new();
    let folder = Path::new(page).parent().expect("a folder");
    for part in folder.join(link).components() {
        match part {
            std::path::Component::ParentDir => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path
}

fn broken(page: &str, prose: &str) -> Vec<String> {
    let mut broken = Vec::new();
    for link in links(prose).iter().filter(|link| !link.contains("://")) {
        let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
        let target = if path.is_empty() {
            PathBuf::from(page)
        } else {
            resolved(page, path)
        };
        let name = target.to_string_lossy().into_owned();
        if !root().join(&target).exists() {
            broken.push(format!("{page}: `{link}` leads nowhere"));
        } else if !anchor.is_empty() && !anchors(&name).contains(anchor) {
            broken.push(format!("{page}: `{link}`: no such heading"));
        }
    }
    broken
}

#[test]
fn every_link_of_every_page_leads_somewhere() {
    let found: Vec<String> = pages()
        .iter()
        .flat_map(|page| broken(page, &parts(&read(page)).0))
        .collect();
    assert_eq!(found, [""; 0]);
    let planted = "[a](nowhere.md) [b](scenario.md#no-such-heading) [c](scenario.md#top-level)";
    assert_eq!(broken("docs/ci.md", planted).len(), 2);
}

#[test]
fn the_book_has_every_page_of_the_docs() {
    let summary = read("docs/SUMMARY.md");
    let listed: BTreeSet<PathBuf> = links(&summary)
        .iter()
        .map(|link| resolved("docs/SUMMARY.md", link))
        .collect();
    let pages = pages().into_iter().map(PathBuf::from);
    let docs = pages.filter(|page| page.starts_with("docs") && !page.ends_with("SUMMARY.md"));
    assert_eq!(
        docs.filter(|page| !listed.contains(page))
            .collect::<Vec<_>>(),
        [""; 0].map(PathBuf::from)
    );
}

/// What `drdrill COMMAND --help` prints; nothing where there is no such command.
fn help(command: &str) -> String {
    let mut asked = Command::new(DRDRILL);
    let output = asked
        .args(command.split(' '))
        .arg("--help")
        .output()
        .expect("the binary starts");
    if output.status.success() {
        String::from_utf8_lossy(&output.stdout).into_owned()
    } else {
        String::new()
    }
}

/// What is wrong with a line that calls drdrill.
fn mistaken(line: &str, known: &mut BTreeMap<String, String>) -> Option<String> {
    let line = line.split(" #").next()?.trim().trim_end_matches('\\');
    let mut words = line.split_whitespace();
    let program = words.next()?;
    if !matches!(
        program,
        "drdrill" | "target/debug/drdrill" | "target/release/drdrill"
    ) {
        return None;
    }
    let mut words = words.peekable();
    let mut command = words.next()?.to_owned();
    if command.starts_with('-') {
        return None;
    }
    if command == "baseline" {
        command = format!("baseline {}", words.next()?);
    }
    let help = known
        .entry(command.clone())
        .or_insert_with(|| help(&command));
    if help.is_empty() {
        return Some(format!("`{line}`: no command `{command}`"));
    }
    let options = words.filter(|word| word.starts_with("--"));
    let names = options.filter_map(|word| word.split('=').next());
    let unknown = names
        .into_iter()
        .find(|name| !help.contains(&format!("{name} ")) && !help.contains(&format!("{name}\n")));
    unknown.map(|name| format!("`{line}`: no option `{name}`"))
}

#[test]
fn every_command_in_a_block_of_code_exists_with_its_options() {
    let mut known = BTreeMap::new();
    let mut found = Vec::new();
    for page in pages() {
        let (_, code) = parts(&read(&page));
        found.extend(
            code.iter()
                .filter_map(|line| mistaken(line, &mut known))
                .map(|it| format!("{page}: {it}")),
        );
    }
    assert_eq!(found, [""; 0]);
    assert!(known.len() >= 10, "the pages show commands: {known:?}");
    for wrong in ["drdrill rum scenarios", "drdrill run scenarios --repaet 3"] {
        assert!(mistaken(wrong, &mut known).is_some(), "{wrong}");
    }
}

/// Of a job that is cancelled or takes too long, only `after_script` runs to its end.
#[test]
fn the_job_on_gitlab_pushes_its_evidence_whatever_becomes_of_it() {
    let file = read("docs/ci/gitlab-ci.yml");
    let (before, rest) = file
        .split_once("\n  after_script:\n")
        .expect("an after_script");
    let (after, _) = rest.split_once("\n  allow_failure:").expect("its end");
    let (_, script) = before.split_once("\n  script:\n").expect("a script");
    let push = "push --quiet origin HEAD:drill-evidence";
    assert!(
        after.contains(push) && after.contains("add --all"),
        "{after}"
    );
    // That a job began is there before its first drill, and stops the next job if it stays.
    let at = |words: &str| script.find(words).unwrap_or_else(|| panic!("{words}"));
    assert!(at("[ ! -e reports/begun ]") < at("touch \"reports/begun/${CI_JOB_ID}\""));
    assert!(at("touch \"reports/begun/${CI_JOB_ID}\"") < at(push));
    assert!(at(push) < at("drdrill run"));
    assert!(after.contains("rm --quiet \"begun/${CI_JOB_ID}\""));
}

#[test]
fn the_readme_has_its_two_commands_and_what_they_name_is_there() {
    let (_, code) = parts(&read("README.md"));
    let made: Vec<&str> = code
        .iter()
        .filter(|line| line.starts_with("make "))
        .map(String::as_str)
        .collect();
    assert_eq!(
        made,
        [
            "make drill     # sets up what is missing, builds, and runs a first drill on Redis and Sentinel",
            "make test      # sets up what is missing and runs every check, on real containers too",
        ]
    );
    let makefile = read("Makefile");
    for target in ["drill", "test", "sample", "image", "release"] {
        assert!(makefile.contains(&format!("\n{target}: ")), "make {target}");
    }
    let named = code.iter().flat_map(|line| line.split_whitespace());
    for file in named.filter(|word| word.starts_with("scenarios/")) {
        assert!(root().join(file).exists(), "{file}");
    }
}
