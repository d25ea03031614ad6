//! The run folder: written as things happen, sealed last, read back for judging and reporting.

mod beside;
#[cfg(test)]
mod damaged;
pub mod error;
pub mod events;
pub mod files;
pub mod folder;
mod guard;
mod history_frames;
pub mod history_read;
pub mod history_write;
pub mod keys;
pub mod last;
pub mod load;
mod lock;
pub mod manifest;
pub mod prune;
pub mod redact;
pub mod register;
pub mod result;
#[cfg(test)]
pub mod sample;
pub mod set_aside;
pub mod sign;
pub mod stamp;
#[cfg(test)]
mod tests;
pub mod verify;
mod verify_chain;
pub mod verify_register;
mod verify_sign;

pub use error::EvidenceError;
pub use events::{EventLog, LogEnd, opening_sha256};
pub use folder::{Links, RunFolder, is_runbook};
pub use guard::guarded;
pub use history_write::{HistoryThread, HistoryWriter};
pub use keys::{KeyError, PinnedKey, Signers, SigningKey};
pub use last::last_run;
pub use load::{Loaded, Notice, load, resolved};
pub use manifest::{Claims, FileDigest, Manifest, Verification, sha256};
pub use prune::{Pruned, finish, prune};
pub use redact::Redactor;
pub use register::{Closing, Opening, Register};
pub use result::result_json;
pub use set_aside::SetAside;
pub use sign::sign_folder;
pub use stamp::{StampError, Stamped};
pub use verify::{Problem, Render, Verified, verify_run, verify_signed};
pub use verify_register::{Audit, audit, audit_signed};
