//! What the consumer group saw of the headline disruption, as a table.

use crate::{
    id::NodeName,
    measure::{EventFigures, Figure},
    time::Span,
};

use super::{Table, text};

/// Each partition: who consumed it before and again, and when; from the disruption.
pub(super) fn table(event: Option<&EventFigures>) -> Table {
    let mut table = Table::new(
        &[
            "topic partition",
            "consumed by",
            "again by",
            "given to it",
            "consumed again",
            "bracket",
        ],
        "No disruption was measured.",
    );
    let group = event.and_then(|event| event.rebalance.as_ref());
    for of in group.iter().flat_map(|group| &group.partitions) {
        let name = |name: &Option<NodeName>| {
            let known = name.as_ref().map(|name| text::clean(name.as_str()));
            known.unwrap_or_else(|| "nobody".into())
        };
        let given = of.assigned.map_or_else(|| "not anew".into(), text::upper);
        let (consumed, bracket) = cells(&of.time);
        table.row([
            of.partition.to_string(),
            name(&of.before),
            name(&of.after),
            given,
            consumed,
            bracket,
        ]);
    }
    table
}

/// A time with its bracket, or why there is none.
pub(super) fn cells(time: &Figure<Span>) -> (String, String) {
    text::figure(time, |span| (text::upper(*span), text::bracket(*span)))
}

#[cfg(test)]
mod tests {
    use crate::{
        measure::fixture::{Bench, crashed, ms},
        report::view::View,
        score::judge,
    };

    fn view(bench: Bench) -> View {
        let (record, history) = bench.build();
        let judgement = judge(&record, &history);
        View::new(&record, &history, &judgement)
    }

    #[test]
    fn each_partition_is_told_and_the_bound_stands_beside_the_time() {
        let view = view(crashed());
        let table = view.consumers.expect("a group");
        let expected = [
            [
                "0",
                "consumer-1",
                "consumer-2",
                "10.801 s",
                "11.002 s",
                "[10.498 s, 11.002 s]",
            ],
            [
                "1",
                "consumer-2",
                "consumer-2",
                "not anew",
                "550.0 ms",
                "[0 ms, 550.0 ms]",
            ],
        ];
        assert_eq!(table.rows[..2], expected);
        let bound = view.bounds.last().expect("a bound");
        let told = [&bound.fault, &bound.predicted, &bound.measured];
        assert_eq!(told, ["kill: rebalance", "[7.000 s, 12.000 s]", "11.002 s"]);
        let row = view.figures.rows.iter().find(|row| row[0] == "rebalance");
        let row = row.expect("a figure");
        assert!(row[2].ends_with("; 0 records delivered again"), "{row:?}");
    }

    #[test]
    fn without_a_group_nothing_is_told_of_it() {
        let view = view(Bench::with_outage(ms(22_000)));
        assert!(view.consumers.is_none());
        assert!(!view.figures.rows.iter().any(|row| row[0] == "rebalance"));
    }
}
