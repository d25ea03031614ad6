//! Every system that drdrill can drill.

use std::sync::Arc;

use super::{
    System, etcd::Etcd, kafka::Kafka, mongodb::MongoDb, mysql::MySql, opensearch::OpenSearch,
    own::Own, postgres::Postgres, redis::Redis, reference::Reference,
};

/// All systems, in the order in which they are listed.
pub fn all() -> Vec<Arc<dyn System>> {
    vec![
        Arc::new(Postgres),
        Arc::new(Redis::Redis),
        Arc::new(Redis::Valkey),
        Arc::new(MongoDb),
        Arc::new(MySql::MySql),
        Arc::new(MySql::MariaDb),
        Arc::new(Kafka),
        Arc::new(Etcd),
        Arc::new(OpenSearch),
        Arc::new(Own),
        Arc::new(Reference),
    ]
}
