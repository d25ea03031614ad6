//! Packets that a node sends are late, lost, repeated, damaged, overtaken or slow: asked against observed.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::{
    id::NodeName,
    net::{Links, PathFigures, Ping, Push, Shape, Shaping},
    record::MemberKind,
    runtime::{RuntimeError, journal},
    scenario::{Path, Reach},
};

use super::{
    ActiveEffect, FaultContext, FaultError, Injected, Undone,
    active::reconnect,
    described::{Seen, hits_primary},
    late::{DEVIATIONS, Late, NOISE_MS},
    partition::addresses,
    select::select,
};

/// How long bytes are pushed through a path to measure its bandwidth.
const STREAM: Duration = Duration::from_secs(1);
/// How much more than what is asked for is pushed: enough to see the difference, too little to starve the machine.
const PUSHED: f64 = 3.0;
/// From how many sockets datagrams are sent where their delay is spread, and how many jitters those of one are apart: one
/// that must not overtake the one before it would be later than its own delay.
const FLOWS: u32 = 64;
const APART: u32 = 4;
/// How many datagrams of a share there are to be on average, so that chance alone does not hide it.
const HITS: f64 = 20.0;

/// Paths whose packets fare badly, and how they fared before.
#[derive(Debug)]
struct PacketsEffect {
    how: Shaping,
    /// From whom to whom (the harness without a name), and how often a round trip meets it.
    paths: Vec<(NodeName, Option<NodeName>, u32)>,
    before: Vec<PathFigures>,
    /// Bits a second of each path before, where that is what changes.
    bits: Vec<f64>,
}

#[async_trait]
impl ActiveEffect for PacketsEffect {
    async fn verify(&self, context: &FaultContext) -> Seen {
        look(self, context).await
    }

    async fn undo(&self, step: usize, context: &FaultContext) -> Option<Undone> {
        let mut nodes: Vec<NodeName> = self.paths.iter().map(|(node, ..)| node.clone()).collect();
        nodes.dedup();
        Some(Undone::of(&nodes, reconnect(step, context).await))
    }
}

/// Treats the packets badly.
pub(super) async fn shape(
    path: &Path,
    how: Shaping,
    step: usize,
    context: &FaultContext,
) -> Result<Injected, FaultError> {
    let unsupported = || RuntimeError::Unsupported("packets of this stack cannot be shaped".into());
    let links = context.links.clone().ok_or_else(unsupported)?;
    let nodes = select(&path.node, context).await?;
    let primary_hit = hits_primary(&nodes, context).await;
    let paths = paths(path, &nodes, context).await?;
    let addresses = addresses(context);
    let shapes: Vec<Shape> = nodes
        .iter()
        .map(|node| shape_of(node, path, how, &paths, &addresses, links.harness_address()))
        .collect();
    let mut shaped = PacketsEffect {
        how,
        paths,
        before: Vec::new(),
        bits: Vec::new(),
    };
    (shaped.before, shaped.bits) = shaped.measure(&*links).await?;
    context
        .write_ahead(&nodes, |node| journal::Effect::Cut { node })
        .await?;
    let (at, result) = context.emitter.time(links.shape(step, &shapes)).await;
    result?;
    Ok(Injected {
        victims: nodes,
        primary_hit,
        means: links.means_of(&how).into(),
        at,
        effect: Arc::new(shaped),
    })
}

/// The paths meant. A round trip between two nodes that both send badly meets it twice.
async fn paths(
    path: &Path,
    nodes: &[NodeName],
    context: &FaultContext,
) -> Result<Vec<(NodeName, Option<NodeName>, u32)>, FaultError> {
    let members = context.members();
    let of = |fits: &dyn Fn(MemberKind) -> bool| -> Vec<Option<NodeName>> {
        let own = members.iter().filter(|member| !member.is_beside(members));
        let fitting = own.filter(|member| fits(member.kind));
        fitting.map(|member| Some(member.name.clone())).collect()
    };
    let to: Vec<Option<NodeName>> = match &path.to {
        Reach::Everyone => of(&|_| true).into_iter().chain([None]).collect(),
        Reach::Clients => of(&|kind| kind == MemberKind::Route)
            .into_iter()
            .chain([None])
            .collect(),
        Reach::Nodes(selector) => select(selector, context)
            .await?
            .into_iter()
            .map(Some)
            .collect(),
    };
    let mut paths = Vec::new();
    for node in nodes {
        for peer in to.iter().filter(|peer| peer.as_ref() != Some(node)) {
            let back = peer.as_ref().is_some_and(|peer| nodes.contains(peer))
                && to.contains(&Some(node.clone()));
            paths.push((node.clone(), peer.clone(), 1 + u32::from(back)));
        }
    }
    if paths.is_empty() {
        return Err(FaultError::NoVictim(path.to.to_string()));
    }
    Ok(paths)
}

