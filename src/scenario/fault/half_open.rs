//! What is sent is swallowed, and the connections stay open.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Dur, Facts, FaultKind, Keys, Nature, Need, Selector, Stream, Tree, Vocabulary,
    streams::{ms, time},
};

/// What is sent is swallowed, and the connection stays open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct HalfOpen {
    /// Whose.
    #[serde(flatten)]
    pub stream: Stream,
    /// After so long without bytes it is closed; if missing, never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes: Option<Dur>,
}

impl Vocabulary for HalfOpen {
    const FACTS: Facts = Facts {
        name: "half-open",
        help: "swallows what is sent through a proxy: connections stay open",
        schema: "Swallows what is sent through a proxy, and leaves the connections open.",
        keys: Some(Keys {
            missing: "say whom, such as `half-open: { node: primary }`",
            example: "{ node: {} }",
        }),
        past: "connections through a proxy to {victims} were half open",
        past_chinese: "经代理到 {victims} 的连接处于半开状态",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "the fault")?;
        let stream = Stream::keys(d, &mut f);
        let closes = f
            .get("closes")
            .map(|tree| time(d, tree, ms(100)..=ms(10_000)));
        d.finish(f);
        let closes = match closes {
            Some(given) => Some(given?),
            None => None,
        };
        Some(Self {
            stream: stream?,
            closes,
        })
    }
}

impl FaultKind for HalfOpen {
    fn title(&self) -> String {
        format!("{} are half open", self.stream)
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
