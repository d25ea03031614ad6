//! From a role to the nodes that hold it when the step starts.

use crate::{
    id::NodeName,
    record::MemberKind,
    scenario::{Condition, Selector, Victim},
    system::SystemError,
};

use super::{FaultError, Ground};

/// The nodes that a selector chooses now.
///
/// # Errors
/// When it chooses nobody, or nobody can be asked who is primary.
pub async fn select(selector: &Selector, ground: &Ground) -> Result<Vec<NodeName>, FaultError> {
    let data = || {
        let members = ground.members().iter();
        members
            .filter(|member| member.kind == MemberKind::Data)
            .map(|member| member.name.clone())
    };
    let replicas = |primary: NodeName| data().filter(move |name| *name != primary);
    let chosen: Vec<NodeName> = match selector {
        Selector::Primary => vec![ground.system.primary().await?],
        Selector::Replica(None) => replicas(ground.system.primary().await?).collect(),
        Selector::Replica(Some(index)) => replicas(ground.system.primary().await?)
            .nth(*index)
            .into_iter()
            .collect(),
        Selector::All => data().collect(),
        Selector::Controller => controller(ground).await?,
        Selector::Coordinator => vec![coordinator(ground).await?],
        Selector::OldPrimary => vec![ground.first_primary.clone()],
        Selector::PrimaryOf(shard) => primary_of(*shard, &ground.system.primaries().await?, ground),
        Selector::ReplicasOf(shard) => {
            let primary = primary_of(*shard, &ground.system.primaries().await?, ground);
            let members = members_of(*shard, ground);
            members
                .into_iter()
                .filter(|name| !primary.contains(name))
                .collect()
        }
        Selector::Shard(shard) => members_of(*shard, ground),
        Selector::Primaries(part) => {
            let mut primaries = ground.system.primaries().await?;
            primaries.truncate(part.of(primaries.len()));
            primaries
        }
        Selector::Region(name) => {
            let listed = ground.regions.get(name);
            expand_hosts(listed.map_or(&[], Vec::as_slice), ground)
        }
        Selector::Named(name) => {
            let named = ground
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
        Err(FaultError::NoVictim(selector.to_string()))
    } else {
        Ok(chosen)
    }
}

/// The members of a shard.
fn members_of(shard: u16, ground: &Ground) -> Vec<NodeName> {
    let shards = ground.system.stack().shards.iter();
    let own = shards.filter(|own| own.number == shard);
    own.flat_map(|own| own.members.clone()).collect()
}

/// The one of these primaries that is a member of the shard.
fn primary_of(shard: u16, primaries: &[NodeName], ground: &Ground) -> Vec<NodeName> {
    let members = members_of(shard, ground);
    let own = primaries.iter().filter(|name| members.contains(name));
    own.cloned().collect()
}

/// The nodes on the machine of whoever leads those that decide: the active controller, the primary of config servers.
async fn controller(ground: &Ground) -> Result<Vec<NodeName>, FaultError> {
    let none = || SystemError::Refused("this stack has no controllers".into());
    let plane = ground.system.control_plane().ok_or_else(none)?;
    let host = plane.leader_host().await?;
    let members = ground.members().iter();
    let there = members.filter(|m| m.host == host);
    Ok(there.map(|member| member.name.clone()).collect())
}

/// The node that coordinates the consumer group.
async fn coordinator(ground: &Ground) -> Result<NodeName, FaultError> {
    let none = || SystemError::Refused("there is no consumer group to coordinate".into());
    let group = ground.group.as_ref().ok_or_else(none)?;
    let node = group.coordinator().await?;
    ground
        .emitter
        .note(format!("{node} coordinates the consumer group"));
    Ok(node)
}

/// The nodes of a process fault: the chosen ones and all that share their machines, after roles that
/// the scenario speaks of have been moved away or there.
pub async fn victims(victim: &Victim, ground: &Ground) -> Result<Vec<NodeName>, FaultError> {
    let chosen = select(&victim.node, ground).await?;
    arrange(victim, &chosen, ground).await?;
    Ok(expand_hosts(&chosen, ground))
}

/// The given nodes and all members on their machines, in the stack's order.
pub fn expand_hosts(nodes: &[NodeName], ground: &Ground) -> Vec<NodeName> {
    let members = ground.members();
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

async fn arrange(victim: &Victim, chosen: &[NodeName], ground: &Ground) -> Result<(), FaultError> {
    if victim.unless.is_none() && victim.and.is_none() {
        return Ok(());
    }
    let none = || SystemError::Refused("this stack has no etcd on its machines".into());
    let plane = ground.system.control_plane().ok_or_else(none)?;
    let members = ground.members();
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
        ground
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
