//! What was drilled on which system: a line per scenario and change of it, from the runs alone.

use std::collections::BTreeMap;

use crate::{record::Status, scenario::MustFail, score::Verdict, stats::quantile};

use super::{Archive, Predicted, Run, Summary};

/// The runs of one scenario, with the same values replaced.
#[derive(Debug, Clone)]
pub struct Drilled<'a> {
    /// The system, for instance `redis`.
    pub system: &'a str,
    /// The scenario's name.
    pub scenario: &'a str,
    /// What replaced values of the file; a run that was turned red by a change of the stack stands apart by it.
    pub overrides: &'a [(String, String)],
    /// What its newest completed run came to.
    pub newest: (&'a Run, &'a Summary),
    /// How many passed, failed, were inconclusive, were controls.
    pub verdicts: [usize; 4],
    /// How many recovery times were measured.
    pub measured: usize,
    /// Their median and the longest, nanoseconds; `+inf` where a recovery was not seen.
    pub median_worst: Option<(f64, f64)>,
    /// The fewest and the most acknowledged writes that a run lost of those sent before the fault, where it is known.
    pub lost: Option<(u64, u64)>,
    /// The same of those sent after it.
    pub split_brain: Option<(u64, u64)>,
    /// Of a scenario as it is: the newest runs that failed with its stack or drill changed, and what was changed.
    pub red: Vec<(&'a [(String, String)], &'a Run)>,
}

impl Drilled<'_> {
    /// What the newest run's effective settings let the recovery take.
    pub fn predicted(&self) -> Predicted {
        self.newest.1.predicted()
    }
}

/// The system, the scenario, and what was replaced in it.
type Key<'a> = (&'a str, &'a str, &'a [(String, String)]);

/// Every scenario that has completed runs under seal, by system.
pub fn drilled(archive: &Archive) -> Vec<Drilled<'_>> {
    let mut groups: BTreeMap<Key<'_>, Vec<(&Run, &Summary)>> = BTreeMap::new();
    for run in archive.runs.iter().filter(|run| run.sealed) {
        let Some(summary) = &run.summary else {
            continue;
        };
        if summary.system.is_some() && summary.run.status == Status::Completed {
            let overrides = summary.run.overrides.as_slice();
            let key = (summary.system(), run.scenario.as_str(), overrides);
            groups.entry(key).or_default().push((run, summary));
        }
    }
    let lines = groups
        .into_iter()
        .filter_map(|(key, runs)| line(key, &runs));
    with_red(lines.collect())
}

/// Puts the runs that were turned red beside the scenario as it is. Other targets make nothing red: they are another promise.
fn with_red(mut lines: Vec<Drilled<'_>>) -> Vec<Drilled<'_>> {
    let broken = |line: &Drilled<'_>| {
        let mut keys = line.overrides.iter().map(|(key, _)| key);
        !line.overrides.is_empty()
            && keys.all(|key| MustFail::may_change(key))
            && line.newest.1.verdict == Verdict::Fail
    };
    let all = lines.clone();
    for line in lines.iter_mut().filter(|line| line.overrides.is_empty()) {
        let of = |it: &&Drilled<'_>| (it.system, it.scenario) == (line.system, line.scenario);
        let red = all.iter().filter(of).filter(|it| broken(it));
        line.red = red.map(|it| (it.overrides, it.newest.0)).collect();
    }
    lines
}

fn line<'a>(
    (system, scenario, overrides): Key<'a>,
    runs: &[(&'a Run, &'a Summary)],
) -> Option<Drilled<'a>> {
    let newest = *runs.last()?;
    let mut verdicts = [0; 4];
    for (_, summary) in runs {
        verdicts[match summary.verdict {
            Verdict::Pass => 0,
            Verdict::Fail => 1,
            // Neither could anything be told.
            Verdict::Inconclusive | Verdict::Aborted => 2,
            Verdict::Control => 3,
        }] += 1;
    }
    let mut times: Vec<f64> = runs.iter().filter_map(|(run, _)| run.rto_ns()).collect();
    times.sort_unstable_by(f64::total_cmp);
    let extremes = |of: fn(&Summary) -> Option<u64>| {
        let counts = || runs.iter().filter_map(|(_, summary)| of(summary));
        counts().min().zip(counts().max())
    };
    Some(Drilled {
        system,
        scenario,
        overrides,
        newest,
        verdicts,
        measured: times.len(),
        median_worst: quantile(&times, 0.5).zip(times.last().copied()),
        lost: extremes(Summary::lost_before),
        split_brain: extremes(Summary::split_brain),
        red: Vec::new(),
    })
}
