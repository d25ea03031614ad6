//! The harness's own connection to each agent's echo server: whether it still sees a node.

use std::{net::IpAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::agent::PORT;

/// A connection held open to one node.
pub(super) struct Sight {
    address: IpAddr,
    stream: Option<TcpStream>,
    sent: u64,
    answered: bool,
}

impl Sight {
    /// Not connected yet.
    pub fn new(address: IpAddr) -> Self {
        Self {
            address,
            stream: None,
            sent: 0,
            answered: false,
        }
    }

    /// Opens the connection anew; false when it cannot be had in time.
    async fn open(&mut self, limit: Duration) -> bool {
        let open = TcpStream::connect((self.address, PORT));
        self.stream = timeout(limit, open).await.ok().and_then(Result::ok);
        self.answered = self.stream.is_some();
        self.answered
    }

    /// Opens the connection anew if it did not answer last time.
    pub async fn renew(&mut self, limit: Duration) -> bool {
        self.answered || self.open(limit).await
    }

    /// Whether bytes come back on the connection held open, and on one opened now.
    pub async fn probe(&mut self, limit: Duration) -> (bool, bool) {
        self.sent += 1;
        let (address, nonce) = (self.address, format!("{:016x}\n", self.sent));
        let fresh = async {
            let mut stream = TcpStream::connect((address, PORT)).await?;
            echoed(&mut stream, &nonce).await
        };
        let held = async {
            match &mut self.stream {
                Some(stream) => echoed(stream, &nonce).await,
                None => Err(std::io::ErrorKind::NotConnected.into()),
            }
        };
        let (held, fresh) = tokio::join!(timeout(limit, held), timeout(limit, fresh));
        self.answered = matches!(held, Ok(Ok(())));
        (self.answered, matches!(fresh, Ok(Ok(()))))
    }
}

/// Sends a line and reads until it comes back; lines of earlier probes may come first.
async fn echoed(stream: &mut TcpStream, nonce: &str) -> std::io::Result<()> {
    stream.write_all(nonce.as_bytes()).await?;
    let mut line = [0; 17];
    loop {
        stream.read_exact(&mut line).await?;
        if line == *nonce.as_bytes() {
            return Ok(());
        }
    }
}
