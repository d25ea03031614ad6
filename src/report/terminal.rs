//! The scorecard for a terminal.

use tabled::{
    Table,
    builder::Builder,
    settings::{
        Alignment, Padding, Style as Frame, Width, object::Columns, peaker::Priority,
        style::HorizontalLine,
    },
};

use crate::{
    check::Answer,
    score::{Line, LineState, Reason, Verdict},
};

use super::view::{Picture, View, text};

/// Lost writes shown; the report file has more.
const LOST_MAX: usize = 10;
/// Lines of evidence shown per finding.
const EVIDENCE_MAX: usize = 3;
/// Narrower terminals show the reasons below the table.
const WHY_WIDTH: usize = 96;
/// Where the bracket stands in the table of targets.
const BRACKET: usize = 3;
/// Narrower terminals are written as if they were this wide.
const WIDTH_MIN: usize = 60;

/// How to write for a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Columns.
    pub width: usize,
    /// Whether to colour; words carry everything without it.
    pub colour: bool,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    pub(super) fn heading(self, text: &str) -> String {
        format!("\n{}\n", self.paint("1", text))
    }

    pub(super) fn columns(self) -> usize {
        self.width.max(WIDTH_MIN)
    }
}

/// Renders the scorecard; `place` says where the report lies.
pub fn terminal(view: &View, place: &str, style: Style) -> String {
    let mut out = header(view, style);
    out.push_str(&lines(&view.card.lines, &view.card.reasons, style));
    if let Some(picture) = &view.picture {
        out.push_str(&strip(picture, style));
    }
    out.push_str(&uncertainty(view, style));
    out.push_str(&phases(view, style));
    out.push_str(&super::why::block(&view.why, style));
    out.push_str(&shards(view, style));
    out.push_str(&consumers(view, style));
    out.push_str(&alerts(view, style));
    out.push_str(&data(view, style));
    out.push_str(&findings(view, style));
    if !place.is_empty() {
        out.push_str(&format!("\n{} {place}\n", style.paint("1", "Report")));
    }
    let trimmed: Vec<&str> = out.lines().map(str::trim_end).collect();
    trimmed.join("\n") + "\n"
}

fn header(view: &View, style: Style) -> String {
    let code = match view.card.verdict {
        Verdict::Pass => "1;30;42",
        Verdict::Fail => "1;97;41",
        Verdict::Inconclusive => "1;30;43",
        Verdict::Control => "1;30;46",
        Verdict::Aborted => "1;97;45",
    };
    let word = text::verdict(view.card.verdict);
    let badge = if style.colour {
        style.paint(code, &format!(" {word} "))
    } else {
        word.to_owned()
    };
    let title = &view.title;
    let mut out = format!("{badge}  {}\n", style.paint("1", &title.scenario));
    out.push_str(&wrap(&view.card.sentence, style.columns(), ""));
    out.push('\n');
    let (attempt, attempts) = title.attempt;
    let mut facts = vec![title.stack.clone()];
    if let Some(fault) = &view.fault {
        facts.push(format!(
            "{} ({}), {}",
            fault.name, fault.means, fault.effect
        ));
    }
    facts.push(format!(
        "run {}, attempt {attempt} of {attempts}, {}",
        title.run, title.status
    ));
    for fact in facts {
        out.push_str(&style.paint("2", wrap(&fact, style.columns(), "  ").trim_end()));
        out.push('\n');
    }
    for alarm in &view.alarms {
        out.push_str(&wrap(
            &style.paint("1;31", &format!("! {alarm}")),
            style.columns(),
            "  ",
        ));
    }
    if !view.last_words.is_empty() {
        out.push_str(&indent(&view.last_words.join("\n"), "    "));
    }
    out
}

/// Why a line came out as it did; a reason that is told in full below is only named.
fn why(line: &Line, reasons: &[Reason]) -> String {
    let told = reasons.iter().find(|reason| {
        line.state == LineState::Inconclusive
            && reason.lines.len() > 1
            && line.why.ends_with(&reason.text)
    });
    told.map_or_else(|| line.why.clone(), |reason| reason.name.clone())
}

