//! How clients come to a member: by the list of them, one after the other.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::timeout;

use crate::id::{LaneId, NodeName};

use super::{
    http::Line,
    roster::{Roster, Seat},
};

/// The longest wait for a connection before the next member is tried; it usually takes less than a millisecond.
const CONNECT_LIMIT: Duration = Duration::from_millis(200);

/// One member's endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// The member's index in `Stack::members`.
    pub node: u16,
    /// Where it listens for clients.
    pub address: SocketAddr,
}

impl From<&Seat> for Endpoint {
    fn from(seat: &Seat) -> Self {
        Self {
            node: seat.index,
            address: seat.address,
        }
    }
}

/// The list of endpoints that every client is given, where any member serves: it hands what it may not decide to the one
/// that leads.
///
/// Each lane stays with a member until an operation there is not ok, and then goes to the next one on the list.
#[derive(Debug)]
pub struct Endpoints {
    list: Vec<Endpoint>,
    places: Mutex<BTreeMap<LaneId, usize>>,
}

impl Endpoints {
    /// All members, beginning with the one that leads, the others in their order behind it: lanes of every run of a
    /// stack begin alike.
    pub fn new(roster: &Roster, leader: &NodeName) -> Self {
        let mut seats: Vec<&Seat> = roster.data().collect();
        if let Some(first) = seats.iter().position(|seat| seat.name == *leader) {
            seats.rotate_left(first);
        }
        Self {
            list: seats.into_iter().map(Endpoint::from).collect(),
            places: Mutex::default(),
        }
    }

    /// The members in the order of the list.
    pub fn list(&self) -> &[Endpoint] {
        &self.list
    }

    /// Connects a lane to the member that it stays with, or to the next one that takes its connection; also says that
    /// member's place on the list.
    ///
    /// # Errors
    /// The last member's error when none takes it.
    pub async fn connect(&self, lane: LaneId) -> io::Result<(Line, usize)> {
        let first = self.places().get(&lane).copied().unwrap_or(0);
        let mut last = io::Error::from(io::ErrorKind::NotConnected);
        for step in 0..self.list.len() {
            let place = (first + step) % self.list.len();
            match connect(self.list[place]).await {
                Ok(line) => {
                    self.places().insert(lane, place);
                    return Ok((line, place));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// An operation at this place was not ok: the lane's next connection goes to the next member, unless another
    /// operation moved it since.
    pub fn pass_over(&self, lane: LaneId, place: usize) {
        let mut places = self.places();
        if places.get(&lane) == Some(&place) {
            places.insert(lane, (place + 1) % self.list.len());
        }
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<LaneId, usize>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Connects to one member, within a limit of its own.
///
/// # Errors
/// Those of the connection, and `TimedOut`.
pub async fn connect(endpoint: Endpoint) -> io::Result<Line> {
    match timeout(CONNECT_LIMIT, Line::connect(endpoint.address)).await {
        Ok(connected) => connected,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::record::{Member, MemberKind};

    async fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        (listener, address)
    }

    fn roster(addresses: &[SocketAddr]) -> Roster {
        let member = |(index, address): (usize, &SocketAddr)| Member {
            name: NodeName::new(format!("e{}", index + 1)),
            kind: MemberKind::Data,
            address: address.to_string(),
            host: format!("e{}", index + 1),
            image: String::new(),
        };
        let members: Vec<Member> = addresses.iter().enumerate().map(member).collect();
        Roster::new(&members).expect("addresses")
    }

    #[tokio::test]
    async fn a_lane_stays_until_it_is_told_to_go_on_and_passes_over_who_refuses() {
        let (_one, first) = listener().await;
        let (gone, second) = listener().await;
        let (_three, third) = listener().await;
        drop(gone);
        let roster = roster(&[second, third, first]);
        let endpoints = Endpoints::new(&roster, &NodeName::new("e3"));
        let nodes: Vec<u16> = endpoints.list().iter().map(|one| one.node).collect();
        assert_eq!(nodes, [2, 0, 1], "the leader first");
        let place = async |lane| {
            let (_, place) = endpoints.connect(LaneId(lane)).await.expect("a member");
            place
        };
        assert_eq!((place(0).await, place(0).await), (0, 0));
        endpoints.pass_over(LaneId(0), 0);
        assert_eq!(place(0).await, 2, "the second refuses");
        endpoints.pass_over(LaneId(0), 0);
        assert_eq!(
            place(0).await,
            2,
            "what failed before it moved moves it no further"
        );
        endpoints.pass_over(LaneId(0), 2);
        assert_eq!(place(0).await, 0);
        assert_eq!(place(1).await, 0, "another lane is where it was");
    }
}
