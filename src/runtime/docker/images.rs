//! The engine's images: find, pull, build by the classic builder, run once.

use std::time::Duration;

use async_trait::async_trait;
use bollard::{
    errors::Error,
    models::ContainerCreateBody,
    query_parameters::{
        BuildImageOptionsBuilder, CreateImageOptionsBuilder, LogsOptionsBuilder,
        RemoveContainerOptionsBuilder, StartContainerOptions, WaitContainerOptionsBuilder,
    },
};
use futures_util::{Stream, StreamExt};
use tokio::time::timeout;

use crate::{
    id::RunId,
    runtime::{BuildSpec, ExecOutput, ImageInfo, ImageStore, Owner, RuntimeError},
};

use super::{
    container, disk,
    engine::{ACT, ASK, Engine, REMOVE, failed, status, within},
    exec::{Written, too_much},
    removal,
};

/// How many lines of a build's output are kept for its error.
const BUILD_TAIL: usize = 12;
/// How long the trial of a file system may take.
const TRIAL: Duration = Duration::from_secs(20);

#[async_trait]
impl ImageStore for Engine {
    async fn find(&self, reference: &str) -> Result<Option<ImageInfo>, RuntimeError> {
        let ask = async {
            match self.docker.inspect_image(reference).await {
                Ok(found) => Ok(Some(found)),
                Err(error) if status(&error) == Some(404) => Ok(None),
                Err(error) => Err(error),
            }
        };
        let found = within("look up image", reference, ASK, ask).await?;
        Ok(found.map(|image| {
            let digests = image.repo_digests.unwrap_or_default();
            let labels = image
                .config
                .and_then(|config| config.labels)
                .unwrap_or_default();
            ImageInfo {
                id: image.id.unwrap_or_default(),
                repo_digest: digests.into_iter().next(),
                size: image
                    .size
                    .and_then(|size| u64::try_from(size).ok())
                    .unwrap_or(0),
                labels: labels.into_iter().collect(),
            }
        }))
    }

    async fn pull(
        &self,
        reference: &str,
        first: Duration,
        limit: Duration,
    ) -> Result<(), RuntimeError> {
        let (name, tag) = split(reference);
        let options = CreateImageOptionsBuilder::new()
            .from_image(name)
            .tag(tag)
            .build();
        let stream = self.docker.create_image(Some(options), None, None);
        let pull = drain(Box::pin(stream), first, |piece| {
            piece.error_detail.and_then(|detail| detail.message)
        });
        match timeout(limit, pull).await {
            Ok(Some(Ok(()))) => Ok(()),
            Ok(Some(Err(error))) => Err(failed("pull", reference, &error)),
            Ok(None) => Err(late("pull", reference, first)),
            Err(_) => Err(late("pull", reference, limit)),
        }
    }

    async fn build(&self, spec: &BuildSpec, limit: Duration) -> Result<(), RuntimeError> {
        let context = container::pack(&spec.context).map_err(|error| RuntimeError::Failed {
            action: "pack the recipe of",
            node: spec.tag.clone(),
            cause: error.to_string(),
        })?;
        let options = BuildImageOptionsBuilder::new()
            .dockerfile("Dockerfile")
            .t(&spec.tag)
            .rm(true)
            .forcerm(true)
            .buildargs(&spec.arguments.iter().cloned().collect())
            .labels(&spec.labels.iter().cloned().collect())
            .build();
        let body = bollard::body_full(context.into());
        let mut stream = self.docker.build_image(options, None, Some(body));
        let mut tail = Vec::new();
        let build = async {
            while let Some(piece) = stream.next().await {
                let piece = piece?;
                let lines = piece.stream.as_deref().unwrap_or_default().lines();
                tail.extend(
                    lines
                        .filter(|line| !line.trim().is_empty())
                        .map(str::to_owned),
                );
                tail.drain(..tail.len().saturating_sub(BUILD_TAIL));
                if let Some(error) = piece.error_detail.and_then(|detail| detail.message) {
                    return Err(Error::DockerStreamError { error });
                }
            }
            Ok(())
        };
        let built = within("build", &spec.tag, limit, build).await;
        built.map_err(|error| match error {
            RuntimeError::Failed {
                action,
                node,
                cause,
            } => RuntimeError::Failed {
                action,
                node,
                cause: format!("{cause}\n{}", tail.join("\n")),
            },
            RuntimeError::Unreached {
                action,
                node,
                cause,
            } => RuntimeError::Unreached {
                action,
                node,
                cause: format!("{cause}\n{}", tail.join("\n")),
            },
            other => other,
        })
    }

    async fn run_once(
        &self,
        run: &RunId,
        image: &str,
        argv: &[&str],
        limit: Duration,
    ) -> Result<ExecOutput, RuntimeError> {
        let labels = removal::labels(run, &Owner::current());
        let body = container::once(image, argv, &labels);
        self.run_body(body, image, limit).await
    }
}