fn lines(lines: &[Line], reasons: &[Reason], style: Style) -> String {
    let mut rows = Vec::new();
    for line in lines {
        let code = match line.state {
            LineState::Met => "32",
            LineState::Missed => "1;31",
            LineState::Inconclusive => "33",
            LineState::Any => "2",
        };
        rows.push(vec![
            line.figure.clone(),
            line.target.clone(),
            line.measured.clone(),
            line.bracket.clone(),
            style.paint(code, text::state(line.state)),
            why(line, reasons),
        ]);
    }
    let mut out = style.heading("Targets");
    if lines.is_empty() {
        out.push_str("  There is no target line.\n");
        return out;
    }
    let mut head = vec!["figure", "target", "measured", "bracket", "state", "why"];
    if style.columns() >= WHY_WIDTH {
        out.push_str(&grid(&head, rows, style));
        return out;
    }
    head.pop();
    let mut whys: Vec<String> = rows.iter_mut().filter_map(Vec::pop).collect();
    if natural(&head, &rows) > style.columns() {
        // The bracket leaves the table first: without it no other cell need be broken.
        head.remove(BRACKET);
        for (row, why) in rows.iter_mut().zip(&mut whys) {
            let told = [row.remove(BRACKET), std::mem::take(why)];
            let told = told.into_iter().filter(|part| !part.is_empty());
            *why = told.collect::<Vec<_>>().join("; ");
        }
    }
    out.push_str(&grid(&head, rows, style));
    for (line, why) in lines.iter().zip(whys).filter(|(_, why)| !why.is_empty()) {
        let first = format!("  {}: ", line.figure);
        out.push_str(&wrap(&why, style.columns(), &first));
    }
    out
}

/// The columns that a table takes where nothing is wrapped.
fn natural(head: &[&str], rows: &[Vec<String>]) -> usize {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let longest = cells.map(|cell| columns_of(cell)).max().unwrap_or(0);
        longest.max(head[column].chars().count())
    };
    // Each cell has a space on either side, and the table one in front.
    1 + (0..head.len())
        .map(|column| width(column) + 2)
        .sum::<usize>()
}

/// The columns that a text takes; what colours it takes none.
fn columns_of(text: &str) -> usize {
    let mut parts = text.split('\x1b');
    let plain = parts.next().unwrap_or_default().chars().count();
    plain
        + parts
            .map(|part| {
                part.split_once('m')
                    .map_or(0, |(_, rest)| rest.chars().count())
            })
            .sum::<usize>()
}

/// A table with a rule below its head, wrapped to the width.
pub(super) fn grid(head: &[&str], rows: Vec<Vec<String>>, style: Style) -> String {
    let mut builder = Builder::new();
    builder.push_record(head.iter().copied());
    for row in rows {
        builder.push_record(row);
    }
    let mut table = builder.build();
    table
        .with(
            Frame::empty().horizontals([(
                1,
                HorizontalLine::filled('─')
                    .remove_left()
                    .remove_right()
                    .remove_intersection(),
            )]),
        )
        .modify(Columns::new(2..3), Alignment::right());
    fit(&mut table, style)
}

/// Wraps the longest column until the table fits.
fn fit(table: &mut Table, style: Style) -> String {
    table.with(Padding::new(1, 1, 0, 0)).with(
        Width::wrap(style.columns() - 1)
            .keep_words(true)
            .priority(Priority::max(true)),
    );
    indent(&table.to_string(), " ")
}

