//! The service client: a connection of its own to the next endpoint or to one member, dropped when anything goes wrong.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    history::{Access, Outcome, register_value},
    id::LaneId,
    system::{
        Client, Reply, Request, Subject,
        endpoints::{Endpoint, Endpoints},
        mark::Element,
    },
    time::left,
};

use super::{
    api::{Failure, Open, Question, found, plain},
    element::{Elements, Space},
    outcome::{Phase, late, outcome_of},
    status::Status,
};

/// Where a client goes.
#[derive(Debug, Clone)]
pub enum Target {
    /// Through the list of endpoints, from where this lane is in it.
    Any(Arc<Endpoints>, LaneId),
    /// To this member, with pinned probes.
    Pinned(Endpoint),
}

/// A client on a connection of its own.
pub struct ServiceClient {
    elements: Elements,
    target: Target,
    serializable: bool,
    open: Option<Open>,
    /// Where its connection leads: the place on the list, and the member.
    at: Option<(usize, u16)>,
}

impl ServiceClient {
    /// A client that connects when first used; with `serializable`, a read is what the member that is asked has itself.
    pub fn new(elements: Elements, target: Target, serializable: bool) -> Self {
        Self {
            elements,
            target,
            serializable,
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
            Target::Pinned(endpoint) => {
                let open = Open::at(*endpoint).await.map_err(Failure::Lost)?;
                (open, (0, endpoint.node))
            }
        };
        self.at = Some(at);
        Ok(open)
    }

    async fn attempt(&mut self, request: &Request, phase: &mut Phase) -> Reply {
        let asked = async {
            let mut open = match self.open.take() {
                Some(open) => open,
                None => self.connect().await?,
            };
            // A member hands a write to its leader, whoever that is. A probe is to tell whether this one takes writes
            // itself, so it asks it first.
            if matches!(self.target, Target::Pinned(_)) && request.access == Access::Write {
                let status = open.ask(&Question::status()).await?;
                if !Status::parse(&status).is_some_and(|status| status.leads()) {
                    self.open = Some(open);
                    return Ok(Reply::error(Outcome::Fail, "not leader"));
                }
            }
            *phase = Phase::Sent;
            let answer = open.ask(&self.question(request)).await?;
            self.open = Some(open);
            Ok(self.acknowledged(request, &answer))
        };
        let asked: Result<Reply, Failure> = asked.await;
        asked.unwrap_or_else(|failure| outcome_of(&failure, *phase, request.access))
    }

    fn question(&self, request: &Request) -> Question {
        let space = match self.target {
            Target::Any(..) => Space::Appends,
            Target::Pinned(_) => Space::Pins,
        };
        let local = self.serializable || matches!(self.target, Target::Pinned(_));
        question(&self.elements, request, space, local)
    }

    fn acknowledged(&self, request: &Request, answer: &Value) -> Reply {
        let node = self.at.map(|(_, node)| node);
        acknowledged(&self.elements, request, answer, node)
    }
}

/// What a request asks.
pub fn question(
    elements: &Elements,
    request: &Request,
    space: Space,
    serializable: bool,
) -> Question {
    match (request.on, request.access) {
        (Subject::Register(register), Access::Write) => {
            elements.set(register, register_value(request.lane, request.seq))
        }
        (Subject::Register(register), Access::Read) => elements.get(register, serializable),
        // Planning refuses accounts and lists here.
        (Subject::Appends | Subject::Accounts(_) | Subject::Lists(_), Access::Write) => {
            elements.append(space, request.lane, request.seq)
        }
        (Subject::Appends | Subject::Accounts(_) | Subject::Lists(_), Access::Read) => {
            elements.newest(request.lane, serializable)
        }
    }
}

/// The reply to a request that was answered: for a read, what the first key that it returned says.
pub fn acknowledged(
    elements: &Elements,
    request: &Request,
    answer: &Value,
    node: Option<u16>,
) -> Reply {
    if request.access == Access::Write {
        return Reply::written(node);
    }
    let version = found(answer).first().map_or(Some(0), |first| {
        if let Subject::Register(_) = request.on {
            return plain(&first["value"])?.parse().ok();
        }
        match elements.read(first).0 {
            Element::Append(_, seq, _) => Some(seq + 1),
            Element::Alien => None,
        }
    });
    match version {
        Some(version) => Reply::read(node, version),
        None => Reply::error(Outcome::Fail, "unreadable element"),
    }
}

#[async_trait]
impl Client for ServiceClient {
    async fn invoke(&mut self, request: Request) -> Reply {
        let mut phase = Phase::Connecting;
        let left = left(request.deadline);
        let attempt = timeout(left, self.attempt(&request, &mut phase)).await;
        let reply = attempt.unwrap_or_else(|_| late(phase, request.access));
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
    use std::time::Instant;

    use serde_json::json;

    use super::*;
    use crate::{id::RunId, system::etcd::api::coded};

    fn request(on: Subject, access: Access) -> Request {
        Request {
            access,
            on,
            lane: LaneId(3),
            seq: 41,
            deadline: Instant::now(),
        }
    }

    #[test]
    fn a_read_returns_the_newest_element_a_registers_value_or_nothing() {
        let elements = Elements::new(RunId::new("20261121t081500", 7));
        let read = |on, answer: &Value| {
            acknowledged(&elements, &request(on, Access::Read), answer, Some(1))
        };
        let put = elements.append(Space::Appends, LaneId(3), 41).body;
        let appended = json!({ "kvs": [{ "key": put["key"], "value": put["value"] }] });
        assert_eq!(read(Subject::Appends, &appended), Reply::read(Some(1), 42));
        assert_eq!(read(Subject::Appends, &json!({})), Reply::read(Some(1), 0));
        let register = json!({ "kvs": [{ "value": coded("77") }] });
        let on = Subject::Register(2);
        assert_eq!(read(on, &register), Reply::read(Some(1), 77));
        assert_eq!(read(on, &json!({})), Reply::read(Some(1), 0));
        for strange in [json!({ "value": coded("x") }), json!({ "key": "?" })] {
            let answer = json!({ "kvs": [strange] });
            let expected = Reply::error(Outcome::Fail, "unreadable element");
            assert_eq!(read(on, &answer), expected);
        }
    }

    #[test]
    fn a_register_is_set_to_the_value_of_its_write() {
        let elements = Elements::new(RunId::new("20261121t081500", 7));
        let write = request(Subject::Register(2), Access::Write);
        let question = question(&elements, &write, Space::Appends, false);
        let value = register_value(LaneId(3), 41).to_string();
        assert_eq!(question.body["value"], coded(&value));
    }
}
