//! Bytes pass in small pieces.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Dur, Facts, FaultKind, Keys, Nature, Need, Selector, Stream, Tree, Vocabulary,
    streams::{ms, time},
};

/// What is sent arrives in small pieces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Slice {
    /// Whose.
    #[serde(flatten)]
    pub stream: Stream,
    /// The most bytes of a piece.
    pub size: u32,
    /// The pause between two pieces.
    pub pause: Dur,
}

impl Vocabulary for Slice {
    const FACTS: Facts = Facts {
        name: "slice",
        help: "passes bytes on in small pieces",
        schema: "Passes bytes on in small pieces.",
        keys: Some(Keys {
            missing: "say whom and how, such as `slice: { node: primary, size: 64, pause: 5ms }`",
            example: "{ node: {}, size: 64, pause: 5ms }",
        }),
        past: "streams through a proxy to {victims} passed in small pieces",
        past_chinese: "经代理到 {victims} 的数据流被切成小块",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "the fault")?;
        let stream = Stream::keys(d, &mut f);
        let size = f
            .need("size", "say how many bytes, such as `size: 64`")
            .and_then(|tree| d.number(tree, "a size", 16..=16_384));
        let pause = f
            .need("pause", "say how long in between, such as `pause: 5ms`")
            .and_then(|tree| time(d, tree, ms(1)..=ms(200)));
        d.finish(f);
        let (stream, (size, pause)) = stream.zip(size.zip(pause))?;
        Some(Self {
            stream,
            size,
            pause,
        })
    }
}

impl FaultKind for Slice {
    fn title(&self) -> String {
        format!("{} pass in pieces of {}", self.stream, self.size)
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
