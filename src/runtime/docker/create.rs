//! Nodes made: their containers with files in place, and what stands beside them.

use std::{sync::Arc, time::Duration};

use bollard::query_parameters::RestartContainerOptionsBuilder;
use tokio::time::{sleep, timeout};

use crate::{
    id::NodeName,
    runtime::{CLOCK_LIBRARY, Meant, NodeFile, NodeSpec, NodeState, Runtime, RuntimeError, Skew},
};

use super::{
    DockerRuntime, container, disk,
    engine::{ACT, ASK, within},
    machine::{lock, no_sidecar_image},
    network,
    node::Machine,
    signal::Visible,
    start,
};

/// How long a node waits for the one in whose network it stands.
const STANDS: Duration = Duration::from_secs(30);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl DockerRuntime {
    /// Makes a node; it does not run yet.
    pub(super) async fn make(&self, spec: &NodeSpec) -> Result<(), RuntimeError> {
        let spec = &self.clocked(spec);
        let volumes = self.volumes_of(&spec.image).await?;
        let name = self.name(&spec.name);
        let disk = disk::of(spec, self.options.disks.as_ref())?;
        let mut body = match &spec.beside {
            Some(other) => {
                let container = self.machine(other)?.container;
                container::beside(spec, &container, &volumes, &self.labels)
            }
            None => container::node(
                spec,
                &self.network_with(&spec.name)?,
                &volumes,
                &self.labels,
            ),
        };
        if let Some(disk) = &disk {
            body.entrypoint = Some(disk.gate(&spec.entrypoint));
        }
        let id = start::create(&self.engine, &name, body).await?;
        start::put(&self.engine, &id, &spec.files).await?;
        let wanted = spec.sidecar && self.options.sidecars;
        let sidecar = match (&self.options.sidecar_image, wanted) {
            (_, false) => None,
            (Some(image), true) => {
                let body = container::sidecar(image, &id, &self.labels);
                Some(start::create(&self.engine, &format!("{name}.sidecar"), body).await?)
            }
            (None, true) => return Err(no_sidecar_image()),
        };
        let disk = match (disk, &self.options.sidecar_image) {
            (Some(disk), Some(image)) => {
                let body = disk::server(image, &id, &self.labels);
                let name = format!("{name}.disk");
                let server = start::create(&self.engine, &name, body).await?;
                Some((Arc::new(tokio::sync::Mutex::new(disk)), server))
            }
            _ => None,
        };
        let machine = Machine {
            container: id,
            sidecar,
            started: false,
            killed: false,
            paused: false,
            memory: container::memory(spec),
            cores: None,
            visible: None,
            among: None,
            disk,
            beside: spec.beside.clone(),
            adopted: None,
        };
        lock(&self.nodes).insert(spec.name.clone(), machine);
        Ok(())
    }

    /// A node with the clock library, if it is to have it.
    fn clocked(&self, spec: &NodeSpec) -> NodeSpec {
        let mut spec = spec.clone();
        let clock = self.clock.as_ref();
        if let Some((library, _)) = clock.filter(|(_, nodes)| nodes.contains(&spec.name)) {
            spec.env.push(("LD_PRELOAD".into(), CLOCK_LIBRARY.into()));
            spec.files.push(NodeFile {
                path: CLOCK_LIBRARY.into(),
                mode: 0o755,
                bytes: library.clone(),
            });
            spec.files.push(Skew::default().file());
        }
        spec
    }

    /// The run's network, in which an address is reserved for this node.
    fn network_with(&self, node: &NodeName) -> Result<network::Network, RuntimeError> {
        let network = lock(&self.network).clone();
        let reserved = network.filter(|network| network.addresses.contains_key(node));
        reserved.ok_or_else(|| {
            RuntimeError::Unsupported(format!("no address was reserved for `{node}`"))
        })
    }

    async fn volumes_of(&self, image: &str) -> Result<Vec<String>, RuntimeError> {
        if let Some(known) = lock(&self.volumes).get(image) {
            return Ok(known.clone());
        }
        let call = self.engine.docker.inspect_image(image);
        let found = within("look up image", image, ASK, call).await?;
        let volumes = found
            .config
            .and_then(|config| config.volumes)
            .unwrap_or_default();
        lock(&self.volumes).insert(image.to_owned(), volumes.clone());
        Ok(volumes)
    }

    /// Waits until the node in whose network another is to stand runs.
    pub(super) async fn stands(&self, node: &NodeName) -> Result<(), RuntimeError> {
        let wait = async {
            while self.state(node).await? != NodeState::Running {
                sleep(LOOK_EVERY).await;
            }
            Ok(())
        };
        let late = |_| RuntimeError::Deadline {
            action: "start what stands in the network of",
            node: node.to_string(),
            limit: STANDS,
        };
        timeout(STANDS, wait).await.map_err(late)?
    }

    /// The nodes that stand in this one's network and are meant to run.
    pub(super) fn runs_beside(&self, node: &NodeName) -> Vec<NodeName> {
        let nodes = lock(&self.nodes);
        let beside = nodes.iter().filter(|(name, machine)| {
            let runs = self
                .intents
                .of(name)
                .is_some_and(|(meant, _)| meant == Meant::Running);
            machine.beside.as_ref() == Some(node) && runs
        });
        beside.map(|(name, _)| name.clone()).collect()
    }

    /// Starts nodes again in the network that their node has since its own start.
    pub(super) async fn take_along(&self, nodes: &[NodeName]) -> Result<(), RuntimeError> {
        for node in nodes {
            let container = self.machine(node)?.container;
            self.intents.mean(node, Meant::Changing);
            let options = RestartContainerOptionsBuilder::new().t(0).build();
            let call = self
                .engine
                .docker
                .restart_container(&container, Some(options));
            within("start again", node, ACT, call).await?;
            let state = start::inspect(&self.engine, &container).await?;
            let pid = state.and_then(|state| state.pid).unwrap_or(0);
            if let Some(machine) = lock(&self.nodes).get_mut(node) {
                machine.visible = Visible::find(pid, &container);
            }
            self.intents.mean(node, Meant::Running);
        }
        Ok(())
    }
}
