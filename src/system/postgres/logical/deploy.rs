//! Brings up a primary and a server that subscribes to its tables.

use crate::{
    record::{Member, MemberKind},
    runtime::{NodeFile, NodeSpec},
    system::{Deploy, Design, SystemError},
};

use super::{
    super::{deploy, shape::Shape},
    ready,
    running::LogicalStack,
};

/// What makes a follower a subscriber.
const SCRIPT: &str = include_str!("../files/logical.sh");

/// Its place in the node.
const SCRIPT_PATH: &str = "/drdrill/logical.sh";

/// Each server publishes all its tables, so that any may be subscribed to after a failover.
const PUBLISH: &str = "create publication drdrill for all tables";

/// What logical replication needs of each server. A worker that lost its connection tries again after
/// `wal_retrieve_retry_interval`, 5 s by default, which is long beside what is measured here.
const SETTINGS: &str = "\
wal_level = logical
max_worker_processes = 20
max_logical_replication_workers = 8
max_sync_workers_per_subscription = 4
wal_retrieve_retry_interval = 500ms";

/// Deploys the design and returns once logical replication is proven flowing.
pub async fn deploy(design: &Design, deploy: Deploy) -> Result<LogicalStack, SystemError> {
    let shape = Shape::of(design)?;
    let started = deploy::start(design, &deploy, shape, fit).await?;
    let mut stack = LogicalStack::new(design, started, shape, deploy)?;
    ready::prove(&mut stack).await?;
    Ok(stack)
}

/// Makes a server with streaming replication one with logical replication.
fn fit(member: &Member, spec: &mut NodeSpec) {
    if member.kind != MemberKind::Data {
        return;
    }
    spec.files.push(NodeFile::text(SCRIPT_PATH, 0o644, SCRIPT));
    spec.env.push(("DRDRILL_INIT_SQL".into(), PUBLISH.into()));
    for (name, value) in &mut spec.env {
        if name == "DRDRILL_SETTINGS" {
            *value = format!("{value}\n{SETTINGS}");
        }
    }
}
