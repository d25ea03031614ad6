//! Packets dropped between groups of nodes.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;

use crate::{
    id::NodeName,
    net::{Grudge, LinkProbe, Refusal},
    record::MemberKind,
    runtime::{NodeState, RuntimeError, journal},
    scenario::{ClientPlace, Direction, Refuse, fault::Partition},
};

use super::{
    Action, ActiveEffect, FaultContext, FaultError, Injected, Undone,
    active::reconnect,
    described::Seen,
    ports::{self, PortCut},
    select::{beside, expand_hosts, select},
};

/// A link without an answer within this time counts as cut. Bytes between containers of one machine
/// take well under a millisecond; a first retransmission takes 200 ms.
const PROBE_LIMIT: Duration = Duration::from_millis(600);

/// Links that were cut, by the nodes where that is, and what is to be seen of it.
#[derive(Debug)]
struct PartitionEffect {
    cut: Vec<NodeName>,
    shows: Shows,
}

/// How a cut shows.
#[derive(Debug)]
enum Shows {
    /// These pairs lose each other, and no others do; without a second node the harness is meant.
    Links(Vec<(NodeName, Option<NodeName>)>),
    /// New connections to ports end as they should.
    Ports(PortCut),
}

#[async_trait]
impl Action for Partition {
    async fn inject(&self, step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        cut(self, step, context).await
    }
}

#[async_trait]
impl ActiveEffect for PartitionEffect {
    async fn verify(&self, context: &FaultContext) -> Seen {
        match &self.shows {
            Shows::Links(pairs) => look(pairs, context).await,
            Shows::Ports(cut) => ports::look(cut, context).await,
        }
    }

    async fn undo(&self, step: usize, context: &FaultContext) -> Option<Undone> {
        Some(Undone::of(&self.cut, reconnect(step, context).await))
    }
}

/// Cuts the links.
async fn cut(
    partition: &Partition,
    step: usize,
    context: &FaultContext,
) -> Result<Injected, FaultError> {
    let unsupported = || RuntimeError::Unsupported("links of this stack cannot be cut".into());
    let links = context.links.clone().ok_or_else(unsupported)?;
    let (near, far) = groups(partition, context).await?;
    let primaries = context.system.primaries().await.unwrap_or_default();
    let harness = links.harness_address();
    // Packets between two nodes are dropped at the first one; those of the clients at the nodes that they lose.
    let with = |wanted: ClientPlace| harness.filter(|_| partition.clients == wanted);
    let mut grudges = grudges(
        partition.direction,
        &near,
        &far,
        with(ClientPlace::Cut),
        context,
    );
    let from_clients = with(ClientPlace::Isolated).into_iter();
    grudges.extend(from_clients.flat_map(|harness| {
        let drop = move |node: &NodeName| whole(node, vec![harness], vec![harness]);
        far.iter().map(drop)
    }));
    for grudge in &mut grudges {
        grudge.ports.clone_from(&partition.ports);
        grudge.refusal = match partition.how {
            Refuse::Drop => Refusal::Drop,
            Refuse::Reject => Refusal::Reject,
        };
    }
    let pairs = pairs(partition.clients, harness.is_some(), &near, &far);
    let shows = if partition.ports.is_empty() {
        Shows::Links(pairs)
    } else {
        Shows::Ports(ports::before(partition, pairs, &*links, context).await?)
    };
    let cut: Vec<NodeName> = grudges.iter().map(|grudge| grudge.node.clone()).collect();
    context
        .write_ahead(&cut, |node| journal::Effect::Cut { node })
        .await?;
    let (at, result) = context.emitter.time(links.cut(step, &grudges)).await;
    result?;
    Ok(Injected {
        primary_hit: primaries.iter().any(|primary| near.contains(primary)),
        victims: near,
        means: links.means().into(),
        at,
        effect: Arc::new(PartitionEffect { cut, shows }),
    })
}

/// Who loses whom; without a second node the harness is meant.
fn pairs(
    clients: ClientPlace,
    harness: bool,
    near: &[NodeName],
    far: &[NodeName],
) -> Vec<(NodeName, Option<NodeName>)> {
    let mut pairs: Vec<(NodeName, Option<NodeName>)> = Vec::new();
    for one in near {
        pairs.extend(far.iter().map(|other| (one.clone(), Some(other.clone()))));
    }
    let lost = match clients {
        ClientPlace::Cut if harness => near,
        ClientPlace::Isolated if harness => far,
        _ => &[],
    };
    pairs.extend(lost.iter().map(|one| (one.clone(), None)));
    pairs
}

