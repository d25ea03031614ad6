//! The four stacks, and how each of their servers is asked what it is.

/// A flavour and a topology of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// MySQL: a source and its replicas by GTID.
    MySqlReplication,
    /// MySQL Group Replication with a single primary.
    Group,
    /// MariaDB: a primary and its replicas by GTID.
    MariaDbReplication,
    /// MariaDB with Galera.
    Galera,
}

impl Kind {
    /// Whether an operator decides who is primary.
    pub fn by_operator(self) -> bool {
        matches!(self, Self::MySqlReplication | Self::MariaDbReplication)
    }

    /// Whether it is MariaDB.
    pub fn maria(self) -> bool {
        matches!(self, Self::MariaDbReplication | Self::Galera)
    }

    /// The question for whether the server is read-only, as `read_only`, and what it holds, as `executed`.
    pub fn own(self) -> &'static str {
        match self {
            Self::MySqlReplication | Self::Group => {
                "SELECT @@global.read_only AS read_only, @@global.gtid_executed AS executed"
            }
            Self::MariaDbReplication => {
                "SELECT @@global.read_only AS read_only, @@global.gtid_current_pos AS executed"
            }
            Self::Galera => {
                "SELECT @@global.read_only AS read_only, VARIABLE_VALUE AS executed \
                 FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'WSREP_LAST_COMMITTED'"
            }
        }
    }

    /// The question for the members that the server sees; none where an operator decides.
    pub fn members(self) -> Option<&'static str> {
        match self {
            Self::MySqlReplication | Self::MariaDbReplication => None,
            Self::Group => Some(
                "SELECT MEMBER_HOST AS host, MEMBER_STATE AS state, MEMBER_ROLE AS role, \
                 MEMBER_ID = @@server_uuid AS own FROM performance_schema.replication_group_members",
            ),
            Self::Galera => Some(
                "SELECT VARIABLE_NAME AS name, VARIABLE_VALUE AS value FROM information_schema.GLOBAL_STATUS \
                 WHERE VARIABLE_NAME IN ('WSREP_CLUSTER_STATUS', 'WSREP_LOCAL_STATE_COMMENT', 'WSREP_READY', \
                 'WSREP_INCOMING_ADDRESSES', 'WSREP_CLUSTER_SIZE')",
            ),
        }
    }
}
