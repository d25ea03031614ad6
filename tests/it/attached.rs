//! Drills of containers that drdrill did not create, brought up by Docker Compose from the file that the docs name.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use drdrill::{runtime::docker::Engine, system::own};
use serde_json::Value;

use crate::{
    compose_rig::{NATS, PASSWORD, Project, docker},
    docker_rig::SIDECAR,
    drill_rig::{DRDRILL, Done, Drill},
    drills::wait_for,
};

const SERVICES: [&str; 6] = [
    "redis-1",
    "redis-2",
    "redis-3",
    "sentinel-1",
    "sentinel-2",
    "sentinel-3",
];

impl Project {
    fn up(name: &str) -> Self {
        let project = Self::of("own-redis", name);
        project.settled();
        project
    }

    /// Asks a server of it.
    fn ask(&self, service: &str, words: &[&str]) -> String {
        let container = self.container(service);
        let port = if service.starts_with("sentinel") {
            "26379"
        } else {
            "6379"
        };
        let mut all = vec![
            "exec",
            &container,
            "redis-cli",
            "--no-auth-warning",
            "-p",
            port,
        ];
        if port == "6379" {
            all.extend(["-a", PASSWORD]);
        }
        all.extend(words);
        docker(&all)
    }

    /// Every sentinel could fail over.
    fn settled(&self) {
        let end = Instant::now() + Duration::from_secs(60);
        let well = || {
            SERVICES[3..].iter().all(|sentinel| {
                self.ask(sentinel, &["SENTINEL", "CKQUORUM", "orders"])
                    .starts_with("OK 3")
                    && self
                        .ask(sentinel, &["SENTINEL", "REPLICAS", "orders"])
                        .matches("master-link-status\nok")
                        .count()
                        == 2
            })
        };
        while !well() {
            assert!(Instant::now() < end, "the project does not settle");
            thread::sleep(Duration::from_millis(300));
        }
    }

    /// What must be the same afterwards: how each container was made, where it is, and that it runs.
    fn facts(&self) -> BTreeMap<&'static str, Value> {
        let of = |service: &'static str| {
            let text = docker(&["inspect", &self.container(service)]);
            let all: Value = serde_json::from_str(&text).expect("JSON");
            let one = &all[0];
            let networks = one["NetworkSettings"]["Networks"]
                .as_object()
                .expect("networks");
            let addresses: Vec<&Value> = networks
                .values()
                .map(|network| &network["IPAddress"])
                .collect();
            let state = [&one["State"]["Running"], &one["State"]["Paused"]];
            let facts = serde_json::json!([
                one["Id"],
                one["Image"],
                one["Config"],
                one["HostConfig"],
                one["Mounts"],
                addresses,
                state
            ]);
            (service, facts)
        };
        SERVICES.into_iter().map(of).collect()
    }

    /// The drill of the docs, on this project.
    fn drill(&self) -> Drill {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/own-redis/drill.yaml");
        let text = fs::read_to_string(file).expect("the drill");
        let text = text.replace("project: orders", &format!("project: {}", self.name));
        let drill = Drill::written(&text);
        let secret = drill.folder.path().join("password");
        fs::write(&secret, PASSWORD).expect("a password");
        let closed = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&secret, closed).expect("a password of one's own");
        let login = format!("file:{}", secret.display());
        fs::write(&drill.scenario, text.replace("env:REDIS_PASSWORD", &login)).expect("the drill");
        drill
    }

    /// Nothing of drdrill's is left: no container, no key.
    fn is_clean(&self) {
        assert_eq!(
            docker(&["ps", "-aq", "--filter", "label=drdrill.attached"]),
            ""
        );
        for service in &SERVICES[..3] {
            assert_eq!(
                self.ask(service, &["--scan", "--pattern", "drdrill:*"])
                    .trim(),
                "",
                "{service}"
            );
        }
    }

    /// Whether every server reaches every other one.
    fn is_joined(&self) -> bool {
        let data = &SERVICES[..3];
        let reach = |from: &str, to: &str| {
            let container = self.container(from);
            let argv = [
                "exec",
                &container,
                "timeout",
                "1",
                "redis-cli",
                "-h",
                to,
                "-a",
                PASSWORD,
                "ping",
            ];
            docker(&argv).contains("PONG")
        };
        data.iter().all(|from| {
            data.iter()
                .filter(|to| *to != from)
                .all(|to| reach(from, to))
        })
    }

    /// Runs a command in the network of a service's container.
    fn beside(&self, service: &str, command: &[&str]) -> String {
        let network = format!("container:{}", self.container(service));
        let run = [
            "run",
            "--rm",
            "--network",
            &network,
            "--cap-add",
            "NET_ADMIN",
            SIDECAR,
        ];
        docker(&[&run, command].concat())
    }
}

