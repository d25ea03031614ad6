//! What the engine is told to create for a node and for its sidecar, and the files put into it.

use std::{collections::HashMap, io};

use bollard::models::{
    ContainerCreateBody, ContainerUpdateBody, EndpointIpamConfig, EndpointSettings, HostConfig,
    HostConfigLogConfig, Mount, MountType, MountVolumeOptions, NetworkingConfig,
};

use crate::runtime::{NodeFile, NodeSpec};

use super::network::Network;

/// Shared memory of a node; the engine's 64 MiB is too little for parallel queries.
const SHARED_MEMORY: i64 = 256 << 20;
/// Processes and threads that a node may have at a time: more than servers with a thread for each of thousands of clients
/// have, and few enough that a node which makes ever more of them does not take the machine.
const PROCESSES: i64 = 8192;
/// What rules, queues and rates in a node's network take, its name server's port, and giving rights up.
const NETWORK: [&str; 4] = ["NET_ADMIN", "NET_RAW", "NET_BIND_SERVICE", "SETPCAP"];
/// What moving an address in another node's network takes: changing it, packets of a protocol of one's own, and scripts that
/// run as somebody.
const BESIDE: [&str; 5] = ["NET_ADMIN", "NET_RAW", "NET_BROADCAST", "SETGID", "SETUID"];
/// Memory of a sidecar: an interpreter and the packet filter's tool.
const SIDECAR_MEMORY: i64 = 128 << 20;

/// The body of a node's container. `volumes` are the paths that its image declares as volumes.
pub(super) fn node(
    spec: &NodeSpec,
    network: &Network,
    volumes: &[String],
    labels: &HashMap<String, String>,
) -> ContainerCreateBody {
    let endpoint = EndpointSettings {
        ipam_config: Some(EndpointIpamConfig {
            ipv4_address: network.addresses.get(&spec.name).map(ToString::to_string),
            ..EndpointIpamConfig::default()
        }),
        aliases: Some(vec![spec.name.to_string()]),
        ..EndpointSettings::default()
    };
    let hosts = network
        .addresses
        .iter()
        .filter(|(name, _)| **name != spec.name);
    let host = HostConfig {
        network_mode: Some(network.name.clone()),
        extra_hosts: Some(hosts.map(|(name, ip)| format!("{name}:{ip}")).collect()),
        mounts: Some(volumes.iter().map(|path| volume(path, labels)).collect()),
        shm_size: Some(SHARED_MEMORY),
        ..limited(memory(spec))
    };
    ContainerCreateBody {
        hostname: Some(spec.name.to_string()),
        host_config: Some(host),
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some(HashMap::from([(network.name.clone(), endpoint)])),
        }),
        ..program(spec, labels)
    }
}

/// What a node runs.
fn program(spec: &NodeSpec, labels: &HashMap<String, String>) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(spec.image.clone()),
        entrypoint: some_unless_empty(&spec.entrypoint),
        cmd: some_unless_empty(&spec.command),
        env: Some(
            spec.env
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect(),
        ),
        labels: Some(labels.clone()),
        ..ContainerCreateBody::default()
    }
}

/// The body of a node that stands in the network of another node's container, which it may change.
pub(super) fn beside(
    spec: &NodeSpec,
    container: &str,
    volumes: &[String],
    labels: &HashMap<String, String>,
) -> ContainerCreateBody {
    let mut host = HostConfig {
        network_mode: Some(format!("container:{container}")),
        mounts: Some(volumes.iter().map(|path| volume(path, labels)).collect()),
        ..limited(memory(spec))
    };
    allow(&mut host, &BESIDE);
    ContainerCreateBody {
        host_config: Some(host),
        ..program(spec, labels)
    }
}

/// The body of a sidecar: it waits in the network namespace of the node's container.
pub(super) fn sidecar(
    image: &str,
    container: &str,
    labels: &HashMap<String, String>,
) -> ContainerCreateBody {
    let mut host = HostConfig {
        network_mode: Some(format!("container:{container}")),
        ..limited(SIDECAR_MEMORY)
    };
    allow(&mut host, &NETWORK);
    ContainerCreateBody {
        image: Some(image.to_owned()),
        entrypoint: Some(Vec::new()),
        cmd: Some(["sleep", "infinity"].map(str::to_owned).to_vec()),
        labels: Some(labels.clone()),
        host_config: Some(host),
        ..ContainerCreateBody::default()
    }
}

