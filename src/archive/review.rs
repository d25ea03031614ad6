//! A quarter's runs taken together: coverage, targets, time spent of the allowance, findings carried over.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    evidence::sha256,
    measure::availability::monthly,
    record::{DisruptionKind, Status},
    scenario::FAULTS,
    score::{LineState, Verdict},
    time::Span,
};

use super::{Archive, Quarter, Run, Summary};

/// Availability targets by system, percent: the defaults for the shipped scenarios' services.
const AVAILABILITY: &[(&str, f64)] = &[
    ("postgres", 99.99),
    ("redis", 99.99),
    ("mysql", 99.99),
    ("mariadb", 99.99),
    ("mongodb", 99.95),
    ("kafka", 99.95),
    ("weaviate", 99.9),
    ("elasticsearch", 99.9),
    ("neo4j", 99.9),
    ("minio", 99.9),
];

/// A quarter's runs taken together.
#[derive(Debug, Clone)]
pub struct Review<'a> {
    /// The quarter.
    pub quarter: Quarter,
    /// Its runs, oldest first.
    pub runs: Vec<&'a Run>,
    /// The runs of the quarter before.
    pub before: Vec<&'a Run>,
    /// What was drilled, and when last.
    pub coverage: Coverage<'a>,
    /// Each scenario's runs in the quarter.
    pub scenarios: Vec<Reviewed<'a>>,
    /// What each failure mode takes of the monthly allowance.
    pub spent: Vec<Spent<'a>>,
    /// The systems whose runs measured an outage and for which no availability target is known.
    pub untargeted: BTreeSet<&'a str>,
    /// What was found, with its status.
    pub findings: Vec<Tracked<'a>>,
}

/// The failure modes that some stack of each system can go through.
pub type Offered = BTreeMap<String, BTreeSet<String>>;

/// Systems by failure modes.
#[derive(Debug, Clone)]
pub struct Coverage<'a> {
    /// The failure modes: the columns.
    pub modes: Vec<String>,
    /// Each system with a cell per mode.
    pub rows: Vec<(String, Vec<Cell<'a>>)>,
}

/// Whether a failure mode of a system was drilled.
#[derive(Debug, Clone)]
pub enum Cell<'a> {
    /// No stack of the system can go through it.
    NotOffered,
    /// Never, as far as this folder knows.
    Never,
    /// Not in the quarter; last with this run.
    Expired(&'a Run),
    /// In the quarter, and no run told an answer; last with this run.
    Unanswered(&'a Run),
    /// In the quarter; last with this run that told an answer.
    Drilled(&'a Run),
}

/// A scenario's runs in the quarter.
#[derive(Debug, Clone)]
pub struct Reviewed<'a> {
    /// Its name.
    pub scenario: &'a str,
    /// Its runs in the quarter.
    pub runs: Vec<&'a Run>,
    /// How many passed, failed, were inconclusive.
    pub verdicts: [usize; 3],
    /// The longest recovery time, and the run that had it.
    pub worst: Option<(Span, &'a Run)>,
    /// The longest recovery time with the time that people take, seconds, where they take some.
    pub with_people: Option<f64>,
    /// The target of the recovery time as the newest run had it.
    pub target: Option<String>,
    /// Acknowledged writes lost in the worst run; `None` where no run told.
    pub lost: Option<u64>,
    /// Target lines that were missed: figure, and in how many runs.
    pub missed: BTreeMap<&'a str, usize>,
    /// The median recovery times of the quarter before and of this one, nanoseconds.
    pub medians: (Option<f64>, Option<f64>),
}

/// What a failure mode takes of a service's monthly allowance.
#[derive(Debug, Clone)]
pub struct Spent<'a> {
    /// The system.
    pub system: &'a str,
    /// The failure mode.
    pub mode: String,
    /// The availability target, percent.
    pub availability: f64,
    /// Minutes a month that it leaves.
    pub allowed_minutes: f64,
    /// The longest time without writes in one drill of it, minutes; infinite where the end was not seen.
    pub minutes: f64,
    /// The run that had it.
    pub run: &'a Run,
}

/// Something that was found, over quarters.
#[derive(Debug, Clone)]
pub struct Tracked<'a> {
    /// The same for the same finding of the same scenario.
    pub id: String,
    /// The scenario.
    pub scenario: &'a str,
    /// The reason's name.
    pub name: &'a str,
    /// What was seen last.
    pub text: &'a str,
    /// The first and the last run of the two quarters that showed it.
    pub seen: (&'a Run, &'a Run),
    /// What became of it.
    pub status: Tracking,
    /// The run that shows that it is closed, if one does.
    pub closed_by: Option<&'a Run>,
}

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tracking {
    /// Seen in the quarter for the first time, and in the newest run.
    New,
    /// Seen in the quarter before, and in the newest run.
    Open,
    /// Seen in the quarter before; the scenario was not drilled since.
    NotRetested,
    /// Not seen in the newest run that told an answer.
    Closed,
}

