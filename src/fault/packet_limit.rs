//! New connections to a node beyond a rate are dropped: asked against observed.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::{
    id::NodeName,
    net::{Admission, Counted, Knock, Knocked, Links},
    runtime::{NodeState, RuntimeError, journal},
    scenario::fault::PacketLimit,
};

use super::{
    Action, ActiveEffect, FaultContext, FaultError, Injected, Undone,
    active::reconnect,
    described::{Described, Seen, hits_primary},
    select::select,
};

/// How long a connection is waited for: the kernel sends its first packet again after a second.
const LIMIT: Duration = Duration::from_millis(700);
/// How often as many as may get through are tried, and how often at least, so that a slow machine still exceeds the limit.
const TIMES: f64 = 4.0;
const TIMES_MIN: f64 = 2.0;
/// How many are expected to get through while it is looked at, and the longest that may take for it, seconds.
const THROUGH: f64 = 5.0;
const LONGEST: f64 = 5.0;
/// How long it is looked whether there is no limit, seconds, and by how many connections at least.
const FREELY: f64 = 0.5;
const FREELY_MIN: u32 = 16;
/// How often it is looked at most.
const LOOKS: u32 = 3;
/// How often it is looked at most until one of ours gets through: under a low limit the clients' own may take every place of a look,
/// which happened in one of five, and once in five looks in a row.
const TURNS: u32 = 5;
/// How many connections a later look tries at most: a process may hold few.
const MOST: u32 = 160;
/// Which part of the limit must get through, of everyone's: it is no cut.
const LEAST: f64 = 0.8;

/// Nodes that let only so many new connections through.
#[derive(Debug)]
struct LimitEffect {
    admissions: Vec<Admission>,
    /// What new connections came to before.
    before: Vec<Knocked>,
    /// How many connections of before passed bytes, between all nodes and from the harness.
    held: usize,
}

#[async_trait]
impl Action for PacketLimit {
    async fn inject(&self, step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        let unsupported = || RuntimeError::Unsupported("links of this stack cannot be cut".into());
        let links = context.links.clone().ok_or_else(unsupported)?;
        let nodes = select(&self.node, context).await?;
        let primary_hit = hits_primary(&nodes, context).await;
        let admissions = nodes.iter().map(|node| Admission {
            node: node.clone(),
            ports: self.ports.clone(),
            per_second: self.rate.0 as u32,
        });
        let mut limited = LimitEffect {
            admissions: admissions.collect(),
            before: Vec::new(),
            held: held(&*links).await?,
        };
        let knocks = limited.admissions.iter().map(|one| (one, freely(one)));
        limited.before = knock(knocks, &*links).await?;
        context
            .write_ahead(&nodes, |node| journal::Effect::Cut { node })
            .await?;
        let admit = links.admit(step, &limited.admissions);
        let (at, result) = context.emitter.time(admit).await;
        result?;
        let injected = Described {
            means: "nftables `limit rate over` at the node that is connected to".into(),
            primary_hit,
            at,
        };
        Ok(injected.into(nodes, limited))
    }
}

#[async_trait]
impl ActiveEffect for LimitEffect {
    async fn verify(&self, context: &FaultContext) -> Seen {
        let mut seen = Seen::default();
        let Some(links) = &context.links else {
            seen.no("links cannot be probed".into());
            return seen;
        };
        if let Err(error) = look(self, &**links, &mut seen).await {
            seen.no(error.to_string());
        }
        seen
    }

    async fn undo(&self, step: usize, context: &FaultContext) -> Option<Undone> {
        let nodes: Vec<NodeName> = self.admissions.iter().map(|one| one.node.clone()).collect();
        let result = match reconnect(step, context).await {
            Ok(()) => self.lifted(context).await,
            failed => failed,
        };
        Some(Undone::of(&nodes, result))
    }
}

/// So many connections that the limit is exceeded several times, for as long as shows how many get through; `harder` times as many
/// up to [`MOST`].
fn against(admission: &Admission, harder: u32) -> Knock {
    let rate = f64::from(admission.per_second);
    let seconds = (THROUGH / rate).clamp(1.0, LONGEST);
    let count = (rate * TIMES * seconds).ceil() as u32;
    spread(count.max(MOST.min(count * harder)), seconds)
}

