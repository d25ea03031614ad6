//! Which restores were proven in the quarter, and how long ago.

use std::collections::BTreeMap;

use crate::{
    archive::{Review, Run},
    measure::{Figure, Pitr, RestoreFigures, format},
    score::Verdict,
};

use super::super::{
    document::{Section, Tone, plain, toned},
    history::started,
    view::text,
};

/// The newest restore of each scenario that brought back every write of before its point and none of after it; of a scenario whose
/// restores proved nothing, the newest that was tried.
pub fn restores(review: &Review<'_>) -> Section {
    let head = [
        "scenario",
        "run",
        "started (UTC)",
        "days before the quarter's end",
        "restored to",
        "restore_rto",
        "writes looked up",
        "writes missing",
        "writes of after it",
        "proven",
    ];
    let empty = "No restore was drilled: nothing in this folder shows that a backup restores.";
    let mut section = Section::new("Restores that were proven", &head, empty);
    section.note(
        "Proven: the run met every target, every write that was acknowledged before the point was there, and nothing of after it.",
    );
    let mut newest: BTreeMap<&str, (&Run, &RestoreFigures, bool)> = BTreeMap::new();
    for run in &review.runs {
        let restores = run.summary.iter().flat_map(|it| &it.figures.restores);
        for restore in restores {
            let whole = restore.held.value().is_some_and(Pitr::is_exact);
            let passed = matches!(run.verdict, Some(Verdict::Pass | Verdict::Control));
            let proven = passed && whole;
            let before = newest.get(run.variant.as_str());
            if proven || before.is_none_or(|(_, _, proven)| !proven) {
                newest.insert(&run.variant, (run, restore, proven));
            }
        }
    }
    for (scenario, (run, restore, proven)) in newest {
        section
            .rows
            .push(row(review, scenario, run, (restore, proven)));
    }
    section
}

fn row(
    review: &Review<'_>,
    scenario: &str,
    run: &Run,
    (restore, proven): (&RestoreFigures, bool),
) -> Vec<super::super::document::Cell> {
    let age = run
        .started
        .map(|at| review.quarter.until().duration_since(at));
    let age = age.map_or_else(String::new, |age| (age.as_hours() / 24).to_string());
    let rto = match &restore.rto {
        Figure::Measured(span) => format::value(*span),
        Figure::Missing(why) => format!("not restored: {why}"),
    };
    let count = |pick: fn(&Pitr) -> u64| {
        let held = restore.held.value();
        held.map_or_else(
            || "not looked up".to_owned(),
            |pitr| text::count(pick(pitr)),
        )
    };
    let proof = match proven {
        true => toned("yes", Tone::Good),
        false => toned("no", Tone::Bad),
    };
    vec![
        plain(scenario),
        plain(run.id.to_string()),
        plain(started(run)),
        plain(age),
        plain(restore.to.to_string()),
        plain(rto),
        plain(count(|pitr| pitr.judged)),
        plain(count(|pitr| pitr.missing)),
        plain(count(|pitr| pitr.extra)),
        proof,
    ]
}
