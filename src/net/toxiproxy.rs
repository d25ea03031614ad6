//! The Toxiproxy server's interface: proxies and faults of streams, each read back before it is believed.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use serde::Serialize;
use tokio::{task::spawn_blocking, time::timeout};
use toxiproxy_rust::{client::Client, proxy::Proxy};

use crate::time::{Bracket, Clock};

/// The longest wait for an order to several proxies to be carried out and read back; each takes some milliseconds.
const LIMIT: Duration = Duration::from_secs(15);
/// The longest wait for one answer to what the crate cannot ask.
const ANSWER: Duration = Duration::from_secs(5);

/// Why faults of streams could not be handled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Toxiproxy at {address}: {cause}")]
pub struct ToxiproxyError {
    address: SocketAddr,
    cause: String,
}

/// Which bytes of a connection a toxic meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Those from the server to the client.
    Downstream,
    /// Those from the client to the server.
    Upstream,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Downstream => "downstream",
            Self::Upstream => "upstream",
        }
    }
}

/// What happens to streams: Toxiproxy's toxics, in its units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toxic {
    /// Bytes are late by so many milliseconds, give or take.
    Latency {
        /// On average.
        latency: u32,
        /// Evenly spread.
        jitter: u32,
    },
    /// So many thousands of bytes a second pass.
    Bandwidth(u32),
    /// The connection closes so many milliseconds late.
    SlowClose(u32),
    /// Nothing passes; closed after so many milliseconds without bytes, 0 for never.
    Timeout(u32),
    /// Pieces of so many bytes at most, so many microseconds apart.
    Slicer {
        /// Bytes.
        size: u32,
        /// Microseconds.
        delay: u32,
    },
    /// Closed after so many bytes.
    LimitData(u32),
    /// Reset so many milliseconds after the first bytes.
    ResetPeer(u32),
}

impl Toxic {
    /// Its name at the server.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Latency { .. } => "latency",
            Self::Bandwidth(_) => "bandwidth",
            Self::SlowClose(_) => "slow_close",
            Self::Timeout(_) => "timeout",
            Self::Slicer { .. } => "slicer",
            Self::LimitData(_) => "limit_data",
            Self::ResetPeer(_) => "reset_peer",
        }
    }

    fn attributes(self) -> BTreeMap<String, u32> {
        let pairs = match self {
            Self::Latency { latency, jitter } => vec![("latency", latency), ("jitter", jitter)],
            Self::Bandwidth(rate) => vec![("rate", rate)],
            Self::SlowClose(delay) => vec![("delay", delay)],
            Self::Timeout(timeout) | Self::ResetPeer(timeout) => vec![("timeout", timeout)],
            Self::Slicer { size, delay } => vec![
                ("average_size", size),
                ("size_variation", 0),
                ("delay", delay),
            ],
            Self::LimitData(bytes) => vec![("bytes", bytes)],
        };
        let owned = pairs.into_iter().map(|(name, value)| (name.into(), value));
        owned.collect()
    }
}

/// A toxic at one proxy.
#[derive(Debug, Clone, PartialEq)]
pub struct Dose {
    /// The proxy.
    pub proxy: String,
    /// Which bytes.
    pub side: Side,
    /// What happens to them.
    pub toxic: Toxic,
    /// To which part of the connections, from 0 to 1.
    pub toxicity: f32,
}

/// A toxic as the server takes and lists it.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Listed {
    name: String,
    r#type: String,
    stream: String,
    toxicity: f32,
    attributes: BTreeMap<String, u32>,
}

impl Dose {
    /// Its name: the crate names toxics so, and the server when it is not told one.
    fn name(&self) -> String {
        format!("{}_{}", self.toxic.kind(), self.side.name())
    }

    fn listed(&self) -> Listed {
        Listed {
            name: self.name(),
            r#type: self.toxic.kind().into(),
            stream: self.side.name().into(),
            toxicity: self.toxicity,
            attributes: self.toxic.attributes(),
        }
    }
}

/// A proxy as the server lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Passage {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub listen: String,
    /// Where it leads.
    pub upstream: String,
    /// Whether it takes connections.
    pub enabled: bool,
}

