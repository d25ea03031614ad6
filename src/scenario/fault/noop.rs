//! The control: nothing is done.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Allowance, Decoder, Facts, FaultKind, Nature, Need, Selector, Tree, Vocabulary};

/// Nothing is done: the control run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Noop;

impl Vocabulary for Noop {
    const FACTS: Facts = Facts {
        name: "noop",
        help: "changes nothing: the control run",
        schema: "Changes nothing: the control run.",
        keys: None,
        past: "nothing was done on purpose",
        past_chinese: "有意不做任何操作（对照）",
        nature: Nature::Control,
    };

    fn decode(_: &mut Decoder, _: &Tree) -> Option<Self> {
        Some(Self)
    }
}

impl FaultKind for Noop {
    fn title(&self) -> String {
        "do nothing: the control".into()
    }

    fn node(&self) -> Option<&Selector> {
        None
    }

    fn node_mut(&mut self) -> Option<&mut Selector> {
        None
    }

    fn lasts(&self) -> bool {
        false
    }

    fn needs(&self) -> Vec<Need<'_>> {
        // It shows that every link passes bytes.
        vec![Need::Sidecars]
    }

    fn allowance(&self) -> Option<Allowance> {
        Some(Allowance::Reversible)
    }
}
