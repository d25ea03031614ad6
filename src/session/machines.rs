//! Containers for a plan, with every image there and fit for its start scripts.

use std::{io, path::Path, sync::Arc};

use crate::{
    drill::{self, Machines, Plan, Stop},
    id::RunId,
    image::{
        CLOCK, ImageError, Preflight, Resolver, SIDECAR, clock_library, preflight, standing_in,
    },
    record::{Emitter, ImageFact, Origin, Residue, What},
    runtime::{
        RuntimeError,
        docker::{AddressBase, DockerRuntime, Engine, Options},
        journal::{Effect, Journal},
    },
};

use super::Host;

/// Why no machines could be had.
#[derive(Debug, thiserror::Error)]
pub enum MachinesError {
    /// The engine does not answer, or refused.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// An image could not be had.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// An image lacks programs that the start scripts need.
    #[error("image `{image}` cannot be used: it has no {missing}; {way_out}")]
    Lacking {
        /// The image.
        image: String,
        /// The programs.
        missing: String,
        /// What to do.
        way_out: String,
    },
    /// File systems of ours cannot be mounted here.
    #[error(
        "faults of disks cannot be had on this machine: a file system of drdrill's own (FUSE) cannot be mounted: {0}; \
         load the kernel module fuse and let containers have /dev/fuse (`drdrill doctor` looks at it), or choose other faults"
    )]
    NoDisks(String),
    /// A secret that the scenario names cannot be had.
    #[error("{0}")]
    NoSecret(String),
    /// Somebody halted all drills.
    #[error("`drdrill halt`: {0}; `drdrill halt --lift` lets drills start again")]
    Halted(String),
    /// A person stopped it.
    #[error("interrupted")]
    Interrupted,
}

/// No machines could be had.
pub(super) struct NoMachines {
    /// Why.
    pub why: MachinesError,
    /// What became of the throw-away containers that were made on the way.
    pub residue: Residue,
}

impl From<MachinesError> for NoMachines {
    fn from(why: MachinesError) -> Self {
        let residue = Residue::default();
        Self { why, residue }
    }
}

/// Containers for a plan, with every image there and fit for its start scripts. Where they cannot be had, or someone wishes to stop,
/// nothing stays of what was made on the way.
///
/// # Errors
/// When no engine answers, or an image cannot be had or used.
pub(super) async fn docker(
    (host, plan): (&Host, &Plan),
    run: &RunId,
    journal: &Journal,
    emitter: &Emitter,
    stop: &Stop,
) -> Result<Machines, NoMachines> {
    let connected = stop.or(connect(host, run, journal)).await;
    let engine = connected.unwrap_or(Err(MachinesError::Interrupted))?;
    let wanted = containers(&engine, (host, plan), run, journal, emitter);
    match stop.or(wanted).await {
        Some(Ok(machines)) => Ok(machines),
        failed => {
            let why = failed.and_then(Result::err);
            let why = why.unwrap_or(MachinesError::Interrupted);
            let none = Options {
                base: AddressBase::DEFAULT,
                sidecar_image: None,
                sidecars: false,
                disks: None,
                attached: None,
            };
            let made = DockerRuntime::new(engine, run.clone(), journal.clone(), none);
            let residue = drill::remove(&made).await;
            Err(NoMachines { why, residue })
        }
    }
}

/// The engine, named in the journal with what is about to be made in it.
async fn connect(host: &Host, run: &RunId, journal: &Journal) -> Result<Engine, MachinesError> {
    let engine = Engine::connect(host.docker_host.as_deref()).await?;
    if let Some(why) = engine.halted().await? {
        return Err(MachinesError::Halted(why));
    }
    if let Some(identity) = engine.identity().await? {
        let noted = journal.in_engine(identity).await;
        noted.map_err(|error| unwritten(run, &error))?;
    }
    Ok(engine)
}

fn unwritten(run: &RunId, error: &io::Error) -> RuntimeError {
    RuntimeError::Failed {
        action: "write to the undo journal of",
        node: run.to_string(),
        cause: error.to_string(),
    }
}

async fn containers(
    engine: &Engine,
    (host, plan): (&Host, &Plan),
    run: &RunId,
    journal: &Journal,
    emitter: &Emitter,
) -> Result<Machines, MachinesError> {
    // Images are looked into in containers.
    let labelled = journal.ensure(Effect::Labelled).await;
    labelled.map_err(|error| unwritten(run, &error))?;
    let resolver = resolver(engine, &host.state, emitter);
    let mut images = Vec::new();
    for reference in &plan.images() {
        let fact = resolver.resolve(reference).await?;
        look_into(engine, run, &fact, &programs(plan, &fact)).await?;
        emitter.say(What::Image(fact.clone()));
        images.push(fact);
    }
    let sidecar = resolver.resolve(SIDECAR).await?;
    let disks = plan.disks();
    if disks.is_some()
        && let Err(why) = engine.try_disks(run, &sidecar.used).await?
    {
        return Err(MachinesError::NoDisks(why));
    }
    let options = Options {
        base: AddressBase::DEFAULT,
        sidecar_image: Some(sidecar.used.clone()),
        sidecars: plan.sidecars(),
        disks,
        attached: plan.attached(),
    };
    emitter.say(What::Image(sidecar.clone()));
    images.push(sidecar);
    let mut clock = None;
    let clocked = plan.clocked();
    if !clocked.is_empty() {
        let fact = resolver.resolve(CLOCK).await?;
        let library = clock_library(engine, run, &fact.used).await?;
        emitter.say(What::Image(fact.clone()));
        images.push(fact);
        clock = Some(library);
    }
    let mut runtime = DockerRuntime::new(engine.clone(), run.clone(), journal.clone(), options);
    if let Some(library) = clock {
        runtime = runtime.with_clock(library, clocked);
    }
    Ok(Machines {
        runtime: Arc::new(runtime),
        images,
        journal: journal.clone(),
    })
}

/// The programs that an image is looked into for. Our own recipes hold what our scripts need, but for what they are known to
/// lack.
fn programs(plan: &Plan, image: &ImageFact) -> Vec<&'static str> {
    if !plan.design.images.contains(&image.reference) {
        return Vec::new();
    }
    let recipe = standing_in(&image.reference).filter(|_| image.origin == Origin::Built);
    let wanted = plan.system.programs(&plan.design, &image.reference).iter();
    let open = |program: &&str| recipe.is_none_or(|recipe| recipe.lacks().contains(program));
    wanted.copied().filter(open).collect()
}

async fn look_into(
    engine: &Engine,
    run: &RunId,
    image: &ImageFact,
    programs: &[&str],
) -> Result<(), MachinesError> {
    if programs.is_empty() {
        return Ok(());
    }
    let missing = match preflight(engine, run, &image.used, programs).await? {
        Preflight::Missing(missing) if missing.is_empty() => return Ok(()),
        Preflight::Missing(missing) => missing.join(", "),
        Preflight::NoShell => "shell".into(),
    };
    let (reference, used) = (&image.reference, &image.used);
    let way_out = if reference == used {
        "name another image, or add them to it".to_owned()
    } else {
        format!(
            "it only stands in for `{reference}`: load that into the engine (`docker pull {reference}`), and it is used"
        )
    };
    Err(MachinesError::Lacking {
        image: used.clone(),
        missing,
        way_out,
    })
}

fn resolver(engine: &Engine, state: &Path, emitter: &Emitter) -> Resolver {
    let emitter = emitter.clone();
    let say = Arc::new(move |text: String| emitter.note(text));
    Resolver::new(Arc::new(engine.clone()), state.join("locks"), say)
}
