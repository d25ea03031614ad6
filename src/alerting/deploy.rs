//! Brings Prometheus, Alertmanager and the exporters up beside a stack, and proves that alerts arrive.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::try_join_all;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    id::NodeName,
    record::{AlertingMember, Emitter, Member, MemberKind, What},
    runtime::{NodeFile, NodeSpec, Runtime, RuntimeError},
    system::Scraped,
    time::Nanos,
};

use super::{
    config::{self, Target},
    design::{ALERTMANAGER, AlertingDesign, PROMETHEUS, alertmanager, exporter_of, prometheus},
    prove::{Proving, prove},
    receiver::Receiver,
    seen::Seen,
    watch::watch,
};

/// Where Prometheus listens.
const PROMETHEUS_PORT: u16 = 9090;

/// Where Alertmanager listens.
const ALERTMANAGER_PORT: u16 = 9093;

/// Memory of Prometheus: some tens of megabytes for so few series.
const PROMETHEUS_MIB: u32 = 512;

/// Memory of Alertmanager and of each exporter, which use some tens of megabytes.
const HELPER_MIB: u32 = 128;

/// Alerting that stands beside a stack.
pub struct Raised {
    members: Vec<AlertingMember>,
    prometheus: SocketAddr,
    seen: Seen,
    receiver: Mutex<Option<Receiver>>,
}

/// Brings alerting up beside a stack's members and says how it was proven to work, or why it was not; then the drill's
/// alert lines are inconclusive.
///
/// # Errors
/// When the machines fail.
pub async fn raise(
    design: &AlertingDesign,
    runtime: &Arc<dyn Runtime>,
    images: &BTreeMap<String, String>,
    stack: &[Member],
    emitter: &Emitter,
) -> Result<Raised, RuntimeError> {
    let host = runtime.harness_address().ok_or_else(|| {
        RuntimeError::Unsupported(
            "nodes do not see the harness, so it cannot receive alerts".into(),
        )
    })?;
    let seen = Seen::default();
    let receiver = Receiver::listen(host, emitter.clone(), seen.clone())
        .await
        .map_err(|error| RuntimeError::Failed {
            action: "listen for alerts at",
            node: host.to_string(),
            cause: error.to_string(),
        })?;
    let plan = Placed::reserve(design, runtime, stack, receiver.address).await?;
    let starts = plan.specs(images).into_iter().map(|spec| async move {
        runtime.create(&spec).await?;
        runtime.start(&spec.name).await
    });
    try_join_all(starts).await?;
    let proving = Proving {
        design,
        prometheus: plan.prometheus,
        alertmanager: plan.alertmanager,
        targets: plan.targets.len(),
        exporters: plan.exporters().count(),
        seen: &seen,
    };
    let members = plan.members();
    let (at, alerting) = emitter.time(prove(proving, members.clone())).await;
    emitter.say_at(at, What::Alerting(Box::new(alerting)));
    Ok(Raised {
        members,
        prometheus: plan.prometheus,
        seen,
        receiver: Mutex::new(Some(receiver)),
    })
}

impl Raised {
    /// The names of its members.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeName> {
        self.members.iter().map(|member| &member.name)
    }

    /// Starts to watch what Prometheus has; the caller joins the task.
    pub fn watch(&self, emitter: &Emitter, stop: CancellationToken) -> JoinHandle<()> {
        let seen = self.seen.clone();
        tokio::spawn(watch(self.prometheus, emitter.clone(), seen, stop))
    }

    /// The first of these alerts of which no notification came since a moment.
    pub fn undelivered<'a>(
        &self,
        alerts: impl Iterator<Item = &'a str>,
        since: Nanos,
    ) -> Option<&'a str> {
        self.seen.undelivered(alerts, since)
    }

    /// An alert, other than these, that is still active, or of which no notification said that it is over.
    pub fn unresolved(&self, others: &[String]) -> Option<String> {
        self.seen.unresolved(others)
    }

    /// Stops receiving, and lets go of the run's emitter.
    pub async fn close(&self) {
        let receiver = self
            .receiver
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(receiver) = receiver {
            receiver.close().await;
        }
    }
}

/// Alerting with its addresses.
struct Placed<'a> {
    design: &'a AlertingDesign,
    prometheus: SocketAddr,
    alertmanager: SocketAddr,
    receiver: SocketAddr,
    /// The targets of Prometheus; where an exporter is one, with where its member listens.
    targets: Vec<(Target, Option<SocketAddr>)>,
}

