//! Group Replication and Galera: founding, joining, moving, and recovery after the majority is lost.

use std::time::Duration;

use futures_util::future::try_join_all;

use crate::{
    id::NodeName,
    system::{SystemError, roster::Seat, wait::until},
};

use super::{
    kind::Kind,
    members::text,
    moves::refused,
    rejoin::in_use,
    running::MySqlStack,
    shape::group_address,
    sql::{self, Account},
    status::Status,
};

/// The longest wait for a member to join; it fetches what it misses afterwards.
const JOIN_LIMIT: Duration = Duration::from_secs(60);

/// The longest wait for a move or a recovery to show.
const MOVE_LIMIT: Duration = Duration::from_secs(30);

/// How long forcing a group's members may take: it was seen to come into force 52 s after the statement.
const FORCE_LIMIT: Duration = Duration::from_secs(120);

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl MySqlStack {
    /// Begins a group with one member, and lets the others join.
    pub(super) async fn found_group(
        &self,
        first: &Seat,
        others: &[Seat],
    ) -> Result<(), SystemError> {
        let found = [
            recovery(),
            "SET GLOBAL group_replication_bootstrap_group = ON".into(),
            "START GROUP_REPLICATION".into(),
            "SET GLOBAL group_replication_bootstrap_group = OFF".into(),
        ];
        self.tell(first, &found).await?;
        try_join_all(others.iter().map(|seat| self.join(seat))).await?;
        Ok(())
    }

    /// Lets a started node join the group.
    pub(super) async fn join(&self, seat: &Seat) -> Result<(), SystemError> {
        let recovery = recovery();
        let statements = [recovery.as_str(), "START GROUP_REPLICATION"];
        // Refused as long as the group still counts the node's former self among its members.
        let joined = until(JOIN_LIMIT, LOOK_EVERY * 10, || {
            sql::act(seat.address, JOIN_LIMIT, &statements)
        });
        let late = |words| refused(format!("`{}` could not join its group: {words}", seat.name));
        joined.await.map_err(late)
    }

    /// Makes the members that a node still reaches, here only itself, a group again. What the lost members alone had is
    /// lost.
    pub(super) async fn force_members(&self, seat: &Seat) -> Result<(), SystemError> {
        let force = format!(
            "SET GLOBAL group_replication_force_members = '{}'",
            group_address(seat)
        );
        let forget = "SET GLOBAL group_replication_force_members = ''";
        let statements = [force.as_str(), forget];
        let failed = |words: String| refused(format!("`{}`: {words}", seat.name));
        // Refused until the group's own detector has given the others up.
        let forced = until(FORCE_LIMIT, LOOK_EVERY * 10, || {
            sql::act(seat.address, FORCE_LIMIT, &statements)
        });
        forced.await.map_err(failed)?;
        let writable = until(MOVE_LIMIT, LOOK_EVERY, || self.takes_writes(seat));
        writable.await.map_err(failed)
    }

    async fn takes_writes(&self, seat: &Seat) -> Result<(), String> {
        let status = Status::ask(seat.address, self.shape.kind).await?;
        match status.writable() {
            true => Ok(()),
            false => Err(format!(
                "it does not take writes: {}",
                status
                    .group
                    .map(|group| group.words(self.roster()))
                    .unwrap_or_default()
            )),
        }
    }

    /// Moves the writes to another member; in Galera that is the clients' choice, in a group the group's.
    pub(super) async fn move_in_group(
        &self,
        to: Option<&NodeName>,
    ) -> Result<NodeName, SystemError> {
        let said = self.statuses().await;
        let lead = *self.directory.lead.borrow();
        let from = in_use(&said, self.shape.kind, lead)?.0.clone();
        let fits = said.iter().find(|(seat, status)| {
            let wanted = to.map_or(seat.name != from.name, |to| seat.name == *to);
            wanted && status.is_ok()
        });
        let none = || refused("no other member answers".into());
        let seat = fits.ok_or_else(none)?.0.clone();
        if self.shape.kind == Kind::Group && seat.name != from.name {
            let question = "SELECT @@server_uuid AS uuid";
            let rows = sql::ask(seat.address, MOVE_LIMIT, question).await;
            let rows = rows.map_err(refused)?;
            let row = rows.first().ok_or_else(none)?;
            let uuid = text(row, "uuid").map_err(|error| refused(error.to_string()))?;
            let ask = format!("SELECT group_replication_set_as_primary('{uuid}') AS said");
            let moved = sql::ask(from.address, MOVE_LIMIT, &ask).await;
            moved.map_err(refused)?;
        }
        let late = |words| refused(format!("`{}` did not take over: {words}", seat.name));
        let writable = until(MOVE_LIMIT, LOOK_EVERY, || self.takes_writes(&seat));
        writable.await.map_err(late)?;
        self.lead_clients_to(&seat).await?;
        Ok(seat.name)
    }
}

/// By which account a member fetches what it misses.
fn recovery() -> String {
    format!(
        "CHANGE REPLICATION SOURCE TO SOURCE_USER='{}', SOURCE_PASSWORD='' FOR CHANNEL 'group_replication_recovery'",
        Account::Operator.name()
    )
}
