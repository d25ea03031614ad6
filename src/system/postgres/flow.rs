//! Proves that replication flows: a row written through the clients' endpoint is read from every other server.

use std::{net::SocketAddr, time::Duration};

use futures_util::future::try_join_all;
use sqlx::Row;

use crate::{
    runtime::Runtime,
    system::{
        SystemError,
        roster::{Roster, Seat},
        started::not_ready,
        wait::until,
    },
};

use super::sql;

/// How often is tried to write.
const WRITE_EVERY: Duration = Duration::from_millis(200);

/// How often is looked for the row.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The longest wait for the row to be written, and to be read from another server.
const ROW_LIMIT: Duration = Duration::from_secs(10);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_secs(2);

/// The table of such rows.
pub const TABLE: &str = "CREATE TABLE IF NOT EXISTS drdrill_ready (run text NOT NULL)";

/// Where a row goes in, and among whom it is to be found.
pub struct Flow<'a> {
    /// The machines.
    pub runtime: &'a dyn Runtime,
    /// The servers.
    pub roster: &'a Roster,
    /// Where clients write.
    pub endpoint: SocketAddr,
    /// Who is primary.
    pub primary: &'a Seat,
}

impl Flow<'_> {
    /// Writes a row with this mark, which no other run has, and reads it from everyone but the primary; a line each.
    ///
    /// # Errors
    /// When it cannot be written or does not arrive within ten seconds; with the end of the server's log.
    pub async fn proven(&self, mark: &str) -> Result<Vec<String>, SystemError> {
        let write = format!("{TABLE}; INSERT INTO drdrill_ready VALUES ('{mark}')");
        let question = format!("SELECT count(*) AS rows FROM drdrill_ready WHERE run = '{mark}'");
        let (write, question) = (write.as_str(), question.as_str());
        let written = until(ROW_LIMIT, WRITE_EVERY, || {
            sql::ask(self.endpoint, ASK_LIMIT, write)
        });
        if let Err(reason) = written.await {
            let waited = "a write through the endpoint";
            return Err(not_ready(self.runtime, &self.primary.name, waited, reason).await);
        }
        let data = self.roster.data();
        let others = data.filter(|seat| seat.name != self.primary.name);
        try_join_all(others.map(|seat| self.arrived(seat, question))).await
    }

    async fn arrived(&self, seat: &Seat, question: &str) -> Result<String, SystemError> {
        let arrived = until(ROW_LIMIT, LOOK_EVERY, || row(seat.address, question));
        match arrived.await {
            Ok(()) => Ok(format!(
                "{}: a row written at {} was read here",
                seat.name, self.endpoint
            )),
            Err(reason) => {
                let waited = "a row to be replicated";
                Err(not_ready(self.runtime, &seat.name, waited, reason).await)
            }
        }
    }
}

async fn row(address: SocketAddr, question: &str) -> Result<(), String> {
    let rows = sql::ask(address, ASK_LIMIT, question).await?;
    match rows.first().map(|row| row.try_get::<i64, _>("rows")) {
        Some(Ok(1..)) => Ok(()),
        _ => Err("the row is not there yet".into()),
    }
}

/// Whom a reason that begins with a server's name speaks of; else the first.
///
/// # Errors
/// When there is no server.
pub fn spoken_of(roster: &Roster, reason: &str) -> Result<Seat, SystemError> {
    let mut data = roster.data();
    let named = data.find(|seat| reason.starts_with(seat.name.as_str()));
    let seat = named.or_else(|| roster.data().next()).cloned();
    seat.ok_or_else(|| SystemError::Refused("there is no data node".into()))
}
