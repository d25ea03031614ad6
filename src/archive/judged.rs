//! The runs that a decision about a scenario rests on, and what a reader must know of those before them.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::score::Verdict;

use super::{
    Archive, Run,
    registered::{SET_BACK, set_back},
};

/// The most by which the first attempts of a series start apart on several stacks: far less than a drill takes.
const TOGETHER: SignedDuration = SignedDuration::from_secs(5);

/// Runs that a sentence names.
const NAMED: usize = 5;

/// The runs of a scenario, and which of them are judged. All are oldest first.
pub struct Judged<'a> {
    /// Every run.
    known: Vec<&'a Run>,
    /// Those that ended with a manifest, pruned ones too.
    pub ended: Vec<&'a Run>,
    /// Those that were opened and came to no verdict.
    pub unended: Vec<&'a Run>,
    /// Those that are judged: the newest, as many as were asked for, else the newest one with the repeats that it was
    /// started with.
    pub runs: Vec<&'a Run>,
    /// Those that say that they started long before a run that was opened earlier.
    set_back: Vec<&'a Run>,
    /// Whether they were chosen by their number.
    chosen: bool,
}

impl<'a> Judged<'a> {
    /// Chooses among the runs of a scenario's variant: the newest `last`, else the newest series.
    pub fn of(archive: &'a Archive, scenario: &str, last: Option<usize>) -> Self {
        let known: Vec<&Run> = archive.of(scenario).collect();
        let (unended, ended): (Vec<&Run>, Vec<&Run>) = known.iter().partition(|run| run.unended());
        let ended: Vec<&Run> = ended.into_iter().filter(|run| run.judged()).collect();
        let runs = match last {
            Some(count) => ended[ended.len().saturating_sub(count)..].to_vec(),
            None => newest_series(&ended),
        };
        let set_back = set_back(&archive.runs).into_iter();
        Self {
            known,
            ended,
            unended,
            runs,
            set_back: set_back.filter(|run| run.variant == scenario).collect(),
            chosen: last.is_some(),
        }
    }

    /// Whether there are runs, none of them was pruned, and every attempt of the newest one's series is there.
    ///
    /// # Errors
    /// What is missing.
    pub fn whole(&self) -> Result<(), String> {
        if self.runs.is_empty() {
            return Err("no run of it has ended: there is no evidence".into());
        }
        self.pruned()?;
        // An attempt that was killed is told by its own name, and leaves the decision inconclusive.
        if self.unended.is_empty() {
            self.series()?;
        }
        Ok(())
    }

    /// A verdict that is no better than what runs without a verdict leave open, with their names.
    pub fn with_unended(&self, verdict: Verdict, sentence: String) -> (Verdict, String) {
        let Some(first) = self.unended.first() else {
            return (verdict, sentence);
        };
        let others = match self.unended.len() - 1 {
            0 => String::new(),
            1 => " and 1 other".into(),
            more => format!(" and {more} others"),
        };
        let why = format!(
            "Run {}{others} was opened and came to no verdict: it was killed, or goes on. \
             `drdrill prune --run {} --reason ...` sets it aside",
            first.id, first.id
        );
        match verdict {
            Verdict::Fail => (verdict, format!("{sentence} {why}.")),
            Verdict::Pass | Verdict::Control | Verdict::Inconclusive | Verdict::Aborted => {
                (Verdict::Inconclusive, format!("{why}. {sentence}"))
            }
        }
    }

    /// On how many stacks the runs were made.
    pub fn stacks(&self) -> u64 {
        let of = |run: &&Run| {
            let rearmed = run.summary.as_ref()?.rearmed.as_ref();
            Some(rearmed.map_or(run.id.clone(), |it| it.stack_of.clone()))
        };
        let stacks: BTreeSet<_> = self.runs.iter().filter_map(of).collect();
        stacks.len() as u64
    }

