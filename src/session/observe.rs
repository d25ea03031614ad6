//! Who watches a run as it goes: its events are written down, counted and shown by one thread.

use std::{
    io::Write,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread::JoinHandle,
    time::Duration,
};

use crate::{
    drill::Stop,
    evidence::{EventLog, EvidenceError},
    record::Event,
    report::{Counters, Progress},
    time::Clock,
};

use super::counts::Counts;

/// Watches a run as it goes. What it does with what it is given changes nothing of the run; `()` watches nothing.
pub trait Observer: Send + 'static {
    /// Takes an event, once it is about to be written down.
    fn on_event(&mut self, event: &Event);

    /// Takes what the clients did within the last second.
    fn on_counters(&mut self, counters: Counters) {
        let _ = counters;
    }

    /// There will be no more.
    fn finish(&mut self) {}
}

impl Observer for () {
    fn on_event(&mut self, _: &Event) {}
}

impl<W: Write + Send + 'static> Observer for Progress<W> {
    fn on_event(&mut self, event: &Event) {
        // A terminal that is gone is no reason to stop.
        let _ = Self::on_event(self, event);
    }

    fn on_counters(&mut self, counters: Counters) {
        Self::on_counters(self, counters);
    }

    fn finish(&mut self) {
        Self::finish(self);
    }
}

/// How often the clients' rates are shown.
const SHOW_EVERY: Duration = Duration::from_secs(1);

/// Writes events as they come and shows them. If they cannot be written, the drill is stopped.
pub(super) fn write_events(
    mut log: EventLog,
    events: Receiver<Event>,
    mut observer: impl Observer,
    counts: Arc<Counts>,
    (clock, stop): (Clock, Stop),
) -> JoinHandle<Result<(), EvidenceError>> {
    std::thread::spawn(move || {
        let mut result = Ok(());
        let mut shown = clock.now();
        loop {
            let since = clock.now().since(shown);
            if since >= SHOW_EVERY {
                shown = clock.now();
                observer.on_counters(counts.rates(since));
            }
            match events.recv_timeout(SHOW_EVERY.saturating_sub(since)) {
                Ok(event) => {
                    counts.heard(&event);
                    observer.on_event(&event);
                    if result.is_ok() {
                        result = log.append(&event);
                        if result.is_err() {
                            stop.wish();
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        observer.finish();
        result
    })
}
