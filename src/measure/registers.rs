//! Whether the registers' histories are linearizable, and in plain words what is not.

use std::{collections::BTreeMap, ops::Range};

use crate::{
    history::{Access, Group, History, Lane, Op, Outcome, register_value},
    id::LaneId,
    record::Record,
    scenario::ConsistencyClients,
};

use super::{
    ConsistencyFigures, Figure,
    consistency::{TOLD_MAX, after_all, name, told},
    zones::{Anomaly, Held, Operation, anomalies},
};

/// Operations of registers that are kept at a time, some 160 bytes each while they are judged; of one register all are.
const AT_HAND: usize = 1 << 18;

/// Judges each register by itself.
///
/// Missing where a register was not read after the last disruptive step, so that what that step lost could not have
/// shown. What is certainly wrong stands all the same.
pub fn registers(
    record: &Record,
    history: &History,
    spec: &ConsistencyClients,
    lanes: &[&Lane],
) -> Figure<ConsistencyFigures> {
    let mut figures = ConsistencyFigures {
        kind: spec.kind,
        keys: spec.keys,
        operations: 0,
        broken: 0,
        anomalies: 0,
        model: None,
        kinds: BTreeMap::new(),
        told: Vec::new(),
    };
    let mut unread = Vec::new();
    let all = lanes.iter().map(|lane| history.lane(lane.id).len()).sum();
    let groups = groups(all, spec.keys);
    for (number, operations) in groups.flat_map(|numbers| by_register(lanes, history, numbers)) {
        let judged: Vec<Operation> = operations.iter().map(|it| it.judged).collect();
        let found = anomalies(&judged);
        figures.operations += judged.len() as u64;
        figures.broken += u16::from(!found.is_empty());
        figures.anomalies += found.len() as u64;
        let left = TOLD_MAX.saturating_sub(figures.told.len());
        let words = Words {
            record,
            history,
            number,
            operations: &operations,
        };
        figures
            .told
            .extend(found.iter().take(left).map(|anomaly| words.tell(*anomaly)));
        let mut reads = judged.iter().filter(|it| it.access == Access::Read);
        if !reads.any(|read| after_all(record, read.sent)) {
            unread.push(number);
        }
    }
    match unread.first() {
        Some(number) if figures.anomalies == 0 => Figure::Missing(format!(
            "register {} was not read after the last disruptive step",
            number + 1
        )),
        _ => Figure::Measured(figures),
    }
}

/// A register's operation, and which one of the history it is.
struct Kept {
    judged: Operation,
    lane: LaneId,
    seq: u64,
}

/// Registers that are judged together, of so many and with so many operations: as many as fit, each at least by itself.
fn groups(operations: usize, registers: u16) -> impl Iterator<Item = Range<u16>> {
    let passes = operations.div_ceil(AT_HAND);
    let passes = u16::try_from(passes).unwrap_or(u16::MAX).max(1);
    let each = registers.div_ceil(passes.min(registers.max(1))).max(1);
    let begins = (0..registers).step_by(usize::from(each));
    begins.map(move |from| from..registers.min(from.saturating_add(each)))
}

/// What counts of some registers: what was acknowledged, and writes that may have been applied. What certainly was not
/// applied is left out, so that a read of it is a read of what nobody wrote.
fn by_register(lanes: &[&Lane], history: &History, numbers: Range<u16>) -> Vec<(u16, Vec<Kept>)> {
    let from = numbers.start;
    let mut all: Vec<(u16, Vec<Kept>)> = numbers.map(|n| (n, Vec::new())).collect();
    for lane in lanes {
        for op in history.lane(lane.id) {
            let place = lane.register(op.seq).and_then(|n| n.checked_sub(from));
            let of = place.and_then(|place| all.get_mut(usize::from(place)));
            if let (Some((_, of)), Some(judged)) = (of, operation(lane, &op)) {
                of.push(Kept {
                    judged,
                    lane: op.lane,
                    seq: op.seq,
                });
            }
        }
    }
    all
}

fn operation(lane: &Lane, op: &Op) -> Option<Operation> {
    let value = match lane.access {
        Access::Write => register_value(lane.id, op.seq),
        Access::Read => op.version?,
    };
    let done = match (op.outcome, lane.access) {
        (Outcome::Ok, _) => Some(op.done?),
        (Outcome::Info, Access::Write) => None,
        (Outcome::Info | Outcome::Conflict | Outcome::Fail | Outcome::Shed, _) => return None,
    };
    Some(Operation {
        access: lane.access,
        value,
        sent: op.sent?,
        done,
    })
}

