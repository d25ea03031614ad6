//! The kernel's own network emulator (netem), as `tc` is told. A packet can be in one class of traffic control only, so
//! it is used where one fault of a drill alone needs a class.

use std::time::Duration;

use crate::scenario::Distribution;

use super::shape::Shaping;

/// The class whose packets it treats: the second band.
pub(super) const CLASS: &str = "1:2";
/// Two bands of equal right: every packet is in the first, unless the filter puts it into the other.
const BANDS: &str =
    "qdisc replace dev eth0 root handle 1: prio bands 2 priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0";
/// How many packets may be under way: none is to be lost, at any delay.
const LIMIT: u32 = 200_000;

/// What shows that it can be had, tables and all; empty where it would not do for all that is wanted.
pub(super) fn trial(wanted: &[Shaping]) -> Vec<String> {
    let mut classed = wanted.iter().filter(|one| !matches!(one, Shaping::Loss(_)));
    match (classed.next(), classed.next()) {
        (Some(alone), None) if alone.queued() => commands(alone),
        _ => Vec::new(),
    }
}

/// What `tc` is told.
pub(super) fn commands(how: &Shaping) -> Vec<String> {
    let emulated = format!(
        "qdisc add dev eth0 parent {CLASS} netem limit {LIMIT} {}",
        options(how)
    );
    vec![BANDS.into(), emulated]
}

/// How long a packet may be under way in it.
pub(super) fn drain(how: &Shaping) -> Duration {
    match *how {
        Shaping::Latency {
            delay,
            jitter,
            distribution,
        } => delay + jitter.mul_f64(distribution.reach()),
        Shaping::Reorder { hold, .. } => hold,
        _ => Duration::ZERO,
    }
}

fn options(how: &Shaping) -> String {
    let us = |time: Duration| format!("{}us", time.as_micros());
    let percent = |share: f64| format!("{:.4}%", share * 100.0);
    match *how {
        Shaping::Latency { delay, jitter, .. } if jitter.is_zero() => {
            format!("delay {}", us(delay))
        }
        Shaping::Latency {
            delay,
            jitter,
            distribution: Distribution::Uniform,
        } => format!("delay {} {}", us(delay), us(jitter)),
        Shaping::Latency {
            delay,
            jitter,
            distribution,
        } => format!(
            "delay {} {} distribution {}",
            us(delay),
            us(jitter),
            distribution.name()
        ),
        Shaping::Duplicate(share) => format!("duplicate {}", percent(share)),
        Shaping::Corrupt(share) => format!("corrupt {}", percent(share)),
        // The share named is that of those that overtake.
        Shaping::Reorder { share, hold } => {
            format!("delay {} reorder {}", us(hold), percent(1.0 - share))
        }
        Shaping::Loss(_) | Shaping::Bandwidth(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn late(distribution: Distribution) -> Shaping {
        Shaping::Latency {
            delay: Duration::from_millis(50),
            jitter: Duration::from_micros(7_500),
            distribution,
        }
    }

    #[test]
    fn each_fault_is_said_in_the_emulators_own_words() {
        let said = |how: Shaping| options(&how);
        assert_eq!(said(late(Distribution::Uniform)), "delay 50000us 7500us");
        assert_eq!(
            said(late(Distribution::Pareto)),
            "delay 50000us 7500us distribution pareto"
        );
        assert_eq!(said(Shaping::Duplicate(0.125)), "duplicate 12.5000%");
        assert_eq!(said(Shaping::Corrupt(0.01)), "corrupt 1.0000%");
        let hold = Duration::from_millis(30);
        assert_eq!(
            said(Shaping::Reorder { share: 0.25, hold }),
            "delay 30000us reorder 75.0000%"
        );
    }

    #[test]
    fn it_is_tried_where_it_is_alone() {
        let (slow, loss) = (late(Distribution::Normal), Shaping::Loss(0.1));
        assert_eq!(trial(&[slow, loss]).len(), 2);
        assert!(trial(&[slow, slow]).is_empty());
        assert!(trial(&[slow, Shaping::Bandwidth(1)]).is_empty());
        assert!(trial(&[Shaping::Bandwidth(1)]).is_empty());
    }

    #[test]
    fn packets_are_under_way_as_long_as_the_latest_of_them() {
        assert_eq!(
            drain(&late(Distribution::Normal)),
            Duration::from_millis(80)
        );
    }
}
