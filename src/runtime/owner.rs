//! Who owns a run: a process, told apart from a later one with the same number.

use std::{fmt, fs};

use serde::{Deserialize, Serialize};

/// The process that a run belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its process id, in its own pid namespace.
    pub pid: u32,
    /// Its start time in clock ticks since boot, from `/proc/<pid>/stat`.
    pub started: u64,
    /// The kernel's boot id.
    pub boot: String,
    /// The pid namespace that the process id belongs to, for instance `pid:[4026531836]`.
    pub namespace: String,
}

/// What can be said of an owner from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// It runs.
    Alive,
    /// It has ended, or its machine was booted again.
    Dead,
    /// It lives in another pid namespace (a container), or on another machine.
    Unknown,
}

impl Owner {
    /// This process.
    pub fn current() -> Self {
        let pid = std::process::id();
        Self {
            pid,
            started: start_time(pid).unwrap_or(0),
            boot: boot_id(),
            namespace: pid_namespace(),
        }
    }

    /// Whether it runs. `same_machine` says that the owner is known to be of this machine, so that
    /// another boot id means a reboot; without it another boot id may be another machine.
    pub fn liveness(&self, same_machine: SameMachine) -> Liveness {
        if self.boot != boot_id() {
            return match same_machine {
                SameMachine::Yes => Liveness::Dead,
                SameMachine::Perhaps => Liveness::Unknown,
            };
        }
        if self.namespace != pid_namespace() {
            return Liveness::Unknown;
        }
        match start_time(self.pid) {
            Some(started) if started == self.started => Liveness::Alive,
            _ => Liveness::Dead,
        }
    }

    /// Reads what `Display` wrote, for instance from a label.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, '/');
        Some(Self {
            pid: parts.next()?.parse().ok()?,
            started: parts.next()?.parse().ok()?,
            boot: parts.next()?.to_owned(),
            namespace: parts.next()?.to_owned(),
        })
    }
}

/// Whether an owner is known to be of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameMachine {
    /// Its journal lies in a folder of this machine.
    Yes,
    /// It was read from a label of an engine that others may use too.
    Perhaps,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pid,
            started,
            boot,
            namespace,
        } = self;
        write!(f, "{pid}/{started}/{boot}/{namespace}")
    }
}

/// The start time of a process in clock ticks since boot; none when it does not run or is a zombie.
pub fn start_time(pid: u32) -> Option<u64> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Field 22 of a stat line whose state is not zombie or dead. The command may hold spaces and brackets.
fn parse_stat(stat: &str) -> Option<u64> {
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_whitespace().collect();
    let state = *fields.first()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    fields.get(19)?.parse().ok()
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

fn pid_namespace() -> String {
    fs::read_link("/proc/self/ns/pid")
        .map(|link| link.to_string_lossy().into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_survives_a_round_trip() {
        let owner = Owner::current();
        assert_eq!(owner.liveness(SameMachine::Perhaps), Liveness::Alive);
        assert_eq!(Owner::parse(&owner.to_string()), Some(owner));
    }

    #[test]
    fn a_later_process_with_the_same_number_is_not_the_owner() {
        let mut owner = Owner::current();
        owner.started += 1;
        assert_eq!(owner.liveness(SameMachine::Yes), Liveness::Dead);
    }

    #[test]
    fn another_boot_means_dead_only_on_the_same_machine() {
        let mut owner = Owner::current();
        owner.boot = "another".into();
        assert_eq!(owner.liveness(SameMachine::Yes), Liveness::Dead);
        assert_eq!(owner.liveness(SameMachine::Perhaps), Liveness::Unknown);
    }

    #[test]
    fn zombies_do_not_run_and_commands_may_hold_brackets() {
        let rest = "1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 777 0 0";
        assert_eq!(parse_stat(&format!("5 (a) b) S {rest}")), Some(777));
        assert_eq!(parse_stat(&format!("5 (a) Z {rest}")), None);
    }
}
