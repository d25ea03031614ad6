//! A node of the reference store: the process behind `drdrill reference-node`.

pub mod arguments;
pub mod follow;
mod keep;
mod script;
pub mod serve;
pub mod state;

use std::{
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{net::TcpListener, sync::Notify};

pub use state::{Setup, State};

use super::wire::{Entry, PORT};
use keep::Keeper;
use script::Stage;

/// How often a primary tells its followers that it lives, by the silence after which they stand for election.
pub fn heartbeat(detect: Duration) -> Duration {
    detect / 25
}

/// A node shared by its connections.
pub struct Node {
    state: Mutex<State>,
    /// Rung whenever the log grows.
    grown: Notify,
    /// Rung whenever a follower confirms.
    confirmed: Notify,
    /// Held by the write that is being worked on.
    turn: tokio::sync::Mutex<()>,
    /// The outage that it plays at the moment.
    stage: Stage,
    /// The backups that it keeps, and what is restored of them.
    keeper: Keeper,
}

impl Node {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a node until it is ended. Its log is kept in `file`, so that it survives a restart.
///
/// # Errors
/// When the file or the address cannot be had.
pub async fn run(setup: Setup, file: &Path) -> io::Result<()> {
    let log = read_log(file)?;
    let disk = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)?;
    let address = SocketAddr::new(setup.address, PORT);
    let listener = TcpListener::bind(address).await?;
    println!(
        "{address} listens with {} elements, defect {}",
        log.len(),
        setup.defect
    );
    let node = Arc::new(Node {
        state: Mutex::new(State::new(setup, log, Some(disk))),
        grown: Notify::new(),
        confirmed: Notify::new(),
        turn: tokio::sync::Mutex::default(),
        stage: Stage::default(),
        keeper: Keeper::default(),
    });
    tokio::try_join!(serve::serve(listener, node.clone()), follow::follow(node))?;
    Ok(())
}

/// The elements of an earlier life; a torn last line is dropped.
fn read_log(file: &Path) -> io::Result<Vec<Entry>> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    let lines = BufReader::new(std::fs::File::open(file)?).lines();
    lines
        .map_while(Result::ok)
        .map_while(|line| Entry::parse(&line))
        .map(Ok)
        .collect()
}
