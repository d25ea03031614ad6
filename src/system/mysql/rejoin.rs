//! Bringing a node back: it follows or joins again, with its own data where that is part of the others' history.

use std::{path::PathBuf, time::Duration};

use crate::{
    id::NodeName,
    runtime::NodeFile,
    system::{SystemError, roster::Seat, started::listening},
};

use super::{
    gtid::Gtids, health::Said, kind::Kind, moves::refused, running::MySqlStack, shape::is_of, sql,
    status::Status,
};

/// The file that makes a node's next start throw its data away.
const REBUILD_PATH: &str = "/drdrill/rebuild";

/// The longest wait for a started node's first answer: it recovers its tables first.
const LISTEN_LIMIT: Duration = Duration::from_secs(90);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_secs(2);

/// How long a node may take to stop before it is killed.
const STOP_GRACE: Duration = Duration::from_secs(30);

impl MySqlStack {
    /// Starts a node so that it follows whoever is primary now, or joins its group.
    pub(super) async fn rejoin(&self, node: &NodeName) -> Result<(), SystemError> {
        let seat = self.seat(node)?;
        self.start(&seat).await?;
        if self.shape.kind == Kind::Galera {
            // It joins by itself, with whatever it misses.
            return Ok(());
        }
        let said = self.statuses().await;
        let primary = said.iter().find(|(other, status)| {
            other.name != *node && status.as_ref().is_ok_and(Status::writable)
        });
        let own = said.iter().find(|(other, _)| other.name == *node);
        match (primary, own) {
            (Some((primary, Ok(leads))), Some((_, Ok(own)))) => {
                self.return_to(primary, leads, &seat, own).await
            }
            (None, Some((_, Ok(own)))) => self.alone(&seat, own).await,
            _ => Err(refused(format!("`{node}` does not answer"))),
        }
    }

    async fn start(&self, seat: &Seat) -> Result<(), SystemError> {
        self.runtime.start(&seat.name).await?;
        listening(&*self.runtime, &seat.name, LISTEN_LIMIT, || async {
            sql::ask(seat.address, ASK_LIMIT, "SELECT 1")
                .await
                .map(drop)
        })
        .await
    }

    /// With nobody else to follow, an operator lets the node that clients use take writes again.
    async fn alone(&self, seat: &Seat, own: &Status) -> Result<(), SystemError> {
        let leads = *self.directory.lead.borrow() == seat.address;
        if !self.shape.kind.by_operator() || !leads || own.replica.is_some() {
            return Ok(());
        }
        self.lead_again(seat).await
    }

    /// Makes a server that follows nobody take writes.
    pub(super) async fn lead_again(&self, seat: &Seat) -> Result<(), SystemError> {
        let wait = self.shape.wait_for_replicas(true);
        let statements: Vec<String> = wait.into_iter().chain(self.shape.open()).collect();
        self.tell(seat, &statements).await
    }

    async fn return_to(
        &self,
        primary: &Seat,
        leads: &Status,
        seat: &Seat,
        own: &Status,
    ) -> Result<(), SystemError> {
        let errant = self.errant(primary, leads, own);
        if errant > 0 {
            self.say(format!(
                "errant: {} holds {errant} transactions that {} has not; its data is thrown away and made anew",
                seat.name, primary.name
            ));
            self.rebuild(seat).await?;
        }
        match self.shape.kind {
            Kind::Group => self.join(seat).await,
            _ => self.tell(seat, &self.shape.follow(primary.address)).await,
        }
    }

    /// How many transactions a server holds that the primary has not. Positions of MariaDB have only numbers, so what
    /// counts there is where the primary was when it took over.
    fn errant(&self, primary: &Seat, leads: &Status, own: &Status) -> u64 {
        let since = self.promoted().get(&primary.name).cloned();
        let follower = match &own.executed {
            Gtids::Positions(positions) => {
                positions.values().all(|(last, _)| is_of(*last, primary))
            }
            Gtids::Sets(_) | Gtids::Commits(_) => false,
        };
        match since {
            Some(since) if self.shape.kind.maria() && !follower => own.executed.beyond(&since),
            _ => own.executed.beyond(&leads.executed),
        }
    }

    /// Throws a node's data away. What it needs is in the binary logs of the others, from their beginning.
    async fn rebuild(&self, seat: &Seat) -> Result<(), SystemError> {
        self.runtime.stop(&seat.name, STOP_GRACE).await?;
        let file = NodeFile {
            path: PathBuf::from(REBUILD_PATH),
            mode: 0o644,
            bytes: b"errant transactions\n".to_vec(),
        };
        self.runtime.upload(&seat.name, &[file]).await?;
        self.start(seat).await
    }

    /// Begins the stack's life: one leads, the others follow or join.
    pub(super) async fn begin(&self) -> Result<(), SystemError> {
        let seats: Vec<Seat> = self.roster().data().cloned().collect();
        let Some((first, others)) = seats.split_first() else {
            return Err(refused("there is no data node".into()));
        };
        match self.shape.kind {
            Kind::Galera => Ok(()),
            Kind::Group => self.found_group(first, others).await,
            Kind::MySqlReplication | Kind::MariaDbReplication => {
                let statements = self.shape.follow(first.address);
                let follow = others.iter().map(|seat| self.tell(seat, &statements));
                futures_util::future::try_join_all(follow).await?;
                self.lead_again(first).await
            }
        }
    }
}

/// The node that clients use now, among those that take writes; where all do, the one in use, or the first.
///
/// # Errors
/// When none takes writes, or more than one in a topology where only one may.
pub fn in_use<'a>(
    said: &'a [Said],
    kind: Kind,
    lead: std::net::SocketAddr,
) -> Result<&'a Said, SystemError> {
    if kind != Kind::Galera {
        return super::health::sole_primary(said);
    }
    let writable = |said: &&Said| said.1.as_ref().is_ok_and(Status::writable);
    let used = said
        .iter()
        .filter(writable)
        .find(|said| said.0.address == lead);
    used.or_else(|| said.iter().find(writable))
        .ok_or_else(|| refused("no node takes writes".into()))
}
