//! Which programs that a start script needs an image lacks, found out before a node is created.

use std::time::Duration;

use crate::{
    id::RunId,
    runtime::{ImageStore, RuntimeError},
};

/// How long looking may take.
const LOOK: Duration = Duration::from_secs(20);
/// Prints those of its arguments that are no programs.
const SCRIPT: &str =
    r#"for program; do command -v "$program" >/dev/null 2>&1 || echo "$program"; done"#;

/// What an image offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preflight {
    /// It has a shell; these programs are missing.
    Missing(Vec<String>),
    /// It has no shell, so no start script can run in it: give the program itself as entrypoint.
    NoShell,
}

/// Looks for programs in an image by a throw-away container.
///
/// # Errors
/// When the engine fails or takes too long.
pub async fn preflight(
    store: &dyn ImageStore,
    run: &RunId,
    image: &str,
    programs: &[&str],
) -> Result<Preflight, RuntimeError> {
    let argv = [&["sh", "-c", SCRIPT, "sh"], programs].concat();
    let said = store.run_once(run, image, &argv, LOOK).await?;
    match said.code {
        0 => Ok(Preflight::Missing(
            said.stdout.lines().map(str::to_owned).collect(),
        )),
        126 | 127 => Ok(Preflight::NoShell),
        code => Err(RuntimeError::Failed {
            action: "look for programs in",
            node: image.to_owned(),
            cause: format!("exit code {code}: {}", said.stderr.trim()),
        }),
    }
}
