//! The register of all runs: a line before anything is created, a line at the end, each chained to the one before.

use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    path::{Component, Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{id::RunId, record::Status, score::Verdict};

use super::{
    EvidenceError, Pruned, SetAside, SigningKey, files, folder::Links, lock, manifest::sha256,
};

/// The register's file name.
pub(super) const REGISTER: &str = "register.jsonl";

/// The register of one reports folder.
#[derive(Debug, Clone)]
pub struct Register {
    path: PathBuf,
}

/// What is known of a run before anything is created for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// The run.
    pub run: RunId,
    /// The scenario's name.
    pub scenario: String,
    /// SHA-256 of the scenario file: targets cannot be changed afterwards.
    pub scenario_sha256: String,
    /// What replaced values of the file, without secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<(String, String)>,
    /// SHA-256 of the event log's first line, which holds the resolved targets, overrides and the seed.
    pub opening_sha256: String,
    /// The run's folder, relative to the register.
    pub folder: String,
    /// Wall-clock start, RFC 3339, for labels only.
    pub started: String,
    /// Which repeat it is, from 1, and out of how many; absent where an earlier version wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<(u32, u32)>,
}

impl Opening {
    /// Whether the run's folder lies below the register's.
    pub fn stays_within(&self) -> bool {
        let folder = Path::new(&self.folder);
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
        folder.components().all(plain) && folder.components().next().is_some()
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// The run.
    pub run: RunId,
    /// How it ended.
    pub status: Status,
    /// Its verdict; absent where it could not be judged.
    pub verdict: Option<Verdict>,
    /// The digest of its manifest; absent where none was written.
    pub manifest_sha256: Option<String>,
}

/// One line of the register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// SHA-256 of the line before, without its line end; absent in the first line.
    pub previous: Option<String>,
    /// What it says.
    pub what: Said,
}

/// What a line of the register says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// A run was opened.
    Opened(Opening),
    /// A run was closed.
    Closed(Closing),
    /// A run's folder was removed on purpose.
    Pruned(Pruned),
    /// A run that came to no verdict was set aside with a reason.
    SetAside(SetAside),
}

impl Said {
    /// The line that says it after the one with this digest.
    fn after(self, previous: Option<&str>) -> Entry {
        Entry {
            previous: previous.map(str::to_owned),
            what: self,
        }
    }
}

impl Register {
    /// The register of a reports folder; nothing is created before the first line.
    pub fn of(reports: &Path) -> Self {
        Self::at(reports.join(REGISTER))
    }

    /// The register in a file.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a run's opening line. It is on disk when this returns.
    ///
    /// # Errors
    /// When the register cannot be written or is damaged.
    pub fn open(&self, opening: &Opening) -> Result<(), EvidenceError> {
        self.append(|_, previous| Ok(Some(Said::Opened(opening.clone()).after(previous))))
    }

    /// Writes a run's closing line; a run that is closed already stays as it is.
    ///
    /// # Errors
    /// When the register cannot be written or is damaged.
    pub fn close(&self, closing: &Closing) -> Result<(), EvidenceError> {
        self.append(|entries, previous| {
            let line = || Said::Closed(closing.clone()).after(previous);
            Ok((!is_closed(entries, &closing.run)).then(line))
        })
    }

    /// Closes a run as aborted, if it was opened here and is open still.
    ///
    /// # Errors
    /// When the register cannot be read or written, or is damaged.
    pub fn abandon(&self, run: &RunId, why: &str) -> Result<(), EvidenceError> {
        if !self.unclosed()?.iter().any(|opening| opening.run == *run) {
            return Ok(());
        }
        self.close(&Closing {
            run: run.clone(),
            status: Status::Aborted(why.into()),
            verdict: None,
            manifest_sha256: None,
        })
    }

    /// Seals a run's folder and closes the run, with no other run between: the manifests are a chain.
    ///
    /// # Errors
    /// When the folder cannot be sealed, or the register cannot be written or is damaged.
    pub fn seal(
        &self,
        seal: impl FnOnce(Links) -> Result<Closing, EvidenceError>,
    ) -> Result<(), EvidenceError> {
        self.append(|entries, head| {
            let links = Links {
                previous: last_manifest(entries),
                register: head.map(str::to_owned),
            };
            seal(links).map(|closing| Some(Said::Closed(closing).after(head)))
        })
    }

    /// Writes that a run is pruned, signed where there is a key; what is pruned already stays as it is. It is on disk when
    /// this returns.
    ///
    /// # Errors
    /// When the register cannot be written or is damaged.
    pub fn prune(&self, pruned: Pruned, key: Option<&SigningKey>) -> Result<(), EvidenceError> {
        self.append(|entries, previous| {
            let said =
                |entry: &Entry| matches!(&entry.what, Said::Pruned(it) if it.run == pruned.run);
            let line = !entries.iter().any(said);
            Ok(line.then(|| pruned.clone().entry(previous.map(str::to_owned), key)))
        })
    }