/// A running Toxiproxy server.
///
/// The crate that drives it blocks, does not look at what status the server answers with, and cannot reset connections
/// or take a single toxic back: it is kept on threads of its own, every toxic is read back, and those two things are
/// said to the server directly.
#[derive(Debug, Clone)]
pub struct Toxiproxy {
    address: SocketAddr,
}

impl Toxiproxy {
    /// The server whose interface is at this address; it is not asked yet.
    pub fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Its version, as it says.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn version(&self) -> Result<String, ToxiproxyError> {
        self.ask(|client, _| client.version()).await
    }

    /// Its proxies, by name.
    ///
    /// # Errors
    /// When it does not list them.
    pub async fn passages(&self) -> Result<Vec<Passage>, ToxiproxyError> {
        let all = |client: &Client, _: &Direct| {
            let mut passages: Vec<Passage> = client.all()?.into_values().map(passage).collect();
            passages.sort_by(|one, other| one.name.cmp(&other.name));
            Ok(passages)
        };
        self.ask(all).await
    }

    /// Says whether these can be added: the proxies are there, and none of these toxics is in force.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn free(&self, doses: &[Dose]) -> Result<(), ToxiproxyError> {
        let doses = doses.to_vec();
        let free = move |client: &Client, _: &Direct| {
            for dose in &doses {
                let name = dose.name();
                let there = listed(&client.find_proxy(&dose.proxy)?)?;
                if there.iter().any(|toxic| toxic.name == name) {
                    let cause = "is in force already, and a proxy takes one of a kind";
                    return Err(format!("`{name}` of `{}` {cause}", dose.proxy));
                }
            }
            Ok(())
        };
        self.ask(free).await
    }

    /// Adds these toxics, one right after the other, and reads each back. Returns when, by this clock: before the first
    /// was asked for, after the last was answered.
    ///
    /// # Errors
    /// When one is not there exactly as asked; those that are there stay.
    pub async fn add(&self, doses: &[Dose], clock: Clock) -> Result<Bracket, ToxiproxyError> {
        let doses = doses.to_vec();
        let add = move |client: &Client, direct: &Direct| {
            let proxies = doses.iter().map(|dose| client.find_proxy(&dose.proxy));
            let proxies: Vec<Proxy> = proxies.collect::<Result<_, _>>()?;
            let low = clock.now();
            for (dose, proxy) in doses.iter().zip(&proxies) {
                give(proxy, dose, direct)?;
            }
            let high = clock.now();
            for (dose, proxy) in doses.iter().zip(&proxies) {
                let (asked, there) = (dose.listed(), listed(proxy)?);
                if !there.contains(&asked) {
                    let proxy = &dose.proxy;
                    return Err(format!(
                        "asked `{proxy}` for {asked:?}, and it lists {there:?}"
                    ));
                }
            }
            Ok(Bracket { low, high })
        };
        self.ask(add).await
    }

    /// Takes these toxics back and looks that they are gone; returns whether no toxic is left in force at all. One that
    /// is gone already is no error: the server may have been started again.
    ///
    /// # Errors
    /// When one is still there.
    pub async fn remove(&self, doses: &[Dose]) -> Result<bool, ToxiproxyError> {
        let doses = doses.to_vec();
        let remove = move |client: &Client, direct: &Direct| {
            for dose in &doses {
                let (proxy, name) = (&dose.proxy, dose.name());
                let said = direct.delete(&format!("proxies/{proxy}/toxics/{name}"));
                let there = listed(&client.find_proxy(proxy)?)?;
                if there.iter().any(|toxic| toxic.name == name) {
                    let cause = said.err().unwrap_or_else(|| "it is still listed".into());
                    return Err(format!("`{name}` of `{proxy}` was not taken back: {cause}"));
                }
            }
            let left = client.all()?;
            let mut left = left.values().map(|proxy| &proxy.proxy_pack.toxics);
            Ok(left.all(Vec::is_empty))
        };
        self.ask(remove).await
    }

    /// Runs `work` on a thread where blocking is allowed: the crate's client panics elsewhere, and when the server
    /// cannot be reached.
    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Client, &Direct) -> Result<T, String> + Send + 'static,
    ) -> Result<T, ToxiproxyError> {
        let address = self.address;
        let failed = |cause| ToxiproxyError { address, cause };
        let asked = spawn_blocking(move || work(&Client::new(address), &Direct::new(address)));
        match timeout(LIMIT, asked).await {
            Ok(Ok(answer)) => answer.map_err(failed),
            Ok(Err(panic)) => Err(failed(format!("the client gave up: {panic}"))),
            Err(_) => Err(failed(format!("no answer within {LIMIT:?}"))),
        }
    }
}

