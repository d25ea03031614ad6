//! The last completed run of a scenario, to be compared with: recorded when a run is opened.

use std::path::Path;

use serde::Deserialize;

use crate::{
    record::{Last, LastLine, Status, variant},
    score::{Scorecard, Verdict},
};

use super::{Register, files, manifest::sha256, register::Said};

/// Finds the last completed and sealed run of a scenario's variant in a reports folder. One that cannot be read is as
/// good as none: it is compared with, never judged by.
pub fn last_run(reports: &Path, of: &str) -> Option<Last> {
    let entries = Register::of(reports).entries().ok()?;
    let mut closed = entries.iter().rev().filter_map(|entry| match &entry.what {
        Said::Closed(closing) if closing.status == Status::Completed => Some(closing),
        Said::Closed(_) | Said::Opened(_) | Said::Pruned(_) | Said::SetAside(_) => None,
    });
    let (opening, digest) = closed.find_map(|closing| {
        let digest = closing.manifest_sha256.as_ref()?;
        let opening = entries.iter().find_map(|entry| match &entry.what {
            Said::Opened(opening) if opening.run == closing.run => Some(opening),
            Said::Opened(_) | Said::Closed(_) | Said::Pruned(_) | Said::SetAside(_) => None,
        })?;
        (variant(&opening.scenario, &opening.overrides) == of).then_some((opening, digest))
    })?;
    #[derive(Deserialize)]
    struct Document {
        verdict: Verdict,
        scorecard: Scorecard,
    }
    let folder = reports.join(&opening.folder);
    let manifest = files::read(&folder.join("manifest.json"), files::MANIFEST_MOST).ok()?;
    let result = files::read(&folder.join("result.json"), files::WHOLE_MOST).ok()?;
    let document: Document = serde_json::from_slice(&result).ok()?;
    let word = |value: serde_json::Value| value.as_str().map(str::to_owned);
    let line = |line: &crate::score::Line| {
        Some(LastLine {
            figure: line.figure.clone(),
            measured: line.measured.clone(),
            state: word(serde_json::to_value(line.state).ok()?)?,
        })
    };
    (sha256(&manifest) == *digest).then_some(())?;
    Some(Last {
        run: opening.run.clone(),
        manifest_sha256: digest.clone(),
        verdict: word(serde_json::to_value(document.verdict).ok()?)?,
        lines: document.scorecard.lines.iter().filter_map(line).collect(),
    })
}
