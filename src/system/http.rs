//! A small HTTP client for Patroni, etcd, HAProxy and Prometheus: one request per connection, with a deadline.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// The longest answer that is read; the largest real one has a few kilobytes.
const ANSWER_MAX: u64 = 4 << 20;

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// `GET`, `POST` or `PATCH`.
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
    let Call {
        method,
        address,
        path,
        body,
    } = call;
    let conversation = async {
        let mut stream = TcpStream::connect(address).await?;
        let length = body.len();
        let text = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(text.as_bytes()).await?;
        let mut bytes = Vec::new();
        stream.take(ANSWER_MAX).read_to_end(&mut bytes).await?;
        std::io::Result::Ok(bytes)
    };
    let asked = || format!("{method} {path} at {address}");
    match timeout(limit, conversation).await {
        Ok(Ok(bytes)) => parse(&bytes).ok_or_else(|| format!("{}: unreadable answer", asked())),
        Ok(Err(error)) => Err(format!("{}: {error}", asked())),
        Err(_) => Err(format!("{}: no answer within {limit:?}", asked())),
    }
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let chunked = lines.any(|line| {
        let line = line.to_ascii_lowercase();
        line.starts_with("transfer-encoding:") && line.contains("chunked")
    });
    let rest = &bytes[end + 4..];
    let body = if chunked {
        joined(rest)?
    } else {
        rest.to_vec()
    };
    Some(Answer {
        status,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// The chunks of a body put together.
fn joined(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let line = std::str::from_utf8(&rest[..end]).ok()?;
        let size = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(end + 2..end + 2 + size)?);
        rest = rest.get(end + 2 + size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_with_and_without_chunks() {
        let plain = b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\n{\"a\":1}";
        let chunked =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n3\r\n:1}\r\n0\r\n\r\n";
        for bytes in [plain.as_slice(), chunked.as_slice()] {
            let answer = parse(bytes).expect("readable");
            assert_eq!((answer.status, answer.body.as_str()), (200, "{\"a\":1}"));
        }
        assert_eq!(parse(b"HTTP/1.1 200 OK\r\n"), None);
        assert_eq!(
            parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nshort"),
            None
        );
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
