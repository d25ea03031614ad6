//! Runs whose process died are swept, on a real engine.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use drdrill::{
    id::{NodeName, RunId},
    runtime::{
        Owner, Runtime,
        docker::DockerSweeper,
        journal::Header,
        sweep::{Scope, sweep},
    },
};

use crate::docker_rig::Rig;

fn dead() -> Owner {
    Owner {
        started: 1,
        ..Owner::current()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn a_run_whose_owner_died_is_swept_with_its_frozen_nodes() {
    let rig = Rig::owned_by(&["a", "b"], dead()).await;
    rig.up().await;
    rig.runtime.pause(&NodeName::new("a")).await.unwrap();
    assert_eq!(rig.runtime.residue().await.unwrap().len(), 5);

    let sweeper = DockerSweeper::new(None);
    let report = sweep(
        &rig.state,
        &[&sweeper],
        &Scope::Run(rig.run.clone()),
        &|_| Ok(()),
    )
    .await
    .unwrap();
    assert_eq!(
        (report.swept[0].removed, report.swept[0].failures.len()),
        (5, 0),
        "{report:?}"
    );
    assert!(rig.runtime.residue().await.unwrap().is_empty());
    assert!(!rig.journal.path().exists());
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn a_run_whose_owner_lives_is_left_alone_with_and_without_its_journal() {
    let rig = Rig::new(&["a"]).await;
    rig.up().await;
    let sweeper = DockerSweeper::new(None);
    let elsewhere = tempfile::tempdir().unwrap();
    for state in [rig.state.as_path(), elsewhere.path()] {
        let scope = Scope::Run(rig.run.clone());
        let report = sweep(state, &[&sweeper], &scope, &|_| Ok(()))
            .await
            .unwrap();
        assert_eq!(
            (report.swept.len(), report.left.len()),
            (0, 1),
            "{report:?}"
        );
    }
    assert!(!rig.runtime.residue().await.unwrap().is_empty());
    rig.down().await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn teardown_goes_on_when_its_caller_is_gone() {
    let rig = Rig::new(&["a"]).await;
    rig.up().await;
    let limit = std::time::Duration::from_millis(20);
    assert!(
        tokio::time::timeout(limit, rig.runtime.teardown())
            .await
            .is_err()
    );
    let empty = async {
        while !rig.runtime.residue().await.unwrap().is_empty() {
            tokio::time::sleep(limit).await;
        }
    };
    tokio::time::timeout(limit * 500, empty)
        .await
        .expect("nothing left in time");
}

/// Where the victim below writes its journal; without it the victim does nothing.
const VICTIM_STATE: &str = "DRDRILL_TEST_VICTIM_STATE";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by the test below, which kills it"]
async fn a_victim_waits_for_its_end() {
    let Some(state) = std::env::var_os(VICTIM_STATE) else {
        return;
    };
    let rig = Rig::within(state.into(), &["a"], Owner::current()).await;
    rig.up().await;
    println!("\nup {}", rig.run);
    std::future::pending().await
}

/// Starts the victim, kills it as soon as its node runs, and returns its run.
fn killed_run(state: &Path) -> RunId {
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "docker_sweep::a_victim_waits_for_its_end",
            "--include-ignored",
            "--nocapture",
        ])
        .env(VICTIM_STATE, state)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let run = lines.find_map(|line| RunId::parse(line.unwrap().strip_prefix("up ")?));
    victim.kill().unwrap();
    victim.wait().unwrap();
    run.expect("the victim's run")
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn a_harness_killed_in_the_middle_leaves_nothing_after_the_sweep() {
    let (state, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sweeper = DockerSweeper::new(None);
    // Once from its journal, once by the labels alone.
    for folder in [state.path(), elsewhere.path()] {
        let run = killed_run(state.path());
        let closed = AtomicU32::new(0);
        let close = |_: &Header| {
            closed.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        let report = sweep(folder, &[&sweeper], &Scope::Run(run.clone()), &close)
            .await
            .unwrap();
        assert_eq!(report.swept.len(), 1, "{report:?}");
        let swept = &report.swept[0];
        assert_eq!((swept.removed, swept.failures.len()), (3, 0), "{report:?}");
        let journalled = u32::from(folder == state.path());
        assert_eq!(
            closed.into_inner(),
            journalled,
            "a journal says which register to close"
        );
        let again = sweep(folder, &[&sweeper], &Scope::Run(run), &|_| Ok(()))
            .await
            .unwrap();
        assert_eq!(again.swept.len(), 0, "{again:?}");
    }
}
