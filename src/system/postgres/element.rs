//! What the workload writes: one row per append, in a table of the run without any unique constraint.

use sqlx::{Row, postgres::PgRow};

use crate::{
    id::{LaneId, RunId},
    system::mark,
};

/// Bytes of one element: lane, number, 64 digits of body, 8 digits of checksum.
pub const ELEMENT_BYTES: u32 = 4 + 8 + 64 + 8;

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
pub struct Elements {
    run: RunId,
}

/// A row as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// An append, and whether its content is what was sent.
    Append(LaneId, u64, bool),
    /// A row that cannot be an append at all.
    Alien,
}

impl Elements {
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

    /// Creates what the workload writes to. No constraint may refuse a second application of an append: it must
    /// show. The index serves reads of a lane's newest row.
    pub fn create(&self) -> String {
        const COLUMNS: &str =
            "(lane integer NOT NULL, seq bigint NOT NULL, body text NOT NULL, sum text NOT NULL)";
        let (appends, pins) = (self.table(Table::Appends), self.table(Table::Pins));
        format!(
            "CREATE TABLE IF NOT EXISTS {appends} {COLUMNS};
            CREATE INDEX IF NOT EXISTS {appends}_lane_seq ON {appends} (lane, seq);
            CREATE TABLE IF NOT EXISTS {pins} {COLUMNS}"
        )
    }

    /// Reads all rows of the workload.
    pub fn all(&self) -> String {
        let appends = self.table(Table::Appends);
        format!("SELECT lane::bigint AS lane, seq, body, sum FROM {appends}")
    }

    /// The row by which the stack proves that replication flows.
    pub fn ready(&self) -> String {
        self.run.to_string()
    }

    /// The statement that appends one element.
    pub fn insert(&self, table: Table, lane: LaneId, seq: u64) -> String {
        let table = self.table(table);
        let (body, sum) = (self.body(lane, seq), mark::checksum(&self.run, lane, seq));
        format!(
            "INSERT INTO {table} (lane, seq, body, sum) VALUES ({}, {seq}, '{body}', '{sum}')",
            lane.0
        )
    }

    /// The question for the highest number of a lane plus one, 0 for none, as `version`.
    pub fn newest(&self, lane: LaneId) -> String {
        format!(
            "SELECT COALESCE(max(seq) + 1, 0)::bigint AS version, host(inet_server_addr()) AS host \
             FROM {} WHERE lane = {}",
            self.table(Table::Appends),
            lane.0
        )
    }

    /// A row that `all` returned.
    ///
    /// # Errors
    /// When the driver cannot read a column.
    pub fn read(&self, row: &PgRow) -> sqlx::Result<Element> {
        let (lane, seq): (i64, i64) = (row.try_get("lane")?, row.try_get("seq")?);
        let (body, sum): (&str, &str) = (row.try_get("body")?, row.try_get("sum")?);
        Ok(self.element(lane, seq, body, sum))
    }

    fn element(&self, lane: i64, seq: i64, body: &str, sum: &str) -> Element {
        let (Ok(lane), Ok(seq)) = (u16::try_from(lane), u64::try_from(seq)) else {
            return Element::Alien;
        };
        let lane = LaneId(lane);
        let sound = body == self.body(lane, seq) && sum == mark::checksum(&self.run, lane, seq);
        Element::Append(lane, seq, sound)
    }

    /// 64 digits that follow from the element, so that a torn or mixed row shows.
    fn body(&self, lane: LaneId, seq: u64) -> String {
        mark::hexadecimal(&format!("body:{}:{}:{seq}", self.run, lane.0), 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_sound_only_as_it_was_sent() {
        let elements = Elements::new(RunId::new("20261121t081500", 7));
        let lane = LaneId(3);
        let insert = elements.insert(Table::Appends, lane, 41);
        let words: Vec<&str> = insert.split('\'').collect();
        let (body, sum) = (words[1], words[3]);
        assert_eq!(body.len(), 64);
        let check = |lane, seq, body| elements.element(lane, seq, body, sum);
        assert_eq!(check(3, 41, body), Element::Append(lane, 41, true));
        assert_eq!(check(3, 42, body), Element::Append(lane, 42, false));
        assert_eq!(check(3, 41, "torn"), Element::Append(lane, 41, false));
        assert_eq!(check(-1, 41, body), Element::Alien);
        assert_eq!(check(3, -1, body), Element::Alien);
    }
}
