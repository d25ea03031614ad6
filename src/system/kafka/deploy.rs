//! Brings a Kafka cluster up: all nodes at once, since none can start without a majority of the others.

use std::{path::PathBuf, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::try_join_all;
use kafka_protocol::messages::ApiVersionsRequest;
use sha2::{Digest, Sha256};

use crate::{
    record::Member,
    runtime::{NodeFile, NodeSpec},
    system::{
        Deploy, Design, SystemError, reserve::reserve, roster::Roster, settings::Values,
        started::listening,
    },
};

use super::{
    config::{PORT, ip, properties},
    exporter::JMX_PORT,
    ready,
    running::KafkaStack,
    wire::ask,
};

/// The longest wait for a started node to answer; a node that ends says so earlier. Three virtual machines
/// start at the same time, each twice.
const LISTEN_LIMIT: Duration = Duration::from_secs(60);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_millis(500);

/// The script that starts a node, and where files stand in the node.
const START: &str = include_str!("files/start.sh");
const START_PATH: &str = "/drdrill/start.sh";
const LOGGING: &str = include_str!("files/log4j2.properties");
const LOGGING_PATH: &str = "/drdrill/log4j2.properties";
const PROPERTIES_PATH: &str = "/drdrill/server.properties";

/// The largest heap, and with it what a virtual machine takes beside its heap.
const HEAP: &str = "256m";
pub const MEMORY_MIB: u32 = 768;

/// Deploys the design and returns once replication is proven flowing.
pub async fn deploy(design: &Design, deploy: Deploy) -> Result<KafkaStack, SystemError> {
    let members = reserve(design, &deploy, |_| PORT).await?;
    let roster = Arc::new(Roster::new(&members)?);
    let values = Values::of(design);
    let specs = specs(&members, values, &deploy)?;
    try_join_all(specs.iter().map(|spec| deploy.runtime.create(spec))).await?;
    deploy.emitter.note("starting the nodes");
    let starts = roster.data().map(|seat| async {
        deploy.runtime.start(&seat.name).await?;
        let address = seat.address;
        let versions = || async move {
            let question = ApiVersionsRequest::default();
            let answer = ask(address, &question, 0, ASK_LIMIT).await;
            answer.map(drop).map_err(|error| error.to_string())
        };
        listening(&*deploy.runtime, &seat.name, LISTEN_LIMIT, versions).await
    });
    try_join_all(starts).await?;
    deploy
        .emitter
        .note("waiting for the brokers to be registered and for replication to flow");
    let mut stack = KafkaStack::new(members, roster, deploy.runtime, values)?;
    ready::prove(&mut stack, values.word("controller") == "with-leader").await?;
    Ok(stack)
}

fn specs(
    members: &[Member],
    values: Values<'_>,
    deploy: &Deploy,
) -> Result<Vec<NodeSpec>, SystemError> {
    let file = |path: &str, mode: u32, bytes: Vec<u8>| NodeFile {
        path: PathBuf::from(path),
        mode,
        bytes,
    };
    let spec = |(index, member): (usize, &Member)| {
        let image = deploy.images.get(&member.image).unwrap_or(&member.image);
        let properties = properties(members, index, values)?;
        Ok(NodeSpec {
            name: member.name.clone(),
            image: image.clone(),
            entrypoint: vec!["/bin/sh".into(), START_PATH.into()],
            command: Vec::new(),
            env: vec![
                (
                    "DRDRILL_CLUSTER_ID".into(),
                    cluster_id(&deploy.runtime.run().to_string()),
                ),
                ("DRDRILL_HEAP".into(), HEAP.into()),
                ("DRDRILL_ADDRESS".into(), ip(member).to_owned()),
                ("DRDRILL_JMX_PORT".into(), JMX_PORT.to_string()),
            ],
            files: vec![
                file(START_PATH, 0o755, START.into()),
                file(LOGGING_PATH, 0o644, LOGGING.into()),
                file(PROPERTIES_PATH, 0o644, properties.into_bytes()),
            ],
            memory_mib: MEMORY_MIB,
            sidecar: true,
            beside: None,
        })
    };
    members.iter().enumerate().map(spec).collect()
}

/// Sixteen bytes as Kafka writes them; `format` refuses what begins with a dash.
fn cluster_id(run: &str) -> String {
    let digest = Sha256::digest(run.as_bytes());
    let mut bytes: Vec<u8> = digest.iter().copied().take(16).collect();
    bytes[0] &= 0x7f;
    URL_SAFE_NO_PAD.encode(bytes)
}
