//! The sections of a quarterly report.

use std::time::Duration;

use crate::{
    archive::{Cell as Covered, Control, Review, Reviewed, Run, Spent, Tracked, Tracking},
    measure::availability::monthly,
    score::Verdict,
    time::Span,
};

use super::super::{
    document::{Cell, Document, Section, Tone, plain, toned},
    history::{outcome, recovery, started, word},
    view::text,
};
use super::{INPUT, Standing, restores::restores};

/// The whole document.
pub fn document(review: &Review<'_>, controls: &[Control], standing: &Standing) -> Document {
    Document {
        title: format!("Disaster-recovery drills, {}", review.quarter),
        lead: lead(review),
        landscape: true,
        sections: vec![
            scope(review, standing),
            coverage(review),
            gaps(review),
            targets(review),
            restores(review),
            trends(review),
            allowance(review),
            findings(review),
            mapping(controls),
            runs(review),
            signatures(),
        ],
    }
}

fn count(review: &Review<'_>, verdict: Verdict) -> usize {
    review
        .runs
        .iter()
        .filter(|run| run.verdict == Some(verdict))
        .count()
}

/// The quarter's runs that were removed on purpose, with the verdicts that the register keeps of them.
fn pruned(review: &Review<'_>) -> impl Iterator<Item = Option<Verdict>> {
    let pruned = review.runs.iter().filter_map(|run| run.pruned.as_ref());
    pruned.map(|it| it.verdict)
}

fn cells<'r>(review: &'r Review<'_>) -> impl Iterator<Item = &'r Covered<'r>> {
    review.coverage.rows.iter().flat_map(|(_, cells)| cells)
}

fn lead(review: &Review<'_>) -> String {
    let [passed, failed, unsure, stopped] = [
        Verdict::Pass,
        Verdict::Fail,
        Verdict::Inconclusive,
        Verdict::Aborted,
    ]
    .map(|verdict| count(review, verdict));
    let unsure = unsure + stopped;
    let never = cells(review)
        .filter(|cell| matches!(cell, Covered::Never))
        .count();
    let expired = cells(review)
        .filter(|cell| matches!(cell, Covered::Expired(_)))
        .count();
    let open = review
        .findings
        .iter()
        .filter(|it| it.status != Tracking::Closed)
        .count();
    let pruned = match pruned(review).count() {
        0 => String::new(),
        count => format!(", {count} pruned and not counted"),
    };
    format!(
        "{} of {}: {passed} met every target, {failed} did not, {unsure} inconclusive{pruned}; {} never drilled, {} not \
         drilled this quarter, {}.",
        text::plural(review.runs.len() as u64, "run"),
        text::plural(review.scenarios.len() as u64, "scenario"),
        text::plural(never as u64, "failure mode"),
        expired,
        text::plural(open as u64, "open finding"),
    )
}

fn scope(review: &Review<'_>, standing: &Standing) -> Section {
    let mut section = Section::new("Scope and standing", &[], "");
    section.note(format!(
        "The runs of {} that this reports folder holds, from {} up to {}, with those of {} beside them.",
        review.quarter,
        review.quarter.from().strftime("%Y-%m-%d"),
        review.quarter.until().strftime("%Y-%m-%d"),
        review.quarter.before()
    ));
    let tone = if standing.verified {
        Tone::Good
    } else {
        Tone::Warn
    };
    section.notes.push(toned(standing.sentence.clone(), tone));
    if let Some(head) = &standing.head {
        section.note(format!(
            "The register's head when this was written: {head}."
        ));
    }
    section.note(
        "Drills on containers show the mechanism and the procedure. They do not show how long the production system takes.",
    );
    section.notes.push(toned(
        format!("{INPUT}: which production systems these scenarios stand for, and how they differ in size, topology, data and network."),
        Tone::Input,
    ));
    section
}

/// The failure modes that some run went through, each with a cell for every system that was drilled at all.
fn coverage(review: &Review<'_>) -> Section {
    let untouched = |cell: &Covered<'_>| matches!(cell, Covered::Never | Covered::NotOffered);
    let rows = &review.coverage.rows;
    let systems: Vec<_> = rows
        .iter()
        .filter(|(_, cells)| !cells.iter().all(untouched))
        .collect();
    let mut section = Section::new(
        "Coverage: failure modes that were drilled",
        &["failure mode"],
        "No failure mode was drilled.",
    );
    let names = systems.iter().map(|(system, _)| system.clone());
    section.head.extend(names);
    section.note("When each failure mode was last drilled by the end of the quarter, and how that run came out. Not offered: no stack of that system can go through it here.");
    for (index, mode) in review.coverage.modes.iter().enumerate() {
        let own: Vec<_> = systems.iter().map(|(_, cells)| &cells[index]).collect();
        if own.iter().copied().all(untouched) {
            continue;
        }
        let mut row = vec![plain(mode.clone())];
        row.extend(own.into_iter().map(covered));
        section.rows.push(row);
    }
    section
}