/// More connections than the limit lets through, in a short time.
fn freely(admission: &Admission) -> Knock {
    let count = admission.most(FREELY) * TIMES;
    spread((count as u32).max(FREELY_MIN), FREELY)
}

fn spread(count: u32, seconds: f64) -> Knock {
    Knock {
        count,
        gap: Duration::from_secs_f64(seconds) / count,
        limit: LIMIT,
    }
}

/// Whether more got through than the limit would let through.
fn is_free(admission: &Admission, knocked: &Knocked) -> bool {
    f64::from(knocked.answered) > admission.most(knocked.seconds) * TIMES_MIN
}

/// How many connections of before pass bytes.
async fn held(links: &dyn Links) -> Result<usize, RuntimeError> {
    let probes = links.probe(LIMIT).await?;
    Ok(probes.iter().filter(|probe| probe.established).count())
}

async fn knock<'a>(
    knocks: impl Iterator<Item = (&'a Admission, Knock)>,
    links: &dyn Links,
) -> Result<Vec<Knocked>, RuntimeError> {
    let all = knocks.map(|(admission, knock)| links.knock(&admission.node, knock));
    join_all(all).await.into_iter().collect()
}

/// As many new connections get through as asked, the others get no answer, and those of before pass bytes.
async fn look(
    limited: &LimitEffect,
    links: &dyn Links,
    seen: &mut Seen,
) -> Result<(), RuntimeError> {
    let held = held(links).await?;
    let text = format!(
        "{held} connections of before pass bytes ({} before)",
        limited.held
    );
    if held < limited.held {
        seen.no(text);
    } else {
        seen.yes(text);
    }
    let nodes = limited.admissions.iter().zip(&limited.before);
    let all = nodes.map(|(admission, before)| found(admission, *before, links));
    for (admission, found) in limited.admissions.iter().zip(join_all(all).await) {
        let (fits, text) = found?.judge(admission);
        let text = format!("{}: {text}", admission.node);
        if fits {
            seen.yes(text);
        } else {
            seen.no(text);
        }
    }
    Ok(())
}

/// What is seen at a node at the first look at which one of ours gets through, else at the last: each with twice as many
/// connections as the one before, for those who try most often get the places.
async fn found(
    admission: &Admission,
    before: Knocked,
    links: &dyn Links,
) -> Result<Found, RuntimeError> {
    let mut seen = at_node(admission, against(admission, 1), before, links).await?;
    for turn in 1..TURNS {
        if seen.now.answered > 0 {
            break;
        }
        let knock = against(admission, 1 << turn);
        seen = at_node(admission, knock, before, links).await?;
    }
    Ok(seen)
}

/// What becomes of these connections to a node, and what its filter counts meanwhile.
async fn at_node(
    admission: &Admission,
    knock: Knock,
    before: Knocked,
    links: &dyn Links,
) -> Result<Found, RuntimeError> {
    let node = &admission.node;
    let first = Counted::of(&links.rules(node).await?);
    let now = links.knock(node, knock).await?;
    let last = Counted::of(&links.rules(node).await?);
    Ok(Found {
        before,
        now,
        passed: last.passed_since(first),
        dropped: last.dropped_since(first),
    })
}

/// What was seen at one node.
#[derive(Debug, Clone, Copy)]
struct Found {
    before: Knocked,
    now: Knocked,
    /// First packets that got through and that were dropped meanwhile, of everyone, by the filter's own count.
    passed: u64,
    dropped: u64,
}

