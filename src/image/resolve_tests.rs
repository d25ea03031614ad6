//! Tests of image resolution on an engine held in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::*;
use crate::{id::RunId, runtime::ExecOutput};

/// An engine's images in memory, and a registry that holds some or does not answer.
#[derive(Default)]
struct Fake {
    images: Mutex<BTreeMap<String, ImageInfo>>,
    registry: Option<Vec<&'static str>>,
    pulls: Mutex<Vec<String>>,
    builds: Mutex<Vec<BuildSpec>>,
}

fn info(name: &str) -> ImageInfo {
    ImageInfo {
        id: format!("sha256:{name}"),
        repo_digest: None,
        size: 1,
        labels: Vec::new(),
    }
}

#[async_trait]
impl ImageStore for Fake {
    async fn find(&self, reference: &str) -> Result<Option<ImageInfo>, RuntimeError> {
        Ok(self.images.lock().unwrap().get(reference).cloned())
    }

    async fn pull(&self, reference: &str, _: Duration, _: Duration) -> Result<(), RuntimeError> {
        self.pulls.lock().unwrap().push(reference.to_owned());
        let failed = |cause: &str| RuntimeError::Failed {
            action: "pull",
            node: reference.to_owned(),
            cause: cause.to_owned(),
        };
        match &self.registry {
            None => Err(failed("dial tcp: lookup: no such host")),
            Some(names) if !names.contains(&reference) => Err(failed("manifest unknown")),
            Some(_) => {
                let image = ImageInfo {
                    repo_digest: Some(format!("{reference}@sha256:pulled")),
                    ..info(reference)
                };
                self.images
                    .lock()
                    .unwrap()
                    .insert(reference.to_owned(), image);
                Ok(())
            }
        }
    }

    async fn build(&self, spec: &BuildSpec, _: Duration) -> Result<(), RuntimeError> {
        let image = ImageInfo {
            labels: spec.labels.clone(),
            ..info(&spec.tag)
        };
        self.images.lock().unwrap().insert(spec.tag.clone(), image);
        self.builds.lock().unwrap().push(spec.clone());
        Ok(())
    }

    async fn run_once(
        &self,
        _: &RunId,
        image: &str,
        _: &[&str],
        _: Duration,
    ) -> Result<ExecOutput, RuntimeError> {
        Err(RuntimeError::Unsupported(image.to_owned()))
    }
}

struct Bench {
    fake: Arc<Fake>,
    resolver: Resolver,
    _locks: tempfile::TempDir,
}

fn bench(present: &[&str], registry: Option<Vec<&'static str>>) -> Bench {
    let images = present
        .iter()
        .map(|&name| (name.to_owned(), info(name)))
        .collect();
    let fake = Arc::new(Fake {
        images: Mutex::new(images),
        registry,
        ..Fake::default()
    });
    let locks = tempfile::tempdir().unwrap();
    let store = Arc::<Fake>::clone(&fake);
    let resolver = Resolver::new(store, locks.path().join("deep"), Arc::new(|_| {}));
    Bench {
        fake,
        resolver,
        _locks: locks,
    }
}

async fn check(bench: &Bench, reference: &str, used: &str, digest: &str, origin: Origin) {
    let wanted = ImageFact {
        reference: reference.into(),
        used: used.into(),
        digest: digest.into(),
        origin,
    };
    assert_eq!(bench.resolver.resolve(reference).await, Ok(wanted));
}

#[tokio::test]
async fn the_order_is_present_stand_in_pulled_built() {
    let present = bench(&["redis:8", "drdrill.local/redis:8"], None);
    check(
        &present,
        "redis:8",
        "redis:8",
        "sha256:redis:8",
        Origin::Present,
    )
    .await;

    let ours = "drdrill.local/redis:8";
    let stand_in = bench(&[ours], Some(vec!["redis:8"]));
    check(
        &stand_in,
        "redis:8",
        ours,
        "sha256:drdrill.local/redis:8",
        Origin::Built,
    )
    .await;
    assert!(stand_in.fake.pulls.lock().unwrap().is_empty());

    let pulled = bench(&[], Some(vec!["redis:8"]));
    check(
        &pulled,
        "redis:8",
        "redis:8",
        "sha256:pulled",
        Origin::Pulled,
    )
    .await;

    let built = bench(&[BASE], None);
    check(
        &built,
        "redis:8",
        ours,
        "sha256:drdrill.local/redis:8",
        Origin::Built,
    )
    .await;
    let spec = built.fake.builds.lock().unwrap()[0].clone();
    assert_eq!(spec.arguments, [("BASE".to_owned(), BASE.to_owned())]);
}

#[tokio::test]
async fn a_recipe_may_build_on_what_another_reference_resolves_to() {
    let bench = bench(&[], Some(vec!["postgres:17"]));
    let ours = "drdrill.local/patroni:17";
    check(
        &bench,
        ours,
        ours,
        "sha256:drdrill.local/patroni:17",
        Origin::Built,
    )
    .await;
    assert_eq!(*bench.fake.pulls.lock().unwrap(), ["postgres:17"]);
    let spec = bench.fake.builds.lock().unwrap()[0].clone();
    assert_eq!(spec.arguments[0].1, "postgres:17");
}

#[tokio::test]
async fn a_silent_registry_is_asked_once_per_run() {
    let bench = bench(&[BASE], None);
    for reference in ["redis:8", "postgres:17", "haproxy:3.0"] {
        bench.resolver.resolve(reference).await.unwrap();
    }
    assert_eq!(*bench.fake.pulls.lock().unwrap(), ["redis:8"]);
}

#[tokio::test]
async fn what_nothing_stands_in_for_is_an_error_and_a_missing_base_says_the_way_out() {
    let bench = bench(&[BASE, "drdrill.local/redis:8"], Some(Vec::new()));
    let error = bench.resolver.resolve("redis:7").await.unwrap_err();
    assert!(
        matches!(&error, ImageError::Unobtainable { cause, .. } if cause == "manifest unknown")
    );
    let bare = super::tests::bench(&[], None);
    let error = bare.resolver.resolve("redis:8").await.unwrap_err();
    assert!(error.to_string().contains("scripts/setup.sh"), "{error}");
}

#[tokio::test]
async fn an_image_of_another_version_of_the_recipe_is_built_anew() {
    let ours = "drdrill.local/redis:8";
    let bench = bench(&[BASE], None);
    let old = ImageInfo {
        labels: vec![(DIGEST_LABEL.into(), "old".into())],
        ..info("old")
    };
    bench.fake.images.lock().unwrap().insert(ours.into(), old);
    let listing = bench.resolver.listing().await.unwrap();
    let state = |name| {
        listing
            .iter()
            .find(|l| l.recipe.name == name)
            .map(|l| l.state.clone())
    };
    assert!(matches!(state("redis"), Some(State::Outdated(_))));
    assert_eq!(state("etcd"), Some(State::Missing));
    check(
        &bench,
        ours,
        ours,
        "sha256:drdrill.local/redis:8",
        Origin::Built,
    )
    .await;
}

#[tokio::test]
async fn two_runs_that_need_the_same_build_do_it_once() {
    let bench = bench(&[BASE], None);
    let (one, two) = tokio::join!(
        bench.resolver.resolve("redis:8"),
        bench.resolver.resolve("redis:8.0")
    );
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(bench.fake.builds.lock().unwrap().len(), 1);
}
