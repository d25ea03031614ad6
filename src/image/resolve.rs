//! Resolves a reference: present, else our stand-in, else pulled, else built; and says which it was.

use std::{
    collections::BTreeSet,
    fs::{self, File, TryLockError},
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::time::{sleep, timeout};

use crate::{
    record::{ImageFact, Origin},
    runtime::{BuildSpec, ImageInfo, ImageStore, NodeFile, RuntimeError},
};

use super::{
    certificates,
    recipes::{BASE, Base, DEBIAN, OURS, RECIPES, Recipe, standing_in},
};

/// How long a registry may be silent before the first answer.
const FIRST: Duration = Duration::from_secs(10);
/// How long a pull may take.
const PULL: Duration = Duration::from_secs(600);
/// How long a build may take; it downloads packages.
const BUILD: Duration = Duration::from_secs(900);
/// How many images are fetched or built at once: one unpacks while another one downloads.
const AT_ONCE: usize = 2;
/// How often the lock of a build that another run does is tried.
const LOCK_EVERY: Duration = Duration::from_millis(200);
/// The label with the digest of the recipe that an image was built by.
const DIGEST_LABEL: &str = "drdrill.recipe.sha256";

/// Takes progress worth telling a person.
pub type Say = Arc<dyn Fn(String) + Send + Sync>;

/// Why an image could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] RuntimeError),
    /// It is not here, was not pulled, and nothing stands in for it.
    #[error(
        "image `{reference}` is not present and was not pulled ({cause}); load it into the engine, \
         or name an image that a recipe stands in for (`drdrill images`)"
    )]
    Unobtainable {
        /// The reference.
        reference: String,
        /// Why it was not pulled.
        cause: String,
    },
    /// A recipe has nothing to build on.
    #[error(
        "image `{0}` cannot be built: neither `{DEBIAN}` nor `{BASE}` is there; run scripts/setup.sh"
    )]
    NoBase(String),
    /// Another run kept building, or the lock cannot be had.
    #[error("failed to lock the build of `{image}`: {cause}")]
    Lock {
        /// The image.
        image: String,
        /// Why.
        cause: String,
    },
}

/// What a recipe's image is like at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It was built by this recipe.
    Built(ImageInfo),
    /// It was built by another version of the recipe and is built anew when it is next needed.
    Outdated(ImageInfo),
    /// It is not there; it is built when a reference that it stands in for cannot be pulled.
    Missing,
}

/// A recipe and the state of its image.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The recipe.
    pub recipe: &'static Recipe,
    /// Its image's state.
    pub state: State,
}

/// Resolves the images of one run; remembers registries that do not answer.
pub struct Resolver {
    store: Arc<dyn ImageStore>,
    locks: PathBuf,
    say: Say,
    silent: Mutex<BTreeSet<String>>,
}

impl Resolver {
    /// A resolver for one run. Builds are locked by files in `locks`, so that two runs do not do the
    /// same one at once.
    pub fn new(store: Arc<dyn ImageStore>, locks: PathBuf, say: Say) -> Self {
        Self {
            store,
            locks,
            say,
            silent: Mutex::default(),
        }
    }

    /// Makes an image available and says which one it is. Never uses another one than the reference
    /// names without saying so in the fact.
    ///
    /// # Errors
    /// When it can neither be found nor pulled nor built.
    pub async fn resolve(&self, reference: &str) -> Result<ImageFact, ImageError> {
        let recipe = standing_in(reference);
        let ours = recipe.is_some_and(|recipe| recipe.image == reference);
        if !ours && let Some(info) = self.store.find(reference).await? {
            return Ok(fact(reference, reference, &info, Origin::Present));
        }
        if let Some(recipe) = recipe
            && let State::Built(info) = self.state(recipe).await?
        {
            return Ok(fact(reference, recipe.image, &info, Origin::Built));
        }
        let cause = match self.pull(reference).await {
            Ok(info) => return Ok(fact(reference, reference, &info, Origin::Pulled)),
            Err(cause) => cause,
        };
        match recipe {
            Some(recipe) => {
                let info = self.build(recipe).await?;
                Ok(fact(reference, recipe.image, &info, Origin::Built))
            }
            None => Err(ImageError::Unobtainable {
                reference: reference.to_owned(),
                cause,
            }),
        }
    }

    /// Resolves several references, for instance ahead of drills; the answers are in the same order.
    pub async fn ensure_all(
        &self,
        references: &[String],
    ) -> Vec<(String, Result<ImageFact, ImageError>)> {
        let resolved = references
            .iter()
            .map(|reference| async { (reference.clone(), self.resolve(reference).await) });
        stream::iter(resolved).buffered(AT_ONCE).collect().await
    }

