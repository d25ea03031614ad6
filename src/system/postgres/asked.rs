//! Routes to the primary: how they ask a server, and how one learns who answers behind one.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use sqlx::Row;

use crate::{
    id::NodeName,
    system::{roster::Roster, route::Check},
};

use super::sql::{self, PORT};

/// The longest wait for an answer.
const ASK_LIMIT: Duration = Duration::from_millis(200);

/// Asks a server for its name, which the start script gives it, and whether it follows another.
const WHO: &str = "SELECT current_setting('cluster_name') AS name, pg_is_in_recovery() AS follower";

/// How routes ask a server whether it is primary: one that recovers is none.
pub const CHECK: Check = Check {
    script: r#"#!/bin/bash
export PGPASSWORD=drdrill PGCONNECT_TIMEOUT=2
[ "$(psql -h 127.0.0.1 -U postgres -d postgres -qAtXc 'SELECT pg_is_in_recovery()' 2>/dev/null)" = f ]
"#,
    dialogue: None,
    port: PORT,
};

/// The primary that answers at an address; none where nobody answers, or one that is none.
pub async fn who(address: SocketAddr, roster: Arc<Roster>) -> Option<NodeName> {
    let rows = sql::ask(address, ASK_LIMIT, WHO).await.ok()?;
    let row = rows.first()?;
    let name: String = row.try_get("name").ok()?;
    let follower: bool = row.try_get("follower").ok()?;
    let seat = roster.named(&NodeName::new(name)).ok()?;
    (!follower).then(|| seat.name.clone())
}
