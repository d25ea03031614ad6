//! What tests of whole stacks share: a system deployed on the real engine, and a few clients on it.

use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc::Receiver},
    time::{Duration, Instant},
};

use drdrill::{
    history::{Access, Group, Lane, Outcome},
    id::{LaneId, NodeName},
    record::{Emitter, Event, Holdings, Source, What},
    runtime::{
        Owner, Runtime,
        docker::{AddressBase, DockerRuntime, Engine, Options},
        journal::{Header, Journal},
    },
    scenario::SystemSpec,
    system::{Client, Deploy, Design, Redundancy, Reply, Running, System, SystemError, catalogue},
    time::Clock,
};
use tokio_util::sync::CancellationToken;

use crate::{
    adapter_rig::{PATIENT, SHORT, invoke_as},
    docker_rig::{SIDECAR, fresh_run},
};

/// The outage of one lane begins up to one interval before the fault and is over up to one timeout late.
pub const SLACK: Duration = Duration::from_millis(600);

/// The image that stands in for a reference where no registry is reached.
fn local(reference: &str) -> String {
    let name = match reference {
        "quay.io/coreos/etcd:v3.5.21" => "etcd:3.5",
        "mongo:8" => "mongodb:6",
        "apache/kafka:4.3.1" => "kafka:4.3",
        "ghcr.io/shopify/toxiproxy:2.5.0" => "toxiproxy:2.5",
        _ => reference.rsplit('/').next().unwrap_or(reference),
    };
    format!("drdrill.local/{name}")
}

/// A deployed stack with its observers at work.
pub struct StackRig {
    pub running: Arc<dyn Running>,
    pub runtime: Arc<DockerRuntime>,
    pub events: Receiver<Event>,
    stop: CancellationToken,
    observers: Vec<tokio::task::JoinHandle<()>>,
    journal: Journal,
    _state: tempfile::TempDir,
}

/// Deploys a system and prints how long that took.
pub async fn deploy(name: &str, spec: &SystemSpec, route: Option<&str>) -> StackRig {
    let system = find(name);
    let design = system.design(spec, route).expect("a design");
    raise(&design, async |deploy| system.deploy(&design, deploy).await).await
}

/// Machines for a design, and on them what `bring_up` makes of it.
pub async fn raise<F>(design: &Design, bring_up: F) -> StackRig
where
    F: AsyncFnOnce(Deploy) -> Result<Arc<dyn Running>, SystemError>,
{
    let engine = Engine::connect(None).await.expect("an engine");
    let run = fresh_run();
    let state = tempfile::tempdir().unwrap();
    let header = Header {
        run: run.clone(),
        owner: Owner::current(),
        runtime: "docker".into(),
        docker_host: None,
        reports: None,
    };
    let journal = Journal::open(state.path(), &header).unwrap();
    let options = Options {
        base: AddressBase::DEFAULT,
        sidecar_image: Some(SIDECAR.into()),
        sidecars: true,
        disks: None,
        attached: None,
    };
    let runtime = Arc::new(DockerRuntime::new(engine, run, journal.clone(), options));
    let (emitter, events) = Emitter::new(Clock::start());
    let deploy = Deploy {
        attach: None,
        folder: std::path::PathBuf::new(),
        logins: drdrill::system::Logins::default(),
        runtime: runtime.clone(),
        images: design
            .images
            .iter()
            .map(|image| (image.clone(), local(image)))
            .collect(),
        program: "unused".into(),
        emitter: emitter.clone(),
    };
    let before = Instant::now();
    let running = match bring_up(deploy).await {
        Ok(running) => running,
        Err(error) => {
            runtime.teardown().await;
            panic!("{error}");
        }
    };
    println!("{}: ready after {:?}", design.topology, before.elapsed());
    let stop = CancellationToken::new();
    let observers = running.observe(&emitter, stop.clone());
    StackRig {
        running,
        runtime,
        events,
        stop,
        observers,
        journal,
        _state: state,
    }
}

fn find(name: &str) -> Arc<dyn System> {
    let system = catalogue::all()
        .into_iter()
        .find(|system| system.describe().name == name);
    system.expect("in the catalogue")
}

impl StackRig {
    /// Stops the observers, tears down, and shows that nothing is left. Gives what was observed.
    pub async fn down(self) -> Vec<Event> {
        self.stop.cancel();
        for observer in self.observers {
            observer.await.expect("an observer that ended well");
        }
        self.running.close().await;
        let (_, failures) = self.runtime.teardown().await;
        assert_eq!(failures, [] as [&str; 0]);
        assert_eq!(self.runtime.residue().await.unwrap(), [] as [&str; 0]);
        assert!(self.journal.finish().unwrap());
        self.events.try_iter().collect()
    }

    /// Waits until the stack is whole again and prints how long that took.
    pub async fn whole(&self, limit: Duration) -> Redundancy {
        self.reaches("whole", limit, || self.running.redundancy())
            .await
    }

