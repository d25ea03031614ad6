//! Brings the stack up, and takes it down.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use futures_util::future::BoxFuture;

use crate::{
    alerting::{self, Raised},
    fault::{self, FaultContext},
    id::{NodeName, RunId},
    net::{Links, Shaping, SidecarLinks},
    record::{Emitter, Environment, ImageFact, Member, Residue, What},
    runtime::{Runtime, RuntimeError, journal::Journal},
    scenario::{Fault, Step},
    seed::Seed,
    system::{Deploy, Logins, SystemError},
};

use super::{Plan, allot::allot, warm::StackHistory};

/// What a stack stands on.
#[derive(Clone)]
pub struct Machines {
    /// The machines.
    pub runtime: Arc<dyn Runtime>,
    /// The images that were resolved for it.
    pub images: Vec<ImageFact>,
    /// The write-ahead undo.
    pub journal: Journal,
}

/// Where a drill runs, and under which name.
pub struct RunContext {
    /// The run.
    pub run: RunId,
    /// The machines.
    pub machines: Machines,
    /// drdrill's own executable.
    pub program: PathBuf,
    /// What lets clients in where somebody else set the servers up.
    pub logins: Logins,
    /// Where what happens is said.
    pub emitter: Emitter,
    /// The seed of all random choices.
    pub seed: Seed,
    /// Which repeat this is, from 0, and out of how many.
    pub stratum: (u32, u32),
    /// What is done beside the drill.
    pub asides: Vec<Aside>,
    /// What becomes of the stack.
    pub after: After,
    /// What the teardown of an earlier stack left in this run.
    pub earlier: Residue,
}

/// Something that is done beside the drill once a step has ended: a witness of calibration looks at the stack.
pub struct Aside {
    /// The step.
    pub after: usize,
    /// What is done; the next step waits for it.
    pub look: Look,
}

/// What an aside does.
pub type Look = Box<dyn Fn(FaultContext) -> BoxFuture<'static, ()> + Send + Sync>;

/// What becomes of a stack after a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// It is removed.
    Remove,
    /// It stays until a person wishes to stop, and is then removed.
    Keep,
    /// It is handed on to the next repeat, if it can be made ready again.
    HandOn,
}

/// A stack that stands, with probes on its links.
pub struct Provisioned {
    /// What faults act on.
    pub ground: FaultContext,
    /// What it has been through before this run.
    pub past: Option<StackHistory>,
    /// Whether the run before lends its last operations to this one's baseline.
    pub lent: bool,
    /// Alerting beside the stack, if the scenario has any.
    pub alerting: Option<Arc<Raised>>,
}

/// Why a stack could not be provided.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// The machines failed.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// What a fault needs cannot be had of the nodes.
    #[error(transparent)]
    Fault(#[from] fault::FaultError),
    /// The stack did not come up.
    #[error(transparent)]
    System(#[from] SystemError),
}

/// Brings the stack up; ready means that replication is proven flowing.
///
/// # Errors
/// When it does not come up; what was created until then is removed by `tear_down`.
pub async fn provision(plan: &Plan, context: &RunContext) -> Result<Provisioned, ProvisionError> {
    let runtime = &context.machines.runtime;
    let facts = runtime.facts().await?;
    let environment = Environment {
        drdrill: env!("CARGO_PKG_VERSION").into(),
        facts,
    };
    context.emitter.say(What::Environment(environment));
    context.emitter.note(format!(
        "bringing up {} {}",
        plan.description.name, plan.design.topology
    ));
    let deploy = Deploy {
        runtime: runtime.clone(),
        images: images(context),
        program: context.program.clone(),
        attach: plan.attach().cloned(),
        folder: plan.folder(),
        logins: context.logins.clone(),
        emitter: context.emitter.clone(),
    };
    let (at, system) = context
        .emitter
        .time(plan.system.deploy(&plan.design, deploy))
        .await;
    let system = system?;
    let links = links(plan, context, &system.stack().members).await?;
    if let Some(links) = &links {
        links.rehearse(&shapings(plan)).await?;
    }
    let stack = allot(plan, &**runtime, system.stack()).await?;
    context.emitter.say_at(at, What::Stack(Box::new(stack)));
    let alerting = match &plan.alerting {
        None => None,
        Some(design) => {
            context
                .emitter
                .note("bringing up Prometheus and Alertmanager");
            let members = &system.stack().members;
            let images = images(context);
            let raised =
                alerting::raise(design, runtime, &images, members, &context.emitter).await?;
            Some(Arc::new(raised))
        }
    };
    let first_primary = system.stack().primary.clone();
    let ground = FaultContext {
        runtime: runtime.clone(),
        links,
        system,
        group: None,
        emitter: context.emitter.clone(),
        journal: context.machines.journal.clone(),
        first_primary,
        regions: Arc::new(plan.regions()),
        clocked: Arc::new(plan.clocked()),
        permit: plan.permit(),
    };
    fault::rehearse(plan.faults(), &ground).await?;
    Ok(Provisioned {
        ground,
        past: None,
        lent: false,
        alerting,
    })
}

/// What to use for each image reference.
fn images(context: &RunContext) -> BTreeMap<String, String> {
    let images = context.machines.images.iter();
    images
        .map(|image| (image.reference.clone(), image.used.clone()))
        .collect()
}

/// What the drill is to do to packets: what the machine cannot do is found out before any client starts.
fn shapings(plan: &Plan) -> Vec<Shaping> {
    faults(plan).filter_map(fault::shaping).collect()
}

fn faults(plan: &Plan) -> impl Iterator<Item = &Fault> {
    plan.scenario.drill.iter().filter_map(|step| match step {
        Step::Fault(fault) => Some(fault),
        _ => None,
    })
}

/// The links of a stack whose nodes have sidecars, with probes on all of them.
async fn links(
    plan: &Plan,
    context: &RunContext,
    members: &[Member],
) -> Result<Option<Arc<dyn Links>>, RuntimeError> {
    let Machines {
        runtime, journal, ..
    } = &context.machines;
    if !plan.sidecars() {
        return Ok(None);
    }
    let address = |member: &Member| {
        let (address, _) = member.address.rsplit_once(':')?;
        Some((member.name.clone(), address.parse().ok()?))
    };
    let (beside, own): (Vec<&Member>, Vec<&Member>) =
        members.iter().partition(|one| one.is_beside(members));
    let name = |member: &&Member| member.name.clone();
    let addresses = own.iter().copied().filter_map(address);
    let links = SidecarLinks::new(runtime.clone(), journal.clone(), addresses)
        .beside(beside.iter().map(name));
    let nodes: Vec<NodeName> = own.iter().map(name).collect();
    links.arm(&nodes).await?;
    Ok(Some(Arc::new(links)))
}

/// Removes everything that the run created, says what is left, beside what is known to be, and returns whether that is nothing.
/// The journal is its owner's to end.
pub async fn tear_down(context: &RunContext, known: Residue) -> bool {
    let residue = remove(&*context.machines.runtime).await;
    let residue = residue.and(context.earlier.clone()).and(known);
    let clean = residue.left.is_empty() && residue.failed.is_empty();
    context.emitter.say(What::Residue(residue));
    clean
}

/// Removes everything of a stack and looks at what is left.
pub(crate) async fn remove(runtime: &dyn Runtime) -> Residue {
    let (removed, failed) = runtime.teardown().await;
    let (left, failed) = match runtime.residue().await {
        Ok(left) => (left, failed),
        Err(error) => (
            Vec::new(),
            failed.into_iter().chain([error.to_string()]).collect(),
        ),
    };
    Residue {
        left,
        failed,
        removed,
    }
}
