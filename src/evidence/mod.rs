//! The run folder: written as things happen, sealed last, read back for judging and reporting.

pub mod error;
pub mod events;
pub mod folder;
pub mod history_read;
pub mod history_write;
pub mod load;
pub mod manifest;
pub mod register;
pub mod result;
#[cfg(test)]
pub mod sample;
#[cfg(test)]
mod tests;

pub use error::EvidenceError;
pub use events::EventLog;
pub use folder::RunFolder;
pub use history_write::{HistoryThread, HistoryWriter, Observed};
pub use load::{Loaded, Notice, load};
pub use manifest::{FileDigest, Manifest, Verification, sha256, verify};
pub use register::{Closing, Opening, Register};
pub use result::result_json;
