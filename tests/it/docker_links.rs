//! Links cut and healed from sidecars, on a real engine.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use drdrill::{
    id::NodeName,
    net::{Admission, Counted, Grudge, Knock, LinkProbe, Links, Refusal, SidecarLinks},
    runtime::{Runtime, Signal},
};

use crate::docker_rig::Rig;

const LIMIT: Duration = Duration::from_secs(1);

struct Net {
    rig: Rig,
    links: SidecarLinks,
    names: Vec<NodeName>,
}

impl Net {
    async fn new() -> Self {
        let rig = Rig::new(&["a", "b", "c"]).await;
        rig.up().await;
        let names: Vec<NodeName> = rig.addresses.keys().cloned().collect();
        let runtime: Arc<dyn Runtime> =
            Arc::<drdrill::runtime::docker::DockerRuntime>::clone(&rig.runtime);
        let links = SidecarLinks::new(runtime, rig.journal.clone(), rig.addresses.clone());
        let before = Instant::now();
        links.arm(&names).await.unwrap();
        println!("armed in {:?}", before.elapsed());
        let net = Self { rig, links, names };
        net.expect_cut(&[]).await;
        net
    }

    /// Drops at `node`: what comes from these and goes to those.
    fn grudge(&self, node: usize, from: &[usize], to: &[usize]) -> Grudge {
        let addresses = |nodes: &[usize]| {
            nodes
                .iter()
                .map(|&n| self.rig.addresses[&self.names[n]])
                .collect()
        };
        Grudge {
            node: self.names[node].clone(),
            incoming_from: addresses(from),
            outgoing_to: addresses(to),
            ports: Vec::new(),
            refusal: Refusal::Drop,
        }
    }

