//! A table that any format can lay out.

use super::text;

/// A table that any format can lay out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// The columns' names.
    pub head: Vec<&'static str>,
    /// The rows, each as long as the head.
    pub rows: Vec<Vec<String>>,
    /// What to say when there are no rows.
    pub empty: &'static str,
    /// How many rows more there would be.
    pub more: u64,
}

impl Table {
    /// An empty table, and what to say when it stays empty.
    pub fn new(head: &[&'static str], empty: &'static str) -> Self {
        Self {
            head: head.to_vec(),
            rows: Vec::new(),
            empty,
            more: 0,
        }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        assert!(N == self.head.len(), "a row has as many cells as the head");
        let cells = cells.iter().map(|cell| text::clean(cell));
        self.rows.push(cells.collect());
    }

    /// Keeps the first rows and counts the rest.
    pub fn first(mut self, limit: usize) -> Self {
        self.more += self.rows.len().saturating_sub(limit) as u64;
        self.rows.truncate(limit);
        self
    }
}
