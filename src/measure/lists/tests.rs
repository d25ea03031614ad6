//! Whole drills with lists, and what is told of them.

use crate::{
    measure::{
        consistency::consistency,
        fixture::{Bench, LISTS, lists as bench},
    },
    record::Setting,
};

use super::*;

fn judged(bench: Bench) -> Figure<ConsistencyFigures> {
    let (record, history) = bench.build();
    consistency(&record, &history).expect("there are list-append lanes")
}

fn missing(bench: Bench, word: &str) {
    let found = judged(bench);
    assert!(
        matches!(&found, Figure::Missing(why) if why.contains(word)),
        "{found:?}"
    );
}

/// What both final reads hold.
fn held(bench: &mut Bench) -> impl Iterator<Item = &mut BTreeMap<u32, Vec<u64>>> {
    let finals = bench.record.finals.iter_mut();
    finals.filter_map(|read| read.holdings.as_mut().ok()?.lists.as_mut())
}

/// The last element of a list that is not empty, in both final reads, and the list.
fn last(bench: &mut Bench) -> (u32, u64) {
    let lists = held(bench).next().expect("a final read");
    let (list, elements) = lists.iter().next_back().expect("a list");
    (*list, *elements.last().expect("an element"))
}

#[test]
fn transactions_one_after_the_other_are_as_serializable_as_can_be() {
    for model in ConsistencyClients::new(crate::scenario::ConsistencyKind::ListAppend)
        .kind
        .models()
    {
        let mut bench = bench();
        bench.targets().consistency = Some(*model);
        let found = judged(bench);
        let figures = found.value().expect("measured");
        assert_eq!((figures.operations, figures.anomalies), (120, 0));
        assert_eq!(figures.model, Some(*model));
    }
}

#[test]
fn an_acknowledged_append_that_no_final_read_holds_is_lost_and_told_so() {
    let mut bench = bench();
    let (list, _) = last(&mut bench);
    for lists in held(&mut bench) {
        lists.get_mut(&list).expect("the list").pop();
    }
    let found = judged(bench);
    let figures = found.value().expect("measured");
    assert_eq!(figures.kinds.get(LOST), Some(&1), "{:?}", figures.told);
    insta::assert_snapshot!(figures.told.iter().find(|it| it.starts_with(LOST)).unwrap(), @"lost-append: list-append-1 #59 (acknowledged by pg1, sent 59.001100 s, done 59.003000 s): it appended 6597069766894 to list 11, which no final read holds there");
}

#[test]
fn what_may_not_have_been_committed_is_never_lost() {
    let mut bench = bench();
    let (list, element) = last(&mut bench);
    for lists in held(&mut bench) {
        lists.get_mut(&list).expect("the list").pop();
    }
    let ops = bench.history.ops.iter().copied().filter(|op| {
        let steps = transaction(op.lane, op.seq, 4);
        LISTS.contains(&op.lane) && steps.contains(&TxnStep::Append { list, element })
    });
    for op in ops.collect::<Vec<_>>() {
        bench.op(op.lane, op.seq).outcome = Outcome::Info;
    }
    let found = judged(bench);
    let kinds = &found.value().expect("measured").kinds;
    assert_eq!(kinds.get(LOST), None, "{kinds:?}");
}

#[test]
fn an_element_that_nobody_appended_is_told() {
    let mut bench = bench();
    let (list, _) = last(&mut bench);
    for lists in held(&mut bench) {
        lists.get_mut(&list).expect("the list").push(77);
    }
    let found = judged(bench);
    let figures = found.value().expect("measured");
    assert_eq!(figures.kinds.get(UNWRITTEN), Some(&1), "{figures:?}");
    let word = format!("the final read: it read 77 in list {list}, to which nobody appended it");
    assert!(figures.told[0].ends_with(&word), "{:?}", figures.told);
}

