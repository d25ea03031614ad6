//! Whether streams fared as asked: what was seen on each connection against what a fault of streams does.

use std::time::Duration;

use crate::{
    net::{End, Heard, Toxic},
    scenario::Flow,
};

/// What a stream may be late by for other reasons, on a machine that does other things too.
const NOISE: Duration = Duration::from_millis(5);
/// The same for what waits on several programs: a connection that ends.
const SLACK: Duration = Duration::from_millis(100);
/// How long silence is waited for before it counts.
const SILENCE: Duration = Duration::from_secs(1);
/// How far from what was asked a count may be: four standard deviations.
const DEVIATIONS: f64 = 4.0;
/// How many round trips a median is taken of, and how long they may take together.
const ROUNDS: u32 = 15;
const ROUNDS_TIME: Duration = Duration::from_secs(3);
/// In how many pieces a request should pass, at most, and how long that may take.
const PIECES: u32 = 32;
const PIECES_TIME: Duration = Duration::from_secs(2);
/// What a greeting's answer has, at most: pieces of it take their time too.
const GREETING: u32 = 1024;

/// What was asked of streams.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Asked {
    /// What happens.
    pub how: Toxic,
    /// To which bytes.
    pub flow: Flow,
    /// To which part of the connections.
    pub share: f64,
}

impl Asked {
    /// How many bytes a request that measures has, and its answer.
    pub fn load(&self) -> usize {
        let bytes = match self.how {
            // A second's worth.
            Toxic::Bandwidth(rate) => rate.saturating_mul(1000).clamp(4 << 10, 1 << 20),
            Toxic::Slicer { size, .. } => size * self.pieces(),
            Toxic::LimitData(bytes) => (bytes / 4).clamp(1, 16 << 10),
            _ => 16,
        };
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    fn pieces(&self) -> u32 {
        let Toxic::Slicer { delay, .. } = self.how else {
            return 1;
        };
        let fit = PIECES_TIME.as_micros() / u128::from(delay.max(1));
        u32::try_from(fit).unwrap_or(PIECES).clamp(4, PIECES)
    }

    /// How many requests a figure is taken of.
    pub fn rounds(&self) -> u32 {
        match self.how {
            Toxic::Latency { .. } => {
                let fit = ROUNDS_TIME.as_secs_f64() / self.expected().as_secs_f64();
                (fit as u32).clamp(3, ROUNDS)
            }
            _ => 1,
        }
    }

    /// How much later than before a request should be answered, or how late a connection should end.
    fn expected(&self) -> Duration {
        let crossings = self.flow.crossings();
        let ms = |ms: u32| Duration::from_millis(ms.into());
        match self.how {
            Toxic::Latency { latency, .. } => ms(latency) * crossings,
            Toxic::Bandwidth(rate) => {
                let seconds = self.load() as f64 / (f64::from(rate) * 1000.0);
                Duration::from_secs_f64(seconds) * crossings
            }
            Toxic::Slicer { delay, .. } => {
                Duration::from_micros(delay.into()) * (self.pieces() - 1) * crossings
            }
            Toxic::SlowClose(time) | Toxic::Timeout(time) | Toxic::ResetPeer(time) => ms(time),
            Toxic::LimitData(_) => Duration::ZERO,
        }
    }

    /// How long a request may take under the fault.
    pub fn patience(&self) -> Duration {
        let jitter = match self.how {
            Toxic::Latency { jitter, .. } => Duration::from_millis(jitter.into()),
            Toxic::Timeout(0) => return SILENCE,
            Toxic::Slicer { size, delay } => {
                let greeting = Duration::from_micros(delay.into()) * (GREETING / size * 2);
                return self.expected() * 4 + greeting + SILENCE * 2;
            }
            _ => Duration::ZERO,
        };
        self.expected() * 3 + jitter * 4 + SILENCE * 2
    }
}

/// What was seen on one connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// How it ended, or the last request.
    pub end: End,
    /// How long the request took, or the median one.
    pub took: Duration,
    /// The shortest and the longest.
    pub range: (Duration, Duration),
    /// How many bytes came.
    pub heard: usize,
    /// How many bytes of requests were answered, and those of the last request.
    pub passed: usize,
    last: usize,
    /// In how many pieces they came, and the most bytes of one.
    pieces: usize,
    largest: usize,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            end: End::Whole,
            took: Duration::ZERO,
            range: Default::default(),
            heard: 0,
            passed: 0,
            last: 0,
            pieces: 0,
            largest: 0,
        }
    }
}

