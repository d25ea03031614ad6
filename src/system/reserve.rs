//! Addresses for the members of a design, before any of their nodes is created.

use std::{collections::BTreeMap, net::SocketAddr};

use crate::{
    id::NodeName,
    record::{Member, MemberKind},
};

use super::{Deploy, Design, SystemError, route::keepalived};

/// The members with an address each; `port` is where a member listens.
///
/// # Errors
/// When the machines have no address for one.
pub async fn reserve(
    design: &Design,
    deploy: &Deploy,
    port: impl Fn(&Member) -> u16,
) -> Result<Vec<Member>, SystemError> {
    let names: Vec<NodeName> = design
        .members
        .iter()
        .filter(|member| !keepalived::is_agent(&member.name))
        .map(|member| member.name.clone())
        .collect();
    let addresses: BTreeMap<_, _> = deploy.runtime.reserve(&names).await?.into_iter().collect();
    let mut members = design.members.clone();
    for member in &mut members {
        // What stands in a node's network has that node's address.
        let mut others = design.members.iter();
        let own = match keepalived::is_agent(&member.name) {
            true => others.find(|one| one.kind == MemberKind::Data && one.host == member.host),
            false => None,
        };
        let named = own.map_or(&member.name, |one| &one.name);
        let address = addresses.get(named).ok_or_else(|| {
            SystemError::Refused(format!("no address was reserved for `{}`", member.name))
        })?;
        let port = own.map_or_else(|| port(member), |_| 0);
        member.address = SocketAddr::new(*address, port).to_string();
    }
    Ok(members)
}
