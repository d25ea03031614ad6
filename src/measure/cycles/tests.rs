//! Planted anomalies, and small histories judged as by trying every order: the definitions, without any graph.

use std::collections::BTreeSet;

use crate::seed::{Seed, Stream};

use super::*;

fn append(list: u32, element: u64) -> Step {
    Step::Append { list, element }
}

fn read(list: u32, held: &[u64]) -> Step {
    Step::Read {
        list,
        held: held.to_vec(),
    }
}

fn txn(sent: u64, done: u64, fate: Fate, steps: Vec<Step>) -> Transaction {
    Transaction {
        sent: Nanos(sent),
        done: Nanos(done),
        fate,
        steps,
    }
}

fn ok(steps: Vec<Step>) -> Transaction {
    txn(1, 9, Fate::Committed, steps)
}

/// The kinds that are found in a history.
fn kinds(transactions: &[Transaction], model: &str) -> BTreeSet<String> {
    match judge(transactions, model) {
        Judged::Holds => BTreeSet::new(),
        Judged::Broken(found) => found.into_iter().map(|it| it.kind).collect(),
        Judged::Unknown(why) => panic!("unknown: {why}"),
    }
}

const MODELS: [&str; 4] = [
    "read-committed",
    "snapshot-isolation",
    "serializable",
    "strict-serializable",
];

/// Each planted anomaly by its name, and the models that allow it.
#[test]
fn planted_anomalies_are_named_and_fail_what_rules_them_out() {
    let end = |held: &[&[u64]]| {
        let lists = held.iter().zip(0..);
        let steps = lists.map(|(held, list)| read(list, held)).collect();
        txn(20, 21, Fate::Committed, steps)
    };
    let refused = |steps| txn(1, 9, Fate::Refused, steps);
    let cases = [
        (
            "G0",
            vec![
                ok(vec![append(0, 1), append(1, 2)]),
                ok(vec![append(0, 3), append(1, 4)]),
                end(&[&[1, 3], &[4, 2]]),
            ],
            0,
        ),
        (
            "G1a",
            vec![refused(vec![append(0, 1)]), ok(vec![read(0, &[1])])],
            0,
        ),
        (
            "G1b",
            vec![
                ok(vec![append(0, 1), append(0, 2)]),
                ok(vec![read(0, &[1])]),
                end(&[&[1, 2]]),
            ],
            0,
        ),
        (
            "G1c",
            vec![
                ok(vec![append(0, 1), read(1, &[2])]),
                ok(vec![append(1, 2), read(0, &[1])]),
            ],
            0,
        ),
        (
            "G-single-item",
            vec![
                ok(vec![read(0, &[]), read(1, &[2])]),
                ok(vec![append(0, 1), append(1, 2)]),
                end(&[&[1], &[2]]),
            ],
            1,
        ),
        (
            "lost-update",
            vec![
                ok(vec![read(0, &[]), append(0, 1)]),
                ok(vec![read(0, &[]), append(0, 2)]),
                end(&[&[1, 2]]),
            ],
            1,
        ),
        (
            "G2-item",
            vec![
                ok(vec![read(0, &[]), append(1, 2)]),
                ok(vec![read(1, &[]), append(0, 1)]),
                end(&[&[1], &[2]]),
            ],
            2,
        ),
        (
            "G-single-item-realtime",
            vec![ok(vec![append(0, 1)]), end(&[&[]])],
            3,
        ),
    ];
    for (kind, transactions, allowing) in cases {
        for (place, model) in MODELS.into_iter().enumerate() {
            let found = kinds(&transactions, model);
            assert_eq!(
                found.is_empty(),
                place < allowing,
                "{kind} {model} {found:?}"
            );
            assert!(!found.contains("empty-transaction-graph"), "{found:?}");
            assert!(
                place < allowing || found.contains(kind),
                "{kind} {model}: {found:?}"
            );
        }
    }
}

#[test]
fn a_cycle_is_its_transactions_and_how_each_comes_before_the_next() {
    let history = [
        ok(vec![read(0, &[]), read(1, &[2])]),
        ok(vec![append(0, 1), append(1, 2)]),
        ok(vec![read(0, &[1]), read(1, &[2])]),
    ];
    let Judged::Broken(found) = judge(&history, "serializable") else {
        panic!("not broken");
    };
    let cycle = found.iter().find(|it| it.kind == "G-single-item");
    let cycle = cycle.expect("a cycle");
    assert_eq!(cycle.transactions, [0, 1]);
    assert_eq!(cycle.relations, [Relation::Missed, Relation::WasRead]);
}

