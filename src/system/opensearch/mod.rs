//! OpenSearch: nodes that hold copies of an index and elect a cluster manager, which names the primary copy.

mod api;
mod app;
mod bounds;
mod client;
mod configuration;
mod deploy;
mod design;
mod effective;
mod element;
mod finals;
mod index;
mod observe;
mod outcome;
mod plane;
mod ready;
mod rearm;
mod redundancy;
mod running;
mod status;

pub use api::{Question, ask};
pub use client::{ServiceClient, Target};
pub use design::OpenSearch;
pub use element::Elements;
pub use finals::{Copy, holdings};
pub use index::{Shape, create};
