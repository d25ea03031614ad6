//! Numbers as people read them, the same in every report: unit last, bounds rounded away from each other.

use std::time::Duration;

use crate::time::Span;

/// Which way a bound is rounded, so that a printed bracket contains the measured one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// A lower bound.
    Down,
    /// An upper bound, and the printed value.
    Up,
}

/// A duration with its unit: `4.213 s` from one second on, `51.3 ms` below.
pub fn duration(duration: Duration, round: Round) -> String {
    let ns = duration.as_nanos();
    let units = |unit: u128| match round {
        Round::Down => ns / unit,
        Round::Up => ns.div_ceil(unit),
    };
    let ms = units(1_000_000);
    if ms >= 1000 {
        return format!("{}.{:03} s", ms / 1000, ms % 1000);
    }
    let tenths = units(100_000);
    if tenths == 0 {
        "0 ms".into()
    } else {
        format!("{}.{} ms", tenths / 10, tenths % 10)
    }
}

/// A time as people say it: `23 s`, `2 min 30 s`, `1 h 5 min`.
pub fn roughly(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil() as u64;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let parts = [(hours, "h"), (minutes, "min"), (rest, "s")];
    let told = parts.iter().filter(|(number, _)| *number > 0);
    let told: Vec<String> = told
        .map(|(number, unit)| format!("{number} {unit}"))
        .collect();
    if told.is_empty() {
        "0 s".into()
    } else {
        told.join(" ")
    }
}

/// Nanoseconds of a statistic, rounded up; infinite where the end was not seen.
pub fn nanoseconds(ns: f64) -> String {
    match Duration::try_from_secs_f64(ns / 1e9) {
        Ok(time) => duration(time, Round::Up),
        Err(_) => "not seen".into(),
    }
}

/// The printed value of a span: its upper end, or `>= ` its lower one where the end was not seen.
pub fn value(span: Span) -> String {
    match span.high() {
        Some(high) => duration(high, Round::Up),
        None => format!(">= {}", duration(span.low(), Round::Down)),
    }
}

/// The bracket of a span: `[4.171 s, 4.213 s]`; empty where it is exact.
pub fn bracket(span: Span) -> String {
    match span.high() {
        Some(high) if high == span.low() => String::new(),
        Some(high) => format!(
            "[{}, {}]",
            duration(span.low(), Round::Down),
            duration(high, Round::Up)
        ),
        None => format!("[{}, not seen]", duration(span.low(), Round::Down)),
    }
}

/// A count with commas between thousands: `1,204`.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun in the singular or, with an `s`, the plural: `1 write`, `1,204 writes`.
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// A percentage to four digits after the point at most, rounded down so that 100 % means all.
pub fn percent(percent: f64) -> String {
    let rounded = (percent * 10_000.0 + 1e-6).floor() / 10_000.0;
    format!("{rounded} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_rounded_away_from_each_other() {
        let d = Duration::from_nanos(4_212_500_001);
        assert_eq!(duration(d, Round::Up), "4.213 s");
        assert_eq!(duration(d, Round::Down), "4.212 s");
        assert_eq!(
            duration(Duration::from_micros(51_230), Round::Up),
            "51.3 ms"
        );
        assert_eq!(duration(Duration::from_nanos(1), Round::Up), "0.1 ms");
        assert_eq!(duration(Duration::from_nanos(1), Round::Down), "0 ms");
        assert_eq!(
            duration(Duration::from_nanos(999_999_999), Round::Up),
            "1.000 s"
        );
        assert_eq!(
            duration(Duration::from_nanos(999_999_999), Round::Down),
            "999.9 ms"
        );
        assert_eq!(duration(Duration::ZERO, Round::Up), "0 ms");
    }

    #[test]
    fn rough_times_have_no_fractions() {
        for (ms, text) in [
            (0, "0 s"),
            (22_400, "23 s"),
            (150_000, "2 min 30 s"),
            (3_900_000, "1 h 5 min"),
        ] {
            assert_eq!(roughly(Duration::from_millis(ms)), text);
        }
        assert_eq!(nanoseconds(685_700_001.0), "685.8 ms");
        assert_eq!(nanoseconds(f64::INFINITY), "not seen");
    }

    #[test]
    fn an_unseen_end_is_printed_as_at_least() {
        let span = Span::at_least(Duration::from_secs(30));
        assert_eq!(value(span), ">= 30.000 s");
        assert_eq!(bracket(span), "[30.000 s, not seen]");
        assert_eq!(bracket(Span::ZERO), "");
    }

    #[test]
    fn counts_and_shares_are_readable() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1204), "1,204");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(1, "write"), "1 write");
        assert_eq!(percent(99.999_99), "99.9999 %");
        assert_eq!(percent(100.0), "100 %");
    }
}