impl Look {
    /// At one exchange.
    pub fn of(heard: &Heard) -> Self {
        let mut look = Self::default();
        look.add(heard);
        look.range = (heard.took, heard.took);
        look
    }

    /// At one more exchange on the same connection.
    pub fn add(&mut self, heard: &Heard) {
        self.end = heard.end;
        self.took += heard.took;
        self.heard += heard.bytes;
        self.passed += if heard.end == End::Whole {
            heard.sent
        } else {
            0
        };
        self.last = heard.sent;
        self.pieces += heard.pieces;
        self.largest = self.largest.max(heard.largest);
    }

    /// The one with the median time, and the range of all.
    pub fn median(mut looks: Vec<Self>) -> Self {
        looks.sort_by_key(|look| look.took);
        let middle = looks.get(looks.len() / 2).copied().unwrap_or_default();
        let ends = looks.first().zip(looks.last());
        Self {
            range: ends.map_or(middle.range, |(first, last)| (first.took, last.took)),
            ..middle
        }
    }
}

/// What was seen through one proxy.
#[derive(Debug)]
pub struct Looks {
    /// What was asked.
    pub asked: Asked,
    /// How long it took before.
    pub before: Duration,
    /// Connections of before.
    pub old: Vec<Option<Look>>,
    /// New ones; none where one could not be opened.
    pub new: Vec<Option<Look>>,
}

impl Looks {
    /// What was seen in words, and whether it is what was asked.
    pub fn judge(&self) -> (String, bool) {
        let hit = |looks: &[Option<Look>], new: bool| -> Vec<(Look, bool)> {
            let met = looks.iter().flatten().filter(|look| self.hit(look));
            met.map(|look| (*look, new)).collect()
        };
        let (old, new) = (hit(&self.old, false), hit(&self.new, true));
        let (of_old, of_new) = (self.old.len(), self.new.len());
        let met: Vec<(Look, bool)> = old.iter().chain(&new).copied().collect();
        let odd = met.iter().filter(|(look, new)| !self.fits(look, *new));
        let odd = odd.count();
        let spoilt = self.old.iter().chain(&self.new);
        let spoilt =
            spoilt.filter(|look| look.is_none_or(|look| !self.hit(&look) && !self.well(&look)));
        let spoilt = spoilt.count();
        let fine =
            odd == 0 && spoilt == 0 && self.fair(met.len(), of_old + of_new) && self.telling();
        let mut text = format!(
            "asked {}, {} on {} of {of_old} connections of before and {} of {of_new} new ones",
            self.asked_words(),
            self.seen_words(&met),
            old.len(),
            new.len()
        );
        for (count, what) in [(odd, "not as asked"), (spoilt, "neither so nor as before")] {
            if count > 0 {
                text += &format!(", {count} of them {what}");
            }
        }
        if !self.telling() {
            text += &format!("; it took {} before: too long to tell", ms(self.before));
        }
        (text, fine)
    }

    /// Whether the fault met this connection.
    fn hit(&self, look: &Look) -> bool {
        let ended = matches!(look.end, End::Closed | End::Reset);
        match self.asked.how {
            Toxic::Latency { .. } | Toxic::Bandwidth(_) | Toxic::Slicer { .. } => {
                look.end == End::Whole && self.rise(look) >= self.asked.expected() / 2
            }
            Toxic::SlowClose(_) => ended && look.took >= self.asked.expected() / 2,
            Toxic::Timeout(0) => look.end == End::Silent,
            Toxic::Timeout(_) | Toxic::ResetPeer(_) | Toxic::LimitData(_) => ended,
        }
    }

