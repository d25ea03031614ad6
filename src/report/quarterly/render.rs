//! The document as a page that needs nothing from outside, and as Markdown.

use askama::Template;

use super::super::document::{Cell, Document, Tone};

#[derive(Template)]
#[template(path = "quarter.html", config = "src/report/quarterly/askama.toml")]
struct Page<'a> {
    document: &'a Document,
}

impl Page<'_> {
    fn class(&self, tone: &Tone) -> &'static str {
        match tone {
            Tone::Plain => "plain",
            Tone::Good => "good",
            Tone::Bad => "bad",
            Tone::Warn => "warn",
            Tone::Input => "input",
        }
    }
}

impl Document {
    /// Renders the page.
    pub fn html(&self) -> String {
        Page { document: self }
            .render()
            .expect("writing to a string does not fail")
    }

    /// Renders Markdown. What is not as it should be is bold, so that it does not depend on colour.
    pub fn markdown(&self) -> String {
        let mut out = format!("# {}\n\n{}\n", escape(&self.title), escape(&self.lead));
        for section in &self.sections {
            out.push_str(&format!("\n## {}\n\n", section.title));
            for note in &section.notes {
                out.push_str(&format!("{}\n\n", marked(note)));
            }
            if section.head.is_empty() {
                continue;
            }
            if section.rows.is_empty() {
                out.push_str(&format!("{}\n", section.empty));
                continue;
            }
            out.push_str(&format!("| {} |\n", section.head.join(" | ")));
            out.push_str(&format!("|{}\n", "---|".repeat(section.head.len())));
            for row in &section.rows {
                let cells: Vec<String> = row.iter().map(marked).collect();
                out.push_str(&format!("| {} |\n", cells.join(" | ")));
            }
        }
        out
    }
}

fn marked(cell: &Cell) -> String {
    let text = escape(&cell.text);
    match cell.tone {
        Tone::Bad | Tone::Input if !text.is_empty() => format!("**{text}**"),
        Tone::Plain | Tone::Good | Tone::Warn | Tone::Bad | Tone::Input => text,
    }
}

/// Text that is no markup and stays within a table's cell.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
