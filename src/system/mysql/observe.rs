//! Watches the nodes, what they say of replication or of their group, and whom clients use, until told to stop.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::MySqlConnection;
use tokio_util::sync::CancellationToken;

use crate::{
    id::NodeName,
    record::{ControlEvent, Emitter, Milestone, What},
    system::{Observer, roster::Roster, roster::Seat, watch::watch},
};

use super::{
    lead::Directory,
    members::named,
    status::{Status, view},
};

/// How often a node is asked.
const VIEW_EVERY: Duration = Duration::from_millis(250);

/// The longest wait for a node's answer: after it, the node counts as unreachable.
const VIEW_LIMIT: Duration = Duration::from_millis(500);

/// Who watches, and where it is said.
#[derive(Clone)]
pub struct Watch {
    /// Where it is said.
    pub emitter: Emitter,
    /// When it ends.
    pub stop: CancellationToken,
    /// Who is who, and whom clients use.
    pub directory: Arc<Directory>,
}

/// What is kept of one node between two looks.
#[derive(Default)]
struct Held {
    connection: Option<MySqlConnection>,
    said: Option<String>,
    leader: Option<String>,
}

impl Watch {
    /// Watches one node on a connection of its own. What it says of its replication threads or of its group is told when
    /// it changes; a leader that another member no longer sees has been declared gone by it.
    pub fn node(&self, seat: &Seat) -> Observer {
        let (seat, directory, emitter) =
            (seat.clone(), self.directory.clone(), self.emitter.clone());
        let held: Arc<Mutex<Held>> = Arc::default();
        watch(
            self.emitter.clone(),
            self.stop.clone(),
            VIEW_EVERY,
            move || {
                let (seat, directory, emitter, held) = (
                    seat.clone(),
                    directory.clone(),
                    emitter.clone(),
                    held.clone(),
                );
                async move {
                    let lock = || held.lock().unwrap_or_else(PoisonError::into_inner);
                    let connection = lock().connection.take();
                    let (kind, roster) = (directory.kind, &directory.roster);
                    let answer =
                        Status::ask_again(connection, seat.address, kind, VIEW_LIMIT).await;
                    let (connection, status) = answer.unzip();
                    let mut held = lock();
                    held.connection = connection;
                    if let Some(status) = &status {
                        held.tell(&emitter, &seat, status, roster);
                    }
                    view(seat.name, status.as_ref(), roster)
                }
            },
        )
    }

    /// Watches whom clients use.
    pub fn lead(&self) -> Observer {
        let Self {
            emitter,
            stop,
            directory,
        } = self.clone();
        tokio::spawn(async move {
            let mut lead = directory.lead.subscribe();
            loop {
                let changed = tokio::select! {
                    () = stop.cancelled() => return,
                    changed = lead.changed() => changed,
                };
                if changed.is_err() {
                    return;
                }
                let address = *lead.borrow_and_update();
                let name = named(&address.ip().to_string(), &directory.roster);
                emitter.say(What::Control(ControlEvent {
                    source: NodeName::new("members"),
                    milestone: Some(Milestone::Routed),
                    text: format!("clients were led to {name} by the members"),
                    node: Some(NodeName::new(name)),
                }));
            }
        })
    }
}

impl Held {
    fn tell(&mut self, emitter: &Emitter, seat: &Seat, status: &Status, roster: &Roster) {
        let said = words(status, roster);
        if self.said.as_ref() == Some(&said) {
            return;
        }
        let leader = status.group.as_ref().and_then(|group| group.leader(roster));
        let lost = self
            .leader
            .take()
            .filter(|old| Some(old) != leader.as_ref());
        let declared = lost.filter(|old| old != seat.name.as_str());
        self.leader = leader;
        emitter.say(What::Control(ControlEvent {
            source: seat.name.clone(),
            milestone: declared.as_ref().map(|_| Milestone::Declared),
            node: Some(declared.map_or_else(|| seat.name.clone(), NodeName::new)),
            text: said.clone(),
        }));
        self.said = Some(said);
    }
}

/// A server's threads or group in words that change only when something happens.
fn words(status: &Status, roster: &Roster) -> String {
    match (&status.group, &status.replica) {
        (Some(group), _) => group.words(roster),
        (None, None) => {
            let writes = if status.read_only {
                "read-only"
            } else {
                "takes writes"
            };
            format!("follows nobody, {writes}")
        }
        (None, Some(replica)) => {
            let source = named(&replica.source, roster);
            let behind = match replica.seconds.as_str() {
                "" => "does not know how far it is behind",
                "0" | "1" => "at most a second behind",
                _ => "more than a second behind",
            };
            let error = match replica.error.as_str() {
                "" => String::new(),
                error => format!(", error: {error}"),
            };
            format!(
                "follows {source}, IO thread {}, SQL thread {}, {behind}{error}",
                replica.io, replica.sql
            )
        }
    }
}
