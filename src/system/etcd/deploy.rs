//! Brings a cluster up: all members at once, which find each other and elect a leader.

use std::time::Duration;

use futures_util::future::try_join_all;

use crate::{
    record::Member,
    runtime::NodeSpec,
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
    arguments::arguments,
    ready,
    running::EtcdStack,
};

/// The longest wait for a started member to answer; it answers clients once a majority has started. One that ends says so
/// earlier.
const LISTEN_LIMIT: Duration = Duration::from_secs(30);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_secs(2);

/// A drill writes a few megabytes; the rest is for connections, of which there are many while a majority is missing.
pub const MEMORY_MIB: u32 = 512;

/// Deploys the design and returns once replication is proven flowing.
pub async fn deploy(design: &Design, deploy: Deploy) -> Result<EtcdStack, SystemError> {
    let values = Values::of(design);
    let members = reserve(design, &deploy, |_| PORT).await?;
    let roster = Roster::new(&members)?;
    let timing = (
        values.duration("heartbeat-interval")?,
        values.duration("election-timeout")?,
    );
    let specs: Vec<NodeSpec> = members
        .iter()
        .map(|member| spec(member, &roster, &deploy, timing))
        .collect::<Result<_, SystemError>>()?;
    try_join_all(specs.iter().map(|spec| deploy.runtime.create(spec))).await?;
    deploy.emitter.note("starting the members");
    try_join_all(roster.data().map(|seat| start(&deploy, seat))).await?;
    let serializable = values.word("reads") == "serializable";
    ready::prove(EtcdStack::new(
        members,
        roster,
        deploy.runtime,
        serializable,
    ))
    .await
}

/// The program itself is the command: the official image has no shell.
fn spec(
    member: &Member,
    roster: &Roster,
    deploy: &Deploy,
    timing: (Duration, Duration),
) -> Result<NodeSpec, SystemError> {
    let image = deploy.images.get(&member.image).unwrap_or(&member.image);
    Ok(NodeSpec {
        name: member.name.clone(),
        image: image.clone(),
        entrypoint: Vec::new(),
        command: arguments(roster.data(), roster.named(&member.name)?, timing),
        env: Vec::new(),
        files: Vec::new(),
        memory_mib: MEMORY_MIB,
        sidecar: true,
        beside: None,
    })
}

async fn start(deploy: &Deploy, seat: &Seat) -> Result<(), SystemError> {
    deploy.runtime.start(&seat.name).await?;
    let address = seat.address;
    let greet = || async move { ask(address, &Question::status(), ASK_LIMIT).await.map(drop) };
    listening(&*deploy.runtime, &seat.name, LISTEN_LIMIT, greet).await
}
