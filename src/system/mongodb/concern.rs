//! What a client waits for before a write counts as acknowledged, and what its reads may return.

use std::time::Duration;

use mongodb::{
    bson::{Document, doc},
    options,
};

use crate::system::{SystemError, settings::Values};

/// The concerns of the workload's writes and reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concern {
    /// Whether a majority must have a write before it is acknowledged; else the primary alone.
    pub majority: bool,
    /// After which the server answers that a majority has not confirmed yet; none waits as long as the client does.
    pub wtimeout: Option<Duration>,
    /// Whether reads return only what a majority has.
    pub reads_majority: bool,
    /// Whether the application's driver sends a write again by itself, once.
    pub retry_writes: bool,
}

impl Concern {
    /// Reads a design's settings.
    ///
    /// # Errors
    /// When a value cannot be read; the scenario's check refuses such a file before.
    pub fn of(values: Values<'_>) -> Result<Self, SystemError> {
        let wtimeout = values.duration("wtimeout")?;
        Ok(Self {
            majority: values.word("write-concern") == "majority",
            wtimeout: Some(wtimeout).filter(|limit| !limit.is_zero()),
            reads_majority: values.word("read-concern") == "majority",
            retry_writes: values.flag("retry-writes"),
        })
    }

    /// The write concern as a command carries it.
    pub fn write(&self) -> Document {
        let mut concern = if self.majority {
            doc! { "w": "majority" }
        } else {
            doc! { "w": 1 }
        };
        if let Some(limit) = self.wtimeout {
            concern.insert(
                "wtimeout",
                i64::try_from(limit.as_millis()).unwrap_or(i64::MAX),
            );
        }
        concern
    }

    /// The read concern as a command carries it.
    pub fn read(&self) -> Document {
        doc! { "level": if self.reads_majority { "majority" } else { "local" } }
    }

    /// The write concern as the driver takes it.
    pub fn driver_write(&self) -> options::WriteConcern {
        let w = if self.majority {
            options::Acknowledgment::Majority
        } else {
            options::Acknowledgment::Nodes(1)
        };
        options::WriteConcern::builder()
            .w(w)
            .w_timeout(self.wtimeout)
            .build()
    }

    /// The read concern as the driver takes it.
    pub fn driver_read(&self) -> options::ReadConcern {
        if self.reads_majority {
            options::ReadConcern::majority()
        } else {
            options::ReadConcern::local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_concern_is_sent_as_it_was_set() {
        let one = Concern {
            majority: false,
            wtimeout: None,
            reads_majority: false,
            retry_writes: true,
        };
        assert_eq!(one.write(), doc! { "w": 1 });
        let majority = Concern {
            majority: true,
            wtimeout: Some(Duration::from_millis(300)),
            ..one
        };
        assert_eq!(
            majority.write(),
            doc! { "w": "majority", "wtimeout": 300_i64 }
        );
    }
}
