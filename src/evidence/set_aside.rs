//! Runs that came to no verdict and are set aside with a reason: a line of the register, signed.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::id::RunId;

use super::{
    PinnedKey, SigningKey,
    register::{Entry, Said},
};

/// A run that was opened and never came to a verdict, and why that no longer stands in the way of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// The run.
    pub run: RunId,
    /// When it was set aside, RFC 3339, for labels only.
    pub at: String,
    /// Why, in the words of whoever did it.
    pub reason: String,
    /// Ed25519 over this line of the register without this field, in base64; absent where runs are not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

impl SetAside {
    /// The line that says it, signed where there is a key, with the digest of the line before.
    pub(super) fn entry(mut self, previous: Option<String>, key: Option<&SigningKey>) -> Entry {
        self.signature = None;
        let bytes = signed_bytes(previous.clone(), &self);
        self.signature = key.map(|key| STANDARD.encode(key.ed25519.sign(&bytes)));
        Entry {
            previous,
            what: Said::SetAside(self),
        }
    }

    /// What is wrong with the line by the pinned key.
    pub(super) fn unsigned(
        &self,
        previous: Option<String>,
        key: &PinnedKey,
    ) -> Option<&'static str> {
        let Some(signature) = &self.signature else {
            return Some("set aside by nobody: the line that says so is not signed");
        };
        let mut bare = self.clone();
        bare.signature = None;
        let bytes = signed_bytes(previous, &bare);
        let holds = STANDARD
            .decode(signature)
            .is_ok_and(|signature| key.signed(&bytes, &signature));
        (!holds).then_some("set aside by another: the line that says so is not signed by the pinned key, or not in this place")
    }
}

fn signed_bytes(previous: Option<String>, bare: &SetAside) -> Vec<u8> {
    let entry = Entry {
        previous,
        what: Said::SetAside(bare.clone()),
    };
    serde_json::to_vec(&entry).expect("the line has text keys and no value that JSON cannot hold")
}
