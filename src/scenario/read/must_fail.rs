//! Decoding `must-fail`: the changes that must turn the drill red.

use std::collections::BTreeMap;

use crate::scenario::{
    Goal, Miss, MustFail, Point, Rpo, Scenario, Step, problem::Problem, spans::Spans,
};

use super::{
    decode::{Decoder, Fields},
    overrides,
    tree::Tree,
};

/// Decodes `must-fail`, if it is there; an empty list takes those of the file away where `--set` gives it. Whether the drill can be run with each change is checked while planning.
pub fn must_fail(d: &mut Decoder, f: &mut Fields<'_>) -> Option<Vec<MustFail>> {
    let Some(tree) = f.get("must-fail") else {
        return Some(Vec::new());
    };
    let items = d.list(tree, "`must-fail`")?;
    if items.is_empty() && !overrides::gave(tree) {
        d.note(
            Problem::at(tree.place.clone(), "`must-fail` names no change")
                .help("name one, such as `- { with: { stack.redis.settings.down-after: 20s }, misses: [rto] }`, or leave it out"),
        );
        return None;
    }
    let changes: Vec<_> = items.iter().filter_map(|item| change(d, item)).collect();
    (changes.len() == items.len()).then_some(changes)
}

fn change(d: &mut Decoder, tree: &Tree) -> Option<MustFail> {
    let mut f = d.fields(tree, "a change that must fail")?;
    let with = f
        .need(
            "with",
            "say what is changed, such as `with: { stack.redis.settings.down-after: 20s }`",
        )
        .and_then(|tree| with(d, tree));
    let misses = f
        .need(
            "misses",
            "say what must be missed then, such as `misses: [rto]`",
        )
        .and_then(|tree| misses(d, tree));
    d.finish(f);
    Some(MustFail {
        with: with?,
        misses: misses?,
    })
}

fn with(d: &mut Decoder, tree: &Tree) -> Option<BTreeMap<String, String>> {
    let entries = d.map(tree, "`with`")?;
    if entries.is_empty() {
        d.note(
            Problem::at(tree.place.clone(), "`with` changes nothing").help(
                "write keys as `--set` takes them, such as `stack.redis.settings.down-after: 20s`",
            ),
        );
        return None;
    }
    let mut with = BTreeMap::new();
    for (key, value) in entries {
        if !MustFail::may_change(&key.text) {
            let message = format!("`{}` is nothing that breaks the drill", key.text);
            d.note(Problem::at(key.place.clone(), message).help(
                "change something under `stack`, `drill` or `clients.consumers`: a drill that only fails against other targets proves nothing",
            ));
            continue;
        }
        if let Some(text) = d.text(value, &format!("the value of `{}`", key.text)) {
            with.insert(key.text.clone(), text.to_owned());
        }
    }
    (with.len() == entries.len()).then_some(with)
}

fn misses(d: &mut Decoder, tree: &Tree) -> Option<Vec<Miss>> {
    let items = d.list(tree, "`misses`")?;
    if items.is_empty() {
        d.note(
            Problem::at(tree.place.clone(), "`misses` names nothing").help(
                "a failure counts only for the reason that is expected: write `misses: [rto]`",
            ),
        );
        return None;
    }
    let misses = items
        .iter()
        .filter_map(|item| d.word(item, "target or check", &Miss::ALL));
    let misses: Vec<Miss> = misses.collect();
    (misses.len() == items.len()).then_some(misses)
}

/// Targets that are to be missed and that this scenario does not judge.
pub fn problems(scenario: &Scenario, spans: &Spans) -> Vec<Problem> {
    let changes = (0_usize..).zip(&scenario.must_fail);
    let misses = changes.flat_map(|(index, change)| {
        let misses = (0_usize..).zip(&change.misses);
        misses.map(move |(at, miss)| (index.to_string(), at.to_string(), *miss))
    });
    let unjudged = misses.filter(|(_, _, miss)| !is_judged(scenario, *miss));
    let problems = unjudged.map(|(index, at, miss)| {
        let name = miss.name();
        spans.problem(
            &["must-fail", &index, "misses", &at],
            format!("`{name}` is not judged here, so that it cannot be missed"),
            format!("give `{name}` a limit, or name what is judged"),
        )
    });
    problems.collect()
}

/// Whether it restores to the latest point, or else to one in time.
fn restores(scenario: &Scenario, latest: bool) -> bool {
    let mut steps = scenario.drill.iter();
    steps.any(|step| matches!(step, Step::Restore(it) if latest == (it.to == Point::Latest)))
}

fn is_judged(scenario: &Scenario, miss: Miss) -> bool {
    let targets = &scenario.targets;
    match miss {
        Miss::Duplicates => true,
        Miss::SplitBrain => targets.split_brain != Some(Goal::Any),
        Miss::Alerts => scenario.alerting.is_some(),
        Miss::Runbook => scenario.drill.own_runbooks().next().is_some(),
        Miss::RtoWithPeople => {
            matches!(targets.rto, Some(Goal::Limit(_)))
                && scenario.drill.own_runbooks().next().is_some()
        }
        Miss::Rpo => targets.rpo.as_ref().is_some_and(Rpo::limits),
        // Every restore is held against 0, unless the file says otherwise.
        Miss::PitrMissing => restores(scenario, false) && targets.pitr_missing != Some(Goal::Any),
        Miss::PitrExtra => {
            (restores(scenario, false) || restores(scenario, true))
                && targets.pitr_extra != Some(Goal::Any)
        }
        // The targets' names in a file are those of what is missed.
        other => {
            let targets = serde_json::to_value(targets).unwrap_or_default();
            let target = targets.get(other.name());
            target.is_some_and(|target| *target != "any")
        }
    }
}
