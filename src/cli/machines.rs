//! Machines for a run, and where drdrill keeps its journals.

use std::{
    env,
    path::{Path, PathBuf, absolute},
    sync::Arc,
};

use drdrill::{
    drill::{Machines, Plan},
    evidence::Register,
    id::RunId,
    image::{
        CLOCK, ImageError, Preflight, Resolver, SIDECAR, clock_library,
        doctor::{self, Check},
        preflight, standing_in,
    },
    record::{Emitter, ImageFact, Origin, What},
    runtime::{
        ProcessSweeper, RuntimeError,
        docker::{AddressBase, DockerRuntime, DockerSweeper, Engine, Options},
        journal::Header,
        journal::Journal,
        sweep::{Scope, SweepReport, Sweeper, sweep},
    },
};

use super::exit::{Exit, Failure};

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
pub async fn docker(
    plan: &Plan,
    run: &RunId,
    journal: &Journal,
    emitter: &Emitter,
    state: &Path,
) -> Result<Machines, MachinesError> {
    let engine = Engine::connect(docker_host().as_deref()).await?;
    let resolver = resolver(&engine, state, emitter);
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

/// The engine's address, if the environment names one.
pub fn docker_host() -> Option<String> {
    env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty())
}

/// drdrill's own executable.
pub fn program() -> PathBuf {
    env::current_exe().unwrap_or_else(|_| PathBuf::from("drdrill"))
}

/// The folder of journals: `$DRDRILL_STATE`, else `drdrill` in the user's state folder.
///
/// # Errors
/// When neither is named and the user has no home: a folder in a place open to all might be another user's.
pub fn state_folder() -> Result<PathBuf, Failure> {
    let variable = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    // Without HOME it is the one that the system's list of users names.
    let home = || env::home_dir().filter(|home| !home.as_os_str().is_empty());
    variable("DRDRILL_STATE")
        .or_else(|| Some(variable("XDG_STATE_HOME")?.join("drdrill")))
        .or_else(|| Some(home()?.join(".local/state/drdrill")))
        .and_then(|folder| absolute(folder).ok())
        .ok_or_else(|| {
            Failure::new(
                Exit::EnvironmentUnfit,
                "failed to find a folder for journals: this user has no home",
                "set DRDRILL_STATE to a folder of your own",
            )
        })
}

/// Sweeps what dead runs left.
///
/// # Errors
/// When the state folder cannot be read.
pub async fn sweep_dead(state: &Path) -> std::io::Result<SweepReport> {
    let docker = DockerSweeper::new(docker_host());
    let sweepers: [&dyn Sweeper; 2] = [&docker, &ProcessSweeper::new(state)];
    sweep(state, &sweepers, &Scope::Dead, &close).await
}

/// Writes the closing line of a run that died.
fn close(header: &Header) -> Result<(), String> {
    let Some(register) = header.reports.as_deref().map(Register::of) else {
        return Ok(());
    };
    let why = "drdrill ended before the run did; a later sweep removed what it had created";
    let closed = register.abandon(&header.run, why);
    closed.map_err(|error| format!("run {} is open in the register: {error}", header.run))
}

/// What this machine can do.
pub async fn examine() -> Vec<Check> {
    let host = docker_host();
    let run = RunId::new("doctor000000000", std::process::id());
    // Without a folder of its own, nothing is built here that a lock would guard.
    let locks = state_folder().unwrap_or_default().join("locks");
    match Engine::connect(host.as_deref()).await {
        Ok(engine) => {
            let resolver = Resolver::new(Arc::new(engine), locks, Arc::new(|_| {}));
            doctor::examine(host.as_deref(), &resolver, &run).await
        }
        Err(error) => vec![doctor::no_engine(&error)],
    }
}
