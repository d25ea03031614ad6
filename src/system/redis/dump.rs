//! Reading everything of a run that one node holds.

use std::{net::SocketAddr, time::Duration};

use redis::{RedisError, aio::MultiplexedConnection};

use crate::{id::LaneId, record::Holdings, system::SystemError};

use super::{
    element::Keys,
    link::{Login, command},
};

/// The longest wait for a final read to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// The longest wait for a final read; a drill writes some ten thousand elements.
const READ_LIMIT: Duration = Duration::from_secs(60);

/// How many elements a final read fetches at a time.
const CHUNK: usize = 5_000;

/// How a node is asked for what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// As any node is.
    Plainly,
    /// As a member of a cluster, whose replicas else send the client on to their primary.
    AsReplica,
}

/// What was found: elements with lane, number and whether the checksum agrees, and how many lists hold what is none.
#[derive(Debug, Default)]
pub struct Found {
    elements: Vec<(LaneId, u64, bool)>,
    alien: u64,
}

impl Found {
    /// Adds what another node holds.
    pub fn add(&mut self, other: Self) {
        self.elements.extend(other.elements);
        self.alien += other.alien;
    }

    /// As the record keeps it.
    pub fn holdings(self) -> Holdings {
        Holdings {
            alien: self.alien,
            ..Holdings::collect(self.elements)
        }
    }
}

/// Reads every list of the run, drdrill's own probes aside. `node` names it in an error.
///
/// # Errors
/// When the node refuses, or takes longer than the limit.
pub async fn dump(
    (keys, login): (&Keys, &Login),
    node: &str,
    address: SocketAddr,
    asked: Asked,
) -> Result<Found, SystemError> {
    let read = async {
        let mut connection = login.connect(address, CONNECT_LIMIT).await?;
        if asked == Asked::AsReplica {
            let allowed = command(&["READONLY"]);
            allowed.query_async::<()>(&mut connection).await?;
        }
        let mut found = Found::default();
        for key in names(&mut connection, &keys.pattern()).await? {
            if !keys.is_no_list(&key) {
                list(keys, &mut connection, &key, &mut found).await?;
            }
        }
        Ok::<_, RedisError>(found)
    };
    let found = tokio::time::timeout(READ_LIMIT, read).await.map_err(|_| {
        SystemError::Refused(format!("failed to read `{node}` within {READ_LIMIT:?}"))
    })?;
    found.map_err(|error| SystemError::Refused(format!("failed to read `{node}`: {error}")))
}

async fn list(
    keys: &Keys,
    connection: &mut MultiplexedConnection,
    key: &str,
    into: &mut Found,
) -> Result<(), RedisError> {
    let lane = keys.lane_of(key);
    let mut from = 0;
    loop {
        let (first, last) = (from.to_string(), (from + CHUNK - 1).to_string());
        let chunk: Vec<String> = command(&["LRANGE", key, &first, &last])
            .query_async(connection)
            .await?;
        for element in &chunk {
            match lane.and_then(|lane| Some((lane, keys.parse(lane, element)?))) {
                Some((lane, (seq, sound))) => into.elements.push((lane, seq, sound)),
                None => into.alien += 1,
            }
        }
        if chunk.len() < CHUNK {
            return Ok(());
        }
        from += CHUNK;
    }
}

/// All keys of this pattern.
pub async fn names(
    connection: &mut MultiplexedConnection,
    pattern: &str,
) -> Result<Vec<String>, RedisError> {
    let (mut cursor, mut found) = ("0".to_owned(), Vec::new());
    loop {
        let scan = command(&["SCAN", &cursor, "MATCH", pattern, "COUNT", "1000"]);
        let (next, keys): (String, Vec<String>) = scan.query_async(connection).await?;
        found.extend(keys);
        if next == "0" {
            // A scan may name a key twice while the table is resized.
            found.sort();
            found.dedup();
            return Ok(found);
        }
        cursor = next;
    }
}
