//! What the workload writes: one document per append, in a collection of the run without any unique index of ours.

use mongodb::bson::{Document, doc};

use crate::{
    id::{LaneId, RunId},
    system::mark::{self, Element},
};

use super::wire::number;

/// The field by which a sharded collection is spread: the number of the shard that the document lies in.
pub const SHARD: &str = "shard";

/// Which collection a lane writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collection {
    /// That of the workload, which final reads read.
    Appends,
    /// That of pinned probes, which nothing reads.
    Pins,
    /// That in which a stack proves that it replicates.
    Ready,
}

/// Makes and reads the documents of a run.
///
/// An append is one document without `_id`: the server gives it one, so that a second application shows as a second
/// document.
#[derive(Debug, Clone)]
pub struct Elements {
    run: RunId,
    shard: Option<u16>,
}

impl Elements {
    /// The documents of a run.
    pub fn new(run: RunId) -> Self {
        Self { run, shard: None }
    }

    /// The same run's documents in one shard, where there are shards.
    pub fn in_shard(&self, shard: Option<u16>) -> Self {
        let run = self.run.clone();
        Self { run, shard }
    }

    /// The run.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// The collection's name: what a write of an earlier run does late shows in no other run's collection.
    pub fn collection(&self, collection: Collection) -> String {
        let run = &self.run;
        match collection {
            Collection::Appends => format!("appends-{run}"),
            Collection::Pins => format!("pins-{run}"),
            Collection::Ready => format!("ready-{run}"),
        }
    }

    /// One append.
    pub fn append(&self, lane: LaneId, seq: u64) -> Document {
        let mut append = self.of_lane(lane);
        append.extend(doc! {
            // A lane writes some thousands.
            "seq": i64::try_from(seq).unwrap_or(i64::MAX),
            "body": mark::body(&self.run, lane, seq),
            "sum": mark::checksum(&self.run, lane, seq),
        });
        append
    }

    /// What a lane's documents have in common.
    pub fn of_lane(&self, lane: LaneId) -> Document {
        let mut document = Document::new();
        if let Some(shard) = self.shard {
            document.insert(SHARD, i32::from(shard));
        }
        document.insert("lane", i32::from(lane.0));
        document
    }

    /// A document of the collection of appends.
    pub fn read(&self, document: &Document) -> Element {
        let (lane, seq) = (number(document, "lane"), number(document, "seq"));
        let Some((lane, seq)) = lane.zip(seq) else {
            return Element::Alien;
        };
        let text = |key| document.get_str(key).unwrap_or_default();
        mark::element(&self.run, lane, seq, (text("body"), text("sum")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_sound_only_as_it_was_sent() {
        let elements = Elements::new(RunId::new("20261121t081500", 7));
        let lane = LaneId(3);
        let sent = elements.append(lane, 41);
        assert_eq!(sent.get_str("body").expect("a body").len(), 64);
        assert_eq!(elements.read(&sent), Element::Append(lane, 41, true));
        let changed = |key: &str, value: mongodb::bson::Bson| {
            let mut document = sent.clone();
            document.insert(key, value);
            elements.read(&document)
        };
        assert_eq!(changed("seq", 42.into()), Element::Append(lane, 42, false));
        assert_eq!(
            changed("body", "torn".into()),
            Element::Append(lane, 41, false)
        );
        assert_eq!(changed("lane", (-1).into()), Element::Alien);
        assert_eq!(elements.read(&doc! {}), Element::Alien);
    }
}
