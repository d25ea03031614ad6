//! Write-ahead undo: every effect is on disk before it happens, so that a later start can undo it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::id::{NodeName, RunId};

use super::{Owner, state};

/// Something done to the outside world, named so that it can be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Containers, networks and volumes with the run's label; undone by removing them.
    Labelled,
    /// A frozen node; undone by unfreezing or removing it.
    Paused {
        /// The node.
        node: NodeName,
    },
    /// Packet filters, queues and rates at a node; undone by flushing them or removing the node.
    Cut {
        /// The node.
        node: NodeName,
    },
    /// Faults of streams at a proxy; undone by taking them back or removing the proxy's node.
    Toxic {
        /// The proxy's node.
        node: NodeName,
    },
    /// A node with a limit of its CPU time; undone by lifting it or removing the node.
    Limited {
        /// The node.
        node: NodeName,
    },
    /// A disk under a node's data that was made to go wrong; undone by telling it so or removing the node.
    Disk {
        /// The node.
        node: NodeName,
    },
    /// Lowered limits of open files of a node's processes; undone by setting these again or removing the node.
    Descriptors {
        /// The node.
        node: NodeName,
        /// The limits as they were.
        before: Vec<OpenFiles>,
    },
    /// Files by which a node resolves names, and that were changed; undone by writing them again or removing the node.
    Names {
        /// The node.
        node: NodeName,
        /// Its `/etc/hosts` as it was.
        hosts: String,
        /// Its `/etc/resolv.conf` as it was.
        resolver: String,
    },
    /// A server's certificate that was replaced; undone by putting this one back and letting the server read it, or by
    /// removing the node.
    Certificate {
        /// The node.
        node: NodeName,
        /// The certificate as it was, as PEM. Its key is not touched.
        before: String,
    },
    /// A child process; undone by ending it.
    Process {
        /// The node that it stands for.
        node: NodeName,
        /// Its process id.
        pid: u32,
        /// Its start time in clock ticks since boot.
        started: u64,
    },
    /// A folder that holds a run's data; undone by removing it. Its name must hold the run's name.
    Folder {
        /// Its absolute path.
        path: PathBuf,
    },
}

/// How many files a process may have open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFiles {
    /// Its process id, as its node sees it.
    pub pid: u32,
    /// Its start time in clock ticks since boot.
    pub started: u64,
    /// Its limit; -1 for none.
    pub soft: i64,
}

/// What a journal opens with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The run.
    pub run: RunId,
    /// The process that it belongs to.
    pub owner: Owner,
    /// The name of its kind of machines; of one that this drdrill does not know, too.
    pub runtime: String,
    /// The engine's address, if one was given.
    pub docker_host: Option<String>,
    /// The folder that the run's report goes to, so that a sweep can say there how it ended.
    pub reports: Option<PathBuf>,
}

/// A journal as read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entries {
    /// Its opening line.
    pub header: Header,
    /// The identity of the engine that its containers are in, where it has one.
    pub engine: Option<String>,
    /// Effects that have not been undone.
    pub open: Vec<Effect>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Header(Header),
    Engine(String),
    Effect(Effect),
    Undone(Effect),
}

/// The journal of one run. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    engine: Option<String>,
    open: Vec<Effect>,
}

