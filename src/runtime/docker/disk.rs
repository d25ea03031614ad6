//! A file system of ours over a node's data folder, mounted in the node from a container of its own beside it.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use bollard::models::{ContainerCreateBody, DeviceMapping};
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    time::timeout,
};

use crate::runtime::{DiskFault, DiskFigures, DiskLook, Disks, NodeSpec, Pipe, RuntimeError};

use super::{Engine, container, exec};

/// The file system.
const SERVE: &str = concat!(include_str!("../guard.py"), include_str!("disk.py"));
/// What uses a node's data folder as its server would.
const LOOK: &str = concat!(include_str!("../guard.py"), include_str!("disk_look.py"));
/// How long the file system may take to mount, or to take an order: the first time its interpreter starts.
const ANSWER: Duration = Duration::from_secs(20);
/// How long a look may take: an operation may take 2 s, and each kind is tried at least three times.
const LOOKS: Duration = Duration::from_secs(90);
/// The kernel's door to file systems outside of it.
const DEVICE: &str = "/dev/fuse";
/// What mounting in a node's view of files takes, looking into its processes, serving files, and giving rights up.
const CAPABILITIES: [&str; 11] = [
    "SYS_ADMIN",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "MKNOD",
    "SETGID",
    "SETUID",
    "SETPCAP",
];
/// Memory of a container that serves a disk: what is written and not synced is in it.
const MEMORY: i64 = 512 << 20;
/// Waits until the data folder has our file system; the program that follows the folder is the node's own.
const GATE: &str = r#"laid() { while read -r _ at kind _; do [ "$at $kind" = "$1 fuse.drdrill" ] && return; done </proc/mounts; return 1; }
until laid "$1"; do sleep 0.05; done; cd "$PWD"; shift; exec "$@""#;
/// Mounts such a file system in a view of files of its own.
const TRY: &str = r#"import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
door = os.open("/dev/fuse", os.O_RDWR)
options = b"fd=%d,rootmode=40000,user_id=0,group_id=0" % door
failed = libc.mount(b"drdrill", b"/mnt", b"fuse.drdrill", 6, options)
print(os.strerror(ctypes.get_errno()) if failed else "mounted")"#;

/// The disk under one node's data.
pub(super) struct Disk {
    folder: String,
    faults: BTreeMap<usize, DiskFault>,
    pipe: Option<(Writer, Reader)>,
}

type Writer = std::pin::Pin<Box<dyn tokio::io::AsyncWrite + Send>>;
type Reader = BufReader<std::pin::Pin<Box<dyn tokio::io::AsyncRead + Send>>>;

#[derive(Deserialize)]
struct Answer {
    error: Option<String>,
    /// How much the folder may hold, for each fault in turn that has a say in it.
    #[serde(default)]
    most: Vec<Option<u64>>,
}