#[test]
fn what_says_nothing_or_cannot_be_analysed_is_unknown() {
    let unknown = |transactions: &[Transaction], model, word: &str| {
        let judged = judge(transactions, model);
        assert!(
            matches!(&judged, Judged::Unknown(why) if why.contains(word)),
            "{judged:?}"
        );
    };
    unknown(&[], "serializable", "no dependencies");
    unknown(&[ok(vec![append(0, 1)])], "serializable", "no dependencies");
    let twice = [
        ok(vec![append(0, 1)]),
        ok(vec![append(0, 1), read(0, &[1])]),
    ];
    unknown(&twice, "serializable", "appended twice");
    unknown(&twice[..1], "perfect", "no model");
}

/// What may have been committed and was read counts as committed, with all that it did; what nobody read need not.
#[test]
fn a_transaction_of_unknown_end_may_be_committed_or_not() {
    let perhaps = |steps| txn(1, 9, Fate::Perhaps, steps);
    let fractured = [
        perhaps(vec![append(0, 1), append(1, 2)]),
        ok(vec![read(0, &[1]), read(1, &[])]),
        ok(vec![read(0, &[1]), read(1, &[2])]),
    ];
    assert!(kinds(&fractured, "snapshot-isolation").contains("G-single-item"));
    let unread = [
        perhaps(vec![read(0, &[]), append(0, 1), append(1, 2)]),
        ok(vec![append(0, 3)]),
        ok(vec![read(0, &[3]), read(1, &[])]),
    ];
    assert!(kinds(&unread, "strict-serializable").is_empty());
}

/// What the lists hold.
type Lists = [Vec<u64>; 2];

/// Takes a transaction's steps on lists; none where a read of it showed something else.
fn taken(it: &Transaction, mut lists: Lists) -> Option<Lists> {
    for step in &it.steps {
        match step {
            Step::Append { list, element } => lists[*list as usize].push(*element),
            Step::Read { list, held } => {
                if it.fate == Fate::Committed && lists[*list as usize] != *held {
                    return None;
                }
            }
        }
    }
    Some(lists)
}

/// Whether the rest of these transactions can be taken one after the other.
fn in_order(all: &[Transaction], left: u32, lists: &Lists, strict: bool) -> bool {
    if left == 0 {
        return true;
    }
    let rest = || (0..all.len()).filter(|place| left & (1 << place) != 0);
    rest().any(|place| {
        let early = rest()
            .any(|other| all[other].fate == Fate::Committed && all[other].done < all[place].sent);
        let next = taken(&all[place], lists.clone()).filter(|_| !(strict && early));
        next.is_some_and(|lists| in_order(all, left & !(1 << place), &lists, strict))
    })
}

/// A transaction under way on its snapshot: the state when it began, and what it makes of that.
#[derive(Clone)]
struct Begun {
    place: usize,
    saw: Lists,
    made: Lists,
}

/// Whether the rest can begin on what is committed, and commit where nobody else has written what they write since.
fn on_snapshots(all: &[Transaction], left: u32, begun: &[Begun], lists: &Lists) -> bool {
    if left == 0 && begun.is_empty() {
        return true;
    }
    let commits = (0..begun.len()).any(|index| {
        let it = &begun[index];
        let wrote = |list: usize| it.made[list] != it.saw[list];
        let clash = (0..2).any(|list| wrote(list) && lists[list] != it.saw[list]);
        let mut after = lists.clone();
        for list in (0..2).filter(|list| wrote(*list)) {
            after[list] = it.made[list].clone();
        }
        let mut others = begun.to_vec();
        others.remove(index);
        !clash && on_snapshots(all, left, &others, &after)
    });
    commits
        || (0..all.len())
            .filter(|place| left & (1 << place) != 0)
            .any(|place| {
                let Some(made) = taken(&all[place], lists.clone()) else {
                    return false;
                };
                let mut more = begun.to_vec();
                more.push(Begun {
                    place,
                    saw: lists.clone(),
                    made,
                });
                // Of transactions that began at the same state, the order of beginning says nothing.
                let same = |one: &&Begun| one.saw == *lists && one.place > place;
                begun.iter().find(same).is_none()
                    && on_snapshots(all, left & !(1 << place), &more, lists)
            })
}

