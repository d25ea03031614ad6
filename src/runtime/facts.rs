//! Facts about the machine that drdrill runs on.

use std::fs;

/// Kernel, cores, memory, operating system.
pub fn machine_facts() -> Vec<(String, String)> {
    let fact = |name: &str, value: Option<String>| Some((name.to_owned(), value?));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")
        .ok()
        .map(|text| text.trim().to_owned());
    let cores = std::thread::available_parallelism()
        .ok()
        .map(|cores| cores.to_string());
    [
        fact("kernel", kernel),
        fact("cores", cores),
        fact("memory", memory()),
        fact("system", system()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn memory() -> Option<String> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kib: u64 = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()?;
    Some(format!("{:.1} GiB", kib as f64 / 1024.0 / 1024.0))
}

fn system() -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").ok()?;
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(name.trim_matches('"').to_owned())
}
