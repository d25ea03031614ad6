//! How a scenario's recovery time went over its runs.

use crate::{
    score::Verdict,
    seed::Seed,
    stats::{change_points, quantile},
};

use super::{Archive, Run};

/// The newest runs in which changes are looked for: their number squared is what a test costs.
const CHANGE_RUNS: usize = 60;
/// The probability under which a change counts (measurement definitions, section 5).
const CHANGE_LEVEL: f64 = 0.01;
/// The seed of the permutation test: the same runs give the same changes.
const SEED: Seed = Seed(0x0064_7264_7269_6c6c);

/// A scenario's runs and what they show together.
#[derive(Debug, Clone)]
pub struct Trend<'a> {
    /// The scenario's name.
    pub scenario: &'a str,
    /// Its runs, oldest first.
    pub runs: Vec<&'a Run>,
    /// How many passed, failed, were inconclusive, were controls, have no verdict.
    pub verdicts: [usize; 5],
    /// Median and worst recovery time of the runs that count, nanoseconds; `+inf` where none was seen.
    pub median_worst: Option<(f64, f64)>,
    /// Where the recovery time changed, oldest first.
    pub changes: Vec<Change<'a>>,
}

/// A place where the recovery time of a scenario changed.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    /// The first run after it.
    pub run: &'a Run,
    /// The median recovery time before and after, nanoseconds, up to the neighbouring changes.
    pub medians: (f64, f64),
    /// The probability of so large a change if nothing had changed.
    pub p: f64,
}

/// The trends of all scenarios, by name.
pub fn trends(archive: &Archive) -> Vec<Trend<'_>> {
    archive
        .scenarios()
        .into_iter()
        .map(|scenario| trend(archive, scenario))
        .collect()
}

/// The trend of one scenario.
pub fn trend<'a>(archive: &'a Archive, scenario: &'a str) -> Trend<'a> {
    let runs: Vec<&Run> = archive.of(scenario).collect();
    let mut verdicts = [0; 5];
    for run in runs.iter().filter(|run| run.pruned.is_none()) {
        verdicts[match run.verdict {
            Some(Verdict::Pass) => 0,
            Some(Verdict::Fail) => 1,
            // Neither could anything be told.
            Some(Verdict::Inconclusive | Verdict::Aborted) => 2,
            Some(Verdict::Control) => 3,
            None => 4,
        }] += 1;
    }
    let measured: Vec<(&Run, f64)> = runs
        .iter()
        .filter(|run| run.counts())
        .filter_map(|run| Some((*run, run.rto_ns()?)))
        .collect();
    let values: Vec<f64> = measured.iter().map(|(_, ns)| *ns).collect();
    Trend {
        scenario,
        verdicts,
        median_worst: median(&values).map(|it| (it, values.iter().copied().fold(0.0, f64::max))),
        changes: changes(&measured[measured.len().saturating_sub(CHANGE_RUNS)..]),
        runs,
    }
}

fn changes<'a>(measured: &[(&'a Run, f64)]) -> Vec<Change<'a>> {
    let values: Vec<f64> = measured.iter().map(|(_, ns)| *ns).collect();
    let points = change_points(&values, CHANGE_LEVEL, SEED);
    let ends: Vec<usize> = points
        .iter()
        .map(|point| point.at)
        .chain([values.len()])
        .collect();
    let mut from = 0;
    let mut found = Vec::new();
    for (point, end) in points.iter().zip(&ends[1..]) {
        let medians = median(&values[from..point.at]).zip(median(&values[point.at..*end]));
        found.extend(medians.map(|medians| Change {
            run: measured[point.at].0,
            medians,
            p: point.p,
        }));
        from = point.at;
    }
    found
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}
