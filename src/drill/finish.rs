//! After the steps: how far members drifted apart, the convergence guard, and the final reads.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::{
    fault::FaultContext,
    id::NodeName,
    record::{FinalRead, MemberKind, Source, What},
};

use super::{
    lost::{Lost, unless_lost},
    vigil::Vigil,
    wait,
};

/// The longest wait for replay to finish and positions to be equal.
const CONVERGE_LIMIT: Duration = Duration::from_secs(30);

/// The longest time for one final read.
const READ_LIMIT: Duration = Duration::from_secs(60);

/// How often convergence is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Reads each member, waits until they have converged, reads the authoritative side twice and each
/// member again. What cannot be read is recorded as such.
pub async fn final_reads(ground: &FaultContext, vigil: &Vigil) {
    let members = ground
        .members()
        .iter()
        .filter(|member| member.kind == MemberKind::Data);
    let nodes: Vec<NodeName> = members.map(|member| member.name.clone()).collect();
    for node in &nodes {
        read(ground, Source::Before { node: node.clone() }).await;
    }
    converge(ground, vigil).await;
    for pass in [1, 2] {
        read(ground, Source::Authority { pass }).await;
    }
    for node in &nodes {
        read(ground, Source::After { node: node.clone() }).await;
    }
}

async fn converge(ground: &FaultContext, vigil: &Vigil) {
    let mut last = Vec::new();
    let poll = async {
        loop {
            let converged = ground.system.converged().await;
            last = converged.evidence;
            if converged.whole {
                return true;
            }
            if let Some(why) = wait::gone(vigil, ground).into_iter().next() {
                last.push(format!("{why}: convergence cannot be reached"));
                return false;
            }
            sleep(LOOK).await;
        }
    };
    let reached = timeout(CONVERGE_LIMIT, poll).await.unwrap_or(false);
    ground.emitter.say(What::Converged {
        reached,
        evidence: last,
    });
}

async fn read(ground: &FaultContext, source: Source) {
    let (nodes, needed) = match &source {
        Source::Before { node } | Source::After { node } => (vec![node.clone()], Lost::Any),
        Source::Authority { .. } => {
            let data = wait::data_members(ground);
            (data.map(|one| one.name.clone()).collect(), Lost::All)
        }
    };
    let asked = ground.system.final_read(&source);
    let asked = unless_lost(&*ground.runtime, &nodes, needed, asked);
    let (at, result) = ground.emitter.time(timeout(READ_LIMIT, asked)).await;
    let holdings = match result {
        Ok(Ok(Ok(holdings))) => Ok(holdings),
        Ok(Ok(Err(error))) => Err(error.to_string()),
        Ok(Err(lost)) => Err(lost),
        Err(_) => Err(format!("not read within {READ_LIMIT:?}")),
    };
    ground
        .emitter
        .say_at(at, What::Final(FinalRead { source, holdings }));
}
