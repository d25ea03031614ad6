//! Whether the transactions of list-append clients were isolated as their model asks, and in plain words what was not.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::{
    history::{History, Lane, Op, Outcome, TxnStep, transaction},
    record::{Record, Source},
    scenario::{Consistency, ConsistencyClients},
    time::Nanos,
};

use super::{
    ConsistencyFigures, Figure,
    consistency::{TOLD_MAX, after_all},
    cycles::{Anomaly, Fate, Judged, Step, Transaction, judge},
    list_words::Words,
};

/// An acknowledged append that no final read holds.
pub const LOST: &str = "lost-append";
/// An element that was read, and that nobody appended to that list.
pub const UNWRITTEN: &str = "unwritten";

/// Acknowledged transactions below which nothing is told: of so few, hardly two were under way at once.
const LEAST: usize = 100;

/// Judges all transactions together, by the target's model or, where it is `any`, by the one that the stack's isolation
/// claims.
///
/// Missing where there are too few, where none was acknowledged after the last disruptive step, where no read showed an
/// element, where the final reads hold no lists or differ, or where the checker cannot tell. What is certainly wrong stands
/// all the same.
pub fn lists(
    record: &Record,
    history: &History,
    spec: &ConsistencyClients,
    lanes: &[&Lane],
) -> Figure<ConsistencyFigures> {
    let model = match record.opened.scenario.targets.consistency {
        Some(model) if spec.kind.models().contains(&model) => model,
        Some(_) | None => claimed(record),
    };
    let known = Known::of(record, history, spec, lanes);
    let mut found = known.lost();
    found.extend(known.unwritten());
    let (cycles, unknown) = match judge(&known.transactions, &model.to_string()) {
        Judged::Holds => (Vec::new(), None),
        Judged::Broken(anomalies) => (anomalies, None),
        Judged::Unknown(why) => (Vec::new(), Some(why)),
    };
    found.extend(cycles);
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for anomaly in &found {
        *kinds.entry(anomaly.kind.clone()).or_default() += 1;
    }
    let words = Words::new(record, &known.ops, &known.transactions);
    let told = in_turns(&found);
    let figures = ConsistencyFigures {
        kind: spec.kind,
        keys: spec.keys,
        operations: known.judged() as u64,
        broken: 0,
        anomalies: found.len() as u64,
        model: Some(model),
        kinds,
        told: told.map(|anomaly| words.tell(anomaly)).collect(),
    };
    let why = known.too_little(record).or(unknown);
    match why.filter(|_| figures.anomalies == 0) {
        Some(why) => Figure::Missing(why),
        None => Figure::Measured(figures),
    }
}

/// What the isolation that the stack's transactions ran at claims. PostgreSQL's repeatable read is snapshot isolation; that
/// of InnoDB is not, since its writes go to the newest state and not to the one that was read.
fn claimed(record: &Record) -> Consistency {
    let stack = record.stack.as_ref();
    let settings = stack.into_iter().flat_map(|stack| &stack.effective);
    let mut isolation = settings.filter(|setting| setting.name == "isolation");
    let system = stack.map_or("", |stack| stack.system.as_str());
    match (isolation.next().map(|it| it.value.as_str()), system) {
        (Some("SERIALIZABLE"), _) => Consistency::Serializable,
        (Some("REPEATABLE READ"), "postgres") => Consistency::SnapshotIsolation,
        (Some(_) | None, _) => Consistency::ReadCommitted,
    }
}

/// The first anomalies to tell: the first of each kind, then the second of each.
fn in_turns(found: &[Anomaly]) -> impl Iterator<Item = &Anomaly> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut turns: Vec<(usize, &Anomaly)> = found
        .iter()
        .map(|anomaly| {
            let turn = seen.entry(&anomaly.kind).or_default();
            *turn += 1;
            (*turn, anomaly)
        })
        .collect();
    turns.sort_by_key(|(turn, _)| *turn);
    turns.into_iter().take(TOLD_MAX).map(|(_, anomaly)| anomaly)
}

/// Everything that is known of the transactions.
struct Known {
    /// Those that were sent, then the final reads, one for each list.
    transactions: Vec<Transaction>,
    /// The operations of the history that the first of them are.
    ops: Vec<Op>,
    /// The lists of each final read of the authority; none where it could not be read or holds none.
    finals: Vec<Option<BTreeMap<u32, Vec<u64>>>>,
}

impl Known {
    fn of(record: &Record, history: &History, spec: &ConsistencyClients, lanes: &[&Lane]) -> Self {
        let mut known = Self {
            transactions: Vec::new(),
            ops: Vec::new(),
            finals: finals(record),
        };
        for op in lanes.iter().flat_map(|lane| history.lane(lane.id)) {
            if let Some(transaction) = of_op(history, &op, spec.keys) {
                known.transactions.push(transaction);
                known.ops.push(op);
            }
        }
        let end = known.transactions.iter().map(|it| it.done.max(it.sent));
        let end = Nanos(end.max().unwrap_or_default().0 + 1);
        let first = known.finals.first().cloned().flatten();
        for (list, held) in first.into_iter().flatten() {
            known.transactions.push(Transaction {
                sent: end,
                done: end,
                fate: Fate::Committed,
                steps: vec![Step::Read { list, held }],
            });
        }
        known
    }

