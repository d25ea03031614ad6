//! A stack's shape, read from its design, and the servers' arguments that follow from it.

use std::time::Duration;

use crate::{
    id::RunId,
    system::{
        Design, SystemError, mark,
        roster::{Roster, Seat},
        rows::Isolation,
        settings::Values,
    },
};

use super::kind::Kind;

/// Where the members of a group talk to each other.
const GROUP_PORT: u16 = 33061;

/// How many numbers a member may have more than those before it: its server takes another one each time its data is made
/// anew.
const LIVES: u32 = 100;

/// The number of a member, by which its server goes in its first life.
pub fn member_number(seat: &Seat) -> u32 {
    u32::from(seat.index) + 1
}

/// Whether this server number, of whatever life, is the member's.
pub fn is_of(number: u32, seat: &Seat) -> bool {
    number % LIVES == member_number(seat)
}

/// A stack's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Flavour and topology.
    pub kind: Kind,
    /// Connections that a server takes at most.
    pub max_connections: u64,
    /// How transactions of transfers are kept apart.
    pub isolation: Isolation,
    /// Whether a server forces its logs to disk.
    pub fsync: bool,
    /// How long a write waits for a replica, if it waits for one at all.
    pub semi_sync: Option<Duration>,
    /// How long a suspected member is waited for.
    pub expel_timeout: Duration,
    /// Silence after which a node is suspected, and after which it is dropped.
    pub silence: (Duration, Duration),
}

impl Shape {
    /// Reads a design.
    ///
    /// # Errors
    /// When a value cannot be read; the scenario's check refuses such a file before.
    pub fn of(kind: Kind, design: &Design) -> Result<Self, SystemError> {
        let values = Values::of(design);
        let waits = kind.by_operator() && values.flag("semi-sync");
        let of = |name, here: bool| {
            if here {
                values.duration(name)
            } else {
                Ok(Duration::ZERO)
            }
        };
        Ok(Self {
            kind,
            max_connections: values.count("max-connections")?,
            isolation: Isolation::of(values.word("isolation")),
            fsync: values.flag("fsync"),
            semi_sync: waits
                .then(|| values.duration("semi-sync-timeout"))
                .transpose()?,
            expel_timeout: of("expel-timeout", kind == Kind::Group)?,
            silence: (
                of("suspect-timeout", kind == Kind::Galera)?,
                of("inactive-timeout", kind == Kind::Galera)?,
            ),
        })
    }

    /// The arguments of one node's server. Caches are small, so that three nodes take less than 1 GB; a link that is
    /// silent for 4 s counts as lost and is tried again each second, as orchestrator's documentation advises (the
    /// defaults of 60 s would keep a replica from noticing that a cut was healed).
    pub fn arguments(&self, roster: &Roster, seat: &Seat, run: &RunId) -> Vec<String> {
        let ip = seat.address.ip();
        let sync = u8::from(self.fsync);
        // With 0 a killed process would lose what it had not yet handed to the kernel, and its tables would no longer hold
        // what its binary log says.
        let flush = if self.fsync { 1 } else { 2 };
        let mut list = vec![
            format!("--report-host={ip}"),
            "--bind-address=0.0.0.0".into(),
            "--skip-name-resolve".into(),
            format!("--max-connections={}", self.max_connections),
            format!("--innodb-flush-log-at-trx-commit={flush}"),
            "--innodb-buffer-pool-size=64M".into(),
            "--table-open-cache=400".into(),
            "--performance-schema=OFF".into(),
        ];
        let mut add = |words: &[&str]| list.extend(words.iter().map(|word| (*word).to_owned()));
        if self.kind.maria() {
            add(&["--innodb-log-file-size=32M"]);
        } else {
            add(&[
                "--innodb-redo-log-capacity=32M",
                "--innodb-numa-interleave=OFF",
                "--mysqlx=OFF",
                "--gtid-mode=ON",
                "--enforce-gtid-consistency=ON",
                "--super-read-only=ON",
            ]);
        }
        // Every server starts read-only: one that comes back must not take writes before an operator or its group says so,
        // and a member of a group would take them until it has joined.
        if self.kind != Kind::Galera {
            add(&["--read-only=ON"]);
            add(&["--log-bin=binlog", "--relay-log=relay"]);
            list.push(format!("--sync-binlog={sync}"));
        }
        list.extend(match self.kind {
            Kind::MySqlReplication => self.mysql_replication(),
            Kind::MariaDbReplication => self.mariadb_replication(),
            Kind::Group => self.group(roster, seat, run),
            Kind::Galera => self.galera(roster, seat),
        });
        list
    }

