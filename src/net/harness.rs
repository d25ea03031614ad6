//! The harness's own connection to each agent's echo server: whether it still sees a node.

use std::{collections::BTreeMap, io, net::IpAddr, time::Duration};

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::{error::Elapsed, sleep, sleep_until, timeout},
};

use crate::time::{Clock, Nanos};

use super::{Dial, Knock, Knocked, Ping, Push, agent::PORT};

/// How long a stream runs before its bytes count: it has to find its speed.
const SPEED_UP: Duration = Duration::from_millis(300);

/// Sends numbered datagrams to a node's echo server; returns which came back after how many milliseconds, in the order of
/// their arrival.
pub(super) async fn ping(address: IpAddr, ping: Ping) -> io::Result<Vec<(u32, f64)>> {
    let clock = Clock::start();
    let flows = (0..ping.flows).map(|first| flow(address, ping, first, clock));
    let flows: io::Result<Vec<_>> = join_all(flows).await.into_iter().collect();
    let mut came = flows?.concat();
    came.sort_by_key(|(at, ..)| *at);
    let told = came.into_iter().map(|(_, number, ms)| (number, ms));
    Ok(told.collect())
}

/// Sends every so-many-th datagram from a socket of its own; returns when each came back, which it was, and how late.
async fn flow(
    address: IpAddr,
    ping: Ping,
    first: u32,
    clock: Clock,
) -> io::Result<Vec<(Nanos, u32, f64)>> {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).await?;
    socket.connect((address, PORT)).await?;
    let moment = |after| clock.instant(Nanos::from_duration(after));
    let mut sent: BTreeMap<u32, Nanos> = BTreeMap::new();
    let mut came = Vec::new();
    let mut bytes = [0xa5; 64];
    let (mut heard, mut number) = ([0; 64], first);
    loop {
        let due = if number < ping.count {
            moment(ping.gap * number)
        } else {
            moment(ping.took())
        };
        tokio::select! {
            biased;
            answer = socket.recv(&mut heard) => {
                let now = clock.now();
                if answer? < 4 {
                    continue;
                }
                let which = u32::from_be_bytes([heard[0], heard[1], heard[2], heard[3]]);
                let begun = sent.get(&which);
                came.extend(begun.map(|begun| (now, which, now.since(*begun).as_secs_f64() * 1e3)));
            }
            () = sleep_until(due.into()) => {
                if number >= ping.count {
                    return Ok(came);
                }
                bytes[..4].copy_from_slice(&number.to_be_bytes());
                sent.insert(number, clock.now());
                // What the kernel refuses to send is lost.
                let _ = socket.send(&bytes).await;
                number += ping.flows;
            }
        }
    }
}

/// Pushes bytes through a node's echo server; returns how many bits a second come back.
pub(super) async fn stream(address: IpAddr, push: Push) -> io::Result<f64> {
    let (mut reader, mut writer) = TcpStream::connect((address, PORT)).await?.into_split();
    let pushing = async move {
        let mut lines = [b'x'; 2 << 10];
        lines
            .iter_mut()
            .skip(1023)
            .step_by(1024)
            .for_each(|end| *end = b'\n');
        let (clock, mut sent) = (Clock::start(), 0.0);
        while writer.write_all(&lines).await.is_ok() {
            sent += lines.len() as f64 * 8.0;
            let due = Nanos::from_duration(Duration::from_secs_f64(sent / push.bits));
            sleep_until(clock.instant(due).into()).await;
        }
    };
    let counting = async {
        let (mut bytes, mut count) = (vec![0; 64 << 10], 0);
        let clock = Clock::start();
        loop {
            let read = reader.read(&mut bytes).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let warm = clock.now().since_start().saturating_sub(SPEED_UP);
            if !warm.is_zero() {
                count += read;
            }
            if warm >= push.time {
                return Ok(count as f64 * 8.0 / warm.as_secs_f64());
            }
        }
    };
    tokio::select! {
        bits = counting => bits,
        () = pushing => Err(io::ErrorKind::BrokenPipe.into()),
        () = sleep(SPEED_UP + push.time * 3) => Ok(0.0),
    }
}

/// What a new connection comes to.
pub(super) async fn dial(address: IpAddr, port: u16, limit: Duration) -> Dial {
    match timeout(limit, TcpStream::connect((address, port))).await {
        Ok(Ok(_)) => Dial::Open,
        Ok(Err(_)) => Dial::Refused,
        Err(_) => Dial::Silent,
    }
}

/// Opens new connections to a node's echo server, one by one, and looks on which of them bytes come back.
pub(super) async fn knock(address: IpAddr, knock: Knock) -> Knocked {
    let clock = Clock::start();
    let tries = (0..knock.count).map(|number| async move {
        let due = Nanos::from_duration(knock.gap * number);
        sleep_until(clock.instant(due).into()).await;
        let begun = clock.now().since_start();
        let nonce = format!("{number:016x}\n");
        let said = async {
            let mut stream = TcpStream::connect((address, PORT)).await?;
            echoed(&mut stream, &nonce).await
        };
        (begun, timeout(knock.limit, said).await)
    });
    let tries = join_all(tries).await;
    let begun = || tries.iter().map(|(begun, _)| *begun);
    let count = |of: fn(&Result<io::Result<()>, Elapsed>) -> bool| {
        let count = tries.iter().filter(|(_, end)| of(end)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    let spread = begun().max().zip(begun().min());
    Knocked {
        tried: knock.count,
        answered: count(|end| matches!(end, Ok(Ok(())))),
        silent: count(Result::is_err),
        seconds: spread.map_or(0.0, |(last, first)| (last - first).as_secs_f64()),
    }
}

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
