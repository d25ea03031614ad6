//! The reference store's protocol: one line asks, one line answers; a replication stream is many lines.

use std::{fmt, net::IpAddr, time::Duration};

use crate::scenario::Play;

/// The port that every reference node listens on; nodes differ by address.
pub const PORT: u16 = 7473;

/// The first of the lane numbers under which registers stand in the log, beyond those of any clients' appends.
const REGISTERS: u16 = 61_000;

/// The lane number under which a register stands in the log: each value that it was set to is an element.
pub fn register_lane(register: u16) -> u16 {
    REGISTERS.saturating_add(register)
}

/// One element: its identity, its checksum, and in which epoch and when a primary took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The epoch of the primary that took it.
    pub epoch: u64,
    /// The write lane.
    pub lane: u16,
    /// The number within the lane.
    pub seq: u64,
    /// The checksum over lane and number, as the client sent it.
    pub sum: u32,
    /// When the primary took it, by its own clock: microseconds since 1970.
    pub at: u64,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            epoch,
            lane,
            seq,
            sum,
            at,
        } = self;
        write!(f, "{epoch} {lane} {seq} {sum} {at}")
    }
}

impl Entry {
    /// Reads what `Display` wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let entry = Self {
            epoch: words.next()?.parse().ok()?,
            lane: words.next()?.parse().ok()?,
            seq: words.next()?.parse().ok()?,
            sum: words.next()?.parse().ok()?,
            at: words.next()?.parse().ok()?,
        };
        words.next().is_none().then_some(entry)
    }

    /// Whether it is a register's value, and no append.
    pub fn of_register(&self) -> bool {
        self.lane >= REGISTERS
    }

    /// Whether the checksum agrees with the identity.
    pub fn sound(&self) -> bool {
        self.sum == checksum(self.lane, self.seq)
    }
}

/// The checksum of an element: FNV-1a over lane and number.
pub fn checksum(lane: u16, seq: u64) -> u32 {
    let bytes = lane.to_le_bytes().into_iter().chain(seq.to_le_bytes());
    bytes.fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// What a node is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Append an element of a lane.
    Append { lane: u16, seq: u64, sum: u32 },
    /// Append to the node's own list of pinned probes.
    Pin { lane: u16, seq: u64 },
    /// The highest number of a lane, plus one.
    Read { lane: u16 },
    /// Set a register.
    Set { register: u16, value: u64 },
    /// A register's value; 0 if it was never set.
    Get { register: u16 },
    /// The node's view of itself.
    View,
    /// All elements.
    Dump,
    /// A vote for a candidate whose log ends at `(last_epoch, length)`.
    Vote {
        epoch: u64,
        candidate: IpAddr,
        last_epoch: u64,
        length: u64,
    },
    /// A replication stream for a follower whose log ends at `(last_epoch, length)`.
    Follow {
        follower: IpAddr,
        last_epoch: u64,
        length: u64,
    },
    /// Hand the primary's role to a follower, in the planned way.
    HandOver { to: IpAddr },
    /// Start an election now; only a primary that hands over asks so.
    Elect,
    /// Play an outage for this long.
    Play { play: Play, lasting: Duration },
    /// What its clock shows: microseconds since 1970.
    Clock,
    /// Make a backup. This and what follows is asked of the node that keeps them.
    BackUp,
    /// Lay the newest backup out that was complete by then, microseconds since 1970.
    Fetch { until: u64 },
    /// Apply what of the log was taken by then, and open.
    Replay { until: u64 },
    /// All elements of what was restored.
    Restored,
    /// Append to what was restored.
    Add,
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Append { lane, seq, sum } => write!(f, "append {lane} {seq} {sum}"),
            Self::Pin { lane, seq } => write!(f, "pin {lane} {seq}"),
            Self::Read { lane } => write!(f, "read {lane}"),
            Self::Set { register, value } => write!(f, "set {register} {value}"),
            Self::Get { register } => write!(f, "get {register}"),
            Self::View => f.write_str("view"),
            Self::Dump => f.write_str("dump"),
            Self::Vote {
                epoch,
                candidate,
                last_epoch,
                length,
            } => {
                write!(f, "vote {epoch} {candidate} {last_epoch} {length}")
            }
            Self::Follow {
                follower,
                last_epoch,
                length,
            } => write!(f, "follow {follower} {last_epoch} {length}"),
            Self::HandOver { to } => write!(f, "hand-over {to}"),
            Self::Elect => f.write_str("elect"),
            Self::Play { play, lasting } => write!(f, "play {play} {}", lasting.as_millis()),
            Self::Clock => f.write_str("clock"),
            Self::BackUp => f.write_str("back-up"),
            Self::Fetch { until } => write!(f, "fetch {until}"),
            Self::Replay { until } => write!(f, "replay {until}"),
            Self::Restored => f.write_str("restored"),
            Self::Add => f.write_str("add"),
        }
    }
}

