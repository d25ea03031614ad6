//! Operations of one lane in few bytes: each column as what it differs by from what is to be expected.
//!
//! Numbers go up by one, intended times by the lane's interval, and a start and an end follow soon after: what is left
//! over is small, and takes as many bytes as the largest of its column in the block.

use crate::{id::LaneId, time::Nanos};

use super::{Op, Outcome};

/// What is read beyond a value's own bytes, eight at a time.
const PADDING: usize = 8;

/// Columns of a block, in their order: number, intended, sent, done, outcome and what is there, error, node, version.
const COLUMNS: usize = 8;

const SENT: u64 = 1 << 3;
const DONE: u64 = 1 << 4;
const ERROR: u64 = 1 << 5;
const NODE: u64 = 1 << 6;
const VERSION: u64 = 1 << 7;
const OUTCOME: u64 = 0b111;

/// What is expected of a block's operations.
#[derive(Clone, Copy)]
struct Expected {
    /// The first one's number.
    seq: u64,
    /// When the first one was to start.
    intended: u64,
    /// The time between two of them.
    interval: u64,
}

impl Expected {
    fn of(ops: &[Op]) -> Self {
        let intended = |index: usize| ops.get(index).map_or(0, |op| op.intended.0);
        Self {
            seq: ops.first().map_or(0, |op| op.seq),
            intended: intended(0),
            interval: intended(1).wrapping_sub(intended(0)),
        }
    }

    fn seq(self, place: u64) -> u64 {
        self.seq.wrapping_add(place)
    }

    fn intended(self, place: u64) -> u64 {
        let since = self.interval.wrapping_mul(place);
        self.intended.wrapping_add(since)
    }

    /// What an operation differs by in each column. All arithmetic wraps, so that whatever a history holds comes back.
    fn differences(self, op: &Op, place: u64) -> [u64; COLUMNS] {
        let intended = op.intended.0;
        let sent = op.sent.map_or(intended, |sent| sent.0);
        let done = op.done.map_or(sent, |done| done.0);
        let there = |there: bool, flag: u64| if there { flag } else { 0 };
        let flags = op.outcome as u64
            | there(op.sent.is_some(), SENT)
            | there(op.done.is_some(), DONE)
            | there(op.error.is_some(), ERROR)
            | there(op.node.is_some(), NODE)
            | there(op.version.is_some(), VERSION);
        [
            op.seq.wrapping_sub(self.seq(place)),
            intended.wrapping_sub(self.intended(place)),
            sent.wrapping_sub(intended),
            done.wrapping_sub(sent),
            flags,
            u64::from(op.error.unwrap_or_default()),
            u64::from(op.node.unwrap_or_default()),
            op.version.unwrap_or(op.seq).wrapping_sub(op.seq),
        ]
    }
}

/// The operations of a block as bytes.
pub fn pack(ops: &[Op]) -> Vec<u8> {
    let expected = Expected::of(ops);
    let mut bytes = Vec::with_capacity(128 + ops.len() * COLUMNS);
    for part in [expected.seq, expected.intended, expected.interval] {
        bytes.extend(part.to_le_bytes());
    }
    let differences: Vec<[u64; COLUMNS]> = (0..)
        .zip(ops)
        .map(|(place, op)| expected.differences(op, place))
        .collect();
    for column in 0..COLUMNS {
        let values = || differences.iter().map(|row| row[column]);
        let least = values().map(u64::cast_signed).min().unwrap_or_default();
        let least = least.cast_unsigned();
        let widest = values().map(|value| value.wrapping_sub(least)).max();
        let bits = u64::BITS - widest.unwrap_or_default().leading_zeros();
        let width = bits.div_ceil(8) as usize;
        bytes.extend(least.to_le_bytes());
        bytes.push(width as u8);
        for value in values() {
            bytes.extend(&value.wrapping_sub(least).to_le_bytes()[..width]);
        }
    }
    bytes.extend([0; PADDING]);
    bytes
}

