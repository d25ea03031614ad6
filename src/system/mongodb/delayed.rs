//! Backups by a hidden member that applies everything later than the others: taken out of the set, rolled forward to the point, opened.
//!
//! What a delayed member has applied is in its oplog; what it has fetched and not applied is in its memory only. So a
//! restore to a moment stops it, adds to its oplog what is missing up to the moment from a member that lives, and has it
//! replay that (`recoverFromOplogAsStandalone`), as tools do that restore files to a moment. Where nobody else lives,
//! stopping it would lose what it has in memory: it is forced into a set of its own first, which has it apply all of that.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use mongodb::bson::{Bson, DateTime, Document, Timestamp, doc};
use tokio::time::timeout;

use crate::{
    id::NodeName,
    record::{Holdings, MemberKind},
    runtime::{NodeFile, Runtime},
    system::{
        Backups, SettingKind, SettingSpec, SystemError, Until,
        backups::{BACKUP, received, refused},
        roster::Seat,
        settings::Values,
        wait::until,
    },
};

use super::{
    client::DATABASE,
    deploy::{command, started, within},
    element::Elements,
    finals,
    running::MongoStack,
    set::ReplicaSet,
    status::{Status, status},
    wire::{Failure, Line, number},
};

/// Whether there is a delayed member.
pub const SETTING: SettingSpec = SettingSpec {
    name: BACKUP,
    kind: SettingKind::OneOf(&["off", "delayed"]),
    default: "off",
    help: "adds a hidden member, `backup1`, without votes and priority, that applies everything later than the others \
           (secondaryDelaySecs)",
};

/// How much later.
pub const DELAY: SettingSpec = SettingSpec {
    name: "backup-delay",
    kind: SettingKind::Duration,
    default: "1h",
    help: "how much later `backup1` applies what was written, in whole seconds (secondaryDelaySecs); the server's default is 0, its \
           manual's example is an hour",
};

/// It ends at once when it is stopped: nobody is to be told of it.
pub const ARGUMENTS: &str = "--setParameter shutdownTimeoutMillisForSignaledShutdown=0";

/// What the start script reads.
const MODE_PATH: &str = "/drdrill/mode";

/// A server of no set.
const ALONE: &str = "alone";

/// A server of no set that replays its oplog and takes no writes.
const REPLAY: &str = "replay";

/// How long it may take to end.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// How long it may take to come up, and to replay, apply or copy an oplog.
const TOOL_LIMIT: Duration = Duration::from_secs(15 * 60);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_secs(5);

/// How often is asked.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// How far behind its delay it may be when a backup is asked for.
const BEHIND: Duration = Duration::from_secs(10);

/// How many operations are copied at a time.
const BATCH: i32 = 1_000;

/// The times in an oplog may be behind the server's clock: in 600 writes that were measured by 1 ms at most; more is allowed for.
const TOLD_LATE: Duration = Duration::from_millis(50);

/// Adds the delayed member to the configuration of a set.
///
/// # Errors
/// When the delay cannot be read; the scenario's check refuses such a file before.
pub fn join(
    configuration: &mut Document,
    seat: &Seat,
    values: Values<'_>,
) -> Result<(), SystemError> {
    let delay = i64::try_from(values.duration(DELAY.name)?.as_secs()).unwrap_or(i64::MAX);
    if let Ok(members) = configuration.get_array_mut("members") {
        let id = i32::try_from(members.len()).unwrap_or(i32::MAX);
        members.push(Bson::from(doc! {
            "_id": id, "host": seat.address.to_string(),
            "hidden": true, "priority": 0, "votes": 0, "secondaryDelaySecs": delay,
        }));
    }
    Ok(())
}

/// The delayed member, and the server that is restored from it.
pub struct Store {
    seat: Seat,
    runtime: Arc<dyn Runtime>,
    elements: Elements,
    set: Arc<ReplicaSet>,
    delay: Duration,
}

/// An operation's place in an oplog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    ts: Timestamp,
    term: i64,
    wall: DateTime,
}

impl Entry {
    fn of(operation: &Document) -> Option<Self> {
        Some(Self {
            ts: operation.get_timestamp("ts").ok()?,
            term: number(operation, "t").unwrap_or(0),
            wall: *operation.get_datetime("wall").ok()?,
        })
    }

