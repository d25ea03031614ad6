//! A store that drdrill does not know, drilled through a program of the user's own.

mod client;
pub mod conform;
mod design;
mod element;
mod program;
mod protocol;
mod ready;
mod running;

pub use design::Own;
pub use protocol::json_schema;
