//! What parts of a scenario say about each other: targets that could never be measured, claims that the
//! repeats cannot support.

use crate::scenario::{
    Confidence, Consistency, Expect, Goal, PinnedAsk, Point, Reads, Scenario, Step,
    problem::Problem, spans::Spans,
};

use super::{consumers_cross, must_fail};

/// Every contradiction between parts that are right by themselves.
pub fn problems(scenario: &Scenario, spans: &Spans) -> Vec<Problem> {
    let mut problems = unmeasurable(scenario, spans);
    problems.extend(consistency(scenario, spans));
    problems.extend(consumers_cross::problems(scenario, spans));
    problems.extend(must_fail::problems(scenario, spans));
    problems.extend(control(scenario, spans));
    problems.extend(restore_rpo(scenario, spans));
    problems.extend(headline(scenario, spans));
    problems.extend(unjudged_headline(scenario, spans));
    problems.extend(deadline(scenario, spans));
    problems.extend(
        scenario
            .targets
            .confidence
            .and_then(|claim| confidence(claim, scenario.repeat, spans)),
    );
    problems
}

/// What yields the figures of reads.
const READS: &str = "let lanes read: remove `reads: none` from `clients: { service: ... }`";

/// What yields the figures of a restore.
const RESTORE: &str = "add a `- backup: now` step, and a `- restore: { to: ... }` step";

/// Targets whose figure this drill cannot yield.
fn unmeasurable(scenario: &Scenario, spans: &Spans) -> Vec<Problem> {
    let has = |wanted: fn(&Step) -> bool| scenario.drill.iter().any(wanted);
    let restores = has(|step| matches!(step, Step::Restore(_)));
    let latest = has(|step| matches!(step, Step::Restore(it) if it.to == Point::Latest));
    let point = has(|step| matches!(step, Step::Restore(it) if it.to != Point::Latest));
    let reads = scenario.clients.service.reads == Reads::Beside;
    let rows = [
        ("rto-read", reads, READS),
        ("staleness", reads, READS),
        (
            "rto-app",
            spans.has(&["clients", "app"]),
            "add the application's clients: `clients: { app: { ... } }`",
        ),
        (
            "fencing",
            scenario.clients.service.pinned.ask == PinnedAsk::Write,
            "let pinned probes write: `clients: { service: { pinned: { ask: write } } }`",
        ),
        (
            "consistency",
            spans.has(&["clients", "consistency"]),
            "add clients for it: `clients: { consistency: { kind: registers } }`",
        ),
        (
            "rebalance",
            spans.has(&["clients", "consumers"])
                && has(|step| matches!(step, Step::Expect(Expect::Consumed(_)))),
            "add consumers, `clients: { consumers: { members: 3 } }`, and a step `- expect: { consumed: { within: 1m } }`",
        ),
        (
            "outage",
            has(|step| matches!(step, Step::Switchover(_))),
            "add a `- switchover: planned` step",
        ),
        (
            "failback",
            has(|step| matches!(step, Step::Failback(_))),
            "add a `- failback: planned` step",
        ),
        ("restore-rto", restores, RESTORE),
        (
            "restore-rpo",
            latest,
            "add a step `- restore: { to: latest }`",
        ),
        ("pitr-missing", point, RESTORE),
        ("pitr-extra", restores, RESTORE),
        (
            "redundancy-restored",
            has(|step| matches!(step, Step::Expect(Expect::Redundant(_)))),
            "add a step `- expect: { redundant: { within: 2m } }`",
        ),
    ];
    let missing = rows
        .into_iter()
        .filter(|(name, measured, _)| !measured && spans.has(&["targets", name]));
    missing
        .map(|(name, _, help)| {
            let message = format!("the target `{name}` would never be measured");
            spans.problem(
                &["targets", name],
                message,
                format!("{help}, or remove the target"),
            )
        })
        .collect()
}

/// A restore to the latest point passes by no count of its own: how much it may lack is asked for.
fn restore_rpo(scenario: &Scenario, spans: &Spans) -> Option<Problem> {
    let latest = |step: &Step| matches!(step, Step::Restore(it) if it.to == Point::Latest);
    let (index, _) = (scenario.drill.iter().enumerate()).find(|(_, step)| latest(step))?;
    scenario.targets.restore_rpo.is_none().then(|| {
        let place = ["drill", &index.to_string(), "restore"];
        let message = "how much this restore may lack is not said";
        let help = "add `restore-rpo: 10s` to the targets: how old the oldest write may be that is not in it; or `any`";
        spans.problem(&place, message, help)
    })
}

