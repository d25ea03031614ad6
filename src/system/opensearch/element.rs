//! What the workload writes: a document per append with an id of its own, and beside it the lane's newest number.

use serde_json::{Value, json};

use crate::{
    id::{LaneId, RunId},
    system::mark::{self, Element},
};

use super::api::Question;

/// Makes and reads the documents of a run, which lie in an index of its own.
///
/// An append is one bulk of two writes to the same shard: the document, which is only ever created, and the lane's
/// head, whose version is the number, so that an older one never takes a newer one's place. A lane's newest element is
/// read from its head by id: in real time, where a search sees only what was refreshed.
#[derive(Debug, Clone)]
pub struct Elements {
    run: RunId,
}

impl Elements {
    /// The documents of a run.
    pub fn new(run: RunId) -> Self {
        Self { run }
    }

    /// The run's index.
    pub fn index(&self) -> String {
        format!("drdrill-{}", self.run)
    }

    /// What fields documents have: those that are searched for, and those that are only kept.
    pub fn mapping() -> Value {
        let kept = json!({ "type": "keyword", "index": false, "doc_values": false });
        json!({
            "dynamic": "strict",
            "properties": {
                "lane": { "type": "long" },
                "seq": { "type": "long" },
                "body": kept, "sum": kept,
                "newest": { "type": "long", "index": false, "doc_values": false },
                "pin": { "type": "long", "index": false, "doc_values": false },
                "ready": kept,
            },
        })
    }

    /// One append: the first of its answers is the document's, the second the head's.
    pub fn append(&self, lane: LaneId, seq: u64) -> Question {
        let (run, number) = (&self.run, lane.0);
        self.bulk(&[
            json!({ "create": { "_id": format!("append-{number}-{seq}") } }),
            json!({
                "lane": number, "seq": seq,
                "body": mark::body(run, lane, seq), "sum": mark::checksum(run, lane, seq),
            }),
            json!({ "index": { "_id": head(lane), "version": seq + 1, "version_type": "external" } }),
            json!({ "newest": seq }),
        ])
    }

    /// One probe's document, which nothing reads.
    pub fn pin(&self, lane: LaneId, seq: u64) -> Question {
        self.bulk(&[
            json!({ "create": { "_id": format!("pin-{}-{seq}", lane.0) } }),
            json!({ "pin": seq }),
        ])
    }

    fn bulk(&self, lines: &[Value]) -> Question {
        Question {
            method: "POST",
            path: format!("/{}/_bulk", self.index()),
            body: lines.iter().map(|line| format!("{line}\n")).collect(),
        }
    }

    /// The document by which a stack proves that it replicates.
    pub fn ready(&self) -> Question {
        let proof = json!({ "ready": self.run.to_string() });
        Question::with("PUT", format!("/{}/_doc/ready", self.index()), &proof)
    }

    /// Whether the copy of the node that is asked has that document.
    pub fn is_ready(&self) -> Question {
        self.local("ready")
    }

    /// A lane's head; with `local`, as the copy of the node that is asked has it.
    pub fn newest(&self, lane: LaneId, local: bool) -> Question {
        match local {
            true => self.local(&head(lane)),
            false => Question::get(format!("/{}/_doc/{}", self.index(), head(lane))),
        }
    }

    fn local(&self, id: &str) -> Question {
        let index = self.index();
        Question::get(format!("/{index}/_doc/{id}?preference=_only_local"))
    }

    /// A document of the appends as a search found it, and how often it was written.
    pub fn read(&self, found: &Value) -> (Element, u64) {
        let times = found["_version"].as_u64().unwrap_or(1);
        let source = &found["_source"];
        let text = |name: &str| source[name].as_str().unwrap_or_default();
        let element = match (source["lane"].as_i64(), source["seq"].as_i64()) {
            (Some(lane), Some(seq)) if found["_id"] == format!("append-{lane}-{seq}") => {
                mark::element(&self.run, lane, seq, (text("body"), text("sum")))
            }
            _ => Element::Alien,
        };
        (element, times)
    }
}

fn head(lane: LaneId) -> String {
    format!("head-{}", lane.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements() -> Elements {
        Elements::new(RunId::new("20261121t081500", 7))
    }

    /// The lines of an append, and its document as a search would find it.
    fn sent(seq: u64) -> (Vec<Value>, Value) {
        let body = elements().append(LaneId(3), seq).body;
        assert!(body.ends_with('\n'), "the last line ends too");
        let lines: Vec<Value> = body
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        let found = json!({
            "_id": lines[0]["create"]["_id"], "_version": 1, "_source": lines[1],
        });
        (lines, found)
    }

    #[test]
    fn a_document_is_sound_only_as_it_was_sent_and_tells_how_often_it_was_written() {
        let (elements, lane) = (elements(), LaneId(3));
        let (_, mut found) = sent(41);
        assert_eq!(elements.read(&found), (Element::Append(lane, 41, true), 1));
        found["_version"] = 2.into();
        assert_eq!(elements.read(&found), (Element::Append(lane, 41, true), 2));
        let mut torn = found.clone();
        torn["_source"]["body"] = "torn".into();
        assert_eq!(elements.read(&torn).0, Element::Append(lane, 41, false));
        let mut other = found.clone();
        other["_source"] = sent(42).1["_source"].clone();
        assert_eq!(elements.read(&other).0, Element::Alien, "under another id");
        found["_source"] = json!({ "newest": 41 });
        assert_eq!(elements.read(&found).0, Element::Alien);
        assert_eq!(elements.read(&json!({})).0, Element::Alien);
    }

    #[test]
    fn an_older_number_never_takes_a_newer_heads_place() {
        let version = |seq| {
            let head = sent(seq).0[2]["index"].clone();
            assert_eq!(
                (head["_id"].as_str(), head["version_type"].as_str()),
                (Some("head-3"), Some("external"))
            );
            head["version"].as_u64().expect("a version")
        };
        assert!(version(0) > 0, "a version is positive");
        assert!(version(9) < version(10));
        assert_eq!(sent(9).0[3], json!({ "newest": 9 }));
    }
}
