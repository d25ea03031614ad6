//! New connections beyond a rate are dropped.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Allowance, Decoder, Dur, Facts, FaultKind, Keys, Nature, Need, Path, Selector, Tree,
    Vocabulary,
    keys::{length, node},
    packets::ports,
};
use crate::scenario::{Rate, problem::Problem};

/// So many new connections a second, and no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PacketLimit {
    /// Who is connected to, by role.
    pub node: Selector,
    /// How many new connections a second get through, of everyone together.
    pub rate: Rate,
    /// Only connections to these TCP ports; all if missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<u16>,
    /// Ends by itself after this time. Without it, it lasts until `heal`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Dur>,
}

/// Less is a partition of whoever connects anew.
const RATE_MIN: Rate = Rate(1.0);
/// More could not be exceeded by those who look at it, four times over, without loading the machine.
const RATE_MAX: Rate = Rate(50.0);

impl Vocabulary for PacketLimit {
    const FACTS: Facts = Facts {
        name: "packet-limit",
        help: "drops the first packet of new connections to a node beyond a rate",
        schema: "Drops the first packets of new connections beyond a rate.",
        keys: Some(Keys {
            missing: "say who and how many, such as `packet-limit: { node: primary, rate: 5/s }`",
            example: "{ node: {}, rate: 5/s }",
        }),
        past: "new connections to {victims} beyond a rate were dropped",
        past_chinese: "到 {victims} 的新连接超出速率的部分被丢弃",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "the fault")?;
        let node = node(d, &mut f);
        let rate = f
            .need("rate", "say how many get through, such as `rate: 5/s`")
            .and_then(|tree| rate(d, tree));
        let ports = f
            .get("ports")
            .map_or(Some(Vec::new()), |tree| ports(d, tree));
        let lasting = length(d, &mut f);
        d.finish(f);
        Some(Self {
            node: node?,
            rate: rate?,
            ports: ports?,
            lasting,
        })
    }

    fn drawn(node: &Selector) -> Vec<Self> {
        vec![Self {
            node: node.clone(),
            rate: Rate(5.0),
            ports: Vec::new(),
            lasting: None,
        }]
    }
}

/// A whole number of connections a second: the kernel's filter counts no parts.
fn rate(d: &mut Decoder, tree: &Tree) -> Option<Rate> {
    let rate: Rate = d.scalar(tree, "a rate")?;
    let rate = d.within(tree, "a rate of connections", rate, RATE_MIN..=RATE_MAX)?;
    if rate.0.fract() > 0.0 {
        let message = format!("{rate} is no whole number of connections a second");
        d.note(Problem::at(tree.place.clone(), message).help("write it as `5/s`"));
        return None;
    }
    Some(rate)
}

impl FaultKind for PacketLimit {
    fn title(&self) -> String {
        format!("only {} new connections reach {}", self.rate, self.node)
    }

    fn node(&self) -> Option<&Selector> {
        Some(&self.node)
    }

    fn node_mut(&mut self) -> Option<&mut Selector> {
        Some(&mut self.node)
    }

    fn lasting(&self) -> Option<Dur> {
        self.lasting
    }

    fn needs(&self) -> Vec<Need<'_>> {
        Path::needs()
    }

    fn allowance(&self) -> Option<Allowance> {
        Some(Allowance::Reversible)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Fault, fault::tests::read_fault};

    #[test]
    fn a_rate_is_a_whole_number_that_can_be_exceeded() {
        let read = |rate: &str| {
            read_fault(&format!(
                "{{ packet-limit: {{ node: primary, rate: {rate} }} }}"
            ))
        };
        for (text, rate) in [("1/s", 1.0), ("5/s", 5.0), ("50/s", 50.0)] {
            let Ok(Fault::PacketLimit(limit)) = read(text) else {
                panic!("{text}");
            };
            assert_eq!((limit.rate, limit.ports), (Rate(rate), Vec::new()));
        }
        for (text, why) in [
            ("0/s", "failed to read"),
            ("-5/s", "failed to read"),
            ("5", "failed to read"),
            ("inf/s", "failed to read"),
            ("0.5/s", "out of range"),
            ("51/s", "out of range"),
            ("1e300/s", "out of range"),
            ("2.5/s", "no whole number"),
        ] {
            let said = read(text).expect_err(text);
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
