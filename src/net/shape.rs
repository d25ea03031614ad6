//! Packets that a node sends, treated badly on their way: what is meant, as the kernel and the packet queue are told.

use std::{fmt::Write, net::IpAddr, time::Duration};

use serde::Serialize;

use crate::{id::NodeName, scenario::Distribution};

use super::{agent::PORT, emulator};

/// The program that the kernel's packet queue hands packets to.
const QUEUE: &str = include_str!("queue.py");
/// The queue's number; the program binds the same.
const QUEUE_NUMBER: u16 = 28613;
/// The mark on copies that the program sends itself, which are not queued again.
const COPY_MARK: u16 = 0xdd1;
/// What a slowed-down path holds back before it drops: a tenth of a second, and at least two full packets' worth of the
/// kernel's segmentation.
const BACKLOG_BYTES_MIN: u64 = 128 << 10;

/// Packets of one node, treated badly.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// The node that sends them.
    pub node: NodeName,
    /// Whom they go to.
    pub to: Vec<IpAddr>,
    /// Only packets from or to these ports; all if empty.
    pub ports: Vec<u16>,
    /// What happens to them.
    pub how: Shaping,
}

/// What happens to packets. Shares are of 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shaping {
    /// Each is held for `delay`, give or take `jitter`.
    Latency {
        /// How long on average.
        delay: Duration,
        /// How much longer or shorter.
        jitter: Duration,
        /// How that is spread.
        distribution: Distribution,
    },
    /// This share is dropped, each packet by itself.
    Loss(f64),
    /// This share is sent twice.
    Duplicate(f64),
    /// This share has one bit changed behind the network header.
    Corrupt(f64),
    /// This share is held, so that later ones overtake it.
    Reorder {
        /// How many.
        share: f64,
        /// For how long.
        hold: Duration,
    },
    /// All together pass at most so many bits a second.
    Bandwidth(u64),
}

impl Shaping {
    /// The means, where the kernel's emulator is used, or not.
    pub fn means(&self, emulated: bool) -> &'static str {
        if emulated && self.queued() {
            return "the kernel's emulator (netem) at the sending node's interface";
        }
        match self {
            Self::Loss(_) => "nftables `numgen random` at the sending node",
            Self::Bandwidth(_) => "traffic control (htb) at the sending node's interface",
            Self::Latency { .. } | Self::Duplicate(_) | Self::Corrupt(_) | Self::Reorder { .. } => {
                "a user-space packet queue (NFQUEUE) at the sending node"
            }
        }
    }

    /// Whether packets are held, repeated or changed: by the kernel's emulator, or by a program that it hands them to.
    pub(super) fn queued(&self) -> bool {
        !matches!(self, Self::Loss(_) | Self::Bandwidth(_))
    }
}

/// What the agent puts in force besides its filter's script.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub(super) struct Orders {
    /// The queue's program.
    pub program: &'static str,
    /// What the queue's program does.
    pub shapes: Vec<Queued>,
    /// Which packets go to the queue, for `iptables-restore`; empty for none.
    pub tables: String,
    /// Rates or the emulator, for `tc`.
    pub traffic: Vec<String>,
    /// How many seconds after it is taken away packets are still on their way through it.
    pub drain: f64,
}

/// A shape as the queue's program takes it: seconds and shares of 1.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub(super) struct Queued {
    id: usize,
    to: Vec<IpAddr>,
    ports: Vec<u16>,
    delay: f64,
    jitter: f64,
    distribution: Distribution,
    duplicate: f64,
    corrupt: f64,
    reorder: f64,
    hold: f64,
}

/// What shows that this machine can do it at all, without touching a packet.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub(super) struct Rehearsal {
    /// The queue's program; empty if it is not needed.
    pub program: &'static str,
    /// What is set for rates, and removed again.
    pub traffic: Vec<&'static str>,
    /// What is set for the emulator, and removed again; where that succeeds, the program is not needed. Empty where the
    /// emulator would not do.
    pub emulator: Vec<String>,
}

/// What has to be possible for these.
pub(super) fn rehearsal(wanted: &[Shaping]) -> Rehearsal {
    let mut rehearsal = Rehearsal::default();
    if wanted.iter().any(Shaping::queued) {
        rehearsal.program = QUEUE;
        rehearsal.emulator = emulator::trial(wanted);
    }
    if wanted
        .iter()
        .any(|one| matches!(one, Shaping::Bandwidth(_)))
    {
        rehearsal.traffic = vec![
            "qdisc replace dev eth0 root handle 1: htb default 0",
            "qdisc del dev eth0 root",
        ];
    }
    rehearsal
}

/// A node's shapes as orders. `emulated`: by the kernel's emulator, which is asked for one shape alone.
pub(super) fn orders(shapes: &[&Shape], emulated: bool) -> Orders {
    let mut orders = Orders {
        program: QUEUE,
        ..Orders::default()
    };
    for (id, shape) in shapes.iter().enumerate() {
        if let Shaping::Bandwidth(bits) = shape.how {
            if orders.traffic.is_empty() {
                let root = "qdisc add dev eth0 root handle 1: htb default 0";
                orders.traffic.push(root.into());
            }
            orders.traffic.extend(rate(class(id), bits));
        }
        if shape.how.queued() && !emulated {
            orders.shapes.push(queued(id, shape));
        } else if shape.how.queued() {
            orders.traffic = emulator::commands(&shape.how);
            orders.drain = emulator::drain(&shape.how).as_secs_f64();
        }
    }
    let queued = shapes
        .iter()
        .filter(|shape| shape.how.queued() && !emulated);
    let lines: String = queued.map(|shape| table(shape)).collect();
    if !lines.is_empty() {
        let copies = format!("-A OUTPUT -m mark --mark {COPY_MARK:#x} -j RETURN\n");
        orders.tables = format!("*mangle\n-F OUTPUT\n{copies}{lines}COMMIT\n");
    }
    orders
}

