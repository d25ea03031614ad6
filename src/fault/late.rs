//! Whether datagrams on a path are as late as was asked, and spread so.

use std::time::Duration;

use crate::{net::PathFigures, scenario::Distribution};

/// What a path may be late by for other reasons, on a machine that does other things too.
pub(super) const NOISE_MS: f64 = 5.0;
/// How far from what was asked a count may be: four standard deviations.
pub(super) const DEVIATIONS: f64 = 4.0;
/// How many jitters beyond the delay a datagram is late: further than an even spread reaches.
const TAIL: f64 = 1.25;
/// How many jitters before the delay it is early: further than a Pareto spread reaches.
const HEAD: f64 = 0.75;

/// What was asked of each datagram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Late {
    /// How late it is to be on average.
    pub delay: Duration,
    /// How much later or earlier.
    pub jitter: Duration,
    /// How that is spread.
    pub distribution: Distribution,
    /// How often a round trip meets it.
    pub crossings: u32,
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

impl Late {
    /// What was asked against what was observed, and whether that fits; `before` is the path's median without the fault, in
    /// milliseconds.
    pub fn judge(self, path: &PathFigures, before: f64) -> (String, bool) {
        let Some((least, median, most)) = path.ms() else {
            return (format!("none of {} datagrams came back", path.sent), false);
        };
        let crossings = f64::from(self.crossings);
        let (delay, jitter) = (ms(self.delay) * crossings, ms(self.jitter) * crossings);
        let off = median - before - delay;
        let spread = match self.distribution {
            Distribution::Uniform => String::new(),
            other => format!(" ({})", other.name()),
        };
        let (ends, fit) = self.ends(path, before + delay);
        let text = format!(
            "asked {delay} ms and {jitter} ms jitter{spread}, observed a median of {:.1} ms more \
             ({least:.1} to {most:.1} ms there and back, {before:.1} before){ends}",
            median - before
        );
        let early = NOISE_MS.min(delay / 2.0) + jitter;
        let late = NOISE_MS + delay / 10.0 + jitter;
        (text, (-early..=late).contains(&off) && fit)
    }

    /// Whether a spread that is not even has its ends: as many as were asked for lie in each, the middle being this, in
    /// milliseconds. Where a round trip meets it twice, the ends are wider, and at least as many lie in them.
    fn ends(self, path: &PathFigures, middle: f64) -> (String, bool) {
        // What share of packets is earlier than `HEAD` jitters before the middle, and later than `TAIL` after it.
        let (head, tail) = match self.distribution {
            Distribution::Uniform => return (String::new(), true),
            // Phi(-0.75) and 1 - Phi(1.25).
            Distribution::Normal => (0.2266, 0.1056),
            // None; (1.25 * 3/4 + 3/2)^-3.
            Distribution::Pareto => (0.0, 0.0690),
        };
        let jitter = ms(self.jitter);
        let (early, late) = (
            path.earlier_than(middle - HEAD * jitter),
            path.later_than(middle + TAIL * jitter),
        );
        let n = f64::from(path.answered);
        let fits = |count: u32, share: f64| {
            let off = f64::from(count) - share * n;
            let most = DEVIATIONS * (n * share * (1.0 - share)).sqrt() + n / 50.0;
            off >= -most && (off <= most || self.crossings > 1) && (count > 0 || share == 0.0)
        };
        let text = format!(
            "; {early} of {n} are more than {HEAD} jitters earlier than asked on average ({:.0} asked), {late} more than \
             {TAIL} later ({:.0} asked)",
            head * n,
            tail * n
        );
        (text, fits(early, head) && fits(late, tail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeName;

    const ASKED: Late = Late {
        delay: Duration::from_millis(100),
        jitter: Duration::from_millis(20),
        distribution: Distribution::Uniform,
        crossings: 1,
    };

    /// 200 datagrams, each after as many jitters beyond the delay as the quantile of its place.
    fn came(quantile: impl Fn(f64) -> f64) -> PathFigures {
        let times = (0..200_u32).map(|n| {
            let place = (f64::from(n) + 0.5) / 200.0;
            (n, 101.0 + 20.0 * quantile(place))
        });
        PathFigures::of(&NodeName::new("a"), None, 200, &times.collect::<Vec<_>>())
    }

    fn fits(distribution: Distribution, quantile: impl Fn(f64) -> f64) -> bool {
        let asked = Late {
            distribution,
            ..ASKED
        };
        asked.judge(&came(quantile), 1.0).1
    }

    fn pareto(place: f64) -> f64 {
        (((1.0 - place).powf(-1.0 / 3.0) - 1.5) * 4.0 / 3.0).min(4.0)
    }

    /// The normal quantile by Tukey's lambda, to a hundredth within two deviations.
    fn normal(place: f64) -> f64 {
        (place.powf(0.135) - (1.0 - place).powf(0.135)) / 0.1975
    }

    #[test]
    fn each_spread_is_told_from_the_others() {
        let even = |place: f64| 2.0 * place - 1.0;
        assert!(fits(Distribution::Uniform, even));
        assert!(fits(Distribution::Normal, normal));
        assert!(fits(Distribution::Pareto, pareto));
        assert!(!fits(Distribution::Normal, even));
        assert!(!fits(Distribution::Normal, pareto));
        assert!(!fits(Distribution::Pareto, even));
        assert!(!fits(Distribution::Pareto, normal));
    }

    #[test]
    fn packets_that_queue_behind_each_other_are_later_than_asked() {
        // The greatest of eight.
        let held = |place: f64| normal(place.powf(1.0 / 8.0));
        assert!(!fits(Distribution::Normal, held));
    }

    #[test]
    fn no_delay_and_twice_the_delay_are_seen() {
        assert!(!fits(Distribution::Uniform, |_| -5.0));
        assert!(!fits(Distribution::Pareto, |place| 5.0 + pareto(place)));
        let silent = PathFigures::of(&NodeName::new("a"), None, 200, &[]);
        assert!(!ASKED.judge(&silent, 1.0).1);
    }
}
