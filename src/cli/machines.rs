//! What this machine can do.

use std::sync::Arc;

use drdrill::{
    id::RunId,
    image::{
        Resolver,
        doctor::{self, Check},
    },
    local,
    runtime::docker::Engine,
};

/// What this machine can do.
pub async fn examine() -> Vec<Check> {
    let host = local::docker_host();
    let run = RunId::new("doctor000000000", std::process::id());
    // Without a folder of its own, nothing is built here that a lock would guard.
    let locks = local::state_folder().unwrap_or_default().join("locks");
    match Engine::connect(host.as_deref()).await {
        Ok(engine) => {
            let resolver = Resolver::new(Arc::new(engine), locks, Arc::new(|_| {}));
            doctor::examine(host.as_deref(), &resolver, &run).await
        }
        Err(error) => vec![doctor::no_engine(&error)],
    }
}
