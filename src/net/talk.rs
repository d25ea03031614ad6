//! A conversation with a server in its own language: how a stream fares, seen by application bytes.

use std::{
    fmt::{self, Debug},
    io,
    net::SocketAddr,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split},
    net::TcpStream,
    time::timeout,
};

use crate::time::Clock;

/// The most bytes of one answer that are kept. The largest that is asked for has a mebibyte and a few; without a limit a broken
/// or hostile server could fill the memory of the harness.
const HEARD_MOST: usize = 16 << 20;

/// How one speaks with a server.
pub trait Dialogue: Debug + Send + Sync {
    /// What opens a connection, to be answered; empty if nothing has to be said.
    fn greeting(&self) -> Vec<u8>;

    /// A request of about so many bytes that the server answers with about as many, and that changes nothing.
    fn request(&self, bytes: usize) -> Vec<u8>;

    /// Whether what was heard is a whole answer.
    fn whole(&self, heard: &[u8]) -> bool;

    /// What makes the server close the connection.
    fn farewell(&self) -> Vec<u8>;

    /// What asks for TLS, and the one byte that agrees; where connections begin with TLS, nothing.
    fn asks_for_tls(&self) -> Option<(Vec<u8>, u8)> {
        None
    }
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By a whole answer.
    Whole,
    /// The connection was closed.
    Closed,
    /// The connection was reset.
    Reset,
    /// No whole answer and no end came in time.
    Silent,
    /// More bytes came than are kept of an answer.
    TooMuch,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("a whole answer"),
            Self::Closed => f.write_str("the end of the connection"),
            Self::Reset => f.write_str("a reset of the connection"),
            Self::Silent => f.write_str("silence"),
            Self::TooMuch => write!(f, "an answer of more than {} MiB", HEARD_MOST >> 20),
        }
    }
}

/// What an exchange came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heard {
    /// How it ended.
    pub end: End,
    /// When, from its first byte on.
    pub took: Duration,
    /// How many bytes were sent.
    pub sent: usize,
    /// How many bytes were heard.
    pub bytes: usize,
    /// In how many pieces they came.
    pub pieces: usize,
    /// The most bytes of a piece.
    pub largest: usize,
}

/// A connection to a server.
#[derive(Debug)]
pub struct Talk<S = TcpStream> {
    stream: S,
}

impl Talk {
    /// Connects, and greets where the server wants that. Both within `limit`.
    ///
    /// # Errors
    /// When the connection is refused, or not accepted in time.
    pub async fn open(
        address: SocketAddr,
        dialogue: &dyn Dialogue,
        limit: Duration,
    ) -> io::Result<(Self, Option<Heard>)> {
        let late = || io::Error::from(io::ErrorKind::TimedOut);
        let stream = timeout(limit, TcpStream::connect(address))
            .await
            .map_err(|_| late())??;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream, dialogue, limit).await)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    /// Greets on a connection that stands, where the server wants that, within `limit`.
    pub async fn over(
        stream: S,
        dialogue: &dyn Dialogue,
        limit: Duration,
    ) -> (Self, Option<Heard>) {
        let mut talk = Self { stream };
        let greeting = dialogue.greeting();
        if greeting.is_empty() {
            return (talk, None);
        }
        let heard = talk.exchange(greeting, dialogue, limit).await;
        (talk, Some(heard))
    }

    /// Asks for so many bytes.
    pub async fn ask(&mut self, bytes: usize, dialogue: &dyn Dialogue, limit: Duration) -> Heard {
        self.exchange(dialogue.request(bytes), dialogue, limit)
            .await
    }

    /// Makes the server close the connection, and waits until it is closed here.
    pub async fn part(mut self, dialogue: &dyn Dialogue, limit: Duration) -> Heard {
        self.run(dialogue.farewell(), false, |_| false, limit).await
    }

    /// Closes this side, and waits until the other one is closed too.
    pub async fn leave(mut self, limit: Duration) -> Heard {
        self.run(Vec::new(), true, |_| false, limit).await
    }

    async fn exchange(
        &mut self,
        words: Vec<u8>,
        dialogue: &dyn Dialogue,
        limit: Duration,
    ) -> Heard {
        self.run(words, false, |heard| dialogue.whole(heard), limit)
            .await
    }

    async fn run(
        &mut self,
        words: Vec<u8>,
        shut: bool,
        whole: impl Fn(&[u8]) -> bool,
        limit: Duration,
    ) -> Heard {
        let clock = Clock::start();
        let sent = words.len();
        let mut heard = Vec::new();
        let (mut pieces, mut largest) = (0, 0);
        let (mut reader, mut writer) = split(&mut self.stream);
        let said = async {
            writer.write_all(&words).await?;
            if shut {
                writer.shutdown().await?;
            }
            Ok::<(), io::Error>(())
        };
        let listen = async {
            let mut piece = vec![0; 64 << 10];
            loop {
                let count = reader.read(&mut piece).await?;
                if count == 0 {
                    return Ok(End::Closed);
                }
                if count > HEARD_MOST - heard.len() {
                    return Ok(End::TooMuch);
                }
                (pieces, largest) = (pieces + 1, largest.max(count));
                heard.extend_from_slice(&piece[..count]);
                if whole(&heard) {
                    return Ok(End::Whole);
                }
            }
        };
        // What cannot be said any more shows when listening.
        let both = async { tokio::join!(said, listen).1 };
        let end = match timeout(limit, both).await {
            Ok(Ok(end)) => end,
            Ok(Err(error)) => ended(&error),
            Err(_) => End::Silent,
        };
        Heard {
            end,
            took: clock.now().since_start(),
            sent,
            bytes: heard.len(),
            pieces,
            largest,
        }
    }
}

