//! The time that people take while a service is down, by the scenario's word: the drill does not wait for it.

use std::time::Duration;

use crate::{
    record::Record,
    time::{Bracket, Nanos},
};

use super::{EventFigures, LaneOutage};

/// What people were to take between an event and its recovery; late outages are none of it.
pub fn of_event(record: &Record, event: &EventFigures) -> Duration {
    let outages = event.lanes.iter();
    let outages = outages.filter(|outage| !event.late.contains(outage));
    declared(record, event.at, outages)
}

/// What people were to take between an event and the recovery of these outages of it; nothing without an outage. An outage
/// whose end was not seen goes on.
pub fn declared<'a>(
    record: &Record,
    at: Bracket,
    outages: impl Iterator<Item = &'a LaneOutage>,
) -> Duration {
    let unseen = Nanos(u64::MAX);
    let Some(end) = outages.map(|it| it.recovered.unwrap_or(unseen)).max() else {
        return Duration::ZERO;
    };
    let deeds = record.actions.iter();
    let within = deeds.filter(|(deed, _)| at.low <= deed.low && deed.low < end);
    within.filter_map(|(_, deed)| deed.declared).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{
        fixture::{Bench, add_person, bracket, ms},
        measure,
    };

    /// What a person was to take 90 s for at this time, in an outage from 20 to 24 s.
    fn at(time: u64) -> Duration {
        let mut bench = Bench::with_outage(ms(24_000));
        add_person(&mut bench, time, Duration::from_secs(90));
        let (record, history) = bench.build();
        of_event(&record, &measure(&record, &history).events[0])
    }

    #[test]
    fn what_people_do_counts_between_the_event_and_the_recovery() {
        let minutes = Duration::from_secs(90);
        assert_eq!([at(20_500), at(23_900)], [minutes; 2]);
        assert_eq!([at(19_000), at(25_000)], [Duration::ZERO; 2]);
    }

    #[test]
    fn without_an_outage_nobody_waits_for_people() {
        let (record, _) = Bench::new().build();
        assert_eq!(declared(&record, bracket(1, 2), [].iter()), Duration::ZERO);
    }
}
