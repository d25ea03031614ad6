//! Operations of the disk under a node's data fail.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Disk, DiskOperation, Dur, Facts, FaultKind, Keys, Nature, Need, Selector, Tree,
    Vocabulary,
    disk::{every, is_every, named, operations},
};
use crate::scenario::Percent;

/// A disk that answers some operations with an I/O error (EIO).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "FailingDisk")]
pub struct DiskErrors {
    /// Whose.
    #[serde(flatten)]
    pub disk: Disk,
    /// How many, each for itself with this probability.
    pub share: Percent,
    /// Which operations; all if missing.
    #[serde(default = "every", skip_serializing_if = "is_every")]
    pub operations: Vec<DiskOperation>,
}

/// Less could not be told from nothing by the operations that measure it.
const SHARE_MIN: Percent = Percent(5.0);

impl Vocabulary for DiskErrors {
    const FACTS: Facts = Facts {
        name: "disk-errors",
        help: "lets operations of the disk under a node's data fail",
        schema: "Lets operations of the disk under a node's data fail.",
        keys: Some(Keys {
            missing: "say whose and how many, such as `disk-errors: { node: primary, share: 10% }`",
            example: "{ node: {}, share: 20% }",
        }),
        past: "the disk of {victims} failed",
        past_chinese: "{victims} 的磁盘出错",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "the fault")?;
        let disk = Disk::keys(d, &mut f);
        let share = f
            .need("share", "say how many, such as `share: 10%`")
            .and_then(|tree| {
                let share: Percent = d.scalar(tree, "a percentage")?;
                d.within(tree, "a share", share, SHARE_MIN..=Percent(100.0))
            });
        let operations = operations(d, &mut f);
        d.finish(f);
        Some(Self {
            disk: disk?,
            share: share?,
            operations: operations?,
        })
    }

    fn drawn(node: &Selector) -> Vec<Self> {
        vec![Self {
            disk: Disk::of(node),
            share: Percent(20.0),
            operations: vec![DiskOperation::Write, DiskOperation::Sync],
        }]
    }
}

impl FaultKind for DiskErrors {
    fn title(&self) -> String {
        format!(
            "{} of each {} on the disk of the {} fails",
            self.share,
            named(&self.operations),
            self.disk.node
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
