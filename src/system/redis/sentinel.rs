//! What sentinels know: where the primary is, and how they see every node.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use redis::{RedisError, RedisResult};

use crate::{
    id::{NodeName, RunId},
    system::{mark, route::Route},
};

use super::link::{self, Login, ask, command};

/// The name under which sentinels of ours know the primary.
pub const MASTER: &str = "drdrill";

/// The longest wait for one sentinel before the next is asked.
const ASK_LIMIT: Duration = Duration::from_millis(200);

/// Fields of a `SENTINEL` answer by name.
pub type Fields = BTreeMap<String, String>;

/// What one must know to ask sentinels for a primary, and to get in there.
#[derive(Clone, Default)]
pub struct Watched {
    /// The name under which they know it.
    pub master: String,
    /// What lets clients in at sentinels.
    pub control: Login,
    /// What lets clients in at members that hold data.
    pub data: Login,
}

impl Watched {
    /// As our own sentinels know it.
    pub fn ours() -> Self {
        Self {
            master: MASTER.into(),
            ..Self::default()
        }
    }
}

/// How clients find the primary: they ask the sentinels in turn, the one that answered last first, as
/// drivers do. One that does not answer costs 200 ms once; the next client starts at the next one.
/// Without sentinels they go to the one endpoint that their configuration names, which an operator changes.
pub struct Directory {
    sentinels: Vec<(NodeName, SocketAddr)>,
    watched: Watched,
    answering: AtomicUsize,
    endpoint: Mutex<Option<SocketAddr>>,
    route: Option<Route>,
}

impl Directory {
    /// Asks these sentinels.
    pub fn new(sentinels: Vec<(NodeName, SocketAddr)>, watched: Watched) -> Self {
        Self {
            sentinels,
            watched,
            answering: AtomicUsize::new(0),
            endpoint: Mutex::new(None),
            route: None,
        }
    }

    /// Goes where this route leads.
    pub fn by(route: Route) -> Self {
        Self {
            route: Some(route),
            ..Self::new(Vec::new(), Watched::ours())
        }
    }

    /// Leads to this endpoint until another one is named.
    pub fn endpoint(address: SocketAddr, watched: Watched) -> Self {
        let directory = Self::new(Vec::new(), watched);
        directory.lead_to(address);
        directory
    }

    /// Names another endpoint.
    pub fn lead_to(&self, address: SocketAddr) {
        *self.named() = Some(address);
    }

    /// Whether a connection to this address is one to where the endpoint led before.
    pub fn leads_elsewhere(&self, address: SocketAddr) -> bool {
        self.named().is_some_and(|named| named != address)
    }

    fn named(&self) -> MutexGuard<'_, Option<SocketAddr>> {
        self.endpoint.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What one must know to ask them.
    pub fn watched(&self) -> &Watched {
        &self.watched
    }

    /// What lets clients in at members that hold data.
    pub fn login(&self) -> &Login {
        &self.watched.data
    }

    /// The sentinels, in their fixed order.
    pub fn sentinels(&self) -> &[(NodeName, SocketAddr)] {
        &self.sentinels
    }

