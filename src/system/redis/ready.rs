//! Proves that a fresh stack replicates and could fail over, before any client sees it.

use std::{net::SocketAddr, time::Duration};

use futures_util::future::join_all;

use crate::{
    record::MemberKind,
    system::{SystemError, roster::Seat, started::not_ready, wait::until},
};

use super::{client::append, effective, link, running::RedisStack, sentinel};

/// The longest wait for replication to flow and for the sentinels to know everyone.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// How often is asked.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_millis(500);

/// Waits until an element written at the primary is read at every replica and every sentinel could lead a
/// failover; then reads the settings back.
pub async fn prove(stack: &mut RedisStack) -> Result<(), SystemError> {
    let (replication, watched) =
        tokio::join!(replication_flows(stack), sentinels_know_everyone(stack));
    let mut evidence = replication?;
    evidence.extend(watched?);
    effective::read_back(stack).await?;
    if let Some(proxied) = &stack.ways.proxied {
        let proxies = proxied.listening(&stack.roster, &*stack.runtime).await?;
        stack.stack.effective.extend(proxies);
    }
    if let Some(route) = &stack.ways.route {
        let primary = stack.roster.named(&stack.stack.primary)?;
        evidence.push(
            route
                .prove(primary, &*stack.runtime, &mut stack.stack)
                .await?,
        );
    }
    if let Some(store) = &stack.store {
        let primary = stack.roster.named(&stack.stack.primary)?;
        evidence.push(store.prove(primary).await?);
    }
    stack.stack.ready = evidence;
    Ok(())
}

async fn replication_flows(stack: &RedisStack) -> Result<Vec<String>, SystemError> {
    let primary = &stack.roster.named(&stack.stack.primary)?;
    let key = stack.keys.ready();
    let element = stack.keys.run().to_string();
    let write = || async {
        let connected = stack.directory.login().connect(primary.address, ASK_LIMIT);
        let mut connection = connected.await.map_err(text)?;
        append(&mut connection, &key, &element).await.map_err(text)
    };
    let written = until(READY_LIMIT, ASK_EVERY, write).await;
    if let Err(reason) = written {
        return Err(not_ready(&*stack.runtime, &primary.name, "a first write", reason).await);
    }
    let replicas = stack.roster.data().filter(|seat| seat.name != primary.name);
    let reads = replicas.map(|seat| {
        let (key, element) = (&key, &element);
        async move {
            let read = || async {
                let question = link::command(&["LRANGE", key, "-1", "-1"]);
                let asked = stack
                    .directory
                    .login()
                    .ask(seat.address, &question, ASK_LIMIT);
                let read: Vec<String> = asked.await.map_err(text)?;
                match read.last() {
                    Some(last) if last == element => Ok(()),
                    _ => Err("the primary's element has not arrived".to_owned()),
                }
            };
            match until(READY_LIMIT, ASK_EVERY, read).await {
                Ok(()) => Ok(format!(
                    "{}: read the element that was written at {}",
                    seat.name, primary.name
                )),
                Err(reason) => {
                    Err(
                        not_ready(&*stack.runtime, &seat.name, "the primary's element", reason)
                            .await,
                    )
                }
            }
        }
    });
    join_all(reads).await.into_iter().collect()
}

async fn sentinels_know_everyone(stack: &RedisStack) -> Result<Vec<String>, SystemError> {
    let primary = stack.roster.named(&stack.stack.primary)?.address;
    let replicas = stack.roster.data().count() - 1;
    let sentinels: Vec<_> = stack.roster.of(MemberKind::Control).collect();
    let asked = sentinels.iter().map(|seat| async {
        let ask = || async {
            let knowledge = sentinel::knowledge(seat.address, stack.directory.watched(), ASK_LIMIT)
                .await
                .map_err(text)?;
            match knowledge.missing(primary, replicas, sentinels.len() - 1) {
                Some(missing) => Err(missing),
                None => Ok(knowledge.quorum.unwrap_or_default()),
            }
        };
        let met = async {
            let told = || introduced(stack, seat, &sentinels, primary);
            // Somebody else's sentinels have met by themselves.
            if !stack.attached {
                until(READY_LIMIT, ASK_EVERY, told).await?;
            }
            until(READY_LIMIT, ASK_EVERY, ask).await
        };
        match met.await {
            Ok(quorum) => Ok(format!(
                "{}: knows {replicas} replicas; {quorum}",
                seat.name
            )),
            Err(reason) => Err(not_ready(
                &*stack.runtime,
                &seat.name,
                "a quorum and every replica",
                reason,
            )
            .await),
        }
    });
    join_all(asked).await.into_iter().collect()
}

/// Tells a sentinel of the others. One that knows them already minds it not.
async fn introduced(
    stack: &RedisStack,
    seat: &Seat,
    sentinels: &[&Seat],
    primary: SocketAddr,
) -> Result<(), String> {
    for fellow in sentinels.iter().filter(|fellow| fellow.name != seat.name) {
        let id = sentinel::id(stack.runtime.run(), &fellow.name);
        let fellow = (fellow.address, id.as_str());
        let told = sentinel::introduce(seat.address, fellow, primary, ASK_LIMIT);
        told.await.map_err(text)?;
    }
    Ok(())
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
