//! The harness's end of an agent: one JSON line out, one JSON line back, on a pipe that no rule cuts.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    id::NodeName,
    runtime::{Pipe, Runtime, RuntimeError},
};

use super::{
    Dial,
    shape::{Orders, Rehearsal},
};

/// What an agent runs.
const SCRIPT: &str = include_str!("agent.py");
/// The port of the agents' echo servers: below the ephemeral range, so that no client socket holds it.
pub(super) const PORT: u16 = 28613;
/// How long an agent may take to be up: an interpreter starts.
const UP: Duration = Duration::from_secs(10);

/// What an agent is told.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(super) enum Command {
    /// Starts its echo server.
    Listen { port: u16 },
    /// Opens long-lived connections to the echo servers of these peers.
    Connect { peers: Vec<String>, limit: f64 },
    /// Probes these peers.
    Probe { peers: Vec<String>, limit: f64 },
    /// Shows that packets can be shaped, without touching any.
    Prepare(Rehearsal),
    /// Runs a packet-filter script and puts these orders in force; with `renew` the connections that went
    /// unanswered are opened anew.
    Enforce {
        script: String,
        renew: bool,
        #[serde(flatten)]
        orders: Orders,
    },
    /// Lists our rules.
    Rules,
    /// Opens a new connection to each address and port.
    Dial {
        targets: Vec<(String, u16)>,
        limit: f64,
    },
    /// Sends this many datagrams to each peer's echo server from so many sockets, one every `gap`, and waits `limit` for the
    /// last answers.
    Measure {
        peers: Vec<String>,
        count: u32,
        gap: f64,
        limit: f64,
        flows: u32,
    },
    /// Pushes bytes through a peer's echo server.
    Stream {
        peer: String,
        seconds: f64,
        most: f64,
    },
    /// Counts datagrams thrown away for a wrong checksum.
    Damaged,
}

/// What an agent answers.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer {
    /// Why it could not.
    pub error: Option<String>,
    /// Peers that could not be reached.
    pub missing: Vec<String>,
    /// Links as probed.
    pub links: Vec<Link>,
    /// Rules as the kernel lists them.
    pub rules: String,
    /// What new connections came to, in the order asked.
    pub dials: Vec<Dial>,
    /// What datagrams came to.
    pub paths: Vec<Pinged>,
    /// Bits a second that came back.
    pub bits: f64,
    /// Datagrams thrown away for a wrong checksum.
    pub damaged: u64,
    /// Whether the kernel's emulator can be had.
    pub emulates: bool,
}

/// What datagrams to one peer came to.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Pinged {
    /// The peer's address.
    pub to: String,
    /// How many were sent.
    pub sent: u32,
    /// Which came back after how many milliseconds, in the order of their arrival.
    pub came: Vec<(u32, f64)>,
}

/// One link as probed.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Link {
    /// The peer's address.
    pub to: String,
    /// Whether bytes came back on the long-lived connection.
    pub established: bool,
    /// Whether bytes came back on a new connection.
    pub fresh: bool,
}

struct Request {
    line: String,
    limit: Duration,
    reply: oneshot::Sender<Result<Answer, RuntimeError>>,
}

/// An agent in a node's network namespace; it ends when this is dropped or the sidecar ends.
pub(super) struct Agent {
    node: NodeName,
    requests: mpsc::Sender<Request>,
    task: JoinHandle<()>,
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Closes the pipe, and by that ends the agent.
        self.task.abort();
    }
}

impl Agent {
    /// Starts an agent beside a node and waits until its echo server listens.
    pub async fn start(runtime: &dyn Runtime, node: &NodeName) -> Result<Self, RuntimeError> {
        let pipe = runtime
            .beside(node, &["python3", "-I", "-S", "-c", SCRIPT])
            .await?;
        let (requests, inbox) = mpsc::channel(1);
        let agent = Self {
            node: node.clone(),
            requests,
            task: tokio::spawn(serve(node.clone(), pipe, inbox)),
        };
        agent.ask(Command::Listen { port: PORT }, UP).await?;
        Ok(agent)
    }

    /// Gives a command and waits for its answer. An agent that is late once is not used again.
    pub async fn ask(&self, command: Command, limit: Duration) -> Result<Answer, RuntimeError> {
        let line = serde_json::to_string(&command).map_err(|error| failed(&self.node, &error))?;
        let (reply, answer) = oneshot::channel();
        let request = Request { line, limit, reply };
        let gone = || failed(&self.node, &"it has ended");
        self.requests.send(request).await.map_err(|_| gone())?;
        let answer = answer.await.map_err(|_| gone())??;
        match answer.error {
            Some(error) => Err(failed(&self.node, &error.trim())),
            None => Ok(answer),
        }
    }
}

fn failed(node: &NodeName, cause: &dyn std::fmt::Display) -> RuntimeError {
    RuntimeError::Failed {
        action: "ask the agent beside",
        node: node.to_string(),
        cause: cause.to_string(),
    }
}

/// Passes requests through the pipe one by one until either end closes or an answer is late.
async fn serve(node: NodeName, pipe: Pipe, mut inbox: mpsc::Receiver<Request>) {
    let Pipe { mut input, output } = pipe;
    let mut lines = BufReader::new(output).lines();
    loop {
        let request = tokio::select! {
            request = inbox.recv() => request,
            // Nothing comes unasked: the pipe has ended.
            _ = lines.next_line() => None,
        };
        let Some(Request {
            mut line,
            limit,
            reply,
        }) = request
        else {
            return;
        };
        line.push('\n');
        let exchange = async {
            input.write_all(line.as_bytes()).await?;
            input.flush().await?;
            next(&mut lines).await
        };
        let answer = match timeout(limit, exchange).await {
            Ok(answer) => answer.map_err(|error| failed(&node, &error)),
            Err(_) => Err(RuntimeError::Deadline {
                action: "ask the agent beside",
                node: node.to_string(),
                limit,
            }),
        };
        let usable = answer.is_ok();
        // Whoever asked may have been cancelled meanwhile.
        let _ = reply.send(answer);
        if !usable {
            return;
        }
    }
}

async fn next<R>(lines: &mut Lines<BufReader<R>>) -> std::io::Result<Answer>
where
    R: tokio::io::AsyncRead + Unpin,
{
    let line = lines.next_line().await?;
    let line = line.ok_or_else(|| std::io::Error::other("it has ended"))?;
    serde_json::from_str(&line).map_err(|_| std::io::Error::other(line))
}
