//! OpenSearch's API as JSON over HTTP: what is asked, and what an answer says.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    time::Duration,
};

use serde_json::Value;
use tokio::time::timeout;

use crate::system::{
    endpoints::{Endpoint, connect},
    http::{Answer, Call, Line},
};

/// Where nodes listen for clients.
pub const PORT: u16 = 9200;

/// Where nodes listen for each other.
pub const PEER_PORT: u16 = 9300;

/// What was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The request as a whole, by the node that was asked.
    Request,
    /// One write of a bulk, by whoever was to do it.
    Item,
}

/// Why there is no answer that can be used.
#[derive(Debug)]
pub enum Failure {
    /// The connection failed or was lost.
    Lost(io::Error),
    /// OpenSearch refused: the name of its exception, and its words.
    Refused {
        place: Place,
        status: u16,
        name: String,
        words: String,
    },
    /// What came back is no answer of OpenSearch's.
    Unreadable(String),
}

impl Failure {
    /// A refusal, from where an answer has its status and its error.
    pub fn refused(place: Place, answer: &Value) -> Option<Self> {
        let error = &answer["error"];
        Some(Self::Refused {
            place,
            status: u16::try_from(answer["status"].as_u64()?).ok()?,
            name: error["type"].as_str()?.to_owned(),
            words: error["reason"].as_str().unwrap_or_default().to_owned(),
        })
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lost(error) => write!(f, "{error}"),
            Self::Refused { name, words, .. } => write!(f, "{name}: {words}"),
            Self::Unreadable(what) => write!(f, "unreadable answer: {what}"),
        }
    }
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// The body: JSON, lines of JSON, or nothing.
    pub body: String,
}

impl Question {
    /// One without a body.
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: "GET",
            path: path.into(),
            body: String::new(),
        }
    }

    /// One with a body.
    pub fn with(method: &'static str, path: impl Into<String>, body: &Value) -> Self {
        Self {
            method,
            path: path.into(),
            body: body.to_string(),
        }
    }
}

/// A connection to one node.
#[derive(Debug)]
pub struct Open {
    line: Line,
    address: SocketAddr,
}

impl Open {
    /// On a connection that stands.
    pub fn over(line: Line, address: SocketAddr) -> Self {
        Self { line, address }
    }

    /// Connects as clients do, within their limit.
    ///
    /// # Errors
    /// Those of the connection, and `TimedOut`.
    pub async fn at(endpoint: Endpoint) -> io::Result<Self> {
        Ok(Self::over(connect(endpoint).await?, endpoint.address))
    }

    /// Whether the node has not ended it.
    pub fn is_open(&self) -> bool {
        self.line.is_open()
    }

    /// Asks. After a loss the connection is of no use any more.
    ///
    /// # Errors
    /// When there is no answer, or it is a refusal.
    pub async fn ask(&mut self, question: &Question) -> Result<Value, Failure> {
        let call = Call {
            method: question.method,
            address: self.address,
            path: &question.path,
            body: &question.body,
        };
        match self.line.ask(call).await {
            Ok(answer) => read(&answer),
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                Err(Failure::Unreadable(error.to_string()))
            }
            Err(error) => Err(Failure::Lost(error)),
        }
    }
}

/// One question to one node on a connection of its own, with words for an error.
///
/// # Errors
/// When there is no answer within `limit`, or it is a refusal.
pub async fn ask(
    address: SocketAddr,
    question: &Question,
    limit: Duration,
) -> Result<Value, String> {
    let conversation = async {
        let line = Line::connect(address).await.map_err(Failure::Lost)?;
        Open::over(line, address).ask(question).await
    };
    match timeout(limit, conversation).await {
        Ok(answer) => answer.map_err(|failure| failure.to_string()),
        Err(_) => Err(format!("no answer within {limit:?}")),
    }
}

/// A document that is not there is an answer too, though its status is that of an error.
fn read(answer: &Answer) -> Result<Value, Failure> {
    let strange = || {
        let body: String = answer.body.trim().chars().take(200).collect();
        Failure::Unreadable(format!("status {}: {body}", answer.status))
    };
    let said: Value = serde_json::from_str(&answer.body).map_err(|_| strange())?;
    let absent = answer.status == 404 && said["found"] == Value::Bool(false);
    if (200..300).contains(&answer.status) || absent {
        return Ok(said);
    }
    Err(Failure::refused(Place::Request, &said).unwrap_or_else(strange))
}

/// Whether every copy that was to answer did: an answer from some of them is not the whole one.
pub fn complete(answer: &Value) -> bool {
    let shards = &answer["_shards"];
    let total = shards["total"].as_u64().filter(|total| *total > 0);
    total.is_some() && shards["successful"].as_u64() == total && shards["failed"] == 0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let body = body.to_owned();
        Answer { status, body }
    }

    #[test]
    fn successes_refusals_and_other_peoples_answers_are_told_apart() {
        let said = read(&answer(200, r#"{"took":3,"errors":false,"items":[]}"#));
        assert_eq!(said.expect("a success")["took"], 3);
        let absent = read(&answer(404, r#"{"_id":"x","found":false}"#));
        assert_eq!(absent.expect("an answer")["found"], false);
        let blocked =
            r#"{"error":{"type":"cluster_block_exception","reason":"blocked by"},"status":503}"#;
        let failure = read(&answer(503, blocked)).expect_err("a refusal");
        assert!(
            matches!(&failure, Failure::Refused { place: Place::Request, status: 503, name, .. } if name == "cluster_block_exception")
        );
        for (status, body) in [(404, "{}"), (200, "<html>"), (500, r#"{"error":"x"}"#)] {
            let failure = read(&answer(status, body)).expect_err("no answer of OpenSearch's");
            assert!(matches!(failure, Failure::Unreadable(_)), "{failure}");
        }
    }

    #[test]
    fn an_answer_from_some_copies_is_not_complete() {
        let of = |total: u64, successful: u64, failed: u64| {
            complete(
                &json!({ "_shards": { "total": total, "successful": successful, "failed": failed } }),
            )
        };
        assert!(of(1, 1, 0));
        assert!(!of(3, 2, 0), "one did not answer");
        assert!(!of(3, 2, 1));
        assert!(!of(0, 0, 0), "nobody was asked");
        assert!(!complete(&json!({})));
    }
}
