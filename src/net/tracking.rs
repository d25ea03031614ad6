//! What the kernel's connection tracking threw away: with its table full it drops the packets of new connections.

use std::fs;

/// The counters of this network namespace, hexadecimal, a line for each processor (kernel: `nf_conntrack_standalone.c`).
const COUNTERS: &str = "/proc/net/stat/nf_conntrack";

/// How many packets connection tracking has dropped since it began, in the network namespace of this process; none where
/// nothing tracks connections or nothing counts.
pub fn dropped_packets() -> Option<u64> {
    dropped(&fs::read_to_string(COUNTERS).ok()?)
}

fn dropped(table: &str) -> Option<u64> {
    let mut lines = table.lines();
    let names = lines.next()?.split_whitespace();
    let column = names.into_iter().position(|name| name == "drop")?;
    let of = |line: &str| u64::from_str_radix(line.split_whitespace().nth(column)?, 16).ok();
    lines.map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_of_all_processors_are_added() {
        let table = "entries clashres found drop early_drop\n\
                     00000000 00000001 00000002 0000000a 00000135\n\
                     00000000 00000001 00000002 00000010 0000014f\n";
        assert_eq!(dropped(table), Some(26));
        assert_eq!(dropped("entries found\n0000 0001\n"), None);
        assert_eq!(dropped("entries drop\n0000\n"), None);
        assert_eq!(dropped(""), None);
    }
}
