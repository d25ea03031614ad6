//! A member's own view, from its maintenance API.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::{sync::Mutex, time::timeout};

use crate::{
    id::NodeName,
    record::{Role, View},
};

use super::api::{Open, Question, ask, number};

/// What a member says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its own number.
    pub own: u64,
    /// Its leader's; none while it has no leader.
    pub leader: Option<u64>,
    /// The latest term that it knows of.
    pub term: u64,
    /// The last entry of the log that it has applied.
    pub applied: u64,
    /// Its version.
    pub version: String,
    /// Alarms and other things that it says are wrong.
    pub errors: Vec<String>,
}

/// Asks one member within `limit`; none if it does not answer.
pub async fn status(address: SocketAddr, limit: Duration) -> Option<Status> {
    let answer = ask(address, &Question::status(), limit).await;
    Status::parse(&answer.ok()?)
}

/// A connection that is kept between questions and made again after a failure.
pub struct Asker {
    address: SocketAddr,
    open: Mutex<Option<Open>>,
}

impl Asker {
    /// Asks this member.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            open: Mutex::new(None),
        }
    }

    /// The member's view; none if it does not answer within `limit`.
    pub async fn ask(&self, limit: Duration) -> Option<Status> {
        // Only one question is ever under way; the lock is never waited for.
        let mut kept = self.open.try_lock().ok()?;
        let held = kept.take();
        let conversation = async {
            let mut open = match held {
                Some(open) => open,
                None => Open::connect(self.address).await.ok()?,
            };
            let answer = open.ask(&Question::status()).await.ok()?;
            Some((open, answer))
        };
        let (open, answer) = timeout(limit, conversation).await.ok()??;
        *kept = Some(open);
        Status::parse(&answer)
    }
}

impl Status {
    /// Reads the answer to a question for the status.
    pub fn parse(answer: &Value) -> Option<Self> {
        let errors = answer["errors"].as_array().into_iter().flatten();
        Some(Self {
            own: number(&answer["header"]["member_id"])?,
            leader: number(&answer["leader"]).filter(|leader| *leader != 0),
            term: number(&answer["raftTerm"])?,
            applied: number(&answer["raftAppliedIndex"]).unwrap_or(0),
            version: answer["version"].as_str().unwrap_or_default().to_owned(),
            errors: errors
                .filter_map(|error| error.as_str().map(str::to_owned))
                .collect(),
        })
    }

    /// Whether it says that it leads.
    pub fn leads(&self) -> bool {
        self.leader == Some(self.own)
    }

    /// Its role: a member without a leader takes no writes and follows nobody.
    pub fn role(&self) -> Role {
        match self.leader {
            Some(leader) if leader == self.own => Role::Primary,
            Some(_) => Role::Replica,
            None => Role::Other,
        }
    }

    /// The view of a member that answered this, or did not answer. `name_of` knows whose number a leader's is;
    /// `leading` is how far the furthest leader has applied.
    pub fn view(
        status: Option<&Self>,
        node: &NodeName,
        name_of: impl Fn(u64) -> Option<NodeName>,
        leading: u64,
    ) -> View {
        let follows = status.filter(|status| !status.leads());
        let follows = follows.and_then(|status| status.leader).map(|leader| {
            name_of(leader).map_or_else(|| format!("{leader:x}"), |name| name.to_string())
        });
        View {
            node: node.clone(),
            role: status.map_or(Role::Unreachable, Self::role),
            term: status.map(|status| status.term),
            position: status.map(|status| status.applied),
            lag: status.map(|status| leading.saturating_sub(status.applied)),
            follows,
            eligible: status.map(|status| status.leader.is_some()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(leader: &str) -> Value {
        json!({
            "header": { "cluster_id": "9", "member_id": "10276657743932975437", "revision": "4", "raft_term": "3" },
            "version": "3.5.16", "dbSize": "20480", "leader": leader,
            "raftIndex": "12", "raftTerm": "3", "raftAppliedIndex": "11",
        })
    }

    #[test]
    fn a_member_is_read() {
        let leads = Status::parse(&answer("10276657743932975437")).expect("a status");
        assert_eq!(
            (leads.role(), leads.term, leads.applied),
            (Role::Primary, 3, 11)
        );
        assert_eq!(leads.version, "3.5.16");
        let follows = Status::parse(&answer("7")).expect("a status");
        let name_of = |number| (number == 7).then(|| NodeName::new("e1"));
        let view = Status::view(Some(&follows), &NodeName::new("e2"), name_of, 15);
        assert_eq!((view.role, view.lag), (Role::Replica, Some(4)));
        assert_eq!(view.follows.as_deref(), Some("e1"));
        let stranger = Status::view(Some(&follows), &NodeName::new("e2"), |_| None, 0);
        assert_eq!(stranger.follows.as_deref(), Some("7"));
        let lost = Status::parse(&answer("0")).expect("a status");
        assert_eq!((lost.role(), lost.leader), (Role::Other, None));
        assert_eq!(Status::parse(&json!({ "version": "3.5.16" })), None);
        let silent = Status::view(None, &NodeName::new("e2"), |_| None, 15);
        assert_eq!((silent.role, silent.position), (Role::Unreachable, None));
    }
}