impl Found {
    fn judge(&self, asked: &Admission) -> (bool, String) {
        let Knocked {
            tried,
            answered,
            silent,
            seconds,
        } = self.now;
        let text = format!(
            "asked {} new connections a second; of {tried} within {seconds:.2} s {answered} passed bytes and {silent} got no \
             answer ({} of {} passed bytes before); the filter counted {} let through, with the clients' own, and {} dropped",
            asked.per_second, self.before.answered, self.before.tried, self.passed, self.dropped
        );
        let rate = f64::from(asked.per_second);
        let fits = is_free(asked, &self.before)
            && f64::from(tried) >= rate * seconds * TIMES_MIN
            && answered > 0
            && f64::from(answered) <= asked.most(seconds)
            && answered + silent == tried
            && self.dropped >= u64::from(silent)
            && self.passed as f64 >= (rate * seconds * LEAST - 1.0).max(f64::from(answered));
        (fits, text)
    }
}

impl LimitEffect {
    /// More new connections get through again than the limit let through, unless another fault is in force there.
    async fn lifted(&self, context: &FaultContext) -> Result<(), FaultError> {
        let Some(links) = &context.links else {
            return Ok(());
        };
        let mut first = Ok(());
        for admission in &self.admissions {
            let node = &admission.node;
            let runs = context.runtime.state(node).await == Ok(NodeState::Running);
            if !runs || links.rules(node).await.is_ok_and(|rules| !rules.is_empty()) {
                continue;
            }
            first = first.and(pass_freely(admission, &**links).await);
        }
        first
    }
}

/// As many pass bytes as there are, or more than the limit let through; on a busy machine at the second or third look.
async fn pass_freely(admission: &Admission, links: &dyn Links) -> Result<(), FaultError> {
    let mut last = Knocked::default();
    for _ in 0..LOOKS {
        last = links.knock(&admission.node, freely(admission)).await?;
        if last.answered == last.tried || is_free(admission, &last) {
            return Ok(());
        }
    }
    let node = admission.node.clone();
    Err(FaultError::Limited(node, last.answered, last.tried))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: u32 = 10;

    fn admission() -> Admission {
        Admission {
            node: NodeName::new("a"),
            ports: Vec::new(),
            per_second: ASKED,
        }
    }

    fn knocked(tried: u32, answered: u32, seconds: f64) -> Knocked {
        Knocked {
            tried,
            answered,
            silent: tried - answered,
            seconds,
        }
    }

    fn found() -> Found {
        Found {
            before: knocked(26, 26, 0.48),
            now: knocked(40, 10, 0.98),
            passed: 11,
            dropped: 31,
        }
    }

    fn fits(found: Found) -> bool {
        found.judge(&admission()).0
    }

    #[test]
    fn as_many_get_through_as_asked_and_the_others_get_no_answer() {
        assert!(fits(found()));
        let now = |now| Found { now, ..found() };
        assert!(!fits(now(knocked(40, 40, 0.98))), "no limit");
        assert!(!fits(now(knocked(40, 20, 0.98))), "twice the limit");
        assert!(!fits(now(knocked(40, 0, 0.98))), "a cut");
        let refused = Knocked {
            silent: 20,
            ..found().now
        };
        assert!(!fits(now(refused)), "some were refused");
        assert!(!fits(now(knocked(40, 10, 3.0))), "too slow to exceed it");
    }

    #[test]
    fn the_filter_must_have_counted_it_and_there_was_no_limit_before() {
        let counted = |passed, dropped| Found {
            passed,
            dropped,
            ..found()
        };
        assert!(!fits(counted(11, 29)), "lost elsewhere");
        assert!(!fits(counted(5, 31)), "less than asked");
        let before = |before| Found { before, ..found() };
        assert!(!fits(before(knocked(26, 7, 0.48))), "as few before");
    }

    #[test]
    fn a_limit_is_exceeded_without_more_connections_than_a_process_may_hold() {
        for per_second in [1, 2, 5, 50] {
            let admission = Admission {
                per_second,
                ..admission()
            };
            for knock in [
                against(&admission, 1),
                against(&admission, 16),
                freely(&admission),
            ] {
                let seconds = (knock.gap * knock.count).as_secs_f64();
                let wanted = admission.most(seconds) * TIMES_MIN;
                assert!(f64::from(knock.count) > wanted, "{per_second}: {knock:?}");
                assert!(knock.count <= 200, "{per_second}: {knock:?}");
            }
        }
    }
}
