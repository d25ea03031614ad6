//! Damaged and hostile run folders: every reader says what is wrong, in fair time and memory, and none ends the process.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    record::Record,
    score::judge,
    seed::{Seed, Stream},
    time::Clock,
};

use super::{
    SigningKey, events, files, guarded,
    history_frames::{END, frames},
    history_read, load,
    manifest::sha256,
    sign_folder, verify_run,
};

/// How often a history is damaged.
const HISTORIES: usize = 10_000;
/// How often each other file is.
const OTHERS: usize = 160;
/// The longest that one damaged folder may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Numbers that no run has.
const ABSURD: [u64; 6] = [
    u64::MAX,
    i64::MAX as u64,
    1 << 62,
    1 << 40,
    1 << 33,
    0x8000_0000_8000_0000,
];

/// The sample run's folder, copied.
fn sample() -> (TempDir, PathBuf) {
    let of = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/sample/reference-primary-kill");
    let run = fs::read_dir(of).unwrap().next().unwrap().unwrap().path();
    let root = TempDir::new().unwrap();
    let copy = root.path().join(run.file_name().unwrap());
    fs::create_dir_all(copy.join("logs")).unwrap();
    for folder in ["", "logs"] {
        for entry in fs::read_dir(run.join(folder)).unwrap().flatten() {
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), copy.join(folder).join(entry.file_name())).unwrap();
            }
        }
    }
    (root, copy)
}

/// Bytes with one thing wrong.
fn damaged(whole: &[u8], random: &mut Stream) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    let at = random.index(bytes.len());
    let to = (at + 1 + random.index(64)).min(bytes.len());
    match random.index(8) {
        0..=2 => bytes[at] ^= 1 << random.index(8),
        3 => bytes[at] = random.bits() as u8,
        4 => bytes.truncate(at),
        5 => drop(bytes.drain(at..to)),
        6 => bytes[at..to].fill(if random.index(2) == 0 { 0 } else { 0xff }),
        _ => put(&mut bytes, at & !7, ABSURD[random.index(ABSURD.len())]),
    }
    bytes
}

fn put(bytes: &mut [u8], at: usize, number: u64) {
    let number = number.to_le_bytes();
    for (byte, new) in bytes[at..].iter_mut().zip(number) {
        *byte = new;
    }
}

/// Does something that must not panic, within the time.
fn done<T>(what: &str, deed: impl FnOnce() -> T) -> T {
    let clock = Clock::start();
    let outcome = guarded(deed);
    let took = Duration::from_nanos(clock.now().0);
    assert!(took < PATIENCE, "{what} took {took:?}");
    outcome.unwrap_or_else(|| panic!("{what} panicked"))
}

#[test]
fn a_damaged_history_is_an_error_that_names_it() {
    let (_root, run) = sample();
    let path = run.join("history.arrows");
    let record = load(&run).unwrap().record;
    let whole = shorter(&path);
    let mut random = Seed(19).stream("damage");
    let (mut read, mut refused, mut judged) = (0, 0, 0);
    for number in 0..HISTORIES {
        fs::write(&path, damaged(&whole, &mut random)).unwrap();
        let what = format!("mutation {number}");
        match done(&what, || history_read::read(&path)) {
            Ok(found) => {
                read += 1;
                if read % 100 == 0 {
                    // What can still be read is judged in fair time; that it fits is for `verify` to say.
                    let judging = || guarded(|| judge(&record, &found.history));
                    judged += usize::from(done(&what, judging).is_some());
                }
            }
            Err(error) => {
                refused += 1;
                assert!(error.to_string().contains("history.arrows"), "{error}");
            }
        }
    }
    println!("{read} were read, {refused} refused, {judged} judged");
    assert!(refused > HISTORIES / 4 && read > 0 && judged > 0);
}

/// A history of the schema and the first batches; those that follow are of the same kind.
fn shorter(path: &Path) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    bytes.truncate(24 << 10);
    fs::write(path, &bytes).unwrap();
    let end = frames(&fs::File::open(path).unwrap(), bytes.len() as u64).unwrap();
    assert!(end.end > 8 << 10);
    bytes.truncate(end.end as usize);
    bytes.extend(END);
    bytes
}

