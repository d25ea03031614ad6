//! The disk under a node's data is slow.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Disk, DiskOperation, Dur, Facts, FaultKind, Keys, Nature, Need, Selector, Tree,
    Vocabulary,
    disk::{every, is_every, named, operations},
};

/// A disk that takes long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "SlowDisk")]
pub struct DiskSlow {
    /// Whose.
    #[serde(flatten)]
    pub disk: Disk,
    /// How much longer each operation takes.
    pub delay: Dur,
    /// Which operations; all if missing.
    #[serde(default = "every", skip_serializing_if = "is_every")]
    pub operations: Vec<DiskOperation>,
}

/// Less could not be told from the machine's own noise.
const DELAY_MIN: Dur = Dur(Duration::from_millis(5));
/// More is better shown by `pause`; and looking at it takes some of them.
const DELAY_MAX: Dur = Dur(Duration::from_secs(2));

impl Vocabulary for DiskSlow {
    const FACTS: Facts = Facts {
        name: "disk-slow",
        help: "makes the disk under a node's data slow",
        schema: "Makes the disk under a node's data slow.",
        keys: Some(Keys {
            missing: "say whose and how slow, such as `disk-slow: { node: primary, delay: 50ms }`",
            example: "{ node: {}, delay: 50ms }",
        }),
        past: "the disk of {victims} was slow",
        past_chinese: "{victims} 的磁盘变慢",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "the fault")?;
        let disk = Disk::keys(d, &mut f);
        let delay = f
            .need("delay", "say how slow, such as `delay: 50ms`")
            .and_then(|tree| {
                let delay: Dur = d.scalar(tree, "a duration")?;
                d.within(tree, "a delay", delay, DELAY_MIN..=DELAY_MAX)
            });
        let operations = operations(d, &mut f);
        d.finish(f);
        Some(Self {
            disk: disk?,
            delay: delay?,
            operations: operations?,
        })
    }

    fn drawn(node: &Selector) -> Vec<Self> {
        vec![Self {
            disk: Disk::of(node),
            delay: Dur(Duration::from_millis(100)),
            operations: every(),
        }]
    }
}

impl FaultKind for DiskSlow {
    fn title(&self) -> String {
        format!(
            "each {} on the disk of the {} takes {} longer",
            named(&self.operations),
            self.disk.node,
            self.delay
        )
    }

    fn node(&self) -> Option<&Selector> {
        Some(&self.disk.node)
    }

    fn node_mut(&mut self) -> Option<&mut Selector> {
        Some(&mut self.disk.node)
    }

    fn lasting(&self) -> Option<Dur> {
        self.disk.lasting
    }

    fn ends_inside(&self) -> bool {
        true
    }

    fn needs(&self) -> Vec<Need<'_>> {
        Disk::needs()
    }
}
