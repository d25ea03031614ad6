//! What nodes and sentinels say while the drill runs.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt;
use redis::{Client, Cmd, Msg, RedisResult, aio::MultiplexedConnection};
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    id::NodeName,
    record::{ControlEvent, Emitter, MemberKind, Milestone, What},
    system::{
        Observer,
        roster::{Roster, Seat},
        watch::watch,
    },
};

use super::{
    link::{Login, command},
    sentinel::{self, Watched},
    status::Status,
};

/// How often a node is asked for its view.
const NODE_EVERY: Duration = Duration::from_millis(100);

/// How often a sentinel is asked where the primary is: the moment when its answer changes.
const ROUTE_EVERY: Duration = Duration::from_millis(50);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_millis(300);

/// The pause before a lost subscription is made again.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Watches every member that holds data, each on a connection of its own.
pub fn nodes(
    (roster, login): (&Arc<Roster>, &Login),
    emitter: &Emitter,
    stop: &CancellationToken,
) -> Vec<Observer> {
    let leading = Arc::new(AtomicU64::new(0));
    let observe = |seat: &Seat| {
        let line = Arc::new(Line::new(seat.address, login.clone()));
        let (roster, leading, name) = (roster.clone(), leading.clone(), seat.name.clone());
        watch(emitter.clone(), stop.clone(), NODE_EVERY, move || {
            let (roster, leading, name, line) =
                (roster.clone(), leading.clone(), name.clone(), line.clone());
            async move {
                let status = line.ask().await;
                if let Some(status) = status.as_ref().filter(|status| status.primary) {
                    leading.store(status.offset, Ordering::Relaxed);
                }
                Status::view(
                    status.as_ref(),
                    &name,
                    &roster,
                    leading.load(Ordering::Relaxed),
                )
            }
        })
    };
    roster.data().map(observe).collect()
}

/// A connection that is kept between questions and made again after a failure.
pub struct Line {
    address: SocketAddr,
    login: Login,
    open: Mutex<Option<MultiplexedConnection>>,
}

impl Line {
    /// To this server; it is not connected yet.
    pub fn new(address: SocketAddr, login: Login) -> Self {
        Self {
            address,
            login,
            open: Mutex::new(None),
        }
    }

    async fn ask(&self) -> Option<Status> {
        let answer = self.text(&command(&["INFO", "replication"])).await?;
        Status::parse(&answer)
    }

    /// The answer to a question, in time; none where there was none.
    pub async fn text(&self, question: &Cmd) -> Option<String> {
        // Only one question is ever under way; the lock is never waited for.
        let mut open = self.open.try_lock().ok()?;
        let mut connection = match open.take() {
            Some(connection) => connection,
            None => self.login.connect(self.address, ASK_LIMIT).await.ok()?,
        };
        let answer = timeout(ASK_LIMIT, question.query_async::<String>(&mut connection)).await;
        let answer = answer.ok()?.ok()?;
        *open = Some(connection);
        Some(answer)
    }
}

/// Watches every sentinel: what it announces, and where it says that the primary is.
pub fn sentinels(
    (roster, watched): (&Arc<Roster>, &Watched),
    emitter: &Emitter,
    stop: &CancellationToken,
) -> Vec<Observer> {
    let both = |seat: &Seat| {
        let watcher = Watcher {
            name: seat.name.clone(),
            address: seat.address,
            roster: roster.clone(),
            watched: watched.clone(),
            emitter: emitter.clone(),
        };
        let (again, stop, until) = (watcher.clone(), stop.clone(), stop.clone());
        [
            tokio::spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = watcher.announcements() => {}
                }
            }),
            tokio::spawn(async move {
                tokio::select! {
                    () = until.cancelled() => {}
                    () = again.route() => {}
                }
            }),
        ]
    };
    roster.of(MemberKind::Control).flat_map(both).collect()
}

#[derive(Clone)]
struct Watcher {
    name: NodeName,
    address: SocketAddr,
    roster: Arc<Roster>,
    watched: Watched,
    emitter: Emitter,
}

impl Watcher {
    async fn announcements(self) {
        loop {
            // Losing a sentinel is nothing to report here: its views and the drill's faults tell.
            let _ = self.listen().await;
            sleep(AGAIN_AFTER).await;
        }
    }

