//! Properties of the source tree itself, checked by `cargo test`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Modules that compute without touching the outside world.
const KERNEL: &[&str] = &["id", "time", "seed", "shown", "stats"];
/// What was asked for, what was observed.
const VOCABULARY: &[&str] = &["history", "scenario", "record"];

/// Every top-level module, lowest first, with the modules that it may import beside those of `groups`.
/// A module may name only modules above it in this table, so cycles cannot be written down.
const LAYERS: &[(&str, &[&[&str]])] = &[
    ("id", &[]),
    ("time", &[]),
    ("seed", &[]),
    ("shown", &[]),
    ("stats", &[&["seed"]]),
    ("history", &[&["id", "time"]]),
    ("scenario", &[&["id", "time"]]),
    (
        "record",
        &[&["history", "id", "scenario", "seed", "shown", "time"]],
    ),
    // Judgement: pure functions of a record.
    (
        "measure",
        &[&["history", "id", "record", "scenario", "stats", "time"]],
    ),
    // Checkers read the figures: a lost write is found once, by `measure`.
    (
        "check",
        &[&["history", "id", "measure", "record", "scenario", "time"]],
    ),
    // `score::judge` is judgement's one door: record and history in, judgement out.
    (
        "score",
        &[&[
            "check", "history", "measure", "record", "scenario", "stats", "time",
        ]],
    ),
    // The definitions once more, and planted truths against measurements.
    (
        "truth",
        &[&[
            "check", "history", "id", "measure", "record", "scenario", "score", "seed", "stats",
            "time",
        ]],
    ),
    ("gate", &[&["measure", "score", "seed", "stats"]]),
    // Action: the only code that touches the outside world.
    ("runtime", &[KERNEL, VOCABULARY]),
    ("image", &[KERNEL, VOCABULARY, &["runtime"]]),
    ("net", &[KERNEL, VOCABULARY, &["runtime"]]),
    (
        "system",
        &[KERNEL, VOCABULARY, &["image", "net", "runtime"]],
    ),
    ("alerting", &[KERNEL, VOCABULARY, &["runtime", "system"]]),
    (
        "fault",
        &[KERNEL, VOCABULARY, &["net", "runtime", "system"]],
    ),
    (
        "runbook",
        &[KERNEL, VOCABULARY, &["fault", "runtime", "system"]],
    ),
    ("workload", &[KERNEL, VOCABULARY, &["system"]]),
    // Composition.
    (
        "drill",
        &[
            KERNEL,
            VOCABULARY,
            &[
                "runtime", "image", "net", "system", "alerting", "fault", "runbook", "workload",
            ],
        ],
    ),
    ("evidence", &[KERNEL, VOCABULARY, JUDGEMENT]),
    ("archive", &[KERNEL, VOCABULARY, JUDGEMENT, &["evidence"]]),
    ("report", &[KERNEL, VOCABULARY, JUDGEMENT, &["archive"]]),
    // A drill from end to end: run, judged, rendered, sealed.
    (
        "session",
        &[
            KERNEL,
            VOCABULARY,
            JUDGEMENT,
            &[
                "runtime", "image", "workload", "drill", "evidence", "report",
            ],
        ],
    ),
    (
        "calibrate",
        &[
            KERNEL,
            VOCABULARY,
            JUDGEMENT,
            &[
                "runtime", "net", "system", "fault", "workload", "drill", "evidence", "archive",
                "session",
            ],
        ],
    ),
    // This machine: the one place where the library reads the environment.
    (
        "local",
        &[
            KERNEL,
            VOCABULARY,
            JUDGEMENT,
            &["runtime", "system", "drill", "evidence", "session"],
        ],
    ),
    // A drill as a test of one's own.
    (
        "testing",
        &[
            KERNEL,
            VOCABULARY,
            JUDGEMENT,
            &[
                "runtime", "system", "drill", "evidence", "report", "session", "local",
            ],
        ],
    ),
    // A local page: it only reads.
    (
        "serve",
        &[
            KERNEL,
            VOCABULARY,
            JUDGEMENT,
            &["evidence", "archive", "report"],
        ],
    ),
];

/// Pure functions of a record.
const JUDGEMENT: &[&str] = &["measure", "check", "score", "truth", "gate"];