/// Reviews a quarter. `systems` are those that must be covered, beside those that have runs.
pub fn review<'a>(
    archive: &'a Archive,
    quarter: Quarter,
    systems: &[String],
    offered: &Offered,
    availability: &BTreeMap<String, f64>,
) -> Review<'a> {
    let within = |quarter: Quarter| -> Vec<&'a Run> {
        let held = |run: &&Run| run.started.is_some_and(|at| quarter.holds(at));
        archive.runs.iter().filter(held).collect()
    };
    let (runs, before) = (within(quarter), within(quarter.before()));
    let scenarios: BTreeSet<&str> = runs.iter().map(|run| run.scenario.as_str()).collect();
    let (spent, untargeted) = spent(&runs, availability);
    Review {
        quarter,
        coverage: coverage(archive, quarter, systems, offered),
        scenarios: scenarios
            .iter()
            .map(|name| reviewed(name, &runs, &before))
            .collect(),
        spent,
        untargeted,
        findings: tracked(&before, &runs),
        runs,
        before,
    }
}

/// Whether a run told an answer about its system: it was completed, and it is no control.
pub fn answered(run: &Run) -> bool {
    run.counts() && matches!(run.verdict, Some(Verdict::Pass | Verdict::Fail))
}

/// The failure modes that a run's steps went through.
pub fn modes(summary: &Summary) -> BTreeSet<String> {
    let of = summary.figures.events.iter();
    of.filter_map(|event| match event.kind {
        DisruptionKind::Fault => Some(event.name.clone()),
        DisruptionKind::Switchover => Some("switchover".into()),
        DisruptionKind::Failback => Some("failback".into()),
        DisruptionKind::Control => None,
    })
    .collect()
}

fn coverage<'a>(
    archive: &'a Archive,
    quarter: Quarter,
    systems: &[String],
    offered: &Offered,
) -> Coverage<'a> {
    let mut cells: BTreeMap<(&str, String), Cell<'a>> = BTreeMap::new();
    let mut names: BTreeSet<&str> = systems.iter().map(String::as_str).collect();
    let mut found: BTreeSet<String> = BTreeSet::new();
    let until = |run: &&Run| run.started.is_some_and(|at| at < quarter.until());
    for run in archive.runs.iter().filter(until) {
        let Some(summary) = run
            .summary
            .as_ref()
            .filter(|_| run.status == Some(Status::Completed))
        else {
            continue;
        };
        names.insert(summary.system());
        for mode in modes(summary) {
            found.insert(mode.clone());
            let cell = cell(run, quarter);
            cells
                .entry((summary.system(), mode))
                .and_modify(|old| {
                    // A run without an answer does not hide one that told.
                    if !matches!((&*old, &cell), (Cell::Drilled(_), Cell::Unanswered(_))) {
                        *old = cell.clone();
                    }
                })
                .or_insert(cell);
        }
    }
    let faults = FAULTS
        .iter()
        .filter(|facts| facts.nature.is_failure())
        .map(|facts| facts.name);
    let fixed: Vec<String> = faults
        .chain(["switchover", "failback"])
        .map(str::to_owned)
        .collect();
    let other = found.into_iter().filter(|mode| !fixed.contains(mode));
    let modes: Vec<String> = fixed.iter().cloned().chain(other).collect();
    let row = |system: &&str| {
        let cell = |mode: &String| {
            let drilled = cells.get(&(*system, mode.clone())).cloned();
            // Of a system that is not known any more all is asked.
            let possible = offered
                .get(*system)
                .is_none_or(|modes| modes.contains(mode));
            drilled.unwrap_or(if possible {
                Cell::Never
            } else {
                Cell::NotOffered
            })
        };
        ((*system).to_owned(), modes.iter().map(cell).collect())
    };
    Coverage {
        rows: names.iter().map(row).collect(),
        modes,
    }
}

fn cell(run: &Run, quarter: Quarter) -> Cell<'_> {
    if !run.started.is_some_and(|at| quarter.holds(at)) {
        Cell::Expired(run)
    } else if answered(run) {
        Cell::Drilled(run)
    } else {
        Cell::Unanswered(run)
    }
}

fn reviewed<'a>(scenario: &'a str, runs: &[&'a Run], before: &[&'a Run]) -> Reviewed<'a> {
    let of = |runs: &[&'a Run]| -> Vec<&'a Run> {
        runs.iter()
            .copied()
            .filter(|run| run.scenario == scenario)
            .collect()
    };
    let (own, old) = (of(runs), of(before));
    let count = |verdict| {
        own.iter()
            .filter(|run| run.verdict == Some(verdict))
            .count()
    };
    let counted: Vec<&'a Run> = own.iter().copied().filter(|run| run.counts()).collect();
    let summaries = || {
        counted
            .iter()
            .filter_map(|run| run.summary.as_ref().map(|it| (*run, it)))
    };
    let worst = summaries()
        .filter_map(|(run, summary)| Some((summary.rto()?, run)))
        .max_by_key(|(span, _)| span.high_ns.unwrap_or(u64::MAX));
    let mut missed = BTreeMap::new();
    for (_, summary) in summaries() {
        for line in summary
            .scorecard
            .lines
            .iter()
            .filter(|line| line.state == LineState::Missed)
        {
            *missed.entry(line.figure.as_str()).or_insert(0) += 1;
        }
    }
    let target = summaries().next_back().and_then(|(_, summary)| {
        let line = summary
            .scorecard
            .lines
            .iter()
            .find(|line| line.figure == "rto");
        line.map(|line| line.target.clone())
    });
    let lines = summaries().flat_map(|(_, summary)| &summary.scorecard.lines);
    let with_people = lines.filter(|line| line.figure == "rto_with_people");
    Reviewed {
        scenario,
        with_people: with_people.filter_map(|line| line.value).reduce(f64::max),
        verdicts: [
            count(Verdict::Pass),
            count(Verdict::Fail),
            count(Verdict::Inconclusive) + count(Verdict::Aborted),
        ],
        worst,
        target,
        lost: summaries().filter_map(|(_, summary)| summary.lost()).max(),
        missed,
        medians: (median(&old), median(&own)),
        runs: own,
    }
}

