//! A calendar quarter.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, civil::date, tz::TimeZone};

/// A calendar quarter, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quarter {
    year: i16,
    /// From 1 to 4.
    number: i8,
}

impl Quarter {
    /// Its first moment.
    pub fn from(self) -> Timestamp {
        let day = date(self.year, (self.number - 1) * 3 + 1, 1);
        let zoned = day.to_zoned(TimeZone::UTC);
        // Years are four digits, which the calendar holds.
        zoned.map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
    }

    /// The first moment after it.
    pub fn until(self) -> Timestamp {
        self.next().from()
    }

    /// The quarter before.
    #[must_use]
    pub fn before(self) -> Self {
        match self.number {
            1 => Self {
                year: self.year - 1,
                number: 4,
            },
            number => Self {
                year: self.year,
                number: number - 1,
            },
        }
    }

    fn next(self) -> Self {
        match self.number {
            4 => Self {
                year: self.year + 1,
                number: 1,
            },
            number => Self {
                year: self.year,
                number: number + 1,
            },
        }
    }

    /// Whether a moment lies in it.
    pub fn holds(self, at: Timestamp) -> bool {
        self.from() <= at && at < self.until()
    }
}

impl FromStr for Quarter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once(['Q', 'q']);
        let read = parts.and_then(|(year, number)| {
            let (year, number) = (year.parse().ok()?, number.parse().ok()?);
            let known = (2000..=9998).contains(&year) && (1..=4).contains(&number);
            known.then_some(Self { year, number })
        });
        read.ok_or_else(|| "expected a year and a quarter, such as `2026Q4`".to_owned())
    }
}

impl fmt::Display for Quarter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}Q{}", self.year, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_knows_its_ends_and_neighbours() {
        let quarter: Quarter = "2026Q4".parse().unwrap();
        assert_eq!(quarter.from().to_string(), "2026-10-01T00:00:00Z");
        assert_eq!(quarter.until().to_string(), "2027-01-01T00:00:00Z");
        assert_eq!(quarter.before().to_string(), "2026Q3");
        assert_eq!(
            "2026q1".parse::<Quarter>().unwrap().before().to_string(),
            "2025Q4"
        );
        assert!(quarter.holds("2026-12-31T23:59:59Z".parse().unwrap()));
        assert!(!quarter.holds(quarter.until()));
        for wrong in ["2026", "2026Q5", "Q1", "99999Q1", "2026Q0"] {
            assert!(wrong.parse::<Quarter>().is_err(), "{wrong}");
        }
    }
}
