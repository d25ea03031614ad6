//! A server that can open no more files and take no more connections.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use serde::Deserialize;
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{
    id::NodeName,
    record::{MemberKind, Role},
    runtime::{NodeState, RuntimeError, journal, journal::OpenFiles},
    scenario::fault::Descriptors,
};

use super::{
    Action, ActiveEffect, FaultContext, FaultError, Injected, Undone,
    active::bring_back,
    described::{Described, Seen, hits_primary},
    select::select,
};

/// What looks at limits and sets them.
const PROGRAM: &str = concat!(
    include_str!("../runtime/guard.py"),
    include_str!("descriptors.py")
);
/// How long it may take; a look takes half a second, and the container that it runs in is started first.
const EXEC: Duration = Duration::from_secs(20);
/// How often the server is asked on a new connection under the fault; each question waits a second.
const QUESTIONS: usize = 3;

/// How often they are asked, on a server whose clients close connections meanwhile.
const TRIES: u32 = 3;
/// The longest wait for a connection of ours to be accepted by the kernel.
const CONNECT: Duration = Duration::from_secs(1);
/// How many lines of the log of a node that has ended are looked at, and for what.
const LOG: u32 = 1000;
/// See `LOG`.
const WORDS: &str = "Too many open files";
/// The longest wait for an answer on a new connection after the fault.
const BACK: Duration = Duration::from_secs(10);

/// A process and how many files it may have open.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Process {
    pid: u32,
    started: u64,
    name: String,
    soft: i64,
    open: u32,
    /// What it is to be lowered to.
    #[serde(default)]
    lowered: i64,
}

/// A node's processes as they were before, with what their limits were lowered to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Few {
    node: NodeName,
    processes: Vec<Process>,
}

/// What few descriptors should look like.
#[derive(Debug)]
struct DescriptorsEffect {
    left: u32,
    nodes: Vec<Few>,
}

impl Few {
    fn effect(&self) -> journal::Effect {
        let before = self.processes.iter().map(|process| OpenFiles {
            pid: process.pid,
            started: process.started,
            soft: process.soft,
        });
        journal::Effect::Descriptors {
            node: self.node.clone(),
            before: before.collect(),
        }
    }
}

#[async_trait]
impl Action for Descriptors {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        exhaust(self, context).await
    }

    async fn rehearse(&self, context: &FaultContext) -> Result<(), FaultError> {
        rehearse(context).await
    }
}

#[async_trait]
impl ActiveEffect for DescriptorsEffect {
    async fn verify(&self, context: &FaultContext) -> Seen {
        look_on(self, context).await
    }

    async fn undo(&self, _step: usize, context: &FaultContext) -> Option<Undone> {
        let nodes: Vec<NodeName> = self.nodes.iter().map(|few| few.node.clone()).collect();
        Some(Undone::of(&nodes, lift(&self.nodes, context).await))
    }
}

/// Lowers the limits of all processes of the nodes.
async fn exhaust(few: &Descriptors, context: &FaultContext) -> Result<Injected, FaultError> {
    let data = data(context);
    let chosen = select(&few.node, context).await?;
    let victims: Vec<NodeName> = chosen.into_iter().filter(|n| data.contains(n)).collect();
    if victims.is_empty() {
        return Err(FaultError::NoVictim(few.node.to_string()));
    }
    let primary_hit = hits_primary(&victims, context).await;
    let looks = victims.iter().map(|node| look(node, few.left, context));
    let nodes: Vec<Few> = join_all(looks)
        .await
        .into_iter()
        .collect::<Result<_, _>>()?;
    for few in &nodes {
        let written = context.journal.ensure(few.effect()).await;
        written.map_err(|error| FaultError::Journal(error.to_string()))?;
    }
    let orders: Vec<(&NodeName, String)> = nodes
        .iter()
        .map(|few| (&few.node, words(&few.processes, |p| vec![p.lowered])))
        .collect();
    let sets = orders
        .iter()
        .map(|(node, wanted)| async move { run(node, &["set", wanted], context).await });
    let (at, results) = context.emitter.time(join_all(sets)).await;
    results.into_iter().collect::<Result<Vec<_>, _>>()?;
    let injected = Described {
        means: "the kernel's limit of open files, lowered for each process of the node (prlimit)"
            .into(),
        primary_hit,
        at,
    };
    let effect = DescriptorsEffect {
        left: few.left,
        nodes,
    };
    Ok(injected.into(victims, effect))
}

fn data(context: &FaultContext) -> Vec<NodeName> {
    let members = context.members().iter();
    let data = members.filter(|member| member.kind == MemberKind::Data);
    data.map(|member| member.name.clone()).collect()
}

/// Finds out before any client starts whether the limits of these nodes' processes can be looked at.
///
/// # Errors
/// When not.
async fn rehearse(context: &FaultContext) -> Result<(), FaultError> {
    for node in &data(context) {
        run(node, &["read"], context).await?;
    }
    Ok(())
}