    /// Where the primary is, by the endpoint or by the first sentinel that answers.
    ///
    /// # Errors
    /// The last sentinel's error when none answers.
    pub async fn primary(&self) -> RedisResult<SocketAddr> {
        if let Some(route) = &self.route {
            let unknown = |error| RedisError::from(io::Error::new(io::ErrorKind::NotFound, error));
            return route.way().await.map_err(unknown);
        }
        if let Some(named) = *self.named() {
            return Ok(named);
        }
        let first = self.answering.load(Ordering::Relaxed);
        let mut last = link::late();
        for turn in 0..self.sentinels.len() {
            let index = (first + turn) % self.sentinels.len();
            match primary_by(self.sentinels[index].1, &self.watched, ASK_LIMIT).await {
                Ok(address) => {
                    self.answering.store(index, Ordering::Relaxed);
                    return Ok(address);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// Where the primary is, by one sentinel.
pub async fn primary_by(
    sentinel: SocketAddr,
    watched: &Watched,
    limit: Duration,
) -> RedisResult<SocketAddr> {
    let question = command(&["SENTINEL", "get-master-addr-by-name", &watched.master]);
    address(watched.control.ask(sentinel, &question, limit).await?)
}

/// Reads `[ip, port]`.
pub fn address((ip, port): (String, u16)) -> RedisResult<SocketAddr> {
    let ip: IpAddr = ip.parse().map_err(|_| {
        RedisError::from((redis::ErrorKind::UnexpectedReturnType, "no address", ip))
    })?;
    Ok(SocketAddr::new(ip, port))
}

/// The id that a sentinel of a run is given: 40 hexadecimal digits.
pub fn id(run: &RunId, name: &NodeName) -> String {
    mark::hexadecimal(format!("{run}:{name}"), 20)
}

/// Tells `sentinel` of a fellow that listens, by the message with which sentinels tell each other of themselves: they
/// would hear of each other only after 2 s. Its epochs are 0, so that it overrules nothing.
pub async fn introduce(
    sentinel: SocketAddr,
    (fellow, id): (SocketAddr, &str),
    primary: SocketAddr,
    limit: Duration,
) -> RedisResult<()> {
    let hello = format!(
        "{},{},{id},0,{MASTER},{},{},0",
        fellow.ip(),
        fellow.port(),
        primary.ip(),
        primary.port()
    );
    ask(
        sentinel,
        &command(&["PUBLISH", "__sentinel__:hello", &hello]),
        limit,
    )
    .await
}

/// What one sentinel knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Knowledge {
    /// `SENTINEL MASTER`.
    pub master: Fields,
    /// `SENTINEL REPLICAS`.
    pub replicas: Vec<Fields>,
    /// `SENTINEL SENTINELS`.
    pub sentinels: Vec<Fields>,
    /// The answer to `SENTINEL CKQUORUM`.
    pub quorum: Result<String, String>,
}

/// Asks one sentinel for all that it knows, within `limit`.
pub async fn knowledge(
    sentinel: SocketAddr,
    watched: &Watched,
    limit: Duration,
) -> RedisResult<Knowledge> {
    let master = &watched.master;
    let conversation = async {
        let mut connection = watched.control.connect(sentinel, limit).await?;
        let connection = &mut connection;
        Ok(Knowledge {
            master: command(&["SENTINEL", "MASTER", master])
                .query_async(connection)
                .await?,
            replicas: command(&["SENTINEL", "REPLICAS", master])
                .query_async(connection)
                .await?,
            sentinels: command(&["SENTINEL", "SENTINELS", master])
                .query_async(connection)
                .await?,
            quorum: command(&["SENTINEL", "CKQUORUM", master])
                .query_async(connection)
                .await
                .map_err(|error: RedisError| error.to_string()),
        })
    };
    tokio::time::timeout(limit, conversation)
        .await
        .unwrap_or_else(|_| Err(link::late()))
}

impl Knowledge {
    /// What keeps this sentinel from failing over to any of `replicas` others with `sentinels` fellows.
    pub fn missing(
        &self,
        primary: SocketAddr,
        replicas: usize,
        sentinels: usize,
    ) -> Option<String> {
        let field = |fields: &Fields, name: &str| fields.get(name).cloned().unwrap_or_default();
        let (ip, port) = (field(&self.master, "ip"), field(&self.master, "port"));
        if format!("{ip}:{port}") != primary.to_string() {
            return Some(format!("takes {ip}:{port} for the primary"));
        }
        let flags = field(&self.master, "flags");
        if flags != "master" {
            return Some(format!("sees the primary as `{flags}`"));
        }
        let well = |list: &[Fields], flags: &str| {
            list.iter()
                .filter(|fields| field(fields, "flags") == flags)
                .count()
        };
        let linked = self
            .replicas
            .iter()
            .filter(|fields| {
                field(fields, "flags") == "slave" && field(fields, "master-link-status") == "ok"
            })
            .count();
        if linked < replicas {
            return Some(format!(
                "sees {linked} of {replicas} replicas up and linked"
            ));
        }
        let fellows = well(&self.sentinels, "sentinel");
        if fellows < sentinels {
            return Some(format!("reaches {fellows} of {sentinels} other sentinels"));
        }
        self.quorum.as_ref().err().cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn knowledge() -> Knowledge {
        let replica = fields(&[("flags", "slave"), ("master-link-status", "ok")]);
        Knowledge {
            master: fields(&[("ip", "10.0.0.2"), ("port", "6379"), ("flags", "master")]),
            replicas: vec![replica.clone(), replica],
            sentinels: vec![fields(&[("flags", "sentinel")]); 2],
            quorum: Ok("OK 3 usable Sentinels".into()),
        }
    }

    #[test]
    fn a_sentinel_that_cannot_fail_over_says_what_is_missing() {
        let primary = "10.0.0.2:6379".parse().expect("an address");
        let missing = |knowledge: Knowledge| knowledge.missing(primary, 2, 2).unwrap_or_default();
        assert_eq!(missing(knowledge()), "");
        let mut other = knowledge();
        other.master.insert("ip".into(), "10.0.0.3".into());
        assert_eq!(missing(other), "takes 10.0.0.3:6379 for the primary");
        let mut down = knowledge();
        down.replicas[0].insert("flags".into(), "slave,s_down".into());
        assert_eq!(missing(down), "sees 1 of 2 replicas up and linked");
        let mut alone = knowledge();
        alone.sentinels.clear();
        assert_eq!(missing(alone), "reaches 0 of 2 other sentinels");
        let mut few = knowledge();
        few.quorum = Err("NOQUORUM".into());
        assert_eq!(missing(few), "NOQUORUM");
    }
}
