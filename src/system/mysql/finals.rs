//! Reads everything that the run wrote, row by row.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, MySqlConnection, Row, mysql::MySqlRow, raw_sql};
use tokio::time::timeout;

use crate::{
    record::Holdings,
    system::{SystemError, mark::Element},
};

use super::{
    client::{listed, version},
    element::Elements,
    sql::{self, Account},
};

/// The longest time for one read; the drill gives it 60 s.
const READ_LIMIT: Duration = Duration::from_secs(55);

/// Reads all rows that one node holds, and its lists if it is the authority.
///
/// # Errors
/// When the server cannot be read.
pub async fn holdings(
    elements: &Elements,
    address: SocketAddr,
    authority: bool,
) -> Result<Holdings, SystemError> {
    let refused =
        |words: String| SystemError::Refused(format!("failed to read {address}: {words}"));
    match timeout(READ_LIMIT, read(elements, address, authority)).await {
        Ok(read) => read.map_err(|error| refused(sql::words(&error))),
        Err(_) => Err(refused(format!("not done within {READ_LIMIT:?}"))),
    }
}

async fn read(elements: &Elements, address: SocketAddr, authority: bool) -> sqlx::Result<Holdings> {
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
    drop(rows);
    let lists = match authority {
        true => Some(lists(elements, &mut connection).await?),
        false => None,
    };
    let total = version(&sql::rows(&mut connection, &elements.total()).await?)?;
    Ok(Holdings {
        alien,
        total: (total > 0).then_some(total),
        lists: lists.filter(|lists| !lists.is_empty()),
        ..Holdings::collect(appends)
    })
}

/// All lists at one moment.
async fn lists(
    elements: &Elements,
    connection: &mut MySqlConnection,
) -> sqlx::Result<BTreeMap<u32, Vec<u64>>> {
    let all = sql::rows(connection, &elements.rows().all_lists()).await?;
    let list = |row: &MySqlRow| {
        let id: i32 = row.try_get("id")?;
        Ok((u32::try_from(id).unwrap_or(u32::MAX), listed(row)?))
    };
    all.iter().map(list).collect()
}
