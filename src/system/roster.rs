//! Who is who in a stack: members by name, by address and by the index that operations carry.

use std::net::{IpAddr, SocketAddr};

use crate::{
    id::NodeName,
    record::{Member, MemberKind},
    scenario::StreamLink,
};

use super::SystemError;

/// A member with its address parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// Its index in `Stack::members`.
    pub index: u16,
    /// Its name.
    pub name: NodeName,
    /// What it does.
    pub kind: MemberKind,
    /// Where it listens.
    pub address: SocketAddr,
    /// The machine that it stands for.
    pub host: String,
}

/// A proxy before a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// The member behind it.
    pub node: NodeName,
    /// Who goes through it.
    pub link: StreamLink,
    /// Where it listens.
    pub address: SocketAddr,
}

/// The only one of those that say that they are primary.
///
/// # Errors
/// When none says so, or more than one.
pub fn sole<'a>(
    primaries: impl IntoIterator<Item = &'a NodeName>,
) -> Result<NodeName, SystemError> {
    let mut primaries = primaries.into_iter();
    match (primaries.next(), primaries.next()) {
        (Some(only), None) => Ok(only.clone()),
        (None, _) => Err(SystemError::Refused(
            "no node says that it is primary".into(),
        )),
        (Some(one), Some(two)) => Err(SystemError::Refused(format!(
            "`{one}` and `{two}` both say that they are primary"
        ))),
    }
}

/// A member and what it says, or why it says nothing.
pub type Said<S> = (Seat, Result<S, String>);

/// The only member that leads by what it says.
///
/// # Errors
/// When none does, or more than one.
pub fn leading<S>(
    said: &[Said<S>],
    leads: impl Fn(&S) -> bool,
) -> Result<(&Seat, &S), SystemError> {
    let answers = said
        .iter()
        .filter_map(|(seat, said)| Some((seat, said.as_ref().ok()?)));
    let leaders: Vec<_> = answers.filter(|(_, said)| leads(said)).collect();
    sole(leaders.iter().map(|(seat, _)| &seat.name))?;
    Ok(leaders[0])
}

/// The member that got furthest; the first in order among equals, so that the choice can be predicted.
pub fn furthest<'a, T: PartialOrd>(
    members: impl Iterator<Item = (&'a Seat, T)>,
) -> Option<NodeName> {
    let best = members.reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map(|(seat, _)| seat.name.clone())
}

/// All members of a stack in their fixed order, and the proxies before them.
#[derive(Debug, Clone)]
pub struct Roster {
    seats: Vec<Seat>,
    doors: Vec<Door>,
}

impl Roster {
    /// Reads the members' addresses.
    ///
    /// # Errors
    /// When an address is not `ip:port`.
    pub fn new(members: &[Member]) -> Result<Self, SystemError> {
        let seat = |(index, member): (u16, &Member)| {
            let address = member.address.parse().map_err(|_| {
                SystemError::Refused(format!(
                    "`{}` has no address, but `{}`",
                    member.name, member.address
                ))
            })?;
            Ok(Seat {
                index,
                name: member.name.clone(),
                kind: member.kind,
                address,
                host: member.host.clone(),
            })
        };
        (0u16..)
            .zip(members)
            .map(seat)
            .collect::<Result<_, _>>()
            .map(|seats| Self {
                seats,
                doors: Vec::new(),
            })
    }

    /// The same members, reached through these proxies.
    pub fn through(self, doors: Vec<Door>) -> Self {
        Self { doors, ..self }
    }

    /// Where a member is reached by this kind of link: at the proxy before it, if there is one.
    pub fn way(&self, seat: &Seat, link: StreamLink) -> SocketAddr {
        let mut doors = self.doors.iter();
        let own = doors.find(|door| door.link == link && door.node == seat.name);
        own.map_or(seat.address, |door| door.address)
    }

    /// Where the member that listens at this address is reached; the address itself if it is nobody's.
    pub fn way_to(&self, address: SocketAddr, link: StreamLink) -> SocketAddr {
        let own = self.seats.iter().find(|seat| seat.address == address);
        own.map_or(address, |seat| self.way(seat, link))
    }

    /// The member that holds data at this address, or behind the proxy there.
    pub fn behind(&self, address: SocketAddr) -> Option<&Seat> {
        let door = self.doors.iter().find(|door| door.address == address);
        match door {
            Some(door) => self.named(&door.node).ok(),
            None => self.data_at(address.ip()),
        }
    }

    /// Members of one kind, in order.
    pub fn of(&self, kind: MemberKind) -> impl Iterator<Item = &Seat> {
        self.seats.iter().filter(move |seat| seat.kind == kind)
    }

    /// Members that hold data.
    pub fn data(&self) -> impl Iterator<Item = &Seat> {
        self.of(MemberKind::Data)
    }

    /// The member of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn named(&self, name: &NodeName) -> Result<&Seat, SystemError> {
        self.seats
            .iter()
            .find(|seat| seat.name == *name)
            .ok_or_else(|| SystemError::Refused(format!("there is no node `{name}`")))
    }

    /// The member that holds data at this address.
    pub fn data_at(&self, address: IpAddr) -> Option<&Seat> {
        self.data().find(|seat| seat.address.ip() == address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_primary_is_the_primary_and_none_or_two_are_not() {
        let names = [NodeName::new("a"), NodeName::new("b")];
        assert_eq!(sole(&names[..1]).expect("there is one"), names[0]);
        let refused = |names: &[NodeName]| sole(names).expect_err("not one").to_string();
        assert!(refused(&[]).contains("no node says that it is primary"));
        assert!(refused(&names).contains("`a` and `b` both say that they are primary"));
    }
}