impl Ask {
    /// Reads what `Display` wrote.
    pub fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.trim_end().split(' ').collect();
        Some(match words.as_slice() {
            ["append", lane, seq, sum] => Self::Append {
                lane: lane.parse().ok()?,
                seq: seq.parse().ok()?,
                sum: sum.parse().ok()?,
            },
            ["pin", lane, seq] => Self::Pin {
                lane: lane.parse().ok()?,
                seq: seq.parse().ok()?,
            },
            ["read", lane] => Self::Read {
                lane: lane.parse().ok()?,
            },
            ["set", register, value] => Self::Set {
                register: register.parse().ok()?,
                value: value.parse().ok()?,
            },
            ["get", register] => Self::Get {
                register: register.parse().ok()?,
            },
            ["view"] => Self::View,
            ["dump"] => Self::Dump,
            ["vote", epoch, candidate, last_epoch, length] => Self::Vote {
                epoch: epoch.parse().ok()?,
                candidate: candidate.parse().ok()?,
                last_epoch: last_epoch.parse().ok()?,
                length: length.parse().ok()?,
            },
            ["follow", follower, last_epoch, length] => Self::Follow {
                follower: follower.parse().ok()?,
                last_epoch: last_epoch.parse().ok()?,
                length: length.parse().ok()?,
            },
            ["hand-over", to] => Self::HandOver {
                to: to.parse().ok()?,
            },
            ["elect"] => Self::Elect,
            ["play", play, lasting] => Self::Play {
                play: play.parse().ok()?,
                lasting: Duration::from_millis(lasting.parse().ok()?),
            },
            ["clock"] => Self::Clock,
            ["back-up"] => Self::BackUp,
            ["fetch", until] => Self::Fetch {
                until: until.parse().ok()?,
            },
            ["replay", until] => Self::Replay {
                until: until.parse().ok()?,
            },
            ["restored"] => Self::Restored,
            ["add"] => Self::Add,
            _ => return None,
        })
    }
}

/// A node's view of itself, as its answer to `Ask::View`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Whether it takes writes.
    pub primary: bool,
    /// Whether it has been elected; without a majority behind it, it takes no writes all the same.
    pub elected: bool,
    /// Its epoch.
    pub epoch: u64,
    /// The length of its log.
    pub length: u64,
    /// Whom it follows, if it has heard from a primary lately.
    pub follows: Option<IpAddr>,
    /// For a primary: followers whose log has its full length.
    pub in_sync: u32,
    /// For a primary: up to which length its log is kept by the node that keeps backups.
    pub kept: Option<u64>,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match (self.primary, self.elected) {
            (true, _) => "primary",
            (false, true) => "elected",
            (false, false) => "replica",
        };
        let follows = self
            .follows
            .map_or_else(|| "-".to_owned(), |address| address.to_string());
        let kept = self
            .kept
            .map_or_else(|| "-".to_owned(), |kept| kept.to_string());
        write!(
            f,
            "{role} {} {} {follows} {} {kept}",
            self.epoch, self.length, self.in_sync
        )
    }
}

impl Status {
    /// Reads what `Display` wrote.
    pub fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.trim_end().split(' ').collect();
        let [role, epoch, length, follows, in_sync, kept] = words.as_slice() else {
            return None;
        };
        Some(Self {
            primary: *role == "primary",
            elected: *role != "replica",
            epoch: epoch.parse().ok()?,
            length: length.parse().ok()?,
            follows: follows.parse().ok(),
            in_sync: in_sync.parse().ok()?,
            kept: kept.parse().ok(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_survive_a_round_trip() {
        let here: IpAddr = [127, 0, 0, 1].into();
        for ask in [
            Ask::Append {
                lane: 1,
                seq: 2,
                sum: 3,
            },
            Ask::Pin { lane: 1, seq: 2 },
            Ask::Read { lane: 9 },
            Ask::Set {
                register: 1,
                value: 1 << 40,
            },
            Ask::Get { register: 1 },
            Ask::View,
            Ask::Dump,
            Ask::Vote {
                epoch: 1,
                candidate: here,
                last_epoch: 0,
                length: 7,
            },
            Ask::Follow {
                follower: here,
                last_epoch: 1,
                length: 0,
            },
            Ask::HandOver { to: here },
            Ask::Elect,
            Ask::Play {
                play: Play::HalfOpen,
                lasting: Duration::from_secs(2),
            },
            Ask::Clock,
            Ask::BackUp,
            Ask::Fetch { until: 1 << 50 },
            Ask::Replay { until: 0 },
            Ask::Restored,
            Ask::Add,
        ] {
            assert_eq!(Ask::parse(&ask.to_string()), Some(ask));
        }
        let status = Status {
            primary: true,
            elected: true,
            epoch: 3,
            length: 5,
            follows: None,
            in_sync: 2,
            kept: Some(4),
        };
        assert_eq!(Status::parse(&status.to_string()), Some(status));
        let entry = Entry {
            epoch: 1,
            lane: 2,
            seq: 3,
            sum: checksum(2, 3),
            at: 1 << 50,
        };
        assert_eq!(Entry::parse(&entry.to_string()), Some(entry));
        assert!(entry.sound() && !Entry { sum: 0, ..entry }.sound());
        assert_eq!(Ask::parse("append 1 2"), None);
    }
}
