//! Only so many bits a second of each connection pass.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Dur, Facts, FaultKind, Keys, Nature, Need, Selector, Stream, Tree, Vocabulary,
};
use crate::scenario::{BitRate, problem::Problem};

/// Only so many bits a second of each connection pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct StreamBandwidth {
    /// Whose.
    #[serde(flatten)]
    pub stream: Stream,
    /// What passes, for each connection by itself.
    pub limit: BitRate,
}

/// Toxiproxy counts thousands of bytes a second: a limit is a multiple of this.
const BITS_STEP: u64 = 8_000;

impl Vocabulary for StreamBandwidth {
    const FACTS: Facts = Facts {
        name: "stream-bandwidth",
        help: "lets only so many bits a second of each connection pass",
        schema: "Lets only so many bits a second of each connection pass.",
        keys: Some(Keys {
            missing: "say whom and how much, such as `stream-bandwidth: { node: primary, limit: 800kbit/s }`",
            example: "{ node: {}, limit: 8Mbit/s }",
        }),
        past: "streams through a proxy to {victims} were narrow",
        past_chinese: "经代理到 {victims} 的数据流带宽受限",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "the fault")?;
        let stream = Stream::keys(d, &mut f);
        let limit = f
            .need("limit", "say how much, such as `limit: 800kbit/s`")
            .and_then(|tree| limit(d, tree));
        d.finish(f);
        let (stream, limit) = stream.zip(limit)?;
        Some(Self { stream, limit })
    }
}

impl FaultKind for StreamBandwidth {
    fn title(&self) -> String {
        format!("{} have {} each", self.stream, self.limit)
    }

    fn node(&self) -> Option<&Selector> {
        Some(&self.stream.node)
    }

    fn node_mut(&mut self) -> Option<&mut Selector> {
        Some(&mut self.stream.node)
    }

    fn lasting(&self) -> Option<Dur> {
        self.stream.lasting
    }

    fn needs(&self) -> Vec<Need<'_>> {
        self.stream.needs()
    }
}

fn limit(d: &mut Decoder, tree: &Tree) -> Option<BitRate> {
    let limit: BitRate = d.scalar(tree, "bits a second")?;
    let limit = d.within(tree, "a rate", limit, BitRate(64_000)..=BitRate(80_000_000))?;
    if limit.0.is_multiple_of(BITS_STEP) {
        return Some(limit);
    }
    d.note(
        Problem::at(
            tree.place.clone(),
            format!("`{limit}` is no whole number of kilobytes a second"),
        )
        .help("Toxiproxy counts thousands of bytes: give a multiple of `8kbit/s`"),
    );
    None
}
