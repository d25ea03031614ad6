//! Scalars with units: durations, rates, percentages, and goals that may be `any`.

use std::{fmt, str::FromStr, time::Duration};

/// Why a scalar could not be read; continues "failed to read `...`: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScalarError(pub String);

/// A duration with its unit: `200ms`, `5s`, `2m`, `1h 30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Dur(pub Duration);

impl FromStr for Dur {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let wrong = || {
            ScalarError("expected a duration with a unit, such as `500ms`, `10s` or `2m`".into())
        };
        let signed: jiff::SignedDuration = text.trim().parse().map_err(|_| wrong())?;
        Duration::try_from(signed).map(Self).map_err(|_| wrong())
    }
}

impl fmt::Display for Dur {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns = self.0.as_nanos();
        let (secs, mins) = (self.0.as_secs(), self.0.as_secs() / 60);
        if ns.is_multiple_of(3_600_000_000_000) && ns > 0 {
            return write!(f, "{}h", mins / 60);
        }
        if ns.is_multiple_of(1_000_000_000) && secs >= 60 && secs.is_multiple_of(60) {
            write!(f, "{mins}m")
        } else if ns.is_multiple_of(1_000_000_000) {
            write!(f, "{secs}s")
        } else if ns.is_multiple_of(1_000_000) {
            write!(f, "{}ms", ns / 1_000_000)
        } else {
            write!(f, "{ns}ns")
        }
    }
}

/// Operations per second of a whole group: `100/s`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rate(pub f64);

impl FromStr for Rate {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let wrong = || ScalarError("expected a rate such as `100/s`".into());
        let number = text.trim().strip_suffix("/s").ok_or_else(wrong)?;
        let rate: f64 = number.trim().parse().map_err(|_| wrong())?;
        (rate.is_finite() && rate > 0.0)
            .then_some(Self(rate))
            .ok_or_else(wrong)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

/// Bits a second: `8Mbit/s`, `500kbit/s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BitRate(pub u64);

impl BitRate {
    const UNITS: [(&'static str, u64); 3] = [
        ("Gbit/s", 1_000_000_000),
        ("Mbit/s", 1_000_000),
        ("kbit/s", 1_000),
    ];
}

impl FromStr for BitRate {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let wrong =
            || ScalarError("expected bits a second, such as `8Mbit/s` or `500kbit/s`".into());
        times(text, &Self::UNITS).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for BitRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        in_units(self.0, &Self::UNITS, f)
    }
}

/// Bytes: `64MiB`, `1GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl Size {
    const UNITS: [(&'static str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
}

impl FromStr for Size {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let wrong = || ScalarError("expected bytes, such as `64MiB` or `1GiB`".into());
        times(text, &Self::UNITS).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        in_units(self.0, &Self::UNITS, f)
    }
}

/// A whole number with one of these units.
fn times(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let mut units = units.iter();
    let (number, times) =
        units.find_map(|(unit, times)| Some((text.strip_suffix(unit)?, times)))?;
    number.trim().parse::<u64>().ok()?.checked_mul(*times)
}

/// A number in the first of these units in which it is whole, else in the last.
fn in_units(number: u64, units: &[(&str, u64)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let whole = |(_, times): &&(&str, u64)| number > 0 && number.is_multiple_of(*times);
    match units.iter().find(whole).or(units.last()) {
        Some((unit, times)) => write!(f, "{}{unit}", number / times),
        None => write!(f, "{number}"),
    }
}

/// A percentage: `99.9%`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Percent(pub f64);

impl FromStr for Percent {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let wrong = || ScalarError("expected a percentage from 0 to 100 such as `99.9%`".into());
        let number = text.trim().strip_suffix('%').ok_or_else(wrong)?;
        let percent: f64 = number.trim().parse().map_err(|_| wrong())?;
        (0.0..=100.0)
            .contains(&percent)
            .then_some(Self(percent))
            .ok_or_else(wrong)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

/// A target's limit, or `any`: measured and reported, not judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal<T> {
    /// Measured, not judged.
    Any,
    /// The measured value must be at most this (at least, for availability).
    Limit(T),
}

impl<T> Goal<T> {
    /// The limit, if there is one.
    pub fn limit(self) -> Option<T> {
        match self {
            Self::Any => None,
            Self::Limit(limit) => Some(limit),
        }
    }
}

impl<T: FromStr> FromStr for Goal<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        if text.trim() == "any" {
            Ok(Self::Any)
        } else {
            text.parse().map(Self::Limit)
        }
    }
}