/// Third-party crates that only the named places may touch.
const FENCES: &[(&str, &[&str])] = &[
    ("adya", &["src/measure/cycles"]),
    ("axum", &["src/serve/"]),
    ("bollard", &["src/runtime/docker"]),
    ("sqlx", &["src/system/"]),
    // The catalogue names our modules of these names, not the drivers.
    (
        "mongodb",
        &["src/system/mongodb", "src/system/catalogue.rs"],
    ),
    ("rdkafka", &["src/system/kafka/"]),
    ("kafka_protocol", &["src/system/kafka/"]),
    // The catalogue names our module of that name, not the driver.
    ("redis", &["src/system/redis", "src/system/catalogue.rs"]),
    ("toxiproxy_rust", &["src/net/"]),
    ("hickory_resolver", &["src/system/route/"]),
    ("rcgen", &["src/system/certified.rs"]),
    ("x509_parser", &["src/net/"]),
    ("rustls", &["src/net/handshake.rs"]),
    ("tokio_rustls", &["src/net/handshake.rs"]),
    ("krilla", &["src/report/pdf/"]),
    ("minisign", &["src/evidence/"]),
    ("ring", &["src/evidence/"]),
    ("tabled", &["src/report/"]),
    ("ttf_parser", &["src/report/pdf/"]),
    (
        "ureq",
        &[
            "src/cli/notify.rs",
            "src/cli/timestamp.rs",
            "src/net/toxiproxy.rs",
        ],
    ),
    ("serde_saphyr", &["src/scenario/"]),
    (
        "miette",
        &["src/scenario/", "src/drill/plan", "src/cli/", "src/main.rs"],
    ),
    ("clap", &["src/cli/", "src/main.rs"]),
];

/// Things that only the named places may do.
const DEEDS: &[(&str, &[&str])] = &[
    // A reference node is a process of its own, and its output is its log.
    (
        "println!",
        &["src/cli/", "src/main.rs", "src/system/reference/node/"],
    ),
    ("print!", &["src/cli/", "src/main.rs"]),
    ("eprintln!", &["src/cli/", "src/main.rs"]),
    ("process::exit", &["src/cli/", "src/main.rs"]),
    ("env::args", &["src/cli/", "src/main.rs"]),
    // A node gets a few named variables handed on, and no others.
    (
        "env::var",
        &[
            "src/cli/",
            "src/main.rs",
            "src/local/",
            "src/runtime/process/child.rs",
        ],
    ),
    // Clients count down the deadline of one call; nothing observed is stamped by it.
    ("Instant::now", &["src/time.rs", "src/system/"]),
    ("SystemTime::now", &["src/time.rs"]),
    ("Timestamp::now", &["src/time.rs"]),
    ("rand::", &["src/seed.rs"]),
    // What needs sidecars: a fault that uses one of these has `Need::Sidecars` among its needs.
    (
        "context.links",
        &[
            "src/fault/active.rs",
            "src/fault/noop.rs",
            "src/fault/packet_limit.rs",
            "src/fault/packets.rs",
            "src/fault/partition.rs",
            "src/fault/ports.rs",
            "src/fault/reboot.rs",
        ],
    ),
    (
        "beside(node",
        &[
            "src/fault/dns.rs",
            "src/image/",
            // A function of its own; nothing there reaches the runtime.
            "src/measure/leaders.rs",
            "src/net/agent.rs",
            "src/runtime/",
        ],
    ),
];

/// Words that are a fault's name and other things' names too, and where they stand for those.
const OTHER_MEANINGS: &[(&str, &str)] = &[
    ("cpu", "src/drill/allot.rs"),
    ("cpu", "src/drill/plan_attach.rs"),
    ("cpu", "src/drill/plan_checks.rs"),
    ("cpu", "src/scenario/read/stack.rs"),
    ("corrupt", "src/archive/controls.rs"),
    ("kill", "src/fault/kill_process.rs"),
    ("pause", "src/scenario/fault/slice.rs"),
    ("restart", "src/scenario/read/targets.rs"),
    ("restart", "src/score/lines.rs"),
    ("reset", "src/scenario/fault/script.rs"),
    ("half-open", "src/scenario/fault/script.rs"),
];
/// Where faults are still known by their names.
const NAMED: &str = "src/drill/starter.rs";
/// Where faults are known by what they say of themselves, and not by name.
const NAMELESS: &[&str] = &[
    "src/archive/",
    "src/drill/",
    "src/fault/",
    "src/scenario/",
    "src/score/",
];

const FILE_LINES_MAX: usize = 500;
const FN_LINES_MAX: usize = 70;

/// A source file up to its unit tests.
struct Source {
    path: PathBuf,
    text: String,
}

fn sources() -> Vec<Source> {
    let mut files = rust_files(Path::new("src"));
    let test_only: Vec<PathBuf> = files.iter().flat_map(|file| test_modules(file)).collect();
    files.retain(|file| {
        !test_only
            .iter()
            .any(|module| file.starts_with(module) || *file == module.with_extension("rs"))
    });
    let read = |path: PathBuf| Source {
        text: code(&path),
        path,
    };
    files.into_iter().map(read).collect()
}

