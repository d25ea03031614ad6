//! Packets arrive late.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Allowance, Decoder, Dur, Facts, FaultKind, Keys, Nature, Need, Path, Selector, Tree,
    Vocabulary, packets::duration,
};
use crate::scenario::problem::Problem;

/// Packets arrive late.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Latency {
    /// Whose.
    #[serde(flatten)]
    pub path: Path,
    /// How late, on average.
    pub delay: Dur,
    /// How much later or earlier than that.
    #[serde(default)]
    pub jitter: Dur,
    /// How the jitter is spread.
    #[serde(default, skip_serializing_if = "Distribution::is_uniform")]
    pub distribution: Distribution,
}

/// How a packet's delay is spread about the one asked for. Each is the kernel's emulator's own (the tables of iproute2), so
/// that it is the same by any means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// Evenly, at most the jitter away.
    #[default]
    Uniform,
    /// Normally: the jitter is the standard deviation; cut off at four of it.
    Normal,
    /// Few are very late: `4/3 * (u^(-1/3) - 3/2)` times the jitter, `u` even between 0 and 1; cut off at four times it.
    Pareto,
}

impl Distribution {
    /// Whether it is the one that stands where none is named.
    pub fn is_uniform(&self) -> bool {
        *self == Self::Uniform
    }

    /// The most that a packet is late beyond the delay, in jitters.
    pub fn reach(self) -> f64 {
        match self {
            Self::Uniform => 1.0,
            Self::Normal | Self::Pareto => 4.0,
        }
    }

    /// Its name, as a scenario and the emulator call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Normal => "normal",
            Self::Pareto => "pareto",
        }
    }
}

impl Vocabulary for Latency {
    const FACTS: Facts = Facts {
        name: "latency",
        help: "makes the packets that a node sends late",
        schema: "Makes packets late.",
        keys: Some(Keys {
            missing: "say who and how late, such as `latency: { node: primary, delay: 50ms }`",
            example: "{ node: {}, delay: 50ms }",
        }),
        past: "packets from {victims} were late",
        past_chinese: "{victims} 发出的数据包延迟",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "the fault")?;
        let path = Path::keys(d, &mut f);
        let delay = f
            .need("delay", "say how late, such as `delay: 50ms`")
            .and_then(|tree| duration(d, tree, 1));
        let jitter = f.get("jitter").map_or(Some(Dur::default()), |tree| {
            let jitter: Dur = d.scalar(tree, "a duration")?;
            let most = delay.unwrap_or(jitter);
            d.within(tree, "a jitter", jitter, Dur::default()..=most)
        });
        let distribution = f
            .get("distribution")
            .map_or(Some(Distribution::Uniform), |tree| {
                distribution(d, tree, jitter)
            });
        d.finish(f);
        Some(Self {
            path: path?,
            delay: delay?,
            jitter: jitter?,
            distribution: distribution?,
        })
    }

    fn drawn(node: &Selector) -> Vec<Self> {
        vec![Self {
            path: Path::of(node),
            delay: Dur(Duration::from_millis(200)),
            jitter: Dur::default(),
            distribution: Distribution::default(),
        }]
    }
}

impl FaultKind for Latency {
    fn title(&self) -> String {
        format!("{} are {} late", self.path, self.delay)
    }

    fn node(&self) -> Option<&Selector> {
        Some(&self.path.node)
    }

    fn node_mut(&mut self) -> Option<&mut Selector> {
        Some(&mut self.path.node)
    }

    fn named(&self) -> Vec<(&'static str, &Selector)> {
        self.path.named()
    }

    fn lasting(&self) -> Option<Dur> {
        self.path.lasting
    }

    fn needs(&self) -> Vec<Need<'_>> {
        Path::needs()
    }

    fn allowance(&self) -> Option<Allowance> {
        Some(Allowance::Reversible)
    }
}

fn distribution(d: &mut Decoder, tree: &Tree, jitter: Option<Dur>) -> Option<Distribution> {
    let words = [
        Distribution::Uniform,
        Distribution::Normal,
        Distribution::Pareto,
    ]
    .map(|one| (one.name(), one));
    let distribution = d.word(tree, "distribution", &words)?;
    if jitter == Some(Dur::default()) {
        d.note(
            Problem::at(
                tree.place.clone(),
                "nothing is spread where there is no jitter",
            )
            .help("say how much, such as `jitter: 10ms`"),
        );
        return None;
    }
    Some(distribution)
}
