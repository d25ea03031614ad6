//! Answers clients, candidates and followers.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, BufWriter},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::system::reference::{
    defect::Defect,
    wire::{Ask, Entry, checksum, register_lane},
};

use super::{Node, follow, heartbeat, script::Strike};

/// How often a node that hands over looks whether the other one is ready.
const LOOK: Duration = Duration::from_millis(5);

/// The longest wait for a follower's confirmation before a synchronous append is answered with an error.
const CONFIRM_LIMIT: Duration = Duration::from_secs(5);

/// Accepts connections for ever, except while a script has the door shut.
pub async fn serve(listener: TcpListener, node: Arc<Node>) -> io::Result<()> {
    let address = listener.local_addr()?;
    let mut open = Some(listener);
    let mut stage = node.stage.watch();
    loop {
        if stage.shut() {
            open = None;
            stage.changed().await;
            continue;
        }
        let listener = match open.take() {
            Some(listener) => open.insert(listener),
            None => open.insert(TcpListener::bind(address).await?),
        };
        node.stage.open();
        tokio::select! {
            biased;
            () = stage.changed() => {}
            accepted = listener.accept() => {
                let (stream, peer) = accepted?;
                let node = node.clone();
                tokio::spawn(async move {
                    // A connection that breaks is its peer's affair.
                    let _ = converse(stream, peer.ip(), node).await;
                });
            }
        }
    }
}

