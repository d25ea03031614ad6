//! The service client: a connection of its own to the next endpoint or to one node, dropped when anything goes wrong.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    history::{Access, Outcome},
    id::{LaneId, NodeName},
    system::{
        Client, Reply, Request,
        endpoints::{Endpoint, Endpoints},
    },
    time::left,
};

use super::{
    api::{Failure, Open, Place, Question},
    element::Elements,
    outcome::{Phase, late, outcome_of},
    status::Status,
};

/// Where a client goes.
#[derive(Debug, Clone)]
pub enum Target {
    /// Through the list of endpoints, from where this lane is in it.
    Any(Arc<Endpoints>, LaneId),
    /// To this node, by its name, with pinned probes.
    Pinned(Endpoint, NodeName),
}

/// A client on a connection of its own.
pub struct ServiceClient {
    elements: Elements,
    target: Target,
    open: Option<Open>,
    /// Where its connection leads: the place on the list, and the node.
    at: Option<(usize, u16)>,
}

impl ServiceClient {
    /// A client that connects when first used.
    pub fn new(elements: Elements, target: Target) -> Self {
        Self {
            elements,
            target,
            open: None,
            at: None,
        }
    }

    async fn connect(&mut self) -> Result<Open, Failure> {
        let (open, at) = match &self.target {
            Target::Any(endpoints, lane) => {
                let (line, place) = endpoints.connect(*lane).await.map_err(Failure::Lost)?;
                let endpoint = endpoints.list()[place];
                (Open::over(line, endpoint.address), (place, endpoint.node))
            }
            Target::Pinned(endpoint, _) => {
                let open = Open::at(*endpoint).await.map_err(Failure::Lost)?;
                (open, (0, endpoint.node))
            }
        };
        self.at = Some(at);
        Ok(open)
    }

    async fn attempt(&mut self, request: &Request, phase: &mut Phase) -> Result<Reply, Failure> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.connect().await?,
        };
        // A node hands a write to the primary copy, wherever that is. A probe is to tell whether this one takes writes
        // itself, so it asks it first, and looks afterwards who did.
        let mut term = None;
        let question = match (&self.target, request.access) {
            (Target::Pinned(_, name), Access::Write) => {
                let status = open.ask(&Status::question(&self.elements.index())).await?;
                let status = Status::parse(&status);
                if !status.is_primary(name) {
                    self.open = Some(open);
                    return Ok(not_primary());
                }
                term = status.term;
                self.elements.pin(request.lane, request.seq)
            }
            (Target::Pinned(..), Access::Read) => self.elements.newest(request.lane, true),
            (Target::Any(..), _) => question(&self.elements, request),
        };
        *phase = Phase::Sent;
        let answer = open.ask(&question).await?;
        let node = self.at.map(|(_, node)| node);
        let mut reply = acknowledged(request.access, &answer, node)?;
        if term.is_some() && term != taken_in(&answer) {
            reply = not_primary();
        }
        self.open = Some(open);
        Ok(reply)
    }
}

/// The reply of a node that does not take writes itself.
fn not_primary() -> Reply {
    Reply::error(Outcome::Fail, "not primary")
}

/// The primary's term in which a bulk's first write was taken. A node that was primary and does not know yet that it no
/// longer is hands the write on to its successor, in whose term it is acknowledged.
fn taken_in(answer: &Value) -> Option<u64> {
    answer["items"][0]["create"]["_primary_term"].as_u64()
}

/// What a request of a client that goes to any node asks.
pub fn question(elements: &Elements, request: &Request) -> Question {
    match request.access {
        Access::Write => elements.append(request.lane, request.seq),
        Access::Read => elements.newest(request.lane, false),
    }
}

/// The reply to a request that was answered.
pub fn acknowledged(access: Access, answer: &Value, node: Option<u16>) -> Result<Reply, Failure> {
    match access {
        Access::Write => written(answer).map(|()| Reply::written(node)),
        Access::Read => newest(answer).map(|version| Reply::read(node, version)),
    }
}

