//! What operators say to a server, in MySQL's and in MariaDB's words.

use std::net::SocketAddr;

use super::{gtid::Gtids, shape::Shape, sql::Account};

impl Shape {
    /// Makes a server follow another one from where it is. A MariaDB server that was a source has to be told where that
    /// is.
    pub fn follow(&self, source: SocketAddr) -> Vec<String> {
        let (host, port, user) = (source.ip(), source.port(), Account::Operator.name());
        if self.kind.maria() {
            vec![
                "STOP REPLICA".into(),
                "SET GLOBAL gtid_slave_pos = @@global.gtid_current_pos".into(),
                format!(
                    "CHANGE MASTER TO MASTER_HOST='{host}', MASTER_PORT={port}, MASTER_USER='{user}', \
                     MASTER_PASSWORD='', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1, MASTER_SSL=0"
                ),
                "START REPLICA".into(),
            ]
        } else {
            vec![
                "STOP REPLICA".into(),
                format!(
                    "CHANGE REPLICATION SOURCE TO SOURCE_HOST='{host}', SOURCE_PORT={port}, SOURCE_USER='{user}', \
                     SOURCE_PASSWORD='', SOURCE_AUTO_POSITION=1, SOURCE_CONNECT_RETRY=1, SOURCE_RETRY_COUNT=86400, \
                     GET_SOURCE_PUBLIC_KEY=1"
                ),
                "START REPLICA".into(),
            ]
        }
    }

    /// Makes a server forget whom it followed.
    pub fn stand_alone(&self) -> Vec<String> {
        vec!["STOP REPLICA".into(), "RESET REPLICA ALL".into()]
    }

    /// Makes it wait for a replica with each write; nothing without semi-synchronous replication.
    pub fn wait_for_replicas(&self, wait: bool) -> Option<String> {
        self.semi_sync?;
        let name = if self.kind.maria() {
            "rpl_semi_sync_master_enabled"
        } else {
            "rpl_semi_sync_source_enabled"
        };
        let word = if wait { "ON" } else { "OFF" };
        Some(format!("SET GLOBAL {name} = {word}"))
    }

    /// Lets the workload write. In MySQL this ends `super_read_only` too.
    pub fn open(&self) -> Vec<String> {
        vec!["SET GLOBAL read_only = OFF".into()]
    }

    /// Refuses writes, on MySQL also those of administrators; returns once those under way are done.
    pub fn close(&self) -> Vec<String> {
        let close = if self.kind.maria() {
            "SET GLOBAL read_only = ON"
        } else {
            "SET GLOBAL super_read_only = ON"
        };
        vec![close.into()]
    }

    /// Waits on the server until it has applied these transactions; the answer, as `waited`, is 0 then.
    pub fn wait_for(&self, gtids: &Gtids, seconds: u64) -> String {
        if self.kind.maria() {
            format!("SELECT MASTER_GTID_WAIT('{gtids}', {seconds}) AS waited")
        } else {
            format!("SELECT WAIT_FOR_EXECUTED_GTID_SET('{gtids}', {seconds}) AS waited")
        }
    }
}
