//! What runs a drill, as whoever starts it knows it: where journals lie, which program, which engine, which secrets.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    drill::{After, Machines, Plan, RunContext, Stop},
    evidence::Redactor,
    id::RunId,
    record::{Emitter, Harness, Residue},
    runtime::{
        Owner, RuntimeKind, halted,
        journal::{Header, Journal},
        process::ProcessRuntime,
    },
    seed::Seed,
};

use super::{
    Secrets,
    machines::{self, MachinesError, NoMachines},
};

/// What runs drills. The library reads neither arguments nor environment: this is what it is told instead.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// The folder of journals; only its owner may write to it.
    pub state: PathBuf,
    /// The program that a node of the reference store is started as, with `reference-node` as its first argument.
    pub program: PathBuf,
    /// The container engine's address, if it is not the usual one.
    pub docker_host: Option<String>,
    /// What reports say of the program and of the machine.
    pub harness: Harness,
    /// What must not reach a run folder.
    pub redactor: Redactor,
    /// How secrets are looked up that scenarios name.
    pub secrets: Secrets,
}

/// The journal could not be written, so nothing was started.
#[derive(Debug, thiserror::Error)]
#[error("failed to write the undo journal under `{folder}`: {source}")]
pub struct JournalError {
    /// The folder of journals.
    pub folder: PathBuf,
    /// Why.
    pub source: std::io::Error,
}

impl Host {
    /// A host that keeps its journals in this folder and starts nodes of the reference store as this program.
    pub fn new(state: impl Into<PathBuf>, program: impl Into<PathBuf>) -> Self {
        Self {
            state: state.into(),
            program: program.into(),
            ..Self::default()
        }
    }

    /// Opens the journal of a run, whose line in a register is in this reports folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn journal(
        &self,
        plan: &Plan,
        run: &RunId,
        reports: Option<&Path>,
    ) -> Result<Journal, JournalError> {
        let header = Header {
            run: run.clone(),
            owner: Owner::current(),
            runtime: plan.description.runtime.name().to_owned(),
            docker_host: self.docker_host.clone(),
            reports: reports.and_then(|reports| std::path::absolute(reports).ok()),
        };
        Journal::open(&self.state, &header).map_err(|source| JournalError {
            folder: self.state.clone(),
            source,
        })
    }

    /// Machines for a run, with every image there and fit for its start scripts, unless someone wishes to stop.
    ///
    /// # Errors
    /// When no engine answers, or an image cannot be had or used.
    pub(super) async fn machines(
        &self,
        plan: &Plan,
        run: &RunId,
        journal: &Journal,
        emitter: &Emitter,
        stop: &Stop,
    ) -> Result<Machines, NoMachines> {
        if let Some(why) = halted::halted(&self.state) {
            return Err(MachinesError::Halted(why).into());
        }
        match plan.description.runtime {
            RuntimeKind::Docker => {
                machines::docker((self, plan), run, journal, emitter, stop).await
            }
            RuntimeKind::Process => {
                let home = self.state.join("nodes").join(run.to_string());
                let runtime = ProcessRuntime::new(run.clone(), home, journal.clone());
                Ok(Machines {
                    runtime: Arc::new(runtime),
                    images: Vec::new(),
                    journal: journal.clone(),
                })
            }
        }
    }

    /// Machines and a journal for a drill that is observed in memory, and whose stack is removed after it. The journal is
    /// the caller's to finish.
    ///
    /// # Errors
    /// Why there are none.
    pub(crate) async fn context(
        &self,
        plan: &Plan,
        run: &RunId,
        emitter: &Emitter,
        seed: Seed,
    ) -> Result<RunContext, String> {
        let journal = self.journal(plan, run, None);
        let journal = journal.map_err(|error| error.to_string())?;
        let stop = Stop::default();
        let machines = self.machines(plan, run, &journal, emitter, &stop).await;
        let machines = machines.map_err(|none| {
            // What could not be removed stays in it for a sweep.
            let _ = journal.finish();
            none.why.to_string()
        })?;
        Ok(RunContext {
            run: run.clone(),
            machines,
            program: self.program.clone(),
            logins: self.secrets.logins(plan)?,
            emitter: emitter.clone(),
            seed,
            stratum: (0, 1),
            asides: Vec::new(),
            after: After::Remove,
            earlier: Residue::default(),
        })
    }
}
