//! Whether transactions on lists were isolated from each other: Adya's cycles, found by the crate of that name.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use adya::{
    History, Opts, Report, Valid, Workload,
    history::{Interner, Mop, Op, OpType, ReadValue, Scalar},
};

use crate::time::Nanos;

/// The longest search for one component of transactions that depend on each other in a circle; beyond it nothing is told.
/// One of thirty thousand takes a second.
const SEARCH_LIMIT: Duration = Duration::from_secs(60);

/// A read of what the transaction itself appends only afterwards.
const FUTURE_READ: &str = "future-read";

/// What the crate notes beside anomalies, and is none.
const SAYS_NOTHING: [&str; 2] = ["empty-transaction-graph", "cycle-search-timeout"];

/// What is known of a transaction's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was acknowledged.
    Committed,
    /// It may have been committed, at any time after it was sent.
    Perhaps,
    /// It certainly was not committed.
    Refused,
}

/// A step of a transaction, and what it showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// An element was added to a list's end.
    Append { list: u32, element: u64 },
    /// A list was read, and held these elements; of a transaction that was not acknowledged none are known.
    Read { list: u32, held: Vec<u64> },
}

/// A transaction as its client knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// When it was sent.
    pub sent: Nanos,
    /// When its client had the answer, or gave up.
    pub done: Nanos,
    /// What is known of its end.
    pub fate: Fate,
    /// Its steps in their order.
    pub steps: Vec<Step>,
}

/// How one transaction is known to come before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// It appended to a list before the other one did.
    Wrote,
    /// The other one read what it had appended.
    WasRead,
    /// It read a list without what the other one appended.
    Missed,
    /// It had ended before the other one was sent.
    Ended,
}

/// What no order of the transactions explains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anomaly {
    /// Its name in the literature, for instance `G-single-item`.
    pub kind: String,
    /// The transactions of it, by their place.
    pub transactions: Vec<usize>,
    /// Of a cycle: how each of them comes before the next, and the last before the first.
    pub relations: Vec<Relation>,
    /// For one that is no cycle: what its transactions did.
    pub words: String,
}

/// What is to be said of transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// There is nothing in them that the model rules out.
    Holds,
    /// There is; at least one anomaly.
    Broken(Vec<Anomaly>),
    /// They say nothing, for this reason.
    Unknown(String),
}

/// Judges transactions by a model: `read-committed`, `snapshot-isolation`, `serializable` or `strict-serializable`.
///
/// Of transactions that depend on each other in circles, one cycle of each kind is told. What cannot be judged is unknown.
pub fn judge(transactions: &[Transaction], model: &str) -> Judged {
    // The crate takes two appends of one element for nothing to analyse, and then for nothing wrong.
    if let Some(element) = repeated(transactions) {
        return Judged::Unknown(format!("element {element} was appended twice"));
    }
    if adya::model::canonical(model) != Some(model) {
        return Judged::Unknown(format!("the checker has no model `{model}`"));
    }
    let opts = Opts {
        models: vec![model.to_owned()],
        timeout: SEARCH_LIMIT,
        ..Opts::default()
    };
    let history = history(transactions);
    let check = || adya::check(&history, Workload::ListAppend, &opts);
    let judged = match catch_unwind(AssertUnwindSafe(check)) {
        Ok(report) => judged(report),
        Err(_) => Judged::Unknown("the checker failed".into()),
    };
    with_foreseen(judged, transactions)
}

/// The crate looks no further into a transaction that denies its own steps, and so overlooks that it read what it had yet to
/// append; at read committed, where only the second is ruled out, nothing would be told.
fn with_foreseen(judged: Judged, transactions: &[Transaction]) -> Judged {
    let foreseen = foreseen(transactions);
    let known = match &judged {
        Judged::Broken(found) => found.iter().any(|it| it.kind == FUTURE_READ),
        Judged::Holds | Judged::Unknown(_) => false,
    };
    match judged {
        judged if known || foreseen.is_empty() => judged,
        Judged::Broken(found) => Judged::Broken(found.into_iter().chain(foreseen).collect()),
        Judged::Holds | Judged::Unknown(_) => Judged::Broken(foreseen),
    }
}

fn foreseen(transactions: &[Transaction]) -> Vec<Anomaly> {
    let mut found = Vec::new();
    for (place, it) in transactions.iter().enumerate() {
        let mut seen: HashSet<u64> = HashSet::new();
        let ahead = it.steps.iter().find_map(|step| match step {
            Step::Read { held, .. } => {
                seen.extend(held);
                None
            }
            Step::Append { list, element } => seen.contains(element).then_some(list),
        });
        if let Some(list) = ahead.filter(|_| it.fate == Fate::Committed) {
            found.push(Anomaly {
                kind: FUTURE_READ.into(),
                transactions: vec![place],
                relations: Vec::new(),
                words: format!("it read in list {list} what it appended only afterwards"),
            });
        }
    }
    found
}

