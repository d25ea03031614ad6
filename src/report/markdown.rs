//! The report as Markdown, short enough for a comment on a pull request.

use crate::score::Verdict;

use super::view::{Table, View, text, why};

/// Lost writes shown.
const LOST_MAX: usize = 20;

/// Renders the report as Markdown.
pub fn markdown(view: &View) -> String {
    let title = &view.title;
    let mark = match view.card.verdict {
        Verdict::Pass => "✅",
        Verdict::Fail => "❌",
        Verdict::Inconclusive => "⚠️",
        Verdict::Control => "🔷",
        Verdict::Aborted => "⛔",
    };
    let word = text::verdict(view.card.verdict);
    let mut out = format!("## {mark} {word}: {}\n\n", escape(&title.scenario));
    out.push_str(&format!("{}\n\n", escape(&view.card.sentence)));
    for alarm in &view.alarms {
        out.push_str(&format!("> **{}**\n\n", escape(alarm)));
    }
    if !view.last_words.is_empty() {
        let words: String = view
            .last_words
            .iter()
            .map(|line| format!("    {line}\n"))
            .collect();
        out.push_str(&format!("{words}\n"));
    }
    out.push_str(&targets(view));
    if let Some((run, lines)) = &view.last {
        let title = format!("Comparison with the last run, {run}");
        out.push_str(&details(&escape(&title), &table(lines)));
    }
    if !view.shards.rows.is_empty() {
        out.push_str(&format!("**Shards.**\n\n{}\n", table(&view.shards)));
    }
    out.push_str(&told(view));
    out.push_str(&format!("**Data.** {}\n\n", escape(&view.loss.sentence)));
    let lost = view.loss.lost.clone().first(LOST_MAX);
    if !lost.rows.is_empty() {
        out.push_str(&details("Lost writes", &table(&lost)));
    }
    out.push_str(&details(
        "Uncertainty of the recovery time",
        &table(&view.uncertainty),
    ));
    out.push_str(&phases(view));
    if let Some(consumers) = &view.consumers {
        out.push_str(&details(
            "Consumer group, from the fault",
            &table(consumers),
        ));
    }
    if let Some(alerts) = &view.alerts {
        out.push_str(&details("Alerts, from the fault", &table(alerts)));
    }
    out.push_str(&details("All figures", &table(&view.figures)));
    let setup = [&view.settings, &view.images, &view.environment, &view.steps].map(table);
    out.push_str(&details(
        "Settings, images, environment, steps",
        &setup.join("\n"),
    ));
    let (attempt, attempts) = title.attempt;
    out.push_str(&format!(
        "Run `{}`, attempt {attempt} of {attempts}, {}. {}. drdrill {}.\n",
        title.run,
        escape(&title.status),
        escape(&title.stack),
        escape(&title.drdrill)
    ));
    out
}

fn targets(view: &View) -> String {
    let mut lines = Table::new(
        &["figure", "target", "measured", "bracket", "state", "why"],
        "There is no target line.",
    );
    for line in &view.card.lines {
        lines.row([
            line.figure.clone(),
            line.target.clone(),
            line.measured.clone(),
            line.bracket.clone(),
            text::state(line.state).into(),
            line.why.clone(),
        ]);
    }
    table(&lines) + "\n"
}

fn told(view: &View) -> String {
    let mut out = String::new();
    for finding in view.told() {
        out.push_str(&format!(
            "- **{}** `{}`: {}\n",
            text::answer(finding.answer),
            finding.check.replace('`', "'"),
            escape(&finding.summary)
        ));
    }
    for reason in &view.card.reasons {
        out.push_str(&format!(
            "- {}: {}\n",
            escape(&reason.name),
            escape(&reason.text)
        ));
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

fn phases(view: &View) -> String {
    if view.phases.is_empty() {
        return String::new();
    }
    let mut phases = Table::new(&["phase ends with", "at", "took", "bracket", "source"], "");
    for phase in &view.phases {
        phases.row([
            phase.until.into(),
            phase.ended.clone(),
            phase.took.clone(),
            phase.bracket.clone(),
            phase.source.clone(),
        ]);
    }
    let mut body = table(&phases);
    if let Some(took) = &view.operator_took {
        let mut steps = Table::new(&["operator's step", "at", "took", "node"], "");
        for step in &view.operator {
            steps.row([
                step.text.clone(),
                step.ended.clone(),
                step.took.clone(),
                step.node.clone(),
            ]);
        }
        body.push_str(&format!(
            "\nOf it, operators took {took}.\n\n{}",
            table(&steps)
        ));
    }
    details("Phases of the recovery", &body)
        + &details("Why it took so long", &table(&why::table(&view.why)))
}

fn details(title: &str, body: &str) -> String {
    format!("<details><summary>{title}</summary>\n\n{body}\n</details>\n\n")
}

fn table(table: &Table) -> String {
    if table.rows.is_empty() {
        return format!("{}\n", table.empty);
    }
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = table.head.iter().map(|cell| (*cell).to_owned()).collect();
    let rule: Vec<String> = table.head.iter().map(|_| "---".to_owned()).collect();
    let mut out = row(&head) + &row(&rule);
    for cells in &table.rows {
        let cells: Vec<String> = cells.iter().map(|cell| escape(cell)).collect();
        out.push_str(&row(&cells));
    }
    if table.more > 0 {
        out.push_str(&format!("\nand {} more\n", text::count(table.more)));
    }
    out
}

/// Text that can neither end a cell nor start markup; a mention or a link stays text.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("&#64;"),
            '#' => out.push_str("&#35;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}
