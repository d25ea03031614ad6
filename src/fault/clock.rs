//! Clocks that jump or go at a wrong rate, for one node and not for its neighbours.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::{
    id::NodeName,
    runtime::{CLOCK_FILE, NodeState, Skew},
    scenario::Selector,
    time::wall_now,
};

use super::{
    ActiveEffect, FaultContext, FaultError, Injected, Undone,
    described::{Described, Seen, hits_primary},
    select::select,
};

/// How long a command in a node may take.
const EXEC: Duration = Duration::from_secs(10);
/// How often a server is asked: the answer that came soonest tells most.
const QUESTIONS: usize = 5;
/// Clocks of one machine's nodes are one clock: more between them than this was not there before.
const APART: i64 = 50_000_000;
/// How long a drift is watched at least, and at most.
const WATCH: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(20));
/// A drift is told once it is known to this part of what was asked.
const TOLD: f64 = 0.2;
/// Writes the file in place, so that no process sees half of it, or another one.
const WRITE: &str = r#"printf "$1" 1<>"$2""#;
/// By how much each clock jumps before any client starts, to see that it can.
const REHEARSAL: i64 = 1_000_000_000;

/// How far a server's clock is ahead of the machine's, nanoseconds: between these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ahead {
    low: i64,
    high: i64,
}

impl Ahead {
    fn width(self) -> i64 {
        self.high - self.low
    }

    /// How much further ahead it is than it was.
    fn since(self, before: Self) -> Self {
        Self {
            low: self.low - before.high,
            high: self.high - before.low,
        }
    }

