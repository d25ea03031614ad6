//! What stops a drill before its end: a condition of its own, or a person's word for all drills.

use std::{collections::VecDeque, future::pending, path::Path, time::Duration};

use tokio::time::sleep;

use crate::{
    fault::FaultContext,
    record::Status,
    runtime::halted,
    scenario::{Abort, Dur, Floor},
    time::Nanos,
    workload::{LiveCounts, Load},
};

use super::halt_check::failing;

/// How often clients' counts are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How often is asked whether drills are halted.
const ASK: Duration = Duration::from_millis(500);

/// Waits until the drill must stop; how it then ended.
pub(super) async fn met(
    abort: Option<&Abort>,
    folder: &Path,
    load: &Load,
    ground: &FaultContext,
) -> Status {
    let check = abort.and_then(|abort| abort.check.as_ref());
    tokio::select! {
        why = starved(abort.and_then(|abort| abort.availability), load, ground) => Status::Halted(why),
        why = failing(check, folder, &ground.emitter) => Status::Halted(why),
        why = late(abort.and_then(|abort| abort.after)) => Status::Halted(why),
        why = asked(ground) => Status::Halted(why),
        why = lost(ground) => Status::Aborted(why),
    }
}

/// Waits until nothing more can be learnt of the stack.
async fn lost(ground: &FaultContext) -> String {
    loop {
        if let Some(why) = ground.system.lost() {
            return why;
        }
        sleep(LOOK).await;
    }
}

/// Waits until too few operations were ok over the time.
async fn starved(floor: Option<Floor>, load: &Load, ground: &FaultContext) -> String {
    let Some(floor) = floor else {
        return pending().await;
    };
    let mut counts = Counts::over(floor.lasting.0);
    loop {
        let share = counts.share(ground.emitter.now(), load.live(|live| live.counts()));
        match share {
            Some(Share::Of(percent)) if percent < floor.below.0 => {
                return format!(
                    "{percent:.1} % of the clients' operations were ok over {}, and `abort` says below {}",
                    floor.lasting, floor.below
                );
            }
            Some(Share::Nothing) => {
                return format!(
                    "no operation of the clients ended over {}: no data means stop",
                    floor.lasting
                );
            }
            _ => sleep(LOOK).await,
        }
    }
}

async fn late(after: Option<Dur>) -> String {
    let Some(after) = after else {
        return pending().await;
    };
    sleep(after.0).await;
    format!("its steps took longer than {after}, as `abort` says")
}

/// Waits until somebody halts all drills, here or in the engine.
async fn asked(ground: &FaultContext) -> String {
    loop {
        let here = halted::halted(ground.journal.folder());
        // An engine that does not answer is the watch's to tell.
        let there = ground.runtime.halted().await.ok().flatten();
        if let Some(why) = here.or(there) {
            return format!("`drdrill halt`: {why}");
        }
        sleep(ASK).await;
    }
}

/// What became of the operations of a time.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Share {
    /// So many percent were ok.
    Of(f64),
    /// There were none.
    Nothing,
}

/// Counts of the last moments.
struct Counts {
    over: Duration,
    seen: VecDeque<(Nanos, LiveCounts)>,
}

impl Counts {
    fn over(over: Duration) -> Self {
        Self {
            over,
            seen: VecDeque::new(),
        }
    }

    /// Adds the counts of now; the share of the time, once it has been looked at for that long.
    fn share(&mut self, now: Nanos, counts: LiveCounts) -> Option<Share> {
        self.seen.push_back((now, counts));
        // The first is the youngest that is old enough.
        while self
            .seen
            .get(1)
            .is_some_and(|(at, _)| now.since(*at) >= self.over)
        {
            self.seen.pop_front();
        }
        let (first, before) = self.seen.front().copied()?;
        if now.since(first) < self.over {
            return None;
        }
        let (ok, failed) = (counts.ok - before.ok, counts.failed - before.failed);
        let all = ok + failed;
        Some(match all {
            0 => Share::Nothing,
            all => Share::Of(100.0 * ok as f64 / all as f64),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64, ok: u64, failed: u64) -> (Nanos, LiveCounts) {
        (Nanos(ms * 1_000_000), LiveCounts { ok, failed })
    }

    #[test]
    fn a_share_is_of_the_last_time_only_and_told_once_that_is_over() {
        let mut counts = Counts::over(Duration::from_secs(1));
        let mut share = |(now, seen)| counts.share(now, seen);
        assert_eq!(share(at(0, 0, 0)), None);
        assert_eq!(share(at(500, 50, 0)), None);
        assert_eq!(share(at(1000, 100, 0)), Some(Share::Of(100.0)));
        // From 500 ms on: 50 ok and 50 not.
        assert_eq!(share(at(1500, 100, 50)), Some(Share::Of(50.0)));
        // From 1000 ms on nothing was ok.
        assert_eq!(share(at(2000, 100, 100)), Some(Share::Of(0.0)));
        // From 2000 ms on nothing ended at all.
        assert_eq!(share(at(3000, 100, 100)), Some(Share::Nothing));
    }
}
