//! Reads everything that the run wrote, row by row.

use std::{net::SocketAddr, time::Duration};

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, raw_sql};
use tokio::time::timeout;

use crate::{
    record::Holdings,
    system::{SystemError, mark::Element},
};

use super::{
    element::Elements,
    sql::{self, Account},
};

/// The longest time for one read; the drill gives it 60 s.
const READ_LIMIT: Duration = Duration::from_secs(55);

/// Reads all rows that one node holds.
///
/// # Errors
/// When the server cannot be read.
pub async fn holdings(elements: &Elements, address: SocketAddr) -> Result<Holdings, SystemError> {
    let refused =
        |words: String| SystemError::Refused(format!("failed to read {address}: {words}"));
    match timeout(READ_LIMIT, read(elements, address)).await {
        Ok(read) => read.map_err(|error| refused(sql::words(&error))),
        Err(_) => Err(refused(format!("not done within {READ_LIMIT:?}"))),
    }
}

async fn read(elements: &Elements, address: SocketAddr) -> sqlx::Result<Holdings> {
    let mut connection = sql::connect(address, Account::Operator).await?;
    let mut appends = Vec::new();
    let mut alien = 0;
    let all = elements.all();
    let mut rows = raw_sql(AssertSqlSafe(all.as_str())).fetch(&mut connection);
    while let Some(row) = rows.try_next().await? {
        match elements.read(&row)? {
            Element::Append(lane, seq, sound) => appends.push((lane, seq, sound)),
            Element::Alien => alien += 1,
        }
    }
    Ok(Holdings {
        alien,
        ..Holdings::collect(appends)
    })
}
