//! The sample run with each operation so many times as often, as a run folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use drdrill::{
    evidence::{self, RunFolder},
    history::{Heard, Outcome, merged},
    record::{Holdings, Range, Ranges, What},
    time::Nanos,
};

/// What is made of the sample's operations beside their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Nothing.
    Sample,
    /// From the middle of the run on they are refused and in conflict by turns: an outage at every second one.
    ByTurns,
    /// From the middle of the run on every one fails.
    Down,
    /// Of what was acknowledged every other one is lost.
    EveryOther,
}

impl Shape {
    fn outcome(self, seq: u64, middle: bool, was: Outcome) -> Outcome {
        match self {
            Self::ByTurns if middle && seq.is_multiple_of(2) => Outcome::Conflict,
            Self::ByTurns | Self::Down if middle => Outcome::Fail,
            _ => was,
        }
    }
}

/// Writes it under a folder, as a run does that was not sealed. Its final reads hold what they held, so many times, but
/// for what is lost.
pub fn multiplied(root: &Path, times: u64, shape: Shape) -> PathBuf {
    let sample =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/sample/reference-primary-kill");
    let run = fs::read_dir(sample).expect("the sample").flatten().next();
    let source = run.expect("the sample run").path();
    let loaded = evidence::load(&source).expect("a run");
    let opened = &loaded.record.opened;
    let folder = RunFolder::create(root, "multiplied", &opened.run).expect("a folder");
    let scenario = String::from_utf8(loaded.scenario).expect("text");
    folder.scenario(&scenario).expect("the scenario");
    let events = evidence::events::read(&source.join("events.jsonl")).expect("events");
    let mut log = folder.events().expect("a log");
    for mut event in events.events {
        match &mut event.what {
            What::Clients(lanes) => {
                let times = u32::try_from(times).expect("small");
                lanes.iter_mut().for_each(|lane| lane.interval /= times);
            }
            What::Final(read) => {
                read.holdings = read.holdings.clone().map(|held| often(held, times, shape));
            }
            _ => {}
        }
        log.append(&event).expect("an event");
    }
    let mut history = folder.history().expect("a history");
    let (start, end) = loaded.record.load.expect("clients");
    let middle = Nanos(u64::midpoint(start.0, end.0));
    let lanes = loaded.record.lanes.iter();
    for op in merged(lanes.map(|lane| loaded.history.lane(lane.id))) {
        let interval = loaded.record.lanes[usize::from(op.lane.0)].interval;
        let step = Nanos::from_duration(interval).0 / times;
        for part in 0..times {
            let later = |at: Nanos| Nanos(at.0 + part * step);
            let mut op = op;
            op.seq = op.seq * times + part;
            op.intended = later(op.intended);
            (op.sent, op.done) = (op.sent.map(later), op.done.map(later));
            op.version = op.version.map(|version| version * times);
            op.outcome = shape.outcome(op.seq, op.intended > middle, op.outcome);
            let error = loaded.history.error_of(&op).map(str::to_owned);
            let heard = Heard {
                op,
                error,
                lists: None,
            };
            history.push(heard).expect("an operation");
        }
    }
    history.finish().expect("a history");
    folder.path().to_owned()
}

fn often(mut held: Holdings, times: u64, shape: Shape) -> Holdings {
    for ranges in held.lanes.values_mut().map(Ranges::all_mut) {
        for range in ranges.iter_mut() {
            range.from *= times;
            range.to = range.to * times + times - 1;
        }
        if shape == Shape::EveryOther {
            let single = |range: Range| (range.from..=range.to).step_by(2);
            let alone = |seq| Range { from: seq, to: seq };
            *ranges = ranges.drain(..).flat_map(single).map(alone).collect();
        }
    }
    held
}