    /// Every recipe with the state of its image.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn listing(&self) -> Result<Vec<Listed>, ImageError> {
        let mut listing = Vec::new();
        for recipe in RECIPES {
            let state = self.state(recipe).await?;
            listing.push(Listed { recipe, state });
        }
        Ok(listing)
    }

    async fn state(&self, recipe: &Recipe) -> Result<State, ImageError> {
        let Some(info) = self.store.find(recipe.image).await? else {
            return Ok(State::Missing);
        };
        let label = info.labels.iter().find(|(key, _)| key == DIGEST_LABEL);
        // Without the label it was built by hand, on purpose.
        Ok(match label {
            Some((_, digest)) if *digest != recipe.digest() => State::Outdated(info),
            _ => State::Built(info),
        })
    }

    /// Pulls, unless the registry was silent before in this run.
    async fn pull(&self, reference: &str) -> Result<ImageInfo, String> {
        if reference.starts_with(OURS) {
            return Err("no registry has it".into());
        }
        let registry = registry(reference).to_owned();
        let silent = || self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        if silent().contains(&registry) {
            return Err("its registry did not answer before".into());
        }
        (self.say)(format!("pulling {reference}"));
        match self.store.pull(reference, FIRST, PULL).await {
            Ok(()) => match self.store.find(reference).await {
                Ok(Some(info)) => Ok(info),
                Ok(None) => Err("the engine does not have it after the pull".into()),
                Err(error) => Err(error.to_string()),
            },
            Err(error) => {
                if is_silence(&error) {
                    silent().insert(registry);
                }
                Err(cause(error))
            }
        }
    }

    /// Builds a recipe's image, or takes the one that another run built meanwhile.
    async fn build(&self, recipe: &'static Recipe) -> Result<ImageInfo, ImageError> {
        let base = match recipe.base {
            Base::Debian => self.base(recipe).await?,
            Base::Image(reference) => Box::pin(self.resolve(reference)).await?.used,
        };
        let _lock = self.lock(recipe).await?;
        if let State::Built(info) = self.state(recipe).await? {
            return Ok(info);
        }
        (self.say)(format!(
            "building {} on {base}; this takes a few minutes",
            recipe.image
        ));
        let mut context = vec![
            file("Dockerfile", recipe.dockerfile.as_bytes().to_vec()),
            file(certificates::NAME, certificates::trusted()),
        ];
        let beside = recipe.beside().iter();
        context.extend(beside.map(|(name, text)| file(name, text.as_bytes().to_vec())));
        let spec = BuildSpec {
            tag: recipe.image.to_owned(),
            context,
            arguments: vec![("BASE".into(), base)],
            labels: vec![(DIGEST_LABEL.into(), recipe.digest())],
        };
        self.store.build(&spec, BUILD).await?;
        match self.state(recipe).await? {
            State::Built(info) | State::Outdated(info) => Ok(info),
            State::Missing => Err(ImageError::Engine(RuntimeError::Failed {
                action: "build",
                node: recipe.image.to_owned(),
                cause: "the engine does not have it after the build".into(),
            })),
        }
    }

    /// The Debian system to build on.
    async fn base(&self, recipe: &Recipe) -> Result<String, ImageError> {
        if self.store.find(DEBIAN).await?.is_some() || self.pull(DEBIAN).await.is_ok() {
            return Ok(DEBIAN.to_owned());
        }
        match self.store.find(BASE).await? {
            Some(_) => Ok(BASE.to_owned()),
            None => Err(ImageError::NoBase(recipe.image.to_owned())),
        }
    }

    /// Waits for the lock of a recipe's build; it is given up when the file is closed.
    async fn lock(&self, recipe: &Recipe) -> Result<File, ImageError> {
        let failed = |cause: String| ImageError::Lock {
            image: recipe.image.to_owned(),
            cause,
        };
        let path = self.locks.join(format!("build-{}.lock", recipe.name));
        let open = || {
            fs::create_dir_all(&self.locks)?;
            File::options().create(true).append(true).open(&path)
        };
        let file = open().map_err(|error: io::Error| failed(error.to_string()))?;
        let wait = async {
            loop {
                match file.try_lock() {
                    Ok(()) => return Ok(()),
                    Err(TryLockError::WouldBlock) => sleep(LOCK_EVERY).await,
                    Err(TryLockError::Error(error)) => return Err(failed(error.to_string())),
                }
            }
        };
        match timeout(BUILD, wait).await {
            Ok(locked) => locked.map(|()| file),
            Err(_) => Err(failed(format!("another run kept it for {BUILD:?}"))),
        }
    }
}

fn file(path: &str, bytes: Vec<u8>) -> NodeFile {
    NodeFile {
        path: path.into(),
        mode: 0o644,
        bytes,
    }
}

fn fact(reference: &str, used: &str, info: &ImageInfo, origin: Origin) -> ImageFact {
    let digest = info
        .repo_digest
        .as_deref()
        .and_then(|name| name.split_once('@'));
    ImageFact {
        reference: reference.to_owned(),
        used: used.to_owned(),
        digest: digest.map_or_else(|| info.id.clone(), |(_, digest)| digest.to_owned()),
        origin,
    }
}

/// The part of a reference that names its registry; empty for the usual one.
fn registry(reference: &str) -> &str {
    match reference.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "",
    }
}

fn cause(error: RuntimeError) -> String {
    match error {
        RuntimeError::Failed { cause, .. } | RuntimeError::Unreached { cause, .. } => cause,
        other => other.to_string(),
    }
}

/// Whether a pull failed because the registry cannot be reached, not because it lacks the image.
fn is_silence(error: &RuntimeError) -> bool {
    let words = [
        "dial tcp",
        "no such host",
        "connection refused",
        "network is unreachable",
        "timeout",
        "x509",
        "server misbehaving",
    ];
    match error {
        RuntimeError::Deadline { .. } => true,
        RuntimeError::Failed { cause, .. } => {
            let cause = cause.to_lowercase();
            words.iter().any(|word| cause.contains(word))
        }
        RuntimeError::Unavailable(_)
        | RuntimeError::Unreached { .. }
        | RuntimeError::OtherEngine { .. }
        | RuntimeError::Unsupported(_) => false,
    }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
