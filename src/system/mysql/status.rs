//! What one server says of itself.

use std::{net::SocketAddr, time::Duration};

use sqlx::MySqlConnection;
use tokio::time::timeout;

use crate::{
    id::NodeName,
    record::{Role, View},
    system::roster::Roster,
};

use super::{
    gtid::Gtids,
    kind::Kind,
    members::{Membership, named, text},
    sql::{self, Account},
};

/// The longest wait for one server's word on a new connection; a node that is gone from the network does not even
/// refuse.
pub const ASK_LIMIT: Duration = Duration::from_millis(800);

/// The transactions that a follower may be behind and count as in sync: a second of a hundred writes a second.
pub const LAG_MAX: u64 = 100;

/// What one server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Whether it refuses the workload's writes.
    pub read_only: bool,
    /// What it has applied.
    pub executed: Gtids,
    /// Whom it follows and how, if anyone.
    pub replica: Option<Replica>,
    /// What it says of its group, if the topology has one.
    pub group: Option<Membership>,
}

/// How a replica follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// The source's address.
    pub source: String,
    /// Whether the IO thread runs: `Yes`, `No`, `Connecting` (MySQL and MariaDB's words).
    pub io: String,
    /// Whether the SQL thread runs.
    pub sql: String,
    /// What it has received.
    pub received: Gtids,
    /// By how many seconds it believes to be behind; empty if it does not know.
    pub seconds: String,
    /// The last error of either thread; empty if there is none.
    pub error: String,
}

impl Replica {
    /// Whether both threads run.
    pub fn runs(&self) -> bool {
        self.io == "Yes" && self.sql == "Yes"
    }
}

impl Status {
    /// Asks on a connection.
    async fn read(connection: &mut MySqlConnection, kind: Kind) -> sqlx::Result<Self> {
        let unreadable = || sqlx::Error::Protocol("GTIDs that cannot be read".into());
        let rows = sql::rows(connection, kind.own()).await?;
        let own = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        let gtids = |words: &str| match kind {
            Kind::MySqlReplication | Kind::Group => Gtids::sets(words),
            Kind::MariaDbReplication => Gtids::positions(words),
            Kind::Galera => Some(Gtids::Commits(words.parse().unwrap_or(0))),
        };
        let executed = gtids(&text(own, "executed")?).ok_or_else(unreadable)?;
        let mut replica = None;
        if kind.by_operator() {
            let rows = sql::rows(connection, "SHOW REPLICA STATUS").await?;
            if let Some(row) = rows.first() {
                let maria = kind == Kind::MariaDbReplication;
                let word = |mysql, mariadb| text(row, if maria { mariadb } else { mysql });
                let received = word("Retrieved_Gtid_Set", "Gtid_IO_Pos")?;
                let io_error = text(row, "Last_IO_Error")?;
                let sql_error = text(row, "Last_SQL_Error")?;
                replica = Some(Replica {
                    source: word("Source_Host", "Master_Host")?,
                    io: word("Replica_IO_Running", "Slave_IO_Running")?,
                    sql: word("Replica_SQL_Running", "Slave_SQL_Running")?,
                    received: gtids(&received).ok_or_else(unreadable)?,
                    seconds: word("Seconds_Behind_Source", "Seconds_Behind_Master")?,
                    error: if io_error.is_empty() {
                        sql_error
                    } else {
                        io_error
                    },
                });
            }
        }
        Ok(Self {
            read_only: text(own, "read_only")? != "0",
            executed,
            replica,
            group: Membership::ask(connection, kind).await?,
        })
    }

    /// Asks a server on a new connection.
    ///
    /// # Errors
    /// Why it did not answer.
    pub async fn ask(address: SocketAddr, kind: Kind) -> Result<Self, String> {
        let conversation = async {
            let mut connection = sql::connect(address, Account::Operator).await?;
            Self::read(&mut connection, kind).await
        };
        match timeout(ASK_LIMIT, conversation).await {
            Ok(answer) => answer.map_err(|error| sql::words(&error)),
            Err(_) => Err(format!("no answer within {ASK_LIMIT:?}")),
        }
    }