/// Who is scraped: under which job, the member with its address, and who answers for it.
type Scrape = (&'static str, NodeName, SocketAddr, Scraped);

/// Every member that holds data, and the failover machinery.
fn scrapes(design: &AlertingDesign, stack: &[Member]) -> Vec<Scrape> {
    let address = |member: &Member| member.address.parse::<SocketAddr>().ok();
    let data = stack
        .iter()
        .filter(|member| member.kind == MemberKind::Data)
        .filter_map(|member| {
            let job = design.exporter.job;
            Some((
                job,
                member.name.clone(),
                address(member)?,
                Scraped::ByExporter,
            ))
        });
    let machinery = design.machinery.iter().flat_map(|part| {
        let members = stack
            .iter()
            .filter(|member| part.nodes.contains(&member.name));
        members.filter_map(|member| {
            Some((
                part.job,
                member.name.clone(),
                address(member)?,
                part.scraped,
            ))
        })
    });
    data.chain(machinery).collect()
}

impl<'a> Placed<'a> {
    async fn reserve(
        design: &'a AlertingDesign,
        runtime: &Arc<dyn Runtime>,
        stack: &[Member],
        receiver: SocketAddr,
    ) -> Result<Self, RuntimeError> {
        let scrapes = scrapes(design, stack);
        let asked = scrapes
            .iter()
            .filter(|(.., by)| matches!(by, Scraped::ByExporter));
        let mut names = vec![prometheus(), alertmanager()];
        names.extend(asked.map(|(_, member, ..)| exporter_of(member)));
        let addresses: BTreeMap<NodeName, IpAddr> =
            runtime.reserve(&names).await?.into_iter().collect();
        let place = |name: &NodeName, port| {
            let missing = || RuntimeError::Unsupported(format!("no address for `{name}`"));
            let address = addresses.get(name).ok_or_else(missing)?;
            Ok::<_, RuntimeError>(SocketAddr::new(*address, port))
        };
        let targets = scrapes.into_iter().map(|(job, member, listens, by)| {
            let (address, asked) = match by {
                Scraped::Itself(port) => (SocketAddr::new(listens.ip(), port), None),
                Scraped::ByExporter => {
                    let exporter = place(&exporter_of(&member), design.exporter.port)?;
                    (exporter, Some(listens))
                }
            };
            let target = Target {
                job,
                member,
                address,
            };
            Ok((target, asked))
        });
        let targets = targets.collect::<Result<_, RuntimeError>>()?;
        Ok(Self {
            design,
            prometheus: place(&prometheus(), PROMETHEUS_PORT)?,
            alertmanager: place(&alertmanager(), ALERTMANAGER_PORT)?,
            receiver,
            targets,
        })
    }

    /// The exporters: their targets, and where their members listen.
    fn exporters(&self) -> impl Iterator<Item = (&Target, SocketAddr)> {
        let asked = self.targets.iter();
        asked.filter_map(|(target, member)| Some((target, (*member)?)))
    }

    fn members(&self) -> Vec<AlertingMember> {
        let member = |name: NodeName, address: SocketAddr, image: &str| AlertingMember {
            name,
            address: address.to_string(),
            image: image.into(),
        };
        let mut members = vec![
            member(prometheus(), self.prometheus, PROMETHEUS),
            member(alertmanager(), self.alertmanager, ALERTMANAGER),
        ];
        let image = self.design.exporter.image;
        members.extend(
            self.exporters()
                .map(|(target, _)| member(exporter_of(&target.member), target.address, image)),
        );
        members
    }

    fn specs(&self, images: &BTreeMap<String, String>) -> Vec<NodeSpec> {
        let spec = |name: NodeName, image: &str| NodeSpec {
            name,
            image: images.get(image).map_or(image, String::as_str).to_owned(),
            entrypoint: Vec::new(),
            command: Vec::new(),
            env: Vec::new(),
            files: Vec::new(),
            memory_mib: HELPER_MIB,
            sidecar: false,
            beside: None,
        };
        let spec_of = &self.design.spec;
        let targets = self.targets.iter().map(|(target, _)| target);
        let text = config::prometheus(spec_of, targets, self.alertmanager);
        let mut files = vec![NodeFile::text(config::PROMETHEUS_PATH, 0o644, &text)];
        files.extend(
            self.design
                .files()
                .iter()
                .enumerate()
                .map(|(index, rules)| {
                    let path = format!("{}/{index}.yaml", config::RULES_FOLDER);
                    NodeFile::text(&path, 0o644, &rules.text)
                }),
        );
        let text = config::alertmanager(spec_of, self.receiver);
        let mut specs = vec![
            NodeSpec {
                files,
                memory_mib: PROMETHEUS_MIB,
                ..spec(prometheus(), PROMETHEUS)
            },
            NodeSpec {
                command: config::ALERTMANAGER_ARGUMENTS.map(str::to_owned).into(),
                files: vec![NodeFile::text(config::ALERTMANAGER_PATH, 0o644, &text)],
                ..spec(alertmanager(), ALERTMANAGER)
            },
        ];
        let exporter = &self.design.exporter;
        specs.extend(self.exporters().map(|(target, address)| NodeSpec {
            command: (exporter.arguments)(address),
            env: (exporter.env)(address),
            files: (exporter.files)(address),
            ..spec(exporter_of(&target.member), exporter.image)
        }));
        specs
    }
}
