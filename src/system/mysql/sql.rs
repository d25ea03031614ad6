//! Connections to one server, and single questions to it.

use std::{net::SocketAddr, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions, MySqlConnection,
    mysql::{MySqlConnectOptions, MySqlRow, MySqlSslMode},
    raw_sql,
};
use tokio::time::timeout;

/// Where the server listens in every node.
pub const PORT: u16 = 3306;

/// Who connects. None has a password and nothing is encrypted: the network is the run's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// drdrill's own questions and moves; it may do everything, also on a server that is read-only.
    Operator,
    /// The workload; it may only read, insert and update, so that a read-only server refuses it.
    Client,
}

impl Account {
    /// The account's name on the server.
    pub fn name(self) -> &'static str {
        match self {
            Self::Operator => "drdrill",
            Self::Client => "drdrill_client",
        }
    }
}

/// How to connect. The driver's own statements at the start of a session are switched off: each costs a round trip.
pub fn options(address: SocketAddr, account: Account) -> MySqlConnectOptions {
    MySqlConnectOptions::new()
        .host(&address.ip().to_string())
        .port(address.port())
        .username(account.name())
        .database("drdrill")
        .ssl_mode(MySqlSslMode::Disabled)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .set_names(false)
        .disable_statement_logging()
}

/// Connects. It has no deadline of its own, and a server that stops answering would hold it for ever: the caller sets
/// one around it.
pub async fn connect(address: SocketAddr, account: Account) -> sqlx::Result<MySqlConnection> {
    options(address, account).connect().await
}

/// Asks on a connection; the statement goes out in one message and nothing is prepared.
pub async fn rows(connection: &mut MySqlConnection, sql: &str) -> sqlx::Result<Vec<MySqlRow>> {
    raw_sql(AssertSqlSafe(sql)).fetch_all(connection).await
}

/// Asks on a new connection, within `limit`.
///
/// # Errors
/// The server's words, or that it did not answer.
pub async fn ask(address: SocketAddr, limit: Duration, sql: &str) -> Result<Vec<MySqlRow>, String> {
    let conversation = async {
        let mut connection = connect(address, Account::Operator).await?;
        rows(&mut connection, sql).await
    };
    match timeout(limit, conversation).await {
        Ok(answer) => answer.map_err(|error| words(&error)),
        Err(_) => Err(format!("no answer within {limit:?}")),
    }
}

/// Does one statement after the other on a new connection, all within `limit`.
///
/// # Errors
/// The server's words and the statement that they answer, or that it did not answer.
pub async fn act(address: SocketAddr, limit: Duration, statements: &[&str]) -> Result<(), String> {
    let conversation = async {
        let connecting = connect(address, Account::Operator).await;
        let mut connection = connecting.map_err(|error| words(&error))?;
        for statement in statements {
            let done = rows(&mut connection, statement).await;
            done.map_err(|error| format!("`{statement}`: {}", words(&error)))?;
        }
        Ok(())
    };
    timeout(limit, conversation)
        .await
        .unwrap_or_else(|_| Err(format!("not done within {limit:?}")))
}

/// What an error says to a reader.
pub fn words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(answer) => answer.message().to_owned(),
        error => error.to_string(),
    }
}
