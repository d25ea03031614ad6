//! The etcd members beside Patroni: how they are started, who leads them, and the leader's key that they hold.

use std::{net::SocketAddr, time::Duration};

use crate::{
    record::MemberKind,
    system::{
        SystemError,
        etcd::{self, Question, Status, found, plain},
        roster::{Roster, Seat},
        wait::until,
    },
};

pub use etcd::PORT;

/// Beside Patroni a member holds one key, and its log is that of a helper.
const SMALL: [&str; 4] = [
    "--snapshot-count=1000",
    "--max-wals=2",
    "--max-snapshots=2",
    "--log-level=warn",
];

/// How often etcd's leader is heard, and after how much silence another stands for election: etcd's defaults.
pub const HEARTBEAT: Duration = Duration::from_millis(100);
/// See `HEARTBEAT`.
pub const ELECTION: Duration = Duration::from_secs(1);

/// The longest wait for one member's answer.
const ASK_LIMIT: Duration = Duration::from_millis(500);

/// The longest wait for etcd to have the leader that was asked for.
const MOVE_LIMIT: Duration = Duration::from_secs(10);

/// The key that names Patroni's leader, of `DRDRILL_SCOPE`'s default.
const LEADER_KEY: &str = "/service/drdrill/leader";

/// The command of one member.
pub fn arguments(roster: &Roster, seat: &Seat) -> Vec<String> {
    let members = roster.of(MemberKind::Control);
    let common = etcd::arguments(members, seat, (HEARTBEAT, ELECTION));
    common.into_iter().chain(SMALL.map(str::to_owned)).collect()
}

/// How a member stands, by its own word.
async fn standing(address: SocketAddr) -> Result<Status, String> {
    let said = etcd::ask(address, &Question::status(), ASK_LIMIT).await?;
    Status::parse(&said).ok_or_else(|| "it does not say who it is".into())
}

/// The member that leads, by its own word.
///
/// # Errors
/// When none says so.
pub async fn leader(roster: &Roster) -> Result<Seat, String> {
    for (seat, standing) in standings(roster).await {
        if standing.is_ok_and(|standing| standing.leads()) {
            return Ok(seat);
        }
    }
    Err("no etcd member says that it leads".into())
}

/// How every member stands, asked at once.
pub async fn standings(roster: &Roster) -> Vec<(Seat, Result<Status, String>)> {
    let asked = roster
        .of(MemberKind::Control)
        .map(|seat| async { (seat.clone(), standing(seat.address).await) });
    futures_util::future::join_all(asked).await
}

/// Moves the lead to the member on a machine.
///
/// # Errors
/// When there is no such member or it does not lead in time.
pub async fn move_leader(roster: &Roster, host: &str) -> Result<(), SystemError> {
    let refused = |error: String| SystemError::Refused(format!("etcd's leader: {error}"));
    let mut members = roster.of(MemberKind::Control);
    let to = members
        .find(|seat| seat.host == host)
        .ok_or_else(|| refused(format!("there is no member on `{host}`")))?;
    let moved = until(MOVE_LIMIT, Duration::from_millis(50), || async {
        let leader = leader(roster).await?;
        if leader == *to {
            return Ok(());
        }
        let target = standing(to.address).await?.own;
        etcd::ask(leader.address, &Question::hand_over(target), ASK_LIMIT).await?;
        Err(format!("`{}` leads, not `{}`", leader.name, to.name))
    });
    moved.await.map_err(refused)
}

/// The node that the leader's key names, as one member tells by agreement with the others; none when the key
/// is gone.
///
/// # Errors
/// When the member does not answer, for instance since etcd has no leader.
pub async fn leader_key(address: SocketAddr) -> Result<Option<String>, String> {
    let answer = etcd::ask(address, &Question::get(LEADER_KEY, false), ASK_LIMIT).await?;
    let Some(key) = found(&answer).first() else {
        return Ok(None);
    };
    let node = plain(&key["value"]).ok_or("unreadable value of the leader's key")?;
    Ok(Some(node))
}