    /// Whether a connection that it did not meet is as before.
    fn well(&self, look: &Look) -> bool {
        match self.asked.how {
            Toxic::SlowClose(_) => matches!(look.end, End::Closed | End::Reset),
            _ => look.end == End::Whole,
        }
    }

    /// Whether it met a connection as asked.
    fn fits(&self, look: &Look, new: bool) -> bool {
        let (rise, expected) = (self.rise(look), self.asked.expected());
        let near = |time: Duration, slack: Duration| {
            time + slack >= expected && time <= expected + expected / 10 + slack
        };
        match self.asked.how {
            Toxic::Latency { jitter, .. } => {
                let jitter = Duration::from_millis(jitter.into()) * self.asked.flow.crossings();
                near(rise, NOISE + jitter)
            }
            Toxic::Bandwidth(_) => {
                let part = expected.as_secs_f64() / rise.as_secs_f64().max(1e-9);
                (0.7..=1.3).contains(&part)
            }
            Toxic::Slicer { size, .. } => self.sliced(look, usize::try_from(size).unwrap_or(1)),
            Toxic::SlowClose(_) => near(look.took, SLACK),
            Toxic::Timeout(0) => look.heard == 0,
            // A connection of before may have been silent for a while when it is looked at.
            Toxic::Timeout(_) if !new => look.took <= expected + expected / 10 + SLACK,
            Toxic::Timeout(_) => near(look.took, SLACK),
            // The server sets connections to be reset only when they are opened: those of before may be closed.
            Toxic::ResetPeer(_) => near(look.took, SLACK) && (look.end == End::Reset || !new),
            Toxic::LimitData(bytes) => {
                let limit = usize::try_from(bytes).unwrap_or(usize::MAX);
                match self.asked.flow {
                    Flow::Down => look.heard == limit,
                    Flow::Up => look.passed <= limit && look.passed + look.last > limit,
                    Flow::Both => look.heard <= limit && look.passed <= limit,
                }
            }
        }
    }

    /// A chunk is halved until its parts are small enough: at most twice as many parts as whole sizes fit in, and a
    /// timer may be late by a millisecond or two. Parts that arrive together are read as one.
    fn sliced(&self, look: &Look, size: usize) -> bool {
        let (rise, expected) = (self.rise(look), self.asked.expected());
        let late = Duration::from_millis(3) * self.asked.pieces() * self.asked.flow.crossings();
        let timely = rise >= expected.mul_f64(0.9) && rise <= (expected + late) * 2 + SLACK;
        let parts = look.heard / size;
        let small = look.pieces * 2 >= parts && look.largest <= size * 4;
        timely && (self.asked.flow == Flow::Up || small)
    }

    fn rise(&self, look: &Look) -> Duration {
        look.took.saturating_sub(self.before)
    }

    /// Whether so many are what chance leaves of the share.
    fn fair(&self, met: usize, of: usize) -> bool {
        let (n, share) = (of as f64, self.asked.share);
        let spread = DEVIATIONS * (n * share * (1.0 - share)).sqrt();
        met > 0 && (met as f64 - n * share).abs() <= spread + 1e-9
    }

    /// Whether it was otherwise before: what was that slow without the fault shows nothing.
    fn telling(&self) -> bool {
        let expected = self.asked.expected();
        let timed = !matches!(
            self.asked.how,
            Toxic::Timeout(_) | Toxic::ResetPeer(_) | Toxic::LimitData(_)
        );
        !timed || self.before * 2 <= expected * 3 / 2
    }

