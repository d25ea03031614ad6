//! A lane's client: each operation one request to the program, in a session that is left where an answer is late.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;

use crate::{
    history::{Access, Outcome},
    id::{NodeName, RunId},
    system::{
        Client, Reply, Request,
        mark::numbered,
        outcome::{Applied, Phase, late, outcome},
        roster::Roster,
    },
    time::left,
};

use super::{
    element::version,
    program::{Lost, Program},
    protocol::{Answer, Ask},
};

/// The most letters of an error's class.
const CLASS: usize = 48;

/// Tells sessions of one drill apart.
static SESSIONS: AtomicU64 = AtomicU64::new(0);

/// A client of a lane.
pub struct OwnClient {
    run: RunId,
    program: Arc<Program>,
    roster: Arc<Roster>,
    node: Option<NodeName>,
    lane: String,
    session: Option<String>,
}

impl OwnClient {
    /// A client whose session begins when it is first used; with a node, of that node and no other.
    pub fn new(
        run: RunId,
        program: Arc<Program>,
        roster: Arc<Roster>,
        (lane, node): (String, Option<NodeName>),
    ) -> Self {
        Self {
            run,
            program,
            roster,
            node,
            lane,
            session: None,
        }
    }

    fn reset(&mut self) {
        if let Some(session) = self.session.take() {
            self.program.reset(&session);
        }
    }

    fn question(&self, request: &Request, ms: u64) -> Ask {
        let node = self.node.as_ref().map(ToString::to_string);
        let list = request.lane.0;
        match request.access {
            Access::Write => Ask::Append {
                list,
                element: numbered(&self.run, request.lane, request.seq),
                node,
                ms,
            },
            Access::Read => Ask::Read { list, node, ms },
        }
    }

    fn reply(&self, request: &Request, answer: &Answer) -> Reply {
        let named = answer
            .node
            .as_ref()
            .or(self.node.as_ref().map(|node| &node.0));
        let seat = named.and_then(|name| self.roster.named(&NodeName::new(name.clone())).ok());
        let node = seat.map(|seat| seat.index);
        match (answer.ok, &answer.fail, request.access) {
            (true, ..) if answer.against().is_some() => {
                Reply::error(Outcome::Info, "the answer contradicts itself")
            }
            (true, _, Access::Write) => Reply::written(node),
            (true, _, Access::Read) => {
                Reply::read(node, version(&self.run, request.lane, &answer.elements))
            }
            (false, Some(why), access) => outcome(Applied::No, &class(why), Phase::Sent, access),
            (false, None, access) => {
                let why = answer.unsure.as_deref().unwrap_or("no reason given");
                outcome(Applied::Perhaps, &class(why), Phase::Sent, access)
            }
        }
    }
}

/// An error's class: its words in lower case, without numbers, so that classes stay few.
fn class(why: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_digit() || c.is_control() {
            ' '
        } else {
            c.to_ascii_lowercase()
        }
    };
    let text: String = why.chars().map(plain).collect();
    let words = text.split_whitespace();
    let words: Vec<&str> = words
        .filter(|word| word.contains(char::is_alphabetic))
        .collect();
    words.join(" ").chars().take(CLASS).collect()
}

#[async_trait]
impl Client for OwnClient {
    async fn invoke(&mut self, request: Request) -> Reply {
        let left = left(request.deadline);
        let ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        let session = self.session.get_or_insert_with(|| {
            let number = SESSIONS.fetch_add(1, Ordering::Relaxed);
            format!("{}.{number}", self.lane)
        });
        let session = session.clone();
        let ask = self.question(&request, ms);
        let reply = match self.program.one(&session, ask, left).await {
            Ok(answer) => self.reply(&request, &answer),
            Err(Lost::Late) => late(Phase::Sent, request.access),
            Err(Lost::Ended) => outcome(
                Applied::Perhaps,
                "client program ended",
                Phase::Sent,
                request.access,
            ),
        };
        if reply.outcome != Outcome::Ok {
            self.reset();
        }
        reply
    }
}

impl Drop for OwnClient {
    fn drop(&mut self) {
        self.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_errors_stay_few() {
        assert_eq!(
            class("Connection refused (10.0.0.3:4222)"),
            "connection refused"
        );
        assert_eq!(class("  no\nleader 17 "), "no leader");
        assert_eq!(class(&"x".repeat(100)).len(), CLASS);
    }
}