/// The picture of the outage in two rows of blocks.
fn strip(picture: &Picture, style: Style) -> String {
    const LEVELS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let series = &picture.detail;
    let room = style.columns().saturating_sub(12);
    let each = series.bins.len().div_ceil(room).max(1);
    let columns: Vec<[u64; 2]> = series
        .bins
        .chunks(each)
        .map(|bins| {
            let sum = |which: &[usize]| {
                bins.iter()
                    .flat_map(|bin| which.iter().map(|index| bin.counts[*index]))
                    .sum()
            };
            [sum(&[0, 1]), sum(&[2, 3, 4])]
        })
        .collect();
    let most = columns.iter().map(|[a, b]| a + b).max().unwrap_or(0).max(1);
    let row = |which: usize| -> String {
        let level = |number: u64| {
            LEVELS[usize::try_from((number * 8).div_ceil(most))
                .unwrap_or(8)
                .min(8)]
        };
        columns.iter().map(|column| level(column[which])).collect()
    };
    let width = series.width_ns * each as u64;
    let at = picture.zero.0.saturating_sub(series.from.0) / width;
    let at = usize::try_from(at).unwrap_or(0);
    let title = format!(
        "Operations from {} to {}, {} ms a column",
        text::offset(series.from, picture.zero),
        text::offset(series.to(), picture.zero),
        width / 1_000_000
    );
    let mut out = style.heading(&title);
    out.push_str(&format!("  ok       {}\n", style.paint("32", &row(0))));
    out.push_str(&format!("  not ok   {}\n", style.paint("31", &row(1))));
    out.push_str(&format!("{}^ {}\n", " ".repeat(11 + at), picture.zero_name));
    out
}

/// The parts of the recovery time's uncertainty, on one line.
fn uncertainty(view: &View, style: Style) -> String {
    let parts: Vec<String> = view
        .uncertainty
        .rows
        .iter()
        .map(|row| format!("{} {}", row[0], row[1]))
        .collect();
    if parts.is_empty() {
        return String::new();
    }
    wrap(
        &parts.join(", "),
        style.columns(),
        "  uncertainty of the rto: ",
    )
}

fn phases(view: &View, style: Style) -> String {
    if view.phases.is_empty() {
        return String::new();
    }
    let mut out = style.heading("Phases of the recovery");
    let mut builder = Builder::new();
    for phase in &view.phases {
        builder.push_record([
            phase.number.to_string(),
            phase.until.to_owned(),
            phase.ended.clone(),
            format!("took {}", phase.took),
            phase.source.clone(),
        ]);
    }
    if let Some((value, _)) = &view.unexplained {
        let empty = String::new();
        builder.push_record([&empty, &"seen by no source".into(), &empty, value, &empty]);
    }
    for step in &view.operator {
        builder.push_record([
            String::new(),
            step.text.clone(),
            step.ended.clone(),
            format!("took {}", step.took),
            format!("operator {}", step.node),
        ]);
    }
    out.push_str(&plain(builder, style));
    out
}

/// What each shard saw, where there are shards.
fn shards(view: &View, style: Style) -> String {
    if view.shards.rows.is_empty() {
        return String::new();
    }
    let mut builder = Builder::new();
    for row in &view.shards.rows {
        // Number, slots, members, whether it was hit, recovery, its bracket, by whom.
        let hit = if row[3] == "yes" { "hit" } else { "" };
        let cells = [&format!("shard {}", row[0]), &row[2], hit, &row[4], &row[6]];
        builder.push_record(cells);
    }
    style.heading("Recovery per shard") + &plain(builder, style)
}

/// What became of each partition of the consumer group; the brackets are in the report.
fn consumers(view: &View, style: Style) -> String {
    let Some(table) = &view.consumers else {
        return String::new();
    };
    let mut out = style.heading("Consumer group, from the fault");
    if table.rows.is_empty() {
        out.push_str(&wrap(table.empty, style.columns() - 2, "  "));
        return out;
    }
    let mut builder = Builder::new();
    builder.push_record(table.head.iter().take(5).copied());
    for row in &table.rows {
        builder.push_record(row.iter().take(5));
    }
    out.push_str(&plain(builder, style));
    out
}

