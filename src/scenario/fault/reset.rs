//! Connections end by a reset.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Dur, Facts, FaultKind, Keys, Nature, Need, Selector, Stream, Tree, Vocabulary,
    streams::{ms, time},
};

/// Connections end by a reset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Reset {
    /// Whose.
    #[serde(flatten)]
    pub stream: Stream,
    /// How long after the first bytes.
    #[serde(default)]
    pub after: Dur,
}

impl Vocabulary for Reset {
    const FACTS: Facts = Facts {
        name: "reset",
        help: "resets connections that pass a proxy",
        schema: "Resets connections that pass a proxy.",
        keys: Some(Keys {
            missing: "say whom, such as `reset: { node: primary }`",
            example: "{ node: {} }",
        }),
        past: "connections through a proxy to {victims} were reset",
        past_chinese: "经代理到 {victims} 的连接被重置",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "the fault")?;
        let stream = Stream::keys(d, &mut f);
        let after = f.get("after").map_or(Some(Dur::default()), |tree| {
            time(d, tree, ms(0)..=ms(10_000))
        });
        d.finish(f);
        let (stream, after) = stream.zip(after)?;
        Some(Self { stream, after })
    }
}

impl FaultKind for Reset {
    fn title(&self) -> String {
        format!("{} are reset", self.stream)
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
