//! How long until every partition is consumed again, by the beats that consumers were delivered.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    id::NodeName,
    record::{Consumed, ConsumerGroup, RebalanceMoment, Record},
    time::{Bracket, Nanos, Span},
};

use super::{Figure, lane::SUSTAIN, rto::worst};

/// What the consumer group saw of one event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RebalanceFigures {
    /// `rebalance`: that of the worst partition.
    pub time: Figure<Span>,
    /// Whether any beat was late. Without one, the upper end of each time is the resolution.
    pub paused: bool,
    /// Each partition, in order.
    pub partitions: Vec<PartitionFigures>,
    /// Records that were delivered again from the event on, up to the next.
    pub again: u64,
}

/// What became of one partition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartitionFigures {
    /// Its number.
    pub partition: u16,
    /// Who consumed it before.
    pub before: Option<NodeName>,
    /// Who consumed it first when it was consumed again.
    pub after: Option<NodeName>,
    /// When that member had been given it, from the event; absent where it was not given anew.
    pub assigned: Option<Span>,
    /// Until it was consumed again.
    pub time: Figure<Span>,
}

/// The share of the beats of the W before an event above which late ones say that the group was not stable.
const LATE_MOST: f64 = 0.01;

/// Beats of a partition that were all in time, or none of them.
struct Piece<'a> {
    /// How many they are.
    count: u64,
    /// When the first and the last of them were sent, at the outside.
    sent: Bracket,
    /// When one of them was certainly sent, as late as that is known.
    sure: Nanos,
    /// When the first and the last of them were delivered; none where they never were.
    done: Option<Bracket>,
    /// To whom.
    member: Option<&'a NodeName>,
    late: bool,
}

/// One event, and how long the group was watched after it.
#[derive(Clone, Copy)]
struct Watch<'a> {
    record: &'a Record,
    group: &'a ConsumerGroup,
    at: Bracket,
    /// From when the group must have been stable.
    from: Nanos,
    /// Up to the next event, or the clients' end.
    until: Nanos,
    end: Nanos,
}

/// What the consumer group saw of the event at `index`; none where there is no group.
pub fn rebalance(record: &Record, index: usize) -> Option<RebalanceFigures> {
    let (ready, group) = record.consumers.as_ref()?;
    let at = record.disruptions[index].0;
    let end = record.load.map_or(at.high, |(_, end)| end);
    let next = record.disruptions.get(index + 1);
    let watch = Watch {
        record,
        group,
        at,
        from: at.low.before(SUSTAIN).max(*ready),
        until: next.map_or(end, |(next, _)| next.low),
        end,
    };
    let partitions: Vec<Vec<Piece<'_>>> = (0..group.partitions)
        .map(|partition| watch.pieces(partition))
        .collect();
    let unfit = watch.unfit(&partitions);
    let (cursor, calm) = watch.sustained(&partitions);
    let followed = (!calm)
        .then(|| watch.followed(&partitions, index))
        .flatten();
    let figures: Vec<PartitionFigures> = (0..)
        .zip(&partitions)
        .map(|(number, pieces)| {
            let figures = match &followed {
                Some((longer, over)) => watch.bounded(number, pieces, cursor, (longer, *over)),
                None => watch.of_partition(number, pieces, cursor, calm),
            };
            PartitionFigures {
                time: match &unfit {
                    Some(why) => Figure::Missing(why.clone()),
                    None => figures.time,
                },
                ..figures
            }
        })
        .collect();
    let own = |(when, _): &&(Bracket, Consumed)| when.low >= at.low && when.low < watch.until;
    Some(RebalanceFigures {
        time: worst(figures.iter().map(|partition| partition.time.clone())),
        paused: partitions
            .iter()
            .any(|pieces| watch.troubles(pieces).next().is_some()),
        again: record
            .consumed
            .iter()
            .filter(own)
            .map(|(_, stretch)| stretch.again)
            .sum(),
        partitions: figures,
    })
}

impl<'a> Watch<'a> {
    fn late(&self) -> Duration {
        Duration::from_nanos(self.group.late_ns)
    }

    fn every(&self) -> Duration {
        Duration::from_nanos(self.group.every_ns)
    }

