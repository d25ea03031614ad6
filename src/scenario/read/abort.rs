//! Decoding `abort`: when a drill stops by itself.

use std::{ops::RangeInclusive, time::Duration};

use crate::scenario::{Abort, Dur, Floor, MustSucceed, Percent, abort::often, problem::Problem};

use super::{decode::Decoder, stack::argv, tree::Tree};

/// Over less than a second a single slow answer would stop a drill; over longer than an hour nothing would.
const OVER: RangeInclusive<Dur> = Dur(Duration::from_secs(1))..=Dur(Duration::from_secs(3600));

/// What is run more often than that is a load; what may take longer notices nothing in time.
const EVERY: RangeInclusive<Dur> = Dur(Duration::from_millis(500))..=Dur(Duration::from_secs(10));

/// Decodes `abort`.
pub fn abort(d: &mut Decoder, tree: &Tree) -> Option<Abort> {
    let mut f = d.fields(tree, "`abort`")?;
    let availability = f.get("availability").map(|tree| floor(d, tree));
    let check = f.get("check").map(|tree| check(d, tree));
    let after = f
        .get("after")
        .map(|tree| d.scalar::<Dur>(tree, "a duration"));
    d.finish(f);
    if availability.is_none() && check.is_none() && after.is_none() {
        let help = "write `availability: { below: 50%, for: 10s }`, `check: { run: [..], for: 6s }`, or `after: 10m`";
        d.note(Problem::at(tree.place.clone(), "`abort` names no condition").help(help));
        return None;
    }
    Some(Abort {
        availability: match availability {
            Some(floor) => Some(floor?),
            None => None,
        },
        check: match check {
            Some(check) => Some(check?),
            None => None,
        },
        after: match after {
            Some(after) => Some(after?),
            None => None,
        },
    })
}

fn check(d: &mut Decoder, tree: &Tree) -> Option<MustSucceed> {
    let mut f = d.fields(tree, "a check")?;
    let run = f.need("run", "say what is run, such as `run: [curl, -fsS, URL]`");
    let run = run.and_then(|tree| {
        let words = argv(d, tree)?;
        if words.is_empty() {
            let help = "write the program and its arguments: `run: [curl, -fsS, URL]`";
            d.note(Problem::at(tree.place.clone(), "nothing is run").help(help));
            return None;
        }
        Some(words)
    });
    let every = f.get("every").map_or(Some(often()), |tree| {
        let time: Dur = d.scalar(tree, "a duration")?;
        d.within(tree, "an interval", time, EVERY)
    });
    let lasting = f.need("for", "say for how long it may fail, such as `for: 6s`");
    let lasting = lasting.and_then(|tree| {
        let time: Dur = d.scalar(tree, "a duration")?;
        d.within(tree, "a time", time, OVER)
    });
    d.finish(f);
    Some(MustSucceed {
        run: run?,
        every: every?,
        lasting: lasting?,
    })
}

fn floor(d: &mut Decoder, tree: &Tree) -> Option<Floor> {
    let mut f = d.fields(tree, "a floor of availability")?;
    let below = f.need("below", "say below which share, such as `below: 50%`");
    let below = below.and_then(|tree| {
        let share: Percent = d.scalar(tree, "a percentage")?;
        d.within(tree, "a share", share, Percent(0.1)..=Percent(100.0))
    });
    let lasting = f.need("for", "say over how long, such as `for: 10s`");
    let lasting = lasting.and_then(|tree| {
        let time: Dur = d.scalar(tree, "a duration")?;
        d.within(tree, "a time", time, OVER)
    });
    d.finish(f);
    Some(Floor {
        below: below?,
        lasting: lasting?,
    })
}
