//! Nodes whose images are hostile: what of ours looks into them runs none of their files, and they may do little.

use std::process::Command;

use drdrill::{
    id::NodeName,
    runtime::{DiskLook, NodeFile, NodeSpec, Runtime},
};

use crate::docker_rig::{Rig, spec};

/// What interpreters of several versions look for late: to tell of an error, to read a text, at their end.
const LATE: [&str; 10] = [
    "traceback",
    "linecache",
    "tokenize",
    "contextlib",
    "textwrap",
    "codeop",
    "_colorize",
    "warnings",
    "encodings/idna",
    "encodings/ascii",
];
const LOOK: DiskLook = DiskLook {
    times: 3,
    stays: false,
    fill: 1 << 20,
};
/// Says what it was allowed when it was run.
const TAKEN: &str =
    "import os\nopen('/taken', 'a').write(__name__ + ' ' + open('/proc/self/status').read())\n";

/// A node that brings modules of its own under the names of the interpreter's, and takes the data folder's place away.
fn hostile(name: &NodeName, then: &str) -> NodeSpec {
    let mut spec = spec(name);
    spec.files[0].bytes = format!("{then}; while :; do sleep 0.1; done\n").into_bytes();
    for version in 9..16 {
        spec.files.extend(LATE.map(|module| NodeFile {
            path: format!("/usr/lib/python3.{version}/{module}.py").into(),
            mode: 0o644,
            bytes: TAKEN.into(),
        }));
    }
    spec
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn a_look_at_a_disk_runs_none_of_the_node_s_files() {
    let rig = Rig::on_disks(&["a"], "/srv/store/data").await;
    let a = NodeName::new("a");
    let spec = hostile(&a, "mv /srv/store /srv/gone && touch /moved");
    rig.runtime.create(&spec).await.expect("created");
    rig.runtime.start(&a).await.expect("started");
    let moved = rig
        .exec(&a, "until [ -e /moved ]; do sleep 0.1; done")
        .await;
    assert_eq!(moved.code, 0);
    let looked = rig.runtime.try_disk(&a, LOOK).await;
    let said = looked.expect_err("the folder is gone").to_string();
    let taken = rig.exec(&a, "cat /taken 2>/dev/null").await.stdout;
    rig.down().await;
    assert_eq!(taken, "", "a module of the node was run");
    assert!(said.contains("No such file"), "{said}");
}

/// The kernel's word on the programs of ours that stay in a node's process namespace: capabilities by their numbers.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn a_disk_s_server_keeps_the_rights_of_a_file_server_and_nodes_cannot_enter_it() {
    let rig = Rig::on_disks(&["a"], "/data").await;
    rig.up().await;
    let a = NodeName::new("a");
    let server = "for at in /proc/[0-9]*; do case $(tr '\\0' ' ' <$at/cmdline) in python3*) \
                  cat $at/status; ls $at/root/ 2>&1;; esac; done";
    let seen = rig.exec(&a, server).await.stdout;
    let looked = rig.runtime.try_disk(&a, LOOK).await;
    rig.down().await;
    let figures = looked.expect("a look");
    assert_eq!(figures.write.tried, 3);
    // CHOWN, DAC_OVERRIDE, FOWNER, FSETID and MKNOD.
    for (field, wanted) in [
        ("CapPrm", "000000000800001b"),
        ("CapEff", "000000000800001b"),
        ("CapBnd", "000000000800001b"),
        ("CapInh", "0000000000000000"),
        ("CapAmb", "0000000000000000"),
        ("NoNewPrivs", "1"),
    ] {
        let line = format!("{field}:\t{wanted}\n");
        assert!(seen.contains(&line), "no {line} in\n{seen}");
    }
    assert!(seen.contains("Permission denied"), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn nodes_gain_no_rights_have_an_end_of_processes_and_reach_nothing_outside() {
    let rig = Rig::new(&["a", "b"]).await;
    rig.up().await;
    let a = NodeName::new("a");
    let rights = rig.exec(&a, "grep NoNewPrivs /proc/1/status").await.stdout;
    let name = format!("drdrill-{}", rig.run.tail());
    let inspected = |what: &[&str]| {
        let output = Command::new("docker").args(what).output().expect("docker");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let host = "{{.HostConfig.PidsLimit}} {{.HostConfig.SecurityOpt}} {{.HostConfig.CapDrop}}";
    let node = inspected(&["inspect", "-f", host, &format!("{name}-a")]);
    let sidecar = inspected(&["inspect", "-f", host, &format!("{name}-a.sidecar")]);
    let internal = inspected(&["network", "inspect", "-f", "{{.Internal}}", &name]);
    rig.down().await;
    assert_eq!(rights, "NoNewPrivs:\t1\n");
    assert_eq!(node, "8192 [no-new-privileges] []");
    assert_eq!(sidecar, "8192 [no-new-privileges] [ALL]");
    assert_eq!(internal, "true");
}
