//! What drdrill and the user's program say to each other: one JSON object a line, on the program's standard input and output.
//!
//! Requests of one session come one after the other; sessions go on beside each other. Each answer bears its request's number. The
//! page for people is `docs/guide/own-client.md`; a change here is one there.

use std::collections::BTreeMap;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The schema of both, for a program in any language: `#/$defs/Request` and `#/$defs/Answer`.
pub fn json_schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let either = [
        generator.subschema_for::<Request>(),
        generator.subschema_for::<Answer>(),
    ];
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "drdrill client protocol",
        "description": "A line that drdrill writes to a client program, or one that it reads from it.",
        "anyOf": either,
        "$defs": generator.take_definitions(true),
    })
}

/// A request, with its number and its session.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Request {
    /// Its number.
    pub id: u64,
    /// Its session.
    pub session: String,
    /// What to do.
    #[serde(flatten)]
    pub ask: Ask,
}

/// What the program is to do.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Ask {
    /// Make what this run's lists will stand in, apart from those of every other run.
    Open {
        /// The run.
        run: String,
        /// The nodes' addresses by name.
        nodes: BTreeMap<String, String>,
    },
    /// Append an element to a list, at whoever takes writes, or through this node and no other.
    Append {
        /// The list's number.
        list: u16,
        /// The element: `<number>:<checksum>`.
        element: String,
        /// The node.
        #[serde(skip_serializing_if = "Option::is_none")]
        node: Option<String>,
        /// Give up after so many milliseconds.
        ms: u64,
    },
    /// Tell the newest elements of a list, up to 64.
    Read {
        /// The list's number.
        list: u16,
        /// The node.
        #[serde(skip_serializing_if = "Option::is_none")]
        node: Option<String>,
        /// Give up after so many milliseconds.
        ms: u64,
    },
    /// Tell every element of every list of this run, once for each time that it is there.
    FinalRead {
        /// Of what this node has itself.
        #[serde(skip_serializing_if = "Option::is_none")]
        node: Option<String>,
    },
    /// Tell what a node says that it is.
    Role {
        /// The node.
        node: String,
        /// Give up after so many milliseconds.
        ms: u64,
    },
    /// Close the session's connection, whatever becomes of what is under way on it.
    Reset,
    /// Remove everything of this run.
    Remove,
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["id"]))]
pub struct Answer {
    /// The request's number.
    pub id: u64,
    /// Whether it was done: an append is acknowledged, a read is answered.
    pub ok: bool,
    /// Why it was certainly not done, in a few words.
    pub fail: Option<String>,
    /// Why nobody knows whether it was done.
    pub unsure: Option<String>,
    /// The node that answered, where that is known.
    pub node: Option<String>,
    /// The newest elements of a list.
    pub elements: Vec<String>,
    /// All elements by list.
    pub lists: BTreeMap<u16, Vec<String>>,
    /// Whether more lines of this answer follow.
    pub more: bool,
    /// `primary` or `replica`.
    pub role: Option<String>,
    /// The term, epoch or timeline that the node is in.
    pub term: Option<u64>,
    /// How far the node is: the same number means the same data.
    pub position: Option<u64>,
    /// How far it is behind, as it says.
    pub lag: Option<u64>,
    /// Whom it follows.
    pub follows: Option<String>,
    /// What the store calls itself, with its version.
    pub version: Option<String>,
    /// Settings that bear on failover, as read from the store.
    pub settings: BTreeMap<String, String>,
}

impl Answer {
    /// What it says against having been done.
    pub fn against(&self) -> Option<&str> {
        self.fail.as_deref().or(self.unsure.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_answers_are_as_the_page_shows_them() {
        let request = Request {
            id: 7,
            session: "write-1.2".into(),
            ask: Ask::Append {
                list: 3,
                element: "000000000017:ab12cd34".into(),
                node: None,
                ms: 480,
            },
        };
        let line = serde_json::to_string(&request).expect("JSON");
        assert_eq!(
            line,
            r#"{"id":7,"session":"write-1.2","do":"append","list":3,"element":"000000000017:ab12cd34","ms":480}"#
        );
        let answer: Answer =
            serde_json::from_str(r#"{"id":7,"ok":true,"node":"n1"}"#).expect("JSON");
        assert!(answer.ok && answer.against().is_none());
        let answer: Answer = serde_json::from_str(r#"{"id":7,"unsure":"timeout"}"#).expect("JSON");
        assert_eq!((answer.ok, answer.against()), (false, Some("timeout")));
        let page = include_str!("../../../docs/guide/own-client.md");
        for word in [
            "open",
            "append",
            "read",
            "final-read",
            "role",
            "reset",
            "remove",
        ] {
            assert!(
                page.contains(&format!("| `{word}` |")),
                "the page tells of `{word}`"
            );
        }
    }
}
