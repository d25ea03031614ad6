//! Addresses for the members of a design, before any of their nodes is created.

use std::{collections::BTreeMap, net::SocketAddr};

use crate::{
    id::NodeName,
    record::{Member, MemberKind},
};

use super::{Deploy, Design, SystemError};

/// The members with an address each; `port` is where a member of a kind listens.
///
/// # Errors
/// When the machines have no address for one.
pub async fn reserve(
    design: &Design,
    deploy: &Deploy,
    port: impl Fn(MemberKind) -> u16,
) -> Result<Vec<Member>, SystemError> {
    let names: Vec<NodeName> = design
        .members
        .iter()
        .map(|member| member.name.clone())
        .collect();
    let addresses: BTreeMap<_, _> = deploy.runtime.reserve(&names).await?.into_iter().collect();
    let mut members = design.members.clone();
    for member in &mut members {
        let address = addresses.get(&member.name).ok_or_else(|| {
            SystemError::Refused(format!("no address was reserved for `{}`", member.name))
        })?;
        member.address = SocketAddr::new(*address, port(member.kind)).to_string();
    }
    Ok(members)
}
