//! The service client: a connection of its own to the primary or to one member, dropped when anything goes wrong.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use async_trait::async_trait;
use mongodb::bson::{Document, doc};
use tokio::time::timeout;

use crate::{
    history::{Access, Outcome},
    id::LaneId,
    system::{Client, Reply, Request, roster::Roster},
    time::left,
};

use super::{
    concern::Concern,
    element::{Collection, Elements},
    outcome::{Phase, late, outcome_of},
    set::ReplicaSet,
    sharded::Routers,
    wire::{Failure, Line, hello, number},
};

/// The database of the workload.
pub const DATABASE: &str = "drdrill";

/// Where a client goes.
#[derive(Clone)]
pub enum Target {
    /// To the member of a set that says it is primary.
    Primary(Arc<ReplicaSet>),
    /// To a router, which finds the primary of the shard by itself.
    Router(Arc<Routers>),
    /// To this member, whatever it says of itself, with pinned probes.
    Pinned(SocketAddr),
}

/// A client on a connection of its own.
pub struct ServiceClient {
    elements: Elements,
    roster: Arc<Roster>,
    target: Target,
    concern: Concern,
    open: Option<Open>,
}

struct Open {
    line: Line,
    node: Option<u16>,
}

impl ServiceClient {
    /// A client that connects when first used.
    pub fn new(elements: Elements, roster: Arc<Roster>, target: Target, concern: Concern) -> Self {
        Self {
            elements,
            roster,
            target,
            concern,
            open: None,
        }
    }

    async fn connect(&self, access: Access, deadline: Instant) -> Result<Open, Reply> {
        let failed = |failure: Failure| outcome_of(&failure, Phase::Connecting, access);
        let none = || Reply::error(Outcome::Fail, "no primary");
        let address = match &self.target {
            Target::Pinned(address) => *address,
            Target::Primary(set) => set.directory.primary(deadline).await.ok_or_else(none)?,
            Target::Router(routers) => {
                let line = routers.connect().await.map_err(failed)?;
                // Which member has answered, a router keeps to itself.
                return Ok(Open { line, node: None });
            }
        };
        let mut line = Line::connect(address).await.map_err(failed)?;
        if matches!(self.target, Target::Primary(_)) {
            let said = line.ask("admin", hello()).await.map_err(failed)?;
            if !said.get_bool("isWritablePrimary").unwrap_or(false) {
                return Err(Reply::error(Outcome::Fail, "not primary"));
            }
        }
        let node = self.roster.data_at(address.ip()).map(|seat| seat.index);
        Ok(Open { line, node })
    }

    async fn attempt(&mut self, request: &Request, phase: &mut Phase) -> Reply {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => match self.connect(request.access, request.deadline).await {
                Ok(open) => open,
                Err(reply) => return reply,
            },
        };
        *phase = Phase::Sent;
        let mut command = match request.access {
            Access::Write => self.insert(request.lane, request.seq),
            Access::Read => self.newest(request.lane),
        };
        // A server does not see that a client which waits for a write concern is gone: without a limit of its own, what
        // was given up would pile up there.
        let limit = left(request.deadline).as_millis().max(1);
        command.insert("maxTimeMS", i64::try_from(limit).unwrap_or(i64::MAX));
        match open.line.ask(DATABASE, command).await {
            Ok(answer) => {
                let reply = match request.access {
                    Access::Write => Reply::written(open.node),
                    Access::Read => Reply::read(open.node, version(&answer)),
                };
                self.open = Some(open);
                reply
            }
            Err(failure) => outcome_of(&failure, Phase::Sent, request.access),
        }
    }

    fn insert(&self, lane: LaneId, seq: u64) -> Document {
        let collection = match self.target {
            Target::Primary(_) | Target::Router(_) => Collection::Appends,
            Target::Pinned(_) => Collection::Pins,
        };
        doc! {
            "insert": self.elements.collection(collection),
            "documents": [self.elements.append(lane, seq)],
            "writeConcern": self.concern.write(),
        }
    }

    fn newest(&self, lane: LaneId) -> Document {
        let mut find = doc! {
            "find": self.elements.collection(Collection::Appends),
            "filter": self.elements.of_lane(lane),
            "sort": { "lane": -1, "seq": -1 },
            "limit": 1,
            "projection": { "_id": 0, "seq": 1 },
            "readConcern": self.concern.read(),
        };
        // A secondary answers only those who say that they know what they ask.
        if matches!(self.target, Target::Pinned(_)) {
            find.insert("$readPreference", doc! { "mode": "nearest" });
        }
        find
    }
}

/// The number of the newest element that a `find` returned plus one, 0 for none.
fn version(answer: &Document) -> u64 {
    let batch = answer
        .get_document("cursor")
        .and_then(|cursor| cursor.get_array("firstBatch"));
    let first = batch.ok().and_then(|batch| batch.first()?.as_document());
    let seq = first.and_then(|first| number(first, "seq"));
    seq.and_then(|seq| u64::try_from(seq).ok())
        .map_or(0, |seq| seq + 1)
}

#[async_trait]
impl Client for ServiceClient {
    async fn invoke(&mut self, request: Request) -> Reply {
        let mut phase = Phase::Connecting;
        let left = left(request.deadline);
        let attempt = timeout(left, self.attempt(&request, &mut phase)).await;
        attempt.unwrap_or_else(|_| late(phase, request.access))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_element_gives_the_version() {
        let found = doc! { "cursor": { "firstBatch": [{ "seq": 41_i64 }], "id": 0_i64 } };
        assert_eq!(version(&found), 42);
        let none = doc! { "cursor": { "firstBatch": [], "id": 0_i64 } };
        assert_eq!(version(&none), 0);
    }
}