fn median(runs: &[&Run]) -> Option<f64> {
    let mut times: Vec<f64> = runs
        .iter()
        .filter(|run| run.counts())
        .filter_map(|run| run.rto_ns())
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    crate::stats::quantile(&times, 0.5)
}

/// What each failure mode takes, and the systems for which that cannot be told: no availability target is known.
fn spent<'a>(
    runs: &[&'a Run],
    availability: &BTreeMap<String, f64>,
) -> (Vec<Spent<'a>>, BTreeSet<&'a str>) {
    let mut worst: BTreeMap<(&str, String), (f64, &'a Run)> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.counts()) {
        let Some(summary) = &run.summary else {
            continue;
        };
        let Some(total) = summary.figures.unavailable_total.value() else {
            continue;
        };
        let minutes = total.high_ns.map_or(f64::INFINITY, |ns| ns as f64 / 6e10);
        let entry = worst
            .entry((summary.system(), summary.mode()))
            .or_insert((minutes, run));
        if minutes > entry.0 {
            *entry = (minutes, run);
        }
    }
    let default = |system: &str| {
        let mut defaults = AVAILABILITY.iter();
        Some(defaults.find(|(name, _)| *name == system)?.1)
    };
    let (mut spent, mut untargeted) = (Vec::new(), BTreeSet::new());
    for ((system, mode), (minutes, run)) in worst {
        let given = availability.get(system).copied();
        let known = given.or_else(|| own_target(run));
        let Some(availability) = known.or_else(|| default(system)) else {
            untargeted.insert(system);
            continue;
        };
        spent.push(Spent {
            system,
            mode,
            availability,
            allowed_minutes: monthly(availability),
            minutes,
            run,
        });
    }
    (spent, untargeted)
}

/// The availability target of the run's own scenario, percent.
fn own_target(run: &Run) -> Option<f64> {
    let targets = &run.summary.as_ref()?.config.targets;
    Some(targets.availability?.limit()?.0)
}

/// The reasons that a run gives, by scenario and name.
fn reasons(run: &Run) -> impl Iterator<Item = ((&str, &str), &str)> {
    let reasons = run
        .summary
        .iter()
        .flat_map(|summary| &summary.scorecard.reasons);
    reasons.map(|reason| {
        (
            (run.scenario.as_str(), reason.name.as_str()),
            reason.text.as_str(),
        )
    })
}

fn tracked<'a>(before: &[&'a Run], runs: &[&'a Run]) -> Vec<Tracked<'a>> {
    let mut seen: BTreeMap<(&'a str, &'a str), (&'a Run, &'a Run, &'a str)> = BTreeMap::new();
    for run in before.iter().chain(runs) {
        for (key, text) in reasons(run) {
            let first = seen.get(&key).map_or(*run, |(first, ..)| first);
            seen.insert(key, (first, run, text));
        }
    }
    let old: BTreeSet<(&str, &str)> = before
        .iter()
        .flat_map(|run| reasons(run))
        .map(|(key, _)| key)
        .collect();
    let mut tracked: Vec<Tracked<'a>> = seen
        .into_iter()
        .map(|((scenario, name), (first, last, text))| {
            let newest_first = runs.iter().rev().copied();
            let closed_by = newest_first
                .take_while(|run| run.id != last.id)
                .filter(|run| run.scenario == scenario)
                .find(|run| answered(run));
            let drilled = runs.iter().any(|run| run.scenario == scenario);
            let status = match (
                closed_by.is_some(),
                old.contains(&(scenario, name)),
                drilled,
            ) {
                (true, ..) => Tracking::Closed,
                (false, true, false) => Tracking::NotRetested,
                (false, true, true) => Tracking::Open,
                (false, false, _) => Tracking::New,
            };
            Tracked {
                id: format!(
                    "F-{}",
                    &sha256(format!("{scenario}/{name}").as_bytes())[..8]
                ),
                scenario,
                name,
                text,
                seen: (first, last),
                status,
                closed_by,
            }
        })
        .collect();
    tracked.sort_by(|a, b| (a.status, a.scenario, a.name).cmp(&(b.status, b.scenario, b.name)));
    tracked
}