/// The two sides. The machines of the first group are cut as a whole. What leads the clients to the primary
/// stands with them, and keeps reaching everyone where they do.
async fn groups(
    partition: &Partition,
    context: &FaultContext,
) -> Result<(Vec<NodeName>, Vec<NodeName>), FaultError> {
    let wrong = || FaultError::NoVictim("partition".into());
    let (mut near, far) = match (&partition.isolate, &partition.between) {
        (Some(isolated), _) => (
            expand_hosts(&select(isolated, context).await?, context),
            None,
        ),
        (None, Some((one, other))) => (
            select(one, context).await?,
            Some(select(other, context).await?),
        ),
        (None, None) => return Err(wrong()),
    };
    if partition.clients == ClientPlace::Isolated {
        let routes = context.members().iter();
        let routes = routes.filter(|member| member.kind == MemberKind::Route);
        near.extend(routes.map(|member| member.name.clone()));
    }
    // What stands in a node's network is cut with it.
    let beside = beside(context);
    near.retain(|name| !beside.contains(name));
    let rest = || {
        let kept = |kind| kind == MemberKind::Route && partition.clients == ClientPlace::Keep;
        let others = context
            .members()
            .iter()
            .filter(|member| !near.contains(&member.name));
        others
            .filter(|member| !kept(member.kind))
            .map(|member| member.name.clone())
            .collect()
    };
    let far: Vec<NodeName> = far.unwrap_or_else(rest);
    let far: Vec<NodeName> = far
        .into_iter()
        .filter(|name| !near.contains(name) && !beside.contains(name))
        .collect();
    if far.is_empty() {
        Err(wrong())
    } else {
        Ok((near, far))
    }
}

fn whole(node: &NodeName, incoming_from: Vec<IpAddr>, outgoing_to: Vec<IpAddr>) -> Grudge {
    Grudge {
        node: node.clone(),
        incoming_from,
        outgoing_to,
        ports: Vec::new(),
        refusal: Refusal::Drop,
    }
}

/// Where members are reached.
pub(super) fn addresses(context: &FaultContext) -> BTreeMap<&NodeName, IpAddr> {
    let members = context.members().iter();
    members
        .filter_map(|member| {
            let (address, _) = member.address.rsplit_once(':')?;
            Some((&member.name, address.parse().ok()?))
        })
        .collect()
}

fn grudges(
    direction: Direction,
    near: &[NodeName],
    far: &[NodeName],
    harness: Option<IpAddr>,
    context: &FaultContext,
) -> Vec<Grudge> {
    let addresses = addresses(context);
    let mut others: Vec<IpAddr> = far
        .iter()
        .filter_map(|name| addresses.get(name).copied())
        .collect();
    others.extend(harness);
    let unless = |other| {
        if direction == other {
            Vec::new()
        } else {
            others.clone()
        }
    };
    near.iter()
        .map(|node| whole(node, unless(Direction::Out), unless(Direction::In)))
        .collect()
}

/// Exactly the intended links are dead, on connections opened before and now, and all others live.
async fn look(pairs: &[(NodeName, Option<NodeName>)], context: &FaultContext) -> Seen {
    let mut seen = Seen::default();
    let Some(links) = &context.links else {
        seen.no("links cannot be probed".into());
        return seen;
    };
    let probes = match links.probe(PROBE_LIMIT).await {
        Ok(probes) => probes,
        Err(error) => {
            seen.no(error.to_string());
            return seen;
        }
    };
    let mut down = BTreeSet::new();
    for member in context.members() {
        if !matches!(
            context.runtime.state(&member.name).await,
            Ok(NodeState::Running)
        ) {
            down.insert(member.name.clone());
        }
    }
    let intended = |probe: &LinkProbe| {
        pairs.iter().any(|(one, other)| match (&probe.to, other) {
            (Some(to), Some(other)) => {
                (probe.from == *one && to == other) || (probe.from == *other && to == one)
            }
            (None, None) => probe.from == *one,
            _ => false,
        })
    };
    let (mut dead, mut alive) = (0, 0);
    for probe in &probes {
        let to = probe.to.as_ref().map_or("the harness", |to| to.as_str());
        let at_rest =
            down.contains(&probe.from) || probe.to.as_ref().is_some_and(|to| down.contains(to));
        match (intended(probe), probe.established, probe.fresh) {
            (true, false, false) => dead += 1,
            (true, ..) => seen.no(format!("{} still reaches {to}", probe.from)),
            (false, true, true) => alive += 1,
            (false, ..) if at_rest => {}
            (false, ..) => seen.no(format!(
                "{} does not reach {to}, which was not intended",
                probe.from
            )),
        }
    }
    let text = format!("{dead} links as intended pass no bytes, {alive} others do");
    if dead == 0 {
        seen.no(text)
    } else {
        seen.yes(text)
    }
    seen
}
