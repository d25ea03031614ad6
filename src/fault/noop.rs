//! The control: nothing is done, and nothing must change.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{id::NodeName, runtime::NodeState, scenario::fault::Noop, time::Bracket};

use super::{Action, ActiveEffect, FaultContext, FaultError, Injected, described::Seen};

/// The longest wait for a link's answer.
const PROBE_LIMIT: Duration = Duration::from_secs(1);

/// Nothing has changed, and these nodes are primary as before.
#[derive(Debug)]
struct Unchanged(Vec<NodeName>);

#[async_trait]
impl Action for Noop {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        let primaries = context.system.primaries().await?;
        Ok(Injected {
            victims: Vec::new(),
            primary_hit: false,
            means: "nothing was done".into(),
            at: Bracket::at(context.emitter.now()),
            effect: Arc::new(Unchanged(primaries)),
        })
    }
}

#[async_trait]
impl ActiveEffect for Unchanged {
    async fn verify(&self, context: &FaultContext) -> Seen {
        look(&self.0, context).await
    }
}

/// Every node runs, every link passes bytes, and each primary is who it was.
async fn look(primaries: &[NodeName], context: &FaultContext) -> Seen {
    let mut seen = Seen::default();
    for member in context.members() {
        match context.runtime.state(&member.name).await {
            Ok(NodeState::Running) => {}
            other => seen.no(format!("{} does not run: {other:?}", member.name)),
        }
    }
    match context.system.primaries().await {
        Ok(now) => {
            for (now, then) in now.iter().zip(primaries) {
                if now == then {
                    seen.yes(format!("{then} is still primary"));
                } else {
                    seen.no(format!("{now} is primary and no longer {then}"));
                }
            }
        }
        Err(error) => seen.no(error.to_string()),
    }
    if let Some(links) = &context.links {
        match links.probe(PROBE_LIMIT).await {
            Ok(probes) => {
                let cut = probes
                    .iter()
                    .filter(|probe| !(probe.established && probe.fresh))
                    .count();
                let text = format!(
                    "{} of {} links pass bytes",
                    probes.len() - cut,
                    probes.len()
                );
                if cut == 0 {
                    seen.yes(text)
                } else {
                    seen.no(text)
                }
            }
            Err(error) => seen.no(error.to_string()),
        }
    }
    seen
}
