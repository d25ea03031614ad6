//! How far members' data differ from the authoritative side's.

use crate::{
    id::{LaneId, NodeName},
    record::{Holdings, Range, Ranges, Record, Source},
};

use super::Figure;

/// Share of elements that differ per member before the convergence guard, against the first pass of
/// the authority: those in one of the two only, out of those in either. 0 where both are empty.
pub fn divergence(record: &Record) -> Vec<(NodeName, Figure<f64>)> {
    let authority = record.final_read(&Source::Authority { pass: 1 });
    record
        .finals
        .iter()
        .filter_map(|read| match &read.source {
            Source::Before { node } => Some((node, &read.holdings)),
            Source::Authority { .. } | Source::After { .. } => None,
        })
        .map(|(node, held)| {
            let figure = match (held, authority) {
                (Ok(held), Some(Ok(authority))) => {
                    let authority = record.due(node, authority);
                    let common = common(held, &authority);
                    let (a, b) = (held.len(), authority.len());
                    let all = a + b - common;
                    Figure::Measured(if all == 0 {
                        0.0
                    } else {
                        (all - common) as f64 / all as f64
                    })
                }
                (Err(why), _) => Figure::Missing(why.clone()),
                (_, Some(Err(why))) => Figure::Missing(format!("the authority: {why}")),
                (_, None) => Figure::Missing("the authority was not read".into()),
            };
            (node.clone(), figure)
        })
        .collect()
}

/// How many elements both hold.
pub fn common(a: &Holdings, b: &Holdings) -> u64 {
    let of = |holdings: &'_ Holdings, lane: &LaneId| -> Ranges {
        holdings.lanes.get(lane).cloned().unwrap_or_default()
    };
    a.lanes
        .keys()
        .map(|lane| overlap(&of(a, lane), &of(b, lane)))
        .sum()
}

fn overlap(a: &[Range], b: &[Range]) -> u64 {
    let (mut i, mut j, mut total) = (0, 0, 0);
    while let (Some(left), Some(right)) = (a.get(i), b.get(j)) {
        let (from, to) = (left.from.max(right.from), left.to.min(right.to));
        if from <= to {
            total += to - from + 1;
        }
        if left.to < right.to {
            i += 1;
        } else {
            j += 1;
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::FinalRead;

    #[test]
    fn the_share_that_differs_is_of_the_elements_in_either() {
        let hold =
            |elements: &[u64]| Holdings::collect(elements.iter().map(|s| (LaneId(0), *s, true)));
        let mut bench = crate::measure::fixture::Bench::new();
        let read = |source, holdings| FinalRead { source, holdings };
        let before = |name: &str| Source::Before {
            node: NodeName::new(name),
        };
        bench.record.finals = vec![
            read(Source::Authority { pass: 1 }, Ok(hold(&[1, 2, 3, 7]))),
            read(before("pg1"), Ok(hold(&[2, 3, 9]))),
            read(before("pg2"), Err("down".into())),
            read(before("pg3"), Ok(hold(&[1, 2, 3, 7]))),
        ];
        let found = divergence(&bench.record);
        // Common 2, 3; in either 1, 2, 3, 7, 9.
        assert_eq!(found[0].1, Figure::Measured(0.6));
        assert!(found[1].1.value().is_none());
        assert_eq!(found[2].1, Figure::Measured(0.0));
    }
}
