//! Connections to one PostgreSQL server, and single questions to it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions, PgConnection, Row,
    postgres::{PgConnectOptions, PgRow, PgSslMode},
    query, raw_sql,
};
use tokio::time::timeout;

use crate::system::{SystemError, Told};

/// Where PostgreSQL listens in every node.
pub const PORT: u16 = 5432;

/// Who connects, for drdrill's own questions and the workload alike.
pub const USER: &str = "postgres";

/// Its password in every node of a run.
pub const PASSWORD: &str = "drdrill";

/// The name under which drdrill's own questions show in the server's views.
pub const PROBE: &str = "drdrill";

/// The longest wait for what a server's clock says.
const TIME_LIMIT: Duration = Duration::from_secs(1);

/// The authority whose certificates a client believes, as PEM. Without one it encrypts nothing.
pub type Trust = Option<Arc<str>>;

/// How to connect. Nothing is encrypted: the network is the run's own.
///
/// The driver fills what is not said here from libpq's environment variables (`PGOPTIONS` only, as things
/// are); that is why everything else is said.
pub fn options(address: SocketAddr, application: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host(&address.ip().to_string())
        .port(address.port())
        .username(USER)
        .password(PASSWORD)
        .database("postgres")
        .ssl_mode(PgSslMode::Disable)
        .application_name(application)
        .disable_statement_logging()
}

/// How clients of the service and of the application connect: encrypted, and only to a server with a certificate of the
/// authority that they believe, if there is one (`verify-ca`).
pub fn client_options(address: SocketAddr, application: &str, trust: &Trust) -> PgConnectOptions {
    let options = options(address, application);
    match trust {
        Some(authority) => options
            .ssl_mode(PgSslMode::VerifyCa)
            .ssl_root_cert_from_pem(authority.as_bytes().to_vec()),
        None => options,
    }
}

/// Connects. It has no deadline of its own, and a server that stops answering would hold it for ever: the
/// caller sets one around it.
pub async fn connect(address: SocketAddr, application: &str) -> sqlx::Result<PgConnection> {
    options(address, application).connect().await
}

/// Asks on a connection; the statement goes out in one message and nothing is prepared.
pub async fn rows(connection: &mut PgConnection, sql: &str) -> sqlx::Result<Vec<PgRow>> {
    raw_sql(AssertSqlSafe(sql)).fetch_all(connection).await
}

/// Asks what is asked on this connection time and again: the server plans it once, and the first time costs a message more.
pub async fn rows_again(connection: &mut PgConnection, sql: &str) -> sqlx::Result<Vec<PgRow>> {
    query(AssertSqlSafe(sql)).fetch_all(connection).await
}

/// Asks on a new connection, within `limit`.
///
/// # Errors
/// The server's words, or that it did not answer.
pub async fn ask(address: SocketAddr, limit: Duration, sql: &str) -> Result<Vec<PgRow>, String> {
    let conversation = async {
        let mut connection = connect(address, PROBE).await?;
        rows(&mut connection, sql).await
    };
    match timeout(limit, conversation).await {
        Ok(Ok(rows)) => Ok(rows),
        Ok(Err(sqlx::Error::Database(error))) => Err(error.message().to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {limit:?}")),
    }
}

/// The time of day that a server tells, asked now, not at the start of a transaction.
///
/// # Errors
/// When it does not answer within a second.
pub async fn time_of(address: SocketAddr) -> Result<Told, SystemError> {
    let refused = SystemError::Refused;
    let asked = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    let rows = ask(address, TIME_LIMIT, asked).await.map_err(refused)?;
    let told = rows.first().and_then(|row| row.try_get::<i64, _>(0).ok());
    told.map(|told| Told::counted(told, 1000))
        .ok_or_else(|| refused("it tells no time".into()))
}