/// Tells of one register's operations.
struct Words<'a> {
    record: &'a Record,
    history: &'a History,
    number: u16,
    operations: &'a [Kept],
}

impl Words<'_> {
    fn tell(&self, anomaly: Anomaly) -> String {
        let said = match anomaly {
            Anomaly::Unwritten { read } => self.unwritten(read),
            Anomaly::Foreseen { read, write } => format!(
                "{} showed a value that was only sent afterwards, by {}",
                self.operation(read),
                self.operation(write)
            ),
            Anomaly::Crossed { first, second } => format!(
                "the {} and the {} were there by turns: {}; {}",
                self.value(first),
                self.value(second),
                self.shown(first),
                self.shown(second)
            ),
            Anomaly::Undone { kept, gone } => format!(
                "the {} was there and then gone: {}; before and after that the {} was there: {}",
                self.value(gone),
                self.shown(gone),
                self.value(kept),
                self.shown(kept)
            ),
        };
        format!("register {}: {said}", self.number + 1)
    }

    /// A value that a server had refused, that belongs to another register, or that nobody sent at all.
    fn unwritten(&self, read: usize) -> String {
        let value = self.operations.get(read).map_or(0, |it| it.judged.value);
        let read = self.operation(read);
        let lanes = self.record.lanes.iter();
        let writers =
            lanes.filter(|lane| lane.group == Group::Register && lane.access == Access::Write);
        let mut sent = writers
            .flat_map(|lane| self.history.lane(lane.id))
            .filter(|op| op.sent.is_some());
        let write = sent.find(|op| register_value(op.lane, op.seq) == value);
        match write.map(|write| (name(self.record, &write), write.outcome)) {
            None => format!("{read} showed {value}, which nobody wrote"),
            Some((name, Outcome::Ok | Outcome::Info)) => {
                format!("{read} showed the value of {name}, which was written to another register")
            }
            Some((name, Outcome::Fail | Outcome::Conflict | Outcome::Shed)) => {
                format!("{read} showed the value of {name}, which had been refused")
            }
        }
    }

    /// A value by the write that it is of.
    fn value(&self, held: Held) -> String {
        let place = held.by.or(held.until);
        let value = place
            .and_then(|it| self.operations.get(it))
            .map_or(0, |it| it.judged.value);
        let write = self
            .operations
            .iter()
            .find(|it| it.judged.access == Access::Write && it.judged.value == value);
        write.map_or_else(
            || "value of the beginning".into(),
            |write| format!("value of {}", self.name(write)),
        )
    }

    /// The operations by which a value is known to have been there.
    fn shown(&self, held: Held) -> String {
        let by = held
            .by
            .map_or_else(|| "the beginning".into(), |it| self.operation(it));
        match held.until.filter(|until| held.by != Some(*until)) {
            Some(until) => format!("{by} and {}", self.operation(until)),
            None => by,
        }
    }

    fn operation(&self, index: usize) -> String {
        let kept = self.operations.get(index);
        let Some((Kept { judged, .. }, op)) = kept.and_then(|kept| Some((kept, self.op(kept)?)))
        else {
            return "an operation".into();
        };
        let did = match (judged.access, judged.done) {
            (Access::Read, _) => "read",
            (Access::Write, Some(_)) => "acknowledged",
            (Access::Write, None) => "not known to be applied",
        };
        told(self.record, &op, did)
    }

    fn op(&self, kept: &Kept) -> Option<Op> {
        self.history.lane(kept.lane).find(kept.seq)
    }

    fn name(&self, kept: &Kept) -> String {
        let op = self.op(kept);
        op.map_or_else(|| "an operation".into(), |op| name(self.record, &op))
    }
}

#[cfg(test)]
mod tests {
    use crate::measure::consistency::consistency;
    use crate::measure::fixture::{
        Bench, REGISTER_READ as R, REGISTER_WRITE as W, registers as bench,
    };

    use super::*;

    fn judged(bench: Bench) -> Figure<ConsistencyFigures> {
        let (record, history) = bench.build();
        consistency(&record, &history).expect("there are register lanes")
    }

