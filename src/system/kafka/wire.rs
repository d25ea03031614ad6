//! One connection to one broker that answers for itself: a driver would ask whichever broker it likes.

use std::{fmt, io, net::SocketAddr, time::Duration};

use bytes::{Bytes, BytesMut};
use kafka_protocol::{
    messages::{RequestHeader, ResponseHeader},
    protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// The longest answer that is read; a fetch asks for less.
const ANSWER_MAX: u32 = 64 << 20;

/// Why a question has no answer.
#[derive(Debug)]
pub enum WireError {
    /// The connection failed or ended.
    Lost(io::Error),
    /// What came back cannot be read.
    Unreadable(String),
    /// Nothing came back in time.
    Late,
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(error) => write!(f, "connection failed: {error}"),
            Self::Unreadable(reason) => write!(f, "unreadable answer: {reason}"),
            Self::Late => f.write_str("no answer in time"),
        }
    }
}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

/// A connection. After an error it is of no more use.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    asked: i32,
}

impl Wire {
    /// Connects.
    ///
    /// # Errors
    /// When the broker does not take the connection.
    pub async fn connect(address: SocketAddr) -> Result<Self, WireError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, asked: 0 })
    }

    /// Asks one question in the given version of the protocol.
    ///
    /// # Errors
    /// When no answer can be read; a broker's error is part of the answer.
    pub async fn ask<Q: Request>(
        &mut self,
        question: &Q,
        version: i16,
    ) -> Result<Q::Response, WireError> {
        self.asked += 1;
        self.stream
            .write_all(&frame(question, version, self.asked)?)
            .await?;
        let length = self.stream.read_u32().await?;
        if length > ANSWER_MAX {
            return Err(WireError::Unreadable(format!("it has {length} bytes")));
        }
        let mut body = vec![0; usize::try_from(length).unwrap_or(0)];
        self.stream.read_exact(&mut body).await?;
        let mut body = Bytes::from(body);
        let header = Q::Response::header_version(version);
        let header = ResponseHeader::decode(&mut body, header).map_err(unreadable)?;
        if header.correlation_id != self.asked {
            return Err(WireError::Unreadable("it answers another question".into()));
        }
        Q::Response::decode(&mut body, version).map_err(unreadable)
    }
}

/// Connects, asks one question, and closes, all within `limit`.
///
/// # Errors
/// When no answer can be read by then.
pub async fn ask<Q: Request>(
    address: SocketAddr,
    question: &Q,
    version: i16,
    limit: Duration,
) -> Result<Q::Response, WireError> {
    let conversation = async { Wire::connect(address).await?.ask(question, version).await };
    timeout(limit, conversation)
        .await
        .unwrap_or(Err(WireError::Late))
}

fn frame<Q: Request>(question: &Q, version: i16, number: i32) -> Result<Bytes, WireError> {
    let header = RequestHeader::default()
        .with_request_api_key(Q::KEY)
        .with_request_api_version(version)
        .with_correlation_id(number)
        .with_client_id(Some(StrBytes::from_static_str("drdrill")));
    let mut body = BytesMut::new();
    header
        .encode(&mut body, Q::header_version(version))
        .map_err(unreadable)?;
    question.encode(&mut body, version).map_err(unreadable)?;
    let length = u32::try_from(body.len()).map_err(unreadable)?;
    let mut frame = BytesMut::with_capacity(body.len() + 4);
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(&body);
    Ok(frame.freeze())
}

fn unreadable(error: impl fmt::Display) -> WireError {
    WireError::Unreadable(error.to_string())
}
