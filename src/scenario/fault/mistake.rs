//! An operator gives a command that should not have been given.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Facts, FaultKind, Harm, Keys, Nature, Need, Selector, Tree, Vocabulary, keys::node,
};

/// A command that an operator should not have given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Mistake {
    /// The node where it is given, by role.
    pub node: Selector,
    /// The command, for the node's shell.
    pub run: String,
    /// A command that shows the harm.
    pub shows: String,
    /// What that command says once the harm is done, and does not say before.
    pub expect: String,
}

impl Vocabulary for Mistake {
    const FACTS: Facts = Facts {
        name: "mistake",
        help: "lets an operator give a command that does harm, and shows the harm",
        schema: "Lets an operator give a command that does harm.",
        keys: Some(Keys {
            missing: "say who, what and what shows it: `{ node: primary, run: ..., shows: ..., expect: ... }`",
            example: "{ node: {}, run: touch /tmp/harm, shows: ls /tmp, expect: harm }",
        }),
        past: "an operator made a mistake on {victims}",
        past_chinese: "操作员在 {victims} 上误操作",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "`mistake`")?;
        let node = node(d, &mut f);
        let run = f
            .need(
                "run",
                "say which command, such as `run: redis-cli flushall`",
            )
            .and_then(|tree| d.text(tree, "a command"));
        let shows = f
            .need(
                "shows",
                "say which command shows the harm, such as `shows: redis-cli dbsize`",
            )
            .and_then(|tree| d.text(tree, "a command"));
        let expect = f
            .need("expect", "say what it then says, such as `expect: '0'`")
            .and_then(|tree| d.text(tree, "what a command says"));
        d.finish(f);
        Some(Self {
            node: node?,
            run: run?.to_owned(),
            shows: shows?.to_owned(),
            expect: expect?.to_owned(),
        })
    }
}

impl FaultKind for Mistake {
    fn title(&self) -> String {
        format!("run `{}` on the {}", self.run, self.node)
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

    fn harm(&self) -> Option<Harm<'_>> {
        Some(Harm {
            shows: &self.shows,
            expect: &self.expect,
        })
    }

    fn ends_inside(&self) -> bool {
        true
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Machines("which share its files and its shell")]
    }
}
