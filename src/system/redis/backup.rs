//! Backups by the server's own tools: snapshots that are shipped, or the log of a server that follows, on a node of their own.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{
    id::NodeName,
    record::{Emitter, Holdings, LogKept, Member, MemberKind, What},
    runtime::{NodeFile, NodeSpec, Runtime},
    system::{
        Backups, Deploy, Design, Issue, Observer, SettingKind, SettingSpec, SystemError,
        backups::{
            self, BACKUP, LAG_EVERY, SCRIPT_PATH, Until, of_clients, received, refused, tool,
        },
        roster::{Roster, Seat},
        route,
        settings::{Values, issue},
        started::listening,
    },
    time::Bracket,
};

use super::{
    deploy::START_PATH,
    dump::{Asked, dump},
    element::Keys,
    link::{self, Login, command},
    observe::Line,
    sentinel::Directory,
};

const RDB: &str = "rdb";
const AOF: &str = "aof";

/// Whether backups are kept, and by what.
pub const SETTING: SettingSpec = SettingSpec {
    name: BACKUP,
    kind: SettingKind::OneOf(&["off", RDB, AOF]),
    default: "off",
    help: "keeps backups on a node of their own, `backup1`: snapshots of the primary by `redis-cli --rdb` and no log (`rdb`), or the \
           append-only file of a server that follows the primary and is never promoted, with time stamps (`aof`, from 7.0 on); not of \
           a cluster",
};

/// What the start script reads in that node.
const SCRIPT: &str = include_str!("files/backup.sh");

/// Where the server that follows listens: what is restored takes the node's usual port.
const FOLLOWER_PORT: u16 = 6380;

/// The longest wait for that server to answer: first it finds the primary.
const LISTEN_LIMIT: Duration = Duration::from_secs(20);

/// How long a single question may take.
const ASK_LIMIT: Duration = Duration::from_secs(5);

/// What a server says of its log and of what it has on disk.
const ASKED: [&str; 3] = ["INFO", "replication", "persistence"];

/// Programs that the start scripts need where backups are kept.
pub const PROGRAMS: &[&str] = &[
    "sh",
    "awk",
    "cat",
    "chown",
    "cp",
    "cut",
    "date",
    "du",
    "grep",
    "head",
    "id",
    "ln",
    "ls",
    "mkdir",
    "mv",
    "sed",
    "seq",
    "sha256sum",
    "sort",
    "stat",
    "tail",
    "timeout",
    "touch",
    "tr",
    "xargs",
];

/// By what backups are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Snapshots that are shipped; no log.
    Rdb,
    /// The append-only file of a server that follows.
    Aof,
}

impl Tool {
    /// That of a design, if it keeps backups.
    pub fn of(values: Values<'_>) -> Option<Self> {
        match values.word(BACKUP) {
            RDB => Some(Self::Rdb),
            AOF => Some(Self::Aof),
            _ => None,
        }
    }
}

/// The node that keeps them, which a design is given if it is to.
pub fn join(design: &mut Design, image: &str) {
    if backups::kept(design) {
        design.members.push(Member {
            name: NodeName::new(backups::NODE),
            kind: MemberKind::Store,
            address: String::new(),
            host: backups::NODE.into(),
            image: image.to_owned(),
        });
    }
}

/// Why a design cannot keep some.
pub fn issues(design: &Design, way: Option<route::Kind>) -> Vec<Issue> {
    let mut issues = Vec::new();
    if backups::kept(design) && way.is_some() {
        let message = "backups are kept of servers at whose own addresses clients find them";
        let help = "remove it, or leave out `clients.route`";
        issues.push(issue(BACKUP, message, help));
    }
    let values = Values::of(design);
    let least = values.count("min-replicas-to-write");
    if Tool::of(values) == Some(Tool::Aof) && least.is_ok_and(|least| least > 0) {
        let message = "the server that keeps the log counts as a replica there, and nobody may promote it: writes would be taken that \
                       only it has";
        let help = "remove it, or use `backup: rdb`";
        issues.push(issue("min-replicas-to-write", message, help));
    }
    issues
}

