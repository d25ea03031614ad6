//! The target line of `availability`.

use crate::{
    check::Touch,
    measure::{Figure, Figures, format},
    scenario::{Goal, Targets},
};

use super::{
    Line, LineState,
    lines::{JUST_MEASURED, Judged, NOT_MEASURED},
};

/// The line of the share of operations that succeeded.
pub const AVAILABILITY: &str = "availability";

/// The line, where there is a target.
pub fn line(targets: &Targets, figures: &Figures) -> Option<Judged> {
    let goal = targets.availability?;
    let percent = figures.availability.value().map(|a| a.percent());
    let (state, why) = match (goal, percent, &figures.availability) {
        (_, _, Figure::Missing(why)) => (LineState::Inconclusive, why.clone()),
        (_, None, _) => (LineState::Inconclusive, NOT_MEASURED.into()),
        (Goal::Any, Some(_), _) => (LineState::Any, JUST_MEASURED.into()),
        (Goal::Limit(least), Some(share), _) if share >= least.0 => {
            (LineState::Met, "the share is at least the target".into())
        }
        (Goal::Limit(_), Some(_), _) => (LineState::Missed, "the share is below the target".into()),
    };
    Some(Judged {
        line: Line {
            figure: AVAILABILITY.into(),
            target: match goal {
                Goal::Any => "any".into(),
                Goal::Limit(least) => format!(">= {least}"),
            },
            measured: percent.map_or_else(|| NOT_MEASURED.into(), format::percent),
            bracket: String::new(),
            value: percent,
            limit: goal.limit().map(|least| least.0),
            state,
            why,
        },
        family: Touch::Time,
    })
}
