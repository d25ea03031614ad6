//! Backups and restores: to which point in time a backup is restored.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Dur, ScalarError, scalar::as_text};

/// When a backup is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BackupTime {
    /// At this step, which waits until it is complete.
    Now,
}

/// A restore of the newest complete backup, beside the running service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Restore {
    /// The point in time: nothing that was committed after it comes back.
    pub to: Point,
}

/// A point in time that a restore is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// Just before the newest `mistake`.
    BeforeMistake,
    /// So long before the restore begins.
    Ago(Dur),
    /// As far as the log that is kept reaches.
    Latest,
}

const BEFORE_MISTAKE: &str = "before-mistake";
const LATEST: &str = "latest";

/// What stands behind the time of `Point::Ago`.
const AGO: &str = " ago";

impl FromStr for Point {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let text = text.trim();
        match text {
            BEFORE_MISTAKE => return Ok(Self::BeforeMistake),
            LATEST => return Ok(Self::Latest),
            _ => {}
        }
        let time = text.strip_suffix(AGO).and_then(|time| time.parse().ok());
        time.map(Self::Ago).ok_or_else(|| {
            ScalarError("expected `before-mistake`, `latest`, or a time such as `5s ago`".into())
        })
    }
}

as_text!(Point, "Point", {
    "type": "string",
    "description": "A point in time that a backup is restored to.",
    "pattern": "^(before-mistake|latest|([0-9]+(\\.[0-9]+)? *[a-z]+ *)+ ago)$",
    "examples": ["before-mistake", "5s ago", "latest"]
});

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BeforeMistake => f.write_str(BEFORE_MISTAKE),
            Self::Latest => f.write_str(LATEST),
            Self::Ago(time) => write!(f, "{time}{AGO}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_as_they_are_written() {
        for text in ["before-mistake", "5s ago", "2m ago", "500ms ago", "latest"] {
            let point: Point = text.parse().expect("a point");
            assert_eq!(point.to_string(), text);
        }
        for wrong in ["newest", "5s", "ago", "before", "-5s ago", ""] {
            assert!(wrong.parse::<Point>().is_err(), "{wrong}");
        }
    }
}
