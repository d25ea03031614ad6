//! Reads everything that the run wrote, row by row.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgRow, raw_sql};
use tokio::time::timeout;

use crate::{
    record::Holdings,
    system::{SystemError, mark::Element},
};

use super::{
    client::{listed, version},
    element::Elements,
    sql,
};

/// The longest time for one read; the drill gives it 60 s.
const READ_LIMIT: Duration = Duration::from_secs(55);

/// Whom a read asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Whoever is behind the clients' endpoint; it must be primary.
    Endpoint(SocketAddr),
    /// One node, whatever it is.
    Node(SocketAddr),
}

/// Reads all rows.
///
/// # Errors
/// When the server cannot be read, or the endpoint leads to a replica.
pub async fn holdings(elements: &Elements, reader: Reader) -> Result<Holdings, SystemError> {
    let (Reader::Endpoint(address) | Reader::Node(address)) = reader;
    let refused =
        |words: String| SystemError::Refused(format!("failed to read {address}: {words}"));
    match timeout(READ_LIMIT, read(elements, reader, address)).await {
        Ok(Ok(Ok(holdings))) => Ok(holdings),
        Ok(Ok(Err(words))) => Err(refused(words.into())),
        Ok(Err(error)) => Err(refused(error.to_string())),
        Err(_) => Err(refused(format!("not done within {READ_LIMIT:?}"))),
    }
}

async fn read(
    elements: &Elements,
    reader: Reader,
    address: SocketAddr,
) -> sqlx::Result<Result<Holdings, &'static str>> {
    let mut connection = sql::connect(address, sql::PROBE).await?;
    if matches!(reader, Reader::Endpoint(_)) {
        let rows = sql::rows(&mut connection, "SELECT pg_is_in_recovery() AS follower").await?;
        let follower: bool = rows
            .first()
            .ok_or(sqlx::Error::RowNotFound)?
            .try_get("follower")?;
        if follower {
            return Ok(Err("the endpoint leads to a replica"));
        }
    }
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
    drop(rows);
    let lists = match reader {
        Reader::Endpoint(_) => Some(lists(elements, &mut connection).await?),
        Reader::Node(_) => None,
    };
    let total = version(&sql::rows(&mut connection, &elements.total()).await?)?;
    Ok(Ok(Holdings {
        alien,
        total: (total > 0).then_some(total),
        lists: lists.filter(|lists| !lists.is_empty()),
        ..Holdings::collect(appends)
    }))
}

/// All lists at one moment.
async fn lists(
    elements: &Elements,
    connection: &mut PgConnection,
) -> sqlx::Result<BTreeMap<u32, Vec<u64>>> {
    let all = sql::rows(connection, &elements.rows().all_lists()).await?;
    let list = |row: &PgRow| {
        let id: i32 = row.try_get("id")?;
        Ok((u32::try_from(id).unwrap_or(u32::MAX), listed(row)?))
    };
    all.iter().map(list).collect()
}
