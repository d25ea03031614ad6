//! The bytes of connections arrive late, in order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Dur, Facts, FaultKind, Keys, Nature, Need, Selector, Stream, Tree, Vocabulary,
    streams::{delay, ms, time},
};

/// Bytes arrive late, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct StreamLatency {
    /// Whose.
    #[serde(flatten)]
    pub stream: Stream,
    /// How late, on average.
    pub delay: Dur,
    /// How much later or earlier than that, evenly spread.
    #[serde(default)]
    pub jitter: Dur,
}

impl Vocabulary for StreamLatency {
    const FACTS: Facts = Facts {
        name: "stream-latency",
        help: "makes the bytes of connections late",
        schema: "Makes the bytes of connections late.",
        keys: Some(Keys {
            missing: "say whom and how late, such as `stream-latency: { node: primary, delay: 50ms }`",
            example: "{ node: {}, delay: 50ms }",
        }),
        past: "streams through a proxy to {victims} were late",
        past_chinese: "经代理到 {victims} 的数据流延迟",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "the fault")?;
        let stream = Stream::keys(d, &mut f);
        let delay = delay(d, &mut f, ms(10)..=ms(2_000));
        let jitter = f.get("jitter").map_or(Some(Dur::default()), |tree| {
            let jitter = time(d, tree, ms(0)..=ms(2_000))?;
            let most = delay.unwrap_or(jitter);
            d.within(tree, "a jitter", jitter, Dur::default()..=most)
        });
        d.finish(f);
        let (stream, (delay, jitter)) = stream.zip(delay.zip(jitter))?;
        Some(Self {
            stream,
            delay,
            jitter,
        })
    }
}

impl FaultKind for StreamLatency {
    fn title(&self) -> String {
        format!("{} are {} late", self.stream, self.delay)
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