/// A node that answers, and what its processes' limits are and are to be.
async fn look(node: &NodeName, left: u32, context: &FaultContext) -> Result<Few, FaultError> {
    if context.system.view(node).await.role == Role::Unreachable {
        return Err(unfit(node, "its server does not answer before the fault").into());
    }
    let processes = run(node, &["look", &left.to_string()], context).await?;
    if processes.is_empty() {
        return Err(unfit(node, "it has no process").into());
    }
    Ok(Few {
        node: node.clone(),
        processes,
    })
}

/// Each process by its number and start, with its numbers behind them.
fn words(processes: &[Process], numbers: impl Fn(&Process) -> Vec<i64>) -> String {
    let words = processes.iter().map(|process| {
        let numbers: String = numbers(process).iter().map(|n| format!(",{n}")).collect();
        format!("[{},{}{numbers}]", process.pid, process.started)
    });
    format!("[{}]", words.collect::<Vec<_>>().join(","))
}

/// Gives the program an order; what all processes have then.
async fn run(
    node: &NodeName,
    order: &[&str],
    context: &FaultContext,
) -> Result<Vec<Process>, RuntimeError> {
    let argv = [&["python3", "-I", "-S", "-c", PROGRAM], order].concat();
    let said = context.runtime.among(node, &argv, EXEC).await?;
    if said.code != 0 {
        let why = said.stderr.trim().lines().last().unwrap_or_default();
        return Err(unfit(node, why));
    }
    serde_json::from_str(&said.stdout).map_err(|error| unfit(node, &error.to_string()))
}

fn unfit(node: &NodeName, cause: &str) -> RuntimeError {
    RuntimeError::Failed {
        action: "change the limits of open files of",
        node: node.to_string(),
        cause: cause.to_owned(),
    }
}

/// Gives the processes the limits that they had, brings back nodes that ended of it, and sees that servers answer again.
async fn lift(nodes: &[Few], context: &FaultContext) -> Result<(), FaultError> {
    let mut first = Ok(());
    for few in nodes {
        if context.runtime.state(&few.node).await == Ok(NodeState::Running) {
            let wanted = words(&few.processes, |p| vec![p.soft, p.lowered]);
            let now = run(&few.node, &["back", &wanted], context).await;
            first = first.and(
                now.map_err(FaultError::from)
                    .and_then(|now| whole(few, &now)),
            );
        }
        if first.is_ok() {
            let _ = context.journal.undone(few.effect()).await;
        }
    }
    let names: Vec<NodeName> = nodes.iter().map(|few| few.node.clone()).collect();
    first = first.and(bring_back(&names, context).await);
    for node in &names {
        first = first.and(answers(node, context).await);
    }
    first
}

/// Every process that is still there has the limit that it had.
fn whole(few: &Few, now: &[Process]) -> Result<(), FaultError> {
    let wrong = few.processes.iter().find_map(|before| {
        let now = find(before, now)?;
        (now.soft != before.soft).then(|| {
            format!(
                "{} ({}) may open {} files, not {} as before",
                now.name, now.pid, now.soft, before.soft
            )
        })
    });
    wrong.map_or(Ok(()), |wrong| Err(unfit(&few.node, &wrong).into()))
}

fn find<'p>(wanted: &Process, all: &'p [Process]) -> Option<&'p Process> {
    all.iter()
        .find(|process| (process.pid, process.started) == (wanted.pid, wanted.started))
}

async fn answers(node: &NodeName, context: &FaultContext) -> Result<(), FaultError> {
    let answered = async {
        while context.system.view(node).await.role == Role::Unreachable {
            sleep(Duration::from_millis(100)).await;
        }
    };
    let waited = timeout(BACK, answered).await;
    waited.map_err(|_| {
        unfit(
            node,
            &format!("its server does not answer on a new connection {BACK:?} after the fault"),
        )
        .into()
    })
}

/// The limits read back are those asked for, and new connections get no answer once what was left is used up.
async fn look_on(exhausted: &DescriptorsEffect, context: &FaultContext) -> Seen {
    let mut seen = Seen::default();
    for few in &exhausted.nodes {
        let mut left = exhausted.left;
        match run(&few.node, &["read"], context).await {
            Ok(now) => {
                // A connection that was open when the limit was set may have been closed since.
                left = left.max(room(few, &now));
                let (fits, text) = read_back(few, &now);
                let text = format!("{}: {text}", few.node);
                if fits { seen.yes(text) } else { seen.no(text) }
            }
            // A server may have ended of it already.
            Err(error) => match last_words(&few.node, context).await {
                Some(text) => seen.yes(format!("{}: {text}", few.node)),
                None => seen.no(error.to_string()),
            },
        }
        let (mut held, mut unanswered) = ask(&few.node, left, context).await;
        // Clients that give up close connections between the count and the questions: both are taken again.
        for _ in 1..TRIES {
            if unanswered == QUESTIONS {
                break;
            }
            if let Ok(now) = run(&few.node, &["read"], context).await {
                left = exhausted.left.max(room(few, &now));
            }
            (held, unanswered) = ask(&few.node, left, context).await;
        }
        let text = format!(
            "{}: {unanswered} of {QUESTIONS} questions on new connections got no answer, asked {QUESTIONS}, with {held} more connections held for {left} descriptors left",
            few.node
        );
        if unanswered == QUESTIONS {
            seen.yes(text);
        } else {
            seen.no(text);
        }
        if let Some(text) = last_words(&few.node, context).await {
            seen.yes(format!("{}: {text}", few.node));
        }
    }
    seen
}

