//! Finds the leader: every broker is asked at the same time, and the latest epoch is right.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::timeout;

use crate::system::roster::{Roster, Seat};

use super::{
    questions::{Belief, belief},
    wire::Wire,
};

/// The brokers of a stack. Broker `n` is the nth member, so that ids and names agree: `k1` is broker 1.
#[derive(Debug, Clone)]
pub struct Brokers {
    roster: Arc<Roster>,
}

impl Brokers {
    /// The brokers of a roster.
    pub fn new(roster: Arc<Roster>) -> Self {
        Self { roster }
    }

    /// All of them, in order.
    pub fn seats(&self) -> impl Iterator<Item = &Seat> {
        self.roster.data()
    }

    /// The broker with this id.
    pub fn seat(&self, id: i32) -> Option<&Seat> {
        self.seats().find(|seat| Self::id(seat) == id)
    }

    /// A broker's id.
    pub fn id(seat: &Seat) -> i32 {
        i32::from(seat.index) + 1
    }

    /// The index that operations carry for a broker.
    pub fn node(&self, id: i32) -> Option<u16> {
        self.seat(id).map(|seat| seat.index)
    }

    /// The leader by the latest epoch that a majority of the brokers knows of. Where fewer answer, their word counts:
    /// a client has no other.
    ///
    /// # Errors
    /// Why there is none, by the last broker that answered.
    pub async fn leader(&self, topic: &str, limit: Duration) -> Result<&Seat, String> {
        // One that hangs must not take all the time of those who wait for its fellows.
        let asked = self
            .seats()
            .map(|seat| async move { believes(seat, topic, limit / 2).await });
        let mut answers: FuturesUnordered<_> = asked.collect();
        let majority = answers.len() / 2 + 1;
        let mut reason = "no broker answers".to_owned();
        let mut beliefs: Vec<Belief> = Vec::new();
        while beliefs.len() < majority
            && let Some(answer) = answers.next().await
        {
            match answer {
                Ok(belief) => beliefs.push(belief),
                Err(error) => reason = error,
            }
        }
        let latest = beliefs.into_iter().max_by_key(|belief| belief.epoch);
        let leader = latest.ok_or(reason)?.leader;
        let leader = leader.ok_or("the partition has no leader")?;
        self.seat(leader)
            .ok_or_else(|| format!("broker {leader} leads and is no member"))
    }
}

/// What one broker believes.
pub async fn believes(seat: &Seat, topic: &str, limit: Duration) -> Result<Belief, String> {
    at(seat.address, limit, async |wire| belief(wire, topic).await).await
}

/// Connects to an address, does something there, and closes, all within `limit`.
pub async fn at<T>(
    address: SocketAddr,
    limit: Duration,
    act: impl AsyncFnOnce(&mut Wire) -> Result<T, String>,
) -> Result<T, String> {
    let conversation = async {
        let mut wire = Wire::connect(address).await.map_err(|e| e.to_string())?;
        act(&mut wire).await
    };
    timeout(limit, conversation)
        .await
        .unwrap_or_else(|_| Err("no answer in time".into()))
}
