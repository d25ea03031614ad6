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
        text: super::super::view::text::clean(&text.into()),
        tone,
    }
}