/// Whether a bulk did what it was to do: its document is created, and its lane's head is written or newer already.
fn written(answer: &Value) -> Result<(), Failure> {
    let strange = || Failure::Unreadable(answer.to_string().chars().take(200).collect());
    let items = answer["items"].as_array().ok_or_else(strange)?;
    let (document, rest) = items.split_first().ok_or_else(strange)?;
    let created = &document["create"];
    match created["status"].as_u64() {
        Some(201) => {}
        _ => return Err(Failure::refused(Place::Item, created).unwrap_or_else(strange)),
    }
    match rest.first().map(|head| &head["index"]) {
        None => Ok(()),
        Some(head) => match head["status"].as_u64() {
            Some(200 | 201 | 409) => Ok(()),
            _ => Err(Failure::refused(Place::Item, head).unwrap_or_else(strange)),
        },
    }
}

/// The number after the newest, 0 where there is none.
fn newest(answer: &Value) -> Result<u64, Failure> {
    let strange = || Failure::Unreadable(answer.to_string().chars().take(200).collect());
    match answer["found"].as_bool() {
        Some(false) => Ok(0),
        Some(true) => {
            let seq = answer["_source"]["newest"].as_u64();
            seq.map(|seq| seq + 1).ok_or_else(strange)
        }
        None => Err(strange()),
    }
}

#[async_trait]
impl Client for ServiceClient {
    async fn invoke(&mut self, request: Request) -> Reply {
        let mut phase = Phase::Connecting;
        let left = left(request.deadline);
        let reply = match timeout(left, self.attempt(&request, &mut phase)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(failure)) => outcome_of(&failure, phase, request.access),
            Err(_) => late(phase, request.access),
        };
        if let (Target::Any(endpoints, lane), Some((place, _))) = (&self.target, self.at)
            && !reply.outcome.available()
        {
            endpoints.pass_over(*lane, place);
        }
        reply
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(status: u16, name: &str) -> Value {
        json!({ "status": status, "error": { "type": name, "reason": "x" } })
    }

    #[test]
    fn a_write_is_acknowledged_when_its_document_is_created_however_many_copies_failed() {
        let created = |failed: u64| {
            json!({
                "create": { "status": 201, "_shards": { "total": 3, "successful": 3 - failed, "failed": failed } },
            })
        };
        let head = |status: u16| json!({ "index": { "status": status } });
        let older = json!({ "index": refusal(409, "version_conflict_engine_exception") });
        for items in [
            json!([created(0), head(201)]),
            json!([created(1), head(200)]),
            json!([created(0), older]),
            json!([created(0)]),
        ] {
            let reply = acknowledged(Access::Write, &json!({ "items": items }), Some(1));
            assert_eq!(reply.expect("written"), Reply::written(Some(1)));
        }
        let lost = refusal(503, "unavailable_shards_exception");
        for items in [
            json!([{ "create": lost }, { "index": lost }]),
            json!([created(0), { "index": lost }]),
        ] {
            let failure = written(&json!({ "items": items })).expect_err("refused");
            assert!(
                matches!(&failure, Failure::Refused { place: Place::Item, name, .. } if name.starts_with("unavailable")),
                "{failure}"
            );
        }
        for strange in [json!({}), json!({ "items": [] }), json!({ "items": [{}] })] {
            let failure = written(&strange).expect_err("no answer of OpenSearch's");
            assert!(matches!(failure, Failure::Unreadable(_)), "{failure}");
        }
    }

    #[test]
    fn who_took_a_write_is_told_by_its_term() {
        let answer = json!({ "items": [{ "create": { "status": 201, "_primary_term": 2 } }] });
        assert_eq!(taken_in(&answer), Some(2));
        assert_eq!(taken_in(&json!({ "items": [] })), None);
    }

    #[test]
    fn a_read_returns_the_newest_number_or_nothing() {
        let read = |answer: &Value| acknowledged(Access::Read, answer, None);
        let found = json!({ "found": true, "_source": { "newest": 41 } });
        assert_eq!(read(&found).expect("read"), Reply::read(None, 42));
        let none = json!({ "found": false });
        assert_eq!(read(&none).expect("read"), Reply::read(None, 0));
        for strange in [json!({}), json!({ "found": true, "_source": {} })] {
            assert!(matches!(read(&strange), Err(Failure::Unreadable(_))));
        }
    }
}
