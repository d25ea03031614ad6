//! Whether each disruption was seen to do what it was meant to do, and a control nothing.

use crate::record::{DisruptionKind, EffectState};
use crate::{history::History, measure::Figures, record::Record};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "effect-verified";

/// A fault without a verified effect leaves the drill inconclusive. A control is verified by "nothing changed".
pub fn check(record: &Record, _history: &History, _figures: &Figures) -> Finding {
    if record.disruptions.is_empty() {
        return Finding::unknown(NAME, &[Touch::All], "no disruptive step was taken");
    }
    let mut evidence = Vec::new();
    let mut doubts = Vec::new();
    for (_, disruption) in &record.disruptions {
        let step = format!("step {} ({})", disruption.step, disruption.name);
        let Some(effect) = record.effect(disruption.step) else {
            doubts.push(format!("{step}: its effect was not looked at"));
            continue;
        };
        evidence.extend(effect.evidence.iter().map(|line| format!("{step}: {line}")));
        let wanted = match disruption.kind {
            DisruptionKind::Control => EffectState::Unchanged,
            DisruptionKind::Fault | DisruptionKind::Switchover | DisruptionKind::Failback => {
                EffectState::Verified
            }
        };
        if effect.state != wanted {
            doubts.push(format!("{step}: {}", what(effect.state)));
        }
    }
    if doubts.is_empty() {
        let summary = if record.is_control() {
            "nothing changed, as intended of a control"
        } else {
            "every disruption had the effect that it was meant to have"
        };
        Finding::valid(NAME, summary).with(evidence)
    } else {
        Finding::unknown(NAME, &[Touch::All], doubts.join("; ")).with(evidence)
    }
}

fn what(state: EffectState) -> &'static str {
    match state {
        EffectState::Verified => "something changed, and nothing was meant to",
        EffectState::NotVerified => "the intended effect was not seen",
        EffectState::Unchanged => "nothing changed",
    }
}