/// What is judged by a model must have one to be judged by, and its own: it is asked for, since a stack that may lose
/// acknowledged writes cannot keep every one.
fn consistency(scenario: &Scenario, spans: &Spans) -> Option<Problem> {
    let kind = scenario.clients.consistency.as_ref()?.kind;
    let model = kind.model();
    let words: Vec<String> = kind.models().iter().map(|it| format!("`{it}`")).collect();
    match scenario.targets.consistency {
        None => Some(spans.key_problem(
            &["clients", "consistency"],
            "nothing says what must hold of these clients' operations",
            format!("add `targets: {{ consistency: {model} }}`, or `any`: measured, not judged"),
        )),
        Some(Consistency::Any) => None,
        Some(target) => (!kind.models().contains(&target)).then(|| {
            spans.problem(
                &["targets", "consistency"],
                format!("`{target}` cannot be asked of {kind}"),
                format!("write {}, or `any`", words.join(", ")),
            )
        }),
    }
}

/// A control does nothing at all: a step that does nothing beside one that does would be judged as neither.
fn control(scenario: &Scenario, spans: &Spans) -> Option<Problem> {
    let steps = || scenario.drill.iter().enumerate();
    let (idle, _) =
        steps().find(|(_, step)| matches!(step, Step::Fault(fault) if fault.is_control()))?;
    let (busy, _) = steps().find(|(_, step)| step.disrupts())?;
    let message = format!("a control does nothing on purpose, and step {busy} does something");
    let help = "make two scenarios: one with `- fault: noop` alone, and one with the faults";
    Some(spans.problem(&["drill", &idle.to_string(), "fault"], message, help))
}

/// The step that the main figures speak of must be one that breaks or moves something.
fn headline(scenario: &Scenario, spans: &Spans) -> Option<Problem> {
    let index = scenario.headline?;
    let fits = scenario.drill.get(index).is_some_and(Step::may_be_headline);
    let message = format!("step {index} is no fault and no switchover");
    let help = "count the steps from 0, and name the one that `rto` and `rpo` speak of";
    (!fits).then(|| spans.problem(&["headline"], message, help))
}

/// The main figures carry the verdict, so what clients see of their step must be judged.
fn unjudged_headline(scenario: &Scenario, spans: &Spans) -> Option<Problem> {
    let drill = &scenario.drill;
    let index = scenario.headline.or_else(|| drill.headline())?;
    if drill.judges(index) {
        return None;
    }
    let message = format!(
        "`rto` and `rpo` speak of step {index}, and nothing that clients see of it is judged"
    );
    let help = "remove its `targets: any`, or name another step with `headline`";
    let place = ["drill", &index.to_string(), "targets"];
    Some(spans.problem(&place, message, help))
}

/// A wait that ends before the target does would turn a slow recovery into an unknown one.
fn deadline(scenario: &Scenario, spans: &Spans) -> Option<Problem> {
    let Some(Goal::Limit(rto)) = scenario.targets.rto else {
        return None;
    };
    let (index, within) =
        scenario
            .drill
            .iter()
            .enumerate()
            .find_map(|(index, step)| match step {
                Step::Expect(Expect::Recovered(within)) => Some((index, within.within)),
                _ => None,
            })?;
    let message = format!("the wait of {within} is shorter than the target of {rto} for `rto`");
    let help = format!("wait at least {rto}: a recovery within the target must be seen");
    let step = index.to_string();
    let path = ["drill", &step, "expect", "recovered", "within"];
    (within < rto).then(|| spans.problem(&path, message, help))
}

/// The largest of n values lies above the quantile q with probability 1 - q^n (the distribution-free
/// bound by order statistics), so n must reach the level.
fn confidence(claim: Confidence, repeat: u32, spans: &Spans) -> Option<Problem> {
    let quantile = claim.quantile.0 / 100.0;
    let level = claim.level.0 / 100.0;
    let needed = ((1.0 - level).ln() / quantile.ln()).ceil();
    if f64::from(repeat) >= needed {
        return None;
    }
    let message = format!(
        "{repeat} {} cannot show a quantile of {} at a level of {}",
        if repeat == 1 { "drill" } else { "drills" },
        claim.quantile,
        claim.level,
    );
    let help = format!("write `repeat: {needed}`, or claim less");
    Some(spans.problem(&["targets", "confidence"], message, help))
}