    /// Asks a server on the connection held, or a new one, and gives the connection back if it is good.
    pub async fn ask_again(
        held: Option<MySqlConnection>,
        address: SocketAddr,
        kind: Kind,
        limit: Duration,
    ) -> Option<(MySqlConnection, Self)> {
        let conversation = async {
            let mut connection = match held {
                Some(connection) => connection,
                None => sql::connect(address, Account::Operator).await.ok()?,
            };
            let status = Self::read(&mut connection, kind).await.ok()?;
            Some((connection, status))
        };
        timeout(limit, conversation).await.ok().flatten()
    }

    /// Whether it takes the workload's writes by its own word.
    pub fn writable(&self) -> bool {
        match &self.group {
            Some(group) => group.writable,
            None => !self.read_only && self.replica.is_none(),
        }
    }

    /// What it has received, applied or not; what it has applied may be more.
    pub fn reach(&self) -> u64 {
        let received = self.replica.as_ref().map(|replica| &replica.received);
        self.executed.count() + received.map_or(0, |received| received.beyond(&self.executed))
    }

    /// How many transactions it has received and not applied.
    pub fn lag(&self) -> Option<u64> {
        let replica = self.replica.as_ref()?;
        Some(replica.received.beyond(&self.executed))
    }

    fn role(&self) -> Role {
        if self.writable() {
            return Role::Primary;
        }
        let follows = match &self.group {
            Some(group) => matches!(group.state.as_str(), "ONLINE" | "Synced"),
            None => self.replica.is_some(),
        };
        if follows { Role::Replica } else { Role::Other }
    }

    fn eligible(&self) -> bool {
        match (&self.group, &self.replica) {
            (Some(_), _) | (None, None) => self.role() != Role::Other,
            (None, Some(replica)) => replica.runs() && self.lag().is_some_and(|lag| lag <= LAG_MAX),
        }
    }
}

/// A server's view of itself.
pub fn view(node: NodeName, status: Option<&Status>, roster: &Roster) -> View {
    let Some(status) = status else {
        return View {
            node,
            role: Role::Unreachable,
            term: None,
            position: None,
            lag: None,
            follows: None,
            eligible: None,
        };
    };
    let source = status.replica.as_ref();
    let source = source.map(|replica| named(&replica.source, roster));
    let leader = status.group.as_ref().and_then(|group| group.leader(roster));
    let follows = source.or(leader).filter(|name| name != node.as_str());
    View {
        node,
        role: status.role(),
        term: None,
        position: Some(status.executed.count()),
        lag: status.lag(),
        follows,
        eligible: Some(status.eligible()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(read_only: bool, replica: Option<(&str, &str, &str)>) -> Status {
        let gtids = |words| Gtids::positions(words).expect("a position");
        Status {
            read_only,
            executed: gtids("0-1-500"),
            replica: replica.map(|(io, sql, received)| Replica {
                source: "10.0.0.1".into(),
                io: io.into(),
                sql: sql.into(),
                received: gtids(received),
                seconds: String::new(),
                error: String::new(),
            }),
            group: None,
        }
    }

    #[test]
    fn a_primary_follows_nobody_and_takes_writes() {
        let running = Some(("Yes", "Yes", "0-1-600"));
        let cases = [
            (status(false, None), Role::Primary, true),
            (status(true, None), Role::Other, false),
            (status(true, running), Role::Replica, true),
            (status(false, running), Role::Replica, true),
            (
                status(true, Some(("Connecting", "Yes", "0-1-500"))),
                Role::Replica,
                false,
            ),
            (
                status(true, Some(("Yes", "No", "0-1-500"))),
                Role::Replica,
                false,
            ),
            (
                status(true, Some(("Yes", "Yes", "0-1-601"))),
                Role::Replica,
                false,
            ),
        ];
        for (status, role, eligible) in cases {
            assert_eq!(
                (status.role(), status.eligible()),
                (role, eligible),
                "{status:?}"
            );
        }
        let behind = status(true, Some(("No", "Yes", "0-1-510")));
        assert_eq!((behind.reach(), behind.lag()), (510, Some(10)));
        let ahead = status(true, Some(("No", "Yes", "0-1-490")));
        assert_eq!((ahead.reach(), ahead.lag()), (500, Some(0)));
    }
}