    fn asked_words(&self) -> String {
        let share = self.asked.share;
        let part = if share < 1.0 {
            format!(" for {:.0} % of connections", share * 100.0)
        } else {
            String::new()
        };
        let what = match self.asked.how {
            Toxic::Latency { latency, jitter } => format!("{latency} ms and {jitter} ms jitter"),
            Toxic::Bandwidth(rate) => format!("{:.2} Mbit/s", f64::from(rate) / 125.0),
            Toxic::SlowClose(delay) => format!("an end {delay} ms late"),
            Toxic::Timeout(0) => "silence".into(),
            Toxic::Timeout(time) => format!("silence and an end after {time} ms"),
            Toxic::Slicer { size, delay } => {
                format!("pieces of at most {size} bytes, {} ms apart", delay / 1000)
            }
            Toxic::LimitData(bytes) => format!("an end after {bytes} bytes"),
            Toxic::ResetPeer(time) => format!("a reset {time} ms after the first bytes"),
        };
        let flow = match self.asked.flow {
            Flow::Down => "down",
            Flow::Up => "up",
            Flow::Both => "both ways",
        };
        format!("{what} {flow}{part}")
    }

    fn seen_words(&self, met: &[(Look, bool)]) -> String {
        let looks: Vec<Look> = met.iter().map(|(look, _)| *look).collect();
        if looks.is_empty() {
            return "observed".into();
        }
        let middle = Look::median(looks.clone());
        let least = looks.iter().map(|look| look.range.0).min();
        let most = looks.iter().map(|look| look.range.1).max();
        let range = |what: &str| {
            let (least, most) = (ms(least.unwrap_or_default()), ms(most.unwrap_or_default()));
            format!("{what} ({least} to {most}, {} before)", ms(self.before))
        };
        let ended = |new: bool| {
            let own = met.iter().filter(|(_, of)| *of == new);
            let resets = own.clone().filter(|(look, _)| look.end == End::Reset);
            let resets = resets.count();
            format!("{resets} reset and {} closed", own.count() - resets)
        };
        let ended = format!("{} of before and {} new ones", ended(false), ended(true));
        match self.asked.how {
            Toxic::Latency { .. } => range(&format!(
                "observed a median of {} more",
                ms(self.rise(&middle))
            )),
            Toxic::Bandwidth(_) => {
                let bits = self.asked.load() as f64 * 8.0 * f64::from(self.asked.flow.crossings());
                let seconds = self.rise(&middle).as_secs_f64().max(1e-9);
                range(&format!("observed {:.2} Mbit/s", bits / seconds / 1e6))
            }
            // The server sees the pieces, and this side how long they take.
            Toxic::Slicer { .. } if self.asked.flow == Flow::Up => range(&format!(
                "observed a request that took {} more",
                ms(self.rise(&middle))
            )),
            Toxic::Slicer { .. } => {
                let (pieces, largest) = (middle.pieces, middle.largest);
                let words = format!(
                    "observed {} bytes in {pieces} pieces of at most {largest}",
                    middle.heard
                );
                range(&words)
            }
            Toxic::SlowClose(_) => range(&format!("observed an end after {}", ms(middle.took))),
            Toxic::Timeout(0) => format!("observed no byte within {}", ms(SILENCE)),
            Toxic::Timeout(_) | Toxic::ResetPeer(_) => {
                let (least, most) = (least.unwrap_or_default(), most.unwrap_or_default());
                format!("observed {ended}, after {} to {},", ms(least), ms(most))
            }
            Toxic::LimitData(_) => {
                let bytes = |of: fn(&Look) -> usize| {
                    let all = looks.iter().map(of);
                    let (least, most) = (all.clone().min(), all.max());
                    format!("{} to {}", least.unwrap_or(0), most.unwrap_or(0))
                };
                let (heard, passed) = (bytes(|look| look.heard), bytes(|look| look.passed));
                format!(
                    "observed {ended}, after {heard} bytes down and requests of {passed} bytes answered,"
                )
            }
        }
    }
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(end: End, took_ms: u64) -> Look {
        Look::of(&Heard {
            end,
            took: Duration::from_millis(took_ms),
            sent: 100,
            bytes: 64,
            pieces: 1,
            largest: 64,
        })
    }