    /// Transactions of clients that were acknowledged.
    fn committed(&self) -> impl Iterator<Item = (usize, &Transaction)> {
        let clients = self.transactions.iter().take(self.ops.len()).enumerate();
        clients.filter(|(_, it)| it.fate == Fate::Committed)
    }

    /// Transactions of clients that say something: acknowledged ones, and those that may have been committed.
    fn judged(&self) -> usize {
        let clients = self.transactions.iter().take(self.ops.len());
        clients.filter(|it| it.fate != Fate::Refused).count()
    }

    /// Acknowledged appends that no final read holds.
    fn lost(&self) -> Vec<Anomaly> {
        let whole: Option<Vec<&BTreeMap<u32, Vec<u64>>>> =
            self.finals.iter().map(Option::as_ref).collect();
        let Some(whole) = whole.filter(|passes| !passes.is_empty()) else {
            return Vec::new();
        };
        let lists = whole.iter().flat_map(|lists| lists.iter());
        let there: HashSet<(u32, u64)> = lists
            .flat_map(|(list, held)| held.iter().map(|element| (*list, *element)))
            .collect();
        let appends = self.committed().flat_map(|(place, it)| {
            let steps = it.steps.iter();
            steps.filter_map(move |step| match step {
                Step::Append { list, element } => Some((place, *list, *element)),
                Step::Read { .. } => None,
            })
        });
        appends
            .filter(|(_, list, element)| !there.contains(&(*list, *element)))
            .map(|(place, list, element)| Anomaly {
                kind: LOST.into(),
                transactions: vec![place],
                relations: Vec::new(),
                words: format!(
                    "it appended {element} to list {list}, which no final read holds there"
                ),
            })
            .collect()
    }

    /// Elements that were read of a list to which nobody appended them, each once.
    fn unwritten(&self) -> Vec<Anomaly> {
        let steps = || self.transactions.iter().flat_map(|it| &it.steps);
        let sent: HashSet<(u32, u64)> = steps()
            .filter_map(|step| match step {
                Step::Append { list, element } => Some((*list, *element)),
                Step::Read { .. } => None,
            })
            .collect();
        let mut told = HashSet::new();
        let mut found = Vec::new();
        for (place, it) in self.transactions.iter().enumerate() {
            for step in &it.steps {
                let Step::Read { list, held } = step else {
                    continue;
                };
                let of = held.iter().map(|element| (*list, *element));
                for (list, element) in of.filter(|it| !sent.contains(it)) {
                    if told.insert((list, element)) {
                        found.push(Anomaly {
                            kind: UNWRITTEN.into(),
                            transactions: vec![place],
                            relations: Vec::new(),
                            words: format!(
                                "it read {element} in list {list}, to which nobody appended it"
                            ),
                        });
                    }
                }
            }
        }
        found
    }

    /// Why nothing may be concluded where nothing is wrong.
    fn too_little(&self, record: &Record) -> Option<String> {
        let committed = self.committed().count();
        let later = |(_, it): (usize, &Transaction)| after_all(record, it.sent);
        let showed = |step: &Step| matches!(step, Step::Read { held, .. } if !held.is_empty());
        let same = self.finals.windows(2).all(|pair| pair[0] == pair[1]);
        if committed < LEAST {
            Some(format!(
                "only {committed} transactions were acknowledged, of at least {LEAST}"
            ))
        } else if !self.committed().any(later) {
            Some("no transaction was acknowledged after the last disruptive step".into())
        } else if !self.committed().any(|(_, it)| it.steps.iter().any(showed)) {
            Some("no transaction read an element".into())
        } else if self.finals.is_empty() || self.finals.contains(&None) {
            Some("a final read holds no lists".into())
        } else if !same {
            Some("the final reads hold different lists".into())
        } else {
            None
        }
    }
}

/// An operation as a transaction; none where it was not sent.
fn of_op(history: &History, op: &Op, lists: u16) -> Option<Transaction> {
    let fate = match op.outcome {
        Outcome::Ok => Fate::Committed,
        Outcome::Info => Fate::Perhaps,
        Outcome::Conflict | Outcome::Fail => Fate::Refused,
        Outcome::Shed => return None,
    };
    let mut read = history.lists_of(op).into_iter().flatten();
    let steps = transaction(op.lane, op.seq, lists);
    let steps = steps.into_iter().map(|step| match step {
        TxnStep::Append { list, element } => Step::Append { list, element },
        TxnStep::Read { list } => Step::Read {
            list,
            held: read.next().cloned().unwrap_or_default(),
        },
    });
    Some(Transaction {
        sent: op.sent?,
        done: op.done?,
        fate,
        steps: steps.collect(),
    })
}

fn finals(record: &Record) -> Vec<Option<BTreeMap<u32, Vec<u64>>>> {
    let of_authority = |source: &Source| matches!(source, Source::Authority { .. });
    let reads = record.finals.iter();
    reads
        .filter(|read| of_authority(&read.source))
        .map(|read| {
            read.holdings
                .as_ref()
                .ok()
                .and_then(|held| held.lists.clone())
        })
        .collect()
}

#[cfg(test)]
mod tests;
