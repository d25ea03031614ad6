//! Little room is left on the disk under a node's data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Decoder, Disk, Dur, Facts, FaultKind, Keys, Nature, Need, Selector, Tree, Vocabulary};
use crate::scenario::Size;

/// A disk with little room left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct DiskQuota {
    /// Whose.
    #[serde(flatten)]
    pub disk: Disk,
    /// How much more it takes.
    pub room: Size,
}

/// Less would be used up before it is looked at.
const ROOM_MIN: Size = Size(1 << 20);
/// More would take who looks at it too long to fill.
const ROOM_MAX: Size = Size(256 << 20);

impl Vocabulary for DiskQuota {
    const FACTS: Facts = Facts {
        name: "disk-quota",
        help: "leaves little room on the disk under a node's data",
        schema: "Leaves little room on the disk under a node's data.",
        keys: Some(Keys {
            missing: "say whose and how much, such as `disk-quota: { node: primary, room: 16MiB }`",
            example: "{ node: {}, room: 1MiB }",
        }),
        past: "the disk of {victims} had little room left",
        past_chinese: "{victims} 的磁盘只剩很少的空间",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "the fault")?;
        let disk = Disk::keys(d, &mut f);
        let room = f
            .need("room", "say how much is left, such as `room: 16MiB`")
            .and_then(|tree| {
                let room: Size = d.scalar(tree, "a size")?;
                d.within(tree, "a room", room, ROOM_MIN..=ROOM_MAX)
            });
        d.finish(f);
        Some(Self {
            disk: disk?,
            room: room?,
        })
    }

    fn drawn(node: &Selector) -> Vec<Self> {
        vec![Self {
            disk: Disk::of(node),
            room: ROOM_MIN,
        }]
    }
}

impl FaultKind for DiskQuota {
    fn title(&self) -> String {
        format!("leave {} on the disk of the {}", self.room, self.disk.node)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Fault, fault::tests::read_fault};

    #[test]
    fn a_room_can_be_filled_and_is_not_filled_at_once() {
        let read = |room: &str| {
            read_fault(&format!(
                "{{ disk-quota: {{ node: primary, room: {room} }} }}"
            ))
        };
        for (text, room) in [("1MiB", 1 << 20), ("256MiB", 256 << 20)] {
            let Ok(Fault::DiskQuota(quota)) = read(text) else {
                panic!("{text}");
            };
            assert_eq!(quota.room, Size(room));
        }
        for (text, why) in [
            ("0MiB", "out of range"),
            ("-1MiB", "failed to read"),
            ("16", "failed to read"),
            ("1023KiB", "out of range"),
            ("257MiB", "out of range"),
            ("99999999999999999999GiB", "failed to read"),
        ] {
            let said = read(text).expect_err(text);
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
