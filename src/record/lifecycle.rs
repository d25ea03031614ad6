//! What became of a node or of its engine that no step of the drill caused.

use serde::{Deserialize, Serialize};

use crate::id::NodeName;

/// Something that no step of the drill caused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unexplained {
    /// The node; none where it is the engine.
    pub node: Option<NodeName>,
    /// What became of it.
    pub change: Change,
    /// Who did it.
    pub by: Cause,
    /// When, by the engine's own clock, where the engine reported it: the time of day in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_time: Option<String>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Its main process ended.
    Ended {
        /// The exit code; 128 + signal when a signal ended it.
        code: i64,
        /// Whether the kernel ended it because its memory had run out.
        out_of_memory: bool,
    },
    /// It was started again.
    Started,
    /// It was frozen.
    Frozen,
    /// It goes on, though the drill had frozen it.
    Thawed,
    /// It was removed.
    Removed,
    /// The machine's disk that nodes' files lie on is full.
    DiskFull {
        /// What is left of it, bytes.
        free: u64,
    },
    /// The engine did not answer, and why.
    EngineAway {
        /// The engine's words.
        why: String,
    },
    /// The engine refused connections and answers again, or another one answers in its place.
    EngineAnew {
        /// Whether it is another one.
        other: bool,
    },
    /// A signal was sent to it through the engine.
    Signalled {
        /// Its number or name.
        signal: String,
    },
    /// A container that its faults and probes need ended, while the node itself went on.
    HelperEnded {
        /// The container.
        helper: String,
        /// Its exit code, where that is known.
        code: Option<i64>,
    },
    /// The program through which clients act has ended, or does not answer what needs no store.
    ClientAway {
        /// What it does.
        why: String,
    },
    /// It was taken off the drill's network.
    Detached,
    /// A container that is none of the run's is on its network; with a node's address where a node is named.
    Joined {
        /// The container.
        name: String,
        /// Its address.
        address: String,
    },
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The server ended by itself: the outage is the service's own.
    Itself,
    /// Something outside of both the drill and the service.
    Outsider,
    /// It cannot be told.
    Untold,
}

/// For how long nodes were watched, and how well. As the watch begins all of it is 0: one that ended by itself leaves that.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// How many nodes.
    pub nodes: usize,
    /// How often all of them were looked at.
    pub looks: u64,
    /// The longest time between two looks that saw all of them, nanoseconds: what was undone within it could go unseen.
    pub longest_ns: u64,
}

impl Cause {
    /// Who ended a server that ended so. Signals that a program's own faults raise, a limit of its own memory and an exit
    /// code other than 0 are its own; an end in order is one that somebody asked for, but who cannot be told.
    pub fn of_end(code: i64, out_of_memory: bool) -> Self {
        match code {
            _ if out_of_memory => Self::Itself,
            0 => Self::Untold,
            // SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGTERM.
            129 | 130 | 131 | 137 | 143 => Self::Outsider,
            _ => Self::Itself,
        }
    }
}

impl Unexplained {
    /// Whether what follows says nothing of the service.
    pub fn voids(&self) -> bool {
        self.by != Cause::Itself
    }

    /// It in words, without the time.
    pub fn told(&self) -> String {
        let name = self.node.as_ref().map_or("the nodes", NodeName::as_str);
        let what = match &self.change {
            Change::Ended {
                code,
                out_of_memory,
            } => format!("{name} ended with {}", ending(*code, *out_of_memory)),
            Change::Started => format!("{name} was started again"),
            Change::Frozen => format!("{name} was frozen"),
            Change::Thawed => format!("{name} was let go on"),
            Change::Removed => format!("{name} was removed"),
            Change::DiskFull { free } => {
                format!("the disk under {name} has {} KiB left", free >> 10)
            }
            Change::EngineAway { why } => format!("the engine did not answer ({why})"),
            Change::EngineAnew { other: true } => "another engine answers".into(),
            Change::EngineAnew { other: false } => "the engine was away and answers again".into(),
            Change::Signalled { signal } => format!("{name} was sent signal {signal}"),
            Change::HelperEnded { helper, code } => {
                let code = code.map_or("an unknown exit code".into(), |code| ending(code, false));
                format!("`{helper}`, which the faults at {name} need, ended with {code}")
            }
            Change::ClientAway { why } => format!("the client program {why}"),
            Change::Detached => format!("{name} was taken off the drill's network"),
            Change::Joined {
                name: stranger,
                address,
            } => match &self.node {
                Some(node) => format!("`{stranger}` took {address}, the address of {node}"),
                None => format!("`{stranger}` joined the drill's network as {address}"),
            },
        };
        let told = match self.by {
            Cause::Itself => format!("{what}, by itself: no step did it"),
            Cause::Outsider => format!("{what}, from outside: no step did it"),
            Cause::Untold => format!("{what}: no step did it, and who did cannot be told"),
        };
        match &self.engine_time {
            Some(at) => format!("{told} (at {at} by the engine's clock)"),
            None => told,
        }
    }
}

fn ending(code: i64, out_of_memory: bool) -> String {
    let signal = match code - 128 {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => "",
    };
    let mut text = format!("exit code {code}");
    if !signal.is_empty() {
        text.push_str(&format!(" ({signal})"));
    }
    if out_of_memory {
        text.push_str(", killed by the kernel because its memory ran out");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crashes_are_the_servers_own_and_signals_from_outside_are_not() {
        for own in [1, 2, 70, 134, 135, 136, 139, 153, 255] {
            assert_eq!(Cause::of_end(own, false), Cause::Itself, "{own}");
        }
        for outside in [129, 130, 131, 137, 143] {
            assert_eq!(Cause::of_end(outside, false), Cause::Outsider, "{outside}");
        }
        assert_eq!(Cause::of_end(0, false), Cause::Untold);
        assert_eq!(Cause::of_end(137, true), Cause::Itself);
    }
}
