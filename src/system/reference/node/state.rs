//! A reference node's state: its log, its epoch, its role, and the rules by which they change.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    fs::File,
    io::Write,
    net::IpAddr,
    time::{Duration, Instant},
};

use nix::time::{ClockId, clock_gettime};

use crate::system::reference::{
    defect::Defect,
    wire::{Entry, Status},
};

/// How long the log is when a clock that is to step does.
const STEPS_AT: usize = 300;

/// What this machine's clock shows: microseconds since 1970.
fn wall_micros() -> u64 {
    clock_gettime(ClockId::CLOCK_REALTIME).map_or(0, |time| {
        let micros = time.tv_sec() * 1_000_000 + time.tv_nsec() / 1_000;
        u64::try_from(micros).unwrap_or(0)
    })
}

/// How a node is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Its address.
    pub address: IpAddr,
    /// The addresses of all nodes, its own among them, in the order of preference in elections.
    pub nodes: Vec<IpAddr>,
    /// Without a word from the primary for this long, a follower stands for election.
    pub detect: Duration,
    /// Whether an append is acknowledged only once a follower has it.
    pub synchronous: bool,
    /// How long it works on one write.
    pub service_time: Duration,
    /// Its planted defect.
    pub defect: Defect,
    /// By how much its clock is ahead.
    pub clock_ahead: Duration,
    /// Whether it keeps backups: it follows, and is no member.
    pub keeps: bool,
}

/// What a node knows.
pub struct State {
    /// How it is set up.
    pub setup: Setup,
    /// Its elements in order.
    pub log: Vec<Entry>,
    /// Pinned probes taken.
    pub pins: u64,
    pub epoch: u64,
    /// Since when it has been primary; it takes writes from then on.
    pub primary_since: Option<Instant>,
    /// Whom it follows.
    pub leader: Option<IpAddr>,
    /// When it last heard from a primary.
    pub heard: Instant,
    /// The highest epoch in which it voted.
    voted: u64,
    /// The highest epoch in which its vote was asked for.
    asked: u64,
    /// For a primary: each follower's confirmed length and when it last confirmed.
    pub followers: HashMap<IpAddr, (u64, Instant)>,
    /// Whether it takes no more writes since it is handing its role over.
    pub yielding: bool,
    /// For a primary that has been told of a higher epoch: when.
    deposed: Option<Instant>,
    /// Past versions per lane, for stale reads.
    past: HashMap<u16, VecDeque<(Instant, u64)>>,
    /// Elements acknowledged and not kept, by defect.
    dropped: u64,
    /// By how much its clock has stepped ahead, by defect.
    stepped: Duration,
    /// For a primary: up to which length the node that keeps backups has confirmed to have its log.
    pub kept: Option<u64>,
    /// How far its log has ever reached, and how old the oldest element was when it came.
    furthest: usize,
    oldest: u64,
    disk: Option<File>,
}

impl State {
    /// A node with the log that it had before; the file is appended to.
    pub fn new(setup: Setup, log: Vec<Entry>, disk: Option<File>) -> Self {
        let epoch = log.last().map_or(0, |entry| entry.epoch);
        Self {
            setup,
            log,
            pins: 0,
            epoch,
            primary_since: None,
            leader: None,
            heard: Instant::now(),
            voted: epoch,
            asked: 0,
            followers: HashMap::new(),
            yielding: false,
            deposed: None,
            past: HashMap::new(),
            dropped: 0,
            stepped: Duration::ZERO,
            kept: None,
            furthest: 0,
            oldest: 0,
            disk,
        }
    }

    /// The epoch of the last element, and the log's length: how far this node got.
    pub fn end(&self) -> (u64, u64) {
        (
            self.log.last().map_or(0, |entry| entry.epoch),
            self.log.len() as u64,
        )
    }

    /// How many nodes make a majority.
    pub fn majority(&self) -> usize {
        self.setup.nodes.len() / 2 + 1
    }

    /// Whether it takes writes now: it is primary, and a majority stands behind it.
    pub fn takes_writes(&self) -> bool {
        let Some(since) = self.primary_since.filter(|_| !self.yielding) else {
            return false;
        };
        if let Defect::TwoPrimaries(blind) = self.setup.defect {
            return self.deposed.is_none_or(|when| when.elapsed() < blind);
        }
        since <= Instant::now() && self.backed()
    }

    /// Whether it is primary and a majority has confirmed that within half the detection time, so that no other primary
    /// can have been elected meanwhile.
    pub fn backed(&self) -> bool {
        let lease = self.setup.detect / 2;
        let confirmed = self.followers.values();
        let confirmed = confirmed.filter(|(_, at)| at.elapsed() < lease).count();
        self.primary_since.is_some() && confirmed + 1 >= self.majority()
    }

    /// What its clock shows: microseconds since 1970.
    pub fn clock(&self) -> u64 {
        let ahead = (self.setup.clock_ahead + self.stepped).as_micros();
        wall_micros().saturating_add(u64::try_from(ahead).unwrap_or(u64::MAX))
    }

