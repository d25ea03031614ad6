//! Brings a cluster up: all nodes at once, which find each other and elect a cluster manager.

use std::{path::PathBuf, time::Duration};

use futures_util::future::try_join_all;

use crate::{
    record::Member,
    runtime::{NodeFile, NodeSpec},
    system::{
        Deploy, Design, SystemError,
        reserve::reserve,
        roster::{Roster, Seat},
        settings::Values,
        started::listening,
    },
};

use super::{
    api::{PORT, Question, ask},
    configuration::configuration,
    index::Shape,
    ready,
    running::OpenSearchStack,
};

/// The longest wait for a started node to answer; one that ends says so earlier. Three virtual machines start at once.
const LISTEN_LIMIT: Duration = Duration::from_secs(120);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_secs(2);

/// The script that starts a node, and where files stand in the node.
const START: &str = include_str!("files/start.sh");
const START_PATH: &str = "/drdrill/start.sh";
const SETTINGS_PATH: &str = "/drdrill/opensearch.yml";

/// The heap, and with it what a virtual machine takes beside its heap: some 350 MiB in all without plugins.
const HEAP: &str = "256m";
pub const MEMORY_MIB: u32 = 1024;

/// Deploys the design and returns once replication is proven flowing.
pub async fn deploy(design: &Design, deploy: Deploy) -> Result<OpenSearchStack, SystemError> {
    let values = Values::of(design);
    let members = reserve(design, &deploy, |_| PORT).await?;
    let roster = Roster::new(&members)?;
    let specs: Vec<NodeSpec> = members
        .iter()
        .map(|member| spec(member, &roster, &deploy, values))
        .collect::<Result<_, SystemError>>()?;
    try_join_all(specs.iter().map(|spec| deploy.runtime.create(spec))).await?;
    deploy.emitter.note("starting the nodes");
    try_join_all(roster.data().map(|seat| start(&deploy, seat))).await?;
    deploy
        .emitter
        .note("waiting for a cluster manager, the index and its copies");
    let made = (
        Shape::of(values)?,
        values.word("cluster-manager") == "with-primary",
    );
    ready::prove(OpenSearchStack::new(members, roster, deploy.runtime, made)).await
}

fn spec(
    member: &Member,
    roster: &Roster,
    deploy: &Deploy,
    values: Values<'_>,
) -> Result<NodeSpec, SystemError> {
    let image = deploy.images.get(&member.image).unwrap_or(&member.image);
    let settings = configuration(roster, roster.named(&member.name)?, values)?;
    let file = |path: &str, mode: u32, bytes: Vec<u8>| NodeFile {
        path: PathBuf::from(path),
        mode,
        bytes,
    };
    Ok(NodeSpec {
        name: member.name.clone(),
        image: image.clone(),
        entrypoint: vec!["/bin/sh".into(), START_PATH.into()],
        command: Vec::new(),
        env: vec![("DRDRILL_HEAP".into(), HEAP.into())],
        files: vec![
            file(START_PATH, 0o755, START.into()),
            file(SETTINGS_PATH, 0o644, settings.into_bytes()),
        ],
        memory_mib: MEMORY_MIB,
        sidecar: true,
        beside: None,
    })
}

async fn start(deploy: &Deploy, seat: &Seat) -> Result<(), SystemError> {
    deploy.runtime.start(&seat.name).await?;
    let address = seat.address;
    let greet = || async move { ask(address, &Question::get("/"), ASK_LIMIT).await.map(drop) };
    listening(&*deploy.runtime, &seat.name, LISTEN_LIMIT, greet).await
}