    /// Whether it was written before a moment. Its time is in whole milliseconds, as the moment is.
    fn before(&self, until: Until) -> bool {
        match until {
            Until::Moment(moment) => self.wall.timestamp_millis() < moment.div_euclid(1_000_000),
            Until::Latest => true,
        }
    }

    fn clock(&self) -> String {
        let told = self.wall.try_to_rfc3339_string();
        told.unwrap_or_else(|_| format!("{} ms", self.wall.timestamp_millis()))
    }
}

/// What came from another member's oplog.
#[derive(Debug, Default)]
struct Copied {
    operations: u64,
    /// The first that was not copied.
    next: Option<Entry>,
}

impl Store {
    /// That of a stack, if it has one.
    ///
    /// # Errors
    /// When the delay cannot be read; the scenario's check refuses such a file before.
    pub fn of(stack: &MongoStack, values: Values<'_>) -> Result<Option<Self>, SystemError> {
        let delay = values.duration(DELAY.name)?;
        let seat = stack.roster.of(MemberKind::Store).next();
        Ok(seat.map(|seat| Self {
            seat: seat.clone(),
            runtime: stack.runtime.clone(),
            elements: stack.elements.clone(),
            set: stack.set.clone(),
            delay: Duration::from_secs(delay.as_secs()),
        }))
    }

