//! C0: runs of one scenario over time, and whether a decision over the newest ones may be green.

use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::json;

use crate::{
    archive::{Archive, Judged, Run},
    evidence::{Pruned, SetAside},
    id::RunId,
    score::Verdict,
    seed::{Seed, Stream},
    truth::{Line, cores},
};

/// The scenario's name.
const SCENARIO: &str = "planted";

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It ended with this verdict.
    Ended(Verdict),
    /// So it did, and was removed on purpose later.
    Pruned(Verdict),
    /// It was opened and killed.
    Killed,
    /// So it was, and was set aside with a reason.
    Aside,
    /// It ended; the register's tail was cut off before it, and nothing is known of it.
    Cut,
}

/// The attempts of a drill with repeats, in their order; what was never started is not there.
struct Series {
    of: u32,
    seed: u64,
    fates: Vec<Fate>,
}

/// A reports folder with the truth about it.
struct Planted {
    all: Vec<Series>,
    /// How many of the newest runs are asked for.
    last: Option<usize>,
}

/// Compares over so many seeds from `seed` on.
pub fn line(seed: Seed, count: u64) -> Line {
    let mut line = Line::new(
        "C0",
        "runs until one is green",
        "brute force over the definitions",
    );
    let differs = |number: u64| {
        let planted = planted(&mut Seed(seed.0.wrapping_add(number)).stream("green"));
        let archive = planted.archive();
        let told = planted.compare(&Judged::of(&archive, SCENARIO, planted.last));
        told.err().map(|why| format!("seed {number}: {why}"))
    };
    let shares = cores::on_all(count, |numbers| numbers.filter_map(differs).collect());
    let wrong: Vec<String> = shares
        .into_iter()
        .flat_map(|share: std::thread::Result<Vec<String>>| {
            share.unwrap_or_else(|_| vec!["a worker panicked".into()])
        })
        .collect();
    line.truth = format!("{count} reports folders");
    line.measured = format!("{} agree", count - (wrong.len() as u64).min(count));
    line.error = format!("{} differ", wrong.len());
    line.limit = "green only where the definition lets it be".into();
    if count == 0 {
        line.undecide("no folder was made");
    }
    line.ask(wrong.is_empty(), || {
        wrong.into_iter().take(3).collect::<Vec<_>>().join("; ")
    });
    line
}

/// One to four drills of the scenario, of one to three attempts, most of which passed.
fn planted(random: &mut Stream) -> Planted {
    let count = 1 + below(random, 4);
    let same_seed = random.unit() < 0.5;
    let all = (0..count).map(|number| series(random, if same_seed { 1 } else { number }));
    let mut all: Vec<Series> = all.collect();
    // A series whose end was cut off, and a drill after it that was killed and set aside.
    if random.unit() < 0.1 {
        let mut cut = series(random, 1);
        cut.fates = vec![Fate::Ended(Verdict::Pass), Fate::Cut];
        let fates = vec![Fate::Aside];
        let (of, seed) = (1 + below(random, 3) as u32, 1);
        all.extend([Series { of: 2, ..cut }, Series { of, seed, fates }]);
    }
    // The first runs are those that are pruned.
    if random.unit() < 0.3 {
        let mut left = below(random, 4);
        let ended = all.iter_mut().flat_map(|series| &mut series.fates);
        for fate in ended {
            if let (Fate::Ended(verdict), 1..) = (*fate, left) {
                *fate = Fate::Pruned(verdict);
                left -= 1;
            }
        }
    }
    let last = (random.unit() < 0.4).then(|| 1 + below(random, 4) as usize);
    Planted { all, last }
}

fn series(random: &mut Stream, seed: u64) -> Series {
    let of = 1 + below(random, 3) as u32;
    let mut fates = Vec::new();
    for _ in 0..of {
        let fate = match (random.unit() * 100.0) as u32 {
            0..75 => Fate::Ended(Verdict::Pass),
            75..82 => Fate::Ended(Verdict::Fail),
            82..88 => Fate::Ended(Verdict::Inconclusive),
            88..92 => Fate::Killed,
            92..96 => Fate::Aside,
            _ => Fate::Cut,
        };
        fates.push(fate);
        if matches!(fate, Fate::Killed | Fate::Aside) {
            break;
        }
        // What follows a cut is cut too.
        if fate == Fate::Cut {
            fates.resize(of as usize, Fate::Cut);
            break;
        }
    }
    Series { of, seed, fates }
}

