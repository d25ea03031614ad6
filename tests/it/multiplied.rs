//! The sample run with each operation so many times as often, as a run folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use drdrill::{
    evidence::{self, RunFolder},
    history::{Heard, merged},
    record::{Holdings, Ranges, What},
    time::Nanos,
};

/// Writes it under a folder, as a run does that was not sealed. Its final reads hold what they held, so many times.
pub fn multiplied(root: &Path, times: u64) -> PathBuf {
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
                read.holdings = read.holdings.clone().map(|held| often(held, times));
            }
            _ => {}
        }
        log.append(&event).expect("an event");
    }
    let mut history = folder.history().expect("a history");
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

fn often(mut held: Holdings, times: u64) -> Holdings {
    for range in held.lanes.values_mut().flat_map(Ranges::all_mut) {
        range.from *= times;
        range.to = range.to * times + times - 1;
    }
    held
}
