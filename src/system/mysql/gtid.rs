//! Which transactions a server holds: GTID sets of MySQL, GTID positions of MariaDB, the commit counter of Galera.

use std::{collections::BTreeMap, fmt};

/// Which transactions a server holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gtids {
    /// MySQL: ranges of numbers for each source and tag, `3E11FA47-...:1-77`.
    Sets(BTreeMap<String, Vec<(u64, u64)>>),
    /// MariaDB: for each domain the server that wrote the last transaction, and its number, `0-1-77`.
    Positions(BTreeMap<u32, (u32, u64)>),
    /// Galera: the number of the last write set.
    Commits(u64),
}

impl Gtids {
    /// Reads a GTID set as MySQL writes it. Ranges of one source may come in several pieces.
    pub fn sets(text: &str) -> Option<Self> {
        let mut sets: BTreeMap<String, Vec<(u64, u64)>> = BTreeMap::new();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let mut pieces = part.split(':');
            let source = pieces.next()?.trim().to_ascii_lowercase();
            let mut name = source.clone();
            for piece in pieces.map(str::trim) {
                let (from, to) = piece.split_once('-').unwrap_or((piece, piece));
                match (from.parse(), to.parse()) {
                    (Ok(from), Ok(to)) => sets.entry(name.clone()).or_default().push((from, to)),
                    // A tag: the ranges that follow are its own.
                    _ => name = format!("{source}:{piece}"),
                }
            }
        }
        for ranges in sets.values_mut() {
            ranges.sort_unstable();
        }
        Some(Self::Sets(sets))
    }

    /// Reads a GTID position as MariaDB writes it.
    pub fn positions(text: &str) -> Option<Self> {
        let mut positions = BTreeMap::new();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let mut numbers = part.split('-');
            let domain = numbers.next()?.parse().ok()?;
            let server = numbers.next()?.parse().ok()?;
            let number = numbers.next()?.parse().ok()?;
            positions.insert(domain, (server, number));
        }
        Some(Self::Positions(positions))
    }

    /// How many transactions these are.
    pub fn count(&self) -> u64 {
        match self {
            Self::Sets(sets) => sets
                .values()
                .flatten()
                .map(|(from, to)| (to + 1).saturating_sub(*from))
                .sum(),
            Self::Positions(positions) => positions.values().map(|(_, number)| number).sum(),
            Self::Commits(number) => *number,
        }
    }

    /// How many of these transactions are not among the others'. Positions tell only by their numbers: two servers
    /// that wrote the same numbers apart from each other are not told apart.
    pub fn beyond(&self, others: &Self) -> u64 {
        match (self, others) {
            (Self::Sets(own), Self::Sets(others)) => own
                .iter()
                .map(|(source, ranges)| {
                    let held = others.get(source).map_or(&[][..], Vec::as_slice);
                    ranges
                        .iter()
                        .map(|range| outside(*range, held))
                        .sum::<u64>()
                })
                .sum(),
            (Self::Positions(own), Self::Positions(others)) => own
                .iter()
                .map(|(domain, (_, number))| {
                    number.saturating_sub(others.get(domain).map_or(0, |(_, number)| *number))
                })
                .sum(),
            (own, others) => own.count().saturating_sub(others.count()),
        }
    }
}

/// How many numbers of a range lie in none of the ascending ranges.
fn outside((from, to): (u64, u64), held: &[(u64, u64)]) -> u64 {
    let total = (to + 1).saturating_sub(from);
    let covered: u64 = held
        .iter()
        .map(|(low, high)| (to.min(*high) + 1).saturating_sub(from.max(*low)))
        .sum();
    total.saturating_sub(covered)
}

impl fmt::Display for Gtids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = match self {
            Self::Sets(sets) => sets
                .iter()
                .map(|(source, ranges)| {
                    let ranges: Vec<String> = ranges
                        .iter()
                        .map(|(from, to)| format!("{from}-{to}"))
                        .collect();
                    format!("{source}:{}", ranges.join(":"))
                })
                .collect(),
            Self::Positions(positions) => positions
                .iter()
                .map(|(domain, (server, number))| format!("{domain}-{server}-{number}"))
                .collect(),
            Self::Commits(number) => vec![number.to_string()],
        };
        if words.is_empty() {
            f.write_str("none")
        } else {
            f.write_str(&words.join(","))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(text: &str) -> Gtids {
        Gtids::sets(text).expect("a set")
    }

    fn positions(text: &str) -> Gtids {
        Gtids::positions(text).expect("a position")
    }

    #[test]
    fn sets_count_and_subtract() {
        let all = sets("AA-1:1-77:80,\nbb-2:1-5");
        assert_eq!((all.count(), sets("").count()), (83, 0));
        assert_eq!(all.to_string(), "aa-1:1-77:80-80,bb-2:1-5");
        assert_eq!(all.beyond(&all), 0);
        assert_eq!(all.beyond(&sets("aa-1:1-70:75-100")), 4 + 5);
        assert_eq!(all.beyond(&sets("")), 83);
        assert_eq!(sets("aa-1:1-3").beyond(&all), 0);
        let tagged = sets("aa-1:1-3:blue:1-2");
        assert_eq!((tagged.count(), tagged.beyond(&all)), (5, 2));
        assert_eq!(Gtids::positions("aa-1:1-3"), None);
    }

    #[test]
    fn positions_count_and_subtract() {
        let old = positions("0-1-500");
        assert_eq!(old.count(), 500);
        assert_eq!(old.beyond(&positions("0-2-495")), 5);
        assert_eq!(old.beyond(&positions("0-2-600")), 0);
        assert_eq!(old.beyond(&positions("")), 500);
        assert_eq!(
            (old.to_string(), positions("").to_string()),
            ("0-1-500".into(), "none".into())
        );
        assert_eq!(Gtids::Commits(9).beyond(&Gtids::Commits(4)), 5);
    }
}
