//! One replica set of a stack: its members, and who of them leads.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::future::join_all;

use crate::{
    id::NodeName,
    system::{
        SystemError,
        roster::{Seat, sole},
    },
};

use super::{
    directory::Directory,
    status::{Status, status},
};

/// The longest wait for one member's view.
const ASK_LIMIT: Duration = Duration::from_millis(500);

/// The longest wait for a primary before a final read.
const FIND_LIMIT: Duration = Duration::from_secs(5);

/// The members of a set, in their fixed order.
#[derive(Debug)]
pub struct ReplicaSet {
    /// Its name.
    pub name: String,
    /// Its members.
    pub seats: Vec<Seat>,
    /// How its primary is found.
    pub directory: Directory,
}

impl ReplicaSet {
    /// A set of these members, none of which has been asked anything.
    pub fn new(name: impl Into<String>, seats: Vec<Seat>) -> Self {
        Self {
            name: name.into(),
            directory: Directory::new(seats.iter().map(|seat| seat.address).collect()),
            seats,
        }
    }

    /// The first member, which initiates the set.
    ///
    /// # Errors
    /// When there is none.
    pub fn first(&self) -> Result<&Seat, SystemError> {
        let none = || SystemError::Refused(format!("`{}` has no members", self.name));
        self.seats.first().ok_or_else(none)
    }

    /// The views of all members, asked at the same time.
    pub async fn statuses(&self) -> Vec<(&Seat, Option<Status>)> {
        let asked = self
            .seats
            .iter()
            .map(|seat| async move { (seat, status(seat.address, ASK_LIMIT).await) });
        join_all(asked).await
    }

    /// The member that says it is primary.
    ///
    /// # Errors
    /// When none says so, or more than one.
    pub async fn primary(&self) -> Result<NodeName, SystemError> {
        let statuses = self.statuses().await;
        let primaries = statuses
            .iter()
            .filter(|(_, status)| status.as_ref().is_some_and(Status::is_primary));
        sole(primaries.map(|(seat, _)| &seat.name))
    }

    /// Where the latest primary is, waited for.
    ///
    /// # Errors
    /// When no member says that it is.
    pub async fn authority(&self) -> Result<SocketAddr, SystemError> {
        let found = self.directory.primary(Instant::now() + FIND_LIMIT).await;
        let none = || SystemError::Refused("no member says that it is primary".into());
        found.ok_or_else(none)
    }
}