fn aborted(done: &Done, words: &str) {
    assert!(done.talk.contains(words), "{words}: {}", done.talk);
    assert_ne!(done.exit, 0, "{}", done.talk);
}

/// Every file of a run folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    entries
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => files(&path),
            path => vec![path],
        })
        .collect()
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
fn a_compose_project_is_drilled_and_given_back_as_it_was() {
    let project = Project::up("drdrillown");
    let before = project.facts();
    let refused = project
        .drill()
        .set("stack.redis.settings.down-after", "1s")
        .run();
    aborted(
        &refused,
        "`down-after: 1s`, and `down-after-milliseconds` is 5000 ms",
    );
    let text = fs::read_to_string(project.folder.join("drill.yaml")).expect("the drill");
    let text = text.replace("project: orders", &format!("project: {}", project.name));
    let open = Drill::written(&text.replace("login: env:REDIS_PASSWORD", "")).run();
    aborted(
        &open,
        "it asks for a password: say where that is by `login: env:NAME`",
    );
    let closed = project.drill();
    let wrong = closed.folder.path().join("wrong");
    fs::write(&wrong, "open-nothing").expect("a password");
    fs::set_permissions(&wrong, fs::Permissions::from_mode(0o600)).expect("closed");
    let login = format!("file:{}", wrong.display());
    let closed = closed.set("stack.redis.attach.login", &login).run();
    aborted(&closed, "it does not take the password that `login` names");
    // What somebody else does to packets is not ours to take away.
    let rule = [
        "iptables", "-t", "mangle", "-A", "OUTPUT", "-p", "icmp", "-j", "ACCEPT",
    ];
    project.beside("redis-2", &rule);
    let shaped = project.drill().run();
    aborted(
        &shaped,
        "packets of `redis-2` are filtered or shaped already",
    );
    let list = ["iptables", "-t", "mangle", "-S", "OUTPUT"];
    assert!(
        project
            .beside("redis-2", &list)
            .contains("-A OUTPUT -p icmp"),
        "it is still there"
    );
    project.beside("redis-2", &["iptables", "-t", "mangle", "-F", "OUTPUT"]);
    let plan = tempfile::NamedTempFile::new().expect("a file");
    let other = project.drill().with(&["--plan", &"0".repeat(64)]).run();
    aborted(&other, "what is there is not what was planned");
    let drill = project.drill();
    let out = plan.path().to_str().expect("a path");
    let planned = Command::new(DRDRILL)
        .arg("plan")
        .arg(&drill.scenario)
        .args(["--out", out])
        .output();
    assert!(planned.expect("drdrill").status.success());
    let done = drill.with(&["--plan", out]).run();
    assert_eq!(done.line("rto"), "met", "{}", done.talk);
    assert!(
        done.value("rto").is_some_and(|rto| rto > 5.0),
        "{}",
        done.talk
    );
    assert_eq!(done.finding("residue"), "valid", "{}", done.talk);
    assert_eq!(done.finding("effect-verified"), "valid", "{}", done.talk);
    assert_eq!(project.facts(), before);
    project.is_clean();
    assert!(project.is_joined());
    for file in files(&done.run) {
        let bytes = fs::read(&file).expect("a file");
        let found = bytes
            .windows(PASSWORD.len())
            .any(|window| window == PASSWORD.as_bytes());
        assert!(!found, "the password is in {}", file.display());
    }
    assert!(!done.talk.contains(PASSWORD));
    // What keeps an old primary from taking writes goes: first it is told, and then two nodes take writes.
    project.settled();
    for service in &SERVICES[..3] {
        let set = ["CONFIG", "SET", "min-replicas-to-write", "0"];
        assert_eq!(project.ask(service, &set).trim(), "OK");
    }
    let told = project.drill().run();
    aborted(
        &told,
        "`min-replicas-to-write: 1`, and `min-replicas-to-write` is 0",
    );
    let key = "stack.redis.settings.min-replicas-to-write";
    let red = project.drill().set(key, "0").run();
    let lines = (red.exit, red.line("split_brain"));
    assert_eq!(lines, (1, "missed"), "{}", red.talk);
    project.is_clean();
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
fn what_a_killed_drill_did_is_undone_where_the_containers_are() {
    let project = Project::up("drdrilllease");
    for fault in ["{ pause: primary }", "{ partition: { isolate: primary } }"] {
        let drill = project.drill();
        let scenario = drill.folder.path().join("scenario.yaml");
        let text = fs::read_to_string(&scenario).expect("the drill");
        let text = text.replace("{ partition: { isolate: primary } }", fault);
        let text = text.replace("login:", "lease: 5s\n      login:");
        fs::write(&scenario, text).expect("the drill");
        let mut child = drill.spawn();
        wait_for(&drill, "\"effect\"", Duration::from_secs(60));
        child.kill().expect("killed");
        let since = Instant::now();
        child.wait().expect("its end");
        let frozen = || {
            SERVICES.iter().any(|service| {
                docker(&[
                    "inspect",
                    "-f",
                    "{{.State.Paused}}",
                    &project.container(service),
                ])
                .trim()
                    == "true"
            })
        };
        assert!(
            frozen() || !project.is_joined(),
            "{fault}: nothing was in force"
        );
        // A lease and 5 s, as the docs say; no sweep.
        while frozen() || !project.is_joined() {
            assert!(
                since.elapsed() < Duration::from_secs(13),
                "{fault}: still in force"
            );
        }
        println!("{fault}: undone {:?} after the kill", since.elapsed());
        let (code, said) = drill.sweep();
        assert_eq!(code, 0, "{said}");
        assert_eq!(
            docker(&["ps", "-aq", "--filter", "label=drdrill.attached"]),
            ""
        );
        project.settled();
    }
    // Without what would undo its faults no drill goes on.
    let drill = project.drill();
    let child = drill.spawn();
    wait_for(&drill, "\"effect\"", Duration::from_secs(60));
    let lease = docker(&["ps", "-q", "--filter", "name=-lease"]);
    docker(&["kill", lease.trim()]);
    let output = child.wait_with_output().expect("an end");
    let unguarded = drill.done(&output);
    unguarded.expect(3, "inconclusive");
    assert!(
        unguarded.talk.contains("`lease`, which the faults at"),
        "{}",
        unguarded.talk
    );
    assert_eq!(unguarded.finding("residue"), "valid", "{}", unguarded.talk);
    assert!(project.is_joined());
    project.settled();
    // The keys of the killed drills go with the next one.
    let drill = project
        .drill()
        .set("drill.1", "{ fault: noop }")
        .set("targets.rto", "any");
    let done = drill.run();
    assert!([0, 3].contains(&done.exit), "{}", done.talk);
    project.is_clean();
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn a_halt_in_the_engine_is_seen_by_all_of_it_until_it_is_lifted() {
    let engine = Engine::connect(None).await.expect("an engine");
    assert_eq!(engine.halted().await.expect("an answer"), None);
    engine.halt("a real incident").await.expect("halted");
    let seen = engine.halted().await;
    let drill = Drill::shipped("redis/sentinel-kill.yaml");
    let ended = tokio::task::spawn_blocking(move || drill.run()).await;
    let lifted = engine.lift().await.expect("lifted");
    assert_eq!(seen.expect("an answer").as_deref(), Some("a real incident"));
    assert!(lifted);
    ended.expect("an end").expect(9, "aborted");
    assert_eq!(engine.halted().await.expect("an answer"), None);
}

/// NATS with JetStream, of which drdrill knows nothing.
fn nats(name: &str) -> Project {
    let project = Project::built("own-client", NATS, name);
    let client = project.folder.join("client.py");
    let client = client.to_str().expect("a path");
    // Members that have only just met place no stream for a while.
    let end = Instant::now() + Duration::from_secs(120);
    loop {
        let (code, said) = conform(&["python3", client]);
        if code == Some(0) {
            return project;
        }
        assert!(Instant::now() < end, "the project does not settle: {said}");
    }
}

fn conform(program: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(DRDRILL);
    let command = command.arg("conform").args([
        "--node",
        "n1=172.31.248.11",
        "--node",
        "n2=172.31.248.12",
        "--node",
        "n3=172.31.248.13",
        "--",
    ]);
    let output = command.args(program).output().expect("the binary starts");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

/// Each line is what the schema calls so, and a line without its number is not.
fn keeps_to_the_schema(definition: &str, lines: &str) {
    let mut schema = own::json_schema();
    schema["anyOf"] = serde_json::json!([{ "$ref": format!("#/$defs/{definition}") }]);
    let schema = jsonschema::validator_for(&schema).expect("the schema is one");
    for line in lines.lines() {
        let mut value: Value = serde_json::from_str(line).expect("JSON");
        assert!(schema.is_valid(&value), "{definition}: {line}");
        value.as_object_mut().expect("an object").remove("id");
        assert!(!schema.is_valid(&value), "{definition}: {line}");
    }
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_store_that_drdrill_does_not_know_is_drilled_through_a_program() {
    let project = nats("drdrillnats");
    let folder = project.folder.clone();
    let client = folder.join("client.py");
    let client = client.to_str().expect("a path");
    let heard = tempfile::tempdir().expect("a folder");
    let at = heard.path().display();
    let listened = format!("tee {at}/Request | python3 {client} | tee {at}/Answer");
    let (code, said) = conform(&["sh", "-c", &listened]);
    assert_eq!(code, Some(0), "{said}");
    for definition in ["Request", "Answer"] {
        let lines = fs::read_to_string(heard.path().join(definition)).expect("what was said");
        assert!(lines.lines().count() > 40, "{lines}");
        keeps_to_the_schema(definition, &lines);
    }
    // Programs that do not do what they say.
    let text = fs::read_to_string(client).expect("the client");
    let wrong = tempfile::tempdir().expect("a folder");
    let planted = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let path = wrong.path().join("client.py");
        fs::write(&path, text.replacen(from, to, 1)).expect("a client");
        conform(&["python3", path.to_str().expect("a path")])
    };
    let loses = "        connection = self.connection(until)\n        sent.append(True)\n";
    let (code, said) = planted(
        loses,
        "        if request[\"element\"][11] == \"7\": return {\"ok\": True}\n        connection = self.connection(until)\n        sent.append(True)\n",
    );
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("36 different elements of 40"), "{said}");
    let (code, said) = planted(
        "main()\n",
        "import os; os.write(1, b\"hello\\n\"); main()\n",
    );
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("no answer: `hello`"), "{said}");
    let drill = |rewrite: &dyn Fn(String) -> String| {
        let scenario = fs::read_to_string(folder.join("drill.yaml")).expect("the drill");
        let scenario = scenario.replace("project: queue", &format!("project: {}", project.name));
        let drill = Drill::written(&scenario);
        fs::write(drill.folder.path().join("client.py"), rewrite(text.clone())).expect("a client");
        drill
    };
    let sound = drill(&|text| text).run();
    sound.expect(0, "pass");
    assert!(
        sound.value("rto").is_some_and(|rto| rto > 0.5),
        "{}",
        sound.talk
    );
    assert_eq!(sound.finding("residue"), "valid", "{}", sound.talk);
    // Probes that this client refuses at every node see no second primary, and say so.
    let blind = drill(&|text| text);
    let blind = blind
        .set("clients.service.pinned", "200ms")
        .set("targets.split-brain", "0")
        .run();
    blind.expect(3, "inconclusive");
    assert_eq!(blind.line("split_brain"), "inconclusive", "{}", blind.talk);
    // A client that acknowledges what it never sent: every such write is lost, and told.
    let lying = drill(&|text| {
        text.replacen(
        loses,
        "        if request[\"element\"][9:12] == \"777\": return {\"ok\": True}\n        connection = self.connection(until)\n        sent.append(True)\n",
        1,
    )
    });
    // Number 777 of each lane falls due in the baseline, and 1,777 after the fault.
    let lying = lying.set("clients.service.rate", "400/s").run();
    assert_ne!(lying.exit, 0, "{}", lying.talk);
    assert_ne!(lying.verdict(), "pass", "{}", lying.talk);
    // A client that dies says nothing of the store, and what it wrote goes all the same.
    let dying = drill(&|text| text);
    let child = dying.spawn();
    wait_for(&dying, "\"effect\"", Duration::from_secs(60));
    let children = format!("kill -9 $(cat /proc/{}/task/*/children)", child.id());
    let killed = Command::new("sh").args(["-c", &children]).status();
    assert!(killed.expect("sh").success());
    let since = Instant::now();
    let output = child.wait_with_output().expect("an end");
    let took = since.elapsed();
    assert!(took < Duration::from_secs(60), "{took:?}");
    let died = dying.done(&output);
    died.expect(3, "inconclusive");
    let words = "the client program has ended";
    assert!(died.talk.contains(words), "{}", died.talk);
    assert_eq!(died.finding("residue"), "valid", "{}", died.talk);
    assert_eq!(
        docker(&["ps", "-aq", "--filter", "label=drdrill.attached"]),
        ""
    );
}