    /// Exactly these links are cut, on old and new connections alike; the harness sees every node.
    async fn expect_cut(&self, wanted: &[(usize, usize)]) {
        let probes = self.links.probe(LIMIT).await.unwrap();
        assert_eq!(probes.len(), 9, "{probes:?}");
        let index = |node: &NodeName| self.names.iter().position(|name| name == node).unwrap();
        for LinkProbe {
            from,
            to,
            established,
            fresh,
        } in probes
        {
            let cut = to
                .as_ref()
                .is_some_and(|to| wanted.contains(&(index(&from), index(to))));
            assert_eq!((established, fresh), (!cut, !cut), "{from} -> {to:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn a_partition_cuts_old_and_new_connections_until_it_is_healed() {
    let net = Net::new().await;
    let before = Instant::now();
    let grudges = [
        net.grudge(0, &[1, 2], &[1, 2]),
        net.grudge(1, &[0], &[0]),
        net.grudge(2, &[0], &[0]),
    ];
    net.links.cut(0, &grudges).await.unwrap();
    println!("cut at three nodes: {:?}", before.elapsed());
    net.expect_cut(&[(0, 1), (1, 0), (0, 2), (2, 0)]).await;
    assert!(
        net.links
            .rules(&net.names[0])
            .await
            .unwrap()
            .contains("chain outgoing")
    );
    let before = Instant::now();
    net.links.heal(0).await.unwrap();
    println!("heal at three nodes: {:?}", before.elapsed());
    net.expect_cut(&[]).await;
    for name in &net.names {
        assert_eq!(net.links.rules(name).await.unwrap(), "");
    }
    for _ in 0..5 {
        let before = Instant::now();
        net.links.cut(0, &grudges).await.unwrap();
        let cut = before.elapsed();
        net.links.heal(0).await.unwrap();
        println!("again: cut {cut:?}, heal {:?}", before.elapsed() - cut);
    }
    net.rig.down().await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn one_way_cuts_stop_answers_too_and_cuts_add_up() {
    let net = Net::new().await;
    // Answers pass the same filter: a connection needs both ways, so both probes fail, and no other does.
    net.links.cut(0, &[net.grudge(0, &[1], &[])]).await.unwrap();
    net.expect_cut(&[(0, 1), (1, 0)]).await;
    net.links.cut(0, &[net.grudge(0, &[], &[2])]).await.unwrap();
    net.expect_cut(&[(0, 1), (1, 0), (0, 2), (2, 0)]).await;
    let rules = net.links.rules(&net.names[0]).await.unwrap();
    assert!(
        rules.contains("ip saddr") && rules.contains("ip daddr"),
        "{rules}"
    );
    // One way only, seen without TCP: a datagram from 1 does not reach 0, one from 0 reaches 1.
    net.links.heal(0).await.unwrap();
    net.links.cut(0, &[net.grudge(0, &[1], &[])]).await.unwrap();
    assert!(!datagram_passes(&net, 1, 0).await);
    assert!(datagram_passes(&net, 0, 1).await);
    net.rig.down().await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn new_connections_beyond_a_rate_get_no_answer_until_it_is_healed_and_others_go_on() {
    let net = Net::new().await;
    let knock = Knock {
        count: 40,
        gap: Duration::from_millis(25),
        limit: Duration::from_millis(700),
    };
    let knocked = async |node: usize| net.links.knock(&net.names[node], knock).await.unwrap();
    assert_eq!(knocked(0).await.answered, 40);
    let few = Admission {
        node: net.names[0].clone(),
        ports: Vec::new(),
        per_second: 10,
    };
    net.links
        .admit(0, std::slice::from_ref(&few))
        .await
        .unwrap();
    let (limited, other) = (knocked(0).await, knocked(1).await);
    let rules = net.links.rules(&net.names[0]).await.unwrap();
    println!("{limited:?}\n{rules}");
    assert!(limited.answered >= 5, "{limited:?}");
    assert!(
        f64::from(limited.answered) <= few.most(limited.seconds),
        "{limited:?}"
    );
    assert_eq!(limited.answered + limited.silent, 40, "{limited:?}");
    assert_eq!(other.answered, 40, "{other:?}");
    let counted = Counted::of(&rules);
    // On a busy machine one that got through may be answered too late.
    let silent = u64::from(limited.silent);
    assert_eq!(counted.came, 40, "{rules}");
    assert!((25..=silent).contains(&counted.dropped), "{rules}");
    // A grudge beside it rewrites the table; both are in force, and are undone one by one.
    net.links
        .cut(1, &[net.grudge(0, &[1], &[1])])
        .await
        .unwrap();
    assert!(knocked(0).await.silent > 20);
    net.links.heal(1).await.unwrap();
    let probes = net.links.probe(LIMIT).await.unwrap();
    assert!(probes.iter().all(|probe| probe.established), "{probes:?}");
    net.links.heal(0).await.unwrap();
    assert_eq!(net.links.rules(&net.names[0]).await.unwrap(), "");
    assert_eq!(knocked(0).await.answered, 40);
    net.expect_cut(&[]).await;
    net.rig.down().await;
}

async fn datagram_passes(net: &Net, from: usize, to: usize) -> bool {
    use tokio::io::AsyncReadExt;
    let address = net.rig.addresses[&net.names[to]].to_string();
    let listen = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 28999)); \
                  s.settimeout(1); print('bound', flush=True); print(s.recv(9).decode())";
    let send = format!(
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'hello', ('{address}', 28999))"
    );
    let mut heard = net
        .rig
        .runtime
        .beside(&net.names[to], &["python3", "-c", listen])
        .await
        .unwrap();
    let mut word = [0; 6];
    heard.output.read_exact(&mut word).await.unwrap();
    let mut sent = net
        .rig
        .runtime
        .beside(&net.names[from], &["python3", "-c", &send])
        .await
        .unwrap();
    let mut text = String::new();
    sent.output.read_to_string(&mut text).await.unwrap();
    text.clear();
    heard.output.read_to_string(&mut text).await.unwrap();
    text.contains("hello")
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(docker_tests), ignore = "needs Docker: DRDRILL_DOCKER_TESTS=1")]
async fn a_node_that_restarts_inside_a_partition_stays_partitioned_and_can_be_healed() {
    let net = Net::new().await;
    net.links
        .cut(0, &[net.grudge(0, &[1, 2], &[1, 2])])
        .await
        .unwrap();
    net.rig
        .runtime
        .signal(&net.names[0], Signal::Kill)
        .await
        .unwrap();
    net.rig.runtime.start(&net.names[0]).await.unwrap();
    net.links.arm(&net.names).await.unwrap();
    let probes = net.links.probe(LIMIT).await.unwrap();
    let cut = |p: &&LinkProbe| p.from == net.names[0] && p.to.is_some();
    assert!(
        probes
            .iter()
            .filter(cut)
            .all(|p| !p.fresh && !p.established),
        "{probes:?}"
    );
    net.links.heal(0).await.unwrap();
    net.links.arm(&net.names).await.unwrap();
    net.expect_cut(&[]).await;
    // Healing does not need a node that is gone, and works on one that came back unarmed.
    net.links
        .cut(0, &[net.grudge(0, &[1], &[1])])
        .await
        .unwrap();
    net.rig
        .runtime
        .signal(&net.names[0], Signal::Kill)
        .await
        .unwrap();
    net.rig
        .runtime
        .signal(&net.names[1], Signal::Kill)
        .await
        .unwrap();
    net.rig.runtime.start(&net.names[1]).await.unwrap();
    net.links.heal(0).await.unwrap();
    net.rig.down().await;
}