/// Modules that a file declares for tests alone.
fn test_modules(file: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(file).expect("source files are readable");
    let folder = if file
        .file_stem()
        .is_some_and(|stem| stem == "mod" || stem == "lib")
    {
        file.with_file_name("")
    } else {
        file.with_extension("")
    };
    text.split("#[cfg(test)]\n")
        .skip(1)
        .filter_map(|rest| {
            let declaration = rest.lines().next()?;
            let name = declaration.split("mod ").nth(1)?.strip_suffix(';')?;
            Some(folder.join(name))
        })
        .collect()
}

fn assert_none(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn modules_import_only_lower_layers() {
    let mut problems = Vec::new();
    for (i, (module, allowed)) in LAYERS.iter().enumerate() {
        for import in allowed.iter().flat_map(|group| *group) {
            if !LAYERS[..i].iter().any(|(name, _)| name == import) {
                problems.push(format!(
                    "LAYERS: `{module}` lists `{import}`, which is not below it"
                ));
            }
        }
    }
    problems.extend(sources().iter().flat_map(import_problems));
    assert_none(problems);
}

fn import_problems(source: &Source) -> Vec<String> {
    let path = source.path.display();
    let Some(module) = top_module(&source.path) else {
        return Vec::new();
    };
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == module) else {
        return vec![format!("{path}: module `{module}` is missing from LAYERS")];
    };
    crate_imports(&source.text)
        .into_iter()
        .filter(|import| {
            *import != module && !allowed.iter().any(|group| group.contains(&import.as_str()))
        })
        .map(|import| format!("{path}: `{module}` must not import `{import}`"))
        .collect()
}

#[test]
fn drivers_and_deeds_stay_behind_their_fence() {
    assert_none(sources().iter().flat_map(fence_problems).collect());
}

fn fence_problems(source: &Source) -> Vec<String> {
    let path = source.path.display();
    let at_home = |homes: &[&str]| {
        homes
            .iter()
            .any(|home| source.path.to_string_lossy().starts_with(home))
    };
    let drivers = FENCES
        .iter()
        .filter(|(vendor, homes)| !at_home(homes) && names(&source.text, &format!("{vendor}::")))
        .map(|(vendor, homes)| format!("{path}: only {homes:?} may use `{vendor}`"));
    let deeds = DEEDS
        .iter()
        .filter(|(deed, homes)| !at_home(homes) && does(&source.text, deed))
        .map(|(deed, homes)| format!("{path}: only {homes:?} may say `{deed}`"));
    drivers.chain(deeds).collect()
}

/// Whether the code, comments apart, holds these words.
fn does(text: &str, deed: &str) -> bool {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .any(|line| {
            line.match_indices(deed)
                .any(|(at, _)| starts_a_word(line, at))
        })
}

/// Whether it occurs as the start of a path, so `crate::system::redis::X` does not count.
fn names(text: &str, path: &str) -> bool {
    text.match_indices(path)
        .any(|(at, _)| starts_a_word(text, at) && !text[..at].ends_with(':'))
}

fn starts_a_word(text: &str, at: usize) -> bool {
    let before = text[..at].chars().next_back();
    !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
}

#[test]
fn files_and_functions_fit_on_a_screen() {
    assert_none(sources().iter().flat_map(size_problems).collect());
}

fn size_problems(source: &Source) -> Vec<String> {
    let path = source.path.display();
    let mut problems = Vec::new();
    if !source.text.starts_with("//!") {
        problems.push(format!("{path}: starts without a `//!` line"));
    }
    let lines: Vec<&str> = source.text.lines().collect();
    if lines.len() > FILE_LINES_MAX {
        problems.push(format!("{path}: {} lines", lines.len()));
    }
    for (start, line) in lines.iter().enumerate() {
        let length = function_length(&lines[start..], line);
        if length > FN_LINES_MAX {
            problems.push(format!("{path}:{}: function of {length} lines", start + 1));
        }
    }
    problems
}

/// The length of the function that opens at `line`; 0 if none does.
fn function_length(lines: &[&str], line: &str) -> usize {
    let body = line.trim_start();
    let indent = &line[..line.len() - body.len()];
    let is_fn = ["fn ", "async fn ", "const fn "].iter().any(|start| {
        let body = body
            .strip_prefix("pub ")
            .or_else(|| body.strip_prefix("pub(crate) "))
            .or_else(|| body.strip_prefix("pub(super) "))
            .unwrap_or(body);
        body.starts_with(start)
    });
    if !is_fn || line.trim_end().ends_with(['}', ';']) {
        return 0;
    }
    let closing = format!("{indent}}}");
    lines
        .iter()
        .position(|line| *line == closing)
        .map_or(0, |at| at + 1)
}

