//! One look at a node: its replication, its state, and the cluster as it knows it.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use futures_util::future::join_all;
use redis::{RedisResult, aio::MultiplexedConnection};
use tokio::time::timeout;

use crate::{
    id::NodeName,
    record::{Role, Shard, View},
    system::{
        redis::{
            link::{command, connect},
            status::Status,
        },
        roster::{Roster, Seat},
    },
};

use super::nodes::{Known, State, nodes};

/// What a node says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Of its replication.
    pub status: Status,
    /// Of the cluster as a whole.
    pub state: State,
    /// Of every node.
    pub nodes: Vec<Known>,
}

impl Look {
    /// Asks on an open connection.
    ///
    /// # Errors
    /// When an answer does not come or cannot be read.
    pub async fn ask(connection: &mut MultiplexedConnection) -> RedisResult<Option<Self>> {
        let mut questions = redis::pipe();
        questions
            .add_command(command(&["INFO", "replication"]))
            .add_command(command(&["CLUSTER", "INFO"]))
            .add_command(command(&["CLUSTER", "NODES"]));
        let (status, state, known): (String, String, String) =
            questions.query_async(connection).await?;
        let read = Status::parse(&status).zip(State::parse(&state));
        Ok(read.map(|(status, state)| Self {
            status,
            state,
            nodes: nodes(&known),
        }))
    }

    /// What it says of itself.
    pub fn myself(&self) -> Option<&Known> {
        self.nodes.iter().find(|known| known.is("myself"))
    }

    /// Whether it takes itself for the primary of slots, able to serve or not.
    pub fn leads(&self) -> bool {
        let slots = self.myself().is_some_and(|own| !own.slots.is_empty());
        self.status.primary && slots
    }

    /// Who owns a slot, by its word.
    pub fn owner(&self, slot: u16) -> Option<&Known> {
        self.nodes.iter().find(|known| known.owns(slot))
    }

    /// Its view for the record: a primary that takes the cluster for down refuses its clients, and is none.
    pub fn view(look: Option<&Self>, node: &NodeName, roster: &Roster, leading: u64) -> View {
        let mut view = Status::view(look.map(|look| &look.status), node, roster, leading);
        if let Some(look) = look {
            if look.status.primary && !(look.state.ok && look.leads()) {
                view.role = Role::Other;
            }
            view.term = Some(look.state.epoch);
            let barred = look.myself().is_some_and(|own| own.is("nofailover"));
            view.eligible = Some(look.status.linked && (look.status.primary || !barred));
        }
        view
    }
}

/// Looks at a node on a connection of its own; none if it does not answer within `limit`.
pub async fn look(address: SocketAddr, limit: Duration) -> Option<Look> {
    let asked = async {
        let mut connection = connect(address, limit).await.ok()?;
        Look::ask(&mut connection).await.ok()?
    };
    timeout(limit, asked).await.ok()?
}

/// All members with what each says.
pub type Looks<'a> = Vec<(&'a Seat, Option<Look>)>;

/// Looks at every member at the same time.
pub async fn looks(roster: &Roster, limit: Duration) -> Looks<'_> {
    let asked = roster
        .data()
        .map(|seat| async move { (seat, look(seat.address, limit).await) });
    join_all(asked).await
}

/// The primary of each shard, by number: who says so of itself with the highest epoch. One that was deposed and has
/// not heard of it has a lower one.
pub fn leaders<'a>(looks: &'a Looks<'_>, shards: &[Shard]) -> BTreeMap<u16, (&'a Seat, &'a Look)> {
    let mut leaders: BTreeMap<u16, (&Seat, &Look)> = BTreeMap::new();
    for shard in shards {
        let members = looks
            .iter()
            .filter(|(seat, _)| shard.members.contains(&seat.name));
        let leading = members.filter_map(|(seat, look)| {
            let look = look.as_ref().filter(|look| look.leads())?;
            Some((*seat, look))
        });
        if let Some(leader) = leading.max_by_key(|(_, look)| look.state.epoch) {
            leaders.insert(shard.number, leader);
        }
    }
    leaders
}
