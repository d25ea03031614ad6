//! What a member of a group says of the group: who is in it, and whether it takes writes.

use std::net::{IpAddr, SocketAddr};

use sqlx::{MySqlConnection, Row, mysql::MySqlRow};

use crate::system::roster::Roster;

use super::{kind::Kind, sql};

/// One member as another one, or itself, sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its address.
    pub host: String,
    /// Its state, for instance `ONLINE` or `UNREACHABLE`.
    pub state: String,
    /// Whether it leads; in Galera nobody does.
    pub leads: bool,
}

/// What a member says of its group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Membership {
    /// Its own state, for instance `ONLINE` or `Synced`.
    pub state: String,
    /// Whether it leads the group by its own word; in Galera nobody does.
    pub leads: bool,
    /// Whether it takes writes by its own word: it is in the part of the group that may go on, and leads it.
    pub writable: bool,
    /// Everyone that it sees. Galera lists those that joined after this one only sometimes.
    pub members: Vec<Member>,
    /// How many members it counts.
    pub size: usize,
}

impl Membership {
    /// Asks on a connection; none where the topology has no group.
    ///
    /// # Errors
    /// When the server does not answer the question.
    pub async fn ask(connection: &mut MySqlConnection, kind: Kind) -> sqlx::Result<Option<Self>> {
        let Some(question) = kind.members() else {
            return Ok(None);
        };
        let rows = sql::rows(connection, question).await?;
        Ok(Some(match kind {
            Kind::Galera => Self::galera(&rows)?,
            _ => Self::group(&rows)?,
        }))
    }

    fn group(rows: &[MySqlRow]) -> sqlx::Result<Self> {
        let mut found = Self::default();
        for row in rows {
            let member = Member {
                host: text(row, "host")?,
                state: text(row, "state")?,
                leads: text(row, "role")? == "PRIMARY",
            };
            if text(row, "own")? == "1" {
                found.state.clone_from(&member.state);
                found.leads = member.leads;
            }
            found.members.push(member);
        }
        found.members.sort_by(|one, two| one.host.cmp(&two.host));
        found.size = found.members.len();
        found.writable = found.state == "ONLINE" && found.leads && found.majority();
        Ok(found)
    }

    /// Whether more than half of the members that it counts are in reach.
    fn majority(&self) -> bool {
        let lost = |member: &&Member| member.state == "UNREACHABLE";
        let lost = self.members.iter().filter(lost).count();
        lost * 2 < self.members.len()
    }

    fn galera(rows: &[MySqlRow]) -> sqlx::Result<Self> {
        let mut found = Self::default();
        let (mut primary, mut ready) = (false, false);
        for row in rows {
            let value = text(row, "value")?;
            match text(row, "name")?.as_str() {
                "WSREP_CLUSTER_STATUS" => primary = value == "Primary",
                "WSREP_READY" => ready = value == "ON",
                "WSREP_LOCAL_STATE_COMMENT" => found.state = value,
                "WSREP_CLUSTER_SIZE" => found.size = value.parse().unwrap_or(0),
                _ => found.members = addresses(&value),
            }
        }
        found.writable = primary && ready && found.state == "Synced";
        if !primary {
            found.state = format!("{} in no primary component", found.state);
        }
        Ok(found)
    }

    /// The group for a reader, with the members' names.
    pub fn words(&self, roster: &Roster) -> String {
        let name = |member: &Member| {
            let leads = if member.leads { " PRIMARY" } else { "" };
            format!("{} {}{leads}", named(&member.host, roster), member.state)
        };
        let members: Vec<String> = self.members.iter().map(name).collect();
        let (state, size) = (&self.state, self.size);
        format!("{state}; counts {size}: {}", members.join(", "))
    }

    /// The name of the member that leads, as this one sees it.
    pub fn leader(&self, roster: &Roster) -> Option<String> {
        let leads = self.members.iter().find(|member| member.leads)?;
        Some(named(&leads.host, roster))
    }
}

/// The members that Galera lists; they count as present.
fn addresses(list: &str) -> Vec<Member> {
    let host = |address: &str| match address.parse::<SocketAddr>() {
        Ok(address) => address.ip().to_string(),
        Err(_) => address.to_owned(),
    };
    let addresses = list.split(',').filter(|address| !address.is_empty());
    let mut members: Vec<Member> = addresses
        .map(|address| Member {
            host: host(address),
            state: "present".into(),
            leads: false,
        })
        .collect();
    members.sort_by(|one, two| one.host.cmp(&two.host));
    members
}

/// The name of the node at this address, or the address.
pub fn named(host: &str, roster: &Roster) -> String {
    let address = host.parse::<IpAddr>().ok();
    let seat = address.and_then(|address| roster.data_at(address));
    seat.map_or_else(|| host.to_owned(), |seat| seat.name.to_string())
}

/// A column as text, whatever its kind; empty for NULL. Rows of the text protocol only.
///
/// # Errors
/// When there is no such column.
pub fn text(row: &MySqlRow, name: &str) -> sqlx::Result<String> {
    let value: Option<String> = row.try_get_unchecked(name)?;
    Ok(value.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(state: &str) -> Member {
        Member {
            host: String::new(),
            state: state.into(),
            leads: false,
        }
    }

    #[test]
    fn a_minority_does_not_take_writes() {
        let majority = |states: &[&str]| {
            let members = states.iter().map(|state| member(state)).collect();
            let group = Membership {
                members,
                ..Membership::default()
            };
            group.majority()
        };
        assert!(majority(&["ONLINE"; 3]));
        assert!(majority(&["ONLINE", "ONLINE", "UNREACHABLE"]));
        assert!(!majority(&["ONLINE", "UNREACHABLE"]));
        assert!(!majority(&["ONLINE", "UNREACHABLE", "UNREACHABLE"]));
    }

    #[test]
    fn galera_lists_who_is_present() {
        let hosts = |list: &str| -> Vec<String> {
            addresses(list)
                .into_iter()
                .map(|member| member.host)
                .collect()
        };
        assert_eq!(
            hosts("10.0.0.3:3306,10.0.0.1:3306,"),
            ["10.0.0.1", "10.0.0.3"]
        );
        assert_eq!(hosts(""), [] as [&str; 0]);
        assert_eq!(hosts("AUTO"), ["AUTO"]);
    }
}
