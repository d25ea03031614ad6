//! A sharded cluster: shards that are replica sets, config servers that know which documents lie where, and routers.

mod bounds;
mod design;
mod effective;
mod form;
mod place;
mod routers;
mod running;

pub use design::{SHARDED, design, topology};
pub use form::{deploy, raise};
pub use place::{collections, members, range};
pub use routers::Routers;
pub use running::ShardedStack;
