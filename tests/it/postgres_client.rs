//! PostgreSQL's clients against a single server on the real engine.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use drdrill::{
    history::{Access, Outcome, TxnStep, register_value, transaction},
    id::{LaneId, NodeName, RunId},
    record::{Member, MemberKind},
    runtime::{NodeFile, NodeSpec, Runtime, Signal},
    system::{
        Client, Reply, Request, Subject,
        postgres::{Elements, ServiceClient, Target},
        roster::Roster,
        rows::Isolation,
    },
};
use tokio::sync::watch;

use crate::{
    adapter_rig::{PATIENT, SHORT, invoke_as},
    docker_rig::Rig,
};

const START: &str = "/drdrill/start.sh";

/// The table of the run below.
const APPENDS: &str = "drdrill_appends_20261121t081500_000007";

fn elements() -> Elements {
    Elements::new(RunId::new("20261121t081500", 7), Isolation::ReadCommitted)
}

struct Server {
    rig: Rig,
    node: NodeName,
    roster: Arc<Roster>,
    endpoint: watch::Sender<SocketAddr>,
}

impl Server {
    async fn start() -> Self {
        let rig = Rig::new(&["pg1"]).await;
        let node = NodeName::new("pg1");
        let spec = NodeSpec {
            name: node.clone(),
            image: "drdrill.local/postgres:17".into(),
            entrypoint: vec!["sh".into(), START.into()],
            command: Vec::new(),
            env: [("DRDRILL_NODE", "pg1"), ("DRDRILL_ROLE", "primary")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .to_vec(),
            files: vec![NodeFile {
                path: START.into(),
                mode: 0o755,
                bytes: include_bytes!("../../src/system/postgres/files/start.sh").to_vec(),
            }],
            memory_mib: 512,
            sidecar: false,
            beside: None,
        };
        rig.runtime.create(&spec).await.unwrap();
        rig.runtime.start(&node).await.unwrap();
        let address = SocketAddr::new(rig.addresses[&node], 5432);
        let member = Member {
            name: node.clone(),
            kind: MemberKind::Data,
            address: address.to_string(),
            host: "h1".into(),
            image: "postgres:17".into(),
        };
        let server = Self {
            rig,
            node,
            roster: Arc::new(Roster::new(&[member]).unwrap()),
            endpoint: watch::Sender::new(address),
        };
        server.accepts().await;
        server
    }

    /// Waits until the server listens, and makes the tables.
    async fn accepts(&self) {
        self.until_done(&elements().create()).await;
    }

    /// Waits until the condition holds.
    async fn until(&self, condition: &str) {
        self.until_done(&format!("SELECT 1 / ({condition})::int"))
            .await;
    }

    /// Asks until it is done without an error.
    async fn until_done(&self, sql: &str) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.psql("127.0.0.1", sql).await != Some(0) {
            assert!(Instant::now() < deadline, "not in 30 s: {sql}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn psql(&self, host: &str, sql: &str) -> Option<i64> {
        let argv = ["psql", "-qAtX", "-h", host, "-U", "postgres", "-c", sql];
        let limit = Duration::from_secs(10);
        let output = self.rig.runtime.exec(&self.node, &argv, limit).await;
        output.ok().map(|output| output.code)
    }

    fn client(&self) -> ServiceClient {
        let target = Target::Endpoint(self.endpoint.subscribe());
        ServiceClient::new(elements(), self.roster.clone(), target)
    }
}

async fn invoke(client: &mut ServiceClient, limit: Duration, access: Access, seq: u64) -> Reply {
    invoke_as(LaneId(3), client, limit, access, seq).await
}

/// Registers are read as they were written; a transfer moves and the total stays.
async fn registers_and_transfers_are_what_the_table_holds(server: &Server) {
    let mut client = server.client();
    let mut ask = async |access, on, seq| {
        let request = Request {
            access,
            on,
            lane: LaneId(3),
            seq,
            deadline: Instant::now() + PATIENT,
        };
        client.invoke(request).await
    };
    let register = Subject::Register(2);
    assert_eq!(ask(Access::Read, register, 0).await.version, Some(0));
    for seq in [5, 6] {
        let reply = ask(Access::Write, register, seq).await;
        assert_eq!(reply.outcome, Outcome::Ok, "{reply:?}");
        let reply = ask(Access::Read, register, 0).await;
        assert_eq!(reply.version, Some(register_value(LaneId(3), seq)));
    }
    let open = elements().rows().open_accounts(3);
    assert_eq!(server.psql("127.0.0.1", &open).await, Some(0));
    let accounts = Subject::Accounts(3);
    // Number 1 moves 2 from account 1.
    let reply = ask(Access::Write, accounts, 1).await;
    assert_eq!(reply.outcome, Outcome::Ok, "{reply:?}");
    assert_eq!(ask(Access::Read, accounts, 0).await.version, Some(3000));
    let table = "drdrill_accounts_20261121t081500_000007";
    let moved = format!("SELECT 1 / (balance = 998)::int FROM {table} WHERE id = 1");
    assert_eq!(server.psql("127.0.0.1", &moved).await, Some(0));
}

/// Transactions on lists, one after the other: each read shows what was appended before, in its order.
async fn transactions_read_the_lists_as_they_were_appended(server: &Server) {
    let mut client = server.client();
    let mut held: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    let mut shown = 0;
    for seq in 0..40 {
        let request = Request {
            access: Access::Write,
            on: Subject::Lists(3),
            lane: LaneId(3),
            seq,
            deadline: Instant::now() + PATIENT,
        };
        let mut expected = Vec::new();
        for step in transaction(LaneId(3), seq, 3) {
            match step {
                TxnStep::Append { list, element } => held.entry(list).or_default().push(element),
                TxnStep::Read { list } => {
                    expected.push(held.get(&list).cloned().unwrap_or_default());
                }
            }
        }
        let reply = client.invoke(request).await;
        assert_eq!(reply.outcome, Outcome::Ok, "{reply:?}");
        shown += expected.iter().map(Vec::len).sum::<usize>();
        assert_eq!(reply.lists, Some(expected), "{seq}");
    }
    assert!(shown > 100, "{shown}");
}

/// The server is read-only. The probe's session stays, and takes writes once the server does.
async fn a_probe_keeps_the_session_that_takes_no_writes(server: &Server) {
    let target = Target::Pinned(*server.endpoint.borrow());
    let mut probe = ServiceClient::new(elements(), server.roster.clone(), target);
    let pids = "(SELECT count(*) FROM pg_stat_activity WHERE application_name = 'drdrill-client')";
    server.until(&format!("{pids} = 0")).await;
    for seq in 0..3 {
        let reply = invoke(&mut probe, PATIENT, Access::Write, seq).await;
        assert_eq!(said(&reply), (Outcome::Fail, Some("read-only")));
        server.until(&format!("{pids} = 1")).await;
    }
    let started = "SELECT 1 / (pid = (SELECT min(pid) FROM drdrill_probe))::int FROM pg_stat_activity \
                   WHERE application_name = 'drdrill-client'";
    let writable = "SET transaction_read_only = off; CREATE TABLE drdrill_probe AS SELECT pid \
                    FROM pg_stat_activity WHERE application_name = 'drdrill-client'";
    assert_eq!(server.psql("127.0.0.1", writable).await, Some(0));
    let reset = "ALTER SYSTEM RESET default_transaction_read_only";
    assert_eq!(server.psql("127.0.0.1", reset).await, Some(0));
    let reload = "SELECT pg_reload_conf()";
    assert_eq!(server.psql("127.0.0.1", reload).await, Some(0));
    let is_off = "current_setting('default_transaction_read_only') = 'off'";
    server.until(is_off).await;
    let reply = invoke(&mut probe, PATIENT, Access::Write, 3).await;
    assert_eq!(reply.outcome, Outcome::Ok, "{reply:?}");
    assert_eq!(server.psql("127.0.0.1", started).await, Some(0));
}

fn said(reply: &Reply) -> (Outcome, Option<&str>) {
    (reply.outcome, reply.error.as_deref())
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn postgres_outcomes_are_what_the_server_did() {
    let server = Server::start().await;
    let mut client = server.client();
    for seq in [0, 1, 1] {
        let reply = invoke(&mut client, PATIENT, Access::Write, seq).await;
        assert_eq!(
            (reply.outcome, reply.node),
            (Outcome::Ok, Some(0)),
            "{reply:?}"
        );
    }
    // A second application stands beside the first.
    let count = format!("SELECT 1 / (count(*) = 2)::int FROM {APPENDS} WHERE lane = 3 AND seq = 1");
    assert_eq!(server.psql("127.0.0.1", &count).await, Some(0));
    let reply = invoke(&mut client, PATIENT, Access::Read, 0).await;
    assert_eq!((reply.version, reply.node), (Some(2), Some(0)));

    registers_and_transfers_are_what_the_table_holds(&server).await;
    transactions_read_the_lists_as_they_were_appended(&server).await;

    // A statement that waits for a lock is open at its deadline; nobody knows what comes of it.
    let lock = format!("BEGIN; LOCK TABLE {APPENDS}; SELECT pg_sleep(3)");
    let (locked, reply) = tokio::join!(server.psql("127.0.0.1", &lock), async {
        let held = format!(
            "(SELECT count(*) FROM pg_locks WHERE granted AND relation = '{APPENDS}'::regclass \
             AND mode = 'AccessExclusiveLock') = 1"
        );
        server.until(&held).await;
        invoke(&mut client, SHORT, Access::Write, 2).await
    });
    assert_eq!(locked, Some(0));
    assert_eq!(said(&reply), (Outcome::Info, Some("timeout")));

    let read_only = "ALTER SYSTEM SET default_transaction_read_only = on";
    assert_eq!(server.psql("127.0.0.1", read_only).await, Some(0));
    let mut open = server.client();
    assert_eq!(
        invoke(&mut open, PATIENT, Access::Write, 3).await.outcome,
        Outcome::Ok
    );
    assert_eq!(
        server.psql("127.0.0.1", "SELECT pg_reload_conf()").await,
        Some(0)
    );
    let is_on = "current_setting('default_transaction_read_only') = 'on'";
    server.until(is_on).await;
    let reply = invoke(&mut open, PATIENT, Access::Write, 4).await;
    assert_eq!(said(&reply), (Outcome::Fail, Some("read-only")));
    let reply = invoke(&mut server.client(), PATIENT, Access::Write, 4).await;
    assert_eq!(said(&reply), (Outcome::Fail, Some("read-only")));
    let reply = invoke(&mut server.client(), PATIENT, Access::Read, 0).await;
    assert_eq!(reply.version, Some(4));
    drop((client, open));
    a_probe_keeps_the_session_that_takes_no_writes(&server).await;
    server.rig.down().await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn postgres_gone_or_frozen_is_never_ok_and_never_late() {
    let server = Server::start().await;
    let mut client = server.client();
    assert_eq!(
        invoke(&mut client, PATIENT, Access::Write, 0).await.outcome,
        Outcome::Ok
    );
    server.rig.runtime.pause(&server.node).await.unwrap();
    let reply = invoke(&mut client, SHORT, Access::Write, 1).await;
    assert_eq!(said(&reply), (Outcome::Info, Some("timeout")));
    let reply = invoke(&mut server.client(), SHORT, Access::Write, 2).await;
    assert_eq!(said(&reply), (Outcome::Fail, Some("timeout")));
    let reply = invoke(&mut server.client(), SHORT, Access::Read, 0).await;
    assert_eq!(said(&reply), (Outcome::Fail, Some("timeout")));
    server.rig.runtime.unpause(&server.node).await.unwrap();

    let mut client = server.client();
    let reply = invoke(&mut client, PATIENT, Access::Read, 0).await;
    assert!(reply.version.is_some(), "{reply:?}");
    let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'drdrill-client'";
    assert_eq!(server.psql("127.0.0.1", terminate).await, Some(0));
    let reply = invoke(&mut client, PATIENT, Access::Write, 3).await;
    assert_eq!(said(&reply), (Outcome::Info, Some("server shuts down")));

    let mut client = server.client();
    assert_eq!(
        invoke(&mut client, PATIENT, Access::Write, 4).await.outcome,
        Outcome::Ok
    );
    server
        .rig
        .runtime
        .signal(&server.node, Signal::Kill)
        .await
        .unwrap();
    let reply = invoke(&mut client, SHORT, Access::Write, 5).await;
    assert_eq!(reply.outcome, Outcome::Info, "{reply:?}");
    let reply = invoke(&mut server.client(), SHORT, Access::Write, 6).await;
    assert_eq!(reply.outcome, Outcome::Fail, "{reply:?}");
    server.rig.down().await;
}
