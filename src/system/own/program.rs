//! The user's program: started once for a drill, asked by many sessions at a time, ended with it.

use std::{
    collections::{HashMap, VecDeque},
    io,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{ChildStderr, ChildStdin, ChildStdout},
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};

use crate::{runtime::process::spawn, system::Logins};

use super::protocol::{Answer, Ask, Request};

/// Lines of its error output that are kept.
const LAST_LINES: usize = 20;
/// How long it may take to end once its input has.
const END: Duration = Duration::from_secs(2);

/// Where answers to a request go; several, where it says that more follow.
type Asked = HashMap<u64, mpsc::UnboundedSender<Answer>>;

/// The program as it runs.
pub struct Program {
    lines: mpsc::UnboundedSender<String>,
    shared: Arc<Shared>,
    next: AtomicU64,
    child: Mutex<Option<Child>>,
    /// Holds its input open.
    writer: JoinHandle<()>,
    readers: [JoinHandle<()>; 2],
}

#[derive(Default)]
struct Shared {
    asked: Mutex<Asked>,
    /// Why it answers no more.
    ended: Mutex<Option<String>>,
    said: Mutex<VecDeque<String>>,
}

impl Shared {
    fn end(&self, why: &str) {
        let mut ended = lock(&self.ended);
        ended.get_or_insert_with(|| {
            let said: Vec<String> = lock(&self.said).iter().cloned().collect();
            match said.is_empty() {
                true => why.to_owned(),
                false => format!("{why}; it said: {}", said.join(" / ")),
            }
        });
        // Whoever waits hears that nothing comes.
        lock(&self.asked).clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Program {
    /// Starts it in this folder. It gets its passwords by its environment, which no other user can see.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(argv: &[String], folder: &Path, logins: &Logins) -> io::Result<Self> {
        let (name, rest) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(name);
        command.args(rest).current_dir(folder);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, login) in [
            ("DRDRILL_LOGIN", &logins.data),
            ("DRDRILL_CONTROL_LOGIN", &logins.control),
        ] {
            if let Some(login) = login {
                command.env(name, login);
            }
        }
        let mut child = spawn(command)?;
        let gone = || io::Error::other("it has no input and output");
        let input = ChildStdin::from_std(child.stdin.take().ok_or_else(gone)?)?;
        let output = ChildStdout::from_std(child.stdout.take().ok_or_else(gone)?)?;
        let errors = ChildStderr::from_std(child.stderr.take().ok_or_else(gone)?)?;
        let shared = Arc::new(Shared::default());
        let (lines, outgoing) = mpsc::unbounded_channel();
        Ok(Self {
            lines,
            next: AtomicU64::new(1),
            child: Mutex::new(Some(child)),
            writer: tokio::spawn(write(input, outgoing)),
            readers: [
                tokio::spawn(read(output, shared.clone())),
                tokio::spawn(listen(errors, shared.clone())),
            ],
            shared,
        })
    }

    /// Sends a request; its number, and its answers until the last one.
    fn send(&self, session: &str, ask: Ask) -> (u64, mpsc::UnboundedReceiver<Answer>) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answers) = mpsc::unbounded_channel();
        if lock(&self.shared.ended).is_none() {
            lock(&self.shared.asked).insert(id, answer);
        }
        let request = Request {
            id,
            session: session.to_owned(),
            ask,
        };
        // Where it cannot be written the program has ended, which its output tells.
        let _ = self
            .lines
            .send(serde_json::to_string(&request).unwrap_or_default());
        (id, answers)
    }

    /// Asks, and waits for the last answer.
    ///
    /// # Errors
    /// When it does not come within the limit, or the program has ended.
    pub async fn ask(&self, session: &str, ask: Ask, limit: Duration) -> Result<Vec<Answer>, Lost> {
        let (id, mut answers) = self.send(session, ask);
        let all = async {
            let mut all = Vec::new();
            while let Some(answer) = answers.recv().await {
                let more = answer.more;
                all.push(answer);
                if !more {
                    return Some(all);
                }
            }
            None
        };
        match timeout(limit, all).await {
            Ok(Some(all)) => Ok(all),
            Ok(None) => Err(Lost::Ended),
            Err(_) => {
                // An answer that never comes is not waited for in memory either.
                lock(&self.shared.asked).remove(&id);
                Err(Lost::Late)
            }
        }
    }

    /// The same for a question with one answer.
    ///
    /// # Errors
    /// The same.
    pub async fn one(&self, session: &str, ask: Ask, limit: Duration) -> Result<Answer, Lost> {
        let mut all = self.ask(session, ask, limit).await?;
        all.pop().ok_or(Lost::Ended)
    }

    /// Tells a session to close its connection; nobody waits for it.
    pub fn reset(&self, session: &str) {
        drop(self.send(session, Ask::Reset));
    }

    /// Why it answers no more, if it does not.
    pub fn ended(&self) -> Option<String> {
        lock(&self.shared.ended).clone()
    }

    /// Closes its input, and returns how it then ended: none if it had to be killed.
    pub async fn close(&self) -> Option<bool> {
        self.writer.abort();
        let child = lock(&self.child).take();
        let mut child = child?;
        let waited = tokio::task::spawn_blocking(move || {
            let end = std::time::Instant::now() + END;
            loop {
                match child.try_wait() {
                    Ok(Some(status)) => return Some(status.success()),
                    Ok(None) if std::time::Instant::now() < end => {
                        std::thread::sleep(Duration::from_millis(10))
                    }
                    _ => {
                        let _ = child.kill();
                        let _ = child.wait();
                        return None;
                    }
                }
            }
        });
        waited.await.ok().flatten()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        for task in [&self.writer].into_iter().chain(&self.readers) {
            task.abort();
        }
        if let Some(mut child) = lock(&self.child).take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// It did not come in time.
    Late,
    /// The program has ended, or answers nothing that can be read.
    Ended,
}

async fn write(mut input: ChildStdin, mut lines: mpsc::UnboundedReceiver<String>) {
    while let Some(mut line) = lines.recv().await {
        line.push('\n');
        if input.write_all(line.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(output: ChildStdout, shared: Arc<Shared>) {
    let mut lines = BufReader::new(output).lines();
    loop {
        let line = match lines.next_line().await {
            Ok(Some(line)) => line,
            _ => return shared.end("the client program has ended"),
        };
        let Ok(answer) = serde_json::from_str::<Answer>(&line) else {
            let shown: String = line.chars().take(120).collect();
            return shared.end(&format!(
                "the client program wrote what is no answer: `{shown}`"
            ));
        };
        let mut asked = lock(&shared.asked);
        let waiting = match answer.more {
            true => asked.get(&answer.id).cloned(),
            false => asked.remove(&answer.id),
        };
        drop(asked);
        // Whoever asked may have given up since.
        if let Some(waiting) = waiting {
            let _ = waiting.send(answer);
        }
    }
}

async fn listen(errors: ChildStderr, shared: Arc<Shared>) {
    let mut lines = BufReader::new(errors).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut said = lock(&shared.said);
        if said.len() == LAST_LINES {
            said.pop_front();
        }
        said.push_back(line);
    }
}
