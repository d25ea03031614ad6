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

/// Runs a program to its end. When it takes longer than `limit` it is killed where it is visible.
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
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        while let Some(piece) = output.next().await {
            match piece.map_err(|error| failed("run a program in", container, &error))? {
                LogOutput::StdErr { message } => stderr.extend_from_slice(&message),
                LogOutput::StdOut { message }
                | LogOutput::Console { message }
                | LogOutput::StdIn { message } => stdout.extend_from_slice(&message),
            }
        }
        Ok((stdout, stderr))
    };
    let Ok(collected) = timeout(limit, collect).await else {
        end(engine, container, &id).await;
        return Err(RuntimeError::Deadline {
            action: "run a program in",
            node: container.to_owned(),
            limit,
        });
    };
    let (stdout, stderr) = collected?;
    Ok(ExecOutput {
        code: exit_code(engine, container, &id).await?,
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    })
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
