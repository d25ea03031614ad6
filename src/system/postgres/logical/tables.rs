//! Tables on every server of a stack: logical replication carries rows, not definitions.

use std::time::Duration;

use futures_util::future::try_join_all;

use crate::system::{SystemError, postgres::sql, roster::Seat, wait::until};

use super::{SUBSCRIPTION, health::sole_primary, running::LogicalStack, status::Status};

/// The longest wait for one server to make the tables.
const MAKE_LIMIT: Duration = Duration::from_secs(10);

/// The longest wait for a new table to be subscribed to; a worker that looks once a second starts one that copies it.
const COPY_LIMIT: Duration = Duration::from_secs(30);

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Makes tables on every server, and waits until those who subscribe have them in their subscription.
///
/// # Errors
/// When a server does not make them, or they are not subscribed to in time.
pub async fn make(stack: &LogicalStack, statements: &str) -> Result<(), SystemError> {
    let said = stack.statuses().await;
    let primary = sole_primary(&said)?.0;
    let failed = |seat: &Seat, words: String| {
        SystemError::Refused(format!("`{}` did not make a table: {words}", seat.name))
    };
    // A table that the primary does not have cannot be subscribed to, and one that the subscriber does not have stops it.
    let subscribers = || stack.roster.data().filter(|seat| seat.name != primary.name);
    for seat in subscribers().chain([primary]) {
        let made = sql::ask(seat.address, MAKE_LIMIT, statements).await;
        made.map_err(|words| failed(seat, words))?;
    }
    let renewed = subscribers().map(|seat| async move {
        let renew = format!("ALTER SUBSCRIPTION {SUBSCRIPTION} REFRESH PUBLICATION");
        let asked = sql::ask(seat.address, MAKE_LIMIT, &renew).await;
        asked.map_err(|words| failed(seat, words))?;
        let copied = until(COPY_LIMIT, LOOK_EVERY, || async {
            match Status::ask(seat).await?.copying {
                0 => Ok(()),
                left => Err(format!("{left} tables are still copied")),
            }
        });
        copied.await.map_err(|words| failed(seat, words))
    });
    try_join_all(renewed).await.map(drop)
}
