//! A member's own view, from `replSetGetStatus`.

use std::{net::SocketAddr, time::Duration};

use mongodb::bson::{Document, Timestamp, doc};
use tokio::time::timeout;

use crate::{
    id::NodeName,
    record::{Role, View},
    system::{SystemError, Told, roster::Roster},
};

use super::wire::{Line, ask, hello, number};

/// A position in the oplog: when, and in which election's term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Optime {
    /// The term of the primary that wrote it.
    pub term: i64,
    /// Seconds and a counter within the second.
    pub at: (u32, u32),
}

impl std::fmt::Display for Optime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{} of term {}", self.at.0, self.at.1, self.term)
    }
}

/// What a member says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its state in the server's words, for instance `PRIMARY`.
    pub state: String,
    /// The latest term that it knows of.
    pub term: i64,
    /// The last operation that it has applied.
    pub applied: Optime,
    /// When that operation was written, milliseconds since 1970 by the clock of the primary of then.
    pub written_ms: i64,
    /// From whom it copies.
    pub source: Option<SocketAddr>,
    /// How it sees each member that holds data: address, whether healthy, state.
    pub members: Vec<(String, bool, String)>,
}

/// The question.
pub fn question() -> Document {
    doc! { "replSetGetStatus": 1 }
}

/// Asks one member within `limit`; none if it does not answer, or is in no set yet.
pub async fn status(address: SocketAddr, limit: Duration) -> Option<Status> {
    let answer = timeout(limit, ask(address, "admin", question())).await;
    Status::parse(&answer.ok()?.ok()?)
}

/// The time of day that a member tells, in whole milliseconds.
///
/// # Errors
/// When it does not answer within `limit`.
pub async fn time_of(address: SocketAddr, limit: Duration) -> Result<Told, SystemError> {
    let refused = |words: &dyn std::fmt::Display| SystemError::Refused(words.to_string());
    let said = timeout(limit, ask(address, "admin", hello())).await;
    let said = said.map_err(|late| refused(&late))?;
    let said = said.map_err(|failure| refused(&failure))?;
    let told = said.get_datetime("localTime");
    let told = told.map_err(|error| refused(&error))?;
    Ok(Told::counted(told.timestamp_millis(), 1_000_000))
}

/// A connection that is kept between questions and made again after a failure.
pub struct Asker {
    address: SocketAddr,
    open: tokio::sync::Mutex<Option<Line>>,
}

impl Asker {
    /// Asks this member.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            open: tokio::sync::Mutex::new(None),
        }
    }

    /// The member's view; none if it does not answer within `limit`.
    pub async fn ask(&self, limit: Duration) -> Option<Status> {
        // Only one question is ever under way; the lock is never waited for.
        let mut open = self.open.try_lock().ok()?;
        let held = open.take();
        let conversation = async {
            let mut line = match held {
                Some(line) => line,
                None => Line::connect(self.address).await.ok()?,
            };
            let answer = line.ask("admin", question()).await.ok()?;
            Some((line, answer))
        };
        let (line, answer) = timeout(limit, conversation).await.ok()??;
        *open = Some(line);
        Status::parse(&answer)
    }
}

impl Status {
    /// Reads the answer to `replSetGetStatus`.
    pub fn parse(answer: &Document) -> Option<Self> {
        let members = answer.get_array("members").ok()?;
        let members: Vec<&Document> = members.iter().filter_map(|one| one.as_document()).collect();
        let own = members
            .iter()
            .find(|one| one.get_bool("self").unwrap_or(false))?;
        let optimes = answer.get_document("optimes").ok()?;
        let applied = optimes.get_document("appliedOpTime").ok()?;
        let Timestamp { time, increment } = applied.get_timestamp("ts").ok()?;
        let written = optimes.get_datetime("lastAppliedWallTime").ok()?;
        let text = |one: &Document, key: &str| one.get_str(key).unwrap_or_default().to_owned();
        let seen = |one: &&Document| {
            let healthy = number(one, "health") == Some(1);
            (text(one, "name"), healthy, text(one, "stateStr"))
        };
        Some(Self {
            state: text(own, "stateStr"),
            term: number(answer, "term")?,
            applied: Optime {
                term: number(applied, "t").unwrap_or(0),
                at: (time, increment),
            },
            written_ms: written.timestamp_millis(),
            source: text(answer, "syncSourceHost").parse().ok(),
            members: members.iter().map(seen).collect(),
        })
    }

    /// Whether it says that it is primary.
    pub fn is_primary(&self) -> bool {
        self.state == "PRIMARY"
    }

    /// Its role.
    pub fn role(&self) -> Role {
        match self.state.as_str() {
            "PRIMARY" => Role::Primary,
            "SECONDARY" => Role::Replica,
            _ => Role::Other,
        }
    }

    /// How far its data is behind that of a primary which wrote last at `leading_ms`, milliseconds.
    pub fn lag_ms(&self, leading_ms: i64) -> u64 {
        if self.is_primary() {
            return 0;
        }
        u64::try_from(leading_ms.saturating_sub(self.written_ms)).unwrap_or(0)
    }

    /// The view of a member that answered this, or did not answer. An optime is no distance in bytes or entries, so the
    /// view has no position; the lag is in milliseconds.
    pub fn view(status: Option<&Self>, node: &NodeName, roster: &Roster, leading_ms: i64) -> View {
        let follows = status.and_then(|status| status.source).map(|address| {
            let seat = roster.data_at(address.ip());
            seat.map_or_else(|| address.to_string(), |seat| seat.name.to_string())
        });
        View {
            node: node.clone(),
            role: status.map_or(Role::Unreachable, Self::role),
            term: status.and_then(|status| u64::try_from(status.term).ok()),
            position: None,
            lag: status.map(|status| status.lag_ms(leading_ms)),
            follows,
            eligible: status.map(|status| status.role() != Role::Other),
        }
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::DateTime;

    use super::*;

    fn answer(state: &str) -> Document {
        doc! {
            "term": 3_i64, "syncSourceHost": "10.0.0.2:27017",
            "optimes": {
                "appliedOpTime": { "ts": Timestamp { time: 1_700, increment: 4 }, "t": 2_i64 },
                "lastAppliedWallTime": DateTime::from_millis(1_700_250),
            },
            "members": [
                { "name": "10.0.0.2:27017", "health": 1.0, "stateStr": "PRIMARY" },
                { "name": "10.0.0.3:27017", "health": 1.0, "stateStr": state, "self": true },
            ],
        }
    }

    #[test]
    fn a_member_is_read() {
        let status = Status::parse(&answer("SECONDARY")).expect("a status");
        assert_eq!((status.role(), status.term), (Role::Replica, 3));
        assert_eq!(
            status.applied,
            Optime {
                term: 2,
                at: (1_700, 4)
            }
        );
        assert_eq!(status.source, "10.0.0.2:27017".parse().ok());
        assert_eq!(status.lag_ms(1_700_400), 150);
        assert_eq!(
            status.members[0],
            ("10.0.0.2:27017".into(), true, "PRIMARY".into())
        );
        let rollback = Status::parse(&answer("ROLLBACK")).expect("a status");
        assert_eq!(rollback.role(), Role::Other);
        assert_eq!(Status::parse(&doc! { "ok": 0 }), None);
    }

    #[test]
    fn a_later_term_is_a_later_position_whatever_the_clock_says() {
        let old = Optime {
            term: 2,
            at: (1_800, 1),
        };
        let new = Optime {
            term: 3,
            at: (1_700, 1),
        };
        assert!(old < new);
    }
}
