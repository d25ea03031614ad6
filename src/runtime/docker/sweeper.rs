//! Sweeps what dead runs left in an engine.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::{
    id::RunId,
    runtime::{
        RuntimeError, RuntimeKind,
        journal::Entries,
        sweep::{Found, Left, Sweeper, names_labelled},
    },
};

use super::{Engine, removal};

/// Sweeps runs in the engine at an address, and those that journals place in another one.
#[derive(Debug, Clone)]
pub struct DockerSweeper {
    host: Option<String>,
}

impl DockerSweeper {
    /// Looks for runs in the engine at `host`, or at the usual sockets.
    pub fn new(host: Option<String>) -> Self {
        Self { host }
    }

    /// The engine that the journal names, else ours.
    async fn engine(&self, journal: Option<&Entries>) -> Result<Engine, RuntimeError> {
        match journal {
            Some(entries) => {
                let engine = Engine::connect(entries.header.docker_host.as_deref()).await?;
                engine.is_still(entries.engine.as_deref()).await?;
                Ok(engine)
            }
            None => Engine::connect(self.host.as_deref()).await,
        }
    }
}

#[async_trait]
impl Sweeper for DockerSweeper {
    fn kind(&self) -> RuntimeKind {
        RuntimeKind::Docker
    }

    async fn found(&self) -> Result<Vec<Found>, RuntimeError> {
        let engine = self.engine(None).await?;
        let mut runs: BTreeMap<RunId, Found> = BTreeMap::new();
        for (run, owner, active) in removal::owners(&engine).await? {
            let found = runs.entry(run.clone()).or_insert(Found {
                run,
                owner: None,
                active: false,
            });
            found.owner = found.owner.take().or(owner);
            found.active |= active;
        }
        Ok(runs.into_values().collect())
    }

    /// Removing a container undoes its freezing and the filters in its network namespace as well.
    async fn undo(&self, run: &RunId, journal: Option<&Entries>) -> (u32, Vec<String>) {
        if !names_labelled(journal) {
            return (0, Vec::new());
        }
        match self.engine(journal).await {
            Ok(engine) => removal::remove_run(&engine, run).await,
            Err(error) => (0, vec![error.to_string()]),
        }
    }

    async fn residue(&self, run: &RunId, journal: Option<&Entries>) -> Left {
        if !names_labelled(journal) {
            return Ok(Vec::new());
        }
        removal::residue(&self.engine(journal).await?, run).await
    }
}
