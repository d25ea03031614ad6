//! What is wrong with transactions on lists, in plain words.

use std::collections::HashMap;

use crate::{history::Op, record::Record};

use super::{
    consistency::told,
    cycles::{Anomaly, Fate, Relation, Step, Transaction},
};

/// Transactions of a circle that are told one by one; the rest is counted.
const CIRCLE_MAX: usize = 8;

/// Tells of transactions.
pub struct Words<'a> {
    record: &'a Record,
    /// The operations that the first transactions are; the others are final reads.
    ops: &'a [Op],
    transactions: &'a [Transaction],
    /// Where an element stands in the longest list that was read.
    places: HashMap<(u32, u64), usize>,
}

impl<'a> Words<'a> {
    /// Tells of these transactions.
    pub fn new(record: &'a Record, ops: &'a [Op], transactions: &'a [Transaction]) -> Self {
        let mut longest: HashMap<u32, &[u64]> = HashMap::new();
        let steps = transactions.iter().flat_map(|it| &it.steps);
        for step in steps {
            if let Step::Read { list, held } = step {
                let known = longest.entry(*list).or_default();
                if held.len() > known.len() {
                    *known = held;
                }
            }
        }
        let places = longest.into_iter().flat_map(|(list, held)| {
            let of = held.iter().enumerate();
            of.map(move |(place, element)| ((list, *element), place))
        });
        Self {
            record,
            ops,
            transactions,
            places: places.collect(),
        }
    }

    /// An anomaly: its name, then its circle or its transactions.
    pub fn tell(&self, anomaly: &Anomaly) -> String {
        let Anomaly {
            kind,
            transactions,
            relations,
            words,
        } = anomaly;
        if relations.is_empty() {
            let names: Vec<String> = transactions
                .iter()
                .take(CIRCLE_MAX)
                .map(|place| self.transaction(*place))
                .collect();
            return match names.is_empty() {
                true => format!("{kind}: {words}"),
                false => format!("{kind}: {}: {words}", names.join(" and ")),
            };
        }
        let next = transactions.iter().cycle().skip(1);
        let links = transactions.iter().zip(next).zip(relations);
        let links: Vec<String> = links
            .take(CIRCLE_MAX)
            .map(|((from, to), relation)| self.link(*from, *to, *relation))
            .collect();
        let rest = transactions.len().saturating_sub(CIRCLE_MAX);
        let rest = match rest {
            0 => ", which closes the circle".to_owned(),
            rest => format!(", and {rest} more to the first again"),
        };
        format!("{kind}: {}{rest}", links.join("; "))
    }

    fn link(&self, from: usize, to: usize, relation: Relation) -> String {
        let (first, second) = (self.transaction(from), self.transaction(to));
        let in_list = self.list(from, to, relation);
        match relation {
            Relation::Wrote => format!("{first} appended to {in_list} before {second}"),
            Relation::WasRead => format!("{first} appended to {in_list} what {second} read"),
            Relation::Missed => format!("{first} read {in_list} without the append of {second}"),
            Relation::Ended => format!("{first} had ended before {second} was sent"),
        }
    }

    /// A list that shows the relation.
    fn list(&self, from: usize, to: usize, relation: Relation) -> String {
        let steps = |place: usize| {
            let transaction = self.transactions.get(place);
            transaction.into_iter().flat_map(|it| &it.steps)
        };
        let pairs = steps(from).flat_map(|one| steps(to).map(move |two| (one, two)));
        let mut fitting = pairs.filter_map(|(one, two)| match (relation, one, two) {
            (
                Relation::Wrote,
                Step::Append { list, element },
                Step::Append {
                    list: other,
                    element: later,
                },
            ) => {
                let place = |element| self.places.get(&(*list, element)).copied();
                let before = place(*element) < Some(place(*later).unwrap_or(usize::MAX));
                (list == other && before).then_some(*list)
            }
            (
                Relation::WasRead,
                Step::Append { list, element },
                Step::Read { list: other, held },
            ) => (list == other && held.contains(element)).then_some(*list),
            (
                Relation::Missed,
                Step::Read { list, held },
                Step::Append {
                    list: other,
                    element,
                },
            ) => (list == other && !held.contains(element)).then_some(*list),
            (Relation::Wrote | Relation::WasRead | Relation::Missed | Relation::Ended, ..) => None,
        });
        fitting
            .next()
            .map_or_else(|| "a list".into(), |list| format!("list {list}"))
    }

    fn transaction(&self, place: usize) -> String {
        let Some(op) = self.ops.get(place) else {
            return "the final read".into();
        };
        let did = match self.transactions.get(place).map(|it| it.fate) {
            Some(Fate::Committed) => "acknowledged",
            Some(Fate::Refused) => "refused",
            Some(Fate::Perhaps) | None => "not known to be committed",
        };
        told(self.record, op, did)
    }
}
