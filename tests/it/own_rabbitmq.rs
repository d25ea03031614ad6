//! RabbitMQ's quorum queues, of which drdrill knows nothing, through a client program that runs in a container.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::{
    compose_rig::{PASSWORD, Project, RABBITMQ},
    drill_rig::Drill,
};

impl Project {
    /// The drill of the example, on this project.
    fn broker_drill(&self) -> Drill {
        let text = fs::read_to_string(self.folder.join("drill.yaml")).expect("the drill");
        let drill = Drill::written("");
        let secret = drill.folder.path().join("password");
        fs::write(&secret, format!("app:{PASSWORD}")).expect("a password");
        let closed = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&secret, closed).expect("a password of one's own");
        let client = format!(
            "[docker, run, --rm, -i, --network, host, -e, DRDRILL_LOGIN, -v, \"{}:/client:ro\", --entrypoint, python3, \"{RABBITMQ}\", /client/client.py]",
            self.folder.display()
        );
        let text = text
            .replace("project: broker", &format!("project: {}", self.name))
            .replace("[python3, client.py]", &client)
            .replace(
                "env:RABBITMQ_PASSWORD",
                &format!("file:{}", secret.display()),
            );
        fs::write(&drill.scenario, text).expect("the drill");
        drill
    }
}

#[test]
#[ignore = "takes minutes: make test-long"]
fn a_quorum_queue_is_drilled_green_and_red() {
    let project = Project::built("own-rabbitmq", RABBITMQ, "drdrillbroker");
    let done = project.broker_drill().run();
    done.expect(0, "pass");
    assert!(
        done.value("rto").is_some_and(|rto| rto > 0.0),
        "{}",
        done.talk
    );
    assert_eq!(done.line("rpo_count"), "met", "{}", done.talk);
    assert_eq!(done.finding("residue"), "valid", "{}", done.talk);
    let method = fs::read_to_string(done.run.join("report.html")).expect("the report");
    assert!(method.contains("No lane read"), "{method}");
    let no_majority = project
        .broker_drill()
        .set("drill.1.fault.kill", "replicas")
        .set("stack.own.attach.max-targets", "2")
        .run();
    assert_eq!(no_majority.line("rto"), "missed", "{}", no_majority.talk);
    assert_eq!(no_majority.line("rpo_count"), "met", "{}", no_majority.talk);
    let queues = "rabbitmqctl list_queues -q name";
    let left =
        crate::compose_rig::docker(&["exec", &project.container("rabbit-1"), "sh", "-c", queues]);
    assert!(!left.contains("drdrill-"), "{left}");
}
