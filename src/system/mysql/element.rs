//! The tables of the workload's rows, and the questions asked of them in the servers' words.

use sqlx::{Row, mysql::MySqlRow};

use crate::{
    id::{LaneId, RunId},
    system::{
        mark::Element,
        rows::{Rows, Table},
    },
};

/// Makes and reads the rows of a run.
#[derive(Debug, Clone)]
pub struct Elements(Rows);

impl Elements {
    /// The rows of a run.
    pub fn new(run: RunId) -> Self {
        Self(Rows::new(run))
    }

    /// Creates what the workload writes to. Groups replicate only tables with a primary key; that of these is a counter,
    /// so that it refuses no second application of an append, which must show. The index serves reads of a lane's
    /// newest row.
    pub fn create(&self) -> [String; 2] {
        const COLUMNS: &str = "id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, lane INT NOT NULL, \
            seq BIGINT NOT NULL, body VARCHAR(64) NOT NULL, sum VARCHAR(8) NOT NULL";
        let (appends, pins) = (self.0.table(Table::Appends), self.0.table(Table::Pins));
        [
            format!(
                "CREATE TABLE IF NOT EXISTS {appends} ({COLUMNS}, KEY lane_seq (lane, seq)) ENGINE=InnoDB"
            ),
            format!("CREATE TABLE IF NOT EXISTS {pins} ({COLUMNS}) ENGINE=InnoDB"),
        ]
    }

    /// Reads all rows of the workload.
    pub fn all(&self) -> String {
        let appends = self.0.table(Table::Appends);
        format!("SELECT CAST(lane AS SIGNED) AS lane, seq, body, sum FROM {appends}")
    }

    /// The row by which the stack proves that replication flows.
    pub fn ready(&self) -> String {
        self.0.ready()
    }

    /// The statement that appends one element.
    pub fn insert(&self, table: Table, lane: LaneId, seq: u64) -> String {
        self.0.insert(table, lane, seq)
    }

    /// The question for the highest number of a lane plus one, 0 for none, as `version`.
    pub fn newest(&self, lane: LaneId) -> String {
        format!(
            "SELECT CAST(COALESCE(max(seq) + 1, 0) AS SIGNED) AS version FROM {} WHERE lane = {}",
            self.0.table(Table::Appends),
            lane.0
        )
    }

    /// A row that `all` returned.
    ///
    /// # Errors
    /// When the driver cannot read a column.
    pub fn read(&self, row: &MySqlRow) -> sqlx::Result<Element> {
        let (lane, seq): (i64, i64) = (row.try_get("lane")?, row.try_get("seq")?);
        let (body, sum): (&str, &str) = (row.try_get("body")?, row.try_get("sum")?);
        Ok(self.0.element(lane, seq, body, sum))
    }
}
