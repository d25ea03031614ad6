//! Which files of a run may be opened, and as what.

use std::path::Path;

use crate::{archive::Run, evidence::files};

/// The files of a run that a browser may have, with their media types.
const FILES: &[(&str, &str)] = &[
    ("report.html", "text/html; charset=utf-8"),
    ("report.zh.html", "text/html; charset=utf-8"),
    ("report.pdf", "application/pdf"),
    ("report.md", TEXT),
    ("result.json", "application/json"),
    ("junit.xml", "application/xml"),
    ("metrics.prom", TEXT),
    ("manifest.json", "application/json"),
    ("manifest.json.minisig", TEXT),
    ("manifest.dsse.json", "application/json"),
    ("environment.json", "application/json"),
    ("scenario.yaml", TEXT),
    ("events.jsonl", TEXT),
];
const TEXT: &str = "text/plain; charset=utf-8";

/// The most bytes of a file that are sent.
const MOST: u64 = 256 << 20;

/// A file of a run and what it is; `None` of everything that is no plain file of a run below the reports folder. No link
/// is followed, neither at its end nor on the way.
pub fn file(reports: &Path, run: &Run, name: &str) -> Option<(Vec<u8>, &'static str)> {
    let (known, kind) = FILES.iter().find(|(known, _)| *known == name)?;
    let folder = run.folder.strip_prefix(reports).ok()?;
    let folder = files::below(reports, folder.to_str()?)?;
    Some((files::read(&folder.join(known), MOST).ok()?, *kind))
}