    /// Waits until it is a secondary that copies from another member.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn prove(&self) -> Result<String, SystemError> {
        let name = &self.seat.name;
        let seen = received(name, || async {
            let seen = status(self.seat.address, ASK_LIMIT).await;
            let seen = seen.ok_or("it does not answer")?;
            match seen.source {
                Some(_) if seen.state == "SECONDARY" => Ok(()),
                _ => Err(format!("it is {}", seen.state)),
            }
        });
        seen.await?;
        let delay = self.delay;
        Ok(format!(
            "{name}: SECONDARY, hidden, without a vote, applies everything {delay:?} later"
        ))
    }

    /// Starts it anew as one of no set; what it says when it does not come up is its refusal.
    async fn again(&self, mode: &str) -> Result<(), SystemError> {
        let node = &self.seat.name;
        self.runtime.stop(node, STOP_LIMIT).await?;
        let mode = NodeFile::text(MODE_PATH, 0o644, mode);
        self.runtime.upload(node, &[mode]).await?;
        match started(&*self.runtime, &self.seat, TOOL_LIMIT).await {
            Err(SystemError::NotReady { waited, log, .. }) => {
                let fatal = log.lines().find(|line| line.contains(r#""s":"F""#));
                let said = fatal.unwrap_or(&waited);
                Err(SystemError::Refused(format!("`{node}` ended: {said}")))
            }
            other => other,
        }
    }

    /// The newest operation in its oplog.
    async fn newest(&self) -> Result<Entry, SystemError> {
        let newest =
            doc! { "find": OPLOG, "sort": { "$natural": -1 }, "limit": 1, "singleBatch": true };
        let said = within(ASK_LIMIT, self.seat.address, LOCAL, newest).await;
        let said = said.map_err(|why| self.refused(&why))?;
        let newest = batch(&said).first().and_then(|one| Entry::of(one));
        newest.ok_or_else(|| self.refused("its oplog is empty"))
    }

    fn refused(&self, why: &str) -> SystemError {
        SystemError::Refused(format!("`{}`: {why}", self.seat.name))
    }

    /// Whose oplog is read, and whether that is the primary: else the member that got furthest. None where nobody answers.
    async fn source(&self) -> Option<(Seat, bool)> {
        let all = self.set.statuses().await;
        let answers = all
            .iter()
            .filter_map(|(seat, said)| Some((seat, said.as_ref()?)));
        let best = answers.max_by_key(|(_, said)| (said.is_primary(), said.applied));
        best.map(|(seat, said)| ((*seat).clone(), said.is_primary()))
    }

    /// Makes it the only member of its set, without a delay: it applies all that it has fetched, and is primary then. It must
    /// leave the set before any other member is back, which would take this configuration for its own.
    async fn drain(&self) -> Result<(), SystemError> {
        let address = self.seat.address;
        let failed = |why: String| self.refused(&why);
        let said = command(address, doc! { "replSetGetConfig": 1 }).await;
        let said = said.map_err(failed)?;
        let configuration = said.get_document("config").ok().and_then(|all| {
            let own = address.to_string();
            let members = all.get_array("members").ok()?;
            let mut members = members.iter().filter_map(Bson::as_document);
            let mut own = members
                .find(|one| one.get_str("host").is_ok_and(|host| host == own))?
                .clone();
            own.extend(
                doc! { "hidden": false, "priority": 1, "votes": 1, "secondaryDelaySecs": 0_i64 },
            );
            let mut all = all.clone();
            all.insert("members", vec![Bson::from(own)]);
            all.insert("version", number(&all, "version")? + 1);
            Some(all)
        });
        let none = || self.refused("its configuration does not name it");
        let configuration = configuration.ok_or_else(none)?;
        let force = doc! { "replSetReconfig": configuration, "force": true };
        within(ASK_LIMIT, address, "admin", force)
            .await
            .map_err(failed)?;
        let look = || async {
            let seen = status(address, ASK_LIMIT).await;
            let seen = seen.ok_or("it does not answer")?;
            let said = command(address, super::wire::hello()).await?;
            let writable = said.get_bool("isWritablePrimary").unwrap_or(false);
            match seen.is_primary() && writable {
                true => Ok(()),
                false => Err(format!("it is {}", seen.state)),
            }
        };
        until(TOOL_LIMIT, ASK_EVERY, look).await.map_err(failed)
    }

    /// Adds to its oplog what follows `last` in another member's, up to the first that was written at the point or after it.
    async fn copy(
        &self,
        from: SocketAddr,
        last: Entry,
        until: Until,
    ) -> Result<Copied, SystemError> {
        let copying = async {
            let mut source = Line::connect(from).await?;
            let mut own = Line::connect(self.seat.address).await?;
            let mut copied = Copied::default();
            let mut common = false;
            let mut ask =
                doc! { "find": OPLOG, "filter": { "ts": { "$gte": last.ts } }, "batchSize": BATCH };
            loop {
                ask.insert("$readPreference", doc! { "mode": "nearest" });
                let said = source.ask(LOCAL, ask).await?;
                let mut wanted = Vec::new();
                for operation in batch(&said) {
                    let unreadable = || Failure::Unreadable("an operation without a time".into());
                    let entry = Entry::of(operation).ok_or_else(unreadable)?;
                    if !common {
                        if (entry.ts, entry.term) != (last.ts, last.term) {
                            return Ok(None);
                        }
                        common = true;
                    } else if entry.before(until) {
                        wanted.push(Bson::from(operation.clone()));
                    } else {
                        copied.next = Some(entry);
                        break;
                    }
                }
                if !wanted.is_empty() {
                    copied.operations += wanted.len() as u64;
                    let add = doc! { "insert": OPLOG, "documents": wanted };
                    own.ask(LOCAL, add).await?;
                }
                let cursor = said.get_document("cursor").ok();
                match cursor.and_then(|cursor| number(cursor, "id")) {
                    Some(id) if id != 0 && copied.next.is_none() => {
                        ask = doc! { "getMore": id, "collection": OPLOG, "batchSize": BATCH };
                    }
                    _ => return Ok(common.then_some(copied)),
                }
            }
        };
        let copied: Result<_, Failure> = timeout(TOOL_LIMIT, copying)
            .await
            .map_err(|_| self.refused("the oplog was not copied in time"))?;
        let copied = copied.map_err(|failure| self.refused(&failure.to_string()))?;
        let gone =
            || self.refused("the other members' oplogs do not reach back to its newest operation");
        copied.ok_or_else(gone)
    }
}

const LOCAL: &str = "local";
const OPLOG: &str = "oplog.rs";

/// The documents of a cursor's answer.
fn batch(said: &Document) -> Vec<&Document> {
    let cursor = said.get_document("cursor").ok();
    let batch = cursor.and_then(|cursor| {
        let mut keys = ["firstBatch", "nextBatch"].iter();
        keys.find_map(|key| cursor.get_array(key).ok())
    });
    let batch = batch.into_iter().flatten();
    batch.filter_map(Bson::as_document).collect()
}

#[async_trait]
impl Backups for Store {
    fn node(&self) -> &NodeName {
        &self.seat.name
    }

    fn counts_in(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn told_late(&self) -> Duration {
        TOLD_LATE
    }

    /// A delayed member is a backup at any time; what there is to see is whether it follows.
    async fn backup(&self) -> Result<String, SystemError> {
        let node = &self.seat.name;
        let own = status(self.seat.address, ASK_LIMIT).await;
        let own = own.ok_or_else(|| refused(node, "it does not answer"))?;
        if own.state != "SECONDARY" {
            return Err(refused(node, format!("it is {}", own.state)));
        }
        let all = self.set.statuses().await;
        let leading = all.iter().filter_map(|(_, status)| status.as_ref());
        let leading = leading.filter(|status| status.is_primary());
        let leading = leading.map(|status| status.written_ms).max();
        let leading = leading.ok_or_else(|| refused(node, "nobody is primary"))?;
        let lag = Duration::from_millis(Status::lag_ms(&own, leading));
        let delay = self.delay;
        if lag > delay + BEHIND {
            let why = format!("it is {lag:?} behind, by a delay of {delay:?}");
            return Err(refused(node, why));
        }
        Ok(format!(
            "a member with a delay of {delay:?}, {lag:?} behind"
        ))
    }

    async fn fetch(&self, until: Until) -> Result<String, SystemError> {
        let source = self.source().await;
        match (&source, until) {
            (Some(_), _) => {}
            (None, Until::Latest) => self.drain().await?,
            // Left as it is: stopped, it would lose what it has in memory.
            (None, Until::Moment(_)) => {
                return Err(
                    self.refused("no other member answers who has what follows what it applied")
                );
            }
        }
        self.again(ALONE).await?;
        let last = self.newest().await?;
        let clock = last.clock();
        let Some((from, is_primary)) = source else {
            return Ok(format!(
                "no other member answers: it applied all that it had fetched, up to {clock}, and left the set"
            ));
        };
        if !last.before(until) {
            let why = format!(
                "it has applied what was written up to {clock}, and the point is before that"
            );
            return Err(self.refused(&why));
        }
        let Copied { operations, next } = self.copy(from.address, last, until).await?;
        let next = match next {
            Some(next) => format!("the next is of {}", next.clock()),
            // What a primary has not written by now was not written before the point.
            None if is_primary || until == Until::Latest => "where it ends".into(),
            None => return Err(self.refused("no other member has the oplog up to the point")),
        };
        Ok(format!(
            "it had applied what was written up to {clock}; {operations} operations added from the oplog of {}, {next}",
            from.name
        ))
    }

    async fn replay(&self, _: Until) -> Result<String, SystemError> {
        self.again(REPLAY).await?;
        self.again(ALONE).await?;
        let clock = self.newest().await?.clock();
        Ok(format!(
            "its oplog replayed up to {clock}; it is a server of no set now"
        ))
    }

    async fn restored(&self) -> Result<Holdings, SystemError> {
        finals::holdings(&self.elements, &[self.seat.address]).await
    }

    async fn write(&self) -> Result<(), SystemError> {
        let insert = doc! {
            "insert": "drdrill_restored", "documents": [{}], "writeConcern": { "w": "majority", "j": true },
        };
        let done = within(ASK_LIMIT, self.seat.address, DATABASE, insert).await;
        done.map(drop).map_err(SystemError::Refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delayed_member_has_no_vote_and_no_priority() {
        let seat = Seat {
            index: 3,
            name: NodeName::new("backup1"),
            kind: MemberKind::Store,
            address: "10.0.0.5:27017".parse().expect("an address"),
            host: "backup1".into(),
        };
        let mut configuration = doc! { "members": [{ "_id": 0 }, { "_id": 1 }, { "_id": 2 }] };
        let settings = [("backup-delay", "90500ms".to_owned())].into();
        join(&mut configuration, &seat, Values(&settings)).expect("a delay");
        let members = configuration.get_array("members").expect("members");
        let expected = doc! {
            "_id": 3, "host": "10.0.0.5:27017", "hidden": true, "priority": 0, "votes": 0, "secondaryDelaySecs": 90_i64,
        };
        assert_eq!(members[3], Bson::from(expected));
    }

    #[test]
    fn an_operation_of_the_points_millisecond_is_not_before_it() {
        let operation = doc! {
            "ts": Timestamp { time: 1_700, increment: 4 }, "t": 2_i64, "wall": DateTime::from_millis(1_700_250),
        };
        let entry = Entry::of(&operation).expect("an entry");
        assert!(entry.before(Until::Latest));
        assert!(entry.before(Until::Moment(1_700_251_000_000)));
        assert!(!entry.before(Until::Moment(1_700_250_000_000)));
        assert_eq!(Entry::of(&doc! { "wall": 1 }), None);
    }
}
