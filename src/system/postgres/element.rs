//! The tables of the workload's rows, and the questions asked of them in PostgreSQL's words.

use sqlx::{
    AssertSqlSafe, Postgres, Row,
    postgres::{PgArguments, PgRow},
    query,
    query::Query,
};

use crate::{
    history::TxnStep,
    id::{LaneId, RunId},
    system::{
        mark::Element,
        rows::{Isolation, Rows, Table, Transfer},
    },
};

/// What says which server answered, for clients that share sessions with several, or meet one at an address that moves.
pub const SERVER: &str =
    "host(inet_server_addr()) AS host, current_setting('cluster_name') AS name";

/// Makes and reads the rows of a run.
#[derive(Debug, Clone)]
pub struct Elements(Rows, Isolation);

impl Elements {
    /// The rows of a run, and how its transactions are kept apart.
    pub fn new(run: RunId, isolation: Isolation) -> Self {
        Self(Rows::new(run), isolation)
    }

    /// Creates what the workload writes to. No constraint may refuse a second application of an append: it must
    /// show. The index serves reads of a lane's newest row.
    pub fn create(&self) -> String {
        const COLUMNS: &str =
            "(lane integer NOT NULL, seq bigint NOT NULL, body text NOT NULL, sum text NOT NULL)";
        let (appends, pins) = (self.0.table(Table::Appends), self.0.table(Table::Pins));
        let registers = self.0.table(Table::Registers);
        let accounts = self.0.table(Table::Accounts);
        let lists = self.0.table(Table::Lists);
        format!(
            "CREATE TABLE IF NOT EXISTS {appends} {COLUMNS};
            CREATE INDEX IF NOT EXISTS {appends}_lane_seq ON {appends} (lane, seq);
            CREATE TABLE IF NOT EXISTS {pins} {COLUMNS};
            CREATE TABLE IF NOT EXISTS {registers} (key integer PRIMARY KEY, value bigint NOT NULL);
            CREATE TABLE IF NOT EXISTS {accounts} (id integer PRIMARY KEY, balance bigint NOT NULL);
            CREATE TABLE IF NOT EXISTS {lists} (id integer PRIMARY KEY, held text NOT NULL)"
        )
    }

    /// Reads all rows of the workload.
    pub fn all(&self) -> String {
        let appends = self.0.table(Table::Appends);
        format!("SELECT lane::bigint AS lane, seq, body, sum FROM {appends}")
    }

    /// The row by which the stack proves that replication flows.
    pub fn ready(&self) -> String {
        self.0.ready()
    }

    /// The statement that appends one element.
    pub fn insert(&self, table: Table, lane: LaneId, seq: u64) -> String {
        self.0.insert(table, lane, seq)
    }

    /// The same with its values apart, for a session that appends time and again: the server plans it once.
    pub fn insert_again(
        &self,
        table: Table,
        lane: LaneId,
        seq: u64,
    ) -> Query<'static, Postgres, PgArguments> {
        let table = self.0.table(table);
        let [body, sum] = self.0.content(lane, seq);
        let insert = format!("INSERT INTO {table} (lane, seq, body, sum) VALUES ($1, $2, $3, $4)");
        query(AssertSqlSafe(insert))
            .bind(i32::from(lane.0))
            .bind(seq.cast_signed())
            .bind(body)
            .bind(sum)
    }

    /// The question for the highest number of a lane plus one, 0 for none, as `version`.
    pub fn newest(&self, lane: LaneId) -> String {
        format!(
            "SELECT COALESCE(max(seq) + 1, 0)::bigint AS version, {SERVER} FROM {} WHERE lane = {}",
            self.0.table(Table::Appends),
            lane.0
        )
    }

    /// The statement that sets a register.
    pub fn set(&self, register: u16, value: u64) -> String {
        format!(
            "INSERT INTO {} (key, value) VALUES ({register}, {value}) \
             ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value",
            self.0.table(Table::Registers)
        )
    }

    /// The question for a register's value, 0 if it was never set, as `version`.
    pub fn get(&self, register: u16) -> String {
        let registers = self.0.table(Table::Registers);
        format!(
            "SELECT COALESCE((SELECT value FROM {registers} WHERE key = {register}), 0)::bigint AS version"
        )
    }

    /// What transactions are made of.
    pub fn rows(&self) -> &Rows {
        &self.0
    }

    /// The first half of a transfer.
    pub fn begin_transfer(&self, transfer: Transfer) -> String {
        self.0.begin_transfer(&self.begin(), transfer)
    }

    fn begin(&self) -> String {
        format!("BEGIN ISOLATION LEVEL {}", self.1.name())
    }

    /// The messages of a transaction on lists, one for each step.
    pub fn transact(&self, steps: &[TxnStep]) -> Vec<String> {
        let table = self.0.table(Table::Lists);
        self.0.transact(&self.begin(), steps, |list, element| {
            format!(
                "INSERT INTO {table} (id, held) VALUES ({list}, '{element}') \
                 ON CONFLICT (id) DO UPDATE SET held = {table}.held || ',{element}'"
            )
        })
    }

    /// The question for the total of all accounts, 0 where there are none, as `version`.
    pub fn total(&self) -> String {
        let accounts = self.0.table(Table::Accounts);
        format!("SELECT COALESCE(sum(balance), 0)::bigint AS version FROM {accounts}")
    }

    /// A row that `all` returned.
    ///
    /// # Errors
    /// When the driver cannot read a column.
    pub fn read(&self, row: &PgRow) -> sqlx::Result<Element> {
        let (lane, seq): (i64, i64) = (row.try_get("lane")?, row.try_get("seq")?);
        let (body, sum): (&str, &str) = (row.try_get("body")?, row.try_get("sum")?);
        Ok(self.0.element(lane, seq, body, sum))
    }
}
