//! Follows a primary, notices when it is gone, and stands for election.

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::system::reference::{
    defect::Defect,
    wire::{Ask, Entry, PORT, Status},
};

use super::Node;

/// The longest wait for another node's answer.
const ASK_LIMIT: Duration = Duration::from_millis(100);

/// By how much nodes differ in their patience, so that one of them stands first.
const STAGGER: Duration = Duration::from_millis(60);

/// How often a node without a primary looks for one; a primary without a majority behind it looks for a higher epoch a
/// quarter as often.
const LOOK: Duration = Duration::from_millis(25);

/// Connects to another node from this one's own address, by which nodes know each other.
async fn connect(from: IpAddr, to: IpAddr) -> io::Result<TcpStream> {
    let socket = match from {
        IpAddr::V4(_) => TcpSocket::new_v4()?,
        IpAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.bind(SocketAddr::new(from, 0))?;
    socket.connect(SocketAddr::new(to, PORT)).await
}

/// Asks another node one question.
pub async fn ask(from: IpAddr, node: IpAddr, question: Ask) -> io::Result<String> {
    let limit = if matches!(question, Ask::Elect) {
        ASK_LIMIT * 10
    } else {
        ASK_LIMIT
    };
    let conversation = async {
        let mut stream = connect(from, node).await?;
        stream.write_all(format!("{question}\n").as_bytes()).await?;
        let mut lines = BufReader::new(stream).lines();
        let line = lines.next_line().await?.ok_or(ErrorKind::UnexpectedEof)?;
        // Answered, it ends at once: connections that wait for their end fill the kernel's tables.
        lines.get_ref().get_ref().set_zero_linger()?;
        Ok(line)
    };
    timeout(limit, conversation)
        .await
        .unwrap_or(Err(ErrorKind::TimedOut.into()))
}

/// Follows whoever is primary, for ever; while it is primary itself and no majority stands behind it, watches for a
/// higher epoch.
pub async fn follow(node: Arc<Node>) -> io::Result<()> {
    loop {
        if node.stage.isolated() {
            tokio::time::sleep(LOOK).await;
            continue;
        }
        if node.lock().backed() {
            tokio::time::sleep(LOOK * 4).await;
            continue;
        }
        if let Some((leader, epoch)) = find_leader(&node).await
            && node.lock().learn(leader, epoch)
        {
            // A stream that breaks is looked for again below.
            let _ = copy(&node, leader).await;
        }
        let (quiet, patience, rank) = {
            let state = node.lock();
            let own = |address: &IpAddr| *address == state.setup.address;
            let rank = state.setup.nodes.iter().position(own).unwrap_or(0);
            let rank = u32::try_from(rank).unwrap_or(0);
            (
                state.heard.elapsed(),
                state.setup.detect + STAGGER * rank,
                rank,
            )
        };
        let leaderless = {
            let state = node.lock();
            quiet >= patience && state.primary_since.is_none() && !state.setup.keeps
        };
        if leaderless && !stand(&node).await {
            // Two that stood at once and split the vote must not stand at once again.
            tokio::time::sleep(STAGGER * (1 + 2 * rank)).await;
        }
        let leads = node.lock().primary_since.is_some();
        tokio::time::sleep(if leads { LOOK * 4 } else { LOOK }).await;
    }
}

/// The node that claims to be primary in the highest epoch.
async fn find_leader(node: &Node) -> Option<(IpAddr, u64)> {
    let (address, own, others) = {
        let state = node.lock();
        let others: Vec<IpAddr> = state
            .setup
            .nodes
            .iter()
            .copied()
            .filter(|address| *address != state.setup.address)
            .collect();
        (state.setup.address, state.epoch, others)
    };
    let answers =
        futures_util::future::join_all(others.iter().map(|other| ask(address, *other, Ask::View)))
            .await;
    let claims = others.iter().zip(answers).filter_map(|(other, answer)| {
        let status = Status::parse(&answer.ok()?)?;
        (status.elected && status.epoch >= own).then_some((*other, status.epoch))
    });
    claims.max_by_key(|(_, epoch)| *epoch)
}

/// Stands for election; returns whether it won.
pub async fn stand(node: &Node) -> bool {
    let (epoch, end, setup) = {
        let mut state = node.lock();
        (state.stand(), state.end(), state.setup.clone())
    };
    let question = Ask::Vote {
        epoch,
        candidate: setup.address,
        last_epoch: end.0,
        length: end.1,
    };
    let others = setup
        .nodes
        .iter()
        .filter(|address| **address != setup.address);
    let answers =
        futures_util::future::join_all(others.map(|other| ask(setup.address, *other, question)))
            .await;
    let votes = 1 + answers
        .into_iter()
        .filter(|answer| answer.as_deref().is_ok_and(|yes| yes == "yes"))
        .count();
    let mut state = node.lock();
    let won = votes >= state.majority() && state.primary_since.is_none();
    println!("election in epoch {epoch}: {votes} votes, won: {won}");
    if won {
        state.promote(epoch);
    }
    won
}

/// Copies a primary's log until the stream breaks or falls silent.
async fn copy(node: &Node, leader: IpAddr) -> io::Result<()> {
    let (own, ask, patience) = {
        let state = node.lock();
        let (last_epoch, length) = state.end();
        (
            state.setup.address,
            Ask::Follow {
                follower: state.setup.address,
                last_epoch,
                length,
            },
            state.setup.detect,
        )
    };
    let stream = timeout(ASK_LIMIT, connect(own, leader)).await??;
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.into_split();
    writer.write_all(format!("{ask}\n").as_bytes()).await?;
    let mut lines = BufReader::new(reader).lines();
    let mut given_up: Option<Vec<Entry>> = None;
    let mut stage = node.stage.watch();
    loop {
        let line = tokio::select! {
            biased;
            () = stage.isolates() => return Ok(()),
            line = timeout(patience, lines.next_line()) => line,
        };
        let Ok(Some(line)) = line.unwrap_or(Ok(None)) else {
            return Ok(());
        };
        if line == "from 0" {
            given_up = Some(node.lock().reset());
        } else if let Some(entry) = line.strip_prefix("entry ").and_then(Entry::parse) {
            take(node, entry);
        } else if let Some(epoch) = line
            .strip_prefix("beat ")
            .and_then(|text| text.parse().ok())
        {
            let have = {
                let mut state = node.lock();
                if !state.learn(leader, epoch) {
                    return Ok(());
                }
                if let Some(own) = given_up.take() {
                    state.tell_given_up(&own);
                }
                state.log.len()
            };
            writer
                .write_all(format!("have {have}\n").as_bytes())
                .await?;
        }
    }
}

fn take(node: &Node, entry: Entry) {
    let mut state = node.lock();
    let dropped = matches!(state.setup.defect, Defect::Diverge(n) if entry.seq.is_multiple_of(n));
    if dropped {
        // It pretends to have it, so that only a comparison of contents shows the difference.
        state.store(Entry {
            sum: entry.sum ^ 1,
            ..entry
        });
    } else {
        state.store(entry);
        if state.setup.keeps {
            state.came(entry);
        }
    }
}
