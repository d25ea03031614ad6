//! The connection to a container engine: address, version, deadlines, and errors in plain words.

use std::{
    fmt::Display,
    fs,
    future::Future,
    io,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bollard::{ClientVersion, Docker, errors::Error, models::SystemInfo};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::runtime::RuntimeError;

use super::facts;

/// How long an engine may take to answer at all.
pub(super) const ANSWER: Duration = Duration::from_secs(2);
/// How long questions about state may take.
pub(super) const ASK: Duration = Duration::from_secs(10);
/// How long creating, starting, pausing or signalling may take.
pub(super) const ACT: Duration = Duration::from_secs(30);
/// How long removing one thing may take.
pub(super) const REMOVE: Duration = Duration::from_secs(30);
/// bollard's own limit on response headers, above every deadline of ours and every stop's grace.
const CLIENT_SECONDS: u64 = 900;

const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// A connection to a container engine. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(super) docker: Docker,
    host: Option<String>,
    /// What the engine was asked to make and has not answered to yet.
    making: TaskTracker,
    /// Whether it was asked to make something and did not answer in time: it may still make it.
    unanswered: Arc<AtomicBool>,
}

impl Engine {
    /// Connects to the engine at `host` (`unix://`, `tcp://` or `http://`), or at the usual sockets.
    ///
    /// # Errors
    /// `Unavailable` within 2 s when none answers; its text says what to do.
    pub async fn connect(host: Option<&str>) -> Result<Self, RuntimeError> {
        let address = host.map_or_else(usual_socket, str::to_owned);
        let docker = open(&address).map_err(|error| unavailable(&address, &error))?;
        match timeout(ANSWER, docker.negotiate_version()).await {
            Ok(Ok(docker)) => Ok(Self {
                docker,
                host: host.map(str::to_owned),
                making: TaskTracker::new(),
                unanswered: Arc::default(),
            }),
            Ok(Err(error)) => Err(unavailable(&address, &error)),
            Err(_) => Err(RuntimeError::Unavailable(format!(
                "nothing came from `{address}` within {ANSWER:?}; is the engine overloaded or hung?"
            ))),
        }
    }

    /// The path of the engine's socket on its own machine.
    pub(super) fn socket(&self) -> String {
        let address = self.host.clone().unwrap_or_else(usual_socket);
        let path = address.strip_prefix("unix://");
        path.unwrap_or(DEFAULT_SOCKET).to_owned()
    }

    /// The address that was asked for, if one was.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// What tells this engine from another one at the same address, lasting over its restarts: its id, its machine's name and its folder,
    /// for engines of one machine, and of machines that were copied, may share an id. None where the id is another one each time that
    /// it is asked for, as Podman's is.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn identity(&self) -> Result<Option<String>, RuntimeError> {
        let (first, second) = (facts::info(self).await?, facts::info(self).await?);
        let same = first.id.is_some() && first.id == second.id;
        Ok(same.then(|| told(first)))
    }

    /// Makes sure that it is the engine with this identity.
    ///
    /// # Errors
    /// When it is another one, or does not answer.
    pub(super) async fn is_still(&self, meant: Option<&str>) -> Result<(), RuntimeError> {
        let Some(meant) = meant else {
            return Ok(());
        };
        if told(facts::info(self).await?) == meant {
            return Ok(());
        }
        let address = self.host.clone().unwrap_or_else(usual_socket);
        Err(RuntimeError::OtherEngine {
            address,
            identity: meant.to_owned(),
        })
    }

    /// Has the engine make something. What it was asked for it makes, whether the caller is still there or not, so the call goes on
    /// without the caller: removal waits for it, and nothing appears after that.
    pub(super) async fn make<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, RuntimeError>> + Send + 'static,
    ) -> Result<T, RuntimeError> {
        let unanswered = self.unanswered.clone();
        let noted = async move {
            let made = call.await;
            let lost = matches!(
                made,
                Err(RuntimeError::Deadline { .. } | RuntimeError::Unreached { .. })
            );
            unanswered.fetch_or(lost, Ordering::SeqCst);
            made
        };
        let made = self.making.spawn(noted).await;
        made.unwrap_or_else(|error| Err(RuntimeError::Unavailable(error.to_string())))
    }

    /// Waits until nothing is being made any more, each call up to its deadline; says whether the engine has answered to all.
    pub(super) async fn made(&self) -> bool {
        self.making.close();
        let waited = timeout(ACT, self.making.wait()).await;
        self.making.reopen();
        waited.is_ok() && !self.unanswered.load(Ordering::SeqCst)
    }

    /// The connection's API version, for instance `1.41`.
    pub fn api(&self) -> String {
        self.docker.client_version().to_string()
    }
}

