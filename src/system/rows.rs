//! Rows of a workload on SQL: one per append, in a table of the run without any unique constraint on its content.

use crate::{
    history::{OPENING_BALANCE, TxnStep},
    id::{LaneId, RunId},
    record::Setting,
    scenario::ConsistencyKind,
};

use super::mark::{self, Element};

/// What consistency clients there are on SQL.
pub const CONSISTENCY: &[ConsistencyKind] = &[
    ConsistencyKind::Registers,
    ConsistencyKind::Transfers,
    ConsistencyKind::ListAppend,
];

/// Which table a lane writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// That of the workload, which final reads read.
    Appends,
    /// That of pinned probes, which nothing reads.
    Pins,
    /// That of registers: a key and its value.
    Registers,
    /// That of accounts: a number and its balance.
    Accounts,
    /// That of lists: a number and the elements as words, so that an append is one update of one row.
    Lists,
}

/// How transactions of transfers and of list-append are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Each statement sees what was committed before it.
    ReadCommitted,
    /// Each statement sees what was committed before the first one.
    RepeatableRead,
    /// As if one ran after the other.
    Serializable,
}

impl Isolation {
    /// Its words in a scenario.
    pub const WORDS: &[&str] = &["read-committed", "repeatable-read", "serializable"];

    /// The one of this word.
    pub fn of(word: &str) -> Self {
        match word {
            "serializable" => Self::Serializable,
            "repeatable-read" => Self::RepeatableRead,
            _ => Self::ReadCommitted,
        }
    }

    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
        }
    }

    /// What a report says of it beside the settings that were read back.
    pub fn fact(self) -> Setting {
        Setting {
            name: "isolation".into(),
            value: self.name().into(),
            source: "said by each transaction of transfers and of list-append".into(),
        }
    }
}

/// A transfer: from which account to which other one, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// The account that pays.
    pub from: u64,
    /// The account that gets.
    pub to: u64,
    /// How much.
    pub amount: i64,
}

impl Transfer {
    /// That of an operation: over the accounts in turn, each lane with other partners.
    pub fn of(lane: LaneId, seq: u64, accounts: u16) -> Self {
        let accounts = u64::from(accounts.max(2));
        let (from, round) = (seq % accounts, seq / accounts);
        let step = 1 + (round + u64::from(lane.0)) % (accounts - 1);
        Self {
            from,
            to: (from + step) % accounts,
            amount: i64::try_from(1 + seq % 7).unwrap_or(1),
        }
    }
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
            Table::Registers => format!("drdrill_registers_{run}"),
            Table::Accounts => format!("drdrill_accounts_{run}"),
            Table::Lists => format!("drdrill_lists_{run}"),
        }
    }

    /// The row by which the stack proves that replication flows.
    pub fn ready(&self) -> String {
        self.run.to_string()
    }

    /// The statement that appends one element.
    pub fn insert(&self, table: Table, lane: LaneId, seq: u64) -> String {
        let table = self.table(table);
        let [body, sum] = self.content(lane, seq);
        format!(
            "INSERT INTO {table} (lane, seq, body, sum) VALUES ({}, {seq}, '{body}', '{sum}')",
            lane.0
        )
    }

    /// The body and the checksum of one element.
    pub fn content(&self, lane: LaneId, seq: u64) -> [String; 2] {
        [
            mark::body(&self.run, lane, seq),
            mark::checksum(&self.run, lane, seq),
        ]
    }

    /// The statement that opens so many accounts.
    pub fn open_accounts(&self, accounts: u16) -> String {
        let row = |id| format!("({id}, {OPENING_BALANCE})");
        let rows: Vec<String> = (0..accounts).map(row).collect();
        let table = self.table(Table::Accounts);
        format!(
            "INSERT INTO {table} (id, balance) VALUES {}",
            rows.join(", ")
        )
    }

    /// The first half of a transfer: a transaction begins, in the server's words, and reads both balances, as `balance`,
    /// the payer's first.
    pub fn begin_transfer(&self, begin: &str, transfer: Transfer) -> String {
        let table = self.table(Table::Accounts);
        let read = |id| format!("SELECT balance FROM {table} WHERE id = {id}");
        let (from, to) = (read(transfer.from), read(transfer.to));
        format!("{begin}; {from}; {to}")
    }

    /// The second half: it writes what both hold then, and commits.
    pub fn end_transfer(&self, transfer: Transfer, [from, to]: [i64; 2]) -> String {
        let table = self.table(Table::Accounts);
        let write = |id, balance| format!("UPDATE {table} SET balance = {balance} WHERE id = {id}");
        let pays = write(transfer.from, from - transfer.amount);
        let gets = write(transfer.to, to + transfer.amount);
        format!("{pays}; {gets}; COMMIT")
    }

    /// The messages of a transaction on lists, one for each step: it begins, in the server's words, with the first and commits
    /// with the last. `append` is the server's statement for one element. A read returns the list's elements as `held`, in
    /// no row where it has none.
    pub fn transact(
        &self,
        begin: &str,
        steps: &[TxnStep],
        append: impl Fn(u32, u64) -> String,
    ) -> Vec<String> {
        let table = self.table(Table::Lists);
        let mut messages: Vec<String> = steps
            .iter()
            .map(|step| match *step {
                TxnStep::Append { list, element } => append(list, element),
                TxnStep::Read { list } => format!("SELECT held FROM {table} WHERE id = {list}"),
            })
            .collect();
        if let Some(first) = messages.first_mut() {
            *first = format!("{begin}; {first}");
        }
        if let Some(last) = messages.last_mut() {
            last.push_str("; COMMIT");
        }
        messages
    }

    /// The question for all lists: `id` and `held`.
    pub fn all_lists(&self) -> String {
        format!("SELECT id, held FROM {}", self.table(Table::Lists))
    }

    /// The elements that a list's words name; none where they are no such words.
    pub fn listed(held: &str) -> Option<Vec<u64>> {
        held.split(',').map(|word| word.parse().ok()).collect()
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
    fn transfers_are_between_two_accounts_and_leave_the_total() {
        for lane in 0..4 {
            for seq in 0..100 {
                let it = Transfer::of(LaneId(lane), seq, 5);
                assert!(
                    it.from < 5 && it.to < 5 && it.from != it.to && it.amount > 0,
                    "{it:?}"
                );
            }
        }
        let rows = Rows::new(RunId::new("20261121t081500", 7));
        let transfer = Transfer {
            from: 1,
            to: 2,
            amount: 3,
        };
        let end = rows.end_transfer(transfer, [10, 20]);
        assert!(
            end.contains("SET balance = 7 WHERE id = 1; ")
                && end.contains("SET balance = 23 WHERE id = 2; "),
            "{end}"
        );
    }

    #[test]
    fn a_transaction_begins_with_its_first_step_and_commits_with_its_last() {
        let rows = Rows::new(RunId::new("20261121t081500", 7));
        let append = |list, element| format!("append {element} to {list}");
        let steps = [
            TxnStep::Read { list: 3 },
            TxnStep::Append {
                list: 4,
                element: 50,
            },
        ];
        let whole = rows.transact("BEGIN", &steps, append);
        assert!(whole[0].starts_with("BEGIN; SELECT held FROM drdrill_lists_"));
        assert_eq!(whole[1], "append 50 to 4; COMMIT");
        let single = rows.transact("BEGIN", &steps[1..], append);
        assert_eq!(single, ["BEGIN; append 50 to 4; COMMIT"]);
        assert_eq!(Rows::listed("50,7"), Some(vec![50, 7]));
        assert_eq!(Rows::listed("50,x"), None);
    }

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
