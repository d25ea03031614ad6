//! What the tests on a real engine share: a run of its own, nodes that wait, and the end of both.
//!
//! Such a test carries `#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]`.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use drdrill::{
    id::{NodeName, RunId},
    runtime::{
        Disks, NodeFile, NodeSpec, Owner, Runtime,
        docker::{AddressBase, DockerRuntime, Engine, Options},
        journal::{Header, Journal},
    },
};

/// An image that is small and has a shell.
pub const IMAGE: &str = "drdrill.local/redis:8";
/// The image of sidecars.
pub const SIDECAR: &str = "drdrill.local/sidecar:1";

/// A run on the real engine.
pub struct Rig {
    pub run: RunId,
    pub runtime: Arc<DockerRuntime>,
    pub journal: Journal,
    /// The folder of its journal; removed with this if it was made for it.
    pub state: PathBuf,
    _made: Option<tempfile::TempDir>,
    pub addresses: BTreeMap<NodeName, IpAddr>,
}

/// A name that no other run on this engine has.
pub fn fresh_run() -> RunId {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let tail = std::process::id() * 16 + NEXT.fetch_add(1, Ordering::Relaxed);
    RunId::new("20261121t000000", tail)
}

impl Rig {
    /// A run with its network and these nodes' addresses; the owner is this process.
    pub async fn new(names: &[&str]) -> Self {
        Self::owned_by(names, Owner::current()).await
    }

    pub async fn owned_by(names: &[&str], owner: Owner) -> Self {
        let made = tempfile::tempdir().unwrap();
        let mut rig = Self::within(made.path().into(), names, owner).await;
        rig._made = Some(made);
        rig
    }

    /// A run whose nodes' data lie in this folder, on disks that can be made to go wrong.
    pub async fn on_disks(names: &[&str], folder: &str) -> Self {
        let made = tempfile::tempdir().unwrap();
        let disks = Disks {
            folder: folder.to_owned(),
            nodes: names.iter().map(|&name| NodeName::new(name)).collect(),
        };
        let mut rig = Self::with(made.path().into(), names, Owner::current(), Some(disks)).await;
        rig._made = Some(made);
        rig
    }

    /// A run whose journal lies in a folder that outlives it.
    pub async fn within(state: PathBuf, names: &[&str], owner: Owner) -> Self {
        Self::with(state, names, owner, None).await
    }

    async fn with(state: PathBuf, names: &[&str], owner: Owner, disks: Option<Disks>) -> Self {
        let engine = Engine::connect(None).await.expect("an engine");
        let run = fresh_run();
        let header = Header {
            run: run.clone(),
            owner,
            runtime: "docker".into(),
            docker_host: None,
            reports: None,
        };
        let journal = Journal::open(&state, &header).unwrap();
        let options = Options {
            base: AddressBase::DEFAULT,
            sidecar_image: Some(SIDECAR.into()),
            sidecars: true,
            disks,
            attached: None,
        };
        let runtime = DockerRuntime::new(engine, run.clone(), journal.clone(), options);
        let names: Vec<NodeName> = names.iter().map(|&name| NodeName::new(name)).collect();
        let addresses = runtime.reserve(&names).await.expect("addresses");
        Self {
            run,
            runtime: Arc::new(runtime),
            journal,
            state,
            _made: None,
            addresses: addresses.into_iter().collect(),
        }
    }

    /// Creates and starts all nodes in parallel.
    pub async fn up(&self) {
        let nodes = self.addresses.keys().map(|name| async move {
            self.runtime.create(&spec(name)).await.expect("created");
            self.runtime.start(name).await.expect("started");
        });
        futures_util::future::join_all(nodes).await;
    }

    /// Tears down and shows that nothing is left.
    pub async fn down(self) {
        let (_, failures) = self.runtime.teardown().await;
        assert_eq!(failures, [] as [&str; 0]);
        assert_eq!(self.runtime.residue().await.unwrap(), [] as [&str; 0]);
        assert!(self.journal.finish().unwrap());
    }

    pub async fn exec(&self, node: &NodeName, script: &str) -> drdrill::runtime::ExecOutput {
        let argv = ["sh", "-c", script];
        let limit = Duration::from_secs(10);
        self.runtime.exec(node, &argv, limit).await.expect("exec")
    }
}

/// A node that runs a script which it was given and waits.
pub fn spec(name: &NodeName) -> NodeSpec {
    NodeSpec {
        name: name.clone(),
        image: IMAGE.into(),
        entrypoint: vec!["sh".into(), "/drdrill/start.sh".into()],
        command: Vec::new(),
        env: vec![("WORD".into(), "hello".into())],
        files: vec![NodeFile {
            path: "/drdrill/start.sh".into(),
            mode: 0o755,
            bytes:
                b"echo $WORD from $(hostname); trap 'exit 3' TERM; while :; do sleep 0.1; done\n"
                    .to_vec(),
        }],
        memory_mib: 64,
        sidecar: true,
        beside: None,
    }
}
