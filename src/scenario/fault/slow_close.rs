//! Connections close late.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Dur, Facts, FaultKind, Keys, Nature, Need, Selector, Stream, Tree, Vocabulary,
    streams::{delay, ms},
};

/// Connections close late.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SlowClose {
    /// Whose.
    #[serde(flatten)]
    pub stream: Stream,
    /// How late.
    pub delay: Dur,
}

impl Vocabulary for SlowClose {
    const FACTS: Facts = Facts {
        name: "slow-close",
        help: "closes connections that pass a proxy late",
        schema: "Closes connections that pass a proxy late.",
        keys: Some(Keys {
            missing: "say whom and how late, such as `slow-close: { node: primary, delay: 2s }`",
            example: "{ node: {}, delay: 1s }",
        }),
        past: "connections through a proxy to {victims} closed late",
        past_chinese: "经代理到 {victims} 的连接关闭延迟",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "the fault")?;
        let stream = Stream::keys(d, &mut f);
        let delay = delay(d, &mut f, ms(100)..=ms(10_000));
        d.finish(f);
        let (stream, delay) = stream.zip(delay)?;
        Some(Self { stream, delay })
    }
}

impl FaultKind for SlowClose {
    fn title(&self) -> String {
        format!("{} close {} late", self.stream, self.delay)
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
