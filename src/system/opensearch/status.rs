//! A node's own view of the cluster: whom it believes to be cluster manager, and where it believes the copies to be.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::{sync::Mutex, time::timeout};

use crate::{
    id::NodeName,
    record::{Role, View},
    system::http::Line,
};

use super::api::{Open, Question, ask};

/// What is asked of the state: a few hundred bytes of it.
const FILTER: &str = "cluster_manager_node,nodes.*.name,routing_table.indices.*.shards,\
    metadata.cluster_coordination.term,metadata.indices.*.primary_terms,metadata.indices.*.in_sync_allocations";

/// A copy of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyAt {
    /// The node that holds it, by its name or, where it is not in the cluster, its number; none where no node does.
    pub node: Option<String>,
    /// Whether it is the primary.
    pub primary: bool,
    /// Whether it has all that the primary has and takes part in every write.
    pub in_sync: bool,
}

/// What a node believes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// The elected cluster manager's name; none while it knows of none.
    pub manager: Option<String>,
    /// The term of the cluster manager's election.
    pub elected: u64,
    /// How often the index had another primary, from 1.
    pub term: Option<u64>,
    /// The copies of the index.
    pub copies: Vec<CopyAt>,
}

/// Asks one node within `limit`; none if it does not answer.
pub async fn status(address: SocketAddr, index: &str, limit: Duration) -> Option<Status> {
    let answer = ask(address, &Status::question(index), limit).await;
    Some(Status::parse(&answer.ok()?))
}

/// A connection that is kept between questions and made again after a failure.
pub struct Asker {
    address: SocketAddr,
    question: Question,
    open: Mutex<Option<Open>>,
}

impl Asker {
    /// Asks this node about this index.
    pub fn new(address: SocketAddr, index: &str) -> Self {
        Self {
            address,
            question: Status::question(index),
            open: Mutex::new(None),
        }
    }

    /// The node's view; none if it does not answer within `limit`.
    pub async fn ask(&self, limit: Duration) -> Option<Status> {
        // Only one question is ever under way; the lock is never waited for.
        let mut kept = self.open.try_lock().ok()?;
        let held = kept.take();
        let conversation = async {
            let mut open = match held {
                Some(open) => open,
                None => Open::over(Line::connect(self.address).await.ok()?, self.address),
            };
            let answer = open.ask(&self.question).await.ok()?;
            Some((open, answer))
        };
        let (open, answer) = timeout(limit, conversation).await.ok()??;
        *kept = Some(open);
        Some(Status::parse(&answer))
    }
}

impl Status {
    /// Asks a node for its own state, without the cluster manager's help.
    pub fn question(index: &str) -> Question {
        Question::get(format!(
            "/_cluster/state/cluster_manager_node,nodes,routing_table,metadata/{index}\
             ?local=true&ignore_unavailable=true&filter_path={FILTER}"
        ))
    }

    /// Reads the answer. What is not in it is not known to the node.
    pub fn parse(answer: &Value) -> Self {
        let first = |value: &Value| {
            let indices = value["indices"].as_object();
            indices.and_then(|indices| indices.values().next().cloned())
        };
        let name = |id: &str| {
            let name = answer["nodes"][id]["name"].as_str();
            name.unwrap_or(id).to_owned()
        };
        let metadata = first(&answer["metadata"]).unwrap_or_default();
        let routing = first(&answer["routing_table"]).unwrap_or_default();
        let in_sync = metadata["in_sync_allocations"]["0"].as_array();
        let copy = |copy: &Value| CopyAt {
            node: copy["node"].as_str().map(name),
            primary: copy["primary"] == true,
            in_sync: copy["state"] == "STARTED"
                && in_sync.is_some_and(|all| all.contains(&copy["allocation_id"]["id"])),
        };
        Self {
            manager: answer["cluster_manager_node"].as_str().map(name),
            elected: answer["metadata"]["cluster_coordination"]["term"]
                .as_u64()
                .unwrap_or(0),
            term: metadata["primary_terms"]["0"].as_u64(),
            copies: routing["shards"]["0"]
                .as_array()
                .map_or_else(Vec::new, |copies| copies.iter().map(copy).collect()),
        }
    }

