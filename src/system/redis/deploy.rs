//! Brings a Redis stack up: the primary first, then what follows it, then the sentinels, each as soon as those before listen.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::try_join_all;

use crate::{
    id::{NodeName, RunId},
    record::{Member, MemberKind},
    runtime::{NodeFile, NodeSpec, Runtime},
    scenario::StreamLink,
    system::{
        Deploy, Design, SystemError,
        proxied::{self, Proxied},
        reserve::reserve,
        roster::Roster,
        route::Route,
        settings::Values,
        started::listening,
    },
};

use super::{
    asked::{CHECK, who},
    backup,
    cluster::{self, CLUSTER},
    link, ready,
    resp::Resp,
    running::{Led, RedisStack, Ways},
    sentinel::{self, MASTER, Watched},
};

/// Where data nodes listen.
pub const PORT: u16 = 6379;

/// Where sentinels listen.
pub const SENTINEL_PORT: u16 = 26379;

/// The longest wait for a started node to answer; a node that ends says so earlier.
const LISTEN_LIMIT: Duration = Duration::from_secs(20);

/// The script that starts a node, and its place in the node.
const START: &str = include_str!("files/start.sh");
pub const START_PATH: &str = "/drdrill/start.sh";

/// How sure a node is to have enough memory; a drill writes a few megabytes.
pub const MEMORY_MIB: u32 = 256;

/// Deploys the design and returns once replication is proven flowing.
pub async fn deploy(
    system: &'static str,
    design: &Design,
    deploy: Deploy,
) -> Result<RedisStack, SystemError> {
    let members = reserve(design, &deploy, |member| match member.kind {
        MemberKind::Control => SENTINEL_PORT,
        MemberKind::Data | MemberKind::Store => PORT,
        MemberKind::Route => proxied::PORT,
    })
    .await?;
    let mut roster = Roster::new(&members)?;
    let proxied = Proxied::of(&roster, &proxied::links(design), &Resp);
    let mut specs = specs(&members, design, &deploy, proxied.as_ref())?;
    if let Some(proxied) = &proxied {
        let image = deploy.images.get(proxied::IMAGE);
        let image = image.map_or(proxied::IMAGE, String::as_str);
        specs.push(proxied.spec(&roster, image)?);
        roster = roster.through(proxied.doors.clone());
    }
    let route = Route::of(design, &roster, &deploy, CHECK, who).await?;
    try_join_all(specs.iter().map(|spec| deploy.runtime.create(spec))).await?;
    let primary = roster.data().next().map(|seat| seat.name.clone());
    let primary = primary.ok_or_else(|| SystemError::Refused("there is no data node".into()))?;
    deploy.emitter.note("starting the primary");
    start(&deploy, &roster, [&primary]).await?;
    if let Some(proxied) = &proxied {
        deploy.runtime.start(&proxied.node).await?;
        proxied.listening(&roster, &*deploy.runtime).await?;
    }
    deploy.emitter.note("starting the replicas");
    let replicas = roster.data().filter(|seat| seat.name != primary);
    start(&deploy, &roster, replicas.map(|seat| &seat.name)).await?;
    backup::start(&deploy, &roster, Values::of(design)).await?;
    let sentinels: Vec<_> = roster
        .of(MemberKind::Control)
        .map(|seat| &seat.name)
        .collect();
    if !sentinels.is_empty() {
        // Not before the replicas listen: a sentinel that is refused tries again only after a second.
        deploy.emitter.note("starting the sentinels");
        start(&deploy, &roster, sentinels).await?;
    }
    if let Some(route) = &route {
        route.raise(&roster, &deploy, Values::of(design)).await?;
    }
    deploy.emitter.note("waiting until everyone follows");
    let ways = Ways { proxied, route };
    let led = Led {
        primary,
        watched: Watched::ours(),
        attached: false,
    };
    let ground = (deploy.runtime, led);
    let mut stack = RedisStack::new(system, members, roster, ways, ground, design)?;
    ready::prove(&mut stack).await?;
    Ok(stack)
}

/// Starts nodes together and returns when each accepts connections.
pub async fn start(
    deploy: &Deploy,
    roster: &Roster,
    names: impl IntoIterator<Item = &NodeName>,
) -> Result<(), SystemError> {
    let starts = names.into_iter().map(|name| async move {
        deploy.runtime.start(name).await?;
        let address = roster.named(name)?.address;
        let ping = || async move {
            let pong: Result<String, _> = link::ask(
                address,
                &link::command(&["PING"]),
                Duration::from_millis(200),
            )
            .await;
            pong.map(drop).map_err(|error| error.to_string())
        };
        let runtime = &deploy.runtime;
        listening(&**runtime, name, LISTEN_LIMIT, ping).await
    });
    try_join_all(starts).await.map(drop)
}