fn repeated(transactions: &[Transaction]) -> Option<u64> {
    let steps = transactions.iter().flat_map(|it| &it.steps);
    let mut appended: Vec<u64> = steps
        .filter_map(|step| match step {
            Step::Append { element, .. } => Some(*element),
            Step::Read { .. } => None,
        })
        .collect();
    appended.sort_unstable();
    let same = appended.windows(2).find(|pair| pair[0] == pair[1])?;
    same.first().copied()
}

fn judged(report: Report) -> Judged {
    match report.valid {
        Valid::True => Judged::Holds,
        Valid::False => Judged::Broken(anomalies(report)),
        Valid::Unknown => {
            let why = report.anomalies.into_values().flatten();
            let why: Vec<String> = why.map(|it| it.explanation).collect();
            Judged::Unknown(why.join("; "))
        }
    }
}

fn anomalies(report: Report) -> Vec<Anomaly> {
    report
        .anomalies
        .into_values()
        .flatten()
        .filter(|found| !SAYS_NOTHING.contains(&found.kind.as_str()))
        .map(|found| {
            let steps = found.detail["steps"].as_array();
            let relation = |step: &serde_json::Value| match step["rel"].as_str() {
                Some("ww") => Relation::Wrote,
                Some("wr") => Relation::WasRead,
                Some("rw") => Relation::Missed,
                _ => Relation::Ended,
            };
            let relations: Vec<Relation> = steps.into_iter().flatten().map(relation).collect();
            let place = |index: &u64| usize::try_from(*index).unwrap_or(usize::MAX);
            Anomaly {
                transactions: found.ops.iter().map(place).collect(),
                words: match relations.is_empty() {
                    true => words(&found),
                    false => String::new(),
                },
                kind: found.kind,
                relations,
            }
        })
        .collect()
}

/// What the transactions of an anomaly did, in the order in which it names them.
fn words(found: &adya::Anomaly) -> String {
    let of = [&found.detail["key"], &found.detail["mop"][1]];
    let list = of.iter().find_map(|value| value.as_u64());
    let list = list.map_or_else(|| "a list".into(), |list| format!("list {list}"));
    match found.kind.as_str() {
        "G1a" => format!("the first read in {list} what the second appended, which was refused"),
        "G1b" => format!("the first read {list} as it was between two appends of the second"),
        "internal" => format!("it read {list} otherwise than its own steps before had left it"),
        FUTURE_READ => format!("it read in {list} what it appended only afterwards"),
        "duplicate-elements" => format!("it read an element of {list} twice"),
        "incompatible-order" => {
            format!("{list} was read in two ways of which neither is the beginning of the other")
        }
        "dirty-update" => {
            format!(
                "the second appended to {list} after an element of the first, which was refused"
            )
        }
        "lost-update" => format!("each read {list} as the others did and then appended to it"),
        kind if kind.ends_with("-cycle-exists") => "they depend on each other in a circle".into(),
        _ => found.explanation.clone(),
    }
}

/// The transactions as the crate wants them: each begins and ends on a process of its own, since a lane may have several
/// under way. Of equal moments, beginnings come first: such transactions overlap.
fn history(transactions: &[Transaction]) -> History {
    let mut interner = Interner::default();
    let mut moments: Vec<(Nanos, bool, usize)> = transactions
        .iter()
        .enumerate()
        .flat_map(|(place, it)| [(it.sent, false, place), (it.done, true, place)])
        .collect();
    moments.sort_unstable();
    let ops = moments
        .into_iter()
        .map(|(at, end, place)| {
            let it = &transactions[place];
            let kind = match (end, it.fate) {
                (false, _) => OpType::Invoke,
                (true, Fate::Committed) => OpType::Ok,
                (true, Fate::Perhaps) => OpType::Info,
                (true, Fate::Refused) => OpType::Fail,
            };
            let told = kind == OpType::Ok;
            let mops = it.steps.iter().map(|step| mop(step, told, &mut interner));
            Op {
                index: place as u64,
                kind,
                process: i64::try_from(place).ok(),
                value: mops.collect(),
                time: i64::try_from(at.0).ok(),
            }
        })
        .collect();
    History::from_ops(ops, interner)
}

fn mop(step: &Step, told: bool, interner: &mut Interner) -> Mop {
    let mut id = |number: u64| {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        interner.intern(Scalar::Int(number))
    };
    match step {
        Step::Append { list, element } => Mop::Append {
            key: id(u64::from(*list)),
            value: id(*element),
        },
        Step::Read { list, held } => Mop::Read {
            key: id(u64::from(*list)),
            value: match told {
                true => ReadValue::List(held.iter().map(|element| id(*element)).collect()),
                false => ReadValue::Nil,
            },
        },
    }
}

#[cfg(test)]
mod tests;
