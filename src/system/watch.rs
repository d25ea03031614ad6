//! One observer of one node: asks it in a fixed rhythm, and says what changed.

use std::{future::Future, time::Duration};

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::record::{Emitter, View, What};

use super::Observer;

/// A view is said again after this time even when nothing changed.
const SAY_AGAIN: Duration = Duration::from_millis(1000);

/// Asks every `every` until told to stop. Says a view when role, term, leader or eligibility changed, and at
/// least once a second. `ask` has a deadline of its own.
pub fn watch<F, A>(
    emitter: Emitter,
    stop: CancellationToken,
    every: Duration,
    mut ask: F,
) -> Observer
where
    F: FnMut() -> A + Send + 'static,
    A: Future<Output = View> + Send,
{
    tokio::spawn(async move {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                asked = emitter.time(ask()) => asked,
            };
            let (at, view) = asked;
            let news = said.as_ref().is_none_or(|(when, last)| {
                at.high.since(*when) >= SAY_AGAIN || !alike(last, &view)
            });
            if news {
                emitter.say_at(at, What::View(view.clone()));
                said = Some((at.high, view));
            }
        }
    })
}

fn alike(one: &View, two: &View) -> bool {
    (one.role, one.term, &one.follows, one.eligible)
        == (two.role, two.term, &two.follows, two.eligible)
}
