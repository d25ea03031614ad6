//! The runs that a register names, in the order in which it does.

use std::{collections::HashMap, path::Path};

use jiff::{SignedDuration, Timestamp};

use crate::{
    evidence::{
        Closing, Opening, Pruned,
        register::{Entry, Said},
    },
    id::RunId,
    record::variant,
    shown::shown,
};

use super::Run;

/// The most by which a run may say that it started before one that was opened earlier. Clocks are set right by less, and
/// stacks side by side start within seconds.
pub(super) const SET_BACK: SignedDuration = SignedDuration::from_mins(5);

/// The runs of a register by their opening lines: the lines are a chain, and no clock has a say in their order.
pub(super) fn registered(reports: &Path, entries: Vec<Entry>) -> Vec<Run> {
    let mut known = Known::default();
    for entry in entries {
        match entry.what {
            Said::Opened(opening) => known.open(opened(reports, opening)),
            Said::Closed(closing) => {
                if let Some(run) = known.run(&closing.run) {
                    close(run, closing);
                }
            }
            Said::Pruned(pruned) => {
                if let Some(run) = known.run(&pruned.run) {
                    prune(run, pruned);
                }
            }
            Said::SetAside(aside) => {
                if let Some(run) = known.run(&aside.run) {
                    run.set_aside = Some(aside);
                }
            }
        }
    }
    known.runs
}

/// The registered runs that say that they started long before one that was opened earlier.
pub(super) fn set_back(runs: &[Run]) -> Vec<&Run> {
    let mut latest: Option<Timestamp> = None;
    let mut found = Vec::new();
    for run in runs.iter().filter(|run| run.registered) {
        let Some(at) = run.started else {
            continue;
        };
        if latest.is_some_and(|latest| latest.duration_since(at) > SET_BACK) {
            found.push(run);
        }
        latest = latest.max(Some(at));
    }
    found
}

/// Runs in their order, each found by its name.
#[derive(Default)]
struct Known {
    runs: Vec<Run>,
    places: HashMap<RunId, usize>,
}

impl Known {
    /// Takes a run in. One that was opened before is begun anew in its place.
    fn open(&mut self, run: Run) {
        if let Some(known) = self.run(&run.id) {
            *known = run;
        } else {
            self.places.insert(run.id.clone(), self.runs.len());
            self.runs.push(run);
        }
    }

    fn run(&mut self, id: &RunId) -> Option<&mut Run> {
        let place = self.places.get(id)?;
        self.runs.get_mut(*place)
    }
}

fn opened(reports: &Path, opening: Opening) -> Run {
    Run {
        folder: reports.join(&opening.folder),
        variant: variant(&opening.scenario, &opening.overrides),
        scenario: shown(&opening.scenario).into_owned(),
        overrides: opening.overrides,
        started: opening.started.parse().ok(),
        status: None,
        verdict: None,
        sealed: false,
        registered: true,
        summary: None,
        unread: None,
        pruned: None,
        set_aside: None,
        opened_as: opening.attempt,
        id: opening.run,
    }
}

/// A verdict counts only with a manifest: the line alone is not signed, and anyone who can write there can end a run by hand.
fn close(run: &mut Run, closing: Closing) {
    run.sealed = closing.manifest_sha256.is_some();
    run.verdict = closing.verdict.filter(|_| run.sealed);
    run.status = Some(closing.status);
}

fn prune(run: &mut Run, pruned: Pruned) {
    (run.verdict, run.sealed) = (None, false);
    run.unread = Some(format!("pruned at {}", pruned.at));
    run.pruned = Some(pruned);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{evidence::SetAside, record::Status, score::Verdict};

    fn opening(number: u32, started: &str) -> Said {
        Said::Opened(Opening {
            run: RunId::new("20261121t081500", number),
            scenario: "a-kill".into(),
            scenario_sha256: String::new(),
            overrides: Vec::new(),
            opening_sha256: String::new(),
            folder: format!("a-kill/{number}"),
            started: started.into(),
            attempt: None,
        })
    }

    fn closing(number: u32, manifest: Option<&str>) -> Said {
        Said::Closed(Closing {
            run: RunId::new("20261121t081500", number),
            status: Status::Completed,
            verdict: Some(Verdict::Pass),
            manifest_sha256: manifest.map(str::to_owned),
        })
    }

    fn read(lines: Vec<Said>) -> Vec<Run> {
        let entry = |what| Entry {
            previous: None,
            what,
        };
        registered(Path::new("reports"), lines.into_iter().map(entry).collect())
    }

    #[test]
    fn the_lines_give_the_order_and_a_clock_that_was_set_back_is_told() {
        let runs = read(vec![
            opening(3, "2026-11-21T08:00:00Z"),
            opening(1, "2026-11-21T07:55:00Z"),
            opening(2, "2026-11-21T07:54:59Z"),
            opening(4, "2026-11-21T08:00:01Z"),
        ]);
        let names = |runs: &[&Run]| -> Vec<String> {
            runs.iter().map(|run| run.id.tail().to_owned()).collect()
        };
        let all: Vec<&Run> = runs.iter().collect();
        assert_eq!(names(&all), ["000003", "000001", "000002", "000004"]);
        assert_eq!(names(&set_back(&runs)), ["000002"]);
    }

    #[test]
    fn only_a_line_that_names_a_manifest_gives_a_verdict() {
        let start = "2026-11-21T08:00:00Z";
        let aside = SetAside {
            run: RunId::new("20261121t081500", 3),
            at: String::new(),
            reason: "the host lost its power".into(),
            signature: None,
        };
        let runs = read(vec![
            opening(1, start),
            closing(1, Some("digest")),
            opening(2, start),
            closing(2, None),
            opening(3, start),
            Said::SetAside(aside),
        ]);
        let verdicts: Vec<Option<Verdict>> = runs.iter().map(|run| run.verdict).collect();
        assert_eq!(verdicts, [Some(Verdict::Pass), None, None]);
        let unended: Vec<bool> = runs.iter().map(Run::unended).collect();
        assert_eq!(unended, [false, true, false]);
    }
}
