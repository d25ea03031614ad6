//! A server presents a certificate that has expired.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Dur, Facts, FaultKind, Keys, Nature, Need, Selector, Tree, Vocabulary,
    keys::{length, node},
};

/// A server whose certificate has expired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Certificate {
    /// The node that presents it, by role: one that holds data.
    pub node: Selector,
    /// For how long it has been expired when it is put there.
    pub expired: Dur,
    /// Ends by itself after this time. Without it, it lasts until `heal`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Dur>,
}

/// Since when a certificate may have been expired: clocks differ, and nobody forgets one for longer than a year.
const EXPIRED: (Dur, Dur) = (
    Dur(Duration::from_secs(60)),
    Dur(Duration::from_secs(365 * 86_400)),
);

impl Vocabulary for Certificate {
    const FACTS: Facts = Facts {
        name: "certificate",
        help: "lets a server present a certificate that has expired: connections stay, new ones fail",
        schema: "Lets a server present a certificate that has expired.",
        keys: Some(Keys {
            missing: "say whose, such as `certificate: { node: primary, expired: 1h }`",
            example: "{ node: {}, expired: 1h }",
        }),
        past: "the certificate of {victims} expired",
        past_chinese: "{victims} 的证书已过期",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "`certificate`")?;
        let node = node(d, &mut f);
        let expired = f
            .need("expired", "say since when, such as `expired: 1h`")
            .and_then(|tree| {
                let expired: Dur = d.scalar(tree, "a duration")?;
                d.within(
                    tree,
                    "a time since it expired",
                    expired,
                    EXPIRED.0..=EXPIRED.1,
                )
            });
        let lasting = length(d, &mut f);
        d.finish(f);
        Some(Self {
            node: node?,
            expired: expired?,
            lasting,
        })
    }
}

impl FaultKind for Certificate {
    fn title(&self) -> String {
        format!(
            "let the {} present a certificate that expired {} ago",
            self.node, self.expired
        )
    }

    fn node(&self) -> Option<&Selector> {
        Some(&self.node)
    }

    fn node_mut(&mut self) -> Option<&mut Selector> {
        Some(&mut self.node)
    }

    fn lasting(&self) -> Option<Dur> {
        self.lasting
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![
            Need::Machines("which present no certificates"),
            Need::Data("and nobody asks it on a new connection"),
            Need::Certificates,
        ]
    }
}