/// The facts that tell one engine from another, as one line.
fn told(info: SystemInfo) -> String {
    let parts = [info.id, info.name, info.docker_root_dir];
    parts.map(Option::unwrap_or_default).join(" ")
}

/// The system's socket, or the rootless one of this user where only that exists.
fn usual_socket() -> String {
    let user = fs::metadata("/proc/self").map_or(0, |process| process.uid());
    let rootless = format!("/run/user/{user}/docker.sock");
    if !Path::new(DEFAULT_SOCKET).exists() && Path::new(&rootless).exists() {
        return format!("unix://{rootless}");
    }
    format!("unix://{DEFAULT_SOCKET}")
}

fn open(address: &str) -> Result<Docker, Error> {
    const VERSION: &ClientVersion = bollard::API_DEFAULT_VERSION;
    match address.split_once("://") {
        Some(("tcp" | "http", _)) => Docker::connect_with_http(address, CLIENT_SECONDS, VERSION),
        Some(("unix", _)) => Docker::connect_with_unix(address, CLIENT_SECONDS, VERSION),
        _ => Err(Error::UnsupportedURISchemeError {
            uri: address.to_owned(),
        }),
    }
}

fn unavailable(address: &str, error: &Error) -> RuntimeError {
    let text = cause(error);
    let path = address.strip_prefix("unix://");
    let advice = match error {
        Error::UnsupportedURISchemeError { .. } => {
            "only unix://, tcp:// and http:// addresses are spoken; use an SSH tunnel for others"
        }
        _ if text.contains("ermission denied") => {
            "join the group that owns the socket (usually `docker`), or run as root"
        }
        _ if path.is_some_and(|path| !Path::new(path).exists()) => {
            "start it (scripts/setup.sh installs it on Debian and Ubuntu), or name the engine's address in DOCKER_HOST. \
             Without Docker: drdrill run scenarios/reference"
        }
        _ => "start it, or check DOCKER_HOST. Without Docker: drdrill run scenarios/reference",
    };
    RuntimeError::Unavailable(format!("{advice} (`{address}`: {text})"))
}

/// The engine's own words, without the client library's wrapping.
pub(super) fn cause(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        Error::DockerStreamError { error } => error.trim().to_owned(),
        other => {
            let mut text = other.to_string();
            let mut source = std::error::Error::source(other);
            while let Some(inner) = source {
                let inner_text = inner.to_string();
                if !text.contains(&inner_text) {
                    text = format!("{text}: {inner_text}");
                }
                source = inner.source();
            }
            text
        }
    }
}

/// The status that the engine answered with, if it did.
pub(super) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// Whether the connection failed, not what was asked for.
fn is_connection(error: &Error) -> bool {
    match error {
        Error::IOError { err } => err.kind() != io::ErrorKind::Other,
        Error::HyperResponseError { .. }
        | Error::HyperLegacyError { .. }
        | Error::RequestTimeoutError
        | Error::SocketNotFoundError(_) => true,
        _ => false,
    }
}

/// Turns an engine's error into ours.
pub(super) fn failed(action: &'static str, thing: impl Display, error: &Error) -> RuntimeError {
    let (node, cause) = (thing.to_string(), cause(error));
    if is_connection(error) {
        return RuntimeError::Unreached {
            action,
            node,
            cause,
        };
    }
    RuntimeError::Failed {
        action,
        node,
        cause,
    }
}

/// Waits for a call at most until its deadline.
pub(super) async fn within<T>(
    action: &'static str,
    thing: impl Display,
    limit: Duration,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, RuntimeError> {
    match timeout(limit, call).await {
        Ok(result) => result.map_err(|error| failed(action, thing, &error)),
        Err(_) => Err(RuntimeError::Deadline {
            action,
            node: thing.to_string(),
            limit,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_missing_engine_is_unavailable_at_once_and_says_what_to_do() {
        for (host, word) in [
            ("unix:///nonexistent/docker.sock", "scripts/setup.sh"),
            ("tcp://127.0.0.1:9", "DOCKER_HOST"),
            ("ssh://example", "tunnel"),
        ] {
            let error = Engine::connect(Some(host)).await.unwrap_err();
            assert!(
                matches!(&error, RuntimeError::Unavailable(text) if text.contains(word)),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn an_engine_that_accepts_and_says_nothing_is_unavailable_within_two_seconds() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("tcp://{}", silent.local_addr().unwrap());
        let answer = timeout(ANSWER * 2, Engine::connect(Some(&host)))
            .await
            .unwrap();
        assert!(matches!(answer, Err(RuntimeError::Unavailable(_))));
    }
}
