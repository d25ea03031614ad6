//! Brings a PostgreSQL stack up: all nodes in parallel; those that need another wait for it themselves.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;

use crate::{
    id::NodeName,
    record::{Member, MemberKind},
    runtime::{NodeFile, NodeSpec},
    system::{
        Deploy, Design, SystemError,
        certified::{Certified, mutual},
        object_store,
        proxied::{self, Proxied},
        reserve::reserve,
        roster::{Roster, Seat},
        route::{Route, keepalived},
        settings::Values,
    },
};

use super::{
    archive,
    asked::{CHECK, who},
    backup::{self, Tool},
    barman, etcd,
    frontend::Frontend,
    haproxy, patroni, pgbackrest, ready,
    running::PostgresStack,
    shape::{Keeper, Shape},
    sql, streaming, tls,
};

/// Memory of a node with a database: 64 MiB of shared buffers and some megabytes for each of its sessions.
pub const DATABASE_MIB: u32 = 1024;

/// Memory of an etcd member or the proxy; each uses some tens of megabytes.
pub const HELPER_MIB: u32 = 256;

/// Nodes that were started, and nothing is known of yet.
pub struct Started {
    /// All members with their addresses.
    pub members: Vec<Member>,
    /// The same, by name.
    pub roster: Roster,
    /// The proxies before the nodes, where there are some.
    pub proxied: Option<Proxied>,
    /// The certificates of its servers, where they present some.
    pub certified: Option<Certified>,
}

/// Deploys the design and returns once replication is proven flowing.
pub async fn deploy(design: &Design, deploy: Deploy) -> Result<PostgresStack, SystemError> {
    let shape = Shape::of(design)?;
    let started = start(design, &deploy, shape, |_, _| {}).await?;
    // Patroni's proxy is its own.
    let route = match shape.keeper {
        Keeper::Operator => Route::of(design, &started.roster, &deploy, CHECK, who).await?,
        Keeper::Patroni(_) => None,
    };
    if let Some(route) = &route {
        route
            .raise(&started.roster, &deploy, Values::of(design))
            .await?;
    }
    let mut stack = PostgresStack::new(design, started.members, started.roster, shape, deploy)?;
    if let Some(route) = route {
        stack.lead_to(route.entry);
        stack.route = Some(route);
    }
    stack.proxied = started.proxied;
    stack.certified = started.certified;
    ready::prove(&mut stack).await?;
    Ok(stack)
}

/// Creates and starts the nodes of a design, as `fit` changes what they are told.
pub async fn start(
    design: &Design,
    deploy: &Deploy,
    shape: Shape,
    fit: fn(&Member, &mut NodeSpec),
) -> Result<Started, SystemError> {
    let members = reserve(design, deploy, |member| match member.kind {
        _ if object_store::is(&member.name) => object_store::PORT,
        MemberKind::Data | MemberKind::Store => sql::PORT,
        MemberKind::Control => etcd::PORT,
        MemberKind::Route if design.topology == "patroni" => haproxy::PRIMARY_PORT,
        MemberKind::Route => proxied::PORT,
    })
    .await?;
    let mut roster = Roster::new(&members)?;
    let proxied = Proxied::of(&roster, &proxied::links(design), &Frontend);
    if let Some(proxied) = &proxied {
        roster = roster.through(proxied.doors.clone());
    }
    let certified = tls::certificates(&roster, shape)?;
    let known = match shape.backup {
        Some(Tool::PgBackRest { .. }) => mutual(pgbackrest::parties(&roster))?,
        _ => BTreeMap::new(),
    };
    let plan = Plan {
        roster: &roster,
        shape,
        certified: certified.as_ref(),
        known,
    };
    let spec = |member: &Member| {
        let image = deploy.images.get(&member.image).unwrap_or(&member.image);
        let mut spec = match &proxied {
            Some(proxied) if proxied.node == member.name => proxied.spec(&roster, image),
            _ if object_store::is(&member.name) => {
                Ok(object_store::spec(image, plan.known(&member.name)))
            }
            _ => plan.node(member, image),
        }?;
        fit(member, &mut spec);
        Ok(spec)
    };
    let own = members
        .iter()
        .filter(|one| !keepalived::is_agent(&one.name));
    let specs: Vec<NodeSpec> = own.map(spec).collect::<Result<_, SystemError>>()?;
    let starts = specs.iter().map(|spec| async {
        deploy.runtime.create(spec).await?;
        deploy.runtime.start(&spec.name).await
    });
    try_join_all(starts).await?;
    Ok(Started {
        members,
        roster,
        proxied,
        certified,
    })
}

/// What the nodes are told.
pub struct Plan<'a> {
    /// All members with their addresses.
    pub roster: &'a Roster,
    /// The stack's shape.
    pub shape: Shape,
    /// The certificates of its servers, where they present some.
    pub certified: Option<&'a Certified>,
    /// The files by which nodes are sure of each other, where a tool for backups needs that.
    pub known: BTreeMap<NodeName, Vec<NodeFile>>,
}