fn passage(proxy: Proxy) -> Passage {
    let pack = proxy.proxy_pack;
    Passage {
        name: pack.name,
        listen: pack.listen,
        upstream: pack.upstream,
        enabled: pack.enabled,
    }
}

fn listed(proxy: &Proxy) -> Result<Vec<Listed>, String> {
    let toxics = proxy.toxics()?.into_iter().map(|toxic| Listed {
        name: toxic.name,
        r#type: toxic.r#type,
        stream: toxic.stream,
        toxicity: toxic.toxicity,
        attributes: toxic.attributes.into_iter().collect(),
    });
    Ok(toxics.collect())
}

fn give(proxy: &Proxy, dose: &Dose, direct: &Direct) -> Result<(), String> {
    let (stream, toxicity) = (dose.side.name().to_owned(), dose.toxicity);
    match dose.toxic {
        Toxic::Latency { latency, jitter } => {
            proxy.with_latency(stream, latency, jitter, toxicity);
        }
        Toxic::Bandwidth(rate) => {
            proxy.with_bandwidth(stream, rate, toxicity);
        }
        Toxic::SlowClose(delay) => {
            proxy.with_slow_close(stream, delay, toxicity);
        }
        Toxic::Timeout(timeout) => {
            proxy.with_timeout(stream, timeout, toxicity);
        }
        Toxic::Slicer { size, delay } => {
            proxy.with_slicer(stream, size, 0, delay, toxicity);
        }
        Toxic::LimitData(bytes) => {
            proxy.with_limit_data(stream, bytes, toxicity);
        }
        Toxic::ResetPeer(_) => {
            let path = format!("proxies/{}/toxics", dose.proxy);
            direct.post(&path, &dose.listed())?;
        }
    }
    Ok(())
}

/// What the crate cannot ask for.
struct Direct {
    agent: ureq::Agent,
    address: SocketAddr,
}

impl Direct {
    fn new(address: SocketAddr) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(ANSWER))
            .proxy(None)
            .build();
        Self {
            agent: config.into(),
            address,
        }
    }

    fn post(&self, path: &str, body: &Listed) -> Result<(), String> {
        let body = serde_json::to_string(body).map_err(|error| error.to_string())?;
        let url = format!("http://{}/{path}", self.address);
        let sent = self.agent.post(&url).send(&body);
        sent.map(drop).map_err(|error| error.to_string())
    }

    fn delete(&self, path: &str) -> Result<(), String> {
        let url = format!("http://{}/{path}", self.address);
        let sent = self.agent.delete(&url).call();
        sent.map(drop).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toxic_is_listed_as_the_server_names_it() {
        let dose = Dose {
            proxy: "clients-r1".into(),
            side: Side::Upstream,
            toxic: Toxic::Slicer {
                size: 64,
                delay: 5000,
            },
            toxicity: 0.5,
        };
        let json = serde_json::to_value(dose.listed()).expect("JSON");
        let expected = serde_json::json!({
            "name": "slicer_upstream", "type": "slicer", "stream": "upstream", "toxicity": 0.5,
            "attributes": { "average_size": 64, "size_variation": 0, "delay": 5000 },
        });
        assert_eq!(json, expected);
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_an_error_and_no_panic() {
        // Nothing listens on the discard port of this machine's last loopback address.
        let nobody = Toxiproxy::new("127.255.255.254:9".parse().expect("an address"));
        assert!(nobody.version().await.is_err());
        assert!(nobody.passages().await.is_err());
    }
}