/// The filter's chain for a node's shapes, behind the chains that cut; empty when none of them needs it.
pub(super) fn chain(shapes: &[&Shape], emulated: bool) -> String {
    let mut rules = String::new();
    for (id, shape) in shapes.iter().enumerate() {
        let deed = match shape.how {
            Shaping::Loss(share) => format!(
                "numgen random mod 1000000 < {:.0} counter drop",
                share * 1e6
            ),
            Shaping::Bandwidth(_) => format!("counter meta priority set 1:{:x}", class(id)),
            _ if emulated => format!("counter meta priority set {}", emulator::CLASS),
            _ => continue,
        };
        let to: Vec<String> = shape.to.iter().map(ToString::to_string).collect();
        for ports in super::rules::ports(&with_probes(&shape.ports)) {
            let _ = writeln!(rules, "\t\tip daddr {{ {} }} {ports}{deed}", to.join(", "));
        }
    }
    if rules.is_empty() {
        return rules;
    }
    format!(
        "\tchain shaped {{\n\t\ttype filter hook output priority -160; policy accept;\n{rules}\t}}\n"
    )
}

/// The probes' port stands in for those meant: what happens to its packets is measured.
fn with_probes(ports: &[u16]) -> Vec<u16> {
    let more = (!ports.is_empty()).then_some(PORT);
    ports.iter().copied().chain(more).collect()
}

fn class(id: usize) -> usize {
    0x10 + id
}

fn rate(class: usize, bits: u64) -> [String; 2] {
    let backlog = (bits / 80).max(BACKLOG_BYTES_MIN);
    [
        format!(
            "class add dev eth0 parent 1: classid 1:{class:x} htb rate {bits} ceil {bits} burst 16k cburst 16k"
        ),
        format!("qdisc add dev eth0 parent 1:{class:x} bfifo limit {backlog}"),
    ]
}

fn queued(id: usize, shape: &Shape) -> Queued {
    let mut queued = Queued {
        id,
        to: shape.to.clone(),
        ports: with_probes(&shape.ports),
        ..Queued::default()
    };
    match shape.how {
        Shaping::Latency {
            delay,
            jitter,
            distribution,
        } => {
            (queued.delay, queued.jitter) = (delay.as_secs_f64(), jitter.as_secs_f64());
            queued.distribution = distribution;
        }
        Shaping::Duplicate(share) => queued.duplicate = share,
        Shaping::Corrupt(share) => queued.corrupt = share,
        Shaping::Reorder { share, hold } => {
            (queued.reorder, queued.hold) = (share, hold.as_secs_f64());
        }
        Shaping::Loss(_) | Shaping::Bandwidth(_) => {}
    }
    queued
}

/// Which packets go to the queue. They pass if nobody answers for it.
fn table(shape: &Shape) -> String {
    let ports = with_probes(&shape.ports);
    let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
    let kinds = match ports.as_slice() {
        [] => vec![String::new()],
        _ => ["tcp", "udp"]
            .map(|kind| format!("-p {kind} -m multiport --ports {} ", ports.join(",")))
            .to_vec(),
    };
    let mut lines = String::new();
    for (to, kind) in shape
        .to
        .iter()
        .flat_map(|to| kinds.iter().map(move |kind| (to, kind)))
    {
        let _ = writeln!(
            lines,
            "-A OUTPUT -d {to} {kind}-j NFQUEUE --queue-num {QUEUE_NUMBER} --queue-bypass"
        );
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(ports: &[u16], how: Shaping) -> Shape {
        Shape {
            node: NodeName::new("a"),
            to: vec!["10.0.0.2".parse().unwrap()],
            ports: ports.to_vec(),
            how,
        }
    }

    #[test]
    fn what_the_queue_does_is_sent_to_it_and_copies_are_not() {
        let slow = shape(
            &[],
            Shaping::Latency {
                delay: Duration::from_millis(50),
                jitter: Duration::ZERO,
                distribution: Distribution::Uniform,
            },
        );
        let orders = orders(&[&slow], false);
        assert_eq!(
            orders.tables,
            "*mangle\n-F OUTPUT\n-A OUTPUT -m mark --mark 0xdd1 -j RETURN\n\
             -A OUTPUT -d 10.0.0.2 -j NFQUEUE --queue-num 28613 --queue-bypass\nCOMMIT\n"
        );
        assert_eq!(orders.shapes[0].delay, 0.05);
        assert_eq!(chain(&[&slow], false), "");
        assert!(orders.traffic.is_empty());
    }

    #[test]
    fn loss_and_bandwidth_are_the_kernels_and_name_their_ports() {
        let (loss, slow) = (
            shape(&[6379], Shaping::Loss(0.1)),
            shape(&[], Shaping::Bandwidth(8_000_000)),
        );
        let chain = chain(&[&loss, &slow], false);
        assert!(
            chain.contains("th dport { 6379, 28613 } numgen random mod 1000000 < 100000"),
            "{chain}"
        );
        assert!(chain.contains("meta priority set 1:11"), "{chain}");
        let orders = orders(&[&loss, &slow], false);
        assert_eq!((orders.shapes.len(), orders.tables.as_str()), (0, ""));
        assert_eq!(orders.traffic.len(), 3);
    }

    #[test]
    fn nothing_is_asked_of_the_machine_that_is_not_needed() {
        assert_eq!(rehearsal(&[Shaping::Loss(0.1)]), Rehearsal::default());
        assert!(!rehearsal(&[Shaping::Bandwidth(1)]).traffic.is_empty());
        assert!(!rehearsal(&[Shaping::Corrupt(0.1)]).program.is_empty());
    }
}
