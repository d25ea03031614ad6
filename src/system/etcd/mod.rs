//! etcd: members that agree by Raft, elect a leader, and serve clients at every member.

mod api;
mod app;
mod arguments;
mod bounds;
mod client;
mod deploy;
mod design;
mod effective;
mod element;
mod finals;
mod moves;
mod observe;
mod outcome;
mod ready;
mod rearm;
mod redundancy;
mod running;
mod status;

pub use api::{PEER_PORT, PORT, Question, ask, found, plain};
pub use arguments::arguments;
pub use client::{ServiceClient, Target};
pub use design::Etcd;
pub use element::Elements;
pub use finals::holdings;
pub use status::Status;