/// Makes a node the one that keeps backups.
pub fn fit(spec: &mut NodeSpec, members: &[Member], values: Values<'_>) {
    let servers = members.iter().filter(|one| one.kind == MemberKind::Data);
    let servers: Vec<String> = servers.map(super::deploy::ip).collect();
    let own = [
        ("DRDRILL_BACKUP", values.word(BACKUP).to_owned()),
        ("DRDRILL_SERVERS", servers.join(" ")),
        ("DRDRILL_FOLLOWS", FOLLOWER_PORT.to_string()),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    spec.env.extend(own);
    spec.files.push(NodeFile::text(SCRIPT_PATH, 0o755, SCRIPT));
}

/// Starts the node that keeps backups, where there is one, and returns when its server answers, where it has one.
///
/// # Errors
/// When it does not, with the tail of its log.
pub async fn start(
    deploy: &Deploy,
    roster: &Roster,
    values: Values<'_>,
) -> Result<(), SystemError> {
    let Some(seat) = roster.of(MemberKind::Store).next() else {
        return Ok(());
    };
    deploy.runtime.start(&seat.name).await?;
    if Tool::of(values) == Some(Tool::Rdb) {
        return Ok(());
    }
    let ping = || async {
        let pong: Result<String, _> =
            link::ask(follower(seat), &command(&["PING"]), ASK_LIMIT).await;
        pong.map(drop).map_err(|error| error.to_string())
    };
    listening(&*deploy.runtime, &seat.name, LISTEN_LIMIT, ping).await
}

/// Where the server that follows listens.
fn follower(seat: &Seat) -> SocketAddr {
    SocketAddr::new(seat.address.ip(), FOLLOWER_PORT)
}

/// The node that keeps a stack's backups, and the server that is restored on it.
pub struct Store {
    seat: Seat,
    by: Tool,
    runtime: Arc<dyn Runtime>,
    keys: Keys,
}

impl Store {
    /// That of a stack, if it keeps some.
    pub fn of(
        roster: &Roster,
        values: Values<'_>,
        runtime: &Arc<dyn Runtime>,
        keys: &Keys,
    ) -> Option<Self> {
        Some(Self {
            seat: roster.of(MemberKind::Store).next()?.clone(),
            by: Tool::of(values)?,
            runtime: runtime.clone(),
            keys: keys.clone(),
        })
    }

    /// The same for another run.
    pub fn again(&self, keys: &Keys) -> Self {
        Self {
            seat: self.seat.clone(),
            by: self.by,
            runtime: self.runtime.clone(),
            keys: keys.clone(),
        }
    }

    /// Waits until the log of the primary is kept up to where it has written it by now; without a log, asks whether the node finds who
    /// takes writes.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn prove(&self, primary: &Seat) -> Result<String, SystemError> {
        let name = &self.seat.name;
        if self.by == Tool::Rdb {
            let found = self.tool(&["reach"]).await?;
            return Ok(format!(
                "{name} takes snapshots of {found} and keeps no log"
            ));
        }
        let said = info(primary.address).await;
        let written = said.and_then(|said| written(&said).ok_or_else(|| "it is no primary".into()));
        let written = written.map_err(|why| refused(name, format!("`{}`: {why}", primary.name)))?;
        let seen = received(name, || async {
            let kept = kept(&info(follower(&self.seat)).await?);
            match kept.filter(|kept| kept.holds(&written)) {
                None => Err("its log is not received".to_owned()),
                Some(kept) => Ok(kept.at),
            }
        });
        let at = seen.await?;
        let primary = &primary.name;
        Ok(format!(
            "{name} receives the log of {primary} as it is written, up to {at}"
        ))
    }

    /// Watches up to where the log is kept, where one is.
    pub fn watch(
        &self,
        roster: &Arc<Roster>,
        directory: &Arc<Directory>,
        emitter: &Emitter,
        stop: CancellationToken,
    ) -> Option<Observer> {
        let store = (self.by == Tool::Aof).then(|| follower(&self.seat))?;
        let (roster, directory, emitter) = (roster.clone(), directory.clone(), emitter.clone());
        Some(tokio::spawn(async move {
            let looking = look_on(roster, directory, store, emitter);
            stop.run_until_cancelled(looking).await;
        }))
    }

    /// Runs the script in the node.
    async fn tool(&self, words: &[&str]) -> Result<String, SystemError> {
        tool(&*self.runtime, &self.seat.name, START_PATH, words).await
    }
}