    /// The ended runs before those that are judged.
    fn earlier(&self) -> Vec<&'a Run> {
        let judged = |run: &&Run| self.runs.iter().any(|other| other.id == run.id);
        let known = self.known.iter().copied();
        let standing = known.filter(|run| run.set_aside.is_none() && !run.unended());
        standing.filter(|run| !judged(run)).collect()
    }

    /// The runs before those that are judged that were not green, back to the newest that was; newest first.
    pub fn not_green(&self) -> Vec<&'a Run> {
        let newest_first = self.earlier().into_iter().rev();
        let is_green = |run: &&Run| matches!(verdict(run), Some(Verdict::Pass | Verdict::Control));
        newest_first.take_while(|run| !is_green(run)).collect()
    }

    /// What a reader must know of the runs before those that are judged: those that did not pass since the last one that
    /// did, those that were set aside, and from how many a series could have been chosen.
    pub fn before(&self) -> Option<String> {
        let aside = self.known.iter().filter(|run| run.set_aside.is_some());
        let aside: Vec<String> = aside.map(|run| set_aside(run)).collect();
        let since: Vec<String> = self.not_green().into_iter().map(told).collect();
        let earlier = self.earlier();
        let passed = earlier
            .iter()
            .filter(|run| verdict(run) == Some(Verdict::Pass));
        let passed = passed.count();
        let mut said = Vec::new();
        if !since.is_empty() {
            let (noun, verb) = noun(since.len());
            let names = few(&since);
            said.push(format!(
                "Before that {} {noun} since the last pass {verb} not green: {names}.",
                since.len()
            ));
        }
        if !aside.is_empty() {
            let (noun, verb) = noun(aside.len());
            let names = few(&aside);
            said.push(format!("{} {noun} {verb} set aside: {names}.", aside.len()));
        }
        if self.runs.len() > 1 && !earlier.is_empty() {
            let (noun, _) = noun(earlier.len());
            said.push(format!(
                "The register holds {} earlier {noun} of it, {passed} passed: \
                 the confidence is that of one look, not of the best of several.",
                earlier.len()
            ));
        }
        (!said.is_empty()).then(|| said.join(" "))
    }

    /// What a reader must know of the clocks: which runs contradict the order of the register.
    pub fn clocks(&self) -> Option<String> {
        let names: Vec<String> = self.set_back.iter().map(|run| run.id.to_string()).collect();
        (!names.is_empty()).then(|| {
            format!(
                "By their own clocks these started more than {} minutes before a run that was opened earlier: {}. \
                 The register's order counts.",
                SET_BACK.as_mins(),
                few(&names)
            )
        })
    }

    /// Whether a run that is to be judged was pruned: one of those chosen, or one that was started with them.
    fn pruned(&self) -> Result<(), String> {
        let runs = &self.runs;
        let has = |number: usize| {
            let mut numbers = runs.iter().filter_map(|run| run.attempt());
            numbers.any(|(found, _)| found as usize == number)
        };
        let whole = self.chosen || (1..=runs.len()).all(has);
        let earlier = &self.ended[..self.ended.len() - runs.len()];
        let before = earlier.last().filter(|_| !whole);
        let gone = before
            .into_iter()
            .chain(runs)
            .find(|run| run.pruned.is_some());
        match gone {
            None => Ok(()),
            Some(run) => Err(format!(
                "run {} was pruned: what was registered of it is no evidence",
                run.id
            )),
        }
    }

    /// Whether every attempt of the newest run's series is there. Where runs were chosen by number, its first attempts may
    /// have been pruned. A series that broke off with an attempt that was set aside is what ended of it.
    fn series(&self) -> Result<(), String> {
        let own = newest_series(&self.ended);
        let Some((newest, (_, of))) = own.last().and_then(|run| Some((run, run.attempt()?))) else {
            return Ok(());
        };
        let numbers = own.iter().filter_map(|run| run.attempt());
        let there: BTreeSet<u32> = numbers.map(|(number, _)| number).collect();
        let first = there.first().copied().unwrap_or(1);
        let reached = there.last().copied().unwrap_or(0);
        let cut = self.chosen && self.ended.iter().any(|run| run.pruned.is_some());
        let asked = if cut { first } else { 1 }..=of;
        let missing: Vec<u32> = asked.filter(|number| !there.contains(number)).collect();
        let is_next = |attempt: (u32, u32)| attempt == (reached + 1, of);
        let later = self.known.iter().skip_while(|run| run.id != newest.id);
        let mut aside = later.filter(|run| run.set_aside.is_some());
        let broke_off = missing.iter().all(|number| *number > reached)
            && aside.any(|run| run.opened_as.is_none_or(is_next));
        if missing.is_empty() || broke_off {
            return Ok(());
        }
        let numbers: Vec<String> = missing.iter().map(u32::to_string).collect();
        let noun = if missing.len() == 1 {
            "one is"
        } else {
            "some are"
        };
        Err(format!(
            "of the {of} attempts of the newest series, {noun} not there: {}",
            numbers.join(", ")
        ))
    }
}

/// The newest run and the repeats that it was started with, oldest first. A series of the same seed and file before it is
/// another one: it starts anew with its first attempt, or with a number that is there already.
fn newest_series<'a>(all: &[&'a Run]) -> Vec<&'a Run> {
    let Some(newest) = all.last() else {
        return Vec::new();
    };
    let mut seen = BTreeSet::new();
    let mut begun = None;
    let own = all.iter().rev().take_while(|run| {
        let Some((number, _)) = run.attempt() else {
            return run.id == newest.id;
        };
        let earlier = begun
            .zip(run.started)
            .is_some_and(|(begun, at): (Timestamp, _)| begun.duration_since(at).abs() > TOGETHER);
        if number == 1 {
            begun = run.started;
        }
        run.repeats(newest) && !earlier && seen.insert(number)
    });
    let mut own: Vec<&Run> = own.copied().collect();
    own.reverse();
    own
}

/// A run's verdict, also where its folder was removed on purpose.
fn verdict(run: &Run) -> Option<Verdict> {
    let pruned = run.pruned.as_ref().and_then(|it| it.verdict);
    run.verdict.or(pruned)
}

fn noun(count: usize) -> (&'static str, &'static str) {
    if count == 1 {
        ("run", "was")
    } else {
        ("runs", "were")
    }
}

/// The first few of some names.
fn few(names: &[String]) -> String {
    let more = if names.len() > NAMED {
        ", and more"
    } else {
        ""
    };
    let shown = &names[..names.len().min(NAMED)];
    format!("{}{more}", shown.join(", "))
}

fn set_aside(run: &Run) -> String {
    let reason = run.set_aside.as_ref().map_or("", |it| it.reason.as_str());
    format!("{} ({reason})", run.id)
}

fn told(run: &Run) -> String {
    let word = match verdict(run) {
        Some(Verdict::Fail) => "fail",
        Some(Verdict::Inconclusive) => "inconclusive",
        Some(Verdict::Pass) => "pass",
        Some(Verdict::Control) => "control",
        Some(Verdict::Aborted) => "aborted",
        None => "no verdict",
    };
    format!("{} ({word})", run.id)
}
