//! The control: nothing is done, and nothing must change.

use std::time::Duration;

use crate::{
    id::NodeName,
    record::{Disruption, DisruptionKind, Effect, EffectState},
    runtime::NodeState,
    time::Bracket,
};

use super::{ActiveFault, Expected, FaultError, Ground, Injected, Undo, process::Seen};

/// The longest wait for a link's answer.
const PROBE_LIMIT: Duration = Duration::from_secs(1);

/// Does nothing.
pub async fn noop(step: usize, ground: &Ground) -> Result<Injected, FaultError> {
    let primaries = ground.system.primaries().await?;
    let at = Bracket::at(ground.emitter.now());
    let disruption = Disruption {
        step,
        kind: DisruptionKind::Control,
        name: "noop".into(),
        victims: Vec::new(),
        primary_hit: false,
        means: "nothing was done".into(),
    };
    let active = ActiveFault {
        step,
        name: "noop",
        undo: Undo::Nothing,
    };
    Ok(Injected {
        disruption,
        at,
        active,
        expected: Expected::Unchanged(primaries),
    })
}

/// Every node runs, every link passes bytes, and each primary is who it was.
pub async fn verify(step: usize, primaries: &[NodeName], ground: &Ground) -> Effect {
    let mut seen = Seen::default();
    for member in ground.members() {
        match ground.runtime.state(&member.name).await {
            Ok(NodeState::Running) => {}
            other => seen.no(format!("{} does not run: {other:?}", member.name)),
        }
    }
    match ground.system.primaries().await {
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
    if let Some(links) = &ground.links {
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
    let mut effect = seen.effect(step);
    if effect.state == EffectState::Verified {
        effect.state = EffectState::Unchanged;
    }
    effect
}