/// Whether transactions can be put in an order in which who wrote comes before who wrote after it or read it, all of it
/// committed and none of it in between. The last transaction reads both lists at the end.
fn committed_reads(all: &[Transaction]) -> bool {
    let whole: Vec<&Vec<u64>> = all[all.len() - 1]
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Read { held, .. } => Some(held),
            Step::Append { .. } => None,
        })
        .collect();
    let writer = |element: u64| {
        let wrote = |it: &Transaction| {
            let appends =
                |step: &Step| matches!(step, Step::Append { element: of, .. } if *of == element);
            it.steps.iter().any(appends)
        };
        all.iter().position(wrote).expect("a writer")
    };
    let mut before = Vec::new();
    for held in &whole {
        for pair in held.windows(2) {
            before.push((writer(pair[0]), writer(pair[1])));
        }
        if held.iter().any(|it| all[writer(*it)].fate == Fate::Refused) {
            return false;
        }
    }
    for (place, it) in all.iter().enumerate() {
        if it.fate != Fate::Committed {
            continue;
        }
        for (index, step) in it.steps.iter().enumerate() {
            let Step::Read { list, held } = step else {
                continue;
            };
            let prefix = whole[*list as usize].starts_with(held);
            let refused = held.iter().any(|it| all[writer(*it)].fate == Fate::Refused);
            let own_later = it.steps[index..].iter().any(
                |later| matches!(later, Step::Append { element, .. } if held.contains(element)),
            );
            let between = held.last().is_some_and(|last| {
                let of = writer(*last);
                let mut appends = all[of].steps.iter().filter_map(|step| match step {
                    Step::Append { list: to, element } if to == list => Some(element),
                    _ => None,
                });
                of != place && appends.next_back() != Some(last)
            });
            if !prefix || refused || own_later || between {
                return false;
            }
            before.extend(held.iter().map(|element| (writer(*element), place)));
        }
    }
    before.retain(|(one, two)| one != two);
    let mut left: Vec<usize> = (0..all.len()).collect();
    // Who has nobody before it is taken, again and again: an order, if all are.
    while let Some(free) = left.iter().position(|place| {
        !before
            .iter()
            .any(|(one, two)| two == place && left.contains(one))
    }) {
        left.remove(free);
    }
    left.is_empty()
}

/// Whether some choice of what was committed, and some order of it, explains everything that was read.
fn explained(all: &[Transaction], model: &str) -> bool {
    if model == "read-committed" {
        return committed_reads(all);
    }
    let of = |fate| {
        let places = (0..all.len()).filter(move |place| all[*place].fate == fate);
        places.fold(0_u32, |mask, place| mask | 1 << place)
    };
    let (certain, perhaps) = (of(Fate::Committed), of(Fate::Perhaps));
    (0..1_u32 << all.len())
        .filter(|chosen| chosen & !perhaps == 0)
        .any(|chosen| {
            let left = certain | chosen;
            let empty = Lists::default();
            match model {
                "snapshot-isolation" => on_snapshots(all, left, &[], &empty),
                _ => in_order(all, left, &empty, model == "strict-serializable"),
            }
        })
}

/// How the transactions of a small history are run.
#[derive(Clone, Copy)]
enum Manner {
    Serial,
    Dirty,
    Snapshot,
    Prefixes,
}

