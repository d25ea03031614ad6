//! Programs in running containers: run to their end, or held open with their input and output.

use std::{io, time::Duration};

use bollard::{
    container::LogOutput,
    exec::{CreateExecOptions, StartExecOptions, StartExecResults},
};
use futures_util::StreamExt;
use tokio::time::{sleep, timeout};
use tokio_util::io::StreamReader;

use crate::runtime::{ExecOutput, Pipe, RuntimeError, Signal};

use super::{
    engine::{ACT, ASK, Engine, failed, within},
    signal::Visible,
};

/// How often the engine is asked for an exit code that it does not know yet.
const CODE_EVERY: Duration = Duration::from_millis(5);

/// The most bytes that a program in a node may write before it is ended. What drills read there are lists, settings and what a
/// member rolled back, far below it; without a limit a broken or hostile node could fill the memory of the harness.
const OUTPUT_MOST: usize = 16 << 20;

/// What a program wrote.
#[derive(Default)]
pub(super) struct Written {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Written {
    /// Keeps a piece of output; says whether it still could, at most `OUTPUT_MOST` bytes together.
    pub(super) fn keeps(&mut self, piece: LogOutput) -> bool {
        let kept = self.stdout.len() + self.stderr.len();
        let (to, message) = match piece {
            LogOutput::StdErr { message } => (&mut self.stderr, message),
            LogOutput::StdOut { message }
            | LogOutput::Console { message }
            | LogOutput::StdIn { message } => (&mut self.stdout, message),
        };
        if message.len() > OUTPUT_MOST - kept {
            return false;
        }
        to.extend_from_slice(&message);
        true
    }

    /// As the output of a program that ended with this code.
    pub(super) fn of(self, code: i64) -> ExecOutput {
        ExecOutput {
            code,
            stdout: String::from_utf8_lossy(&self.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&self.stderr).into_owned(),
        }
    }
}

type Attached = (
    std::pin::Pin<
        Box<dyn futures_util::Stream<Item = Result<LogOutput, bollard::errors::Error>> + Send>,
    >,
    std::pin::Pin<Box<dyn tokio::io::AsyncWrite + Send>>,
);

async fn attach(
    engine: &Engine,
    container: &str,
    options: CreateExecOptions<String>,
) -> Result<(String, Attached), RuntimeError> {
    let call = engine.docker.create_exec(container, options);
    let id = within("run a program in", container, ACT, call).await?.id;
    let call = engine.docker.start_exec(&id, None::<StartExecOptions>);
    match within("run a program in", container, ACT, call).await? {
        StartExecResults::Attached { output, input } => Ok((id, (output, input))),
        StartExecResults::Detached => Err(RuntimeError::Unsupported(
            "the engine detached a program that was to stay attached".into(),
        )),
    }
}

/// Runs a program to its end. When it takes longer than `limit`, or writes more than `OUTPUT_MOST` bytes, it is killed where it
/// is visible.
pub(super) async fn run(
    engine: &Engine,
    container: &str,
    argv: &[&str],
    limit: Duration,
) -> Result<ExecOutput, RuntimeError> {
    let options = CreateExecOptions {
        cmd: Some(argv.iter().map(|&word| word.to_owned()).collect()),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..CreateExecOptions::default()
    };
    let (id, (mut output, _input)) = attach(engine, container, options).await?;
    let collect = async {
        let mut written = Written::default();
        while let Some(piece) = output.next().await {
            let piece = piece.map_err(|error| failed("run a program in", container, &error))?;
            if !written.keeps(piece) {
                return Ok(None);
            }
        }
        Ok::<Option<Written>, RuntimeError>(Some(written))
    };
    let Ok(collected) = timeout(limit, collect).await else {
        end(engine, container, &id).await;
        return Err(RuntimeError::Deadline {
            action: "run a program in",
            node: container.to_owned(),
            limit,
        });
    };
    let Some(written) = collected? else {
        end(engine, container, &id).await;
        return Err(too_much("run a program in", container));
    };
    Ok(written.of(exit_code(engine, container, &id).await?))
}

/// That a program wrote more than is kept.
pub(super) fn too_much(action: &'static str, container: &str) -> RuntimeError {
    RuntimeError::Failed {
        action,
        node: container.to_owned(),
        cause: format!("it wrote more than {} MiB", OUTPUT_MOST >> 20),
    }
}

/// The exit code, which the engine may learn a moment after the output has ended.
async fn exit_code(engine: &Engine, container: &str, id: &str) -> Result<i64, RuntimeError> {
    let ask = async {
        loop {
            let found = engine.docker.inspect_exec(id).await?;
            match found.exit_code {
                Some(code) if found.running != Some(true) => return Ok(code),
                _ => sleep(CODE_EVERY).await,
            }
        }
    };
    within("get an exit code from", container, ASK, ask).await
}

/// Kills a program that took too long. The engine has no call for that, so it goes on where it is not visible.
async fn end(engine: &Engine, container: &str, id: &str) {
    let found = within(
        "end a program in",
        container,
        ASK,
        engine.docker.inspect_exec(id),
    )
    .await;
    let pid = found
        .ok()
        .filter(|found| found.running == Some(true))
        .and_then(|found| found.pid);
    if let Some(process) = pid.and_then(|pid| Visible::find(pid, container)) {
        process.signal(Signal::Kill).await;
    }
}

/// Starts a program and keeps its input and output open; its error output is dropped.
pub(super) async fn open(
    engine: &Engine,
    container: &str,
    argv: &[&str],
) -> Result<Pipe, RuntimeError> {
    let options = CreateExecOptions {
        cmd: Some(argv.iter().map(|&word| word.to_owned()).collect()),
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        ..CreateExecOptions::default()
    };
    let (_, (output, input)) = attach(engine, container, options).await?;
    let bytes = output.map(|piece| piece.map(LogOutput::into_bytes).map_err(io::Error::other));
    Ok(Pipe {
        input,
        output: Box::pin(StreamReader::new(bytes)),
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn out(length: usize) -> LogOutput {
        let message = Bytes::from(vec![0_u8; length]);
        LogOutput::StdOut { message }
    }

    fn err(length: usize) -> LogOutput {
        let message = Bytes::from(vec![0_u8; length]);
        LogOutput::StdErr { message }
    }

    #[test]
    fn what_a_program_writes_is_kept_up_to_a_limit() {
        let half = OUTPUT_MOST / 2;
        let mut written = Written::default();
        assert!(written.keeps(out(half)));
        assert!(written.keeps(err(half)));
        assert!(!written.keeps(out(1)));
        assert_eq!((written.stdout.len(), written.stderr.len()), (half, half));
    }
}