/// What a node that has ended said of it, in the C library's words.
async fn last_words(node: &NodeName, context: &FaultContext) -> Option<String> {
    let NodeState::Exited { code, .. } = context.runtime.state(node).await.ok()? else {
        return None;
    };
    let log = context.runtime.logs(node, LOG).await.ok()?;
    let mut lines = log.lines().filter(|line| line.contains(WORDS));
    let said = lines.clone().find(|line| line.contains("PANIC"));
    let said = said.or_else(|| lines.next_back())?;
    Some(format!(
        "it has ended with code {code}, and said: {}",
        said.trim()
    ))
}

/// Each process that is still there, as it was and as it is.
fn pairs<'p>(few: &'p Few, now: &'p [Process]) -> Vec<(&'p Process, &'p Process)> {
    let processes = few.processes.iter();
    let pairs = processes.filter_map(|before| Some((before, find(before, now)?)));
    pairs.collect()
}

/// The one that may open most: the server.
fn most<'p>(pairs: &[(&'p Process, &'p Process)]) -> Option<(&'p Process, &'p Process)> {
    let most = pairs.iter().max_by_key(|(before, _)| before.lowered);
    most.copied()
}

/// How many descriptors the server has left now, of those that it was to have.
fn room(few: &Few, now: &[Process]) -> u32 {
    let most = most(&pairs(few, now));
    let left = most.map_or(0, |(before, now)| before.lowered - i64::from(now.open));
    u32::try_from(left).unwrap_or(0)
}

/// Whether all processes that are still there have the limit asked for, and what those have that may open most.
fn read_back(few: &Few, now: &[Process]) -> (bool, String) {
    let pairs = pairs(few, now);
    let right = pairs
        .iter()
        .filter(|(before, now)| now.soft == before.lowered)
        .count();
    let most = most(&pairs).map_or_else(String::new, |(before, now)| {
        format!(
            "; {} ({}): asked {}, read back {} ({} before), {} open",
            now.name, now.pid, before.lowered, now.soft, before.soft, now.open
        )
    });
    let text = format!(
        "{right} of {} processes have the limit of open files asked for{most}",
        pairs.len()
    );
    (right > 0 && right == pairs.len(), text)
}

/// Holds so many connections, and asks the server on new ones; how many were held, and how many were not answered.
async fn ask(node: &NodeName, left: u32, context: &FaultContext) -> (usize, usize) {
    let member = context.members().iter().find(|member| member.name == *node);
    let address = member.map_or("", |member| member.address.as_str());
    let connect = || async {
        let connected = timeout(CONNECT, TcpStream::connect(address)).await;
        connected.ok()?.ok()
    };
    let held = join_all((0..left).map(|_| connect())).await;
    let mut unanswered = 0;
    for _ in 0..QUESTIONS {
        if context.system.view(node).await.role == Role::Unreachable {
            unanswered += 1;
        }
    }
    (held.iter().flatten().count(), unanswered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, soft: i64, lowered: i64) -> Process {
        Process {
            pid,
            started: 100 + u64::from(pid),
            name: "server".into(),
            soft,
            open: 9,
            lowered,
        }
    }

    fn few() -> Few {
        Few {
            node: NodeName::new("a"),
            processes: vec![process(1, 1024, 3), process(8, 1024, 12)],
        }
    }

    #[test]
    fn limits_are_right_when_each_living_process_has_the_one_asked_for() {
        let (fits, text) = read_back(&few(), &[process(1, 3, 0), process(8, 12, 0)]);
        assert!(fits && text.contains("asked 12, read back 12 (1024 before), 9 open"));
        assert!(!read_back(&few(), &[process(1, 3, 0), process(8, 1024, 0)]).0);
        assert!(read_back(&few(), &[process(8, 12, 0)]).0, "one has ended");
        let mut other = process(8, 12, 0);
        other.started += 1;
        assert!(!read_back(&few(), &[other]).0, "another took its number");
    }

    #[test]
    fn what_was_closed_since_is_left_and_a_limit_that_is_not_in_force_leaves_no_more() {
        let mut now = [process(8, 12, 0)];
        assert_eq!(room(&few(), &now), 3);
        now[0].open = 14;
        assert_eq!(room(&few(), &now), 0);
        now[0] = process(8, 1024, 0);
        assert_eq!(room(&few(), &now), 3);
    }

    #[test]
    fn what_is_undone_is_what_was_and_each_is_named_by_number_and_start() {
        let few = few();
        assert_eq!(
            words(&few.processes, |p| vec![p.soft, p.lowered]),
            "[[1,101,1024,3],[8,108,1024,12]]"
        );
        let journal::Effect::Descriptors { before, .. } = few.effect() else {
            panic!("another effect");
        };
        assert_eq!(before[1].soft, 1024);
        assert!(whole(&few, &few.processes).is_ok());
        assert!(whole(&few, &[process(8, 12, 0)]).is_err());
    }
}
