//! Routes to the source of replication: how they ask a server, and how one learns who answers behind one.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use sqlx::MySqlConnection;
use tokio::time::timeout;

use crate::{
    id::NodeName,
    system::{
        roster::{Roster, Seat},
        route::Check,
    },
};

use super::{
    members::text,
    shape::is_of,
    sql::{self, Account, PORT},
};

/// The longest wait for an answer.
const ASK_LIMIT: Duration = Duration::from_millis(200);

/// Asks a server who it is, and whether it takes writes.
const WHO: &str = "SELECT @@server_id AS server, @@global.read_only AS closed";

/// How routes ask a server whether it takes writes.
pub const CHECK: Check = Check {
    script: r#"#!/bin/bash
ask() { mariadb --no-defaults --skip-ssl -h 127.0.0.1 -u drdrill --connect-timeout 1 -NB -e 'SELECT @@global.read_only' 2>/dev/null; }
[ "$(ask)" = 0 ]
"#,
    dialogue: None,
    port: PORT,
};

/// The member behind a session, and whether it takes writes.
pub async fn member<'a>(
    connection: &mut MySqlConnection,
    roster: &'a Roster,
) -> sqlx::Result<(Option<&'a Seat>, bool)> {
    let rows = sql::rows(connection, WHO).await?;
    let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let server = text(row, "server")?.parse().ok();
    let seat = server.and_then(|server| roster.data().find(|seat| is_of(server, seat)));
    Ok((seat, text(row, "closed")? == "0"))
}

/// The member that answers at an address and takes writes; none where nobody answers, or one that takes none.
pub async fn who(address: SocketAddr, roster: Arc<Roster>) -> Option<NodeName> {
    let roster = &*roster;
    let asked = async {
        let mut connection = sql::connect(address, Account::Operator).await.ok()?;
        member(&mut connection, roster).await.ok()
    };
    let (seat, open) = timeout(ASK_LIMIT, asked).await.ok()??;
    seat.filter(|_| open).map(|seat| seat.name.clone())
}
