//! Reads everything that the run wrote, document by document.

use std::{net::SocketAddr, time::Duration};

use mongodb::bson::{Bson, Document, doc};
use tokio::time::timeout;

use crate::{
    id::LaneId,
    record::Holdings,
    system::{SystemError, mark::Element},
};

use super::{
    client::DATABASE,
    element::{Collection, Elements},
    wire::{Failure, Line, number},
};

/// The longest time for one read; the drill gives it 60 s.
const READ_LIMIT: Duration = Duration::from_secs(55);

/// How many documents a read fetches at a time.
const BATCH: i32 = 5_000;

/// Reads all documents of these members, whatever they are: of one, or of one in each shard.
///
/// # Errors
/// When one cannot be read.
pub async fn holdings(
    elements: &Elements,
    addresses: &[SocketAddr],
) -> Result<Holdings, SystemError> {
    let mut found = Found::default();
    let all = async {
        for address in addresses {
            let refused = |failure: Failure| {
                SystemError::Refused(format!("failed to read {address}: {failure}"))
            };
            read(elements, *address, &mut found)
                .await
                .map_err(refused)?;
        }
        Ok(())
    };
    match timeout(READ_LIMIT, all).await {
        Ok(read) => read.map(|()| found.holdings()),
        Err(_) => Err(SystemError::Refused(format!(
            "failed to read {addresses:?}: not done within {READ_LIMIT:?}"
        ))),
    }
}

async fn read(elements: &Elements, address: SocketAddr, found: &mut Found) -> Result<(), Failure> {
    let collection = elements.collection(Collection::Appends);
    let mut line = Line::connect(address).await?;
    let mut command = doc! { "find": &collection, "batchSize": BATCH };
    loop {
        // A secondary answers only those who say that they know what they ask.
        command.insert("$readPreference", doc! { "mode": "nearest" });
        let answer = line.ask(DATABASE, command).await?;
        let cursor = answer.get_document("cursor");
        let cursor = cursor.map_err(|error| Failure::Unreadable(error.to_string()))?;
        found.take(elements, cursor);
        match number(cursor, "id") {
            Some(0) | None => return Ok(()),
            Some(id) => {
                command = doc! { "getMore": id, "collection": &collection, "batchSize": BATCH };
            }
        }
    }
}

#[derive(Default)]
struct Found {
    appends: Vec<(LaneId, u64, bool)>,
    alien: u64,
}

impl Found {
    fn take(&mut self, elements: &Elements, cursor: &Document) {
        let batch = ["firstBatch", "nextBatch"]
            .iter()
            .find_map(|key| cursor.get_array(key).ok());
        for document in batch.into_iter().flatten().filter_map(Bson::as_document) {
            match elements.read(document) {
                Element::Append(lane, seq, sound) => self.appends.push((lane, seq, sound)),
                Element::Alien => self.alien += 1,
            }
        }
    }

    fn holdings(self) -> Holdings {
        Holdings {
            alien: self.alien,
            ..Holdings::collect(self.appends)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RunId;

    #[test]
    fn every_document_of_a_batch_is_counted() {
        let elements = Elements::new(RunId::new("20261121t081500", 7));
        let lane = LaneId(1);
        let append = |seq| Bson::from(elements.append(lane, seq));
        let mut found = Found::default();
        found.take(
            &elements,
            &doc! { "firstBatch": [append(0), append(1)], "id": 5_i64 },
        );
        found.take(
            &elements,
            &doc! { "nextBatch": [append(1), { "x": 1 }], "id": 0_i64 },
        );
        let holdings = found.holdings();
        assert_eq!((holdings.len(), holdings.alien), (2, 1));
        assert_eq!(holdings.repeated.len(), 1);
    }
}
