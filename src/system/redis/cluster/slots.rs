//! Which slots a shard holds, and a hash tag whose slot lies there.

/// How many slots a cluster has. Fixed by the cluster specification.
pub const SLOTS: u16 = 16_384;

/// The first and the last slot of a shard (from 1) of so many, spread as evenly as they can be.
pub fn range(shard: u16, shards: u16) -> (u16, u16) {
    let begin = |number: u16| {
        let slot = u32::from(SLOTS) * u32::from(number) / u32::from(shards.max(1));
        u16::try_from(slot).unwrap_or(SLOTS)
    };
    (begin(shard - 1), begin(shard) - 1)
}

/// A hash tag whose slot lies in a shard: the smallest number that does.
pub fn tag(shard: u16, shards: u16) -> String {
    let (first, last) = range(shard, shards);
    let fits = |tag: &String| (first..=last).contains(&slot_of(tag));
    let mut tags = (0_u32..).map(|number| number.to_string());
    tags.find(fits).unwrap_or_default()
}

/// The slot of a hash tag: CRC-16/XMODEM of it, as the cluster specification says.
pub fn slot_of(tag: &str) -> u16 {
    let mut sum: u16 = 0;
    for byte in tag.bytes() {
        sum ^= u16::from(byte) << 8;
        for _ in 0..8 {
            let carry = sum & 0x8000 != 0;
            sum <<= 1;
            if carry {
                sum ^= 0x1021;
            }
        }
    }
    sum % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_servers() {
        // The check value of CRC-16/XMODEM, and what `CLUSTER KEYSLOT 123456789` answers: 12739.
        assert_eq!(slot_of("123456789"), 0x31c3);
        assert_eq!(slot_of(""), 0);
    }

    #[test]
    fn shards_cover_every_slot_once_and_each_has_a_tag() {
        for shards in [3, 4, 5] {
            let mut next = 0;
            for shard in 1..=shards {
                let (first, last) = range(shard, shards);
                assert_eq!(first, next);
                next = last + 1;
                assert!((first..=last).contains(&slot_of(&tag(shard, shards))));
            }
            assert_eq!(next, SLOTS);
        }
    }
}
