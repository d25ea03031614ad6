//! A small HTTP client for Patroni, etcd, OpenSearch, HAProxy and Prometheus: a connection for one request with a deadline, or one that is kept.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    time::Duration,
};

use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};

/// The longest answer that is read; the largest real one has a few hundred kilobytes.
const ANSWER_MAX: u64 = 4 << 20;

/// The longest line of an answer's head that is read.
const LINE_MAX: u64 = 16 << 10;

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// Whom to ask.
    pub address: SocketAddr,
    /// Path and query.
    pub path: &'a str,
    /// The body, JSON or nothing.
    pub body: &'a str,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// When the status is no success or the body is no JSON.
    pub fn json(&self) -> Result<serde_json::Value, String> {
        if !(200..300).contains(&self.status) {
            return Err(format!("status {}: {}", self.status, self.body.trim()));
        }
        serde_json::from_str(&self.body).map_err(|error| format!("unreadable answer: {error}"))
    }
}

/// Asks for a page.
///
/// # Errors
/// When nothing readable comes back within `limit`.
pub async fn get(address: SocketAddr, path: &str, limit: Duration) -> Result<Answer, String> {
    let call = Call {
        method: "GET",
        address,
        path,
        body: "",
    };
    request(call, limit).await
}

/// Makes a request.
///
/// # Errors
/// When nothing readable comes back within `limit`.
pub async fn request(call: Call<'_>, limit: Duration) -> Result<Answer, String> {
    let conversation = async {
        let mut line = Line::connect(call.address).await?;
        line.send(call, "close").await?;
        answer(&mut line.stream).await
    };
    let asked = || format!("{} {} at {}", call.method, call.path, call.address);
    match timeout(limit, conversation).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(format!("{}: {error}", asked())),
        Err(_) => Err(format!("{}: no answer within {limit:?}", asked())),
    }
}

/// A connection that is kept from one request to the next. After an error it is of no use any more.
#[derive(Debug)]
pub struct Line {
    stream: BufReader<TcpStream>,
}

impl Line {
    /// Connects.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Makes a request. It has no deadline of its own: who stops waiting drops the connection.
    ///
    /// # Errors
    /// Those of the connection, and `InvalidData` for an answer that cannot be read.
    pub async fn ask(&mut self, call: Call<'_>) -> io::Result<Answer> {
        self.send(call, "keep-alive").await?;
        answer(&mut self.stream).await
    }

    /// Whether the server has not ended it, as far as is known here.
    pub fn is_open(&self) -> bool {
        let read = self.stream.get_ref().try_read(&mut [0]);
        read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    async fn send(&mut self, call: Call<'_>, then: &str) -> io::Result<()> {
        let Call {
            method,
            address,
            path,
            body,
        } = call;
        let length = body.len();
        let text = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: {then}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.stream.write_all(text.as_bytes()).await
    }
}

/// Where a body ends.
enum End {
    After(u64),
    Chunked,
    WithTheConnection,
}

async fn answer(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Answer> {
    let first = line(reader).await?;
    let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(unreadable)?;
    let mut end = End::WithTheConnection;
    loop {
        let header = line(reader).await?.to_ascii_lowercase();
        match header.split_once(':') {
            None if header.is_empty() => break,
            Some(("content-length", length)) => {
                end = End::After(length.trim().parse().map_err(|_| unreadable())?);
            }
            Some(("transfer-encoding", how)) if how.contains("chunked") => end = End::Chunked,
            _ => {}
        }
    }
    let mut body = Vec::new();
    match end {
        End::After(length) => some(reader, length, &mut body).await?,
        End::Chunked => chunks(reader, &mut body).await?,
        End::WithTheConnection => {
            reader.take(ANSWER_MAX).read_to_end(&mut body).await?;
        }
    }
    Ok(Answer {
        status,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// The chunks of a body put together.
async fn chunks(reader: &mut (impl AsyncBufRead + Unpin), body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let size = line(reader).await?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(|_| unreadable())?;
        some(reader, size, body).await?;
        line(reader).await?;
        if size == 0 {
            return Ok(());
        }
    }
}

/// So many bytes more.
async fn some(
    reader: &mut (impl AsyncBufRead + Unpin),
    length: u64,
    body: &mut Vec<u8>,
) -> io::Result<()> {
    if length.saturating_add(body.len() as u64) > ANSWER_MAX {
        return Err(unreadable());
    }
    let read = reader.take(length).read_to_end(body).await?;
    match read as u64 == length {
        true => Ok(()),
        false => Err(ErrorKind::UnexpectedEof.into()),
    }
}

/// A line without its end.
async fn line(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<String> {
    let mut bytes = Vec::new();
    reader.take(LINE_MAX).read_until(b'\n', &mut bytes).await?;
    match bytes.strip_suffix(b"\r\n") {
        Some(line) => String::from_utf8(line.to_vec()).map_err(|_| unreadable()),
        None if (bytes.len() as u64) < LINE_MAX => Err(ErrorKind::UnexpectedEof.into()),
        None => Err(unreadable()),
    }
}

fn unreadable() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "unreadable answer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_are_read_with_and_without_chunks_and_leave_the_next_one() {
        let plain = b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\n{\"a\":1}";
        let long = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}HTTP/1.1 503 Later\r\n";
        let chunked =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n3\r\n:1}\r\n0\r\n\r\nHTTP";
        let cases: [(&[u8], &str); 3] = [
            (plain, ""),
            (long, "HTTP/1.1 503 Later\r\n"),
            (chunked, "HTTP"),
        ];
        for (mut bytes, rest) in cases {
            let answer = answer(&mut bytes).await.expect("readable");
            assert_eq!((answer.status, answer.body.as_str()), (200, "{\"a\":1}"));
            assert_eq!(bytes, rest.as_bytes());
        }
    }

    #[tokio::test]
    async fn half_an_answer_and_no_answer_at_all_are_errors() {
        let cases: [(&[u8], ErrorKind); 5] = [
            (b"", ErrorKind::UnexpectedEof),
            (b"HTTP/1.1 200 OK\r\n", ErrorKind::UnexpectedEof),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nshort",
                ErrorKind::UnexpectedEof,
            ),
            (b"mumble\r\n\r\n", ErrorKind::InvalidData),
            (
                b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
                ErrorKind::InvalidData,
            ),
        ];
        for (mut bytes, kind) in cases {
            let error = answer(&mut bytes).await.expect_err("no answer");
            assert_eq!(error.kind(), kind);
        }
    }

    #[test]
    fn json_is_read_only_from_a_success() {
        let refused = Answer {
            status: 412,
            body: "no candidate".into(),
        };
        assert_eq!(refused.json(), Err("status 412: no candidate".into()));
    }
}
