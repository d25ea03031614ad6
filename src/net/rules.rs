//! Grudges as packet-filter rules: pure functions from what is meant to what the kernel is told.

use std::{collections::BTreeSet, fmt::Write, net::IpAddr};

use super::{Grudge, Refusal};

/// Removes every rule of ours in one transaction; harmless when there is none.
pub const FLUSH: &str = "add table inet drdrill\ndelete table inet drdrill\n";

/// The script that puts these grudges and further chains in the place of all our rules at their node, in one transaction.
///
/// The chains come before connection tracking and routing, so packets of established connections
/// are dropped like any other.
pub fn script(grudges: &[&Grudge], chains: &str) -> String {
    let mut script = FLUSH.to_owned();
    let incoming: String = grudges
        .iter()
        .map(|grudge| cuts(grudge, "saddr", &grudge.incoming_from))
        .collect();
    let outgoing: String = grudges
        .iter()
        .map(|grudge| cuts(grudge, "daddr", &grudge.outgoing_to))
        .collect();
    if incoming.is_empty() && outgoing.is_empty() && chains.is_empty() {
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
    script.push_str(chains);
    script.push_str("}\n");
    script
}

/// One rule per address family, and per end of the connection that a port may be.
fn cuts(grudge: &Grudge, field: &str, addresses: &[IpAddr]) -> String {
    let family = |wanted: bool| -> Vec<String> {
        let addresses: BTreeSet<&IpAddr> = addresses.iter().collect();
        let fitting = addresses.into_iter().filter(|ip| ip.is_ipv4() == wanted);
        fitting.map(ToString::to_string).collect()
    };
    let mut rules = String::new();
    for (name, addresses) in [("ip", family(true)), ("ip6", family(false))] {
        if addresses.is_empty() {
            continue;
        }
        let addresses = addresses.join(", ");
        for deed in deeds(grudge) {
            let _ = writeln!(rules, "\t\t{name} {field} {{ {addresses} }} {deed}");
        }
    }
    rules
}

/// What becomes of packets, once those of the addresses are chosen. The resets that a rejection itself sends pass.
fn deeds(grudge: &Grudge) -> Vec<String> {
    let drop = |ports: String| format!("{ports}counter drop");
    if grudge.refusal == Refusal::Drop {
        return ports(&grudge.ports).into_iter().map(drop).collect();
    }
    let (resets, rejects) = ("tcp flags rst accept", "counter reject with tcp reset");
    let list: Vec<String> = grudge.ports.iter().map(ToString::to_string).collect();
    if list.is_empty() {
        let rejects = format!("meta l4proto tcp {rejects}");
        return vec![resets.into(), rejects, "counter drop".into()];
    }
    let list = list.join(", ");
    let of = |end| {
        let choice = format!("{end} {{ {list} }}");
        [
            format!("tcp {choice} {resets}"),
            format!("tcp {choice} {rejects}"),
            format!("udp {choice} counter drop"),
        ]
    };
    ["sport", "dport"].into_iter().flat_map(of).collect()
}

/// What chooses packets from or to these ports; one that chooses all without any.
pub(super) fn ports(ports: &[u16]) -> Vec<String> {
    let list: Vec<String> = ports.iter().map(ToString::to_string).collect();
    if list.is_empty() {
        return vec![String::new()];
    }
    ["sport", "dport"]
        .map(|end| {
            let list = list.join(", ");
            format!("meta l4proto {{ tcp, udp }} th {end} {{ {list} }} ")
        })
        .to_vec()
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
            ports: Vec::new(),
            refusal: Refusal::Drop,
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
\t\tip saddr { 10.0.0.2, 10.0.0.3 } counter drop
\t\tip6 saddr { fd00::2 } counter drop
\t}
\tchain outgoing {
\t\ttype filter hook output priority raw; policy accept;
\t\tip daddr { 10.0.0.2 } counter drop
\t}
}
";
        assert_eq!(script(&[&both_ways], ""), expected);
    }

    #[test]
    fn one_way_makes_one_chain_and_nothing_makes_none() {
        let one_way = script(&[&grudge(&["10.0.0.2"], &[])], "");
        assert!(one_way.contains("chain incoming") && !one_way.contains("chain outgoing"));
        assert_eq!(script(&[&grudge(&[], &[])], ""), FLUSH);
    }

    #[test]
    fn grudges_add_up_and_those_of_ports_name_both_ends() {
        let (all, some) = (
            grudge(&["10.0.0.2"], &[]),
            Grudge {
                ports: vec![6379],
                refusal: Refusal::Reject,
                ..grudge(&["10.0.0.3"], &[])
            },
        );
        let script = script(&[&all, &some], "");
        for rule in [
            "ip saddr { 10.0.0.2 } counter drop",
            "ip saddr { 10.0.0.3 } tcp sport { 6379 } counter reject with tcp reset",
            "ip saddr { 10.0.0.3 } udp dport { 6379 } counter drop",
            "tcp dport { 6379 } tcp flags rst accept",
        ] {
            assert!(script.contains(rule), "{rule} in\n{script}");
        }
    }
}
