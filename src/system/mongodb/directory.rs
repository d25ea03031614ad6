//! How clients find the primary: they ask the members themselves, as drivers do.

use std::{
    net::SocketAddr,
    sync::{Mutex as Lock, PoisonError},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use mongodb::bson::{Document, oid::ObjectId};
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

use crate::time::left;

use super::wire::{ask, hello};

/// The longest wait for one member's answer. Members answer within a millisecond or two, unless they hang.
const ASK_LIMIT: Duration = Duration::from_millis(200);

/// The pause between two rounds of questions while nobody is primary.
const PAUSE: Duration = Duration::from_millis(20);

/// Once one member says that it is primary, the others get this long to say the same with a later election.
const GRACE: Duration = Duration::from_millis(10);

/// A member that says it is primary, and by which election.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    election: ObjectId,
    address: SocketAddr,
}

/// Knows where the members are, and which election was the latest that it heard of: a primary of an earlier one is not
/// believed (the drivers' rule for stale primaries).
///
/// One round of questions serves everyone who asks while it has not begun.
#[derive(Debug)]
pub struct Directory {
    members: Vec<SocketAddr>,
    latest: Lock<Option<ObjectId>>,
    round: Mutex<Option<(Instant, Option<SocketAddr>)>>,
}

impl Directory {
    /// Asks these members.
    pub fn new(members: Vec<SocketAddr>) -> Self {
        Self {
            members,
            latest: Lock::new(None),
            round: Mutex::new(None),
        }
    }

    /// Where the primary is, asked again and again until the deadline, as drivers do; none when no member says that it
    /// is the latest one.
    pub async fn primary(&self, deadline: Instant) -> Option<SocketAddr> {
        loop {
            let found = self.round().await;
            if found.is_some() || left(deadline) <= PAUSE {
                return found;
            }
            sleep(PAUSE).await;
        }
    }

    async fn round(&self) -> Option<SocketAddr> {
        let asked = Instant::now();
        let mut round = self.round.lock().await;
        if let Some((begun, found)) = *round
            && begun >= asked
        {
            return found;
        }
        let begun = Instant::now();
        let found = self.look().await;
        *round = Some((begun, found));
        found
    }

    async fn look(&self) -> Option<SocketAddr> {
        let mut answers: FuturesUnordered<_> = self
            .members
            .iter()
            .map(|address| async {
                let said = timeout(ASK_LIMIT, ask(*address, "admin", hello())).await;
                claim(*address, &said.ok()?.ok()?)
            })
            .collect();
        let mut best = None;
        while let Some(answer) = answers.next().await {
            best = best.max(answer);
            if best.is_some() {
                break;
            }
        }
        let rest = async {
            while let Some(answer) = answers.next().await {
                best = best.max(answer);
            }
        };
        tokio::select! {
            () = rest => {}
            () = sleep(GRACE) => {}
        }
        best.and_then(|claim| self.believe(claim))
    }

    fn believe(&self, claim: Claim) -> Option<SocketAddr> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.is_some_and(|latest| claim.election < latest) {
            return None;
        }
        *latest = Some(claim.election);
        Some(claim.address)
    }
}

fn claim(address: SocketAddr, said: &Document) -> Option<Claim> {
    let primary = said.get_bool("isWritablePrimary").unwrap_or(false);
    let election = said.get_object_id("electionId").ok()?;
    primary.then_some(Claim { election, address })
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    fn election(term: u8) -> ObjectId {
        ObjectId::from_bytes([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, term])
    }

    #[test]
    fn only_the_latest_primary_is_believed() {
        let at = |port| SocketAddr::from(([10, 0, 0, 1], port));
        let says = |term, port| {
            let said = doc! { "isWritablePrimary": true, "electionId": election(term) };
            claim(at(port), &said).expect("a claim")
        };
        let directory = Directory::new(Vec::new());
        assert_eq!(directory.believe(says(4, 1)), Some(at(1)));
        assert_eq!(directory.believe(says(5, 2)), Some(at(2)));
        assert_eq!(directory.believe(says(4, 1)), None);
        assert_eq!(directory.believe(says(5, 2)), Some(at(2)));
        assert_eq!(Some(says(4, 9)).max(Some(says(5, 1))), Some(says(5, 1)));
        let secondary = doc! { "isWritablePrimary": false, "electionId": election(9) };
        assert_eq!(claim(at(1), &secondary), None);
    }
}