impl Disk {
    /// The disk under this folder, with nothing wrong.
    pub fn new(folder: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            faults: BTreeMap::new(),
            pipe: None,
        }
    }

    /// Mounts it in a node that has just been started, with what is wrong with it.
    pub async fn lay(&mut self, engine: &Engine, server: &str) -> Result<(), RuntimeError> {
        let argv = ["python3", "-I", "-S", "-c", SERVE, &self.folder];
        let Pipe { input, output } = exec::open(engine, server, &argv).await?;
        self.pipe = Some((input, BufReader::new(output)));
        self.tell(server).await
    }

    /// Changes what is wrong with it, and returns how many faults are in force then. Where its node is down that is
    /// so from its next start on.
    pub async fn change(
        &mut self,
        fault: usize,
        what: Option<DiskFault>,
        runs: bool,
        server: &str,
    ) -> Result<usize, RuntimeError> {
        match what {
            Some(what) => self.faults.insert(fault, what),
            None => self.faults.remove(&fault),
        };
        if runs {
            self.tell(server).await?;
        }
        Ok(self.faults.len())
    }

    async fn tell(&mut self, server: &str) -> Result<(), RuntimeError> {
        let unfit = |cause: String| RuntimeError::Failed {
            action: "put a file system under the data of a node by",
            node: server.to_owned(),
            cause,
        };
        let Some((input, output)) = &mut self.pipe else {
            return Err(unfit("it was not mounted".into()));
        };
        let faults: Vec<&DiskFault> = self.faults.values().collect();
        let mut line = serde_json::to_vec(&faults).map_err(|error| unfit(error.to_string()))?;
        line.push(b'\n');
        let talk = async {
            input.write_all(&line).await?;
            input.flush().await?;
            let mut answer = String::new();
            output.read_line(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let answer = timeout(ANSWER, talk)
            .await
            .map_err(|_| unfit(format!("no answer within {ANSWER:?}")))?
            .map_err(|error| unfit(error.to_string()))?;
        match serde_json::from_str(&answer) {
            Ok(Answer { error: None, most }) => {
                let faults = self.faults.values_mut().zip(most);
                faults.for_each(|(fault, most)| fault.settle(most));
                Ok(())
            }
            Ok(Answer {
                error: Some(error), ..
            }) => Err(unfit(error)),
            Err(_) => Err(unfit("its program has ended".into())),
        }
    }

    /// The folder that it is mounted over.
    pub fn folder(&self) -> String {
        self.folder.clone()
    }

    /// Lets a node wait for it before its own program starts.
    pub fn gate(&self, entrypoint: &[String]) -> Vec<String> {
        let first = ["/bin/sh", "-c", GATE, "sh", &self.folder].map(str::to_owned);
        first.into_iter().chain(entrypoint.to_vec()).collect()
    }
}

/// The disk under a new node's data, if it is to be made to go wrong.
pub(super) fn of(spec: &NodeSpec, disks: Option<&Disks>) -> Result<Option<Disk>, RuntimeError> {
    let Some(disks) = disks.filter(|disks| disks.nodes.contains(&spec.name)) else {
        return Ok(None);
    };
    if spec.entrypoint.is_empty() || !spec.sidecar {
        return Err(RuntimeError::Unsupported(format!(
            "`{}` is not started by a script of ours, so it cannot be made to wait for its disk",
            spec.name
        )));
    }
    Ok(Some(Disk::new(&disks.folder)))
}

/// Uses a node's data folder as its server would.
pub(super) async fn look(
    engine: &Engine,
    server: &str,
    folder: &str,
    how: DiskLook,
) -> Result<DiskFigures, RuntimeError> {
    let (times, fill) = (how.times.to_string(), how.fill.to_string());
    let stays = if how.stays { "stays" } else { "goes" };
    let argv = [
        "python3", "-I", "-S", "-c", LOOK, folder, &times, stays, &fill,
    ];
    let said = exec::run(engine, server, &argv, LOOKS).await?;
    serde_json::from_str(&said.stdout).map_err(|_| RuntimeError::Failed {
        action: "use the data folder of a node by",
        node: server.to_owned(),
        cause: said.stderr.lines().last().unwrap_or_default().to_owned(),
    })
}

/// The body of the container that serves a disk: it waits in the process namespace of the node whose container this is,
/// and ends with it.
pub(super) fn server(
    image: &str,
    container: &str,
    labels: &HashMap<String, String>,
) -> ContainerCreateBody {
    let mut body = container::once(image, &["sleep", "infinity"], labels);
    open_door(&mut body);
    let host = body.host_config.get_or_insert_default();
    host.pid_mode = Some(format!("container:{container}"));
    host.memory = Some(MEMORY);
    host.memory_swap = Some(MEMORY);
    body
}

fn open_door(body: &mut ContainerCreateBody) {
    let host = body.host_config.get_or_insert_default();
    container::allow(host, &CAPABILITIES);
    container::unconfine(host);
    host.devices = Some(vec![DeviceMapping {
        path_on_host: Some(DEVICE.into()),
        path_in_container: Some(DEVICE.into()),
        cgroup_permissions: Some("rwm".into()),
    }]);
}

/// The program and the body of a throw-away container that shows whether any of this can be had.
pub(super) fn trial(image: &str, labels: &HashMap<String, String>) -> ContainerCreateBody {
    let mut body = container::once(image, &["python3", "-I", "-S", "-c", TRY], labels);
    open_door(&mut body);
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_s_own_program_follows_the_wait_for_its_disk() {
        let own = ["sh".to_owned(), "/drdrill/start.sh".to_owned()];
        let gate = Disk::new("/data").gate(&own);
        assert_eq!(gate[4..], ["/data", "sh", "/drdrill/start.sh"]);
        assert!(gate[2].ends_with(r#"shift; exec "$@""#));
    }

    #[test]
    fn faults_are_told_as_the_file_system_reads_them() {
        let slow = DiskFault::Slow {
            delay: 0.05,
            operations: vec![crate::scenario::DiskOperation::Sync],
        };
        let mut quota = DiskFault::Quota {
            room: 9,
            most: None,
        };
        let told = serde_json::to_string(&[&DiskFault::ReadOnly, &slow, &quota]).unwrap();
        let wanted = r#"[{"kind":"read-only"},{"kind":"slow","delay":0.05,"operations":["sync"]},{"kind":"quota","room":9}]"#;
        // What a folder may hold stays as it was first told.
        for told in [None, Some(12), Some(99)] {
            quota.settle(told);
        }
        let settled = serde_json::to_string(&quota).unwrap();
        assert_eq!(settled, r#"{"kind":"quota","room":9,"most":12}"#);
        assert_eq!(told, wanted);
    }
}