impl Plan<'_> {
    fn node(&self, member: &Member, image: &str) -> Result<NodeSpec, SystemError> {
        let seat = self.roster.named(&member.name)?;
        let mut spec = NodeSpec {
            name: member.name.clone(),
            image: image.to_owned(),
            entrypoint: Vec::new(),
            command: Vec::new(),
            env: Vec::new(),
            files: Vec::new(),
            memory_mib: HELPER_MIB,
            sidecar: true,
            beside: None,
        };
        match (member.kind, self.shape.keeper) {
            (MemberKind::Data, keeper) => {
                let (script, env) = match keeper {
                    Keeper::Operator => (streaming::START, streaming::env(self, seat)),
                    Keeper::Patroni(timings) => (patroni::START, patroni::env(self, seat, timings)),
                };
                spec.entrypoint = vec!["sh".into(), streaming::START_PATH.into()];
                spec.env = env.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
                spec.files = vec![NodeFile::text(streaming::START_PATH, 0o755, script)];
                if let Some(certified) = self.certified {
                    spec.files.extend(certified.files(&seat.name));
                    spec.env.extend(tls::env());
                }
                spec.memory_mib = DATABASE_MIB;
                if let Some(store) = self.roster.of(MemberKind::Store).next() {
                    self.push(&mut spec, store);
                }
            }
            (MemberKind::Store, _) => {
                let own = streaming::env(self, seat).into_iter();
                spec.env = own.map(|(k, v)| (k.to_owned(), v)).collect();
                match self.shape.backup {
                    Some(Tool::Barman { cron }) => barman::fit(&mut spec, self.roster, cron),
                    Some(Tool::Archive { .. }) => archive::fit_store(&mut spec, self.roster),
                    Some(Tool::PgBackRest { repository, .. }) => {
                        let known = self.known(&seat.name);
                        pgbackrest::fit_store(&mut spec, self.roster, repository, known);
                    }
                    Some(Tool::Stream) | None => backup::fit_stream(&mut spec, self.roster),
                }
            }
            (MemberKind::Control, _) => spec.command = etcd::arguments(self.roster, seat),
            (MemberKind::Route, Keeper::Patroni(timings)) => {
                let text = haproxy::config(self.roster, timings);
                spec.files = vec![NodeFile::text(haproxy::CONFIG_PATH, 0o644, &text)];
            }
            (MemberKind::Route, Keeper::Operator) => {}
        }
        Ok(spec)
    }

    /// Gives a server what it pushes its log to this node by, where it does.
    fn push(&self, spec: &mut NodeSpec, store: &Seat) {
        match self.shape.backup {
            Some(Tool::Archive { .. }) => archive::fit_server(spec, store),
            Some(Tool::PgBackRest { repository, .. }) => {
                let known = self.known(&spec.name);
                pgbackrest::fit_server(spec, self.roster, store, repository, known);
            }
            Some(Tool::Stream | Tool::Barman { .. }) | None => {}
        }
    }

    fn known(&self, node: &NodeName) -> &[NodeFile] {
        self.known.get(node).map_or(&[], Vec::as_slice)
    }

    /// The settings of every node's server.
    pub fn settings(&self) -> String {
        let names: Vec<&str> = self.roster.data().map(|seat| seat.name.as_str()).collect();
        self.shape.settings(&names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        scenario::SystemSpec,
        system::{System, postgres::Postgres},
    };

    fn specs(topology: &str, synchronous: &str) -> Vec<NodeSpec> {
        let spec = SystemSpec {
            topology: Some(topology.into()),
            settings: [("synchronous".to_owned(), synchronous.to_owned())].into(),
            ..SystemSpec::default()
        };
        let design = Postgres.design(&spec, None).expect("a design");
        let mut members = design.members.clone();
        for (index, member) in members.iter_mut().enumerate() {
            let port = if member.kind == crate::record::MemberKind::Control {
                2379
            } else {
                5432
            };
            member.address = format!("10.0.0.{}:{port}", index + 1);
        }
        let roster = Roster::new(&members).expect("addresses");
        let shape = Shape::of(&design).expect("a shape");
        let plan = Plan {
            roster: &roster,
            shape,
            certified: None,
            known: BTreeMap::new(),
        };
        members
            .iter()
            .map(|member| plan.node(member, "image").expect("a spec"))
            .collect()
    }

    fn env<'a>(spec: &'a NodeSpec, name: &str) -> &'a str {
        let found = spec.env.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    #[test]
    fn the_first_streaming_node_is_primary_and_the_others_follow_it() {
        let specs = specs("streaming", "remote-apply");
        assert_eq!(specs.len(), 3);
        assert_eq!(env(&specs[0], "DRDRILL_ROLE"), "primary");
        assert_eq!(env(&specs[2], "DRDRILL_ROLE"), "replica");
        assert_eq!(env(&specs[2], "DRDRILL_PRIMARY"), "10.0.0.1 10.0.0.1 5432");
        let expected = "max_connections = 500\nfsync = on\nsynchronous_commit = remote_apply\n\
                        synchronous_standby_names = 'ANY 1 (\"pg1\", \"pg2\", \"pg3\")'";
        assert_eq!(env(&specs[1], "DRDRILL_SETTINGS"), expected);
    }

    #[test]
    fn patroni_nodes_know_etcd_and_nothing_is_left_to_fill_in() {
        let specs = specs("patroni", "on");
        let etcd = "10.0.0.4:2379,10.0.0.5:2379,10.0.0.6:2379";
        assert_eq!(env(&specs[0], "DRDRILL_ETCD"), etcd);
        assert_eq!(env(&specs[0], "DRDRILL_TTL"), "20");
        assert_eq!(env(&specs[0], "DRDRILL_SYNCHRONOUS_MODE"), "true");
        assert!(!env(&specs[0], "DRDRILL_SETTINGS").contains("standby_names"));
        assert!(specs[3].command.contains(&"--name=etcd1".to_owned()));
        assert!(
            specs[3]
                .command
                .iter()
                .all(|word| !word.contains('@') && !word.contains('#'))
        );
        let config = String::from_utf8(specs[6].files[0].bytes.clone()).expect("text");
        assert_eq!(
            config
                .matches("    server pg2 10.0.0.2:5432 check port 8008\n")
                .count(),
            2
        );
        assert!(config.contains("default-server inter 1000ms fall 3 rise 1 "));
        let code = config
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'));
        assert!(code.into_iter().all(|line| !line.contains('@')));
    }
}