    async fn listen(&self) -> RedisResult<()> {
        let open = Client::open(self.watched.control.info(self.address)?)?;
        let mut subscription = open.get_async_pubsub().await?;
        subscription.psubscribe(&["+*", "-*"]).await?;
        let mut messages = subscription.into_on_message();
        while let Some(message) = messages.next().await {
            if let Some(event) = self.event(&message) {
                self.emitter.say(What::Control(event));
            }
        }
        Ok(())
    }

    fn event(&self, message: &Msg) -> Option<ControlEvent> {
        let payload: String = message.get_payload().ok()?;
        let (milestone, node) = read(&self.watched.master, message.get_channel_name(), &payload)?;
        let node = node
            .and_then(|ip| self.roster.data_at(ip))
            .map(|seat| seat.name.clone());
        Some(ControlEvent {
            source: self.name.clone(),
            milestone,
            node,
            text: format!("{} {payload}", message.get_channel_name()),
        })
    }

    async fn route(self) {
        let mut known: Option<SocketAddr> = None;
        loop {
            let (at, answer) = self
                .emitter
                .time(sentinel::primary_by(self.address, &self.watched, ASK_LIMIT))
                .await;
            if let Ok(address) = answer {
                if known.is_some_and(|known| known != address) {
                    let seat = self.roster.data_at(address.ip());
                    self.emitter.say_at(
                        at,
                        What::Control(ControlEvent {
                            source: self.name.clone(),
                            milestone: Some(Milestone::Routed),
                            node: seat.map(|seat| seat.name.clone()),
                            text: format!("names {address} as the primary"),
                        }),
                    );
                }
                known = Some(address);
            }
            sleep(ROUTE_EVERY).await;
        }
    }
}

/// Reads one announcement: the milestone, and the address of the node that it speaks of. Those that tell
/// nothing of a failover give nothing.
///
/// The primary is declared gone when a quorum agrees (`+odown` of the master).
fn read(
    master: &str,
    channel: &str,
    payload: &str,
) -> Option<(Option<Milestone>, Option<std::net::IpAddr>)> {
    let words: Vec<&str> = payload.split_whitespace().collect();
    let ip = |index: usize| words.get(index).and_then(|word| word.parse().ok());
    match channel {
        "+odown" if words.first() == Some(&"master") => Some((Some(Milestone::Declared), ip(2))),
        // `<name> <old ip> <old port> <new ip> <new port>`
        "+switch-master" if words.first() == Some(&master) => Some((None, ip(3))),
        "+sdown"
        | "-sdown"
        | "-odown"
        | "+try-failover"
        | "+vote-for-leader"
        | "+elected-leader"
        | "+selected-slave"
        | "+failover-state-send-slaveof-noone"
        | "+failover-state-wait-promotion"
        | "+promoted-slave"
        | "+failover-state-reconf-slaves"
        | "+slave-reconf-sent"
        | "+slave-reconf-done"
        | "+failover-end"
        | "+failover-end-for-timeout"
        | "-failover-abort-not-elected"
        | "-failover-abort-no-good-slave"
        | "-failover-abort-slave-timeout"
        | "+convert-to-slave"
        | "+config-update-from"
        | "+tilt"
        | "-tilt"
        | "+reboot"
        | "+new-epoch" => Some((None, ip(2))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announcements_are_read() {
        let old = "10.0.0.2".parse().ok();
        let new = "10.0.0.3".parse().ok();
        let declared = read(
            "drdrill",
            "+odown",
            "master drdrill 10.0.0.2 6379 #quorum 2/2",
        );
        assert_eq!(declared, Some((Some(Milestone::Declared), old)));
        let switched = read(
            "drdrill",
            "+switch-master",
            "drdrill 10.0.0.2 6379 10.0.0.3 6379",
        );
        assert_eq!(switched, Some((None, new)));
        let replica = "slave 10.0.0.3:6379 10.0.0.3 6379 @ drdrill 10.0.0.2 6379";
        assert_eq!(read("drdrill", "+sdown", replica), Some((None, new)));
        assert_eq!(read("drdrill", "+slave-reconf-inprog", replica), None);
    }
}
