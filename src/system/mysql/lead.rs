//! How clients of a group find a member that takes writes: they ask all of them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use sqlx::MySqlConnection;
use tokio::{sync::watch, time::sleep};

use crate::system::roster::{Roster, Seat};

use super::{
    kind::Kind,
    members::Membership,
    sql::{self, Account},
};

/// Where every node of Galera takes writes: how long the one that clients use already is waited for once another one has
/// answered. It usually answers in 5 ms; clients that moved for less would move to and fro on a busy machine.
const GRACE: Duration = Duration::from_millis(400);

/// The members of a group, and the one that clients use.
#[derive(Debug)]
pub struct Directory {
    /// Flavour and topology.
    pub kind: Kind,
    /// Who is who.
    pub roster: Arc<Roster>,
    /// The member that clients use.
    pub lead: watch::Sender<SocketAddr>,
}

/// What came of a search.
pub enum Found {
    /// A session with a member that takes writes.
    Leader(MySqlConnection, Seat),
    /// Members answered, and none takes writes.
    Nobody,
    /// Nobody answered; the last error.
    Silence(sqlx::Error),
}

impl Directory {
    /// Asks all members at once, and says which one clients use from now on. It has no deadline of its own.
    pub async fn find(&self) -> Found {
        let asked = self.roster.data().map(|seat| async move {
            let conversation = async {
                let mut connection = sql::connect(seat.address, Account::Client).await?;
                let group = Membership::ask(&mut connection, self.kind).await?;
                Ok((connection, group.is_some_and(|group| group.writable)))
            };
            (seat, conversation.await)
        });
        let mut answers: FuturesUnordered<_> = asked.collect();
        let (mut best, mut silence): (Option<(MySqlConnection, &Seat)>, _) = (None, None);
        loop {
            let next = match &best {
                Some(best) if self.settled(best.1) => break,
                Some(_) => tokio::select! {
                    answer = answers.next() => answer,
                    () = sleep(GRACE) => break,
                },
                None => answers.next().await,
            };
            match next {
                None => break,
                Some((_, Err(error))) => silence = silence.or(Some(error)),
                Some((_, Ok((_, false)))) => silence = Some(sqlx::Error::RowNotFound),
                Some((seat, Ok((connection, true)))) => {
                    if best
                        .as_ref()
                        .is_none_or(|(_, best)| self.better(seat, best))
                    {
                        best = Some((connection, seat));
                    }
                }
            }
        }
        match (best, silence) {
            (Some((connection, seat)), _) => {
                self.use_from_now(seat.address);
                Found::Leader(connection, seat.clone())
            }
            (None, None | Some(sqlx::Error::RowNotFound)) => Found::Nobody,
            (None, Some(error)) => Found::Silence(error),
        }
    }

    /// Whether nobody else is better than this one. A group elects one, and only that one takes writes.
    fn settled(&self, seat: &Seat) -> bool {
        self.kind != Kind::Galera || seat.address == *self.lead.borrow()
    }

    fn better(&self, one: &Seat, other: &Seat) -> bool {
        let lead = *self.lead.borrow();
        one.address == lead || (other.address != lead && one.index < other.index)
    }

    /// Makes clients use this member.
    pub fn use_from_now(&self, address: SocketAddr) {
        self.lead.send_if_modified(|lead| {
            let news = *lead != address;
            *lead = address;
            news
        });
    }
}
