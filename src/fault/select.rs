//! From a role to the nodes that hold it when the step starts.

use crate::{
    id::NodeName,
    record::MemberKind,
    scenario::{Condition, Selector, Victim},
    system::SystemError,
};

use super::{FaultContext, FaultError};

/// The nodes that a selector chooses now.
///
/// # Errors
/// When it chooses nobody, or more than may be out of service, or nobody can be asked who is primary.
pub async fn select(
    selector: &Selector,
    context: &FaultContext,
) -> Result<Vec<NodeName>, FaultError> {
    let data = || {
        let members = context.members().iter();
        members
            .filter(|member| member.kind == MemberKind::Data)
            .map(|member| member.name.clone())
    };
    let replicas = |primary: NodeName| data().filter(move |name| *name != primary);
    let chosen: Vec<NodeName> = match selector {
        Selector::Primary => vec![context.system.primary().await?],
        Selector::Replica(None) => replicas(context.system.primary().await?).collect(),
        Selector::Replica(Some(index)) => replicas(context.system.primary().await?)
            .nth(*index)
            .into_iter()
            .collect(),
        Selector::All => data().collect(),
        Selector::Controller => controller(context).await?,
        Selector::Coordinator => vec![coordinator(context).await?],
        Selector::OldPrimary => vec![context.first_primary.clone()],
        Selector::PrimaryOf(shard) => {
            primary_of(*shard, &context.system.primaries().await?, context)
        }
        Selector::ReplicasOf(shard) => {
            let primary = primary_of(*shard, &context.system.primaries().await?, context);
            let members = members_of(*shard, context);
            members
                .into_iter()
                .filter(|name| !primary.contains(name))
                .collect()
        }
        Selector::Shard(shard) => members_of(*shard, context),
        Selector::Primaries(part) => {
            let mut primaries = context.system.primaries().await?;
            primaries.truncate(part.of(primaries.len()));
            primaries
        }
        Selector::Region(name) => {
            let listed = context.regions.get(name);
            expand_hosts(listed.map_or(&[], Vec::as_slice), context)
        }
        Selector::Named(name) => {
            let named = context
                .members()
                .iter()
                .find(|member| member.name.as_str() == name);
            named
                .map(|member| member.name.clone())
                .into_iter()
                .collect()
        }
    };
    if chosen.is_empty() {
        return Err(FaultError::NoVictim(selector.to_string()));
    }
    if let Some(permit) = &context.permit {
        permit.admits(&chosen)?;
    }
    Ok(chosen)
}

/// The members of a shard.
fn members_of(shard: u16, context: &FaultContext) -> Vec<NodeName> {
    let shards = context.system.stack().shards.iter();
    let own = shards.filter(|own| own.number == shard);
    own.flat_map(|own| own.members.clone()).collect()
}

/// The one of these primaries that is a member of the shard.
fn primary_of(shard: u16, primaries: &[NodeName], context: &FaultContext) -> Vec<NodeName> {
    let members = members_of(shard, context);
    let own = primaries.iter().filter(|name| members.contains(name));
    own.cloned().collect()
}

/// The nodes on the machine of whoever leads those that decide: the active controller, the primary of config servers.
async fn controller(context: &FaultContext) -> Result<Vec<NodeName>, FaultError> {
    let none = || SystemError::Refused("this stack has no controllers".into());
    let plane = context.system.control_plane().ok_or_else(none)?;
    let host = plane.leader_host().await?;
    let members = context.members().iter();
    let there = members.filter(|m| m.host == host);
    Ok(there.map(|member| member.name.clone()).collect())
}

/// The node that coordinates the consumer group.
async fn coordinator(context: &FaultContext) -> Result<NodeName, FaultError> {
    let none = || SystemError::Refused("there is no consumer group to coordinate".into());
    let group = context.group.as_ref().ok_or_else(none)?;
    let node = group.coordinator().await?;
    context
        .emitter
        .note(format!("{node} coordinates the consumer group"));
    Ok(node)
}

/// The nodes of a process fault: the chosen ones and all that share their machines, after roles that
/// the scenario speaks of have been moved away or there.
pub async fn victims(victim: &Victim, context: &FaultContext) -> Result<Vec<NodeName>, FaultError> {
    let chosen = select(&victim.node, context).await?;
    arrange(victim, &chosen, context).await?;
    Ok(expand_hosts(&chosen, context))
}

/// The given nodes and all members on their machines, in the stack's order.
pub fn expand_hosts(nodes: &[NodeName], context: &FaultContext) -> Vec<NodeName> {
    let members = context.members();
    let hosts: Vec<&str> = members
        .iter()
        .filter(|m| nodes.contains(&m.name))
        .map(|m| m.host.as_str())
        .collect();
    members
        .iter()
        .filter(|m| hosts.contains(&m.host.as_str()))
        .map(|m| m.name.clone())
        .collect()
}

/// The members that stand in the network of another one, and have none of their own.
pub(super) fn beside(context: &FaultContext) -> Vec<NodeName> {
    let members = context.members();
    let beside = members.iter().filter(|one| one.is_beside(members));
    beside.map(|one| one.name.clone()).collect()
}

async fn arrange(
    victim: &Victim,
    chosen: &[NodeName],
    context: &FaultContext,
) -> Result<(), FaultError> {
    if victim.unless.is_none() && victim.and.is_none() {
        return Ok(());
    }
    let none = || SystemError::Refused("this stack has no etcd on its machines".into());
    let plane = context.system.control_plane().ok_or_else(none)?;
    let members = context.members();
    let own: Vec<&str> = members
        .iter()
        .filter(|m| chosen.contains(&m.name))
        .map(|m| m.host.as_str())
        .collect();
    let leader = plane.leader_host().await?;
    let held = own.contains(&leader.as_str());
    if victim.unless == Some(Condition::EtcdLeader) && held {
        let control = members.iter().filter(|m| m.kind == MemberKind::Control);
        let other = control
            .map(|m| m.host.as_str())
            .find(|host| !own.contains(host));
        plane.move_leader(other.ok_or_else(none)?).await?;
    }
    if victim.and == Some(Condition::EtcdLeader) && !held {
        plane.move_leader(own.first().ok_or_else(none)?).await?;
    }
    let leader = plane.leader_host().await?;
    let wanted = victim.and == Some(Condition::EtcdLeader);
    if own.contains(&leader.as_str()) == wanted {
        context
            .emitter
            .note(format!("the etcd leader is on {leader}"));
        Ok(())
    } else {
        Err(SystemError::Refused(format!(
            "the etcd leader is on {leader} and could not be moved"
        ))
        .into())
    }
}
