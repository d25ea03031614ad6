//! Connections to Redis: one address, explicit deadlines, no retry.

use std::{io, net::SocketAddr, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, FromRedisValue,
    IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo, RedisError, RedisResult,
    aio::MultiplexedConnection, io::tcp::TcpSettings,
};
use tokio::time::timeout;

/// What lets a client in: nothing, a password, or a user with one.
#[derive(Clone, Default)]
pub struct Login {
    user: Option<String>,
    password: Option<String>,
}

impl Login {
    /// `password` or `user:password`.
    pub fn of(text: Option<&str>) -> Self {
        let (user, password) = match text.map(|text| (text, text.split_once(':'))) {
            None => (None, None),
            Some((_, Some((user, password)))) => (Some(user.to_owned()), Some(password.to_owned())),
            Some((password, None)) => (None, Some(password.to_owned())),
        };
        Self { user, password }
    }

    /// The driver's view of an address. No library name is announced, so that connecting without a password is one round trip;
    /// small commands are sent at once, which is not this driver's default.
    pub fn info(&self, address: SocketAddr) -> RedisResult<ConnectionInfo> {
        let mut settings = RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP2)
            .set_skip_set_lib_name();
        if let Some(user) = &self.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &self.password {
            settings = settings.set_password(password);
        }
        Ok(
            ConnectionAddr::Tcp(address.ip().to_string(), address.port())
                .into_connection_info()?
                .set_redis_settings(settings)
                .set_tcp_settings(TcpSettings::default().set_nodelay(true)),
        )
    }

    /// Connects once. The driver's own response timeout of 500 ms is off: callers have deadlines of their own.
    pub async fn connect(
        &self,
        address: SocketAddr,
        limit: Duration,
    ) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limit))
            .set_response_timeout(None);
        Client::open(self.info(address)?)?
            .get_multiplexed_async_connection_with_config(&config)
            .await
    }

    /// Connects, asks one question, and closes, all within `limit`.
    pub async fn ask<T: FromRedisValue>(
        &self,
        address: SocketAddr,
        command: &Cmd,
        limit: Duration,
    ) -> RedisResult<T> {
        let conversation = async {
            let mut connection = self.connect(address, limit).await?;
            command.query_async(&mut connection).await
        };
        timeout(limit, conversation)
            .await
            .unwrap_or_else(|_| Err(late()))
    }
}

/// The driver's view of an address that asks for no password.
pub fn info(address: SocketAddr) -> RedisResult<ConnectionInfo> {
    Login::default().info(address)
}

/// Connects once where no password is asked for.
pub async fn connect(address: SocketAddr, limit: Duration) -> RedisResult<MultiplexedConnection> {
    Login::default().connect(address, limit).await
}

/// Asks one question where no password is asked for.
pub async fn ask<T: FromRedisValue>(
    address: SocketAddr,
    command: &Cmd,
    limit: Duration,
) -> RedisResult<T> {
    Login::default().ask(address, command, limit).await
}

/// A question that was not answered in time, as the driver would say it.
pub fn late() -> RedisError {
    RedisError::from(io::Error::from(io::ErrorKind::TimedOut))
}

/// A command of several words.
pub fn command(words: &[&str]) -> Cmd {
    let mut command = Cmd::new();
    for word in words {
        command.arg(*word);
    }
    command
}