    /// The beats of a partition in their order, those that were never delivered among them.
    fn pieces(&self, partition: u16) -> Vec<Piece<'a>> {
        let own = self.record.consumed.iter();
        let mut stretches: Vec<_> = own.filter(|(_, it)| it.partition == partition).collect();
        stretches.sort_by_key(|(_, it)| it.beats);
        let mut pieces: Vec<Piece<'a>> = Vec::new();
        let mut before: Option<&Consumed> = None;
        for (done, stretch) in stretches {
            if let Some(before) = before.filter(|it| it.beats.1 + 1 < stretch.beats.0) {
                let sent = Bracket {
                    low: before.sent.high,
                    high: stretch.sent.low,
                };
                let count = stretch.beats.0 - before.beats.1 - 1;
                pieces.push(Piece::undelivered(count, sent, sent.low));
            }
            pieces.push(Piece {
                count: stretch.beats.1 - stretch.beats.0 + 1,
                sent: stretch.sent,
                sure: stretch.sent.high,
                done: Some(*done),
                member: Some(&stretch.member),
                late: stretch.late,
            });
            before = Some(stretch);
        }
        let due = self.end.before(self.late());
        if let Some(last) = before.filter(|it| it.sent.high.after(self.every() * 2) < due) {
            let sent = Bracket {
                low: last.sent.high,
                high: due,
            };
            pieces.push(Piece::undelivered(1, sent, due));
        }
        pieces
    }

    /// Why nothing can be said of the event: the group was not stable before it, or consumed nothing.
    fn unfit(&self, partitions: &[Vec<Piece<'_>>]) -> Option<String> {
        let mut moves = self.record.rebalanced.iter();
        let moved = moves.find(|(when, _)| when.high >= self.from && when.low < self.at.low);
        if let Some((_, moved)) = moved {
            let member = &moved.member;
            return Some(format!(
                "the group was not stable before: the partitions of {member} changed"
            ));
        }
        let nothing = partitions.iter().position(Vec::is_empty);
        if let Some(number) = nothing {
            return Some(format!("nothing was consumed of partition {number}"));
        }
        let held = |pieces: &Vec<Piece<'_>>| pieces.iter().any(|piece| self.lasts_already(piece));
        if let Some(number) = partitions.iter().position(held) {
            return Some(format!(
                "the group was not stable before: partition {number} was not consumed in time"
            ));
        }
        let over = |piece: &&Piece<'_>| {
            let ended = piece.done.map_or(piece.sent.high, |done| done.high);
            piece.late && piece.sent.high >= self.from && ended < self.at.low
        };
        let all = partitions.iter().flatten();
        let late: u64 = all.filter(over).map(|piece| piece.count).sum();
        let watched = self.at.low.since(self.from).as_secs_f64();
        let due = watched / self.every().as_secs_f64() * partitions.len() as f64;
        (late as f64 > due * LATE_MOST)
            .then(|| format!("the group was not stable before: {late} beats were late"))
    }

    /// Whether late beats were on their way before the event already, longer than any may be.
    fn lasts_already(&self, piece: &Piece<'_>) -> bool {
        let lasts = piece.done.map_or(piece.sent.high, |done| done.high) >= self.at.low;
        let begun = piece.sent.low.after(self.late() + self.every() * 2) < self.at.low;
        piece.late && begun && lasts
    }

    /// The late beats that belong to the event.
    fn troubles<'p>(&self, pieces: &'p [Piece<'a>]) -> impl Iterator<Item = &'p Piece<'a>> {
        let (at, until, late) = (self.at, self.until, self.late());
        pieces.iter().filter(move |piece| {
            let lasts = piece.done.is_none_or(|done| done.high >= at.low);
            piece.late && lasts && piece.sent.high >= at.low.before(late) && piece.sent.low < until
        })
    }

    /// When the last late beat before W in which every beat of every partition was in time was sent, and whether that W
    /// was seen.
    fn sustained(&self, partitions: &[Vec<Piece<'_>>]) -> (Nanos, bool) {
        let mut troubles: Vec<Bracket> = partitions
            .iter()
            .flat_map(|pieces| self.troubles(pieces).map(|piece| piece.sent))
            .collect();
        troubles.sort_by_key(|sent| sent.low);
        let mut cursor = self.at.high;
        for sent in troubles {
            if sent.low > cursor.after(SUSTAIN) {
                break;
            }
            cursor = cursor.max(sent.high);
        }
        let seen = partitions.iter().map(|pieces| {
            let in_time = pieces.iter().filter(|piece| !piece.late);
            in_time.map(|piece| piece.sent.high).max()
        });
        let seen = seen.min().flatten().unwrap_or_default().min(self.until);
        (cursor, seen.after(self.every()) > cursor.after(SUSTAIN))
    }

    /// Where another event came before W was seen: the watch over as many of those that followed as it takes to see one,
    /// and the last late beat before it.
    fn followed(&self, partitions: &[Vec<Piece<'_>>], index: usize) -> Option<(Watch<'a>, Nanos)> {
        let events = &self.record.disruptions;
        (index + 2..=events.len()).find_map(|next| {
            let until = events.get(next).map_or(self.end, |(at, _)| at.low);
            let longer = Watch { until, ..*self };
            let (cursor, calm) = longer.sustained(partitions);
            calm.then_some((longer, cursor))
        })
    }

    /// The figures of a partition whose W another event cut short: by the time that all were consumed again for W, this was
    /// over too.
    fn bounded(
        &self,
        partition: u16,
        pieces: &[Piece<'a>],
        cursor: Nanos,
        (longer, over): (&Watch<'a>, Nanos),
    ) -> PartitionFigures {
        let own = self.of_partition(partition, pieces, cursor, false);
        let high = longer.of_partition(partition, pieces, over, true).time;
        let low = own.time.value().map_or(Duration::ZERO, |span| span.low());
        let high = high.value().and_then(|span| span.high());
        PartitionFigures {
            time: Figure::Measured(match high {
                Some(high) => Span::between(low, high),
                None => Span::at_least(low),
            }),
            ..own
        }
    }

    fn of_partition(
        &self,
        partition: u16,
        pieces: &[Piece<'a>],
        cursor: Nanos,
        calm: bool,
    ) -> PartitionFigures {
        let own = |piece: &&Piece<'a>| piece.sent.low <= cursor;
        let last = self.troubles(pieces).filter(own).last();
        let begin = last.map_or(self.at.high, |last| last.sent.high);
        let mut in_time = pieces.iter().filter(|piece| !piece.late);
        let before = in_time
            .clone()
            .take_while(|piece| piece.sent.low < self.at.low)
            .last();
        let again = in_time.find(|piece| piece.sent.high >= begin && piece.sent.low < self.until);
        let delivered = again.and_then(|piece| piece.done).map(|done| done.low);
        let time = match (last, delivered) {
            (None, _) if calm => {
                Figure::Measured(Span::between(Duration::ZERO, self.late() + self.every()))
            }
            (None, _) => Figure::Missing(format!(
                "partition {partition} was not watched for {} s after the event",
                SUSTAIN.as_secs()
            )),
            (Some(last), Some(delivered)) if calm => Figure::Measured(Span::between(
                last.sure.since(self.at.high),
                delivered.since(self.at.low),
            )),
            (Some(last), _) => Figure::Measured(Span::at_least(last.sure.since(self.at.high))),
        };
        let after = again.and_then(|piece| piece.member);
        PartitionFigures {
            partition,
            before: before.and_then(|piece| piece.member).cloned(),
            after: after.cloned(),
            assigned: self.assigned(partition, after, delivered),
            time,
        }
    }

    /// When a member was given a partition between the event and its first delivery.
    fn assigned(
        &self,
        partition: u16,
        member: Option<&NodeName>,
        delivered: Option<Nanos>,
    ) -> Option<Span> {
        let (member, delivered) = (member?, delivered?);
        let given = self.record.rebalanced.iter().rev().find(|(when, moved)| {
            moved.member == *member
                && moved.moment == RebalanceMoment::Assigned
                && moved.partitions.contains(&partition)
                && when.low >= self.at.low
                && when.low <= delivered
        });
        let (when, _) = given?;
        Some(Span::between(
            when.low.since(self.at.high),
            when.high.since(self.at.low),
        ))
    }
}

impl Piece<'_> {
    /// Beats that nobody was ever delivered.
    fn undelivered(count: u64, sent: Bracket, sure: Nanos) -> Self {
        Self {
            count,
            sent,
            sure,
            done: None,
            member: None,
            late: true,
        }
    }
}

#[cfg(test)]
mod tests;