async fn info(address: SocketAddr) -> Result<String, String> {
    let said = link::ask(address, &command(&ASKED), ASK_LIMIT).await;
    said.map_err(|error| error.to_string())
}

/// A place in a log: which log, by the name that a primary gives it and its replicas take over, and the byte in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    log: String,
    at: u64,
}

impl Place {
    /// Whether a log that is kept up to here has all up to there.
    fn holds(&self, other: &Self) -> bool {
        self.log == other.log && self.at >= other.at
    }
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = info.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(value.trim())
}

fn place(info: &str, offset: &str) -> Option<Place> {
    Some(Place {
        log: field(info, "master_replid")?.to_owned(),
        at: field(info, offset)?.parse().ok()?,
    })
}

/// Up to where a server has written its log, if it takes writes.
fn written(info: &str) -> Option<Place> {
    let primary = field(info, "role")? == "master";
    primary.then(|| place(info, "master_repl_offset"))?
}

/// Up to where the server that follows has the log on its disk. By `appendfsync always` whatever it had been given is there before this
/// answer is sent. A base that is being written counts only once it is complete: after a copy from a primary there is none before.
fn kept(info: &str) -> Option<Place> {
    let is = |name: &str, value: &str| field(info, name) == Some(value);
    let whole = is("role", "slave")
        && is("master_sync_in_progress", "0")
        && is("loading", "0")
        && is("aof_enabled", "1")
        && is("aof_rewrite_in_progress", "0")
        && is("aof_rewrite_scheduled", "0");
    whole.then(|| place(info, "slave_repl_offset"))?
}

/// Asks all servers, and then the one that keeps the log.
async fn look_on(
    roster: Arc<Roster>,
    directory: Arc<Directory>,
    store: SocketAddr,
    emitter: Emitter,
) {
    let line = |address| Line::new(address, Login::default());
    let servers: Vec<(&Seat, Line)> = roster
        .data()
        .map(|seat| (seat, line(seat.address)))
        .collect();
    let store = line(store);
    let asked = command(&ASKED);
    let mut ticks = interval(LAG_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let low = emitter.now();
        let looks = servers.iter().map(|(seat, line)| async {
            let said = line.text(&asked).await?;
            Some((&seat.name, written(&said)?))
        });
        let looks = join_all(looks).await;
        let kept = store.text(&asked).await.and_then(|said| kept(&said));
        let high = emitter.now();
        let seen = looks.into_iter().flatten().map(|(node, written)| {
            let kept = kept.as_ref().filter(|kept| kept.log == written.log);
            let kept = LogKept {
                node: node.clone(),
                written: written.at,
                kept: kept.map(|kept| kept.at),
            };
            (Bracket { low, high }, kept)
        });
        let seen: Vec<_> = seen.collect();
        let used = match seen.len() {
            0 | 1 => None,
            _ => directory.primary().await.ok(),
        };
        let used = used.and_then(|address| roster.behind(address));
        if let Some((at, kept)) = of_clients(seen, used.map(|seat| &seat.name)) {
            emitter.say_at(at, What::LogKept(kept));
        }
    }
}

#[async_trait]
impl Backups for Store {
    fn node(&self) -> &NodeName {
        &self.seat.name
    }

    fn counts_in(&self) -> Duration {
        match self.by {
            Tool::Rdb => Duration::from_micros(1),
            // Time stamps in the log are whole seconds.
            Tool::Aof => Duration::from_secs(1),
        }
    }

    async fn backup(&self) -> Result<String, SystemError> {
        self.tool(&["backup"]).await
    }

    async fn fetch(&self, until: Until) -> Result<String, SystemError> {
        self.tool(&["fetch", &until.micros()]).await
    }

    async fn replay(&self, until: Until) -> Result<String, SystemError> {
        self.tool(&["replay", &until.micros()]).await
    }

