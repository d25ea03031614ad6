//! Whether every member is present and in sync, and another could take over.

use std::time::Duration;

use futures_util::future::join_all;

use crate::system::{Redundancy, roster::Seat};

use super::{
    brokers::{Brokers, at},
    observe::Status,
    questions::quorum,
    running::KafkaStack,
};

/// The longest wait for one broker's answer.
const ASK_LIMIT: Duration = Duration::from_secs(1);

/// A controller further behind the active one than this could not take over at once: its log grows by some
/// records a second.
const CLOSE: i64 = 20;

impl KafkaStack {
    /// What each broker says, asked at the same time.
    pub(super) async fn statuses(&self) -> Vec<(&Seat, Option<Status>)> {
        let topic = self.records.topic();
        let asked = self.brokers.seats().map(|seat| async move {
            let said = at(seat.address, ASK_LIMIT, async |wire| {
                Status::ask(wire, topic).await
            });
            (seat, said.await.ok())
        });
        join_all(asked).await
    }

    /// Whether all brokers are registered, all replicas in sync, and all controllers close behind the active one.
    pub(super) async fn whole(&self) -> Redundancy {
        let statuses = self.statuses().await;
        let mut verdicts = agreement(&statuses);
        verdicts.extend(self.controllers_close().await);
        collect(verdicts)
    }

    /// Whether all logs end at the same record, which consumers may see.
    pub(super) async fn level(&self) -> Redundancy {
        let statuses = self.statuses().await;
        let ends = statuses
            .iter()
            .filter_map(|(_, said)| Some(said.as_ref()?.end));
        let longest = ends.max().unwrap_or(0);
        let mut verdicts = agreement(&statuses);
        verdicts.extend(statuses.iter().filter_map(|(seat, said)| {
            let end = said.as_ref()?.end;
            let text = format!("{}: its log ends at {end} of {longest}", seat.name);
            Some((end == longest, text))
        }));
        collect(verdicts)
    }

    async fn controllers_close(&self) -> Vec<(bool, String)> {
        let mut reason = "no broker names the active controller".to_owned();
        for seat in self.brokers.seats() {
            let said = match quorum(seat.address, ASK_LIMIT).await {
                Ok(said) => said,
                Err(error) => {
                    reason = format!("{}: names no active controller: {error}", seat.name);
                    continue;
                }
            };
            let end = |id: &i32| said.voters.get(id).copied();
            let active = end(&said.leader).unwrap_or(0);
            let judge = |seat: &Seat| {
                let name = &seat.name;
                match end(&Brokers::id(seat)) {
                    Some(own) => {
                        let behind = active - own;
                        let text =
                            format!("{name}: controller {behind} records behind the active one");
                        (behind <= CLOSE, text)
                    }
                    None => (false, format!("{name}: no voter")),
                }
            };
            return self.brokers.seats().map(judge).collect();
        }
        vec![(false, reason)]
    }
}

/// What each broker believes against what the one of the latest epoch believes.
fn agreement(statuses: &[(&Seat, Option<Status>)]) -> Vec<(bool, String)> {
    let beliefs = statuses.iter().filter_map(|(_, said)| said.as_ref());
    let latest = beliefs.max_by_key(|status| status.belief.epoch);
    let judge = |(seat, said): &(&Seat, Option<Status>)| {
        let name = &seat.name;
        let (Some(said), Some(latest)) = (said, latest) else {
            return (false, format!("{name}: does not answer"));
        };
        let own = Brokers::id(seat);
        let missing = if said.belief.leader.is_none() {
            Some("knows no leader")
        } else if said.belief.leader != latest.belief.leader
            || said.belief.epoch != latest.belief.epoch
        {
            Some("does not know the latest leader")
        } else if !latest.belief.brokers.contains(&own) {
            Some("is fenced")
        } else if !latest.belief.in_sync.contains(&own) {
            Some("is not in sync")
        } else if said.belief.in_sync != latest.belief.in_sync {
            Some("does not know who is in sync")
        } else {
            None
        };
        match missing {
            Some(missing) => (false, format!("{name}: {missing}")),
            None => (true, format!("{name}: registered and in sync")),
        }
    };
    statuses.iter().map(judge).collect()
}

/// Missing things first.
fn collect(mut verdicts: Vec<(bool, String)>) -> Redundancy {
    verdicts.sort_by_key(|(well, _)| *well);
    Redundancy {
        whole: verdicts.iter().all(|(well, _)| *well),
        evidence: verdicts.into_iter().map(|(_, text)| text).collect(),
    }
}