    /// Appends an element at the primary.
    pub fn append(&mut self, lane: u16, seq: u64, sum: u32) {
        if let Defect::ClockStep(by) = self.setup.defect
            && self.stepped.is_zero()
            && self.log.len() >= STEPS_AT
        {
            self.stepped = by;
            println!("clock stepped {}", by.as_nanos());
        }
        let entry = Entry {
            epoch: self.epoch,
            lane,
            seq,
            sum,
            at: self.clock(),
        };
        if matches!(self.setup.defect, Defect::Drop(n) if self.dropped < n)
            && seq >= 100
            && seq.is_multiple_of(10)
        {
            self.dropped += 1;
            println!("dropped {lane} {seq}");
            return;
        }
        let twice = matches!(self.setup.defect, Defect::Twice(n) if seq.is_multiple_of(n));
        if twice {
            println!("twice {lane} {seq}");
        }
        for _ in 0..=usize::from(twice) {
            self.store(entry);
        }
        let version = self.version(lane).max(seq + 1);
        self.past
            .entry(lane)
            .or_default()
            .push_back((Instant::now(), version));
    }

    /// Logs how old an element was that came to the node that keeps the log, if none was older. One that is sent again by a new
    /// primary was there before.
    pub fn came(&mut self, entry: Entry) {
        let length = self.log.len();
        if length > self.furthest {
            self.furthest = length;
            let age = self.clock().saturating_sub(entry.at);
            if age > self.oldest {
                self.oldest = age;
                println!("oldest {age}");
            }
        }
    }

    /// Puts an element at the end of the log, on disk too.
    pub fn store(&mut self, entry: Entry) {
        if let Some(disk) = &mut self.disk {
            // A failing disk shows as elements missing after a restart, which is what a drill is to find. One call for
            // the whole line: the file is written through.
            let _ = disk.write_all(format!("{entry}\n").as_bytes());
        }
        self.log.push(entry);
    }

    /// Takes over a primary's log from its start; returns the own one, which is given up.
    pub fn reset(&mut self) -> Vec<Entry> {
        if let Some(disk) = &mut self.disk {
            let _ = disk.set_len(0);
        }
        std::mem::take(&mut self.log)
    }

    /// Logs which elements of its own earlier log the primary's lacks.
    pub fn tell_given_up(&self, own: &[Entry]) {
        let kept: HashSet<(u16, u64)> = self.log.iter().map(|e| (e.lane, e.seq)).collect();
        for (place, entry) in own.iter().enumerate() {
            if !kept.contains(&(entry.lane, entry.seq)) {
                println!("gave up {} {} at {place}", entry.lane, entry.seq);
            }
        }
    }

    /// The highest number of a lane plus one, by this node's log.
    fn version(&self, lane: u16) -> u64 {
        self.past
            .get(&lane)
            .and_then(|past| past.back())
            .map_or(0, |(_, version)| *version)
    }

    /// What a read of a lane answers. A stale one is logged, with how old the first element is that it does
    /// not show.
    pub fn read(&self, lane: u16) -> u64 {
        let Defect::Stale(age) = self.setup.defect else {
            return self.version(lane);
        };
        let now = Instant::now();
        let past = self.past.get(&lane).into_iter().flatten();
        let mut shown = 0;
        let mut missed = Duration::ZERO;
        for (at, version) in past {
            missed = now - *at;
            if missed < age {
                break;
            }
            (shown, missed) = (*version, Duration::ZERO);
        }
        println!("read {lane} {shown} {}", missed.as_nanos());
        shown
    }

    /// The newest element of a lane: its number, or 0.
    pub fn last(&self, lane: u16) -> u64 {
        let newest = self.log.iter().rev().find(|entry| entry.lane == lane);
        newest.map_or(0, |entry| entry.seq)
    }

    /// Whether it grants its vote: once per epoch, to a candidate that got at least as far, and only
    /// when it has not heard from a primary itself.
    pub fn vote(&mut self, epoch: u64, last: (u64, u64)) -> bool {
        let quiet = self.leader.is_none() || self.heard.elapsed() >= self.setup.detect / 2;
        let free = self.primary_since.is_none() && quiet;
        // A candidate that got less far may stand more often: one that can win must not run behind its epochs.
        self.asked = self.asked.max(epoch);
        if epoch <= self.voted.max(self.epoch) || last < self.end() || !free {
            return false;
        }
        self.voted = epoch;
        true
    }

    /// The epoch to stand for election in; standing counts as its own vote.
    pub fn stand(&mut self) -> u64 {
        self.voted = self.voted.max(self.epoch).max(self.asked) + 1;
        self.voted
    }

