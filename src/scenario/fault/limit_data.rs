//! A connection closes once so many bytes have passed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Dur, Facts, FaultKind, Keys, Nature, Need, Selector, Stream, Tree, Vocabulary,
};

/// A connection closes once so many bytes have passed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LimitData {
    /// Whose.
    #[serde(flatten)]
    pub stream: Stream,
    /// How many.
    pub bytes: u32,
}

impl Vocabulary for LimitData {
    const FACTS: Facts = Facts {
        name: "limit-data",
        help: "closes a connection once so many bytes have passed",
        schema: "Closes a connection once so many bytes have passed.",
        keys: Some(Keys {
            missing: "say whom and how much, such as `limit-data: { node: primary, bytes: 4096 }`",
            example: "{ node: {}, bytes: 4096 }",
        }),
        past: "connections through a proxy to {victims} ended after some bytes",
        past_chinese: "经代理到 {victims} 的连接在传输若干字节后中断",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "the fault")?;
        let stream = Stream::keys(d, &mut f);
        let bytes = f
            .need("bytes", "say how many, such as `bytes: 4096`")
            .and_then(|tree| d.number(tree, "a number of bytes", 1..=1_048_576));
        d.finish(f);
        let (stream, bytes) = stream.zip(bytes)?;
        Some(Self { stream, bytes })
    }
}

impl FaultKind for LimitData {
    fn title(&self) -> String {
        format!("{} end after {} bytes", self.stream, self.bytes)
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