impl Journal {
    /// Opens the journal of a new run in `folder`, which is made if missing.
    ///
    /// # Errors
    /// When it cannot be written, or another user could write there: then no run may start.
    pub fn open(folder: &Path, header: &Header) -> io::Result<Self> {
        let folder = &std::path::absolute(folder)?;
        state::make(folder)?;
        let path = folder.join(format!("{}.jsonl", header.run));
        let draft = folder.join(format!("{}.draft", header.run));
        let mut file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&draft)?;
        append(&mut file, &Line::Header(header.clone()))?;
        // The name appears only with a whole header under it.
        fs::rename(&draft, &path)?;
        File::open(folder)?.sync_all()?;
        let state = Mutex::new(State {
            file,
            engine: None,
            open: Vec::new(),
        });
        Ok(Self(Arc::new(Inner { path, state })))
    }

    /// Says which engine the containers will be in, by its identity: another one may answer at the same address later.
    ///
    /// # Errors
    /// When it cannot be written: then nothing must be created there.
    pub async fn in_engine(&self, identity: String) -> io::Result<()> {
        self.update(move |state| {
            if state.engine.as_ref() != Some(&identity) {
                append(&mut state.file, &Line::Engine(identity.clone()))?;
                state.engine = Some(identity);
            }
            Ok(())
        })
        .await
    }

    /// The identity of the engine that the containers are in, where it has one.
    pub fn engine(&self) -> Option<String> {
        lock(&self.0.state).engine.clone()
    }

    /// Makes sure that an effect is on disk; does nothing when it is there already, so that a caller
    /// who needs a narrow bracket can write it ahead.
    ///
    /// # Errors
    /// When it cannot be written: then the effect must not happen.
    pub async fn ensure(&self, effect: Effect) -> io::Result<()> {
        self.update(move |state| {
            if !state.open.contains(&effect) {
                append(&mut state.file, &Line::Effect(effect.clone()))?;
                state.open.push(effect);
            }
            Ok(())
        })
        .await
    }

    /// Says that an effect was undone.
    ///
    /// # Errors
    /// When it cannot be written; a later sweep then undoes it once more, which does no harm.
    pub async fn undone(&self, effect: Effect) -> io::Result<()> {
        self.update(move |state| {
            if state.open.contains(&effect) {
                append(&mut state.file, &Line::Undone(effect.clone()))?;
                state.open.retain(|open| *open != effect);
            }
            Ok(())
        })
        .await
    }

    /// The effects that have not been undone.
    pub fn outstanding(&self) -> Vec<Effect> {
        lock(&self.0.state).open.clone()
    }

    /// Removes the file if nothing is outstanding; says whether it did.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn finish(&self) -> io::Result<bool> {
        if lock(&self.0.state).open.is_empty() {
            fs::remove_file(&self.0.path)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// The state folder that it lies in.
    pub fn folder(&self) -> &Path {
        self.0.path.parent().unwrap_or(Path::new("/"))
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    async fn update(
        &self,
        change: impl FnOnce(&mut State) -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || change(&mut lock(&inner.state)))
            .await
            .map_err(io::Error::other)?
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn append(file: &mut File, line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    file.write_all(&text)?;
    file.sync_data()
}

/// All journals in a folder with their paths, oldest first; a missing folder holds none.
///
/// # Errors
/// When the folder cannot be read, or another user could have written it. A single journal that cannot be read is an `Err` in the list.
pub fn read_all(folder: &Path) -> io::Result<Vec<(PathBuf, Result<Entries, String>)>> {
    match state::check(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        checked => checked?,
    }
    let listing = fs::read_dir(folder)?;
    let mut paths: Vec<PathBuf> = listing
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .filter(|path| {
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            stem.and_then(RunId::parse).is_some()
        })
        .collect();
    paths.sort();
    Ok(paths
        .into_iter()
        .map(|path| {
            let entries = fs::read_to_string(&path)
                .map_err(|error| error.to_string())
                .and_then(|text| parse(&text))
                .and_then(|entries| named(&path, entries));
            (path, entries)
        })
        .collect())
}

/// A journal of another run than its file's name says was not written by drdrill.
fn named(path: &Path, entries: Entries) -> Result<Entries, String> {
    let run = entries.header.run.to_string();
    if path.file_stem().is_some_and(|stem| *stem == *run) {
        Ok(entries)
    } else {
        Err(format!("it says that it is of run {run}"))
    }
}

/// Reads a journal. A torn last line is dropped: its effect had not happened yet, or its undo is
/// done once more.
fn parse(text: &str) -> Result<Entries, String> {
    let mut lines = text
        .lines()
        .map_while(|line| serde_json::from_str(line).ok());
    let Some(Line::Header(header)) = lines.next() else {
        return Err("its first line names no owner".into());
    };
    let (mut engine, mut open) = (None, Vec::new());
    for line in lines {
        match line {
            Line::Engine(identity) => engine = Some(identity),
            Line::Effect(effect) => open.push(effect),
            Line::Undone(effect) => open.retain(|other| *other != effect),
            Line::Header(_) => return Err("it has two owners".into()),
        }
    }
    Ok(Entries {
        header,
        engine,
        open,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            run: RunId::new("20261121t081500", 7),
            owner: Owner::current(),
            runtime: "docker".into(),
            docker_host: None,
            reports: None,
        }
    }

    #[tokio::test]
    async fn effects_are_on_disk_until_they_are_undone() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path(), &header()).unwrap();
        let paused = Effect::Paused {
            node: NodeName::new("a"),
        };
        journal.in_engine("AB:CD".into()).await.unwrap();
        journal.ensure(Effect::Labelled).await.unwrap();
        journal.ensure(paused.clone()).await.unwrap();
        journal.ensure(paused.clone()).await.unwrap();
        journal.undone(Effect::Labelled).await.unwrap();
        let read = read_all(folder.path()).unwrap();
        let entries = read[0].1.as_ref().unwrap();
        assert_eq!(entries.header, header());
        assert_eq!(entries.engine.as_deref(), Some("AB:CD"));
        assert_eq!(entries.open, std::slice::from_ref(&paused));
        assert!(!journal.finish().unwrap());
        journal.undone(paused).await.unwrap();
        assert!(journal.finish().unwrap());
        assert!(read_all(folder.path()).unwrap().is_empty());
    }

    #[test]
    fn a_torn_last_line_is_dropped() {
        let whole = [Line::Header(header()), Line::Effect(Effect::Labelled)]
            .map(|line| serde_json::to_string(&line).unwrap())
            .join("\n");
        let torn = format!("{whole}\n{{\"undone\":\"lab");
        assert_eq!(parse(&torn).unwrap().open, [Effect::Labelled]);
        assert!(parse("").is_err());
    }

    #[test]
    fn a_missing_folder_holds_no_journals() {
        assert!(
            read_all(Path::new("/nonexistent/drdrill"))
                .unwrap()
                .is_empty()
        );
    }
}
