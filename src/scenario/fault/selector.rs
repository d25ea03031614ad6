//! The selectors that choose a fault's victims.

use std::{fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::scenario::scalar::ScalarError;

/// Chooses nodes by role.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Selector {
    /// The node that is primary when the step starts.
    Primary,
    /// The nth replica (from 0) when the step starts; without index all replicas.
    Replica(Option<usize>),
    /// The node whose controller is the active one when the step starts, or the primary of config servers, where there are any.
    Controller,
    /// The node that coordinates the consumer group when the step starts, where there is one.
    Coordinator,
    /// Every member that holds data.
    All,
    /// The node that was primary when the drill's first fault struck.
    OldPrimary,
    /// In a sharded stack: the primary of that shard (from 1) when the step starts.
    PrimaryOf(u16),
    /// In a sharded stack: all replicas of that shard when the step starts.
    ReplicasOf(u16),
    /// In a sharded stack: every member of that shard.
    Shard(u16),
    /// In a sharded stack: primaries when the step starts, of the first shards in order.
    Primaries(Part),
    /// The nodes of a region, as `stack` names them.
    Region(String),
    /// One node by name.
    Named(String),
}

/// How many of a sharded stack's primaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// As many as can be lost while the others are more than half of all.
    Minority,
    /// The fewest that are more than half of all.
    Majority,
    /// All of them.
    All,
}

impl Part {
    /// How many of `all` primaries these are.
    pub fn of(self, all: usize) -> usize {
        match self {
            Self::Minority => all.saturating_sub(1) / 2,
            Self::Majority => all / 2 + 1,
            Self::All => all,
        }
    }
}

/// A region's name: lower-case letters, digits and dashes.
///
/// # Errors
/// When it is none.
pub fn region_name(text: &str) -> Result<String, ScalarError> {
    let text = text.trim();
    let fits = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.len() <= 32
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    fits.then(|| text.to_owned()).ok_or_else(|| {
        ScalarError("expected a region's name of lower-case letters, digits and dashes, such as `a` or `eu-west`".into())
    })
}

/// `primary of shard 1`, `replicas of shard 1`, `shard 1`.
fn of_shard(text: &str) -> Option<Selector> {
    let (role, number) = match text.split_once(" of shard ") {
        Some((role, number)) => (Some(role), number),
        None => (None, text.strip_prefix("shard ")?),
    };
    let number = number.trim().parse().ok().filter(|number| *number > 0)?;
    match role {
        None => Some(Selector::Shard(number)),
        Some("primary") => Some(Selector::PrimaryOf(number)),
        Some("replicas") => Some(Selector::ReplicasOf(number)),
        Some(_) => None,
    }
}

impl FromStr for Selector {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let text = text.trim();
        Ok(match text {
            "primary" => Self::Primary,
            "replica" => Self::Replica(Some(0)),
            "replicas" => Self::Replica(None),
            "all" => Self::All,
            "controller" => Self::Controller,
            "coordinator" => Self::Coordinator,
            "old-primary" => Self::OldPrimary,
            "primaries" => Self::Primaries(Part::All),
            "minority of primaries" => Self::Primaries(Part::Minority),
            "majority of primaries" => Self::Primaries(Part::Majority),
            _ => {
                if let Some(part) = of_shard(text) {
                    return Ok(part);
                }
                if let Some(region) = text.strip_prefix("region ") {
                    return region_name(region).map(Self::Region);
                }
                if let Some(index) = text
                    .strip_prefix("replica[")
                    .and_then(|t| t.strip_suffix(']'))
                {
                    let index = index.parse().map_err(|_| {
                        ScalarError(
                            "expected a number between the brackets, such as `replica[0]`".into(),
                        )
                    })?;
                    return Ok(Self::Replica(Some(index)));
                }
                let named = text.starts_with(|c: char| c.is_ascii_lowercase())
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
                if !named {
                    return Err(ScalarError(
                        "expected `primary`, `replica`, `replica[0]`, `replicas`, `old-primary`, `controller`, `coordinator`, `all`, `region a` or a node's name; of shards `primary of shard 1`, `replicas of shard 1`, `shard 1`, `primaries`, `minority of primaries` or `majority of primaries`".into(),
                    ));
                }
                Self::Named(text.to_owned())
            }
        })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Primary => f.write_str("primary"),
            Self::Replica(None) => f.write_str("replicas"),
            Self::Replica(Some(index)) => write!(f, "replica[{index}]"),
            Self::All => f.write_str("all"),
            Self::Controller => f.write_str("controller"),
            Self::Coordinator => f.write_str("coordinator"),
            Self::OldPrimary => f.write_str("old-primary"),
            Self::PrimaryOf(shard) => write!(f, "primary of shard {shard}"),
            Self::ReplicasOf(shard) => write!(f, "replicas of shard {shard}"),
            Self::Shard(shard) => write!(f, "shard {shard}"),
            Self::Primaries(Part::Minority) => f.write_str("minority of primaries"),
            Self::Primaries(Part::Majority) => f.write_str("majority of primaries"),
            Self::Primaries(Part::All) => f.write_str("primaries"),
            Self::Region(name) => write!(f, "region {name}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

impl Serialize for Selector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl JsonSchema for Selector {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Selector".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["primary", "replica", "replica[0]", "replicas", "old-primary", "controller", "coordinator", "all", "primary of shard 1", "majority of primaries", "region a"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_print_as_they_are_read() {
        for text in [
            "primary",
            "replica[1]",
            "replicas",
            "all",
            "old-primary",
            "controller",
            "coordinator",
            "pg2",
            "primary of shard 2",
            "replicas of shard 1",
            "shard 3",
            "primaries",
            "minority of primaries",
            "majority of primaries",
            "region eu-west-1",
        ] {
            assert_eq!(
                text.parse::<Selector>().map(|s| s.to_string()),
                Ok(text.to_owned())
            );
        }
        assert!("replica[x]".parse::<Selector>().is_err());
        assert!("Primary!".parse::<Selector>().is_err());
        assert!("primary of shard 0".parse::<Selector>().is_err());
        assert!("region A".parse::<Selector>().is_err());
        assert!("leader of shard 1".parse::<Selector>().is_err());
    }

    #[test]
    fn a_minority_leaves_more_than_half_and_a_majority_is_more_than_half() {
        let of = |part: Part| [3, 4, 5].map(|all| part.of(all));
        assert_eq!(of(Part::Minority), [1, 1, 2]);
        assert_eq!(of(Part::Majority), [2, 3, 3]);
        assert_eq!(of(Part::All), [3, 4, 5]);
    }
}