    fn mysql_replication(&self) -> Vec<String> {
        let mut list = vec!["--replica-net-timeout=4".to_owned()];
        if let Some(timeout) = self.semi_sync {
            list.extend([
                "--plugin-load-add=semisync_source.so".to_owned(),
                "--plugin-load-add=semisync_replica.so".into(),
                "--loose-rpl-semi-sync-replica-enabled=ON".into(),
                format!(
                    "--loose-rpl-semi-sync-source-timeout={}",
                    timeout.as_millis()
                ),
            ]);
        }
        list
    }

    fn mariadb_replication(&self) -> Vec<String> {
        let mut list = vec![
            "--binlog-format=ROW".to_owned(),
            "--log-slave-updates=ON".into(),
            "--gtid-strict-mode=ON".into(),
            "--slave-net-timeout=4".into(),
        ];
        if let Some(timeout) = self.semi_sync {
            list.extend([
                "--rpl-semi-sync-slave-enabled=ON".to_owned(),
                "--rpl-semi-sync-master-wait-point=AFTER_SYNC".into(),
                format!("--rpl-semi-sync-master-timeout={}", timeout.as_millis()),
            ]);
        }
        list
    }

    fn group(&self, roster: &Roster, seat: &Seat, run: &RunId) -> Vec<String> {
        let address = |seat: &Seat| group_address(seat);
        let all: Vec<String> = roster.data().map(address).collect();
        let ips: Vec<String> = roster
            .data()
            .map(|seat| seat.address.ip().to_string())
            .collect();
        let option = |name: &str, value: &str| format!("--loose-group-replication-{name}={value}");
        vec![
            "--plugin-load-add=group_replication.so".into(),
            option("group-name", &group_name(run)),
            option("local-address", &group_address(seat)),
            option("group-seeds", &all.join(",")),
            option("ip-allowlist", &ips.join(",")),
            option("start-on-boot", "OFF"),
            option("single-primary-mode", "ON"),
            option(
                "member-expel-timeout",
                &self.expel_timeout.as_secs().to_string(),
            ),
            option("recovery-get-public-key", "ON"),
            option("recovery-reconnect-interval", "1"),
        ]
    }

    fn galera(&self, roster: &Roster, seat: &Seat) -> Vec<String> {
        let ips: Vec<String> = roster
            .data()
            .map(|seat| seat.address.ip().to_string())
            .collect();
        let seconds = |time: Duration| format!("PT{}S", time.as_secs_f64());
        let (suspect, inactive) = self.silence;
        let options = format!(
            "gcache.size=64M;evs.suspect_timeout={};evs.inactive_timeout={}",
            seconds(suspect),
            seconds(inactive)
        );
        vec![
            "--binlog-format=ROW".into(),
            "--innodb-autoinc-lock-mode=2".into(),
            "--wsrep-on=ON".into(),
            "--wsrep-provider=/usr/lib/galera/libgalera_smm.so".into(),
            "--wsrep-cluster-name=drdrill".into(),
            format!("--wsrep-cluster-address=gcomm://{}", ips.join(",")),
            format!("--wsrep-node-address={}", seat.address.ip()),
            format!("--wsrep-node-name={}", seat.name),
            "--wsrep-sst-method=rsync".into(),
            format!("--wsrep-provider-options={options}"),
        ]
    }
}

/// Where a member of a group talks to the others.
pub fn group_address(seat: &Seat) -> String {
    format!("{}:{GROUP_PORT}", seat.address.ip())
}

/// The group's name, a UUID of the run.
fn group_name(run: &RunId) -> String {
    let digits = mark::hexadecimal(format!("group:{run}"), 16);
    format!(
        "{}-{}-4{}-8{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[13..16],
        &digits[17..20],
        &digits[20..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_group_is_a_uuid_of_the_run() {
        let name = |tail| group_name(&RunId::new("20261121t081500", tail));
        assert_eq!(name(1), name(1));
        assert_ne!(name(1), name(2));
        let lengths: Vec<usize> = name(1).split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
    }
}
