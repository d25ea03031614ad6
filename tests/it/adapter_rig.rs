//! What tests of client adapters share: single engines by `testcontainers`, and operations with short deadlines.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use drdrill::{
    history::{Access, Outcome},
    id::{LaneId, NodeName, RunId},
    record::{Member, MemberKind},
    system::{Client, Reply, Request, Subject, roster::Roster},
};
use testcontainers::{ContainerAsync, GenericImage};
use tokio::net::TcpStream;

/// For an engine that answers, on however busy a machine.
pub const PATIENT: Duration = Duration::from_secs(10);
/// For an engine that does not.
pub const SHORT: Duration = Duration::from_millis(300);
/// A reply may come so much later than a timer that was set to its deadline.
const LATE: Duration = Duration::from_millis(20);

/// A single engine.
pub struct Engine {
    pub container: ContainerAsync<GenericImage>,
    pub address: SocketAddr,
    pub roster: Arc<Roster>,
}

impl Engine {
    /// An engine that is started and listens on this port.
    pub async fn new(container: ContainerAsync<GenericImage>, port: u16) -> Self {
        let ip: IpAddr = container.get_bridge_ip_address().await.expect("an address");
        let address = SocketAddr::new(ip, port);
        reached(address).await;
        let member = Member {
            name: NodeName::new("n1"),
            kind: MemberKind::Data,
            address: address.to_string(),
            host: "n1".into(),
            image: String::new(),
        };
        let roster = Arc::new(Roster::new(&[member]).expect("a roster"));
        Self {
            container,
            address,
            roster,
        }
    }
}

/// Waits until an address that was given out just now takes a connection. A packet that is lost while a container joins its
/// network is sent again a second later, and clients wait less than that for a connection.
async fn reached(address: SocketAddr) {
    let end = Instant::now() + PATIENT;
    loop {
        let tried = TcpStream::connect(address);
        match tokio::time::timeout_at(end.into(), tried).await {
            Ok(Ok(_)) => return,
            Ok(Err(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(_) => panic!("{address} took no connection for {PATIENT:?}"),
        }
    }
}

/// The run of the tests.
pub fn run() -> RunId {
    RunId::new("20261121t000000", 1)
}

/// One operation of lane 0 with a deadline so far away.
pub async fn invoke(client: &mut dyn Client, limit: Duration, access: Access, seq: u64) -> Reply {
    invoke_as(LaneId(0), client, limit, access, seq).await
}

/// One operation with a deadline so far away, which the reply must keep. A machine that stands still holds up the timer too.
pub async fn invoke_as(
    lane: LaneId,
    client: &mut dyn Client,
    limit: Duration,
    access: Access,
    seq: u64,
) -> Reply {
    let deadline = Instant::now() + limit;
    let timer = tokio::spawn(async move {
        tokio::time::sleep_until(deadline.into()).await;
        Instant::now()
    });
    let request = Request {
        access,
        on: Subject::Appends,
        lane,
        seq,
        deadline,
    };
    let reply = client.invoke(request).await;
    let came = Instant::now();
    if came < deadline {
        timer.abort();
        return reply;
    }
    let rang = timer.await.expect("a timer");
    let late = came.saturating_duration_since(rang);
    assert!(late < LATE, "{late:?} after the deadline: {reply:?}");
    reply
}

/// What every adapter must do on an engine that is frozen and then killed. `client` makes one on a
/// connection of its own.
pub async fn tells_what_it_knows<C: Client>(engine: &Engine, client: impl Fn() -> C) {
    let mut steady = client();
    for seq in 0..3 {
        let reply = invoke(&mut steady, PATIENT, Access::Write, seq).await;
        assert_eq!(reply, Reply::written(Some(0)));
    }
    engine.container.pause().await.expect("frozen");
    let write = invoke(&mut steady, SHORT, Access::Write, 3).await;
    assert_eq!(write, Reply::error(Outcome::Info, "timeout"));
    let mut reader = client();
    let read = invoke(&mut reader, SHORT, Access::Read, 0).await;
    assert_eq!(read, Reply::error(Outcome::Fail, "timeout"));
    engine.container.unpause().await.expect("thawed");

    let mut open = client();
    assert_eq!(
        invoke(&mut open, PATIENT, Access::Write, 4).await.outcome,
        Outcome::Ok
    );
    engine
        .container
        .stop_with_timeout(Some(0))
        .await
        .expect("killed");
    let lost = invoke(&mut open, SHORT, Access::Write, 5).await;
    assert_eq!(lost.outcome, Outcome::Info, "{lost:?}");
    let gone = invoke(&mut client(), SHORT, Access::Write, 6).await;
    assert_eq!(gone.outcome, Outcome::Fail, "{gone:?}");
}
