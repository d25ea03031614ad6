//! Judging takes little more memory where there are ten times as many operations.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use crate::{
    drill_rig::DRDRILL,
    multiplied::{Shape, multiplied},
};

/// How much more memory ten times as many operations may take.
const MORE: f64 = 1.5;

/// The most memory, in KiB, that judging and rendering a folder again took.
fn peak(folder: &Path) -> f64 {
    let mut judging = Command::new(DRDRILL)
        .arg("report")
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process");
    let status = format!("/proc/{}/status", judging.id());
    let mut peak = 0.0;
    while judging.try_wait().expect("a process").is_none() {
        // A process that has just ended has no memory any more.
        let status = fs::read_to_string(&status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        peak = kib.map_or(peak, |kib| kib.parse().expect("a number"));
        sleep(Duration::from_millis(2));
    }
    assert!(folder.join("result.json").is_file(), "it was not judged");
    peak
}

#[test]
fn ten_times_as_many_operations_take_little_more_memory() {
    let root = tempfile::tempdir().expect("a folder");
    let [few, many] = [10, 100].map(|times| {
        let root = root.path().join(times.to_string());
        fs::create_dir(&root).expect("a folder");
        peak(&multiplied(&root, times, Shape::Sample))
    });
    println!("{few} KiB, {many} KiB");
    assert!(few > 0.0 && many < MORE * few, "{few} KiB, {many} KiB");
}

/// The most memory, in KiB, that judging 0.9 million operations of any kind may take.
const ANY: f64 = 128.0 * 1024.0;

#[test]
fn operations_of_any_kind_are_judged_in_bounded_memory() {
    for shape in [Shape::ByTurns, Shape::Down, Shape::EveryOther] {
        let root = tempfile::tempdir().expect("a folder");
        let took = peak(&multiplied(root.path(), 100, shape));
        println!("{shape:?}: {took} KiB");
        assert!(took > 0.0 && took < ANY, "{shape:?}: {took} KiB");
    }
}
