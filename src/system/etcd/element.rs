//! What the workload writes: a key per append, whose version counts how often it was applied.

use serde_json::Value;

use crate::{
    id::{LaneId, RunId},
    system::mark::{self, Element},
};

use super::api::{Question, number, plain};

/// Which keys a lane writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// Those of the workload, which final reads read.
    Appends,
    /// Those of pinned probes, which nothing reads.
    Pins,
}

impl Space {
    fn name(self) -> &'static str {
        match self {
            Self::Appends => "appends",
            Self::Pins => "pins",
        }
    }
}

/// Makes and reads the keys of a run.
///
/// An append is a put of a key of its own. etcd counts the puts of a key since it was made (`version`): a second
/// application shows there. Numbers in keys count down, so that a lane's newest element is the first of its range.
#[derive(Debug, Clone)]
pub struct Elements {
    run: RunId,
}

impl Elements {
    /// The keys of a run.
    pub fn new(run: RunId) -> Self {
        Self { run }
    }

    /// The run.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// What the keys of the appends begin with.
    pub fn prefix(&self) -> String {
        format!("drdrill/{}/{}/", self.run, Space::Appends.name())
    }

    /// The key by which a stack proves that it replicates.
    pub fn ready(&self) -> String {
        format!("drdrill/{}/ready", self.run)
    }

    /// One append.
    pub fn append(&self, space: Space, lane: LaneId, seq: u64) -> Question {
        let (run, space, countdown) = (&self.run, space.name(), u64::MAX - seq);
        let key = format!("drdrill/{run}/{space}/{:05}/{countdown:020}", lane.0);
        let value = format!(
            "{}{}",
            mark::body(run, lane, seq),
            mark::checksum(run, lane, seq)
        );
        Question::put(&key, &value)
    }

    /// A lane's newest element.
    pub fn newest(&self, lane: LaneId, serializable: bool) -> Question {
        let prefix = format!("{}{:05}/", self.prefix(), lane.0);
        Question::first(&prefix, &prefix, 1, serializable)
    }

    /// Sets a register.
    pub fn set(&self, register: u16, value: u64) -> Question {
        Question::put(&self.register(register), &value.to_string())
    }

    /// Reads a register.
    pub fn get(&self, register: u16, serializable: bool) -> Question {
        Question::get(&self.register(register), serializable)
    }

    fn register(&self, register: u16) -> String {
        format!("drdrill/{}/registers/{register:05}", self.run)
    }

    /// A key of the appends as it was found, and how often it was put.
    pub fn read(&self, found: &Value) -> (Element, u64) {
        let times = number(&found["version"]).unwrap_or(1);
        let element = plain(&found["key"])
            .and_then(|key| self.named(&key))
            .map_or(Element::Alien, |(lane, seq)| {
                let value = plain(&found["value"]).unwrap_or_default();
                let (body, sum) = value.split_at_checked(64).unwrap_or_default();
                mark::element(&self.run, lane, seq, (body, sum))
            });
        (element, times)
    }

    /// Lane and number of a key.
    fn named(&self, key: &str) -> Option<(i64, i64)> {
        let (lane, countdown) = key.strip_prefix(&self.prefix())?.split_once('/')?;
        let seq = u64::MAX - countdown.parse::<u64>().ok()?;
        Some((lane.parse().ok()?, i64::try_from(seq).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::system::etcd::api::coded;

    fn elements() -> Elements {
        Elements::new(RunId::new("20261121t081500", 7))
    }

    fn found(question: &Question, version: u64) -> Value {
        json!({
            "key": question.body["key"], "value": question.body["value"], "version": version.to_string(),
        })
    }

    #[test]
    fn a_key_is_sound_only_as_it_was_sent_and_tells_how_often_it_was_applied() {
        let (elements, lane) = (elements(), LaneId(3));
        let sent = found(&elements.append(Space::Appends, lane, 41), 1);
        assert_eq!(elements.read(&sent), (Element::Append(lane, 41, true), 1));
        let twice = found(&elements.append(Space::Appends, lane, 41), 2);
        assert_eq!(elements.read(&twice), (Element::Append(lane, 41, true), 2));
        let mut torn = sent.clone();
        torn["value"] = coded("torn").into();
        assert_eq!(elements.read(&torn), (Element::Append(lane, 41, false), 1));
        let mut other = sent.clone();
        other["value"] = elements.append(Space::Appends, lane, 42).body["value"].clone();
        assert_eq!(elements.read(&other).0, Element::Append(lane, 41, false));
        let mut strange = sent;
        strange["key"] = coded(&format!("{}x/y", elements.prefix())).into();
        assert_eq!(elements.read(&strange).0, Element::Alien);
        assert_eq!(elements.read(&json!({})).0, Element::Alien);
    }

    #[test]
    fn newer_elements_come_first_and_lanes_do_not_mix() {
        let elements = elements();
        let key = |lane, seq| {
            let question = elements.append(Space::Appends, LaneId(lane), seq);
            plain(&question.body["key"]).expect("text")
        };
        assert!(key(3, 10) < key(3, 9));
        assert!(key(3, 0) < key(4, u64::from(u32::MAX)));
        let newest = elements.newest(LaneId(3), false);
        let bound = |name: &str| plain(&newest.body[name]).expect("text");
        assert!(bound("key") <= key(3, 10) && key(3, 0) < bound("range_end"));
        assert!(key(2, 0) < bound("key") && bound("range_end") <= key(4, 10));
        let pin = elements.append(Space::Pins, LaneId(3), 0);
        let pin = plain(&pin.body["key"]).expect("text");
        assert!(!pin.starts_with(&elements.prefix()));
    }
}