    fn judged(how: Toxic, flow: Flow, share: f64, old: &[Look], new: &[Look]) -> bool {
        let all = |looks: &[Look]| looks.iter().copied().map(Some).collect();
        let looks = Looks {
            asked: Asked { how, flow, share },
            before: Duration::from_millis(1),
            old: all(old),
            new: all(new),
        };
        let (text, fine) = looks.judge();
        println!("{text}");
        fine
    }

    #[test]
    fn lateness_must_be_what_was_asked_on_every_connection() {
        let how = Toxic::Latency {
            latency: 50,
            jitter: 10,
        };
        let (late, quick) = (look(End::Whole, 55), look(End::Whole, 2));
        assert!(judged(how, Flow::Down, 1.0, &[late], &[late]));
        assert!(!judged(how, Flow::Down, 1.0, &[late], &[quick]));
        assert!(
            !judged(how, Flow::Both, 1.0, &[late], &[late]),
            "twice as late both ways"
        );
        assert!(!judged(
            how,
            Flow::Down,
            1.0,
            &[look(End::Whole, 120)],
            &[late]
        ));
        assert!(!judged(
            how,
            Flow::Down,
            1.0,
            &[look(End::Silent, 120)],
            &[late]
        ));
    }

    #[test]
    fn a_share_is_what_chance_leaves_and_the_others_are_as_before() {
        let (dead, well) = (look(End::Silent, 1000), look(End::Whole, 1));
        let mixed = |dead_ones: usize| -> Vec<Look> {
            (0..24)
                .map(|n| {
                    if n < dead_ones {
                        Look { heard: 0, ..dead }
                    } else {
                        well
                    }
                })
                .collect()
        };
        let how = Toxic::Timeout(0);
        assert!(judged(how, Flow::Down, 0.5, &mixed(11), &mixed(14)));
        assert!(!judged(how, Flow::Down, 0.5, &mixed(24), &mixed(20)));
        assert!(!judged(how, Flow::Down, 0.5, &mixed(0), &mixed(0)));
        let mut closed = mixed(12);
        closed[20] = look(End::Closed, 1);
        assert!(!judged(how, Flow::Down, 0.5, &mixed(12), &closed));
    }

    #[test]
    fn a_new_connection_must_be_reset_and_one_of_before_must_end() {
        let (reset, closed) = (look(End::Reset, 1), look(End::Closed, 1));
        let how = Toxic::ResetPeer(0);
        assert!(judged(how, Flow::Down, 1.0, &[closed], &[reset]));
        assert!(!judged(how, Flow::Down, 1.0, &[closed], &[closed]));
        assert!(!judged(
            how,
            Flow::Down,
            1.0,
            &[look(End::Whole, 1)],
            &[reset]
        ));
        assert!(
            !judged(Toxic::ResetPeer(500), Flow::Down, 1.0, &[closed], &[reset]),
            "too early"
        );
    }

    #[test]
    fn an_end_comes_at_the_byte_that_was_asked() {
        let end = look(End::Closed, 1);
        assert!(judged(
            Toxic::LimitData(64),
            Flow::Down,
            1.0,
            &[end],
            &[end]
        ));
        assert!(!judged(
            Toxic::LimitData(63),
            Flow::Down,
            1.0,
            &[end],
            &[end]
        ));
        assert!(judged(Toxic::LimitData(99), Flow::Up, 1.0, &[end], &[end]));
        assert!(
            !judged(Toxic::LimitData(100), Flow::Up, 1.0, &[end], &[end]),
            "one request of 100 passes"
        );
    }

    #[test]
    fn what_was_slow_before_shows_nothing() {
        let asked = Asked {
            how: Toxic::Bandwidth(100),
            flow: Flow::Down,
            share: 1.0,
        };
        let slow = look(End::Whole, 3000);
        let looks = |before: u64| Looks {
            asked,
            before: Duration::from_millis(before),
            old: vec![Some(slow)],
            new: vec![Some(slow)],
        };
        assert!(!looks(2000).judge().1);
        let quick = Looks {
            old: vec![Some(look(End::Whole, 1010))],
            new: vec![Some(look(End::Whole, 1050))],
            ..looks(5)
        };
        assert!(quick.judge().1);
    }
}
