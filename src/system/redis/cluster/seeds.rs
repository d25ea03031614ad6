//! How clients find the owner of a slot: they ask the cluster's nodes.

use std::{
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use redis::{ErrorKind, FromRedisValue, RedisError, RedisResult, Value};

use crate::system::redis::link::{self, ask, command};

/// The longest wait for one node before the next is asked.
const ASK_LIMIT: Duration = Duration::from_millis(200);

/// All nodes, any of which knows who owns which slot.
///
/// They are asked in turn, the one that answered last first, as drivers do. One that does not answer costs 200 ms
/// once. One that names an owner whom nobody can connect to may be behind: then the next is asked.
#[derive(Debug)]
pub struct Seeds {
    nodes: Vec<SocketAddr>,
    answering: AtomicUsize,
}

impl Seeds {
    /// Asks these nodes.
    pub fn new(nodes: Vec<SocketAddr>) -> Self {
        Self {
            nodes,
            answering: AtomicUsize::new(0),
        }
    }

    /// The nodes, in their fixed order.
    pub fn nodes(&self) -> &[SocketAddr] {
        &self.nodes
    }

    /// Where the owner of a slot is, by the first node that answers.
    ///
    /// # Errors
    /// The last node's error when none answers or names an owner.
    pub async fn owner(&self, slot: u16) -> RedisResult<SocketAddr> {
        let first = self.answering.load(Ordering::Relaxed);
        let question = command(&["CLUSTER", "SLOTS"]);
        let mut last = link::late();
        for turn in 0..self.nodes.len() {
            let index = (first + turn) % self.nodes.len();
            let asked = ask(self.nodes[index], &question, ASK_LIMIT).await;
            match asked.and_then(|slots| owner_in(&slots, slot)) {
                Ok(address) => {
                    self.answering.store(index, Ordering::Relaxed);
                    return Ok(address);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Lets the next client start with another node.
    pub fn doubt(&self) {
        let turned = |index: usize| Some((index + 1) % self.nodes.len().max(1));
        let turn = self
            .answering
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, turned);
        // The closure never declines.
        let _ = turn;
    }
}

/// The primary of the range that a slot lies in: `[first, last, [ip, port, id, ...], replicas ...]` each.
fn owner_in(slots: &Value, slot: u16) -> RedisResult<SocketAddr> {
    let unreadable = |what: &'static str| RedisError::from((ErrorKind::UnexpectedReturnType, what));
    let Value::Array(ranges) = slots else {
        return Err(unreadable("no list of slots"));
    };
    for range in ranges {
        let Value::Array(parts) = range else {
            return Err(unreadable("no range of slots"));
        };
        let [first, last, primary, ..] = parts.as_slice() else {
            return Err(unreadable("a range of slots without a primary"));
        };
        let (first, last) = (number(first)?, number(last)?);
        if !(first..=last).contains(&slot) {
            continue;
        }
        let Value::Array(primary) = primary else {
            return Err(unreadable("a primary without an address"));
        };
        let [ip, port, ..] = primary.as_slice() else {
            return Err(unreadable("a primary without an address"));
        };
        let ip = String::from_redis_value_ref(ip)?;
        let ip: IpAddr = ip.parse().map_err(|_| unreadable("no address"))?;
        return Ok(SocketAddr::new(ip, number(port)?));
    }
    // The server's own word for it, which is no failure of the connection.
    Err(RedisError::from((
        ErrorKind::Server(redis::ServerErrorKind::ClusterDown),
        "no node owns the slot",
    )))
}

fn number(value: &Value) -> RedisResult<u16> {
    Ok(u16::from_redis_value_ref(value)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn range(first: i64, last: i64, ip: &str) -> Value {
        let node = |ip: &str| {
            let parts = vec![text(ip), Value::Int(6379), text("id"), Value::Array(vec![])];
            Value::Array(parts)
        };
        Value::Array(vec![
            Value::Int(first),
            Value::Int(last),
            node(ip),
            node("10.0.0.9"),
        ])
    }

    #[test]
    fn the_owner_of_a_slot_is_the_first_node_of_its_range() {
        let slots = Value::Array(vec![
            range(0, 5460, "10.0.0.2"),
            range(5461, 10_921, "10.0.0.3"),
        ]);
        let owner = |slot| owner_in(&slots, slot).map(|address| address.to_string());
        assert_eq!(owner(0).ok().as_deref(), Some("10.0.0.2:6379"));
        assert_eq!(owner(10_921).ok().as_deref(), Some("10.0.0.3:6379"));
        let none = owner(10_922).expect_err("nobody owns it");
        assert_eq!(none.code(), Some("CLUSTERDOWN"));
        assert!(owner_in(&text("nonsense"), 0).is_err());
    }

    #[test]
    fn a_node_in_doubt_is_asked_last() {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let seeds = Seeds::new(vec![address(1), address(2)]);
        seeds.doubt();
        assert_eq!(seeds.answering.load(Ordering::Relaxed), 1);
        seeds.doubt();
        assert_eq!(seeds.answering.load(Ordering::Relaxed), 0);
    }
}