    /// Becomes primary in an epoch that it won, with its planted defect.
    pub fn promote(&mut self, epoch: u64) {
        if epoch <= self.epoch {
            return;
        }
        self.epoch = epoch;
        self.leader = None;
        self.deposed = None;
        self.kept = None;
        self.followers.clear();
        if !self.log.is_empty() {
            self.plant();
        }
        let mut highest: HashMap<u16, u64> = HashMap::new();
        for entry in &self.log {
            let version = highest.entry(entry.lane).or_default();
            *version = (*version).max(entry.seq + 1);
        }
        let now = Instant::now();
        self.past = highest
            .into_iter()
            .map(|(lane, version)| (lane, VecDeque::from([(now, version)])))
            .collect();
        let wait = match self.setup.defect {
            Defect::SlowPromotion(wait) => wait,
            _ => Duration::ZERO,
        };
        self.primary_since = Some(now + wait);
    }

    fn plant(&mut self) {
        match self.setup.defect {
            Defect::Lose(n) => {
                let keep = self
                    .log
                    .len()
                    .saturating_sub(usize::try_from(n).unwrap_or(usize::MAX));
                self.log.truncate(keep);
            }
            Defect::Hole => {
                let middle = self.log.len() / 2;
                self.log.remove(middle);
            }
            Defect::Corrupt => {
                let middle = self.log.len() / 2;
                self.log[middle].sum ^= 1;
            }
            Defect::Phantom => self.log.push(Entry {
                epoch: self.epoch,
                lane: 0,
                seq: 1 << 40,
                sum: 0,
                at: self.clock(),
            }),
            Defect::None
            | Defect::Twice(_)
            | Defect::Stale(_)
            | Defect::TwoPrimaries(_)
            | Defect::SlowPromotion(_)
            | Defect::Resurrect(_)
            | Defect::Drop(_)
            | Defect::Diverge(_)
            | Defect::ClockStep(_)
            | Defect::Forget(_)
            | Defect::Beyond(_)
            | Defect::SlowRestore(_) => {}
        }
    }

    /// Learns of a primary in an epoch at least as high as its own; returns whether to follow it.
    pub fn learn(&mut self, leader: IpAddr, epoch: u64) -> bool {
        if epoch < self.epoch || (epoch == self.epoch && self.primary_since.is_some()) {
            return false;
        }
        if self.primary_since.is_some()
            && let Defect::TwoPrimaries(blind) = self.setup.defect
        {
            let when = *self.deposed.get_or_insert_with(Instant::now);
            if when.elapsed() < blind {
                return false;
            }
        }
        self.primary_since = None;
        self.epoch = epoch;
        self.leader = Some(leader);
        self.heard = Instant::now();
        true
    }

    /// Its view of itself.
    pub fn status(&self) -> Status {
        let length = self.log.len() as u64;
        let fresh = self.setup.detect;
        let in_sync = self
            .followers
            .values()
            .filter(|(have, at)| *have >= length && at.elapsed() < fresh)
            .count();
        Status {
            primary: self.takes_writes(),
            elected: self.primary_since.is_some(),
            epoch: self.epoch,
            length,
            follows: self.leader.filter(|_| self.heard.elapsed() < fresh),
            in_sync: u32::try_from(in_sync).unwrap_or(u32::MAX),
            kept: self.kept,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(defect: Defect) -> State {
        let address = |last| IpAddr::from([127, 0, 0, last]);
        let setup = Setup {
            address: address(1),
            nodes: vec![address(1), address(2), address(3)],
            detect: Duration::from_millis(200),
            synchronous: false,
            service_time: Duration::ZERO,
            defect,
            clock_ahead: Duration::ZERO,
            keeps: false,
        };
        State::new(setup, vec![], None)
    }

    #[test]
    fn a_vote_is_given_once_per_epoch_and_only_to_a_log_as_long() {
        let mut state = node(Defect::None);
        state.store(Entry {
            epoch: 1,
            lane: 0,
            seq: 0,
            sum: 0,
            at: 0,
        });
        assert!(!state.vote(2, (0, 0)), "the candidate got less far");
        assert!(state.vote(2, (1, 1)));
        assert!(!state.vote(2, (1, 1)), "the vote of this epoch is gone");
        assert!(!state.vote(9, (0, 0)), "the candidate got less far");
        assert_eq!(
            state.stand(),
            10,
            "it stands above whoever asked for its vote"
        );
    }

    #[test]
    fn a_primary_without_a_majority_takes_no_writes() {
        let mut state = node(Defect::None);
        let epoch = state.stand();
        state.promote(epoch);
        assert!(!state.takes_writes());
        state
            .followers
            .insert([127, 0, 0, 2].into(), (0, Instant::now()));
        assert!(state.takes_writes());
    }

    #[test]
    fn a_promotion_with_loss_forgets_exactly_that_many() {
        let mut state = node(Defect::Lose(3));
        for seq in 0..10 {
            state.store(Entry {
                epoch: 1,
                lane: 0,
                seq,
                sum: 0,
                at: 0,
            });
        }
        let epoch = state.stand();
        state.promote(epoch);
        assert_eq!(state.log.len(), 7);
    }
}
