//! The receiver of Alertmanager's notifications: a small HTTP server where nodes see the harness.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    record::{AlertEvent, AlertMoment, Emitter, WATCHDOG, What},
    time::Bracket,
};

use super::seen::{Labels, NAME, Seen};

/// The longest time for one notification to be read and answered.
const READ_LIMIT: Duration = Duration::from_secs(5);

/// The longest notification that is read.
const BYTES_MAX: usize = 4 << 20;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// A receiver that listens.
pub struct Receiver {
    /// Where.
    pub address: SocketAddr,
    task: JoinHandle<()>,
    stop: CancellationToken,
}

/// A notification of one group of alerts.
#[derive(Deserialize)]
struct Notification {
    alerts: Vec<Notified>,
}

#[derive(Deserialize)]
struct Notified {
    status: String,
    labels: Labels,
}

impl Receiver {
    /// Listens at the address by which nodes see the harness, and says what arrives.
    ///
    /// # Errors
    /// When it cannot listen there.
    pub async fn listen(host: IpAddr, emitter: Emitter, seen: Seen) -> io::Result<Self> {
        let listener = TcpListener::bind((host, 0)).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve(listener, emitter, seen, stop.clone()));
        Ok(Self {
            address,
            task,
            stop,
        })
    }

    /// Stops listening, and lets go of the run's emitter.
    pub async fn close(mut self) {
        self.stop.cancel();
        // One that panicked has heard nothing more, which the missing notifications show.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Receiver {
    /// A run that is interrupted while alerting comes up must not wait for its receiver.
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, emitter: Emitter, seen: Seen, stop: CancellationToken) {
    let mut talks = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = talks.join_next() => {}
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    talks.spawn(timeout(READ_LIMIT, receive(stream, emitter.clone(), seen.clone())));
                }
            }
        }
    }
    talks.shutdown().await;
}

/// Reads one notification; it has arrived once its last byte has.
async fn receive(mut stream: TcpStream, emitter: Emitter, seen: Seen) {
    let low = emitter.now();
    let Ok(Some(body)) = read(&mut stream).await else {
        return;
    };
    let at = Bracket {
        low,
        high: emitter.now(),
    };
    match serde_json::from_slice::<Notification>(&body) {
        Ok(notification) => tell(notification, at, &emitter, &seen),
        Err(error) => emitter.note(format!("a notification could not be read: {error}")),
    }
    // Alertmanager tries again where the answer is lost; what comes twice is no news.
    let _ = stream.write_all(ANSWER).await;
}

fn tell(notification: Notification, at: Bracket, emitter: &Emitter, seen: &Seen) {
    for Notified { status, labels } in notification.alerts {
        let over = status == "resolved";
        if !seen.heard(at.high, &labels, over) {
            continue;
        }
        let moment = if over {
            AlertMoment::Resolved
        } else {
            AlertMoment::Delivered
        };
        if let Some(event) = event(labels, moment) {
            emitter.say_at(at, What::Alert(event));
        }
    }
}

/// The event of an alert, unless it is the watchdog.
pub fn event(mut labels: Labels, moment: AlertMoment) -> Option<AlertEvent> {
    let alert = labels.remove(NAME).unwrap_or_default();
    (alert != WATCHDOG).then_some(AlertEvent {
        alert,
        labels,
        moment,
    })
}

/// The body of one request; `None` when the connection ends before it is whole.
async fn read(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    loop {
        if let Some((start, length)) = body(&bytes)
            && bytes.len() >= start + length
        {
            return Ok(Some(bytes[start..start + length].to_vec()));
        }
        if bytes.len() > BYTES_MAX || stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
}

/// Where a request's body starts and how long it is, once its head is whole.
fn body(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let length = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    Some((end + 4, length.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::time::Clock;

    #[test]
    fn a_body_is_found_once_its_head_is_whole() {
        assert_eq!(body(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n"), None);
        let whole = b"POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc";
        assert_eq!(body(whole), Some((whole.len() - 3, 3)));
    }

    #[tokio::test]
    async fn a_notification_is_said_once_and_the_watchdog_never() {
        let (emitter, events) = Emitter::new(Clock::start());
        let seen = Seen::default();
        let receiver = Receiver::listen(Ipv4Addr::LOCALHOST.into(), emitter, seen.clone())
            .await
            .expect("a port");
        let alert = |name: &str, status: &str| {
            format!(r#"{{"status":"{status}","labels":{{"alertname":"{name}","instance":"a"}}}}"#)
        };
        let alerts = [alert(WATCHDOG, "firing"), alert("Down", "firing")].join(",");
        let body = format!(r#"{{"version":"4","alerts":[{alerts}]}}"#);
        for _ in 0..2 {
            let mut stream = TcpStream::connect(receiver.address)
                .await
                .expect("a server");
            let head = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len());
            // In two pieces, as a network may.
            stream.write_all(head.as_bytes()).await.expect("sent");
            stream.write_all(body.as_bytes()).await.expect("sent");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.expect("an answer");
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
        receiver.close().await;
        let said: Vec<What> = events.iter().map(|event| event.what).collect();
        let [What::Alert(event)] = said.as_slice() else {
            panic!("{said:?}");
        };
        assert_eq!(
            (event.alert.as_str(), event.moment),
            ("Down", AlertMoment::Delivered)
        );
        assert!(seen.watched());
    }
}
