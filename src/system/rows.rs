//! Rows of a workload on SQL: one per append, in a table of the run without any unique constraint on its content.

use crate::id::{LaneId, RunId};

use super::mark::{self, Element};

/// Which table a lane writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// That of the workload, which final reads read.
    Appends,
    /// That of pinned probes, which nothing reads.
    Pins,
}

/// Makes and reads the rows of a run.
#[derive(Debug, Clone)]
pub struct Rows {
    run: RunId,
}

impl Rows {
    /// The rows of a run.
    pub fn new(run: RunId) -> Self {
        Self { run }
    }

    /// The table of the run: what a write of an earlier run does late shows in no other run's table.
    pub fn table(&self, table: Table) -> String {
        let run = self.run.to_string().replace('-', "_");
        match table {
            Table::Appends => format!("drdrill_appends_{run}"),
            Table::Pins => format!("drdrill_pins_{run}"),
        }
    }

    /// The row by which the stack proves that replication flows.
    pub fn ready(&self) -> String {
        self.run.to_string()
    }

    /// The statement that appends one element.
    pub fn insert(&self, table: Table, lane: LaneId, seq: u64) -> String {
        let table = self.table(table);
        let (body, sum) = (
            mark::body(&self.run, lane, seq),
            mark::checksum(&self.run, lane, seq),
        );
        format!(
            "INSERT INTO {table} (lane, seq, body, sum) VALUES ({}, {seq}, '{body}', '{sum}')",
            lane.0
        )
    }

    /// What a row with these columns is.
    pub fn element(&self, lane: i64, seq: i64, body: &str, sum: &str) -> Element {
        mark::element(&self.run, lane, seq, (body, sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_sound_only_as_it_was_sent() {
        let rows = Rows::new(RunId::new("20261121t081500", 7));
        let lane = LaneId(3);
        let insert = rows.insert(Table::Appends, lane, 41);
        let words: Vec<&str> = insert.split('\'').collect();
        let (body, sum) = (words[1], words[3]);
        assert_eq!(body.len(), 64);
        let check = |lane, seq, body| rows.element(lane, seq, body, sum);
        assert_eq!(check(3, 41, body), Element::Append(lane, 41, true));
        assert_eq!(check(3, 42, body), Element::Append(lane, 42, false));
        assert_eq!(check(3, 41, "torn"), Element::Append(lane, 41, false));
        assert_eq!(check(-1, 41, body), Element::Alien);
        assert_eq!(check(3, -1, body), Element::Alien);
    }
}
