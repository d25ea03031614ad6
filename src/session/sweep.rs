//! What dead runs left, removed: whoever was killed while a drill ran leaves it to the next one.

use crate::{
    evidence::Register,
    runtime::{
        ProcessSweeper,
        docker::DockerSweeper,
        journal::Header,
        sweep::{Scope, SweepReport, Sweeper, sweep},
    },
};

use super::Host;

impl Host {
    /// Removes what these runs left, and closes them in their registers.
    ///
    /// # Errors
    /// When the folder of journals cannot be read.
    pub async fn sweep(&self, scope: &Scope) -> std::io::Result<SweepReport> {
        let docker = DockerSweeper::new(self.docker_host.clone());
        let sweepers: [&dyn Sweeper; 2] = [&docker, &ProcessSweeper::new(&self.state)];
        sweep(&self.state, &sweepers, scope, &close).await
    }
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
