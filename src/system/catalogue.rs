//! Every system that drdrill can drill.

use std::sync::Arc;

use super::redis::Redis;
use super::{System, kafka::Kafka, postgres::Postgres, reference::Reference};

/// All systems, in the order in which they are listed.
pub fn all() -> Vec<Arc<dyn System>> {
    vec![
        Arc::new(Postgres),
        Arc::new(Redis::Redis),
        Arc::new(Redis::Valkey),
        Arc::new(Kafka),
        Arc::new(Reference),
    ]
}