fn below(random: &mut Stream, end: u64) -> u64 {
    (random.unit() * end as f64) as u64
}

impl Planted {
    /// The runs as they are read of a reports folder.
    fn archive(&self) -> Archive {
        let mut runs = Vec::new();
        let mut number = 0;
        for series in &self.all {
            for (index, fate) in series.fates.iter().enumerate() {
                number += 1;
                if *fate != Fate::Cut {
                    runs.push(run(number, index as u32 + 1, series, *fate));
                }
            }
        }
        Archive {
            path: PathBuf::new(),
            runs,
            registered: true,
        }
    }

    /// The attempts that are known, with their number, their series and their place in it; oldest first.
    fn known(&self) -> Vec<(u32, &Series, usize, Fate)> {
        let all = self.all.iter();
        let all = all.flat_map(|one| one.fates.iter().enumerate().map(move |it| (one, it)));
        let numbered = (1..).zip(all);
        let all = numbered.map(|(number, (series, (index, fate)))| (number, series, index, *fate));
        all.filter(|(.., fate)| *fate != Fate::Cut).collect()
    }

    /// Holds what was chosen against what the definitions ask.
    ///
    /// # Errors
    /// The first difference.
    fn compare(&self, judged: &Judged<'_>) -> Result<(), String> {
        let known = self.known();
        let ended = known.iter().filter(|(.., fate)| verdict(*fate).is_some());
        let ended: Vec<_> = ended.collect();
        let Some((_, newest, ..)) = ended.last() else {
            return same("whole", judged.whole().is_ok(), false);
        };
        let of_newest = |it: &&&(u32, &Series, usize, Fate)| std::ptr::eq(it.1, *newest);
        let own = ended.iter().filter(of_newest).count();
        let wanted = self.last.unwrap_or(own).min(ended.len());
        let (before, asked) = ended.split_at(ended.len() - wanted);
        // Every attempt is known, up to one that was killed and set aside.
        let fates = &newest.fates;
        let aside = fates.last() == Some(&Fate::Aside);
        let complete = !fates.contains(&Fate::Cut) && (fates.len() == newest.of as usize || aside);
        let killed = known.iter().any(|(.., fate)| *fate == Fate::Killed);
        let passed = asked
            .iter()
            .all(|(.., fate)| *fate == Fate::Ended(Verdict::Pass));
        let truth = passed && complete && !killed;
        let pass = judged
            .runs
            .iter()
            .all(|run| run.verdict == Some(Verdict::Pass));
        let (told, _) = judged.with_unended(Verdict::Pass, String::new());
        let green = judged.whole().is_ok() && pass && told == Verdict::Pass;
        same("green", green, truth)?;
        if judged.whole().is_err() {
            return Ok(());
        }
        let runs: Vec<u32> = asked.iter().map(|it| it.0).collect();
        same("the runs", numbers(&judged.runs), runs)?;
        let is_green = |fate: Fate| verdict(fate) == Some(Verdict::Pass);
        let since = before.iter().rev().take_while(|it| !is_green(it.3));
        let since: Vec<u32> = since.map(|it| it.0).collect();
        same(
            "not green since the last pass",
            numbers(&judged.not_green()),
            since.clone(),
        )?;
        let said = judged.before().unwrap_or_default();
        let unsaid = since
            .iter()
            .take(5)
            .find(|number| !said.contains(&id(**number).to_string()));
        match unsaid {
            None => Ok(()),
            Some(number) => Err(format!("run {number} is not named in `{said}`")),
        }
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, told: T, truth: T) -> Result<(), String> {
    if told == truth {
        return Ok(());
    }
    Err(format!("{what}: {told:?}, and should be {truth:?}"))
}

fn numbers(runs: &[&Run]) -> Vec<u32> {
    let number = |run: &&Run| u32::from_str_radix(&run.id.to_string()[17..], 16);
    runs.iter().filter_map(|run| number(run).ok()).collect()
}

fn id(number: u32) -> RunId {
    let time = format!("20260101t{:02}{:02}00", number / 60, number % 60);
    RunId::new(&time, number)
}

fn verdict(fate: Fate) -> Option<Verdict> {
    match fate {
        Fate::Ended(verdict) | Fate::Pruned(verdict) => Some(verdict),
        Fate::Killed | Fate::Aside | Fate::Cut => None,
    }
}

fn run(number: u32, attempt: u32, series: &Series, fate: Fate) -> Run {
    let id = id(number);
    let started = format!("2026-01-01T{:02}:{:02}:00Z", number / 60, number % 60);
    let ended = match fate {
        Fate::Ended(verdict) => Some(verdict),
        _ => None,
    };
    let summary = ended.map(|verdict| {
        let missing = json!({ "missing": "not planted" });
        let parts = json!({
            "verdict": verdict,
            "run": {
                "id": id.to_string(), "scenario": SCENARIO, "file": "planted.yaml", "started": started,
                "attempt": attempt, "attempts": series.of, "seed": series.seed.to_string(),
                "status": crate::record::Status::Completed, "drdrill": "", "overrides": [],
            },
            "scorecard": { "verdict": verdict, "sentence": "", "lines": [], "reasons": [] },
            "figures": { "events": [], "headline": null, "unavailable_total": missing, "loss": missing },
            "findings": [], "system": null, "disruptions": [], "bounds": [], "effective_settings": [],
            "images": [], "environment": [],
            "config": { "summary": "", "stack": {}, "targets": {} },
        });
        serde_json::from_value(parts).expect("these are the fields of a summary")
    });
    let pruned = |verdict| Pruned {
        run: id.clone(),
        manifest_sha256: String::new(),
        verdict: Some(verdict),
        at: String::new(),
        rule: String::new(),
        signature: None,
    };
    let aside = SetAside {
        run: id.clone(),
        at: String::new(),
        reason: "planted".into(),
        signature: None,
    };
    Run {
        scenario: SCENARIO.into(),
        variant: SCENARIO.into(),
        overrides: Vec::new(),
        folder: PathBuf::new(),
        started: started.parse::<Timestamp>().ok(),
        status: None,
        verdict: ended,
        sealed: ended.is_some(),
        registered: true,
        summary,
        unread: None,
        pruned: match fate {
            Fate::Pruned(verdict) => Some(pruned(verdict)),
            _ => None,
        },
        set_aside: (fate == Fate::Aside).then_some(aside),
        opened_as: Some((attempt, series.of)),
        id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEDS: u64 = 2_000;

    /// How many of the plants are told apart from the truth when the runs are seen like this.
    fn red(how: impl Fn(&mut Archive)) -> usize {
        let wrong = (0..SEEDS).filter(|number| {
            let planted = planted(&mut Seed(*number).stream("green"));
            let mut archive = planted.archive();
            how(&mut archive);
            let judged = Judged::of(&archive, SCENARIO, planted.last);
            planted.compare(&judged).is_err()
        });
        wrong.count()
    }

    #[test]
    fn whoever_runs_until_it_is_green_is_told() {
        assert_eq!(line(Seed(1), SEEDS).why, [""; 0]);
        // Killed runs are not seen; runs that failed are not; attempts are runs of their own; pruned ones never were.
        assert!(red(|archive| archive.runs.retain(|run| !run.unended())) > 20);
        assert!(
            red(|archive| archive
                .runs
                .retain(|run| run.verdict != Some(Verdict::Fail)))
                > 20
        );
        let alone = |run: &mut Run| {
            for named in run.summary.iter_mut().map(|it| &mut it.run) {
                (named.attempt, named.attempts) = (1, 1);
            }
        };
        assert!(red(|archive| archive.runs.iter_mut().for_each(alone)) > 20);
        assert!(red(|archive| archive.runs.retain(|run| run.pruned.is_none())) > 20);
        // Any run that was set aside excuses a series that lacks its end.
        assert!(red(|archive| archive.runs.iter_mut().for_each(|run| run.opened_as = None)) > 0);
    }
}
