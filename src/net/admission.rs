//! New connections beyond a rate, dropped: what is meant, as the packet filter is told, and what it counts.

use std::fmt::Write;

use crate::id::NodeName;

use super::agent::PORT;

/// The chain's name: the kernel lists its counters under it.
const CHAIN: &str = "admitted";
/// The first packet of a new connection, from another machine.
const FIRST: &str = "iifname != \"lo\" tcp flags & (syn | ack) == syn";

/// How many new connections a node lets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The node that drops the others.
    pub node: NodeName,
    /// Only connections to these TCP ports; all if empty.
    pub ports: Vec<u16>,
    /// How many a second, of everyone together.
    pub per_second: u32,
}

impl Admission {
    /// How many get through at once after a pause: a tenth of a second's worth.
    pub fn burst(&self) -> u32 {
        (self.per_second / 10).max(1)
    }

    /// How many get through in so many seconds, at most.
    pub fn most(&self, seconds: f64) -> f64 {
        f64::from(self.per_second) * seconds + f64::from(self.burst()) + 1.0
    }
}

/// What a node's filter has counted of new connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// First packets that came.
    pub came: u64,
    /// Those that were dropped.
    pub dropped: u64,
}

impl Counted {
    /// What the rules of a node say, as the kernel lists them; nothing where no new connection is counted.
    pub fn of(rules: &str) -> Self {
        let inside = rules.split(&format!("chain {CHAIN} {{")).nth(1);
        let inside = inside.and_then(|rest| rest.split("\n\t}").next());
        let mut counted = Self::default();
        for line in inside.unwrap_or_default().lines() {
            let count = line.split("counter packets ").nth(1);
            let count = count.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
            let into = match line.contains("limit rate") {
                true => &mut counted.dropped,
                false => &mut counted.came,
            };
            *into += count.unwrap_or(0);
        }
        counted
    }

    /// How many have got through since.
    pub fn passed_since(self, before: Self) -> u64 {
        let came = self.came.saturating_sub(before.came);
        came.saturating_sub(self.dropped_since(before))
    }

    /// How many have been dropped since.
    pub fn dropped_since(self, before: Self) -> u64 {
        self.dropped.saturating_sub(before.dropped)
    }
}

/// The filter's chain for a node's admissions, behind the chains that cut; empty without any.
pub(super) fn chain(admissions: &[&Admission]) -> String {
    let mut rules = String::new();
    for one in admissions {
        let (rate, burst) = (one.per_second, one.burst());
        let ports = ports(&one.ports);
        let _ = writeln!(rules, "\t\t{FIRST} {ports}counter");
        let _ = writeln!(
            rules,
            "\t\t{FIRST} {ports}limit rate over {rate}/second burst {burst} packets counter drop"
        );
    }
    if rules.is_empty() {
        return rules;
    }
    format!(
        "\tchain {CHAIN} {{\n\t\ttype filter hook input priority -290; policy accept;\n{rules}\t}}\n"
    )
}

/// The probes' port stands in for those meant: who connects to it shows what becomes of the others.
fn ports(ports: &[u16]) -> String {
    if ports.is_empty() {
        return String::new();
    }
    let all = ports.iter().chain([&PORT]).map(ToString::to_string);
    let all: Vec<String> = all.collect();
    format!("tcp dport {{ {} }} ", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(ports: &[u16], per_second: u32) -> Admission {
        Admission {
            node: NodeName::new("a"),
            ports: ports.to_vec(),
            per_second,
        }
    }

    #[test]
    fn first_packets_are_counted_and_those_beyond_the_rate_dropped() {
        let (few, some) = (admission(&[], 5), admission(&[6379], 50));
        let expected = "\
\tchain admitted {
\t\ttype filter hook input priority -290; policy accept;
\t\tiifname != \"lo\" tcp flags & (syn | ack) == syn counter
\t\tiifname != \"lo\" tcp flags & (syn | ack) == syn limit rate over 5/second burst 1 packets counter drop
\t\tiifname != \"lo\" tcp flags & (syn | ack) == syn tcp dport { 6379, 28613 } counter
\t\tiifname != \"lo\" tcp flags & (syn | ack) == syn tcp dport { 6379, 28613 } limit rate over 50/second burst 5 packets counter drop
\t}
";
        assert_eq!(chain(&[&few, &some]), expected);
        assert_eq!(chain(&[]), "");
        assert_eq!((few.most(2.0), some.most(1.0)), (12.0, 56.0));
    }

    #[test]
    fn counters_are_read_as_the_kernel_lists_them_and_no_others() {
        let listed = "table inet drdrill {
\tchain incoming {
\t\tip saddr 10.0.0.2 counter packets 7 bytes 420 drop
\t}

\tchain admitted {
\t\ttype filter hook input priority raw + 10; policy accept;
\t\tiifname != \"lo\" tcp flags & (syn | ack) == syn counter packets 43 bytes 2580
\t\tiifname != \"lo\" tcp flags & (syn | ack) == syn limit rate over 5/second burst 1 packets counter packets 31 bytes 1860 drop
\t\tiifname != \"lo\" tcp flags & (syn | ack) == syn tcp dport { 6379, 28613 } counter packets 7 bytes 420
\t\tiifname != \"lo\" tcp flags & (syn | ack) == syn tcp dport { 6379, 28613 } limit rate over 50/second burst 5 packets counter packets 2 bytes 120 drop
\t}

\tchain shaped {
\t\tip daddr 10.0.0.2 numgen random mod 1000000 < 100000 counter packets 9 bytes 540 drop
\t}
}
";
        let counted = Counted::of(listed);
        assert_eq!((counted.came, counted.dropped), (50, 33));
        assert_eq!(counted.passed_since(Counted::default()), 17);
        assert_eq!(Counted::of(""), Counted::default());
    }
}
