//! What this machine can and cannot do for drills, and what each missing thing costs.

use std::{path::Path, time::Duration};

use crate::{
    id::RunId,
    runtime::{ExecOutput, ImageStore, RuntimeError, docker::Engine},
};

use super::{
    recipes::{BASE, DEBIAN, SIDECAR},
    resolve::{Resolver, State},
};

/// How long the look at the kernel's network features may take.
const LOOK: Duration = Duration::from_secs(20);
/// Cores below which stacks and clients get in each other's way.
const CORES: u64 = 4;
/// Memory below which the larger stacks do not fit.
const MEMORY_MIB: u64 = 6 << 10;
/// Free disk below which images and data may not fit.
const DISK_MIB: u64 = 5 << 10;
/// Tries each feature in a network namespace of its own; prints the names of those that work.
const FEATURES: &str = "\
nft add table inet drdrill_look && echo nf_tables
iptables -A OUTPUT -d 192.0.2.1 -j NFQUEUE --queue-num 1 --queue-bypass && [ -e /proc/net/netfilter/nfnetlink_queue ] && echo NFQUEUE
tc qdisc add dev lo root handle 1: htb default 0 && echo sch_htb
tc qdisc replace dev lo root handle 1: prio && tc qdisc add dev lo parent 1:2 netem delay 1ms && echo sch_netem
exit 0";

/// What the packet queue stands in for.
const EMULATOR: &str = "sch_netem";

/// One thing looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What it is.
    pub name: String,
    /// What was found.
    pub found: String,
    /// Whether that is enough.
    pub fitness: Fitness,
    /// What it costs that it is missing or limited, and the way out: one sentence; empty if nothing.
    pub cost: String,
}

/// Whether something is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fitness {
    /// It is.
    Good,
    /// It works with less.
    Limited,
    /// It is not there.
    Missing,
    /// It could not be found out.
    Unknown,
}

fn check(name: &str, found: impl Into<String>, fitness: Fitness, cost: &str) -> Check {
    let cost = if fitness == Fitness::Good { "" } else { cost };
    Check {
        name: name.to_owned(),
        found: found.into(),
        fitness,
        cost: cost.to_owned(),
    }
}

/// What is said where no engine answers.
pub fn no_engine(error: &RuntimeError) -> Check {
    let cost = "Only drills on the reference store run: they need no containers.";
    check("engine", error.to_string(), Fitness::Missing, cost)
}

/// Looks at everything. `run` names the throw-away container, so that a sweep finds it if this dies.
pub async fn examine(host: Option<&str>, resolver: &Resolver, run: &RunId) -> Vec<Check> {
    let engine = match Engine::connect(host).await {
        Ok(engine) => engine,
        Err(error) => return vec![no_engine(&error)],
    };
    let mut checks = match engine.facts().await {
        Ok(facts) => of_facts(&facts),
        Err(error) => {
            let cost = "Nothing can be said about the machine behind the engine.";
            vec![check("engine", error.to_string(), Fitness::Unknown, cost)]
        }
    };
    checks.push(of_processes(&engine).await);
    checks.extend(of_disk(&engine).await);
    checks.extend(of_network(&engine, run).await);
    checks.push(of_disks(&engine, run).await);
    checks.extend(of_images(&engine, resolver).await);
    checks
}

/// Judges the engine's facts.
fn of_facts(facts: &[(String, String)]) -> Vec<Check> {
    let value = |name: &str| {
        let fact = facts.iter().find(|(fact, _)| fact == name);
        fact.map_or("unknown", |(_, value)| value.as_str())
    };
    let number = |text: &str| {
        text.split(' ')
            .next()
            .and_then(|word| word.parse::<u64>().ok())
    };
    let enough = |text: &str, least: u64| match number(text) {
        Some(found) if found >= least => Fitness::Good,
        Some(_) => Fitness::Limited,
        None => Fitness::Unknown,
    };
    let engine = format!("{}, API {}", value("engine"), value("engine API"));
    let cgroup = match value("cgroup version") {
        "2" => Fitness::Good,
        "1" => Fitness::Limited,
        _ => Fitness::Unknown,
    };
    vec![
        check("engine", engine, Fitness::Good, ""),
        check("kernel", value("kernel"), Fitness::Good, ""),
        check(
            "cores",
            value("cores"),
            enough(value("cores"), CORES),
            "Stack and clients share few cores: timings are noisier, so keep rates low and repeat drills.",
        ),
        check(
            "memory",
            value("memory"),
            enough(value("memory"), MEMORY_MIB),
            "The larger stacks may not fit: run one drill at a time.",
        ),
        check(
            "cgroup",
            format!("version {}", value("cgroup version")),
            cgroup,
            "Limits on I/O do not cover buffered writes; every other fault works the same.",
        ),
    ]
}

async fn of_processes(engine: &Engine) -> Check {
    let cost = "SIGKILL goes through the engine: the moment of the fault is known to 0.1 s instead of \
                microseconds; run as root on the engine's own machine to change that.";
    if engine.shows_processes().await {
        check(
            "direct signals",
            "processes are in sight",
            Fitness::Good,
            cost,
        )
    } else {
        check(
            "direct signals",
            "processes are not in sight",
            Fitness::Limited,
            cost,
        )
    }
}

async fn of_disk(engine: &Engine) -> Option<Check> {
    let folder = engine.data_folder().await?;
    let stat = nix::sys::statvfs::statvfs(Path::new(&folder)).ok()?;
    let free = (stat.blocks_available() * stat.fragment_size()) >> 20;
    let fitness = if free >= DISK_MIB {
        Fitness::Good
    } else {
        Fitness::Limited
    };
    let cost = "Images and data may not fit: remove unused images.";
    Some(check(
        "disk",
        format!("{free} MiB free for the engine"),
        fitness,
        cost,
    ))
}

