//! What a lane that showed no outage of an event leaves open.

use std::time::Duration;

use crate::id::LaneId;

/// What a lane that showed no outage leaves open.
#[derive(Debug, Clone, PartialEq)]
pub struct Undetected {
    /// The lane.
    pub lane: LaneId,
    /// What is left open.
    pub extent: Extent,
}

/// How much of an outage may have gone unseen.
#[derive(Debug, Clone, PartialEq)]
pub enum Extent {
    /// One of up to this length.
    UpTo(Duration),
    /// Nothing can be told.
    NotMeasured(NotMeasured),
}

/// Why nothing can be told of a lane.
#[derive(Debug, Clone, PartialEq)]
pub struct NotMeasured {
    /// Why.
    pub why: String,
    /// The place of the other event whose outage or begin hides it, if that is why.
    pub other: Option<usize>,
}
