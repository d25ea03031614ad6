//! What runs the drill: this program and this machine, and the secrets of its environment.

use std::{env, fs, sync::OnceLock};

use crate::{
    evidence::{Redactor, sha256},
    record::Harness,
};

/// This program and the machine whose clock it uses. Facts that cannot be read are left out.
pub(super) fn harness() -> Harness {
    let fact = |name: &str, value: Option<String>| Some((name.to_owned(), value?));
    let line = |path: &str| {
        let text = fs::read_to_string(path).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let facts = [
        fact("kernel", line("/proc/sys/kernel/osrelease")),
        fact("processor", processor()),
        fact(
            "clock source",
            line("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        ),
    ];
    Harness {
        drdrill: env!("CARGO_PKG_VERSION").into(),
        program_sha256: program_sha256(),
        facts: facts.into_iter().flatten().collect(),
    }
}

fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The digest of the executable, read once.
fn program_sha256() -> String {
    static DIGEST: OnceLock<String> = OnceLock::new();
    let digest = || fs::read(super::program()).map_or_else(|_| String::new(), |it| sha256(&it));
    DIGEST.get_or_init(digest).clone()
}

/// A redactor that knows the secrets among this process's variables.
pub(super) fn redactor() -> Redactor {
    Redactor::knowing(
        env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }),
    )
}
