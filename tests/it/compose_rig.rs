//! Compose projects of the examples, as people bring them up.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::docker_rig::IMAGE;

/// Images that `Project::built` builds by the examples' recipes.
pub const NATS: &str = "drdrill.local/test-nats:2";
pub const RABBITMQ: &str = "drdrill.local/test-rabbitmq:4";
pub const PASSWORD: &str = "planted-sesame-4711";

/// A Compose project that runs; it goes down when this is dropped.
pub struct Project {
    pub name: String,
    pub folder: PathBuf,
}

impl Project {
    /// The project of an example's file.
    pub fn of(example: &str, name: &str) -> Self {
        let project = Self {
            name: format!("{name}{}", std::process::id()),
            folder: Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("examples")
                .join(example),
        };
        let up = project.compose(&["up", "-d"]);
        assert!(up.0, "{}", up.1);
        project
    }

    /// The same, of an image that the example has a recipe for.
    pub fn built(example: &str, image: &str, name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples")
            .join(example);
        let base = "BASE=drdrill.local/base:trixie";
        let mut build = Command::new("docker");
        let build = build
            .args(["build", "-q", "--build-arg", base, "-t", image])
            .arg(folder);
        let built = build.output().expect("docker");
        assert!(
            built.status.success(),
            "{}",
            String::from_utf8_lossy(&built.stderr)
        );
        Self::of(example, name)
    }

    /// By Compose's plugin where there is one, else by the program of old.
    pub fn compose(&self, arguments: &[&str]) -> (bool, String) {
        let file = self.folder.join("compose.yaml");
        let plugin = Command::new("docker").args(["compose", "version"]).output();
        let plugin = plugin.is_ok_and(|output| output.status.success());
        let mut command = match plugin {
            true => {
                let mut command = Command::new("docker");
                command.arg("compose");
                command
            }
            false => Command::new("docker-compose"),
        };
        let command = command
            .arg("-f")
            .arg(file)
            .args(["-p", &self.name])
            .args(arguments);
        let command = command
            .env("REDIS_IMAGE", IMAGE)
            .env("NATS_IMAGE", NATS)
            .env("RABBITMQ_IMAGE", RABBITMQ)
            .env("REDIS_PASSWORD", PASSWORD)
            .env("RABBITMQ_PASSWORD", PASSWORD);
        let output = command
            .output()
            .expect("Docker Compose, which scripts/setup.sh installs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), said)
    }

    pub fn container(&self, service: &str) -> String {
        let project = format!("label=com.docker.compose.project={}", self.name);
        let service = format!("label=com.docker.compose.service={service}");
        let found = docker(&[
            "ps",
            "-aq",
            "--no-trunc",
            "--filter",
            &project,
            "--filter",
            &service,
        ]);
        found.trim().to_owned()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        self.compose(&["down", "-v", "-t", "0"]);
    }
}

/// What `docker` says.
pub fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker")
        .args(arguments)
        .output()
        .expect("docker");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
