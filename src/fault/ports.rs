//! A partition of some ports only: what new connections to them come to, before and after.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    id::NodeName,
    net::{Dial, Links},
    runtime::RuntimeError,
    scenario::{Direction, Refuse, fault::Partition},
};

use super::{FaultContext, FaultError, described::Seen};

/// A connection without an answer within this time counts as cut. Between containers of one machine it takes well
/// under a millisecond; a first retransmission takes a second.
const DIAL_LIMIT: Duration = Duration::from_millis(600);

/// Ports that are cut between nodes.
#[derive(Debug)]
pub(super) struct PortCut {
    /// Pairs that lose each other; without a second node the harness is meant.
    pairs: Vec<(NodeName, Option<NodeName>)>,
    /// What the lost connections must come to; any end but success without it.
    ends: Option<Dial>,
    /// Connections that could be had before: from whom (the harness without a name), to whom, which port.
    open: Vec<Connection>,
}

type Connection = (Option<NodeName>, NodeName, u16);

/// Finds out which of the ports are open on which paths.
pub(super) async fn before(
    partition: &Partition,
    pairs: Vec<(NodeName, Option<NodeName>)>,
    links: &dyn Links,
    context: &FaultContext,
) -> Result<PortCut, FaultError> {
    let nodes: Vec<NodeName> = context.members().iter().map(|m| m.name.clone()).collect();
    let ports = &partition.ports;
    let senders = nodes.iter().cloned().map(Some).chain([None]);
    let all: Vec<Connection> = senders
        .flat_map(|from| {
            let others = nodes.iter().filter(|to| Some(*to) != from.as_ref());
            let each = others.flat_map(|to| ports.iter().map(|port| (to.clone(), *port)));
            each.map(|(to, port)| (from.clone(), to, port))
                .collect::<Vec<_>>()
        })
        .collect();
    let dials = dial(&all, links).await?;
    let open = all.into_iter().zip(dials);
    let open: Vec<Connection> = open
        .filter(|(_, dial)| *dial == Dial::Open)
        .map(|(connection, _)| connection)
        .collect();
    let cut = PortCut {
        pairs,
        ends: match (partition.direction, partition.how) {
            (Direction::Both, Refuse::Reject) => Some(Dial::Refused),
            (Direction::Both, Refuse::Drop) => Some(Dial::Silent),
            _ => None,
        },
        open,
    };
    if cut.open.iter().any(|connection| cut.means(connection)) {
        return Ok(cut);
    }
    let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
    Err(FaultError::NoPort(ports.join(", ")))
}

impl PortCut {
    fn means(&self, (from, to, _): &Connection) -> bool {
        self.pairs.iter().any(|(one, other)| match (from, other) {
            (Some(from), Some(other)) => {
                (from == one && to == other) || (from == other && to == one)
            }
            (None, None) => to == one,
            _ => false,
        })
    }
}

/// Tries all connections, those of one sender together.
async fn dial(all: &[Connection], links: &dyn Links) -> Result<Vec<Dial>, RuntimeError> {
    let senders: BTreeSet<&Option<NodeName>> = all.iter().map(|(from, ..)| from).collect();
    let mut dials = vec![Dial::Silent; all.len()];
    let asked = senders.into_iter().map(|sender| async move {
        let own = |(from, ..): &&Connection| from == sender;
        let targets: Vec<(NodeName, u16)> = all
            .iter()
            .filter(own)
            .map(|(_, to, port)| (to.clone(), *port))
            .collect();
        let found = links.dial(sender.as_ref(), &targets, DIAL_LIMIT).await?;
        Ok::<_, RuntimeError>((sender, found))
    });
    for answer in futures_util::future::join_all(asked).await {
        let (sender, found) = answer?;
        let own = all.iter().zip(&mut dials);
        let own = own.filter(|((from, ..), _)| from == sender);
        own.zip(found).for_each(|((_, dial), found)| *dial = found);
    }
    Ok(dials)
}

/// The connections meant end as they should, and all others can be had as before, on other ports too.
pub(super) async fn look(cut: &PortCut, context: &FaultContext) -> Seen {
    let mut seen = Seen::default();
    let Some(links) = &context.links else {
        seen.no("links cannot be probed".into());
        return seen;
    };
    match dial(&cut.open, &**links).await {
        Ok(dials) => judge(cut, &dials, &mut seen),
        Err(error) => seen.no(error.to_string()),
    }
    match links.probe(DIAL_LIMIT).await {
        Ok(probes) => {
            let alive = probes
                .iter()
                .filter(|probe| probe.established && probe.fresh)
                .count();
            let text = format!(
                "{alive} of {} links pass bytes on another port",
                probes.len()
            );
            if alive == probes.len() {
                seen.yes(text);
            } else {
                seen.no(text);
            }
        }
        Err(error) => seen.no(error.to_string()),
    }
    seen
}

fn judge(cut: &PortCut, dials: &[Dial], seen: &mut Seen) {
    let (mut ended, mut had) = (0, 0);
    for (connection, dial) in cut.open.iter().zip(dials) {
        let (from, to, port) = connection;
        let from = from.as_ref().map_or("the harness", |from| from.as_str());
        match (cut.means(connection), dial) {
            (false, Dial::Open) => had += 1,
            (false, _) => seen.no(format!(
                "{from} cannot connect to {to} on port {port}, which was not intended"
            )),
            (true, Dial::Open) => seen.no(format!("{from} still connects to {to} on port {port}")),
            (true, end) if cut.ends.is_some_and(|wanted| wanted != *end) => {
                seen.no(format!("{from} to {to} on port {port} was {end:?}"));
            }
            (true, _) => ended += 1,
        }
    }
    let how = match cut.ends {
        Some(Dial::Refused) => "are refused",
        Some(Dial::Silent) => "get no answer",
        _ => "cannot be had",
    };
    seen.yes(format!(
        "{ended} new connections as intended {how}, {had} others are accepted as before"
    ));
}