fn shape_of(
    node: &NodeName,
    path: &Path,
    how: Shaping,
    paths: &[(NodeName, Option<NodeName>, u32)],
    addresses: &BTreeMap<&NodeName, IpAddr>,
    harness: Option<IpAddr>,
) -> Shape {
    let own = paths.iter().filter(|(from, ..)| from == node);
    let to = own.filter_map(|(_, peer, _)| match peer {
        Some(peer) => addresses.get(peer).copied(),
        None => harness,
    });
    Shape {
        node: node.clone(),
        to: to.collect(),
        ports: path.ports.clone(),
        how,
    }
}

impl PacketsEffect {
    fn ping(&self) -> Ping {
        let slow = |held: Duration| Ping {
            count: 200,
            gap: Duration::from_millis(4),
            limit: held * 2 + Duration::from_millis(400),
            flows: 1,
        };
        match self.how {
            Shaping::Latency {
                delay,
                jitter,
                distribution,
            } => {
                let ping = slow(delay + jitter.mul_f64(distribution.reach()));
                let gap = ping.gap.max(jitter * APART / FLOWS);
                let flows = FLOWS;
                Ping { gap, flows, ..ping }
            }
            Shaping::Reorder { hold, .. } => slow(hold),
            Shaping::Bandwidth(_) => slow(Duration::ZERO),
            Shaping::Loss(share) | Shaping::Duplicate(share) | Shaping::Corrupt(share) => Ping {
                // At most 2000 for 1 %, at least 200.
                count: (HITS / share).clamp(200.0, 2000.0) as u32,
                gap: Duration::from_millis(2),
                limit: Duration::from_millis(400),
                flows: 1,
            },
        }
    }

    fn nodes(&self) -> Vec<&NodeName> {
        let mut nodes: Vec<&NodeName> = self.paths.iter().map(|(node, ..)| node).collect();
        nodes.dedup();
        nodes
    }

    /// All paths of the nodes meant, by datagrams; and by bytes where the bandwidth is asked for.
    async fn measure(
        &self,
        links: &dyn Links,
    ) -> Result<(Vec<PathFigures>, Vec<f64>), RuntimeError> {
        let mut bits = Vec::new();
        if let Shaping::Bandwidth(asked) = self.how {
            let push = Push {
                time: STREAM,
                bits: asked as f64 * PUSHED,
            };
            for (node, peer, _) in &self.paths {
                bits.push(links.throughput(node, peer.as_ref(), push).await?);
            }
            return Ok((Vec::new(), bits));
        }
        let ping = self.ping();
        let nodes = self.nodes();
        let asked = nodes.iter().map(|node| links.measure(node, ping));
        let figures: Result<Vec<_>, _> = join_all(asked).await.into_iter().collect();
        Ok((figures?.into_iter().flatten().collect(), bits))
    }

    fn crossings(&self, figures: &PathFigures) -> u32 {
        let own = self
            .paths
            .iter()
            .find(|(node, peer, _)| *node == figures.node && *peer == figures.peer);
        own.map_or(0, |(_, _, crossings)| *crossings)
    }

    fn earlier(&self, figures: &PathFigures) -> Option<&PathFigures> {
        let same = |other: &&PathFigures| other.node == figures.node && other.peer == figures.peer;
        self.before.iter().find(same)
    }

    /// The path's median before, in milliseconds.
    fn before(&self, figures: &PathFigures) -> f64 {
        let median = self.earlier(figures).and_then(PathFigures::ms);
        median.map_or(0.0, |(_, median, _)| median)
    }

    /// Which share was lost before: another fault may be in force.
    fn lost_before(&self, figures: &PathFigures) -> f64 {
        self.earlier(figures).map_or(0.0, |found| {
            f64::from(found.lost()) / f64::from(found.sent.max(1))
        })
    }
}

/// Each path meant fares as asked, and the others as before.
async fn look(shaped: &PacketsEffect, context: &FaultContext) -> Seen {
    let mut seen = Seen::default();
    let Some(links) = &context.links else {
        seen.no("links cannot be probed".into());
        return seen;
    };
    let damaged = damaged(shaped, &**links).await;
    let (figures, bits) = match shaped.measure(&**links).await {
        Ok(measured) => measured,
        Err(error) => {
            seen.no(error.to_string());
            return seen;
        }
    };
    if let Shaping::Bandwidth(asked) = shaped.how {
        for (((node, peer, _), bits), before) in shaped.paths.iter().zip(bits).zip(&shaped.bits) {
            judge_bandwidth(
                &path_name(node, peer.as_ref()),
                asked,
                bits,
                *before,
                &mut seen,
            );
        }
    }
    let mut spared = 0;
    for path in &figures {
        match shaped.crossings(path) {
            0 => spared += u32::from(judge_spared(shaped, path, &mut seen)),
            crossings => judge(shaped, path, crossings, &mut seen),
        }
    }
    if spared > 0 {
        seen.yes(format!("{spared} other paths are as before"));
    }
    if let Shaping::Corrupt(_) = shaped.how {
        let after = self::damaged(shaped, &**links).await;
        let thrown = after.saturating_sub(damaged);
        let text = format!(
            "the nodes at the other ends threw {thrown} datagrams away for a wrong checksum"
        );
        let to_nodes = shaped.paths.iter().any(|(_, peer, _)| peer.is_some());
        if thrown == 0 && to_nodes {
            seen.no(text);
        } else if to_nodes {
            seen.yes(text);
        }
    }
    seen
}

