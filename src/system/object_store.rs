//! An object store of a stack: MinIO on a node of its own, with one bucket, spoken with as S3 by TLS.

use crate::{
    id::NodeName,
    record::{Member, MemberKind},
    runtime::{NodeFile, NodeSpec},
};

/// Its node.
pub const NODE: &str = "store1";

/// Its image: the last one that was published of the community edition.
pub const IMAGE: &str = "quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z";

/// Where it listens.
pub const PORT: u16 = 9000;

/// The bucket that it has from its start.
pub const BUCKET: &str = "drdrill";

/// Who may read and write there.
pub const KEY: &str = "drdrill";

/// By this secret. It opens nothing but a run's own store, in the run's own network.
pub const SECRET: &str = "drdrill-of-this-run";

/// MinIO's own name of where it stands.
pub const REGION: &str = "us-east-1";

/// Programs that its start script needs.
pub const PROGRAMS: &[&str] = &["sh", "ln", "mkdir", "minio"];

const MEMORY_MIB: u32 = 1024;

const START: &str = include_str!("files/object_store.sh");
const START_PATH: &str = "/drdrill/store.sh";

/// Whether a node is the object store.
pub fn is(node: &NodeName) -> bool {
    node.as_str() == NODE
}

/// It, as a member of a design.
pub fn member() -> Member {
    Member {
        name: NodeName::new(NODE),
        kind: MemberKind::Store,
        address: String::new(),
        host: NODE.into(),
        image: IMAGE.into(),
    }
}

/// Its node. `known` are the files by which others are sure that it is itself.
pub fn spec(image: &str, known: &[NodeFile]) -> NodeSpec {
    let env = [
        ("DRDRILL_BUCKET", BUCKET.to_owned()),
        ("DRDRILL_PORT", PORT.to_string()),
        ("MINIO_ROOT_USER", KEY.to_owned()),
        ("MINIO_ROOT_PASSWORD", SECRET.to_owned()),
        // It would ask the Internet for newer versions.
        ("MINIO_UPDATE", "off".to_owned()),
        ("MINIO_BROWSER", "off".to_owned()),
    ];
    let start = NodeFile::text(START_PATH, 0o755, START);
    NodeSpec {
        name: NodeName::new(NODE),
        image: image.to_owned(),
        entrypoint: vec!["sh".into(), START_PATH.into()],
        command: Vec::new(),
        env: env.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        files: [start].into_iter().chain(known.iter().cloned()).collect(),
        memory_mib: MEMORY_MIB,
        sidecar: true,
        beside: None,
    }
}
