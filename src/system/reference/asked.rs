//! What reference nodes answer to the harness: their view of themselves, and all that they hold.

use std::{io, net::SocketAddr, time::Duration};

use crate::{
    id::{LaneId, NodeName},
    record::Holdings,
    system::SystemError,
};

use super::{
    client::Connection,
    wire::{Ask, Entry, Status},
};

/// The longest wait for one node's answer.
pub const ASK_LIMIT: Duration = Duration::from_millis(500);

/// All elements that a node answers to a question.
///
/// # Errors
/// When it does not.
pub async fn holdings(
    node: &NodeName,
    address: SocketAddr,
    ask: Ask,
) -> Result<Holdings, SystemError> {
    let refused =
        |error: io::Error| SystemError::Refused(format!("failed to read `{node}`: {error}"));
    let mut connection = Connection::open(0, address).await.map_err(refused)?;
    let mut elements = Vec::new();
    let mut alien = 0;
    let mut line = connection.ask(ask).await.map_err(refused)?;
    while line != "end" {
        match Entry::parse(&line) {
            Some(entry) if entry.of_register() => {}
            Some(entry) => elements.push((LaneId(entry.lane), entry.seq, entry.sound())),
            None => alien += 1,
        }
        line = connection.next().await.map_err(refused)?;
    }
    Ok(Holdings {
        alien,
        ..Holdings::collect(elements)
    })
}

/// What a node says of itself, on the connection of before; none where it cannot be read.
pub async fn looked(open: &mut Option<Connection>, address: SocketAddr) -> Option<Status> {
    Status::parse(&ask_again(open, address).await.ok()?)
}

/// Asks for a node's view on the connection of before; one that breaks or is given up is not used again.
async fn ask_again(open: &mut Option<Connection>, address: SocketAddr) -> io::Result<String> {
    let mut connection = match open.take() {
        Some(connection) => connection,
        None => Connection::open(0, address).await?,
    };
    let line = connection.ask(Ask::View).await?;
    *open = Some(connection);
    Ok(line)
}