/// A transaction that read two lists, one of them older than the other.
#[test]
fn an_old_read_beside_a_new_one_is_a_circle_told_with_its_transactions() {
    let mut bench = bench();
    let reads = bench.history.lists.iter_mut();
    let mut broken = 0;
    for read in reads.filter(|read| read.lists.len() > 1) {
        if let [one, two, ..] = read.lists.as_mut_slice()
            && one != two
            && one.len() > 3
            && two.len() > 1
        {
            one.clear();
            broken += 1;
        }
    }
    assert!(broken > 0);
    let found = judged(bench);
    let figures = found.value().expect("measured");
    assert!(figures.kinds.contains_key("G-single-item"), "{figures:?}");
    let told = figures.told.iter().find(|it| it.starts_with("G-single"));
    let told = told.expect("the circle");
    assert!(
        told.contains("without the append of list-append-"),
        "{told}"
    );
    assert!(told.ends_with("which closes the circle"), "{told}");
}

#[test]
fn a_refused_append_that_is_read_is_an_aborted_read() {
    let mut bench = bench();
    let all = bench.history.ops.iter().copied();
    let appends = |op: &Op| {
        let steps = transaction(op.lane, op.seq, 4);
        steps
            .iter()
            .any(|step| matches!(step, TxnStep::Append { .. }))
    };
    let op = all.filter(|op| LISTS.contains(&op.lane)).find(appends);
    let op = op.expect("an append");
    bench.op(op.lane, op.seq).outcome = Outcome::Conflict;
    let found = judged(bench);
    let figures = found.value().expect("measured");
    assert!(figures.kinds.contains_key("G1a"), "{figures:?}");
}

#[test]
fn without_transactions_reads_after_the_fault_or_final_lists_nothing_can_be_told() {
    let deaf = |from| {
        let mut bench = bench();
        for lane in LISTS {
            for seq in from..60 {
                bench.op(lane, seq).outcome = Outcome::Info;
            }
        }
        bench
    };
    missing(deaf(0), "only 0 transactions");
    missing(deaf(30), "only 60 transactions");
    let mut none = bench();
    none.record.finals.clear();
    missing(none, "holds no lists");
    let mut differ = bench();
    let (list, _) = last(&mut differ);
    let first = held(&mut differ).next().expect("a final read");
    first.get_mut(&list).expect("the list").reverse();
    let found = judged(differ);
    assert!(found.value().is_none_or(|it| it.anomalies > 0), "{found:?}");
    let mut cut = bench();
    cut.history
        .ops
        .retain(|op| (op.lane, op.seq) != (LISTS[0], 7));
    missing(cut, "are missing");
    let mut late = bench();
    let last = &mut late.record.disruptions[0].0;
    *last = crate::time::Bracket {
        low: Nanos(70_000_000_000),
        high: Nanos(70_000_000_001),
    };
    missing(late, "after the last disruptive step");
}

/// What `any` is measured by.
#[test]
fn isolation_claims_what_its_system_keeps() {
    let claims = |system: &str, isolation: &str| {
        let mut bench = bench();
        let stack = bench.record.stack.as_mut().expect("a stack");
        stack.system = system.into();
        stack.effective.push(Setting {
            name: "isolation".into(),
            value: isolation.into(),
            source: String::new(),
        });
        bench.targets().consistency = Some(Consistency::Any);
        let found = judged(bench);
        found.value().and_then(|it| it.model)
    };
    let rows = [
        ("postgres", "SERIALIZABLE", Consistency::Serializable),
        (
            "postgres",
            "REPEATABLE READ",
            Consistency::SnapshotIsolation,
        ),
        ("mysql", "REPEATABLE READ", Consistency::ReadCommitted),
        ("mariadb", "READ COMMITTED", Consistency::ReadCommitted),
    ];
    for (system, isolation, model) in rows {
        assert_eq!(
            claims(system, isolation),
            Some(model),
            "{system} {isolation}"
        );
    }
}