/// The machines of the members: each runs the start script with what its part needs.
pub fn specs(
    members: &[Member],
    design: &Design,
    deploy: &Deploy,
    proxied: Option<&Proxied>,
) -> Result<Vec<NodeSpec>, SystemError> {
    let values = Values::of(design);
    let plan = Plan {
        members,
        proxied,
        values,
        run: deploy.runtime.run(),
        clustered: design.topology == CLUSTER,
    };
    members
        .iter()
        .filter(|member| member.kind != MemberKind::Route)
        .map(|member| {
            let image = deploy.images.get(&member.image).unwrap_or(&member.image);
            let mut spec = NodeSpec {
                name: member.name.clone(),
                image: image.clone(),
                entrypoint: vec!["/bin/sh".into(), START_PATH.into()],
                command: Vec::new(),
                env: plan.env(member)?,
                files: vec![NodeFile {
                    path: PathBuf::from(START_PATH),
                    mode: 0o755,
                    bytes: START.into(),
                }],
                memory_mib: MEMORY_MIB,
                sidecar: true,
                beside: None,
            };
            if member.kind == MemberKind::Store {
                backup::fit(&mut spec, members, values);
            }
            Ok(spec)
        })
        .collect()
}

struct Plan<'a> {
    members: &'a [Member],
    proxied: Option<&'a Proxied>,
    values: Values<'a>,
    run: &'a RunId,
    clustered: bool,
}

impl Plan<'_> {
    fn of(&self, kind: MemberKind) -> impl Iterator<Item = &Member> {
        self.members
            .iter()
            .filter(move |member| member.kind == kind)
    }

    fn env(&self, member: &Member) -> Result<Vec<(String, String)>, SystemError> {
        let first = self.of(MemberKind::Data).next().map(ip).unwrap_or_default();
        let role = match member.kind {
            MemberKind::Control => "sentinel",
            _ if self.clustered => "cluster",
            _ if ip(member) == first => "primary",
            _ => "replica",
        };
        let mut env = vec![
            ("DRDRILL_ROLE", role.to_owned()),
            ("DRDRILL_ANNOUNCE", ip(member)),
            ("DRDRILL_PRIMARY_HOST", first.clone()),
        ];
        if let Some(leader) = self.leader() {
            env.push(("DRDRILL_LEADER", replica_of(leader)));
        }
        if role == "sentinel" {
            env.extend(self.sentinel(member, &first)?);
        } else {
            env.push(("DRDRILL_ARGS", self.arguments()?));
        }
        Ok(env
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect())
    }

    /// Where replicas reach the first primary, if through a proxy.
    fn leader(&self) -> Option<SocketAddr> {
        let first = self.of(MemberKind::Data).next()?;
        let mut doors = self.proxied?.doors.iter();
        let own =
            doors.find(|door| door.link == StreamLink::Replication && door.node == first.name)?;
        Some(own.address)
    }

    fn arguments(&self) -> Result<String, SystemError> {
        let kept = match self.values.word("persistence") {
            "rdb" => "--appendonly no --save 5 1",
            "aof" => "--appendonly yes --appendfsync everysec",
            "aof-always" => "--appendonly yes --appendfsync always",
            _ => "--appendonly no",
        };
        let lag = self.values.duration("min-replicas-max-lag")?.as_secs();
        let least = self.values.count("min-replicas-to-write")?;
        let more = if self.clustered {
            cluster::arguments(self.values)?
        } else {
            String::new()
        };
        Ok(format!(
            "{kept} --min-replicas-to-write {least} --min-replicas-max-lag {lag}{more}"
        ))
    }

    /// Sentinels are told of the replicas: by themselves they would take up to 10 s to find them, and could not
    /// fail over before. Of each other they hear once all listen.
    fn sentinel(
        &self,
        member: &Member,
        first: &str,
    ) -> Result<Vec<(&'static str, String)>, SystemError> {
        let replicas: Vec<String> = self
            .of(MemberKind::Data)
            .map(ip)
            .filter(|ip| ip != first)
            .collect();
        let milliseconds = |name: &str| {
            self.values
                .duration(name)
                .map(|duration| duration.as_millis().to_string())
        };
        Ok(vec![
            ("DRDRILL_MASTER_NAME", MASTER.to_owned()),
            ("DRDRILL_QUORUM", self.values.count("quorum")?.to_string()),
            ("DRDRILL_DOWN_AFTER_MS", milliseconds("down-after")?),
            (
                "DRDRILL_FAILOVER_TIMEOUT_MS",
                milliseconds("failover-timeout")?,
            ),
            (
                "DRDRILL_PARALLEL_SYNCS",
                self.values.count("parallel-syncs")?.to_string(),
            ),
            ("DRDRILL_REPLICAS", replicas.join(" ")),
            ("DRDRILL_SENTINEL_ID", sentinel::id(self.run, &member.name)),
        ])
    }
}

/// A member's address without its port.
pub fn ip(member: &Member) -> String {
    let address = member.address.parse::<SocketAddr>();
    address.map_or_else(
        |_| member.address.clone(),
        |address| address.ip().to_string(),
    )
}

/// An address as `replicaof` takes it.
fn replica_of(leader: SocketAddr) -> String {
    format!("{} {}", leader.ip(), leader.port())
}

/// What `bring_back` puts into a node so that it starts as a replica of the primary that it reaches there.
pub async fn rejoin(
    runtime: &Arc<dyn Runtime>,
    node: &NodeName,
    leader: SocketAddr,
) -> Result<(), SystemError> {
    let file = NodeFile {
        path: PathBuf::from("/drdrill/rejoin"),
        mode: 0o644,
        bytes: replica_of(leader).into_bytes(),
    };
    Ok(runtime.upload(node, &[file]).await?)
}