    #[test]
    fn reads_of_the_newest_write_are_linearizable_and_a_drill_without_registers_says_nothing() {
        let found = judged(bench());
        let figures = found.value().expect("measured");
        assert_eq!((figures.operations, figures.anomalies), (120, 0));
        let (record, history) = Bench::new().build();
        assert_eq!(consistency(&record, &history), None);
    }

    #[test]
    fn a_lost_write_is_told_with_its_register_its_operations_and_their_times() {
        let mut bench = bench();
        // The failover lost the last write: what was there before it is there again.
        bench.op(R, 20).version = Some(register_value(W, 19));
        bench.op(R, 20).node = Some(1);
        let found = judged(bench);
        let figures = found.value().expect("measured");
        assert_eq!((figures.anomalies, figures.broken), (1, 1));
        insta::assert_snapshot!(figures.told[0], @"register 1: the value of register-write-1 #20 was there and then gone: register-write-1 #20 (acknowledged by pg1, sent 20.001100 s, done 20.003000 s); before and after that the value of register-write-1 #19 was there: register-write-1 #19 (acknowledged by pg1, sent 19.001100 s, done 19.003000 s) and register-read-1 #20 (read by pg2, sent 20.501100 s, done 20.503000 s)");
    }

    #[test]
    fn a_refused_write_that_is_read_and_a_value_of_nobody_are_told_apart() {
        let mut refused = bench();
        refused.op(W, 30).outcome = Outcome::Fail;
        let found = judged(refused);
        let told = &found.value().expect("measured").told;
        assert!(
            told[0].ends_with("showed the value of register-write-1 #30, which had been refused"),
            "{told:?}"
        );
        let mut unknown = bench();
        unknown.op(R, 30).version = Some(77);
        let found = judged(unknown);
        let told = &found.value().expect("measured").told;
        assert!(
            told[0].ends_with("showed 77, which nobody wrote"),
            "{told:?}"
        );
    }

    #[test]
    fn a_write_of_unknown_outcome_explains_what_is_read_and_need_not() {
        let mut bench = bench();
        bench.op(W, 20).outcome = Outcome::Info;
        bench.op(W, 21).outcome = Outcome::Info;
        bench.op(R, 21).version = Some(register_value(W, 20));
        assert_eq!(judged(bench).value().map(|it| it.anomalies), Some(0));
    }

    #[test]
    fn registers_are_judged_in_groups_that_leave_none_out() {
        for (operations, registers) in [(0, 3), (AT_HAND, 4), (3 * AT_HAND, 8), (usize::MAX, 5)] {
            let numbers: Vec<u16> = groups(operations, registers).flatten().collect();
            assert_eq!(numbers, (0..registers).collect::<Vec<_>>());
        }
        assert_eq!(groups(AT_HAND, 8).count(), 1);
        assert_eq!(
            groups(3 * AT_HAND, 8).collect::<Vec<_>>(),
            [0..3, 3..6, 6..8]
        );
        let mut bench = bench();
        bench
            .record
            .lanes
            .iter_mut()
            .for_each(|lane| lane.keys = Some(4));
        let (record, history) = bench.build();
        let lanes: Vec<&Lane> = record.lanes.iter().collect();
        let of = |numbers: Range<u16>| -> Vec<(u16, u64)> {
            let all = by_register(&lanes, &history, numbers).into_iter();
            all.flat_map(|(number, kept)| kept.into_iter().map(move |kept| (number, kept.seq)))
                .collect()
        };
        let (whole, parts) = (of(0..4), [of(0..3), of(3..4)].concat());
        assert!(whole.len() > 100 && whole == parts, "{whole:?} {parts:?}");
    }

    #[test]
    fn without_reads_after_the_fault_or_with_operations_missing_nothing_can_be_told() {
        let mut deaf = bench();
        for seq in 20..60 {
            deaf.op(R, seq).outcome = Outcome::Fail;
        }
        let found = judged(deaf);
        assert!(
            matches!(&found, Figure::Missing(why) if why.contains("not read after")),
            "{found:?}"
        );
        let mut cut = bench();
        cut.history.ops.retain(|op| (op.lane, op.seq) != (W, 7));
        let found = judged(cut);
        assert!(
            matches!(&found, Figure::Missing(why) if why.contains("are missing")),
            "{found:?}"
        );
    }
}