/// How many datagrams the nodes at the other ends have thrown away for a wrong checksum.
async fn damaged(shaped: &PacketsEffect, links: &dyn Links) -> u64 {
    if !matches!(shaped.how, Shaping::Corrupt(_)) {
        return 0;
    }
    let mut peers: Vec<&NodeName> = shaped
        .paths
        .iter()
        .filter_map(|(_, peer, _)| peer.as_ref())
        .collect();
    peers.sort();
    peers.dedup();
    let counts = join_all(peers.into_iter().map(|peer| links.damaged(peer))).await;
    counts.into_iter().map(|count| count.unwrap_or(0)).sum()
}

fn path_name(node: &NodeName, peer: Option<&NodeName>) -> String {
    format!(
        "{node} to {}",
        peer.map_or("the harness", |peer| peer.as_str())
    )
}

fn judge_bandwidth(path: &str, asked: u64, bits: f64, before: f64, seen: &mut Seen) {
    let mega = |bits: f64| bits / 1e6;
    let asked = asked as f64;
    let text = format!(
        "{path}: asked {:.2} Mbit/s, observed {:.2} ({:.2} of {:.2} pushed before)",
        mega(asked),
        mega(bits),
        mega(before),
        mega(asked * PUSHED)
    );
    // The clients' own bytes share the path; the network's headers do not count as bytes here.
    if (0.5..=1.1).contains(&(bits / asked)) && before > asked * 1.5 {
        seen.yes(text);
    } else {
        seen.no(text);
    }
}

fn judge_spared(shaped: &PacketsEffect, path: &PathFigures, seen: &mut Seen) -> bool {
    let rise = path
        .ms()
        .map_or(f64::INFINITY, |(_, median, _)| median - shaped.before(path));
    let (sent, before) = (f64::from(path.sent), shaped.lost_before(path));
    let most = sent * before + DEVIATIONS * (sent * before * 2.0).sqrt() + sent / 50.0;
    let fine = rise < NOISE_MS && f64::from(path.lost()) <= most;
    if !fine {
        seen.no(format!(
            "{}, which was not meant: {} of {} datagrams lost, {rise:.1} ms later",
            path_name(&path.node, path.peer.as_ref()),
            path.lost(),
            path.sent
        ));
    }
    fine
}

fn judge(shaped: &PacketsEffect, path: &PathFigures, crossings: u32, seen: &mut Seen) {
    let name = path_name(&path.node, path.peer.as_ref());
    let often = |share: f64| 1.0 - (1.0 - share).powi(i32::try_from(crossings).unwrap_or(1));
    let (text, fine) = match shaped.how {
        Shaping::Latency {
            delay,
            jitter,
            distribution,
        } => {
            let asked = Late {
                delay,
                jitter,
                distribution,
                crossings,
            };
            asked.judge(path, shaped.before(path))
        }
        Shaping::Loss(share) | Shaping::Corrupt(share) => {
            let kept = (1.0 - often(share)) * (1.0 - shaped.lost_before(path));
            counted("lost", 1.0 - kept, path.lost(), path.sent)
        }
        Shaping::Duplicate(share) => counted("came twice", often(share), path.again, path.answered),
        Shaping::Reorder { share, .. } => {
            // One that is held may be held among others that are held, and is overtaken all the same.
            counted(
                "were overtaken",
                often(share),
                path.overtaken,
                path.answered,
            )
        }
        Shaping::Bandwidth(_) => return,
    };
    let text = format!("{name}: {text}");
    if fine { seen.yes(text) } else { seen.no(text) }
}

fn counted(what: &str, share: f64, count: u32, of: u32) -> (String, bool) {
    let (n, mean) = (f64::from(of), share * f64::from(of));
    let spread = DEVIATIONS * (n * share * (1.0 - share)).sqrt();
    let text = format!(
        "asked {:.1} %, observed {:.1} %: {count} of {of} {what}",
        share * 100.0,
        f64::from(count) / n.max(1.0) * 100.0
    );
    let fine = count > 0 && (f64::from(count) - mean).abs() <= spread + n / 200.0;
    (text, fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_must_be_what_chance_leaves_of_what_was_asked() {
        assert!(counted("lost", 0.1, 21, 200).1);
        assert!(!counted("lost", 0.1, 0, 200).1);
        assert!(!counted("lost", 0.1, 60, 200).1);
        assert!(
            counted("lost", 0.1, 18, 200)
                .0
                .starts_with("asked 10.0 %, observed 9.0 %")
        );
    }

    #[test]
    fn a_bandwidth_that_was_not_narrower_before_is_seen() {
        let judged = |bits, before| {
            let mut seen = Seen::default();
            judge_bandwidth("a to b", 8_000_000, bits, before, &mut seen);
            seen.effect(0).state == crate::record::EffectState::Verified
        };
        assert!(judged(7.6e6, 4e8));
        assert!(!judged(9e7, 4e8));
        assert!(!judged(1e6, 4e8));
        assert!(!judged(7.6e6, 7.7e6));
    }
}
