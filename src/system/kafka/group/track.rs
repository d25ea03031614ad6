//! What was consumed of one partition: beats packed into stretches, records counted.

use std::time::Duration;

use crate::{
    id::NodeName,
    record::Consumed,
    time::{Bracket, Nanos},
};

use super::beat::{Beat, EVERY};

/// How long after its sending a beat is delivered in time. A group that is well takes some milliseconds, and brokers that
/// have just been started pause for some hundred now and then; as long as a service lane may wait at most.
pub const LATE: Duration = Duration::from_secs(1);

/// The longest stretch: so often at least a partition is heard of.
const STRETCH: Duration = Duration::from_secs(1);

/// A record as it was delivered.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// To whom.
    pub member: &'a NodeName,
    /// Its place in the partition.
    pub offset: i64,
    /// The beat, if it is one.
    pub beat: Option<Beat>,
    /// When.
    pub at: Nanos,
}

/// One partition.
#[derive(Debug, Default)]
pub struct Track {
    /// The offset behind the last record that was delivered.
    next: i64,
    /// The last beat that was delivered.
    last: Option<Beat>,
    /// Since when beats have been delivered in time.
    in_time: Option<Nanos>,
    open: Option<(Bracket, Consumed)>,
    /// Records since the last new beat, and those of them that had been delivered before.
    records: u64,
    again: u64,
}

impl Track {
    /// Takes a record; a stretch that is over comes back with the bracket of its deliveries.
    pub fn take(&mut self, partition: u16, delivery: Delivery<'_>) -> Option<(Bracket, Consumed)> {
        let Delivery {
            member,
            offset,
            beat,
            at,
        } = delivery;
        self.records += 1;
        self.again += u64::from(offset < self.next);
        self.next = self.next.max(offset + 1);
        let beat = beat.filter(|beat| self.last.is_none_or(|last| beat.number > last.number))?;
        self.last = Some(beat);
        let late = at.since(beat.sent) > LATE;
        self.in_time = match self.in_time {
            _ if late => None,
            None => Some(at),
            since => since,
        };
        if let Some((delivered, open)) = &mut self.open
            && open.member == *member
            && open.late == late
            && open.beats.1 + 1 == beat.number
            && at.since(delivered.low) < STRETCH
        {
            open.beats.1 = beat.number;
            open.sent.high = beat.sent;
            open.records += std::mem::take(&mut self.records);
            open.again += std::mem::take(&mut self.again);
            delivered.high = at;
            return None;
        }
        let stretch = Consumed {
            member: member.clone(),
            partition,
            beats: (beat.number, beat.number),
            sent: Bracket::at(beat.sent),
            late,
            records: std::mem::take(&mut self.records),
            again: std::mem::take(&mut self.again),
        };
        self.open.replace((Bracket::at(at), stretch))
    }

    /// Ends the open stretch, if there is one.
    pub fn close(&mut self) -> Option<(Bracket, Consumed)> {
        self.open.take()
    }

    /// Since when beats have been delivered in time; none if the last one was late, or the next one is.
    pub fn in_time_since(&self, now: Nanos) -> Option<Nanos> {
        let heard = self
            .last
            .is_some_and(|last| now.since(last.sent) <= LATE + EVERY);
        self.in_time.filter(|_| heard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// Delivers beats as `(offset, number, sent, delivered)` in milliseconds to a member.
    fn taken(track: &mut Track, member: &str, beats: &[(i64, u64, u64, u64)]) -> Vec<Consumed> {
        let member = NodeName::new(member);
        let take = |(offset, number, sent, at): &(i64, u64, u64, u64)| {
            let beat = Beat {
                number: *number,
                sent: Nanos(sent * MS),
            };
            let delivery = Delivery {
                member: &member,
                offset: *offset,
                beat: Some(beat),
                at: Nanos(at * MS),
            };
            track.take(0, delivery).map(|(_, stretch)| stretch)
        };
        beats.iter().filter_map(take).collect()
    }

    fn told(stretches: &[Consumed]) -> Vec<(&str, u64, u64, bool, u64, u64)> {
        let told = |it: &Consumed| (it.beats.0, it.beats.1, it.late, it.records, it.again);
        stretches
            .iter()
            .map(|it| (it.member.as_str(), told(it)))
            .map(|(name, (first, last, late, records, again))| {
                (name, first, last, late, records, again)
            })
            .collect()
    }

    #[test]
    fn beats_in_time_are_one_stretch_until_one_is_late_or_missing() {
        let mut track = Track::default();
        let mut stretches = taken(
            &mut track,
            "consumer-1",
            &[
                (0, 0, 0, 2),
                (1, 1, 50, 52),
                (2, 2, 100, 1_101),
                (3, 3, 150, 1_152),
            ],
        );
        assert_eq!(track.in_time_since(Nanos(1_152 * MS)), None);
        stretches.extend(taken(
            &mut track,
            "consumer-1",
            &[(4, 4, 1_100, 1_153), (6, 6, 1_150, 1_155)],
        ));
        assert_eq!(
            track.in_time_since(Nanos(1_156 * MS)),
            Some(Nanos(1_153 * MS))
        );
        assert_eq!(track.in_time_since(Nanos(2_201 * MS)), None);
        stretches.extend(track.close().map(|(_, stretch)| stretch));
        let expected = [
            ("consumer-1", 0, 1, false, 2, 0),
            ("consumer-1", 2, 3, true, 2, 0),
            ("consumer-1", 4, 4, false, 1, 0),
            ("consumer-1", 6, 6, false, 1, 0),
        ];
        assert_eq!(told(&stretches), expected);
    }

    #[test]
    fn what_another_member_is_given_again_is_counted_and_not_taken_for_new() {
        let mut track = Track::default();
        let mut stretches = taken(&mut track, "consumer-1", &[(0, 0, 0, 2), (1, 1, 50, 52)]);
        stretches.extend(taken(
            &mut track,
            "consumer-2",
            &[(0, 0, 0, 900), (1, 1, 50, 900), (2, 2, 890, 901)],
        ));
        stretches.extend(track.close().map(|(_, stretch)| stretch));
        let expected = [
            ("consumer-1", 0, 1, false, 2, 0),
            ("consumer-2", 2, 2, false, 3, 2),
        ];
        assert_eq!(told(&stretches), expected);
    }

    #[test]
    fn a_stretch_lasts_a_second() {
        let mut track = Track::default();
        let beats: Vec<_> = (0..41).map(|n| (n as i64, n, n * 50, n * 50 + 1)).collect();
        let stretches = taken(&mut track, "consumer-1", &beats);
        assert_eq!(told(&stretches).len(), 2);
        assert_eq!(stretches[0].beats, (0, 19));
    }
}