fn ended(error: &io::Error) -> End {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => End::Reset,
        _ => End::Closed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Lines that are sent back.
    #[derive(Debug)]
    struct Lines;

    impl Dialogue for Lines {
        fn greeting(&self) -> Vec<u8> {
            Vec::new()
        }

        fn request(&self, bytes: usize) -> Vec<u8> {
            let mut line = vec![b'x'; bytes];
            line.push(b'\n');
            line
        }

        fn whole(&self, heard: &[u8]) -> bool {
            heard.last() == Some(&b'\n')
        }

        fn farewell(&self) -> Vec<u8> {
            b"bye\n".to_vec()
        }
    }

    const LIMIT: Duration = Duration::from_millis(300);

    #[tokio::test]
    async fn answers_silence_an_end_and_a_reset_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = async {
            let (mut echo, _) = listener.accept().await.expect("a connection");
            let mut bytes = [0; 64];
            let count = echo.read(&mut bytes).await.expect("bytes");
            echo.write_all(&bytes[..count]).await.expect("an answer");
            let (mute, _) = listener.accept().await.expect("a connection");
            tokio::time::sleep(LIMIT * 2).await;
            // Bytes that nobody read make the kernel reset a connection that is closed.
            drop(mute);
            let _ = echo.read(&mut bytes).await;
            drop(echo);
        };
        let client = async {
            let (mut talk, greeted) = Talk::open(address, &Lines, LIMIT).await.expect("open");
            let heard = talk.ask(10, &Lines, LIMIT).await;
            assert_eq!((heard.end, heard.bytes, greeted), (End::Whole, 11, None));
            let (mut mute, _) = Talk::open(address, &Lines, LIMIT).await.expect("open");
            assert_eq!(mute.ask(10, &Lines, LIMIT).await.end, End::Silent);
            assert_eq!(mute.ask(10, &Lines, LIMIT * 3).await.end, End::Reset);
            assert_eq!(talk.part(&Lines, LIMIT * 3).await.end, End::Closed);
        };
        tokio::join!(server, client);
    }

    #[tokio::test]
    async fn an_answer_without_an_end_is_given_up_on() {
        let (client, mut server) = tokio::io::duplex(1 << 20);
        let endless = async {
            let bytes = vec![b'x'; 1 << 20];
            while server.write_all(&bytes).await.is_ok() {}
        };
        let limit = Duration::from_secs(30);
        let ask = async {
            let (mut talk, _) = Talk::over(client, &Lines, limit).await;
            talk.ask(10, &Lines, limit).await
        };
        let (_, heard) = tokio::join!(endless, ask);
        assert_eq!(heard.end, End::TooMuch);
        assert!(heard.bytes <= HEARD_MOST, "{}", heard.bytes);
        assert_eq!(heard.end.to_string(), "an answer of more than 16 MiB");
    }
}
