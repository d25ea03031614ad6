//! etcd's API as JSON over HTTP: what is asked, and what an answer says.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::system::{
    endpoints::{Endpoint, connect},
    http::{Answer, Call, Line},
};

/// Where members listen for clients.
pub const PORT: u16 = 2379;

/// Where members listen for each other.
pub const PEER_PORT: u16 = 2380;

/// Why there is no answer that can be used.
#[derive(Debug)]
pub enum Failure {
    /// The connection failed or was lost.
    Lost(io::Error),
    /// etcd refused: gRPC's code, and its words.
    Refused { code: u64, words: String },
    /// What came back is no answer of etcd's.
    Unreadable(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lost(error) => write!(f, "{error}"),
            Self::Refused { code, words } => write!(f, "code {code}: {words}"),
            Self::Unreadable(what) => write!(f, "unreadable answer: {what}"),
        }
    }
}

/// A request: its path and its body.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The path.
    pub path: &'static str,
    /// The body.
    pub body: Value,
}

impl Question {
    /// Sets a key.
    pub fn put(key: &str, value: &str) -> Self {
        Self {
            path: "/v3/kv/put",
            body: json!({ "key": coded(key), "value": coded(value) }),
        }
    }

    /// Reads one key.
    pub fn get(key: &str, serializable: bool) -> Self {
        Self {
            path: "/v3/kv/range",
            body: json!({ "key": coded(key), "serializable": serializable }),
        }
    }

    /// Reads the first keys from `from` on that begin with `prefix`, which ends with a slash, in the order of the keys.
    pub fn first(prefix: &str, from: &str, limit: u32, serializable: bool) -> Self {
        let end = format!("{}0", prefix.trim_end_matches('/'));
        Self {
            path: "/v3/kv/range",
            body: json!({
                "key": coded(from), "range_end": coded(&end), "limit": limit, "serializable": serializable,
            }),
        }
    }

    /// The same read, of the store as it was at a revision.
    pub fn at_revision(mut self, revision: u64) -> Self {
        self.body["revision"] = revision.to_string().into();
        self
    }

    /// Asks a member how it stands.
    pub fn status() -> Self {
        Self {
            path: "/v3/maintenance/status",
            body: json!({}),
        }
    }

    /// Asks the leader to hand over to the member of this number.
    pub fn hand_over(to: u64) -> Self {
        Self {
            path: "/v3/maintenance/transfer-leadership",
            body: json!({ "targetID": to.to_string() }),
        }
    }
}

/// A connection to one member.
#[derive(Debug)]
pub struct Open {
    line: Line,
    address: SocketAddr,
}

impl Open {
    /// Connects.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        let line = Line::connect(address).await?;
        Ok(Self { line, address })
    }

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

    /// Whether the member has not ended it.
    pub fn is_open(&self) -> bool {
        self.line.is_open()
    }

    /// Asks. After a loss the connection is of no use any more.
    ///
    /// # Errors
    /// When there is no answer, or it is a refusal.
    pub async fn ask(&mut self, question: &Question) -> Result<Value, Failure> {
        let body = question.body.to_string();
        let call = Call {
            method: "POST",
            address: self.address,
            path: question.path,
            body: &body,
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

/// One question to one member on a connection of its own, with words for an error.
///
/// # Errors
/// When there is no answer within `limit`, or it is a refusal.
pub async fn ask(
    address: SocketAddr,
    question: &Question,
    limit: Duration,
) -> Result<Value, String> {
    let conversation = async {
        let mut open = Open::connect(address).await.map_err(Failure::Lost)?;
        open.ask(question).await
    };
    match timeout(limit, conversation).await {
        Ok(answer) => answer.map_err(|failure| failure.to_string()),
        Err(_) => Err(format!("no answer within {limit:?}")),
    }
}

/// An error carries gRPC's code and etcd's words, whatever the status of the answer.
fn read(answer: &Answer) -> Result<Value, Failure> {
    let strange = || {
        let body: String = answer.body.trim().chars().take(200).collect();
        Failure::Unreadable(format!("status {}: {body}", answer.status))
    };
    let said: Value = serde_json::from_str(&answer.body).map_err(|_| strange())?;
    if answer.status == 200 {
        return Ok(said);
    }
    let words = said["message"].as_str().or(said["error"].as_str());
    match (number(&said["code"]), words) {
        (Some(code), Some(words)) => Err(Failure::Refused {
            code,
            words: words.to_owned(),
        }),
        _ => Err(strange()),
    }
}

/// A number: etcd writes long ones as text, and leaves zeros out.
pub fn number(value: &Value) -> Option<u64> {
    let text = || value.as_str().and_then(|text| text.parse().ok());
    value.as_u64().or_else(text)
}

/// The keys that a range returned.
pub fn found(answer: &Value) -> &[Value] {
    answer["kvs"].as_array().map_or(&[], Vec::as_slice)
}

/// Keys and values go as base64.
pub fn coded(text: &str) -> String {
    STANDARD.encode(text)
}

/// The text of a key or a value; none if it is no text.
pub fn plain(value: &Value) -> Option<String> {
    let bytes = STANDARD.decode(value.as_str().unwrap_or_default()).ok()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let body = body.to_owned();
        Answer { status, body }
    }

    #[test]
    fn successes_refusals_and_other_peoples_answers_are_told_apart() {
        let said = read(&answer(200, r#"{"header":{"raft_term":"2"},"count":"3"}"#));
        let said = said.expect("a success");
        assert_eq!(number(&said["count"]), Some(3));
        assert_eq!(number(&said["header"]["raft_term"]), Some(2));
        let refused =
            r#"{"error":"etcdserver: no leader","code":14,"message":"etcdserver: no leader"}"#;
        let failure = read(&answer(503, refused)).expect_err("a refusal");
        assert!(
            matches!(&failure, Failure::Refused { code: 14, words } if words == "etcdserver: no leader")
        );
        for (status, body) in [(404, "page not found"), (200, "<html>"), (500, "{}")] {
            let failure = read(&answer(status, body)).expect_err("no answer of etcd's");
            assert!(matches!(failure, Failure::Unreadable(_)), "{failure}");
        }
    }

    #[test]
    fn a_range_ends_behind_the_last_key_of_its_prefix() {
        let question = Question::first("a/b/", "a/b/7", 5, true).at_revision(9);
        let text = |key: &str| plain(&question.body[key]).expect("text");
        assert_eq!(
            (text("key"), text("range_end")),
            ("a/b/7".into(), "a/b0".into())
        );
        assert_eq!(question.body["limit"], 5);
        assert_eq!(question.body["serializable"], true);
        assert_eq!(question.body["revision"], "9");
    }
}