    /// Waits until positions are equal.
    pub async fn converged(&self, limit: Duration) -> Redundancy {
        self.reaches("converged", limit, || self.running.converged())
            .await
    }

    async fn reaches<F, A>(&self, what: &str, limit: Duration, mut ask: F) -> Redundancy
    where
        F: FnMut() -> A,
        A: Future<Output = Redundancy>,
    {
        let before = Instant::now();
        loop {
            let asked = ask().await;
            if asked.whole {
                println!("{what} after {:?}", before.elapsed());
                return asked;
            }
            if before.elapsed() >= limit {
                self.print_logs().await;
                panic!("not {what} in time: {asked:#?}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Prints the end of every node's log, for a failure that cannot be looked at again.
    async fn print_logs(&self) {
        for member in &self.running.stack().members {
            let log = self.runtime.logs(&member.name, 40).await;
            println!(
                "== {}\n{}",
                member.name,
                log.unwrap_or_else(|error| error.to_string())
            );
        }
    }

    /// Appends at a steady pace until `ok` operations in a row succeed after at least one failure, or until
    /// `limit`; gives what was acknowledged and the time of the outage as seen by this one lane.
    pub async fn ride(&self, lane: &Lane, first: u64, limit: Duration) -> Ride {
        let mut ride = Ride {
            acknowledged: Vec::new(),
            classes: BTreeMap::new(),
            outage: Duration::ZERO,
            next: first,
        };
        let (begin, mut last_good, mut failed, mut good) =
            (Instant::now(), Instant::now(), false, 0);
        let mut client = self.running.client(lane);
        while begin.elapsed() < limit && !(failed && good >= 20) {
            let next = ride.next;
            let reply =
                invoke_as(lane.id, client.as_mut(), lane.timeout, Access::Write, next).await;
            if reply.outcome == Outcome::Ok {
                if failed && good == 0 {
                    ride.outage = last_good.elapsed();
                }
                ride.acknowledged.push(ride.next);
                last_good = Instant::now();
                good += u32::from(failed);
            } else {
                (failed, good) = (true, 0);
                let class = format!("{:?} {}", reply.outcome, reply.error.unwrap_or_default());
                *ride.classes.entry(class).or_default() += 1;
                client = self.running.client(lane);
            }
            ride.next += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        println!("outage {:?}, errors {:?}", ride.outage, ride.classes);
        ride
    }

    /// The final reads of the authority and of every node, which must be equal.
    pub async fn equal_finals(&self, nodes: &[&str]) -> Holdings {
        let read = async |source: Source| {
            self.running
                .final_read(&source)
                .await
                .expect("a final read")
        };
        let authority = read(Source::Authority { pass: 1 }).await;
        assert_eq!(authority, read(Source::Authority { pass: 2 }).await);
        for node in nodes {
            let node = NodeName::new(*node);
            assert_eq!(authority, read(Source::After { node }).await);
        }
        authority
    }
}

/// What a lane saw.
pub struct Ride {
    pub acknowledged: Vec<u64>,
    pub classes: BTreeMap<String, u32>,
    pub outage: Duration,
    pub next: u64,
}

/// A lane that writes through the route, or to a fixed node.
pub fn lane(id: u16, pinned: Option<&str>) -> Lane {
    Lane {
        id: LaneId(id),
        name: format!("lane-{id}"),
        group: if pinned.is_some() {
            Group::Pinned
        } else {
            Group::Service
        },
        access: Access::Write,
        fresh: false,
        reads: None,
        pinned: pinned.map(NodeName::new),
        shard: None,
        keys: None,
        interval: Duration::from_millis(20),
        timeout: Duration::from_millis(500),
        objective: None,
    }
}

/// One append to a node that answers.
pub async fn append(client: &mut dyn Client, lane: &Lane, seq: u64) -> Reply {
    invoke_as(lane.id, client, PATIENT, Access::Write, seq).await
}

/// One append to a node that does not.
pub async fn append_in_vain(client: &mut dyn Client, lane: &Lane, seq: u64) -> Reply {
    invoke_as(lane.id, client, SHORT, Access::Write, seq).await
}

/// One read of what the lane wrote.
pub async fn read(client: &mut dyn Client, lane: &Lane) -> Reply {
    invoke_as(lane.id, client, PATIENT, Access::Read, 0).await
}

/// Settings of a scenario.
pub fn spec(topology: &str, settings: &[(&str, &str)]) -> SystemSpec {
    SystemSpec {
        topology: Some(topology.into()),
        settings: settings
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).into()))
            .collect(),
        ..SystemSpec::default()
    }
}

/// What was noted and what the control plane said, with their seconds.
pub fn control(events: &[Event]) -> Vec<String> {
    let word = |event: &Event| match &event.what {
        What::Control(control) => Some(format!(
            "{:8.3} {} {:?} {}",
            event.at.high.seconds(),
            control.source,
            control.milestone,
            control.text
        )),
        What::Note(text) => Some(format!("{:8.3} {text}", event.at.high.seconds())),
        _ => None,
    };
    events.iter().filter_map(word).collect()
}