impl<T: fmt::Display> fmt::Display for Goal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Limit(limit) => limit.fmt(f),
        }
    }
}

/// Serialises a scalar as the text that a scenario file holds.
macro_rules! as_text {
    ($type:ty, $name:literal, $schema:tt) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}

pub(super) use as_text;

as_text!(BitRate, "BitRate", {
    "type": "string",
    "pattern": "^[0-9]+ *(k|M|G)bit/s$",
    "examples": ["8Mbit/s"]
});
as_text!(Size, "Size", {
    "type": "string",
    "pattern": "^[0-9]+ *(K|M|G)iB$",
    "examples": ["64MiB"]
});
as_text!(Dur, "Duration", {
    "type": "string",
    "description": "A duration with its unit.",
    "pattern": "^([0-9]+(\\.[0-9]+)? *[a-z]+ *)+$",
    "examples": ["500ms", "10s", "2m"]
});
as_text!(Rate, "Rate", {
    "type": "string",
    "description": "Operations per second of the whole group.",
    "pattern": "^[0-9]+(\\.[0-9]+)? */s$",
    "examples": ["100/s"]
});
as_text!(Percent, "Percentage", {
    "type": "string",
    "pattern": "^[0-9]+(\\.[0-9]+)? *%$",
    "examples": ["99.9%"]
});
as_text!(Goal<Dur>, "DurationGoal", {
    "type": "string",
    "description": "A duration with its unit, or `any`: measured, not judged.",
    "pattern": "^(any|([0-9]+(\\.[0-9]+)? *[a-z]+ *)+)$",
    "examples": ["30s", "any"]
});
as_text!(Goal<Percent>, "PercentageGoal", {
    "type": "string",
    "description": "A percentage, or `any`: measured, not judged.",
    "pattern": "^(any|[0-9]+(\\.[0-9]+)? *%)$",
    "examples": ["99.9%", "any"]
});
as_text!(Goal<u64>, "CountGoal", {
    "type": ["integer", "string"],
    "description": "A whole number, or `any`: measured, not judged.",
    "minimum": 0,
    "pattern": "^(any|[0-9]+)$",
    "examples": [0, "any"]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        assert_eq!("500ms".parse(), Ok(Dur(Duration::from_millis(500))));
        assert_eq!("1m 30s".parse(), Ok(Dur(Duration::from_secs(90))));
        assert!("10".parse::<Dur>().is_err());
        assert!("-5s".parse::<Dur>().is_err());
    }

    #[test]
    fn scalars_print_as_they_are_read() {
        for text in ["500ms", "10s", "2m", "90s", "24h", "0s"] {
            let dur: Dur = text.parse().expect("a duration");
            assert_eq!(dur.to_string().parse(), Ok(dur), "{text}");
        }
        for text in ["64MiB", "1536KiB", "1GiB"] {
            assert_eq!(
                text.parse::<Size>().map(|size| size.to_string()),
                Ok(text.to_owned())
            );
        }
        assert!("64".parse::<Size>().is_err() && "64MB".parse::<Size>().is_err());
        for text in ["8Mbit/s", "1500kbit/s", "1Gbit/s"] {
            assert_eq!(
                text.parse::<BitRate>().map(|r| r.to_string()),
                Ok(text.to_owned())
            );
        }
        assert!("8MB/s".parse::<BitRate>().is_err());
        assert_eq!(
            "any".parse::<Goal<Dur>>().map(|g| g.to_string()),
            Ok("any".into())
        );
        assert_eq!(
            "100/s".parse::<Rate>().map(|r| r.to_string()),
            Ok("100/s".into())
        );
        assert_eq!(
            "99.95%".parse::<Percent>().map(|p| p.to_string()),
            Ok("99.95%".into())
        );
    }
}