/// What each system could go through, counted, and what of it never was drilled by name.
fn gaps(review: &Review<'_>) -> Section {
    let head = [
        "system",
        "offered",
        "drilled in the quarter",
        "inconclusive",
        "expired",
        "never drilled",
        "never drilled: which",
    ];
    let mut section = Section::new("Coverage: counts and gaps", &head, "No system was drilled.");
    section.note("Offered: failure modes that some stack of the system can go through here. Each is counted once in the columns after it.");
    for (system, cells) in &review.coverage.rows {
        let count =
            |counted: fn(&Covered<'_>) -> bool| cells.iter().filter(|it| counted(it)).count();
        let told = |count: usize, tone| {
            let tone = if count == 0 { Tone::Plain } else { tone };
            toned(count.to_string(), tone)
        };
        let modes = review.coverage.modes.iter().zip(cells);
        let never: Vec<&str> = modes
            .filter(|(_, cell)| matches!(cell, Covered::Never))
            .map(|(mode, _)| mode.as_str())
            .collect();
        section.rows.push(vec![
            plain(system.clone()),
            plain(count(|it| !matches!(it, Covered::NotOffered)).to_string()),
            told(count(|it| matches!(it, Covered::Drilled(_))), Tone::Good),
            told(count(|it| matches!(it, Covered::Unanswered(_))), Tone::Warn),
            told(count(|it| matches!(it, Covered::Expired(_))), Tone::Bad),
            told(never.len(), Tone::Bad),
            plain(if never.is_empty() {
                "none".into()
            } else {
                never.join(", ")
            }),
        ]);
    }
    section
}

fn covered(cell: &Covered<'_>) -> Cell {
    let day = |run: &Run| started(run).chars().take(10).collect::<String>();
    match cell {
        Covered::NotOffered => plain("not offered"),
        Covered::Never => toned("never drilled", Tone::Bad),
        Covered::Expired(run) => toned(format!("expired: {}", day(run)), Tone::Bad),
        Covered::Unanswered(run) => toned(format!("{}: inconclusive", day(run)), Tone::Warn),
        Covered::Drilled(run) => match run.verdict {
            Some(Verdict::Pass) => toned(format!("{}: pass", day(run)), Tone::Good),
            _ => toned(format!("{}: fail", day(run)), Tone::Bad),
        },
    }
}

fn targets(review: &Review<'_>) -> Section {
    let head = [
        "scenario",
        "runs",
        "passed",
        "failed",
        "inconclusive",
        "rto target",
        "worst rto",
        "lost writes",
        "missed",
    ];
    let mut section = Section::new("Targets", &head, "No scenario was run in this quarter.");
    for it in &review.scenarios {
        let [passed, failed, unsure] = it.verdicts;
        let tone = |count: usize, tone| if count == 0 { Tone::Plain } else { tone };
        section.rows.push(vec![
            plain(it.scenario),
            plain(it.runs.len().to_string()),
            toned(passed.to_string(), tone(passed, Tone::Good)),
            toned(failed.to_string(), tone(failed, Tone::Bad)),
            toned(unsure.to_string(), tone(unsure, Tone::Warn)),
            plain(it.target.clone().unwrap_or_else(|| "no target".into())),
            plain(worst(it)),
            plain(it.lost.map_or_else(|| "not known".into(), text::count)),
            missed(it),
        ]);
    }
    section
}

/// The longest recovery, and with the people who brought it about, where there were some.
fn worst(it: &Reviewed<'_>) -> String {
    let machines = it
        .worst
        .map_or_else(|| "not measured".into(), |(span, _)| text::upper(span));
    match it.with_people {
        None => machines,
        Some(seconds) => {
            let all = Duration::from_secs_f64(seconds);
            let all = text::upper(Span::between(all, all));
            format!("{machines}; with people {all}")
        }
    }
}

fn missed(it: &Reviewed<'_>) -> Cell {
    if it.missed.is_empty() {
        return plain("none");
    }
    let words: Vec<String> = it
        .missed
        .iter()
        .map(|(figure, runs)| format!("{figure} in {}", text::plural(*runs as u64, "run")))
        .collect();
    toned(words.join(", "), Tone::Bad)
}

fn trends(review: &Review<'_>) -> Section {
    let before = review.quarter.before().to_string();
    let now = review.quarter.to_string();
    let head = [
        "scenario",
        "median rto in the quarter before",
        "median rto in this quarter",
    ];
    let mut section = Section::new("Trends", &head, "No scenario was run in this quarter.");
    section.note(format!(
        "Medians of completed runs in {before} and {now}. `drdrill gate` tells a regression from noise; `drdrill history` shows where a series changed."
    ));
    for it in &review.scenarios {
        let said =
            |median: Option<f64>| plain(median.map_or_else(|| "no run".into(), text::nanoseconds));
        section.rows.push(vec![
            plain(it.scenario),
            said(it.medians.0),
            said(it.medians.1),
        ]);
    }
    section
}

fn allowance(review: &Review<'_>) -> Section {
    let head = [
        "system",
        "failure mode",
        "availability target",
        "allowed a month",
        "one such failure takes",
        "of the month",
        "run",
    ];
    let mut section = Section::new(
        "Minutes of the monthly allowance",
        &head,
        "No run of a system whose availability target is known measured how long writes were unavailable.",
    );
    section.note(format!(
        "The longest time without writes in one drill of each failure mode, against what the availability target leaves in a month of {} minutes. A met recovery time can still spend the month.",
        text::count(monthly(0.0) as u64)
    ));
    for system in &review.untargeted {
        section.note(format!(
            "Left out: failure modes of {system}. It has no default availability target: name one with `--availability {system}=PERCENT`, or as `availability` below the scenario's `targets`."
        ));
    }
    for it in &review.spent {
        let Spent {
            allowed_minutes,
            minutes,
            ..
        } = it;
        let tone = if minutes > allowed_minutes {
            Tone::Bad
        } else {
            Tone::Plain
        };
        let finite = minutes.is_finite();
        section.rows.push(vec![
            plain(it.system),
            plain(it.mode.clone()),
            plain(format!("{} %", it.availability)),
            plain(format!("{allowed_minutes:.2} min")),
            toned(
                if finite {
                    format!("{minutes:.3} min")
                } else {
                    "end not seen".into()
                },
                tone,
            ),
            toned(
                if finite {
                    format!("{:.1} %", 100.0 * minutes / allowed_minutes)
                } else {
                    "not known".into()
                },
                tone,
            ),
            plain(it.run.id.to_string()),
        ]);
    }
    section
}

fn findings(review: &Review<'_>) -> Section {
    let head = [
        "id",
        "status",
        "scenario",
        "what",
        "first seen",
        "last seen",
        "closed by",
        "owner and due date",
    ];
    let mut section = Section::new(
        "Findings",
        &head,
        "Nothing was found in this quarter and the one before.",
    );
    section.note("Carried over from the quarter before by their id. A finding is closed by a later run of its scenario that passed or failed and did not show it.");
    for it in &review.findings {
        section.rows.push(finding(it));
    }
    section
}

fn finding(it: &Tracked<'_>) -> Vec<Cell> {
    let (status, tone) = match it.status {
        Tracking::New => ("new", Tone::Bad),
        Tracking::Open => ("still open", Tone::Bad),
        Tracking::NotRetested => ("not drilled again", Tone::Warn),
        Tracking::Closed => ("closed", Tone::Good),
    };
    let owner = match it.status {
        Tracking::Closed => plain(""),
        Tracking::New | Tracking::Open | Tracking::NotRetested => toned(INPUT, Tone::Input),
    };
    vec![
        plain(it.id.clone()),
        toned(status, tone),
        plain(it.scenario),
        plain(format!("{}: {}", it.name, it.text)),
        plain(it.seen.0.id.to_string()),
        plain(it.seen.1.id.to_string()),
        plain(
            it.closed_by
                .map_or_else(String::new, |run| run.id.to_string()),
        ),
        owner,
    ]
}

fn mapping(controls: &[Control]) -> Section {
    let head = [
        "reference",
        "asks for",
        "what these records show",
        "what they do not show",
    ];
    let mut section = Section::new("Controls", &head, "");
    section.note("Named and paraphrased, not quoted. Only completed, sealed drills that passed or failed count. Whether a control is met is for an auditor to say.");
    for control in controls {
        let shown = if control.shown.is_empty() {
            toned("nothing", Tone::Warn)
        } else {
            plain(control.shown.clone())
        };
        section.rows.push(vec![
            plain(control.reference),
            plain(control.asks),
            shown,
            plain(control.gap),
        ]);
    }
    section
}

fn runs(review: &Review<'_>) -> Section {
    let head = ["run", "scenario", "started (UTC)", "verdict", "rto"];
    let mut section = Section::new("All runs of the quarter", &head, "There is none.");
    for run in &review.runs {
        section.rows.push(vec![
            plain(run.id.to_string()),
            plain(run.scenario.clone()),
            plain(started(run)),
            plain(registered(run)),
            plain(recovery(run)),
        ]);
    }
    section
}

/// What became of a run; of a pruned one also the verdict that the register keeps, which counts as nothing.
fn registered(run: &Run) -> String {
    let verdict = run.pruned.as_ref().and_then(|it| it.verdict);
    match verdict {
        Some(verdict) => format!("pruned; registered as {}", word(verdict)),
        None => outcome(run).into(),
    }
}

fn signatures() -> Section {
    let head = ["who", "states", "name, date, signature"];
    let mut section = Section::new("For people to write and sign", &head, "");
    section.note("drdrill writes no statement in a person's name. Until these are filled in, this report is a draft.");
    for (who, states) in [
        (
            "drill lead",
            "the drills were run as recorded; deviations are listed here",
        ),
        (
            "independent observer",
            "witnessed, and compared with the records",
        ),
        (
            "business owner",
            "the targets are those of the business impact analysis",
        ),
        (
            "compliance",
            "reviewed against the controls above; findings have owners and dates",
        ),
        (
            "management body",
            "has taken note, and approves the actions",
        ),
    ] {
        section
            .rows
            .push(vec![plain(who), plain(states), toned(INPUT, Tone::Input)]);
    }
    section
}
