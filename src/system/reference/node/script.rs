//! Outages that a node plays by itself. It logs when each began and ended by the kernel's clock: that log is
//! the witness against which drdrill is calibrated, so nothing of drdrill's own clock is used here.

use std::{sync::Arc, time::Duration};

use nix::time::{ClockId, clock_gettime};
use tokio::{sync::watch, time::sleep};

use crate::scenario::Play;

use super::Node;

/// How late answers are while `slow` is played: more than any service lane waits.
const LATE: Duration = Duration::from_secs(1);

/// What a node plays at the moment.
pub struct Stage {
    playing: watch::Sender<Option<Play>>,
    /// Whether the door is open: it listens.
    open: watch::Sender<bool>,
}

impl Default for Stage {
    fn default() -> Self {
        Self {
            playing: watch::Sender::new(None),
            open: watch::Sender::new(true),
        }
    }
}

impl Stage {
    /// Someone who watches what is played.
    pub fn watch(&self) -> Audience {
        Audience(self.playing.subscribe())
    }

    /// Whether the node knows no other node.
    pub fn isolated(&self) -> bool {
        *self.playing.borrow() == Some(Play::Isolate)
    }

    /// Says that the node listens.
    pub fn open(&self) {
        self.open.send_replace(true);
    }
}

/// What a script does to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strike {
    /// Nothing.
    Nothing,
    /// It is closed.
    Close,
    /// It is reset.
    Reset,
    /// It is left as it is, for good.
    Silence,
}

/// A connection's view of the stage.
pub struct Audience(watch::Receiver<Option<Play>>);

impl Audience {
    /// Waits until something else is played, or nothing.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the node is isolated.
    pub async fn isolates(&mut self) {
        if self
            .0
            .wait_for(|play| *play == Some(Play::Isolate))
            .await
            .is_err()
        {
            std::future::pending::<()>().await;
        }
    }

    /// Whether the door is shut.
    pub fn shut(&mut self) -> bool {
        matches!(
            *self.0.borrow_and_update(),
            Some(Play::Refuse | Play::HalfOpen)
        )
    }

    /// What the script that begins or ends now does to a connection that is open.
    pub fn strikes_open(&mut self, of_node: bool) -> Strike {
        match (*self.0.borrow_and_update(), of_node) {
            (Some(Play::Refuse), false) | (Some(Play::Isolate), true) => Strike::Close,
            (Some(Play::Reset), false) => Strike::Reset,
            (Some(Play::HalfOpen), false) => Strike::Silence,
            _ => Strike::Nothing,
        }
    }

    /// What the script does to a connection on which a request has come; waits where the request has to.
    pub async fn strikes_request(&mut self, of_node: bool) -> Strike {
        let now = *self.0.borrow();
        match (now, of_node) {
            (Some(Play::Isolate), true) => Strike::Close,
            (Some(Play::Reset), false) => Strike::Reset,
            (Some(Play::Hang), false) => {
                // The sender lives as long as the node.
                let _ = self.0.wait_for(|play| *play != Some(Play::Hang)).await;
                Strike::Nothing
            }
            _ => Strike::Nothing,
        }
    }

    /// Waits as long as an answer is delayed.
    pub async fn delays(&self, of_node: bool) {
        let now = *self.0.borrow();
        if now == Some(Play::Slow) && !of_node {
            sleep(LATE).await;
        }
    }
}

/// Begins to play, and ends by itself. Each moment is logged with what the kernel's monotonic clock showed
/// just before and just after it, in nanoseconds.
pub fn play(node: &Arc<Node>, play: Play, lasting: Duration) -> String {
    if node.stage.playing.borrow().is_some() {
        return "error another script is played".into();
    }
    let length = node.lock().log.len();
    let shut = matches!(play, Play::Refuse | Play::HalfOpen);
    let before = kernel_ns();
    if shut {
        node.stage.open.send_replace(false);
    }
    node.stage.playing.send_replace(Some(play));
    println!(
        "script {play} begins {before} {} length {length}",
        kernel_ns()
    );
    let node = node.clone();
    tokio::spawn(async move {
        sleep(lasting).await;
        let before = kernel_ns();
        node.stage.playing.send_replace(None);
        let _ = node.stage.open.subscribe().wait_for(|open| *open).await;
        println!("script {play} ends {before} {}", kernel_ns());
    });
    "ok".into()
}

/// What the kernel's monotonic clock shows.
pub fn kernel_ns() -> i128 {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(-1, |time| {
        i128::from(time.tv_sec()) * 1_000_000_000 + i128::from(time.tv_nsec())
    })
}