/// The operations that these bytes were made of, so many of them, of this lane.
pub fn unpack(lane: LaneId, bytes: &[u8], count: usize) -> Vec<Op> {
    let mut rest = bytes;
    let expected = Expected {
        seq: number(&mut rest),
        intended: number(&mut rest),
        interval: number(&mut rest),
    };
    let blank = Op {
        lane,
        seq: 0,
        intended: Nanos(0),
        sent: None,
        done: None,
        outcome: Outcome::Ok,
        error: None,
        node: None,
        version: None,
    };
    let mut ops = vec![blank; count];
    column(&mut rest, &mut ops, |op, place, value| {
        op.seq = expected.seq(place).wrapping_add(value);
    });
    column(&mut rest, &mut ops, |op, place, value| {
        op.intended = Nanos(expected.intended(place).wrapping_add(value));
    });
    column(&mut rest, &mut ops, |op, _, value| {
        op.sent = Some(Nanos(op.intended.0.wrapping_add(value)));
    });
    column(&mut rest, &mut ops, |op, _, value| {
        let sent = op.sent.unwrap_or_default();
        op.done = Some(Nanos(sent.0.wrapping_add(value)));
    });
    column(&mut rest, &mut ops, |op, _, flags| {
        op.outcome = outcome(flags & OUTCOME);
        op.sent = op.sent.filter(|_| flags & SENT != 0);
        op.done = op.done.filter(|_| flags & DONE != 0);
        op.error = (flags & ERROR != 0).then_some(0);
        op.node = (flags & NODE != 0).then_some(0);
        op.version = (flags & VERSION != 0).then_some(op.seq);
    });
    column(&mut rest, &mut ops, |op, _, value| {
        op.error = op.error.map(|_| value as u16);
    });
    column(&mut rest, &mut ops, |op, _, value| {
        op.node = op.node.map(|_| value as u16);
    });
    column(&mut rest, &mut ops, |op, _, value| {
        op.version = op.version.map(|seq| seq.wrapping_add(value));
    });
    ops
}

fn outcome(code: u64) -> Outcome {
    let all = [
        Outcome::Ok,
        Outcome::Conflict,
        Outcome::Fail,
        Outcome::Info,
        Outcome::Shed,
    ];
    all[code as usize]
}

/// Takes eight bytes from the front.
fn number(rest: &mut &[u8]) -> u64 {
    let (first, others) = rest.split_first_chunk().expect("a block has all its parts");
    *rest = others;
    u64::from_le_bytes(*first)
}

/// Takes a column from the front, and tells each operation its place and its value.
fn column(rest: &mut &[u8], ops: &mut [Op], set: impl Fn(&mut Op, u64, u64)) {
    let least = number(rest);
    let width = usize::from(rest[0]);
    let values = &rest[1..];
    let mask = match width {
        8.. => u64::MAX,
        _ => (1 << (8 * width)) - 1,
    };
    for (place, op) in ops.iter_mut().enumerate() {
        let eight = &values[place * width..][..8];
        let value = u64::from_le_bytes(eight.try_into().expect("eight bytes"));
        set(op, place as u64, (value & mask).wrapping_add(least));
    }
    *rest = &values[ops.len() * width..];
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LANE: LaneId = LaneId(3);

    fn any_op() -> impl Strategy<Value = Op> {
        let outcomes = prop_oneof![
            Just(Outcome::Ok),
            Just(Outcome::Conflict),
            Just(Outcome::Fail),
            Just(Outcome::Info),
            Just(Outcome::Shed)
        ];
        let time = || proptest::option::of(any::<u64>().prop_map(Nanos));
        let small = proptest::option::of(any::<u16>());
        (
            (any::<u64>(), any::<u64>(), time(), time()),
            outcomes,
            (small.clone(), small, proptest::option::of(any::<u64>())),
        )
            .prop_map(|((seq, intended, sent, done), outcome, rest)| Op {
                lane: LANE,
                seq,
                intended: Nanos(intended),
                sent,
                done,
                outcome,
                error: rest.0,
                node: rest.1,
                version: rest.2,
            })
    }

    proptest! {
        #[test]
        fn whatever_a_history_holds_comes_back(ops in proptest::collection::vec(any_op(), 0..40)) {
            prop_assert_eq!(unpack(LANE, &pack(&ops), ops.len()), ops);
        }
    }

    #[test]
    fn an_operation_that_comes_as_expected_takes_few_bytes() {
        let op = |seq: u64| {
            let intended = Nanos(5_000 + seq * 1_000_000);
            let sent = Nanos(intended.0 + 60_000 + seq * 977 % 9_000);
            Op {
                lane: LANE,
                seq,
                intended,
                sent: Some(sent),
                done: Some(Nanos(sent.0 + 400_000 + seq * 7_919 % 90_000)),
                outcome: Outcome::Ok,
                error: None,
                node: Some(1),
                version: Some(seq + 1),
            }
        };
        let ops: Vec<Op> = (7..1_007).map(op).collect();
        let bytes = pack(&ops);
        assert!(bytes.len() < 6 * ops.len(), "{}", bytes.len());
        assert_eq!(unpack(LANE, &bytes, ops.len()), ops);
    }
}
