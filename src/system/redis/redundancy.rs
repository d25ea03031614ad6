//! Whether every member is present and in sync, and every sentinel could lead a failover.

use std::{net::SocketAddr, time::Duration};

use futures_util::future::join_all;

use crate::{
    record::MemberKind,
    system::{
        Redundancy,
        roster::{Roster, Seat},
        seen::twice,
    },
};

use super::{running::RedisStack, sentinel, status::Status};

/// A replica further behind than this is not in sync: what a second of a drill's load writes, with room.
pub const CLOSE: u64 = 1 << 20;

/// The longest wait for one sentinel's answers.
const ASK_LIMIT: Duration = Duration::from_millis(500);

/// Asks every member.
pub async fn redundancy(stack: &RedisStack) -> Redundancy {
    let statuses = stack.statuses().await;
    let primary = leader(&statuses);
    let mut verdicts: Vec<(bool, String)> = statuses
        .iter()
        .map(|(seat, status)| {
            data(
                (seat, &stack.roster),
                status.as_ref(),
                primary,
                statuses.len() - 1,
            )
        })
        .collect();
    verdicts.extend(
        watched(
            stack,
            primary.map(|(address, _)| address),
            statuses.len() - 1,
        )
        .await,
    );
    if let Some(route) = &stack.ways.route {
        verdicts.extend(route.redundancy(&*stack.runtime).await);
    }
    verdicts.into_iter().collect()
}

/// Whether all positions are equal twice in a row.
pub async fn converged(stack: &RedisStack) -> Redundancy {
    twice(|| async {
        let statuses = stack.statuses().await;
        let primary = leader(&statuses);
        let at =
            |(seat, status): &(&Seat, Option<Status>)| position(seat, status.as_ref(), primary);
        statuses.iter().map(at).collect()
    })
    .await
}

/// The only primary and its position.
fn leader(statuses: &[(&Seat, Option<Status>)]) -> Option<(SocketAddr, u64)> {
    let mut primaries = statuses.iter().filter_map(|(seat, status)| {
        Some((seat.address, status.as_ref().filter(|s| s.primary)?.offset))
    });
    let first = primaries.next();
    if primaries.next().is_some() {
        None
    } else {
        first
    }
}

fn data(
    (seat, roster): (&Seat, &Roster),
    status: Option<&Status>,
    primary: Option<(SocketAddr, u64)>,
    replicas: usize,
) -> (bool, String) {
    let name = &seat.name;
    let Some(status) = status else {
        return (false, format!("{name}: does not answer"));
    };
    let Some((address, position)) = primary else {
        return (
            false,
            format!("{name}: there is not exactly one primary to be in sync with"),
        );
    };
    if status.primary {
        let well = status.replicas >= replicas as u64;
        return (
            well,
            format!(
                "{name}: primary with {} of {replicas} replicas attached",
                status.replicas
            ),
        );
    }
    if status.follows(roster).map(|leader| leader.address) != Some(address) {
        return (false, format!("{name}: does not follow the primary"));
    }
    let behind = position.saturating_sub(status.offset);
    let well = status.linked && behind <= CLOSE && status.priority > 0;
    let link = if status.linked { "up" } else { "down" };
    let priority = status.priority;
    (
        well,
        format!("{name}: link {link}, {behind} bytes behind, priority {priority}"),
    )
}

/// Whether a member is where its primary is.
pub fn position(
    seat: &Seat,
    status: Option<&Status>,
    primary: Option<(SocketAddr, u64)>,
) -> (bool, String) {
    match (status, primary) {
        (Some(status), Some((_, position))) => {
            let well = status.linked && status.offset == position;
            (
                well,
                format!("{}: position {} of {position}", seat.name, status.offset),
            )
        }
        (Some(status), None) => (
            false,
            format!(
                "{}: position {}, no single primary",
                seat.name, status.offset
            ),
        ),
        (None, _) => (false, format!("{}: does not answer", seat.name)),
    }
}

async fn watched(
    stack: &RedisStack,
    primary: Option<SocketAddr>,
    replicas: usize,
) -> Vec<(bool, String)> {
    let sentinels: Vec<&Seat> = stack.roster.of(MemberKind::Control).collect();
    let asked = sentinels.iter().map(|seat| async {
        let name = &seat.name;
        let Some(primary) = primary else {
            return (
                false,
                format!("{name}: there is not exactly one primary to watch"),
            );
        };
        match sentinel::knowledge(seat.address, stack.directory.watched(), ASK_LIMIT).await {
            Ok(knowledge) => match knowledge.missing(primary, replicas, sentinels.len() - 1) {
                Some(missing) => (false, format!("{name}: {missing}")),
                None => (
                    true,
                    format!("{name}: knows {replicas} replicas and can fail over"),
                ),
            },
            Err(_) => (false, format!("{name}: does not answer")),
        }
    });
    join_all(asked).await
}