async fn converse(stream: TcpStream, peer: IpAddr, node: Arc<Node>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let of_node = node.lock().setup.nodes.contains(&peer);
    let mut stage = node.stage.watch();
    let (reader, writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let mut writer = BufWriter::new(writer);
    loop {
        let line = tokio::select! {
            biased;
            () = stage.changed() => match stage.strikes_open(of_node) {
                Strike::Nothing => continue,
                Strike::Close => return Ok(()),
                Strike::Reset => return lines.get_ref().get_ref().as_ref().set_zero_linger(),
                Strike::Silence => std::future::pending().await,
            },
            line = lines.next_line() => line?,
        };
        let Some(line) = line else {
            return Ok(());
        };
        match stage.strikes_request(of_node).await {
            Strike::Nothing | Strike::Silence => {}
            Strike::Close => return Ok(()),
            Strike::Reset => return lines.get_ref().get_ref().as_ref().set_zero_linger(),
        }
        let answer = match Ask::parse(&line) {
            Some(Ask::Follow {
                follower,
                last_epoch,
                length,
            }) => {
                return feed(
                    node,
                    lines.into_inner(),
                    writer,
                    (follower, last_epoch, length),
                )
                .await;
            }
            Some(Ask::Dump) => {
                let log = node.lock().log.clone();
                dump(&log, &mut writer).await?;
                continue;
            }
            Some(Ask::Restored) => {
                dump(&node.keeper.restored(), &mut writer).await?;
                continue;
            }
            Some(Ask::Play { play, lasting }) => super::script::play(&node, play, lasting),
            Some(ask) => {
                let answer = answer(&node, ask).await;
                stage.delays(of_node).await;
                answer
            }
            None => "error unknown question".to_owned(),
        };
        writer.write_all(answer.as_bytes()).await?;
        writer.write_all(b"\n").await?;
        writer.flush().await?;
    }
}

async fn answer(node: &Arc<Node>, ask: Ask) -> String {
    match ask {
        Ask::Append { lane, seq, sum } => {
            work(node).await;
            append(node, lane, seq, sum).await
        }
        Ask::Pin { .. } => {
            work(node).await;
            let mut state = node.lock();
            if !state.takes_writes() {
                return "readonly".into();
            }
            state.pins += 1;
            "ok".into()
        }
        Ask::Read { lane } => {
            let state = node.lock();
            if state.takes_writes() {
                format!("version {}", state.read(lane))
            } else {
                "readonly".into()
            }
        }
        Ask::Set { register, value } => {
            let lane = register_lane(register);
            append(node, lane, value, checksum(lane, value)).await
        }
        Ask::Get { register } => get(node, register_lane(register)).await,
        Ask::View => node.lock().status().to_string(),
        Ask::Vote {
            epoch,
            candidate,
            last_epoch,
            length,
        } => {
            let granted = node.lock().vote(epoch, (last_epoch, length));
            println!("vote for {candidate} in epoch {epoch}: {granted}");
            if granted { "yes".into() } else { "no".into() }
        }
        Ask::HandOver { to } => hand_over(node, to).await,
        Ask::Elect => {
            if follow::stand(node).await {
                "ok".into()
            } else {
                "error not elected".into()
            }
        }
        Ask::Clock => node.lock().clock().to_string(),
        Ask::BackUp => node.keeper.back_up(node),
        Ask::Fetch { until } => node.keeper.fetch(until),
        Ask::Replay { until } => node.keeper.replay(node, until).await,
        Ask::Add => node.keeper.add(),
        Ask::Dump | Ask::Restored | Ask::Follow { .. } | Ask::Play { .. } => {
            "error not here".into()
        }
    }
}

/// Takes the time of one write, after those that came before it.
async fn work(node: &Node) {
    let time = node.lock().setup.service_time;
    if !time.is_zero() {
        let _turn = node.turn.lock().await;
        tokio::time::sleep(time).await;
    }
}

async fn append(node: &Arc<Node>, lane: u16, seq: u64, sum: u32) -> String {
    let (length, synchronous) = {
        let mut state = node.lock();
        if !state.takes_writes() {
            return "readonly".into();
        }
        state.append(lane, seq, sum);
        node.grown.notify_waiters();
        if matches!(state.setup.defect, Defect::Resurrect(n) if seq == n) {
            return "refused".into();
        }
        (state.log.len() as u64, state.setup.synchronous)
    };
    if !synchronous || confirmed(node, length).await {
        "ok".into()
    } else {
        "unconfirmed".into()
    }
}

/// A register's value. A synchronous store shows no value that a failover could take back.
async fn get(node: &Arc<Node>, lane: u16) -> String {
    let (value, length, synchronous) = {
        let state = node.lock();
        if !state.takes_writes() {
            return "readonly".into();
        }
        let length = state.log.len() as u64;
        (state.last(lane), length, state.setup.synchronous)
    };
    if !synchronous || confirmed(node, length).await {
        format!("version {value}")
    } else {
        "unconfirmed".into()
    }
}

/// Whether a follower confirms in time that it has this much of the log.
async fn confirmed(node: &Arc<Node>, length: u64) -> bool {
    let confirmed = async {
        loop {
            let rung = node.confirmed.notified();
            if node
                .lock()
                .followers
                .values()
                .any(|(have, _)| *have >= length)
            {
                return;
            }
            rung.await;
        }
    };
    tokio::time::timeout(CONFIRM_LIMIT, confirmed).await.is_ok()
}

async fn dump(log: &[Entry], writer: &mut BufWriter<OwnedWriteHalf>) -> io::Result<()> {
    for entry in log {
        writer.write_all(format!("{entry}\n").as_bytes()).await?;
    }
    writer.write_all(b"end\n").await?;
    writer.flush().await
}

/// Stops taking writes, waits until the follower has everything, and lets it stand for election.
async fn hand_over(node: &Arc<Node>, to: IpAddr) -> String {
    let (address, length) = {
        let mut state = node.lock();
        if !state.takes_writes() {
            return "readonly".into();
        }
        state.yielding = true;
        (state.setup.address, state.log.len() as u64)
    };
    let caught_up = async {
        while node
            .lock()
            .followers
            .get(&to)
            .is_none_or(|(have, _)| *have < length)
        {
            tokio::time::sleep(LOOK).await;
        }
    };
    let ready = tokio::time::timeout(CONFIRM_LIMIT, caught_up).await.is_ok();
    {
        let mut state = node.lock();
        state.yielding = false;
        if !ready {
            return "error the follower did not catch up".into();
        }
        state.primary_since = None;
    }
    let elected = async {
        // The others vote once they have not heard from this node for a while.
        while follow::ask(address, to, Ask::Elect)
            .await
            .map_or(true, |answer| answer != "ok")
        {
            tokio::time::sleep(LOOK * 4).await;
        }
    };
    match tokio::time::timeout(CONFIRM_LIMIT, elected).await {
        Ok(()) => "ok".into(),
        Err(_) => "error the follower was not elected".into(),
    }
}

/// Sends the log from where the follower's agrees, then every new element and heartbeats, while this
/// node is primary; the follower confirms with its length.
async fn feed(
    node: Arc<Node>,
    reader: BufReader<OwnedReadHalf>,
    mut writer: BufWriter<OwnedWriteHalf>,
    (follower, last_epoch, length): (IpAddr, u64, u64),
) -> io::Result<()> {
    let mut sent = {
        let state = node.lock();
        if state.primary_since.is_none() {
            return Ok(());
        }
        let agrees = length == 0
            || state
                .log
                .get(length as usize - 1)
                .is_some_and(|e| e.epoch == last_epoch);
        if agrees { length } else { 0 }
    };
    writer
        .write_all(format!("from {sent}\n").as_bytes())
        .await?;
    let confirming = tokio::spawn(confirm(node.clone(), reader, follower));
    let mut stage = node.stage.watch();
    let result = tokio::select! {
        result = stream(&node, &mut writer, &mut sent) => result,
        () = stage.isolates() => Ok(()),
    };
    confirming.abort();
    let _ = confirming.await;
    result
}

async fn stream(
    node: &Node,
    writer: &mut BufWriter<OwnedWriteHalf>,
    sent: &mut u64,
) -> io::Result<()> {
    let beat = heartbeat(node.lock().setup.detect);
    loop {
        // Made before the log is read, so that no growth in between is missed.
        let rung = node.grown.notified();
        let (epoch, batch): (u64, Vec<Entry>) = {
            let state = node.lock();
            if state.primary_since.is_none() {
                return Ok(());
            }
            (
                state.epoch,
                state.log.get(*sent as usize..).unwrap_or_default().to_vec(),
            )
        };
        *sent += batch.len() as u64;
        for entry in batch {
            writer
                .write_all(format!("entry {entry}\n").as_bytes())
                .await?;
        }
        writer
            .write_all(format!("beat {epoch}\n").as_bytes())
            .await?;
        writer.flush().await?;
        let _ = tokio::time::timeout(beat, rung).await;
    }
}

async fn confirm(
    node: Arc<Node>,
    reader: BufReader<OwnedReadHalf>,
    follower: IpAddr,
) -> io::Result<()> {
    let mut lines = reader.lines();
    while let Some(line) = lines.next_line().await? {
        let Some(have) = line
            .strip_prefix("have ")
            .and_then(|text| text.parse().ok())
        else {
            continue;
        };
        let mut state = node.lock();
        if state.setup.nodes.contains(&follower) {
            let now = std::time::Instant::now();
            state.followers.insert(follower, (have, now));
        } else {
            state.kept = Some(have);
        }
        drop(state);
        node.confirmed.notify_waiters();
    }
    Ok(())
}
