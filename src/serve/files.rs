//! Which files of a run may be opened, and as what.

use std::path::PathBuf;

use crate::archive::Run;

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

/// Where a file of a run lies and what it is; `None` of everything that is no file of a run.
pub fn file(run: &Run, name: &str) -> Option<(PathBuf, &'static str)> {
    let known = FILES.iter().find(|(known, _)| *known == name);
    known.map(|(known, kind)| (run.folder.join(known), *kind))
}
