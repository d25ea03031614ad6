//! How clients find a router: they ask one after another.

use std::{
    io,
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::time::timeout;

use crate::system::mongodb::wire::{Failure, Line, hello};

/// The longest wait for one router before the next is asked.
const ASK_LIMIT: Duration = Duration::from_millis(200);

/// All routers, any of which leads to every shard.
///
/// They are asked in turn, the one that answered last first, as drivers leave a router that they lost. One that does
/// not answer costs 200 ms once.
#[derive(Debug)]
pub struct Routers {
    addresses: Vec<SocketAddr>,
    answering: AtomicUsize,
}

impl Routers {
    /// Asks these routers, first the one of this index.
    pub fn new(addresses: Vec<SocketAddr>, first: usize) -> Self {
        Self {
            addresses,
            answering: AtomicUsize::new(first),
        }
    }

    /// A connection to the first router that answers as one.
    ///
    /// # Errors
    /// The last router's failure when none does.
    pub async fn connect(&self) -> Result<Line, Failure> {
        let first = self.answering.load(Ordering::Relaxed);
        let mut last = Failure::Lost(io::ErrorKind::NotConnected.into());
        for turn in 0..self.addresses.len() {
            let index = (first + turn) % self.addresses.len();
            match router(self.addresses[index]).await {
                Ok(line) => {
                    self.answering.store(index, Ordering::Relaxed);
                    return Ok(line);
                }
                Err(failure) => last = failure,
            }
        }
        Err(last)
    }
}

/// A connection to the router at an address, which has said that it is one.
///
/// # Errors
/// When it does not answer in time, or is something else.
pub async fn router(address: SocketAddr) -> Result<Line, Failure> {
    let asked = async {
        let mut line = Line::connect(address).await?;
        let said = line.ask("admin", hello()).await?;
        match said.get_str("msg") {
            Ok("isdbgrid") => Ok(line),
            _ => Err(Failure::Unreadable("no router".into())),
        }
    };
    let late = || Failure::Lost(io::ErrorKind::TimedOut.into());
    timeout(ASK_LIMIT, asked)
        .await
        .unwrap_or_else(|_| Err(late()))
}
