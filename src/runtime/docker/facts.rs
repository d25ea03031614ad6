//! What is told about the engine in the report.

use std::{fs, os::unix::fs::MetadataExt};

use bollard::models::SystemInfo;

use crate::runtime::RuntimeError;

use super::engine::{ASK, Engine, within};

/// Facts by name: engine, API, kernel, cores, memory, storage, operating system, cgroup.
pub(super) async fn facts(engine: &Engine) -> Result<Vec<(String, String)>, RuntimeError> {
    let info = info(engine).await?;
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".into());
    let memory = info.mem_total.map(|bytes| format!("{} MiB", bytes >> 20));
    let facts = [
        ("engine", text(&info.server_version)),
        ("engine API", engine.api()),
        ("kernel", text(&info.kernel_version)),
        ("operating system", text(&info.operating_system)),
        ("architecture", text(&info.architecture)),
        ("cores", text(&info.ncpu.map(|cores| cores.to_string()))),
        ("memory", text(&memory)),
        ("storage driver", text(&info.driver)),
        (
            "cgroup version",
            text(&info.cgroup_version.map(|version| version.to_string())),
        ),
    ];
    Ok(facts.map(|(name, value)| (name.to_owned(), value)).into())
}

/// The engine's own account of itself.
pub(super) async fn info(engine: &Engine) -> Result<SystemInfo, RuntimeError> {
    within(
        "ask for facts about",
        "the engine",
        ASK,
        engine.docker.info(),
    )
    .await
}

impl Engine {
    /// Facts by name: engine, API, kernel, cores, memory, storage, operating system, cgroup.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn facts(&self) -> Result<Vec<(String, String)>, RuntimeError> {
        facts(self).await
    }

    /// Whether containers' processes are likely in sight and may be signalled: the engine runs on
    /// this kernel, and we as root. Each signal still verifies that for its own process.
    pub async fn shows_processes(&self) -> bool {
        let ours = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        let here = self.host().is_none_or(|host| host.starts_with("unix://"));
        let theirs = info(self).await.ok().and_then(|info| info.kernel_version);
        root && here && theirs.is_some_and(|kernel| kernel == ours.trim())
    }

    /// Where the engine keeps its data, if it says so.
    pub async fn data_folder(&self) -> Option<String> {
        info(self).await.ok().and_then(|info| info.docker_root_dir)
    }
}
