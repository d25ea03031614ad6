//! A reports folder as a page for a browser on this machine. It only reads, and only what an archive lists.

mod files;
mod page;

pub use page::{Page, listen};
