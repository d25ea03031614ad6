//! Whether every copy is present and in sync, and whether all copies have the same.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;

use crate::system::{Redundancy, roster::Seat, seen::twice};

use super::{
    api::{Question, ask},
    running::OpenSearchStack,
    status::Status,
};

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_secs(2);

/// Asks every node.
pub async fn redundancy(stack: &OpenSearchStack) -> Redundancy {
    collect(&stack.statuses().await, stack.shape.copies())
}

/// Whether all copies have done the same writes twice in a row.
pub async fn converged(stack: &OpenSearchStack) -> Redundancy {
    twice(|| async {
        let mut reason = "there is no node".to_owned();
        let path = format!("/{}/_stats?level=shards", stack.elements.index());
        for seat in stack.roster.data() {
            match ask(seat.address, &Question::get(path.as_str()), ASK_LIMIT).await {
                Ok(said) => return positions(&said, stack.shape.copies()),
                Err(error) => reason = format!("{}: {error}", seat.name),
            }
        }
        [(false, reason)].into_iter().collect()
    })
    .await
}

/// What each node believes, against what the one of the latest election believes.
fn collect(statuses: &[(&Seat, Option<Status>)], copies: usize) -> Redundancy {
    let answers = statuses.iter().filter_map(|(_, status)| status.as_ref());
    let latest = answers.max_by_key(|status| (status.elected, status.term));
    let nodes = statuses.iter().map(|(seat, status)| {
        let (well, text) = match (status, latest) {
            (Some(status), Some(latest)) => member(seat, status, latest),
            _ => (false, "does not answer".to_owned()),
        };
        (well, format!("{}: {text}", seat.name))
    });
    let there = latest.map_or(0, |latest| {
        latest.copies.iter().filter(|copy| copy.in_sync).count()
    });
    let index = (
        there == copies,
        format!("{there} of {copies} copies are in sync"),
    );
    nodes.chain([index]).collect()
}

/// In place: it knows the cluster manager and the primary that the others know, and its copy, if it has one, is in sync.
fn member(seat: &Seat, status: &Status, latest: &Status) -> (bool, String) {
    let Some(manager) = &status.manager else {
        return (false, "knows no cluster manager".into());
    };
    let Some(primary) = status.primary() else {
        return (false, "knows no primary".into());
    };
    if (&latest.manager, latest.primary()) != (&status.manager, Some(primary)) {
        return (
            false,
            "does not know the latest cluster manager and primary".into(),
        );
    }
    match status.copy_of(&seat.name) {
        None => (true, format!("holds no copy, cluster manager {manager}")),
        Some(copy) if !copy.in_sync => (false, "its copy is not in sync".into()),
        Some(copy) => {
            let what = if copy.primary { "primary" } else { "replica" };
            (true, format!("{what} in sync, cluster manager {manager}"))
        }
    }
}

/// What each copy has done of the writes, which are numbered in their order.
fn positions(said: &Value, copies: usize) -> Redundancy {
    let shards = said["indices"].as_object().into_iter().flatten();
    let shards = shards.flat_map(|(_, index)| index["shards"]["0"].as_array());
    let numbers: Vec<(Option<u64>, Option<u64>)> = shards
        .flatten()
        .map(|copy| {
            let number = |name: &str| copy["seq_no"][name].as_u64();
            (number("max_seq_no"), number("local_checkpoint"))
        })
        .collect();
    let unlike: BTreeSet<_> = numbers.iter().collect();
    let equal = unlike.len() == 1
        && numbers
            .iter()
            .all(|(last, done)| last.is_some() && last == done)
        && said["_shards"]["failed"] == 0;
    let told = numbers.len() == copies;
    let text = |(last, done): &(Option<u64>, Option<u64>)| match (last, done) {
        (Some(last), Some(done)) => format!("last write {last}, all up to {done} done"),
        _ => "does not tell its writes".to_owned(),
    };
    let mut seen: Vec<(bool, String)> = numbers
        .iter()
        .enumerate()
        .map(|(number, copy)| (equal, format!("copy {}: {}", number + 1, text(copy))))
        .collect();
    seen.push((told, format!("{} of {copies} copies tell", numbers.len())));
    seen.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{id::NodeName, record::MemberKind, system::opensearch::status::CopyAt};

    fn seat(name: &str) -> Seat {
        Seat {
            index: 0,
            name: NodeName::new(name),
            kind: MemberKind::Data,
            address: "10.0.0.2:9200".parse().expect("an address"),
            host: name.into(),
        }
    }

    fn status(in_sync: &[&str]) -> Status {
        let copy = |name: &str| CopyAt {
            node: Some(name.into()),
            primary: name == "o1",
            in_sync: in_sync.contains(&name),
        };
        Status {
            manager: Some("o2".into()),
            elected: 3,
            term: Some(2),
            copies: ["o1", "o2"].map(copy).into(),
        }
    }

    #[test]
    fn nodes_that_are_away_or_behind_come_first() {
        let (one, two) = (seat("o1"), seat("o2"));
        let look = |first: Option<Status>, second: Option<Status>| {
            let found = collect(&[(&one, first), (&two, second)], 2);
            (found.whole, found.evidence[0].clone())
        };
        let well = status(&["o1", "o2"]);
        let all = look(Some(well.clone()), Some(well.clone()));
        assert_eq!(
            all,
            (true, "o1: primary in sync, cluster manager o2".into())
        );
        let away = look(Some(well.clone()), None);
        assert_eq!(away, (false, "o2: does not answer".into()));
        let behind = status(&["o1"]);
        let behind = look(Some(behind.clone()), Some(behind));
        assert_eq!(behind, (false, "o2: its copy is not in sync".into()));
        let old = Status {
            elected: 2,
            manager: Some("o1".into()),
            ..well.clone()
        };
        assert!(
            !look(Some(old), Some(well.clone())).0,
            "of an election before"
        );
        let alone = Status {
            manager: None,
            ..well.clone()
        };
        let alone = look(Some(alone), Some(well));
        assert_eq!(alone, (false, "o1: knows no cluster manager".into()));
    }

    #[test]
    fn copies_are_equal_only_when_all_tell_the_same_and_have_done_it() {
        let whole = |numbers: &[(u64, u64)], failed: u64| {
            let copies: Vec<Value> = numbers
                .iter()
                .map(|(last, done)| json!({ "seq_no": { "max_seq_no": last, "local_checkpoint": done } }))
                .collect();
            let said = json!({
                "_shards": { "failed": failed },
                "indices": { "drdrill-x": { "shards": { "0": copies } } },
            });
            positions(&said, 2).whole
        };
        assert!(whole(&[(7, 7), (7, 7)], 0));
        assert!(!whole(&[(7, 7), (6, 6)], 0));
        assert!(!whole(&[(7, 6), (7, 6)], 0), "a gap");
        assert!(!whole(&[(7, 7)], 0), "one does not tell");
        assert!(!whole(&[(7, 7), (7, 7)], 1));
        assert!(!positions(&json!({}), 2).whole);
    }
}