    fn holds(self, value: i64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// What a wrong clock should look like.
#[derive(Debug)]
struct ClockEffect {
    asked: Skew,
    before: Vec<(NodeName, Ahead)>,
    victims: Vec<NodeName>,
}

/// Finds out before any client starts whether the clocks of these nodes can be changed and their servers tell their time:
/// each jumps a second ahead and is set right.
///
/// # Errors
/// When not.
pub(super) async fn rehearse(context: &FaultContext) -> Result<(), FaultError> {
    let ahead = Skew {
        from: wall_nanoseconds(),
        jump: REHEARSAL,
        faster: 0,
    };
    for node in context.clocked.iter() {
        let before = ask(node, context).await?;
        set(node, ahead, context).await?;
        let moved = ask(node, context).await?.since(before);
        set(node, Skew::default(), context).await?;
        if !moved.holds(REHEARSAL) || moved.width() >= REHEARSAL {
            return Err(FaultError::Clock(format!(
                "the clock of `{node}` cannot be changed, its server tells a time {} further ahead when told to be +1.000 s: its program asks the kernel itself, or its linker does not load the library",
                said_of(moved)
            )));
        }
        context.emitter.note(format!(
            "{node}: its server's clock can be changed, it was {} off before",
            said_of(before)
        ));
    }
    Ok(())
}

#[async_trait]
impl ActiveEffect for ClockEffect {
    async fn verify(&self, context: &FaultContext) -> Seen {
        look(self, context).await
    }

    async fn undo(&self, _step: usize, context: &FaultContext) -> Option<Undone> {
        Some(Undone::of(
            &self.victims,
            set_right(&self.victims, context).await,
        ))
    }
}

/// Lets the clocks of nodes go wrong.
pub(super) async fn skew(
    node: &Selector,
    skew: Skew,
    context: &FaultContext,
) -> Result<Injected, FaultError> {
    let chosen = select(node, context).await?;
    let clocked = |node: &NodeName| context.clocked.contains(node);
    let victims: Vec<NodeName> = chosen.into_iter().filter(clocked).collect();
    if victims.is_empty() {
        return Err(FaultError::NoVictim(node.to_string()));
    }
    let primary_hit = hits_primary(&victims, context).await;
    let mut before = Vec::new();
    for node in context.clocked.iter() {
        // One that is down or cut off has no clock to be compared with, unless it is meant.
        match ask(node, context).await {
            Ok(ahead) => before.push((node.clone(), ahead)),
            Err(error) if victims.contains(node) => return Err(error),
            Err(_) => {}
        }
    }
    let sets = victims.iter().map(|node| set(node, skew, context));
    let (at, results) = context.emitter.time(join_all(sets)).await;
    results.into_iter().collect::<Result<Vec<()>, _>>()?;
    let injected = Described {
        means: "a library between the node's programs and their C library, by a file in the node"
            .into(),
        primary_hit,
        at,
    };
    let effect = ClockEffect {
        asked: skew,
        before,
        victims: victims.clone(),
    };
    Ok(injected.into(victims, effect))
}

/// Writes how wrong the clock is.
async fn set(node: &NodeName, skew: Skew, context: &FaultContext) -> Result<(), FaultError> {
    if matches!(
        context.runtime.state(node).await,
        Ok(NodeState::Exited { .. })
    ) {
        // Nobody reads it now: it is there when the node starts.
        return Ok(context.runtime.upload(node, &[skew.file()]).await?);
    }
    let escaped = skew.escaped();
    let argv = ["sh", "-c", WRITE, "sh", escaped.as_str(), CLOCK_FILE];
    let said = context.runtime.exec(node, &argv, EXEC).await?;
    if said.code == 0 {
        return Ok(());
    }
    Err(FaultError::Clock(format!(
        "the clock of `{node}` could not be set: exit code {}: {}",
        said.code,
        said.stderr.trim()
    )))
}

/// Lets the nodes tell the right time again, and asks those that answer.
async fn set_right(nodes: &[NodeName], context: &FaultContext) -> Result<(), FaultError> {
    let mut first = Ok(());
    for node in nodes {
        let mut result = set(node, Skew::default(), context).await;
        if result.is_ok()
            && let Ok(ahead) = ask(node, context).await
        {
            let right = ahead.low.abs() < APART + ahead.width();
            let text = format!(
                "{node} is {} off after the clock was set right",
                said_of(ahead)
            );
            context.emitter.note(text.clone());
            result = if right {
                Ok(())
            } else {
                Err(FaultError::Clock(text))
            };
        }
        first = first.and(result);
    }
    first
}

/// How far the server's clock is ahead, from the answer that came soonest.
async fn ask(node: &NodeName, context: &FaultContext) -> Result<Ahead, FaultError> {
    let mut best: Option<Ahead> = None;
    for _ in 0..QUESTIONS {
        let from = wall_nanoseconds();
        let told = context.system.time_of(node).await?;
        let ahead = Ahead {
            low: told.low - wall_nanoseconds(),
            high: told.high - from,
        };
        if best.is_none_or(|best| ahead.width() < best.width()) {
            best = Some(ahead);
        }
    }
    best.ok_or_else(|| FaultError::Clock(format!("`{node}` tells no time")))
}

/// The servers tell the time that was asked for; the others tell what they told before.
async fn look(skewed: &ClockEffect, context: &FaultContext) -> Seen {
    let mut seen = Seen::default();
    for (node, before) in &skewed.before {
        let meant = skewed.victims.contains(node);
        let now = match ask(node, context).await {
            Ok(now) => now,
            Err(error) if meant => {
                seen.no(format!("{node} does not tell its time: {error}"));
                continue;
            }
            Err(_) => continue,
        };
        match (meant, skewed.asked.faster) {
            (true, 0) => {
                let moved = now.since(*before);
                let text = format!(
                    "{node} tells a time {} further ahead, asked {:+.3} s; it was {} before",
                    said_of(moved),
                    seconds(skewed.asked.jump),
                    said_of(*before)
                );
                if moved.holds(skewed.asked.jump) && moved.width() < skewed.asked.jump.abs() {
                    seen.yes(text);
                } else {
                    seen.no(text);
                }
            }
            (true, asked) => {
                let (ok, text) = watched(node, now, asked, context).await;
                if ok { seen.yes(text) } else { seen.no(text) }
            }
            (false, _) => {
                let moved = now.since(*before);
                let text = format!(
                    "{node} tells its time as before, {} further ahead",
                    said_of(moved)
                );
                if moved.low.abs().min(moved.high.abs()) < APART {
                    seen.yes(text);
                } else {
                    seen.no(text);
                }
            }
        }
    }
    seen
}

/// Watches a clock until its rate is known well enough; whether it is as asked.
async fn watched(
    node: &NodeName,
    first: Ahead,
    asked: i64,
    context: &FaultContext,
) -> (bool, String) {
    let from = context.emitter.now();
    tokio::time::sleep(WATCH.0).await;
    loop {
        let now = match ask(node, context).await {
            Ok(now) => now,
            Err(error) => return (false, format!("{node} does not tell its time: {error}")),
        };
        let time = context.emitter.now().since(from);
        let moved = now.since(first);
        let rate = |ahead: i64| ahead as f64 / time.as_secs_f64();
        let (low, high) = (rate(moved.low), rate(moved.high));
        let wanted = asked as f64;
        let told = (high - low) < wanted.abs() * TOLD;
        if told || time > WATCH.1 {
            // Between two questions the time itself is known to their width only.
            let holds = low <= wanted + wanted.abs() * TOLD && high >= wanted - wanted.abs() * TOLD;
            let text = format!(
                "{node} goes {:+.3} to {:+.3} % faster over {:.1} s, asked {:+.3} %",
                low / 1e7,
                high / 1e7,
                time.as_secs_f64(),
                wanted / 1e7
            );
            return (told && holds, text);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

pub(super) fn wall_nanoseconds() -> i64 {
    i64::try_from(wall_now().as_nanosecond()).unwrap_or(i64::MAX)
}

fn seconds(nanoseconds: i64) -> f64 {
    nanoseconds as f64 / 1e9
}

fn said_of(ahead: Ahead) -> String {
    format!(
        "{:+.3} to {:+.3} s",
        seconds(ahead.low),
        seconds(ahead.high)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_a_clock_moved_is_known_to_both_answers_widths() {
        let before = Ahead { low: -5, high: 10 };
        let now = Ahead {
            low: 980,
            high: 1000,
        };
        let moved = now.since(before);
        assert_eq!((moved.low, moved.high), (970, 1005));
        assert!(moved.holds(1000) && !moved.holds(969) && !moved.holds(1006));
        assert_eq!(moved.width(), now.width() + before.width());
    }
}
