//! Images resolved, looked into and judged, on a real engine.

use std::{sync::Arc, time::Duration};

use drdrill::{
    image::{Preflight, Resolver, SIDECAR, doctor, preflight},
    record::Origin,
    runtime::{BuildSpec, ImageStore, NodeFile, docker::Engine},
};

use crate::docker_rig::{IMAGE, fresh_run};

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn references_resolve_programs_are_found_and_the_machine_is_judged() {
    let engine = Engine::connect(None).await.unwrap();
    let locks = tempfile::tempdir().unwrap();
    let resolver = Resolver::new(
        Arc::new(engine.clone()),
        locks.path().into(),
        Arc::new(|_| {}),
    );

    let sidecar = resolver.resolve(SIDECAR).await.unwrap();
    assert_eq!(
        (sidecar.used.as_str(), sidecar.origin),
        (SIDECAR, Origin::Built)
    );
    assert!(sidecar.digest.starts_with("sha256:"));
    let unknown = resolver
        .resolve("drdrill.local/nothing:1")
        .await
        .unwrap_err();
    assert!(unknown.to_string().contains("drdrill images"), "{unknown}");

    let programs = ["redis-server", "setpriv", "gosu"];
    let lacks = preflight(&engine, &fresh_run(), IMAGE, &programs)
        .await
        .unwrap();
    assert_eq!(lacks, Preflight::Missing(vec!["gosu".into()]));

    let checks = doctor::examine(None, &resolver, &fresh_run()).await;
    for check in &checks {
        println!("{check:?}");
    }
    let filter = checks
        .iter()
        .find(|check| check.name == "packet filter")
        .unwrap();
    assert_eq!(filter.fitness, doctor::Fitness::Good);
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn images_are_built_with_arguments_and_labels_and_a_failed_build_shows_its_last_lines() {
    let engine = Engine::connect(None).await.unwrap();
    let tag = format!("drdrill.local/test:{}", fresh_run().tail());
    let spec = |recipe: &str| BuildSpec {
        tag: tag.clone(),
        context: vec![NodeFile {
            path: "Dockerfile".into(),
            mode: 0o644,
            bytes: format!("ARG BASE\nFROM ${{BASE}}\nRUN {recipe}\n").into_bytes(),
        }],
        arguments: vec![("BASE".into(), IMAGE.into())],
        labels: vec![("drdrill.test".into(), tag.clone())],
    };
    let limit = Duration::from_secs(60);
    let error = engine
        .build(&spec("echo why it failed; exit 9"), limit)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("why it failed"), "{error}");
    engine.build(&spec("true"), limit).await.unwrap();
    let built = engine.find(&tag).await.unwrap().unwrap();
    assert!(built.labels.contains(&("drdrill.test".into(), tag.clone())));
    engine.remove_image(&tag).await.unwrap();
    assert_eq!(engine.find(&tag).await.unwrap(), None);
}