    /// Writes that a run which came to no verdict is set aside, signed where there is a key; what is set aside already stays
    /// as it is. It is on disk when this returns.
    ///
    /// # Errors
    /// When the register cannot be written or is damaged.
    pub fn set_aside(
        &self,
        aside: SetAside,
        key: Option<&SigningKey>,
    ) -> Result<(), EvidenceError> {
        self.append(|entries, previous| {
            let said =
                |entry: &Entry| matches!(&entry.what, Said::SetAside(it) if it.run == aside.run);
            let line = !entries.iter().any(said);
            Ok(line.then(|| aside.clone().entry(previous.map(str::to_owned), key)))
        })
    }

    /// The runs that were opened and not closed, oldest first: what `sweep` must look after.
    ///
    /// # Errors
    /// When the register cannot be read or is damaged.
    pub fn unclosed(&self) -> Result<Vec<Opening>, EvidenceError> {
        let entries = self.entries()?;
        let closed: HashSet<RunId> = entries.iter().filter_map(closed_run).cloned().collect();
        let open = entries.into_iter().filter_map(|entry| match entry.what {
            Said::Opened(opening) => Some(opening).filter(|it| !closed.contains(&it.run)),
            Said::Closed(_) | Said::Pruned(_) | Said::SetAside(_) => None,
        });
        Ok(open.collect())
    }

    /// All lines, their chain checked.
    ///
    /// # Errors
    /// When the register cannot be read, a line is damaged, or a line was changed or left out.
    pub fn entries(&self) -> Result<Vec<Entry>, EvidenceError> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        let text = files::text_named(&self.path, files::WHOLE_MOST)
            .map_err(|error| files::unread(&self.path, error))?;
        self.parse(complete(&text))
    }

    fn parse(&self, text: &str) -> Result<Vec<Entry>, EvidenceError> {
        let mut previous = None;
        let mut entries = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let (entry, digest) =
                read_line(line, previous.as_deref()).map_err(|problem| EvidenceError::Line {
                    path: self.path.clone(),
                    line: index + 1,
                    problem,
                })?;
            previous = Some(digest);
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Appends what `say` makes of the lines so far and their head, as the only writer.
    fn append(
        &self,
        say: impl FnOnce(&[Entry], Option<&str>) -> Result<Option<Entry>, EvidenceError>,
    ) -> Result<(), EvidenceError> {
        let failed = |action| EvidenceError::io(action, &self.path);
        if let Some(parent) = self.path.parent() {
            fs::create_dir_all(parent).map_err(EvidenceError::io("create", parent))?;
        }
        let mut file: File = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(&self.path)
            .map_err(failed("open"))?;
        // Writers hold the lock for one line; it goes with the file handle, a crash included.
        let path = self.path.clone();
        lock::within(&file, lock::LIMIT).map_err(|why| EvidenceError::Locked { path, why })?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed("read"))?;
        let whole = complete(&text);
        let entries = self.parse(whole)?;
        let previous = whole.lines().last().map(|line| sha256(line.as_bytes()));
        let Some(entry) = say(&entries, previous.as_deref())? else {
            return Ok(());
        };
        if whole.len() < text.len() {
            // A writer died within a line; nothing relied on it, since it was not reported as written.
            file.set_len(whole.len() as u64).map_err(failed("repair"))?;
        }
        let mut line =
            serde_json::to_vec(&entry).map_err(|e| EvidenceError::content(&self.path, e))?;
        line.push(b'\n');
        file.write_all(&line)
            .and_then(|()| file.sync_all())
            .map_err(failed("append to"))
    }
}

/// Reads a line that must follow from the one with this digest; returns it with its own digest.
pub(super) fn read_line(line: &str, previous: Option<&str>) -> Result<(Entry, String), String> {
    let entry: Entry = serde_json::from_str(line).map_err(|error| error.to_string())?;
    if entry.previous.as_deref() != previous {
        return Err("it does not follow from the line before, which was changed or removed".into());
    }
    if let Said::Opened(opening) = &entry.what
        && !opening.stays_within()
    {
        return Err("it names a folder outside its own".into());
    }
    Ok((entry, sha256(line.as_bytes())))
}

/// The text up to its last line end.
pub(super) fn complete(text: &str) -> &str {
    &text[..text.rfind('\n').map_or(0, |end| end + 1)]
}

/// The digest of the last manifest that the register names.
fn last_manifest(entries: &[Entry]) -> Option<String> {
    entries.iter().rev().find_map(|entry| match &entry.what {
        Said::Closed(closing) => closing.manifest_sha256.clone(),
        Said::Opened(_) | Said::Pruned(_) | Said::SetAside(_) => None,
    })
}

fn closed_run(entry: &Entry) -> Option<&RunId> {
    match &entry.what {
        Said::Closed(closing) => Some(&closing.run),
        Said::Opened(_) | Said::Pruned(_) | Said::SetAside(_) => None,
    }
}

fn is_closed(entries: &[Entry], run: &RunId) -> bool {
    entries.iter().any(|entry| closed_run(entry) == Some(run))
}
