//! Ends sessions that a client gave up while they waited for a synchronous replica.
//!
//! PostgreSQL does not look whether the client is still there while a commit waits (`SyncRepWaitForLSN` checks
//! for termination only), so each write that times out would hold a connection until a replica returns, and the
//! probes themselves would use up `max_connections`.

use std::{net::SocketAddr, time::Duration};

use sqlx::PgConnection;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::system::Observer;

use super::sql;

/// The name under which service clients show in the server's views.
pub const CLIENT: &str = "drdrill-client";

/// How often they are looked for.
const EVERY: Duration = Duration::from_millis(250);

/// How much longer than its own timeout a client's session is left alone.
const GRACE: Duration = Duration::from_millis(250);

/// The longest wait for the server.
const LIMIT: Duration = Duration::from_millis(500);

/// Looks at one server until told to stop. `given_up_after` is the clients' longest timeout. What a client has
/// given up is `info` already, and ending its session leaves the transaction as it is: committed here.
pub fn end_abandoned(
    address: SocketAddr,
    given_up_after: Duration,
    stop: CancellationToken,
) -> Observer {
    let age = (given_up_after + GRACE).as_millis();
    let statement = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_get_activity(NULL) \
         WHERE current_setting('synchronous_standby_names') <> '' \
         AND application_name = '{CLIENT}' AND wait_event = 'SyncRep' \
         AND query_start < clock_timestamp() - interval '{age} milliseconds'"
    );
    tokio::spawn(async move {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut held = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let look = timeout(LIMIT, ask(held.take(), address, &statement));
            held = tokio::select! {
                () = stop.cancelled() => return,
                looked = look => looked.ok().and_then(Result::ok),
            };
        }
    })
}

async fn ask(
    held: Option<PgConnection>,
    address: SocketAddr,
    statement: &str,
) -> sqlx::Result<PgConnection> {
    let mut connection = match held {
        Some(connection) => connection,
        None => sql::connect(address, sql::PROBE).await?,
    };
    sql::rows_again(&mut connection, statement).await?;
    Ok(connection)
}
