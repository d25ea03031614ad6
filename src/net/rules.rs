//! Grudges as packet-filter rules: pure functions from what is meant to what the kernel is told.

use std::{collections::BTreeSet, fmt::Write, net::IpAddr};

use super::Grudge;

/// Removes every rule of ours in one transaction; harmless when there is none.
pub const FLUSH: &str = "add table inet drdrill\ndelete table inet drdrill\n";

/// The script that puts a grudge in the place of all our rules at its node, in one transaction.
///
/// The chains come before connection tracking and routing, so packets of established connections
/// are dropped like any other.
pub fn script(grudge: &Grudge) -> String {
    let mut script = FLUSH.to_owned();
    let incoming = drops("saddr", &grudge.incoming_from);
    let outgoing = drops("daddr", &grudge.outgoing_to);
    if incoming.is_empty() && outgoing.is_empty() {
        return script;
    }
    script.push_str("table inet drdrill {\n");
    for (chain, hook, rules) in [
        ("incoming", "input", incoming),
        ("outgoing", "output", outgoing),
    ] {
        if !rules.is_empty() {
            let head = format!("type filter hook {hook} priority raw; policy accept;");
            let _ = write!(script, "\tchain {chain} {{\n\t\t{head}\n{rules}\t}}\n");
        }
    }
    script.push_str("}\n");
    script
}

/// One rule per address family.
fn drops(field: &str, addresses: &[IpAddr]) -> String {
    let family = |wanted: bool| -> Vec<String> {
        let addresses: BTreeSet<&IpAddr> = addresses.iter().collect();
        let fitting = addresses.into_iter().filter(|ip| ip.is_ipv4() == wanted);
        fitting.map(ToString::to_string).collect()
    };
    let mut rules = String::new();
    for (name, addresses) in [("ip", family(true)), ("ip6", family(false))] {
        if !addresses.is_empty() {
            let _ = writeln!(
                rules,
                "\t\t{name} {field} {{ {} }} drop",
                addresses.join(", ")
            );
        }
    }
    rules
}

/// What a node drops when both grudges hold.
pub fn both(one: &Grudge, other: &Grudge) -> Grudge {
    let union = |a: &[IpAddr], b: &[IpAddr]| -> Vec<IpAddr> {
        let all: BTreeSet<IpAddr> = a.iter().chain(b).copied().collect();
        all.into_iter().collect()
    };
    Grudge {
        node: one.node.clone(),
        incoming_from: union(&one.incoming_from, &other.incoming_from),
        outgoing_to: union(&one.outgoing_to, &other.outgoing_to),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeName;

    fn grudge(incoming: &[&str], outgoing: &[&str]) -> Grudge {
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        Grudge {
            node: NodeName::new("a"),
            incoming_from: addresses(incoming),
            outgoing_to: addresses(outgoing),
        }
    }

    #[test]
    fn a_grudge_replaces_all_rules_in_one_transaction() {
        let both_ways = grudge(&["10.0.0.3", "10.0.0.2", "fd00::2"], &["10.0.0.2"]);
        let expected = "\
add table inet drdrill
delete table inet drdrill
table inet drdrill {
\tchain incoming {
\t\ttype filter hook input priority raw; policy accept;
\t\tip saddr { 10.0.0.2, 10.0.0.3 } drop
\t\tip6 saddr { fd00::2 } drop
\t}
\tchain outgoing {
\t\ttype filter hook output priority raw; policy accept;
\t\tip daddr { 10.0.0.2 } drop
\t}
}
";
        assert_eq!(script(&both_ways), expected);
    }

    #[test]
    fn one_way_makes_one_chain_and_nothing_makes_none() {
        let one_way = script(&grudge(&["10.0.0.2"], &[]));
        assert!(one_way.contains("chain incoming") && !one_way.contains("chain outgoing"));
        assert_eq!(script(&grudge(&[], &[])), FLUSH);
    }

    #[test]
    fn a_second_grudge_adds_to_the_first() {
        let sum = both(
            &grudge(&["10.0.0.2"], &[]),
            &grudge(&["10.0.0.3", "10.0.0.2"], &["10.0.0.4"]),
        );
        assert_eq!(sum, grudge(&["10.0.0.2", "10.0.0.3"], &["10.0.0.4"]));
    }
}
