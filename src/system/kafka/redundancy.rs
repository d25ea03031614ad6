//! Whether every member is present and in sync, and another could take over.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;

use crate::system::{Redundancy, roster::Seat};

use super::{
    brokers::{Brokers, at},
    observe::Status,
    questions::{belief, log_ends, quorum},
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

    /// Where each broker's own logs end, by partition, asked at the same time.
    async fn ends(&self) -> Vec<(&Seat, Option<BTreeMap<i32, u64>>)> {
        let topic = self.records.topic();
        let asked = self.brokers.seats().map(|seat| async move {
            let said = at(seat.address, ASK_LIMIT, async |wire| {
                let partitions = belief(wire, topic).await?.partitions;
                log_ends(wire, topic, &partitions).await
            });
            (seat, said.await.ok())
        });
        join_all(asked).await
    }

    /// Whether all brokers are registered, all replicas of every partition in sync, and all controllers close behind the
    /// active one.
    pub(super) async fn whole(&self) -> Redundancy {
        let statuses = self.statuses().await;
        let mut verdicts = agreement(&statuses);
        verdicts.extend(self.controllers_close().await);
        verdicts.into_iter().collect()
    }

    /// Whether all logs of a partition end at the same record, which consumers may see.
    pub(super) async fn level(&self) -> Redundancy {
        let mut verdicts = agreement(&self.statuses().await);
        verdicts.extend(alike(&self.ends().await));
        verdicts.into_iter().collect()
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
        } else if !said.belief.thin.is_empty() {
            Some("knows a partition that nobody leads or whose replicas are not all in sync")
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

/// Each broker's logs against the longest of their partitions.
fn alike(ends: &[(&Seat, Option<BTreeMap<i32, u64>>)]) -> Vec<(bool, String)> {
    let mut longest: BTreeMap<i32, u64> = BTreeMap::new();
    for (partition, end) in ends.iter().flat_map(|(_, own)| own).flatten() {
        let known = longest.entry(*partition).or_default();
        *known = (*known).max(*end);
    }
    let judge = |(seat, own): &(&Seat, Option<BTreeMap<i32, u64>>)| {
        let name = &seat.name;
        let Some(own) = own else {
            return (false, format!("{name}: does not say where its logs end"));
        };
        let logs = longest.iter().map(|(partition, longest)| {
            let end = own.get(partition).map_or("nothing".into(), u64::to_string);
            format!("{end} of {longest}")
        });
        let logs: Vec<String> = logs.collect();
        let text = format!(
            "{name}: its log of each partition ends at {}",
            logs.join(", ")
        );
        (*own == longest, text)
    };
    ends.iter().map(judge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::NodeName, record::MemberKind, system::kafka::questions::Belief};

    fn seat(index: u16) -> Seat {
        Seat {
            index,
            name: NodeName::new(format!("k{}", index + 1)),
            kind: MemberKind::Data,
            address: ([10, 0, 0, 1], 9092).into(),
            host: format!("k{}", index + 1),
        }
    }

    fn knowing(thin: &[i32]) -> Status {
        Status {
            belief: Belief {
                brokers: vec![1, 2],
                leader: Some(1),
                epoch: 4,
                replicas: vec![1, 2],
                in_sync: vec![1, 2],
                partitions: vec![0, 1],
                thin: thin.to_vec(),
            },
            end: 7,
        }
    }

    #[test]
    fn a_partition_without_a_replica_in_sync_leaves_the_stack_not_whole() {
        let seats = [seat(0), seat(1)];
        let whole = |thin: &[i32]| -> Redundancy {
            let said = seats.iter().zip([knowing(&[]), knowing(thin)]);
            let said: Vec<_> = said.map(|(seat, said)| (seat, Some(said))).collect();
            agreement(&said).into_iter().collect()
        };
        assert!(whole(&[]).whole);
        let told = whole(&[1]);
        assert!(!told.whole);
        assert!(told.evidence[0].starts_with("k2: knows a partition"));
    }

    #[test]
    fn logs_are_alike_when_each_partition_ends_at_one_record_everywhere() {
        let seats = [seat(0), seat(1)];
        let judged = |second: Option<&[(i32, u64)]>| -> Redundancy {
            let first = BTreeMap::from([(0, 50), (1, 9)]);
            let second = second.map(|ends| ends.iter().copied().collect());
            let ends = [(&seats[0], Some(first)), (&seats[1], second)];
            alike(&ends).into_iter().collect()
        };
        assert!(judged(Some(&[(0, 50), (1, 9)])).whole);
        let behind = judged(Some(&[(0, 50), (1, 8)]));
        assert!(!behind.whole);
        let words = "k2: its log of each partition ends at 50 of 50, 8 of 9";
        assert_eq!(behind.evidence[0], words);
        let missing = judged(Some(&[(0, 50)]));
        assert!(missing.evidence[0].ends_with("50 of 50, nothing of 9"));
        assert!(!missing.whole);
        assert!(!judged(None).whole, "no answer is not level");
    }
}