/// The body of a throw-away container without a network.
pub(super) fn once(
    image: &str,
    argv: &[&str],
    labels: &HashMap<String, String>,
) -> ContainerCreateBody {
    let mut host = HostConfig {
        network_mode: Some("none".into()),
        ..limited(SIDECAR_MEMORY)
    };
    allow(&mut host, &NETWORK);
    let (program, rest) = argv
        .split_first()
        .map_or(("", argv), |(first, rest)| (*first, rest));
    ContainerCreateBody {
        image: Some(image.to_owned()),
        user: Some("0".into()),
        entrypoint: Some(vec![program.to_owned()]),
        cmd: Some(rest.iter().map(|&word| word.to_owned()).collect()),
        labels: Some(labels.clone()),
        host_config: Some(host),
        ..ContainerCreateBody::default()
    }
}

/// The period, in microseconds, over which CPU time is counted: the kernel's own default.
const CPU_PERIOD: i64 = 100_000;

/// So many cores of CPU time; all without a number.
pub(super) fn cpu_limit(cores: Option<f64>) -> ContainerUpdateBody {
    ContainerUpdateBody {
        cpu_period: Some(CPU_PERIOD),
        // -1 lifts the limit.
        cpu_quota: Some(cores.map_or(-1, |cores| (cores * CPU_PERIOD as f64) as i64)),
        ..ContainerUpdateBody::default()
    }
}

/// The cores of CPU time that a container's limit leaves it; infinity without one.
pub(super) fn cores(host: &HostConfig) -> f64 {
    match (host.cpu_quota, host.cpu_period) {
        (Some(quota), Some(period)) if quota > 0 && period > 0 => quota as f64 / period as f64,
        _ => f64::INFINITY,
    }
}

/// A node's memory, bytes; 0 for no limit.
pub(super) fn memory(spec: &NodeSpec) -> i64 {
    i64::from(spec.memory_mib) << 20
}

/// More than a machine has: the engine takes no word for "no limit" once there was one.
const UNLIMITED: i64 = 1 << 62;

/// So many bytes of memory, without swap; 0 for no limit.
pub(super) fn memory_limit(bytes: i64) -> ContainerUpdateBody {
    let bytes = if bytes > 0 { bytes } else { UNLIMITED };
    ContainerUpdateBody {
        memory: Some(bytes),
        memory_swap: Some(bytes),
        ..ContainerUpdateBody::default()
    }
}

/// Leaves a container of ours these capabilities and no others, in the place of those that it had.
pub(super) fn allow(host: &mut HostConfig, capabilities: &[&str]) {
    host.cap_drop = Some(vec!["ALL".into()]);
    host.cap_add = Some(capabilities.iter().map(|&one| one.to_owned()).collect());
}

/// Takes the AppArmor profile from a container of ours: it forbids mounts and looks into other containers' processes.
pub(super) fn unconfine(host: &mut HostConfig) {
    let options = host.security_opt.get_or_insert_default();
    options.push("apparmor=unconfined".into());
}

/// Limits that all containers of a run have: memory without swap, processes, no rights gained by a program that is
/// executed, a bounded log, an init that reaps children and hands signals on. Restarting is the drill's decision: there is no restart policy.
fn limited(memory: i64) -> HostConfig {
    let log = [("max-size", "32m"), ("max-file", "2")];
    HostConfig {
        init: Some(true),
        pids_limit: Some(PROCESSES),
        security_opt: Some(vec!["no-new-privileges".into()]),
        memory: (memory > 0).then_some(memory),
        memory_swap: (memory > 0).then_some(memory),
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".into()),
            config: Some(
                log.map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .into(),
            ),
        }),
        ..HostConfig::default()
    }
}

/// A volume for a path that the image declares. Without a name it is removed with its container;
/// unlike the one that the engine would make by itself it carries the run's label.
fn volume(path: &str, labels: &HashMap<String, String>) -> Mount {
    Mount {
        target: Some(path.to_owned()),
        typ: Some(MountType::VOLUME),
        volume_options: Some(MountVolumeOptions {
            labels: Some(labels.clone()),
            ..MountVolumeOptions::default()
        }),
        ..Mount::default()
    }
}

fn some_unless_empty(words: &[String]) -> Option<Vec<String>> {
    (!words.is_empty()).then(|| words.to_vec())
}

/// Packs files for the engine's archive call, to be unpacked at `/`. Folders are not listed, so
/// those that exist keep their owner and mode.
pub(super) fn pack(files: &[NodeFile]) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for file in files {
        let path = file.path.strip_prefix("/").unwrap_or(&file.path);
        let mut header = tar::Header::new_gnu();
        header.set_size(file.bytes.len() as u64);
        header.set_mode(file.mode);
        header.set_uid(0);
        header.set_gid(0);
        archive.append_data(&mut header, path, file.bytes.as_slice())?;
    }
    archive.into_inner()
}