/// When alerts fired, arrived and were over; their brackets are in the report.
fn alerts(view: &View, style: Style) -> String {
    let Some(table) = &view.alerts else {
        return String::new();
    };
    let mut out = style.heading("Alerts, from the fault");
    if table.rows.is_empty() {
        out.push_str(&wrap(table.empty, style.columns() - 2, "  "));
        return out;
    }
    // Name, wish, pending, firing, delivered, resolved.
    let shown = |cells: &[String]| -> Vec<String> {
        let short = |cell: &String| cell.split(" [").next().unwrap_or_default().to_owned();
        [0, 1, 4, 5, 6, 8].map(|index| short(&cells[index])).into()
    };
    let mut builder = Builder::new();
    let head: Vec<String> = table.head.iter().map(|cell| (*cell).to_owned()).collect();
    builder.push_record(shown(&head));
    for row in &table.rows {
        builder.push_record(shown(row));
    }
    out.push_str(&plain(builder, style));
    out
}

fn plain(builder: Builder, style: Style) -> String {
    let mut table = builder.build();
    table.with(Frame::empty());
    fit(&mut table, style)
}

fn data(view: &View, style: Style) -> String {
    let mut out = style.heading("Data");
    let code = match (view.loss.measured, view.loss.wrong) {
        (true, false) => "32",
        (true, true) => "1;31",
        (false, _) => "33",
    };
    let sentence = wrap(&view.loss.sentence, style.columns() - 2, "  ");
    out.push_str(&style.paint(code, sentence.trim_end_matches('\n')));
    out.push('\n');
    let lost = view.loss.lost.clone().first(LOST_MAX);
    for row in &lost.rows {
        out.push_str(&format!(
            "    {}, acknowledged {} by {}, {}\n",
            row[0], row[2], row[3], row[4]
        ));
    }
    if lost.more > 0 {
        out.push_str(&format!("    and {} more\n", text::count(lost.more)));
    }
    out
}

fn findings(view: &View, style: Style) -> String {
    let mut out = style.heading("Findings");
    if view.fault.is_none() {
        let empty = view.told().filter(|it| it.answer != Answer::Remark);
        let checks = text::plural(empty.count() as u64, "check");
        out.push_str(&format!(
            "  No disruptive step was taken: nothing was measured, {checks} had nothing to look at.\n"
        ));
        return out;
    }
    for finding in view.told() {
        let code = match finding.answer {
            Answer::Invalid => "1;31",
            Answer::Unknown => "33",
            Answer::Remark | Answer::Valid => "1",
        };
        let word = text::answer(finding.answer);
        out.push_str(&format!(
            "  {} {}\n",
            style.paint(code, &format!("{word:<8}")),
            finding.check
        ));
        out.push_str(&wrap(&finding.summary, style.columns(), "           "));
        for evidence in finding.evidence.iter().take(EVIDENCE_MAX) {
            out.push_str(&style.paint(
                "2",
                wrap(evidence, style.columns(), "           - ").trim_end(),
            ));
            out.push('\n');
        }
        let more = finding.evidence.len().saturating_sub(EVIDENCE_MAX);
        if more > 0 {
            out.push_str(&format!("           - and {more} more\n"));
        }
    }
    let told: Vec<&str> = view.told().map(|finding| finding.check.as_str()).collect();
    let untold = |reason: &&Reason| !told.contains(&reason.name.as_str());
    for reason in view.card.reasons.iter().filter(untold) {
        out.push_str(&wrap(
            &format!("{}: {}", reason.name, reason.text),
            style.columns(),
            "  ",
        ));
    }
    let valid = view.findings.iter();
    let valid = valid.filter(|it| it.answer == Answer::Valid).count();
    let checks = text::plural(valid as u64, "check");
    out.push_str(&format!("  {checks} valid\n"));
    out
}

fn indent(text: &str, by: &str) -> String {
    text.lines().map(|line| format!("{by}{line}\n")).collect()
}

/// Breaks text at spaces; further lines stand under the first.
pub(super) fn wrap(text: &str, width: usize, first: &str) -> String {
    let under = " ".repeat(first.chars().count());
    let mut out = String::from(first);
    let mut column = first.chars().count();
    let start = column;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > start && column + 1 + length > width {
            out.push('\n');
            out.push_str(&under);
            column = start;
        } else if column > start {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
    out
}
