//! Brings the stack up, and takes it down.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use crate::{
    fault::Ground,
    id::NodeName,
    net::{Links, SidecarLinks},
    record::{Emitter, Environment, Member, Residue, What},
    runtime::{Runtime, RuntimeError, journal::Journal},
    seed::Seed,
    system::{Deploy, SystemError},
};

use super::Plan;

/// Where a drill runs, and under which name.
pub struct Site {
    /// The machines.
    pub runtime: Arc<dyn Runtime>,
    /// Images to use, by the reference that the design asks for.
    pub images: BTreeMap<String, String>,
    /// drdrill's own executable.
    pub program: PathBuf,
    /// Where what happens is said.
    pub emitter: Emitter,
    /// The write-ahead undo.
    pub journal: Journal,
    /// The seed of all random choices.
    pub seed: Seed,
    /// Which repeat this is, from 0, and out of how many.
    pub stratum: (u32, u32),
    /// Whether the stack stays after the run until a person wishes to stop.
    pub keep: bool,
}

/// A stack that stands, with probes on its links.
pub struct Provisioned {
    /// What faults act on.
    pub ground: Ground,
}

/// Why a stack could not be provided.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// The machines failed.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The stack did not come up.
    #[error(transparent)]
    System(#[from] SystemError),
}

/// Brings the stack up; ready means that replication is proven flowing.
///
/// # Errors
/// When it does not come up; what was created until then is removed by `tear_down`.
pub async fn provision(plan: &Plan, site: &Site) -> Result<Provisioned, ProvisionError> {
    let facts = site.runtime.facts().await?;
    let environment = Environment {
        drdrill: env!("CARGO_PKG_VERSION").into(),
        facts,
    };
    site.emitter.say(What::Environment(environment));
    site.emitter.note(format!(
        "bringing up {} {}",
        plan.description.name, plan.design.topology
    ));
    let deploy = Deploy {
        runtime: site.runtime.clone(),
        images: site.images.clone(),
        program: site.program.clone(),
        emitter: site.emitter.clone(),
    };
    let (at, system) = site
        .emitter
        .time(plan.system.deploy(&plan.design, deploy))
        .await;
    let system = system?;
    let links = links(site, &system.stack().members).await?;
    site.emitter
        .say_at(at, What::Stack(Box::new(system.stack().clone())));
    let first_primary = system.stack().primary.clone();
    let ground = Ground {
        runtime: site.runtime.clone(),
        links,
        system,
        emitter: site.emitter.clone(),
        journal: site.journal.clone(),
        first_primary,
    };
    Ok(Provisioned { ground })
}

/// The links of a stack whose nodes have sidecars, with probes on all of them.
async fn links(site: &Site, members: &[Member]) -> Result<Option<Arc<dyn Links>>, RuntimeError> {
    if site.runtime.kind() != "docker" {
        return Ok(None);
    }
    let address = |member: &Member| {
        let (address, _) = member.address.rsplit_once(':')?;
        Some((member.name.clone(), address.parse().ok()?))
    };
    let addresses = members.iter().filter_map(address);
    let links = SidecarLinks::new(site.runtime.clone(), site.journal.clone(), addresses);
    let nodes: Vec<NodeName> = members.iter().map(|member| member.name.clone()).collect();
    links.arm(&nodes).await?;
    Ok(Some(Arc::new(links)))
}

/// Removes everything that the run created, says what is left, and returns whether that is nothing.
pub async fn tear_down(site: &Site) -> bool {
    let (removed, failed) = site.runtime.teardown().await;
    let (left, failed) = match site.runtime.residue().await {
        Ok(left) => (left, failed),
        Err(error) => (
            Vec::new(),
            failed.into_iter().chain([error.to_string()]).collect(),
        ),
    };
    let clean = left.is_empty() && failed.is_empty();
    site.emitter.say(What::Residue(Residue {
        left,
        failed,
        removed,
    }));
    clean
}