    /// The node whose copy is primary and takes writes.
    pub fn primary(&self) -> Option<&str> {
        let mut copies = self.copies.iter();
        copies
            .find(|copy| copy.primary && copy.in_sync)?
            .node
            .as_deref()
    }

    /// The copy that a node holds.
    pub fn copy_of(&self, node: &NodeName) -> Option<&CopyAt> {
        let mut copies = self.copies.iter();
        copies.find(|copy| copy.node.as_deref() == Some(node.as_str()))
    }

    /// Whether this node, which says so, holds the primary and has a cluster manager, without whom no copy that failed
    /// can be left out.
    pub fn is_primary(&self, node: &NodeName) -> bool {
        self.role(node) == Role::Primary
    }

    /// The role of the node that says this.
    pub fn role(&self, node: &NodeName) -> Role {
        match (&self.manager, self.copy_of(node)) {
            (Some(_), Some(copy)) if copy.in_sync && copy.primary => Role::Primary,
            (Some(_), Some(copy)) if copy.in_sync => Role::Replica,
            _ => Role::Other,
        }
    }

    /// The view of a node that answered this, or did not answer.
    pub fn view(status: Option<&Self>, node: &NodeName) -> View {
        let role = status.map_or(Role::Unreachable, |status| status.role(node));
        let follows = status.filter(|_| role != Role::Primary);
        View {
            node: node.clone(),
            role,
            term: status.and_then(|status| status.term),
            position: None,
            lag: None,
            follows: follows.and_then(Self::primary).map(str::to_owned),
            eligible: status.map(|_| matches!(role, Role::Primary | Role::Replica)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(manager: Option<&str>) -> Value {
        let copy = |node: Option<&str>, primary: bool, state: &str, id: &str| json!({ "node": node, "primary": primary, "state": state, "allocation_id": { "id": id } });
        json!({
            "cluster_manager_node": manager,
            "nodes": { "A1": { "name": "o1" }, "B2": { "name": "o2" } },
            "metadata": {
                "cluster_coordination": { "term": 4 },
                "indices": { "drdrill-x": {
                    "primary_terms": { "0": 2 }, "in_sync_allocations": { "0": ["a", "b"] },
                } },
            },
            "routing_table": { "indices": { "drdrill-x": { "shards": { "0": [
                copy(Some("A1"), true, "STARTED", "a"), copy(Some("B2"), false, "STARTED", "b"),
                copy(Some("C3"), false, "INITIALIZING", "c"), copy(None, false, "UNASSIGNED", ""),
            ] } } } },
        })
    }

    #[test]
    fn a_nodes_belief_is_read() {
        let status = Status::parse(&answer(Some("B2")));
        assert_eq!(status.manager.as_deref(), Some("o2"));
        assert_eq!((status.elected, status.term), (4, Some(2)));
        assert_eq!(status.primary(), Some("o1"));
        let role = |name: &str| status.role(&NodeName::new(name));
        assert_eq!((role("o1"), role("o2")), (Role::Primary, Role::Replica));
        assert_eq!(role("C3"), Role::Other, "not in sync yet");
        assert_eq!(role("o9"), Role::Other, "it holds no copy");
        let view = Status::view(Some(&status), &NodeName::new("o2"));
        assert_eq!(
            (view.follows.as_deref(), view.eligible),
            (Some("o1"), Some(true))
        );
    }

    #[test]
    fn without_a_cluster_manager_nobody_is_primary() {
        let status = Status::parse(&answer(None));
        assert!(!status.is_primary(&NodeName::new("o1")));
        let view = Status::view(Some(&status), &NodeName::new("o1"));
        assert_eq!((view.role, view.eligible), (Role::Other, Some(false)));
        assert_eq!(Status::parse(&json!({})), Status::default());
        let silent = Status::view(None, &NodeName::new("o1"));
        assert_eq!((silent.role, silent.term), (Role::Unreachable, None));
    }
}
