//! Faults near containers that drdrill did not create end with its signs of life: their undo waits beside the engine.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bollard::models::ContainerCreateBody;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::runtime::{Pipe, RuntimeError};

use super::{Engine, container, exec, given_back::FLUSH, start};

/// What waits and undoes.
const SCRIPT: &str = include_str!("lease.py");
/// Where it finds the engine's socket.
const SOCKET: &str = "/var/run/docker.sock";
/// Signs of life in a lease: four of them may be lost.
const BEATS: u32 = 5;

/// The undo that waits, and the signs of life that hold it back. It ends when this is dropped, and undoes a lease later.
pub(super) struct Lease {
    lapsed: Arc<AtomicBool>,
    beats: Mutex<Option<JoinHandle<()>>>,
}

impl Lease {
    /// Arms the undo of whatever becomes of these containers, each given with its sidecar, and returns once it waits.
    pub async fn arm(
        engine: &Engine,
        (name, image): (&str, &str),
        pairs: &[(String, String)],
        lasting: Duration,
        labels: &std::collections::HashMap<String, String>,
    ) -> Result<Self, RuntimeError> {
        let guard = start::create(engine, name, body(engine, image, labels)).await?;
        start::sidecar(engine, &guard, false).await?;
        let pairs = serde_json::to_string(pairs).unwrap_or_default();
        let seconds = lasting.as_secs_f64().to_string();
        let argv = ["python3", "-I", "-S", "-c", SCRIPT, &seconds, &pairs, FLUSH];
        let pipe = exec::open(engine, &guard, &argv).await?;
        let lapsed = Arc::new(AtomicBool::new(false));
        let mut line = Line::new(pipe);
        // Armed means that it has answered.
        let armed = line.beat(lasting).await;
        armed.map_err(|cause| RuntimeError::Failed {
            action: "arm the undo at",
            node: name.to_owned(),
            cause,
        })?;
        let flag = lapsed.clone();
        let beats = tokio::spawn(async move {
            let mut ticks = interval(lasting / BEATS);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                if !matches!(line.beat(lasting).await, Ok(true)) {
                    flag.store(true, Ordering::SeqCst);
                    return;
                }
            }
        });
        Ok(Self {
            lapsed,
            beats: Mutex::new(Some(beats)),
        })
    }

    /// Whether the undo has been done, or nobody would do it any more.
    pub fn has_lapsed(&self) -> bool {
        self.lapsed.load(Ordering::SeqCst)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut beats = self.beats.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(beats) = beats.take() {
            beats.abort();
        }
    }
}

/// The pipe to what waits.
struct Line {
    input: std::pin::Pin<Box<dyn tokio::io::AsyncWrite + Send>>,
    lines: tokio::io::Lines<BufReader<std::pin::Pin<Box<dyn tokio::io::AsyncRead + Send>>>>,
}

impl Line {
    fn new(pipe: Pipe) -> Self {
        Self {
            input: pipe.input,
            lines: BufReader::new(pipe.output).lines(),
        }
    }

    /// Gives a sign of life; whether the lease goes on.
    async fn beat(&mut self, limit: Duration) -> Result<bool, String> {
        let beat = async {
            self.input.write_all(b"\n").await?;
            self.input.flush().await?;
            self.lines.next_line().await
        };
        match timeout(limit, beat).await {
            Ok(Ok(Some(line))) if line.contains("false") => Ok(true),
            Ok(Ok(Some(line))) if line.contains("true") => Ok(false),
            Ok(Ok(other)) => Err(other.unwrap_or_else(|| "it has ended".into())),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("it did not answer within {limit:?}")),
        }
    }
}

/// The body of the container in which the undo waits: it reaches the engine and nothing else.
fn body(
    engine: &Engine,
    image: &str,
    labels: &std::collections::HashMap<String, String>,
) -> ContainerCreateBody {
    let mut body = container::once(image, &["sleep", "infinity"], labels);
    let host = body.host_config.get_or_insert_default();
    container::allow(host, &["DAC_OVERRIDE"]);
    host.binds = Some(vec![format!("{}:{SOCKET}", engine.socket())]);
    body
}
