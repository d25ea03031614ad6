//! The way by which everything that acts says what happened.

use std::{
    future::Future,
    sync::mpsc::{Receiver, Sender, channel},
};

use crate::time::{Bracket, Clock, Nanos};

use super::{Event, What};

/// Stamps events with the run's clock and hands them to the run's one writer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Emitter {
    clock: Clock,
    events: Sender<Event>,
}

impl Emitter {
    /// An emitter and the end from which its events are read.
    pub fn new(clock: Clock) -> (Self, Receiver<Event>) {
        let (events, receiver) = channel();
        (Self { clock, events }, receiver)
    }

    /// The run's clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// The current moment.
    pub fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// Says that something happened now.
    pub fn say(&self, what: What) {
        self.say_at(Bracket::at(self.clock.now()), what);
    }

    /// Says that something happened within a bracket. Without a reader left, the event is dropped:
    /// the writer ends last, so that only happens after the run.
    pub fn say_at(&self, at: Bracket, what: What) {
        let _ = self.events.send(Event { at, what });
    }

    /// Tells a person how it goes.
    pub fn note(&self, text: impl Into<String>) {
        self.say(What::Note(text.into()));
    }

    /// Runs an action and returns its bracket with its result.
    pub async fn time<T>(&self, action: impl Future<Output = T>) -> (Bracket, T) {
        let low = self.clock.now();
        let result = action.await;
        (
            Bracket {
                low,
                high: self.clock.now(),
            },
            result,
        )
    }
}
