//! A document of sections, each with sentences and a table whose cells have a tone.

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its title.
    pub title: String,
    /// What it comes to, in one sentence.
    pub lead: String,
    /// Its sections.
    pub sections: Vec<Section>,
    /// Whether its tables need the wide side of a page.
    pub landscape: bool,
}

/// A section.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    /// Its title.
    pub title: &'static str,
    /// What to know before the table.
    pub notes: Vec<Cell>,
    /// The columns' names.
    pub head: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
    /// What to say when there are no rows.
    pub empty: &'static str,
    /// Bars on one scale, below the notes.
    pub bars: Vec<Bar>,
    /// Columns over time, below the notes.
    pub columns: Option<Columns>,
}

/// A bar: what it is, where it begins and ends in thousandths, and what to write behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// What it is.
    pub name: String,
    /// Its begin and end, thousandths.
    pub span: (u64, u64),
    /// What to write behind it.
    pub said: String,
}

/// Columns over time, each of a good and a bad part in thousandths of the highest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// The parts.
    pub parts: Vec<(u64, u64)>,
    /// Where the fault lies, in thousandths of the width.
    pub mark: Option<u64>,
    /// What is shown.
    pub caption: String,
}

/// A text and how it is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The text.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
}

/// How a text is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    Plain,
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// It could not be told, or it is old.
    Warn,
    /// A person must write or sign here.
    Input,
}

impl Section {
    /// A section without rows yet.
    pub fn new(title: &'static str, head: &[&str], empty: &'static str) -> Self {
        Self {
            title,
            notes: Vec::new(),
            head: head.iter().map(|name| (*name).to_owned()).collect(),
            rows: Vec::new(),
            empty,
            bars: Vec::new(),
            columns: None,
        }
    }

    /// Adds a sentence.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(plain(text));
    }
}

/// A text as it is.
pub fn plain(text: impl Into<String>) -> Cell {
    toned(text, Tone::Plain)
}

/// A text that is meant so. Control characters cannot leave it.
pub fn toned(text: impl Into<String>, tone: Tone) -> Cell {
    Cell {
        text: super::view::text::clean(&text.into()),
        tone,
    }
}