/// Tries the kernel's network features in a throw-away sidecar.
async fn of_network(engine: &Engine, run: &RunId) -> Vec<Check> {
    let image = engine.find(SIDECAR).await;
    let said = match image {
        Ok(Some(_)) => {
            engine
                .run_once(run, SIDECAR, &["sh", "-c", FEATURES], LOOK)
                .await
        }
        Ok(None) => {
            let why = "the sidecar's image is not there yet; it is built at the first drill";
            return of_features(Err(why.to_owned()));
        }
        Err(error) => Err(error),
    };
    of_features(said.map_err(|error| error.to_string()))
}

fn of_features(said: Result<ExecOutput, String>) -> Vec<Check> {
    let features = [
        (
            "nf_tables",
            "packet filter",
            "Partitions and packet loss cannot be injected: load the kernel module nf_tables.",
        ),
        (
            "NFQUEUE",
            "packet queue",
            "Packets cannot be delayed, duplicated, damaged or reordered, but by the kernel's emulator one fault a drill: \
             load the kernel modules nfnetlink_queue and xt_NFQUEUE, or choose another fault.",
        ),
        (
            "sch_htb",
            "bandwidth limit",
            "Links cannot be made slow: load the kernel module sch_htb.",
        ),
        (
            EMULATOR,
            "network emulator",
            "Packets are delayed, duplicated, damaged and reordered by the packet queue: to the same effect, at more load.",
        ),
    ];
    let one = |(feature, name, cost): (&str, &str, &str)| match &said {
        Ok(output) if output.stdout.lines().any(|line| line == feature) => {
            check(name, feature, Fitness::Good, cost)
        }
        Ok(_) => {
            let fitness = match feature {
                EMULATOR => Fitness::Limited,
                _ => Fitness::Missing,
            };
            check(name, format!("no {feature}"), fitness, cost)
        }
        Err(why) => check(
            name,
            why,
            Fitness::Unknown,
            "It is found out when a drill needs it.",
        ),
    };
    features.map(one).into()
}

/// Tries a file system of ours in a throw-away sidecar.
async fn of_disks(engine: &Engine, run: &RunId) -> Check {
    const COST: &str = "Disks cannot be made full, slow, read-only or failing, nor lose what was not synced: load the kernel \
                        module fuse and let containers have /dev/fuse, or choose other faults.";
    let name = "disk faults";
    match engine.find(SIDECAR).await {
        Ok(Some(_)) => {}
        Ok(None) => {
            let why = "the sidecar's image is not there yet; it is built at the first drill";
            let cost = "It is found out when a drill needs it.";
            return check(name, why, Fitness::Unknown, cost);
        }
        Err(error) => return check(name, error.to_string(), Fitness::Unknown, COST),
    }
    match engine.try_disks(run, SIDECAR).await {
        Ok(Ok(())) => check(name, "FUSE", Fitness::Good, COST),
        Ok(Err(why)) => check(name, why, Fitness::Missing, COST),
        Err(error) => check(name, error.to_string(), Fitness::Unknown, COST),
    }
}

async fn of_images(engine: &Engine, resolver: &Resolver) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut base = None;
    for candidate in [DEBIAN, BASE] {
        if base.is_none() && matches!(engine.find(candidate).await, Ok(Some(_))) {
            base = Some(candidate);
        }
    }
    let fitness = if base.is_some() {
        Fitness::Good
    } else {
        Fitness::Missing
    };
    let cost = "Images that cannot be pulled cannot be built either: run scripts/setup.sh.";
    checks.push(check("base image", base.unwrap_or("none"), fitness, cost));
    let listing = match resolver.listing().await {
        Ok(listing) => listing,
        Err(error) => {
            let cost = "Which images are there shows at the first drill.";
            checks.push(check("images", error.to_string(), Fitness::Unknown, cost));
            return checks;
        }
    };
    for listed in listing {
        let (found, fitness) = match listed.state {
            State::Built(_) => ("built", Fitness::Good),
            State::Outdated(_) => ("built by an older recipe", Fitness::Limited),
            State::Missing => ("not built", Fitness::Limited),
        };
        let cost = "The first drill that needs it pulls or builds it, which takes minutes.";
        checks.push(check(listed.recipe.image, found, fitness, cost));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_that_are_missing_say_what_it_costs() {
        let said = ExecOutput {
            code: 0,
            stdout: "nf_tables\nsch_htb\n".into(),
            stderr: String::new(),
        };
        let checks = of_features(Ok(said));
        let fitness: Vec<Fitness> = checks.iter().map(|check| check.fitness).collect();
        let (good, missing) = (Fitness::Good, Fitness::Missing);
        assert_eq!(fitness, [good, missing, good, Fitness::Limited]);
        assert!(checks[0].cost.is_empty() && checks[1].cost.contains("nfnetlink_queue"));
    }

    #[test]
    fn few_cores_are_limited_and_unknown_ones_unknown() {
        let facts = [
            ("cores".to_owned(), "2".to_owned()),
            ("memory".to_owned(), "24111 MiB".into()),
        ];
        let checks = of_facts(&facts);
        let of = |name: &str| {
            checks
                .iter()
                .find(|check| check.name == name)
                .unwrap()
                .fitness
        };
        assert_eq!(of("cores"), Fitness::Limited);
        assert_eq!(of("memory"), Fitness::Good);
        assert_eq!(of("cgroup"), Fitness::Unknown);
    }
}
