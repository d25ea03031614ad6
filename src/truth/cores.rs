//! C0 on all cores.

use std::{iter::StepBy, ops::Range};

/// Divides the numbers below `count` among the cores; what the work of each told, a panic among it.
pub fn on_all<T: Send>(
    count: u64,
    work: impl Fn(StepBy<Range<u64>>) -> T + Sync,
) -> Vec<std::thread::Result<T>> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let begin = |worker: usize| {
            let work = &work;
            scope.spawn(move || work((worker as u64..count).step_by(workers)))
        };
        let running: Vec<_> = (0..workers).map(begin).collect();
        running.into_iter().map(|worker| worker.join()).collect()
    })
}