impl Engine {
    /// Shows in a throw-away container of the sidecar's image whether file systems of ours can be mounted; why not, else.
    ///
    /// # Errors
    /// When the engine cannot make a container at all.
    pub async fn try_disks(
        &self,
        run: &RunId,
        image: &str,
    ) -> Result<Result<(), String>, RuntimeError> {
        let labels = removal::labels(run, &Owner::current());
        let body = disk::trial(image, &labels);
        Ok(match self.run_body(body, image, TRIAL).await {
            Ok(said) if said.stdout.trim() == "mounted" => Ok(()),
            Ok(said) => {
                let lines = said.stdout.lines().chain(said.stderr.lines());
                Err(lines.last().unwrap_or("it said nothing").to_owned())
            }
            // The engine refuses a container with a device that the machine does not have.
            Err(RuntimeError::Failed { cause, .. }) => Err(cause),
            Err(error) => return Err(error),
        })
    }

    /// Runs the body's program to its end, and removes its container.
    pub(super) async fn run_body(
        &self,
        body: ContainerCreateBody,
        image: &str,
        limit: Duration,
    ) -> Result<ExecOutput, RuntimeError> {
        let (docker, of) = (self.docker.clone(), image.to_owned());
        let call = async move {
            let options = None::<bollard::query_parameters::CreateContainerOptions>;
            let call = docker.create_container(options, body);
            within("create a container of", of, ACT, call).await
        };
        let id = self.make(call).await?.id;
        let output = self.finish_once(&id, image, limit).await;
        let options = RemoveContainerOptionsBuilder::new()
            .force(true)
            .v(true)
            .build();
        let call = self.docker.remove_container(&id, Some(options));
        within("remove the container of", image, REMOVE, call).await?;
        output
    }

    /// Removes an image that no container uses.
    ///
    /// # Errors
    /// When it is used or the engine fails.
    pub async fn remove_image(&self, reference: &str) -> Result<(), RuntimeError> {
        let call = self.docker.remove_image(
            reference,
            None::<bollard::query_parameters::RemoveImageOptions>,
            None,
        );
        within("remove image", reference, REMOVE, call)
            .await
            .map(|_| ())
    }

    async fn finish_once(
        &self,
        id: &str,
        image: &str,
        limit: Duration,
    ) -> Result<ExecOutput, RuntimeError> {
        let call = self
            .docker
            .start_container(id, None::<StartContainerOptions>);
        match within("start a container of", image, ACT, call).await {
            Ok(()) => {}
            Err(RuntimeError::Failed { cause, .. }) if is_no_program(&cause) => {
                return Ok(ExecOutput {
                    code: 127,
                    stdout: String::new(),
                    stderr: cause,
                });
            }
            Err(error) => return Err(error),
        }
        let options = WaitContainerOptionsBuilder::new()
            .condition("not-running")
            .build();
        let mut ends = self.docker.wait_container(id, Some(options));
        let wait = async {
            match ends.next().await {
                Some(Ok(end)) => Ok(end.status_code),
                Some(Err(Error::DockerContainerWaitError { code, .. })) => Ok(code),
                Some(Err(error)) => Err(error),
                None => Ok(0),
            }
        };
        let code = within("wait for a container of", image, limit, wait).await?;
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).build();
        let mut stream = self.docker.logs(id, Some(options));
        let collect = async {
            let mut written = Written::default();
            while let Some(piece) = stream.next().await {
                if !written.keeps(piece?) {
                    return Ok(None);
                }
            }
            Ok(Some(written))
        };
        let written = within("read the output of", image, ASK, collect).await?;
        let written = written.ok_or_else(|| too_much("read the output of", image))?;
        Ok(written.of(code))
    }
}

/// Reads a progress stream to its end; none when its first piece does not come within `first`.
async fn drain<T>(
    mut stream: impl Stream<Item = Result<T, Error>> + Unpin,
    first: Duration,
    error_of: impl Fn(T) -> Option<String>,
) -> Option<Result<(), Error>> {
    let mut next = timeout(first, stream.next()).await.ok()?;
    while let Some(piece) = next {
        match piece {
            Ok(piece) => {
                if let Some(error) = error_of(piece) {
                    return Some(Err(Error::DockerStreamError { error }));
                }
            }
            Err(error) => return Some(Err(error)),
        }
        next = stream.next().await;
    }
    Some(Ok(()))
}

fn late(action: &'static str, thing: &str, limit: Duration) -> RuntimeError {
    RuntimeError::Deadline {
        action,
        node: thing.to_owned(),
        limit,
    }
}

/// Whether a start failed because the image has no such program.
fn is_no_program(cause: &str) -> bool {
    cause.contains("executable file not found") || cause.contains("no such file or directory")
}

/// Splits a reference into name and tag or digest; `latest` when it names neither.
fn split(reference: &str) -> (&str, &str) {
    if let Some((name, digest)) = reference.split_once('@') {
        return (name, digest);
    }
    match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (reference, "latest"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_split_at_the_tag_and_not_at_a_port() {
        assert_eq!(split("redis:8"), ("redis", "8"));
        assert_eq!(split("host:5000/redis"), ("host:5000/redis", "latest"));
        assert_eq!(split("a/b@sha256:cd"), ("a/b", "sha256:cd"));
    }
}