/// Two or three transactions over two lists, and what both held at the end.
fn small(random: &mut Stream) -> Vec<Transaction> {
    let manners = [
        Manner::Serial,
        Manner::Dirty,
        Manner::Snapshot,
        Manner::Snapshot,
        Manner::Prefixes,
    ];
    let manner = manners[random.index(manners.len())];
    let count = 2 + random.index(3);
    let mut next = 0;
    let mut all: Vec<Transaction> = (0..count)
        .map(|_| {
            let fate = match random.unit() {
                it if it < 0.75 => Fate::Committed,
                it if it < 0.9 => Fate::Perhaps,
                _ => Fate::Refused,
            };
            let steps = (0..=random.index(3)).map(|_| {
                let list = random.index(2) as u32;
                next += 1;
                match random.unit() < 0.5 {
                    true => append(list, next),
                    false => read(list, &[]),
                }
            });
            txn(0, 0, fate, steps.collect())
        })
        .collect();
    run(&mut all, manner, random);
    let reads = random.unit() < 0.25;
    let last = all.last().cloned().expect("the end");
    let held: Vec<Vec<u64>> = last
        .steps
        .iter()
        .map(|step| match step {
            Step::Read { held, .. } => held.clone(),
            Step::Append { .. } => Vec::new(),
        })
        .collect();
    let clients = all.len() - 1;
    for it in &mut all[..clients] {
        for step in &mut it.steps {
            let Step::Read { list, held: of } = step else {
                continue;
            };
            if matches!(manner, Manner::Prefixes) || (reads && random.unit() < 0.3) {
                let whole = &held[*list as usize];
                *of = whole[..random.index(whole.len() + 1)].to_vec();
            }
        }
    }
    all
}

/// Runs the steps of all transactions in some order, and adds what both lists held at the end.
fn run(all: &mut Vec<Transaction>, manner: Manner, random: &mut Stream) {
    let mut schedule: Vec<usize> = Vec::new();
    for (place, it) in all.iter().enumerate() {
        for _ in &it.steps {
            let at = match manner {
                Manner::Serial => schedule.len(),
                _ => random.index(schedule.len() + 1),
            };
            schedule.insert(at, place);
        }
    }
    let mut shared = Lists::default();
    let mut own: Vec<Option<(Lists, Vec<Step>)>> = vec![None; all.len()];
    let mut done = vec![0; all.len()];
    let applied: Vec<bool> = all
        .iter()
        .map(|it| match it.fate {
            Fate::Committed => true,
            Fate::Perhaps => random.unit() < 0.5,
            Fate::Refused => random.unit() < 0.15,
        })
        .collect();
    for (now, place) in schedule.iter().copied().enumerate() {
        let index = done[place];
        done[place] += 1;
        let it = &mut all[place];
        if index == 0 {
            it.sent = Nanos(now as u64 * 10);
        }
        it.done = Nanos(now as u64 * 10 + 5);
        let (seen, held_back) = own[place].get_or_insert_with(|| (shared.clone(), Vec::new()));
        let snapshot = matches!(manner, Manner::Snapshot);
        match &mut it.steps[index] {
            Step::Append { list, element } => {
                seen[*list as usize].push(*element);
                if snapshot {
                    held_back.push(append(*list, *element));
                } else if applied[place] {
                    shared[*list as usize].push(*element);
                }
            }
            Step::Read { list, held } => {
                let of = if snapshot { &*seen } else { &shared };
                *held = of[*list as usize].clone();
            }
        }
        if done[place] == it.steps.len() && applied[place] {
            for step in held_back.drain(..) {
                if let Step::Append { list, element } = step {
                    shared[list as usize].push(element);
                }
            }
        }
    }
    let end = schedule.len() as u64 * 10 + 100;
    let [one, two] = shared;
    all.push(txn(
        end,
        end + 1,
        Fate::Committed,
        vec![read(0, &one), read(1, &two)],
    ));
}

#[test]
fn thousands_of_small_histories_are_judged_as_by_trying_every_order() {
    for model in MODELS {
        let (mut holds, mut broken) = (0, 0);
        for round in 0..5_000_u64 {
            let history = small(&mut Seed(round).stream("cycles"));
            let judged = match judge(&history, model) {
                Judged::Holds => true,
                Judged::Broken(_) => false,
                // Nothing was read or written that depends on anything.
                Judged::Unknown(why) if why.contains("no dependencies") => continue,
                Judged::Unknown(why) => panic!("{why}: {history:?}"),
            };
            assert_eq!(
                judged,
                explained(&history, model),
                "{model}, round {round}: {history:#?}\n{:#?}",
                judge(&history, model)
            );
            match judged {
                true => holds += 1,
                false => broken += 1,
            }
        }
        assert!(holds > 500 && broken > 500, "{model}: {holds} {broken}");
    }
}
