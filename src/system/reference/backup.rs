//! Backups of the reference store: a node of its own receives the log as the primary writes it, and restores beside the service.

use std::{net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    id::NodeName,
    record::{Emitter, Holdings, LogKept, What},
    system::{
        Backups, Observer, SettingKind, SettingSpec, SystemError, Until,
        backups::{BACKUP, LAG_EVERY, refused},
    },
};

use super::{
    asked::{ASK_LIMIT, holdings, looked},
    client::Connection,
    wire::{Ask, Status},
};

/// Whether backups are kept.
pub const SETTING: SettingSpec = SettingSpec {
    name: BACKUP,
    kind: SettingKind::OneOf(&["off", "log"]),
    default: "off",
    help: "keeps backups on a node of their own, `backup1`, which receives the log as the primary writes it",
};

/// The node that keeps a stack's backups.
pub struct Store {
    seat: (NodeName, SocketAddr),
    /// The nodes of the stack.
    nodes: Arc<Vec<(NodeName, SocketAddr)>>,
}

impl Store {
    /// That of a stack with these nodes.
    pub fn new(seat: (NodeName, SocketAddr), nodes: Arc<Vec<(NodeName, SocketAddr)>>) -> Self {
        Self { seat, nodes }
    }

    /// The node, and where it answers.
    pub fn seat(&self) -> &(NodeName, SocketAddr) {
        &self.seat
    }

    /// Watches up to where the log is kept, as whoever takes writes is told.
    pub fn watch(&self, emitter: &Emitter, stop: CancellationToken) -> Observer {
        let (emitter, nodes) = (emitter.clone(), self.nodes.clone());
        tokio::spawn(async move {
            stop.run_until_cancelled(look_on(emitter, &nodes)).await;
        })
    }

    /// Asks it something that takes as long as it takes; returns what it says was done.
    async fn asked(&self, ask: Ask) -> Result<String, SystemError> {
        let (name, address) = &self.seat;
        let unread = |error: std::io::Error| {
            SystemError::Refused(format!("`{name}` does not answer: {error}"))
        };
        let mut connection = Connection::open(0, *address).await.map_err(unread)?;
        let answer = connection.ask(ask).await.map_err(unread)?;
        let said = |word: &str| answer.strip_prefix(word).map(|said| said.trim().to_owned());
        match (said("ok"), said("error")) {
            (Some(done), _) => Ok(done),
            (None, Some(why)) => Err(SystemError::Refused(why)),
            (None, None) => Err(refused(name, answer)),
        }
    }
}

/// Asks all nodes, each on a connection that is kept; whoever takes writes says up to where its log is kept.
async fn look_on(emitter: Emitter, nodes: &[(NodeName, SocketAddr)]) {
    let mut open: Vec<Option<Connection>> = nodes.iter().map(|_| None).collect();
    let mut ticks = interval(LAG_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let looks = nodes.iter().zip(&mut open).map(|((name, address), open)| {
            let emitter = &emitter;
            async move {
                let look = timeout(ASK_LIMIT, looked(open, *address));
                let (at, status) = emitter.time(look).await;
                Some((at, name, status.ok()??))
            }
        });
        let seen = futures_util::future::join_all(looks).await;
        let mut takers = seen
            .into_iter()
            .flatten()
            .filter(|(.., status)| status.primary);
        // Of two that take writes nobody can tell whose log counts.
        if let (Some((at, node, status)), None) = (takers.next(), takers.next()) {
            let kept = LogKept {
                node: node.clone(),
                written: status.length,
                kept: status.kept,
            };
            emitter.say_at(at, What::LogKept(kept));
        }
    }
}

/// Whether all that a primary has written is kept.
pub fn whole(primary: &Status) -> bool {
    primary.kept == Some(primary.length)
}

#[async_trait]
impl Backups for Store {
    fn node(&self) -> &NodeName {
        &self.seat.0
    }

    async fn backup(&self) -> Result<String, SystemError> {
        self.asked(Ask::BackUp).await
    }

    async fn fetch(&self, until: Until) -> Result<String, SystemError> {
        let until = micros(until)?;
        self.asked(Ask::Fetch { until }).await
    }

    async fn replay(&self, until: Until) -> Result<String, SystemError> {
        let until = micros(until)?;
        self.asked(Ask::Replay { until }).await
    }

    async fn restored(&self) -> Result<Holdings, SystemError> {
        holdings(&self.seat.0, self.seat.1, Ask::Restored).await
    }

    async fn write(&self) -> Result<(), SystemError> {
        self.asked(Ask::Add).await.map(drop)
    }
}

fn micros(until: Until) -> Result<u64, SystemError> {
    let micros = until.micros();
    let refused = |_| SystemError::Refused(format!("`{micros}` is no moment of these servers"));
    micros.parse().map_err(refused)
}