/// Every place where a length may stand, with lengths that no machine has.
#[test]
fn no_length_in_a_history_is_believed() {
    let (_root, run) = sample();
    let path = run.join("history.arrows");
    let whole = shorter(&path);
    for at in (0..whole.len()).step_by(8) {
        for number in [1 << 33, 1 << 46, i64::MAX as u64] {
            let mut bytes = whole.clone();
            put(&mut bytes, at, number);
            fs::write(&path, bytes).unwrap();
            let read = done(&format!("byte {at}"), || history_read::read(&path));
            drop(read);
        }
    }
}

/// The events of a folder with one number or word in them made absurd, chained anew as a forger does.
fn forged(text: &str, random: &mut Stream) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let chosen = random.index(lines.len());
    let mut out = String::new();
    let mut previous = "null".to_owned();
    for (index, line) in lines.iter().enumerate() {
        let (_, rest) = line.split_once(",\"at\":").unwrap();
        let mut line = format!("{{\"previous\":{previous},\"at\":{rest}");
        if index == chosen {
            line = absurd(&line, random);
        }
        previous = format!("\"{}\"", sha256(line.as_bytes()));
        out.push_str(&line);
        out.push('\n');
    }
    out
}

/// A text of JSON with one of its numbers replaced, behind its first 80 characters, which are the chain.
fn absurd(text: &str, random: &mut Stream) -> String {
    let bytes = text.as_bytes();
    let digit = |at: &usize| bytes[*at].is_ascii_digit() && !bytes[at - 1].is_ascii_alphanumeric();
    let from = if text.starts_with("{\"previous\":\"") {
        80
    } else {
        1
    };
    let starts: Vec<usize> = (from..bytes.len()).filter(digit).collect();
    let Some(start) = starts.get(random.index(starts.len())) else {
        return text.to_owned();
    };
    let length = bytes[*start..]
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .count();
    let number = match random.index(8) {
        0 => "0".to_owned(),
        1 => "-1".to_owned(),
        2 => "65535".to_owned(),
        3 => "4294967295".to_owned(),
        _ => ABSURD[random.index(ABSURD.len())].to_string(),
    };
    format!("{}{number}{}", &text[..*start], &text[start + length..])
}

#[test]
fn absurd_events_are_named_in_fair_time() {
    let (_root, run) = sample();
    let path = run.join("events.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    let mut random = Seed(19).stream("events");
    let clean = verify_run(&run, None, &|_, _, _| Vec::new()).problems;
    let mut folded = 0;
    for number in 0..OTHERS {
        let text = forged(&whole, &mut random);
        fs::write(&path, &text).unwrap();
        let found = done(&format!("forgery {number}"), || {
            verify_run(&run, None, &|_, _, _| Vec::new())
        });
        assert_eq!(found.problems == clean, text == whole, "forgery {number}");
        let log = events::read(&path).map(|log| log.events);
        folded += usize::from(log.is_ok_and(|log| Record::fold(&log).is_ok()));
    }
    println!("{folded} of {OTHERS} forgeries were folded");
    assert!(folded > OTHERS / 4);
}

#[test]
fn other_damaged_files_are_named() {
    for name in [
        "manifest.json",
        "result.json",
        "scenario.yaml",
        "events.jsonl",
        "report.html",
    ] {
        let (_root, run) = sample();
        let (key, _) = SigningKey::generate(None).unwrap();
        sign_folder(&run, &key).unwrap();
        let verify = || verify_run(&run, Some(key.public()), &|_, _, _| Vec::new());
        let path = run.join(name);
        let whole = fs::read(&path).unwrap();
        let mut random = Seed(19).stream(name);
        let clean = verify().problems;
        for number in 0..OTHERS / 4 {
            let bytes = damaged(&whole, &mut random);
            fs::write(&path, &bytes).unwrap();
            let what = format!("{name}, mutation {number}");
            let verified = done(&what, verify);
            let same = bytes == whole || json(&bytes).is_some_and(|it| Some(it) == json(&whole));
            assert!(same || verified.problems != clean, "{what}");
            let _ = done(&what, || load(&run));
            let _ = done(&what, || files::read(&path, files::WHOLE_MOST));
        }
    }
}

fn json(bytes: &[u8]) -> Option<serde_json::Value> {
    serde_json::from_slice(bytes).ok()
}