/// Adding a fault is two files and a line in a list.
#[test]
fn a_fault_has_a_file_in_each_layer_and_is_named_nowhere_else() {
    let sources = sources();
    let problems = drdrill::scenario::FAULTS.iter().flat_map(|facts| {
        let file = format!("{}.rs", facts.name.replace('-', "_"));
        let homes = ["src/scenario/fault/", "src/fault/"].map(|folder| format!("{folder}{file}"));
        let missing = homes.iter().filter(|home| !Path::new(home).exists());
        let missing = missing.map(|home| format!("{home} is missing"));
        let named = name_problems(facts.name, &homes, &sources);
        missing.chain(named).collect::<Vec<_>>()
    });
    assert_none(problems.collect());
}

/// Where a fault is called by its name, but for its own files.
fn name_problems(name: &str, homes: &[String], sources: &[Source]) -> Vec<String> {
    let word = format!("\"{name}\"");
    let nameless = sources.iter().filter(|source| {
        let path = source.path.to_string_lossy();
        let other = OTHER_MEANINGS.contains(&(name, &path));
        NAMELESS.iter().any(|home| path.starts_with(home))
            && !homes.iter().any(|home| *home == path)
            && path != NAMED
            && !other
    });
    nameless
        .filter(|source| does_say(&source.text, &word))
        .map(|source| format!("{}: names the fault {word}", source.path.display()))
        .collect()
}

/// Whether the code, comments apart, holds this literal.
fn does_say(text: &str, literal: &str) -> bool {
    let mut lines = text.lines();
    lines.any(|line| !line.trim_start().starts_with("//") && line.contains(literal))
}

/// `cargo fmt` does not find modules that a macro declares.
#[test]
fn files_of_faults_are_formatted() {
    let folders = ["src/scenario/fault", "src/fault"];
    let files = folders
        .iter()
        .flat_map(|folder| rust_files(Path::new(folder)));
    let files = files.filter(|file| !file.ends_with("mod.rs"));
    let check = std::process::Command::new("rustfmt")
        .args(["--check", "--edition", "2024"])
        .args(files)
        .output()
        .expect("rustfmt runs");
    let said = String::from_utf8_lossy(&check.stdout);
    assert!(
        check.status.success(),
        "run `rustfmt --edition 2024 src/fault/*.rs src/scenario/fault/*.rs`:\n{said}"
    );
}

#[test]
fn planted_violations_are_found() {
    let planted = |path: &str, text: &str| Source {
        path: path.into(),
        text: text.to_owned(),
    };
    let judge = "src/check/loss.rs";
    let import = planted(
        judge,
        "//! One.\nuse crate::{history::Op, runtime::Runtime};\n",
    );
    assert_eq!(
        import_problems(&import),
        ["src/check/loss.rs: `check` must not import `runtime`"]
    );
    assert_eq!(import_problems(&planted("src/nowhere.rs", "")).len(), 1);
    let driver = planted(judge, "//! One.\nuse bollard::Docker;\n");
    assert_eq!(fence_problems(&driver).len(), 1);
    let own = planted(
        judge,
        "//! One.\nuse crate::system::redis::Redis;\n// rand::random\n",
    );
    assert_eq!(fence_problems(&own), [""; 0]);
    let clock = planted(judge, "//! One.\nlet now = std::time::Instant::now();\n");
    assert_eq!(fence_problems(&clock).len(), 1);
    let home = ["src/scenario/fault/dns.rs".to_owned()];
    let named = [planted(
        "src/score/sentence.rs",
        "match name { \"dns\" => 1 }\n",
    )];
    assert_eq!(name_problems("dns", &home, &named).len(), 1);
    let own = [planted(&home[0], "name: \"dns\"\n")];
    assert_eq!(name_problems("dns", &home, &own), [""; 0]);
    let long = format!("fn long() {{\n{}}}\n", "    one();\n".repeat(80));
    assert_eq!(size_problems(&planted(judge, &long)).len(), 2);
}

/// The file's text up to its unit tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("source files are readable");
    match text.find("#[cfg(test)]\nmod tests") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("source folders are readable") {
        let path = entry.expect("folder entries are readable").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}

/// `src/report/json.rs` and `src/report.rs` are both in `report`; `lib.rs`, `main.rs` and the binary's `cli` are in none.
fn top_module(path: &Path) -> Option<String> {
    let first = path
        .strip_prefix("src")
        .ok()?
        .components()
        .next()?
        .as_os_str()
        .to_str()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (!matches!(name, "lib" | "main" | "cli")).then(|| name.to_owned())
}

/// The first path segment after every `crate::`, looking through one brace group.
fn crate_imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let text: String = text
        .lines()
        .filter(|l| !l.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(ident(rest));
            continue;
        };
        let mut depth = 0usize;
        let mut start = 0;
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => {
                    found.insert(ident(&group[start..i]));
                    break;
                }
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    found.insert(ident(&group[start..i]));
                    start = i + 1
                }
                _ => {}
            }
        }
    }
    found.remove("");
    found
}

fn ident(text: &str) -> String {
    text.trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}