    async fn restored(&self) -> Result<Holdings, SystemError> {
        let (login, name) = (Login::default(), self.seat.name.as_str());
        let of = (&self.keys, &login);
        let found = dump(of, name, self.seat.address, Asked::Plainly).await?;
        Ok(found.holdings())
    }

    async fn write(&self) -> Result<(), SystemError> {
        let write = command(&["INCR", "drdrill_restored"]);
        let done: Result<u64, _> = link::ask(self.seat.address, &write, ASK_LIMIT).await;
        done.map(drop)
            .map_err(|error| SystemError::Refused(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        scenario::SystemSpec,
        system::{System, redis::Redis},
    };

    fn design(
        topology: &str,
        route: Option<&str>,
        settings: &[(&str, &str)],
    ) -> Result<Design, Vec<Issue>> {
        let spec = SystemSpec {
            topology: Some(topology.into()),
            settings: settings
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
            ..SystemSpec::default()
        };
        Redis::Redis.design(&spec, route)
    }

    #[test]
    fn a_node_of_its_own_keeps_them_and_where_that_makes_no_sense_it_is_said() {
        let kept = design("sentinel", None, &[("backup", "aof")]).expect("a design");
        let store = kept.members.last().expect("a member");
        assert_eq!(
            (store.name.as_str(), store.kind),
            ("backup1", MemberKind::Store)
        );
        assert!(Redis::Redis.keeps_backups(&kept) && Redis::Redis.keeps_log(&kept));
        let shipped = design("sentinel", None, &[("backup", "rdb")]).expect("a design");
        assert!(Redis::Redis.keeps_backups(&shipped) && !Redis::Redis.keeps_log(&shipped));
        let none = design("sentinel", None, &[]).expect("a design");
        assert!(!Redis::Redis.keeps_backups(&none));
        let problems = |topology, route, settings: &[(&str, &str)]| -> Vec<String> {
            let issues = design(topology, route, settings).err().unwrap_or_default();
            issues.iter().map(|issue| issue.path[1].clone()).collect()
        };
        assert_eq!(problems("cluster", None, &[("backup", "rdb")]), ["backup"]);
        let kept = [("backup", "aof"), ("min-replicas-to-write", "1")];
        assert_eq!(
            problems("replicas", Some("haproxy"), &kept[..1]),
            ["backup"]
        );
        assert_eq!(problems("sentinel", None, &kept), ["min-replicas-to-write"]);
        let shipped = [("backup", "rdb"), ("min-replicas-to-write", "1")];
        assert!(problems("sentinel", None, &shipped).is_empty());
    }

    const FOLLOWS: &str = "# Replication\r\nrole:slave\r\nmaster_sync_in_progress:0\r\nslave_repl_offset:800\r\nmaster_replid:ab\r\n\
        master_repl_offset:800\r\n# Persistence\r\nloading:0\r\naof_enabled:1\r\naof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0\r\n";

    #[test]
    fn a_log_is_kept_up_to_a_place_of_the_same_log_once_its_base_is_whole() {
        let primary = "role:master\r\nmaster_replid:ab\r\nmaster_repl_offset:801\r\n";
        let written = written(primary).expect("a place");
        let kept = kept(FOLLOWS).expect("a place");
        assert!(!kept.holds(&written));
        assert!(written.holds(&kept));
        let other = Place {
            log: "cd".into(),
            at: 0,
        };
        assert!(!kept.holds(&other));
        assert_eq!(super::written(FOLLOWS), None);
        for (name, value) in [
            ("role", "master"),
            ("master_sync_in_progress", "1"),
            ("loading", "1"),
            ("aof_enabled", "0"),
            ("aof_rewrite_in_progress", "1"),
            ("aof_rewrite_scheduled", "1"),
        ] {
            let lines = FOLLOWS.lines().map(|line| {
                match line
                    .strip_prefix(name)
                    .is_some_and(|it| it.starts_with(':'))
                {
                    true => format!("{name}:{value}"),
                    false => line.to_owned(),
                }
            });
            let info = lines.collect::<Vec<_>>().join("\r\n");
            assert_eq!(super::kept(&info), None, "{name}");
        }
    }
}
