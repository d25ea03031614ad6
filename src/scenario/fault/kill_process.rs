//! One process inside a node ends, and the others go on: the database and not its agent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Facts, FaultKind, Keys, Nature, Need, Selector, Tree, Vocabulary, keys::node,
};
use crate::scenario::problem::Problem;

/// One process inside a node that ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KillProcess {
    /// The node, by role.
    pub node: Selector,
    /// Its name, as the kernel has it: at most 15 bytes. All processes of that name end.
    pub process: String,
}

/// The kernel keeps this many bytes of a process's name.
const NAME_MAX: usize = 15;

impl Vocabulary for KillProcess {
    const FACTS: Facts = Facts {
        name: "kill-process",
        help: "kills one process inside a node, such as the database and not its agent",
        schema: "Kills one process inside a node and leaves the others.",
        keys: Some(Keys {
            missing: "say who and what, such as `kill-process: { node: primary, process: postgres }`",
            example: "{ node: {}, process: redis-server }",
        }),
        past: "a process on {victims} was killed",
        past_chinese: "{victims} 上的一个进程被强制终止",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "`kill-process`")?;
        let node = node(d, &mut f);
        let process = f
            .need("process", "say which, such as `process: postgres`")
            .and_then(|tree| Some((d.text(tree, "a process's name")?, tree)));
        d.finish(f);
        let (process, place) = process?;
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if process.is_empty() || process.len() > NAME_MAX || !process.chars().all(fits) {
            d.note(
                Problem::at(place.place.clone(), format!("`{process}` is no process's name"))
                    .help("use the kernel's short name: at most 15 letters, digits, `.`, `_` or `-` (see `ps -o comm`)"),
            );
            return None;
        }
        Some(Self {
            node: node?,
            process: process.to_owned(),
        })
    }
}

impl FaultKind for KillProcess {
    fn title(&self) -> String {
        format!("kill {} on the {}", self.process, self.node)
    }

    fn node(&self) -> Option<&Selector> {
        Some(&self.node)
    }

    fn node_mut(&mut self) -> Option<&mut Selector> {
        Some(&mut self.node)
    }

    fn lasts(&self) -> bool {
        false
    }

    fn ends_inside(&self) -> bool {
        true
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Machines("each with one process")]
    }
}
