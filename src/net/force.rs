//! What is in force at each node, fault by fault, so that one can be undone without the others.

use crate::id::NodeName;

use super::{Admission, Grudge, Shape, admission, rules, shape};

/// What is in force.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Force {
    deeds: Vec<(usize, Deed)>,
    /// Whether the kernel's emulator treats packets badly, where it can.
    pub emulated: bool,
}

/// Something done at one node.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Deed {
    /// Packets are not let through.
    Cut(Grudge),
    /// Packets are treated badly.
    Shape(Shape),
    /// New connections beyond a rate are not let through.
    Admit(Admission),
}

impl Deed {
    /// Where.
    pub fn node(&self) -> &NodeName {
        match self {
            Self::Cut(grudge) => &grudge.node,
            Self::Shape(shape) => &shape.node,
            Self::Admit(admission) => &admission.node,
        }
    }
}

impl Force {
    /// Whether nothing is in force anywhere.
    pub fn is_empty(&self) -> bool {
        self.deeds.is_empty()
    }

    /// Whether nothing is in force at this node.
    pub fn spares(&self, node: &NodeName) -> bool {
        self.deeds.iter().all(|(_, deed)| deed.node() != node)
    }

    /// Adds what a fault does.
    pub fn add(&mut self, fault: usize, deeds: Vec<Deed>) {
        self.deeds
            .extend(deeds.into_iter().map(|deed| (fault, deed)));
    }

    /// Removes what a fault did.
    pub fn remove(&mut self, fault: usize) {
        self.deeds.retain(|(other, _)| *other != fault);
    }

    /// The filter's script and the other orders for a node.
    pub fn orders(&self, node: &NodeName) -> (String, shape::Orders) {
        let here = || {
            self.deeds
                .iter()
                .map(|(_, deed)| deed)
                .filter(|deed| deed.node() == node)
        };
        let cuts: Vec<&Grudge> = here()
            .filter_map(|deed| match deed {
                Deed::Cut(grudge) => Some(grudge),
                Deed::Shape(_) | Deed::Admit(_) => None,
            })
            .collect();
        let shapes: Vec<&Shape> = here()
            .filter_map(|deed| match deed {
                Deed::Shape(shape) => Some(shape),
                Deed::Cut(_) | Deed::Admit(_) => None,
            })
            .collect();
        let admissions: Vec<&Admission> = here()
            .filter_map(|deed| match deed {
                Deed::Admit(admission) => Some(admission),
                Deed::Cut(_) | Deed::Shape(_) => None,
            })
            .collect();
        let more = [
            admission::chain(&admissions),
            shape::chain(&shapes, self.emulated),
        ];
        (
            rules::script(&cuts, &more.concat()),
            shape::orders(&shapes, self.emulated),
        )
    }
}
