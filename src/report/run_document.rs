//! One run as a document, for formats that are laid out on pages.

use crate::{check::Answer, score::LineState};

use super::{
    document::{Bar, Cell, Columns, Document, Section, Tone, plain, toned},
    view::{Picture, Table, View, text, why},
};

/// Columns in the picture of an outage at most.
const COLUMNS_MAX: usize = 120;

/// Builds the document of a run.
pub fn run_document(view: &View) -> Document {
    let word = text::verdict(view.card.verdict);
    let mut sections = vec![targets(view)];
    sections.extend(view.last.as_ref().map(|(run, table)| {
        let mut section = tabled("Comparison with the last run", table);
        section.note(run.clone());
        section
    }));
    sections.extend(view.picture.as_ref().map(outage));
    sections.push(phases(view));
    sections.push(tabled("Why it took so long", &why::table(&view.why)));
    let shards = (!view.shards.rows.is_empty()).then(|| tabled("Recovery per shard", &view.shards));
    sections.extend(shards);
    let consumers = view.consumers.as_ref();
    sections.extend(consumers.map(|table| tabled("Consumer group", table)));
    sections.extend([data(view), findings(view)]);
    for (title, table) in [
        ("All figures", &view.figures),
        ("Uncertainty of the recovery time", &view.uncertainty),
        ("Steps", &view.steps),
        ("Effective settings", &view.settings),
        ("Members", &view.members),
        ("Images", &view.images),
        ("Environment", &view.environment),
    ] {
        sections.push(tabled(title, table));
    }
    sections.push(method(view));
    Document {
        title: format!("{word}: {}, run {}", view.title.scenario, view.title.run),
        lead: view.card.sentence.clone(),
        sections,
        landscape: false,
    }
}

fn targets(view: &View) -> Section {
    let head = ["figure", "target", "measured", "bracket", "state", "why"];
    let mut section = Section::new("Targets", &head, "There is no target line.");
    let title = &view.title;
    section.note(title.stack.clone());
    section.note(format!("started {}", title.started));
    section.note(format!(
        "attempt {} of {}",
        title.attempt.0, title.attempt.1
    ));
    section.notes.extend(
        view.alarms
            .iter()
            .map(|alarm| toned(alarm.clone(), Tone::Bad)),
    );
    for line in &view.card.lines {
        let tone = match line.state {
            LineState::Met => Tone::Good,
            LineState::Missed => Tone::Bad,
            LineState::Inconclusive => Tone::Warn,
            LineState::Any => Tone::Plain,
        };
        section.rows.push(vec![
            plain(line.figure.clone()),
            plain(line.target.clone()),
            plain(line.measured.clone()),
            plain(line.bracket.clone()),
            toned(text::state(line.state), tone),
            plain(line.why.clone()),
        ]);
    }
    section
}

/// Operations over time, several bins to a column where there are many.
fn outage(picture: &Picture) -> Section {
    let mut section = Section::new("The outage", &[], "");
    let series = &picture.detail;
    let share = series.bins.len().div_ceil(COLUMNS_MAX).max(1);
    let counted: Vec<(u64, u64)> = series
        .bins
        .chunks(share)
        .map(|bins| {
            let sum = |of: fn(&[u64; 5]) -> u64| bins.iter().map(|bin| of(&bin.counts)).sum();
            (sum(|it| it[0] + it[1]), sum(|it| it[2] + it[3] + it[4]))
        })
        .collect();
    let highest = counted
        .iter()
        .map(|(good, bad)| good + bad)
        .max()
        .unwrap_or(1)
        .max(1);
    let width = series.width_ns * series.bins.len() as u64;
    let fault = picture
        .zero
        .0
        .checked_sub(series.from.0)
        .filter(|at| *at <= width);
    section.columns = Some(Columns {
        parts: counted
            .iter()
            .map(|(good, bad)| (good * 1000 / highest, bad * 1000 / highest))
            .collect(),
        mark: fault.map(|at| at * 1000 / width.max(1)),
        caption: format!(
            "Service operations by intended time, {} a column; red: not ok; the line is {}.",
            text::milliseconds(series.width_ns * share as u64),
            picture.zero_name
        ),
    });
    section
}

fn phases(view: &View) -> Section {
    let head = ["ends with", "at", "took", "bracket", "source"];
    let mut section = Section::new("Phases of the recovery", &head, "No phase was measured.");
    section.bars = view
        .phases
        .iter()
        .map(|phase| Bar {
            name: phase.until.to_owned(),
            span: phase.bar,
            said: phase.took.clone(),
        })
        .collect();
    let steps = view.operator.iter().map(|step| Bar {
        name: step.text.clone(),
        span: step.bar,
        said: step.took.clone(),
    });
    section.bars.extend(steps);
    for phase in &view.phases {
        section.rows.push(vec![
            plain(phase.until),
            plain(phase.ended.clone()),
            plain(phase.took.clone()),
            plain(phase.bracket.clone()),
            plain(phase.source.clone()),
        ]);
    }
    for step in &view.operator {
        section.rows.push(vec![
            plain(step.text.clone()),
            plain(step.ended.clone()),
            plain(step.took.clone()),
            plain(""),
            plain(format!("operator {}", step.node)),
        ]);
    }
    section
}

fn data(view: &View) -> Section {
    let mut section = tabled("Data", &view.loss.counts);
    let tone = match (view.loss.measured, view.loss.wrong) {
        (false, _) => Tone::Warn,
        (true, true) => Tone::Bad,
        (true, false) => Tone::Good,
    };
    section.notes.push(toned(view.loss.sentence.clone(), tone));
    section
}

fn findings(view: &View) -> Section {
    let mut section = Section::new(
        "Findings",
        &["finding", "answer", "what was seen"],
        "No checker ran.",
    );
    for finding in &view.findings {
        let tone = match finding.answer {
            Answer::Valid => Tone::Good,
            Answer::Invalid => Tone::Bad,
            Answer::Unknown => Tone::Warn,
            Answer::Remark => Tone::Plain,
        };
        section.rows.push(vec![
            plain(finding.check.clone()),
            toned(text::answer(finding.answer), tone),
            plain(finding.summary.clone()),
        ]);
    }
    section
}

fn tabled(title: &'static str, table: &Table) -> Section {
    let mut section = Section::new(title, &table.head, table.empty);
    for row in &table.rows {
        section.rows.push(
            row.iter()
                .map(|cell| plain(cell.clone()))
                .collect::<Vec<Cell>>(),
        );
    }
    section
}

fn method(view: &View) -> Section {
    let mut section = Section::new(
        "How it was measured, and what the numbers do not show",
        &[],
        "",
    );
    view.method
        .iter()
        .for_each(|sentence| section.note(sentence.clone()));
    section.note(format!(
        "drdrill {}, seed {}, scenario sha256 {}",
        view.title.drdrill, view.title.seed, view.title.scenario_sha256
    ));
    section
}
