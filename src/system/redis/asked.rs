//! Routes to the primary of a Redis stack: how they ask a server, and how one learns who answers behind one.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use redis::{RedisResult, Value, aio::MultiplexedConnection};

use crate::{
    id::NodeName,
    system::{roster::Roster, route::Check},
};

use super::{
    deploy::PORT,
    link::{command, connect},
};

/// The longest wait for an answer.
const ASK_LIMIT: Duration = Duration::from_millis(100);

/// How routes ask a server whether it is primary: by the first word of `ROLE`.
pub const CHECK: Check = Check {
    script: r#"#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/6379 || exit 1
printf 'ROLE\r\n' >&3
for _ in 1 2 3; do IFS= read -r -t 1 word <&3 || exit 1; done
[ "${word%$'\r'}" = master ]
"#,
    dialogue: Some(
        r"tcp-check send ROLE\r\n
tcp-check expect string master",
    ),
    port: PORT,
};

/// Whether the server behind a connection says that it is primary.
pub async fn is_primary(connection: &mut MultiplexedConnection) -> RedisResult<bool> {
    let role: Vec<Value> = command(&["ROLE"]).query_async(connection).await?;
    Ok(is_master(&role))
}

/// The same, and its own address.
pub async fn primary_at(
    connection: &mut MultiplexedConnection,
) -> RedisResult<(bool, Option<IpAddr>)> {
    let mut both = redis::pipe();
    both.add_command(command(&["ROLE"]));
    both.add_command(command(&["CONFIG", "GET", "replica-announce-ip"]));
    let (role, own): (Vec<Value>, Vec<String>) = both.query_async(connection).await?;
    Ok((
        is_master(&role),
        own.get(1).and_then(|own| own.parse().ok()),
    ))
}

fn is_master(role: &[Value]) -> bool {
    role.first() == Some(&Value::BulkString(b"master".to_vec()))
}

/// The primary that answers at an address; none where nobody answers, or one that is none.
pub async fn who(address: SocketAddr, roster: Arc<Roster>) -> Option<NodeName> {
    let asked = async {
        let mut connection = connect(address, ASK_LIMIT).await.ok()?;
        primary_at(&mut connection).await.ok()
    };
    let (primary, own) = tokio::time::timeout(ASK_LIMIT, asked).await.ok()??;
    let seat = roster.data_at(own?)?;
    primary.then(|| seat.name.clone())
}
