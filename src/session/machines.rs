//! Containers for a plan, with every image there and fit for its start scripts.

use std::{path::Path, sync::Arc};

use crate::{
    drill::{Machines, Plan},
    id::RunId,
    image::{
        CLOCK, ImageError, Preflight, Resolver, SIDECAR, clock_library, preflight, standing_in,
    },
    record::{Emitter, ImageFact, Origin, What},
    runtime::{
        RuntimeError,
        docker::{AddressBase, DockerRuntime, Engine, Options},
        journal::Journal,
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
    /// A person stopped it.
    #[error("interrupted")]
    Interrupted,
}

/// Containers for a plan, with every image there and fit for its start scripts.
///
/// # Errors
/// When no engine answers, or an image cannot be had or used.
pub(super) async fn docker(
    host: &Host,
    plan: &Plan,
    run: &RunId,
    journal: &Journal,
    emitter: &Emitter,
) -> Result<Machines, MachinesError> {
    let engine = Engine::connect(host.docker_host.as_deref()).await?;
    if let Some(identity) = engine.identity().await? {
        let noted = journal.in_engine(identity).await;
        noted.map_err(|error| RuntimeError::Failed {
            action: "write to the undo journal of",
            node: run.to_string(),
            cause: error.to_string(),
        })?;
    }
    let resolver = resolver(&engine, &host.state, emitter);
    let mut images = Vec::new();
    for reference in &plan.images() {
        let fact = resolver.resolve(reference).await?;
        look_into(&engine, run, &fact, &programs(plan, &fact)).await?;
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
    };
    emitter.say(What::Image(sidecar.clone()));
    images.push(sidecar);
    let mut clock = None;
    let clocked = plan.clocked();
    if !clocked.is_empty() {
        let fact = resolver.resolve(CLOCK).await?;
        let library = clock_library(&engine, run, &fact.used).await?;
        emitter.say(What::Image(fact.clone()));
        images.push(fact);
        clock = Some(library);
    }
    let mut runtime = DockerRuntime::new(engine, run.clone(), journal.clone(), options);
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
