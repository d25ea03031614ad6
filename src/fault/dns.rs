//! Names that a node's programs can no longer resolve, or resolve wrongly or late.

use std::{collections::BTreeMap, fmt, sync::Mutex, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::timeout,
};

use crate::{
    id::NodeName,
    record::MemberKind,
    runtime::{NodeState, Pipe, RuntimeError, journal},
    scenario::{Misnaming, fault::Dns},
};

use super::{
    Action, ActiveEffect, FaultContext, FaultError, Injected, Undone,
    described::{Described, Seen, hits_primary},
    select::select,
};

/// The name server that goes wrong.
const SERVER: &str = concat!(
    include_str!("../runtime/guard.py"),
    include_str!("names_server.py")
);
/// What reads and writes a node's own files.
const FILES: &str = concat!(
    include_str!("../runtime/guard.py"),
    include_str!("names_files.py")
);
/// Where it listens in the node.
const HERE: &str = "127.0.0.53";
/// Nobody's address (TEST-NET-1, RFC 5737): what a wrong answer says.
const NOBODY: &str = "192.0.2.1";
/// How long a program in a node may take.
const EXEC: Duration = Duration::from_secs(20);
/// How long a look-up may take; the C library gives up after two tries of 5 s each, and each may be made twice.
const LOOKUP: Duration = Duration::from_secs(45);
/// A look-up without any answer takes at least so long: less than a try of the C library's default, in which it is not to be
/// mistaken for one that is refused.
const SILENCE: Duration = Duration::from_secs(2);
/// How late a look-up may be beside what was asked: a command in the node takes some tens of milliseconds.
const LATE: Duration = Duration::from_millis(300);

/// What a node's programs resolve names by.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Files {
    hosts: String,
    resolver: String,
}

/// A node that resolves names wrongly, and what it takes to undo that.
struct Misnamed {
    node: NodeName,
    before: Files,
    names: BTreeMap<String, String>,
    /// Its name server ends with it.
    _server: Mutex<Pipe>,
}

impl fmt::Debug for Misnamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Misnamed({}, {:?})", self.node, self.names.keys())
    }
}

impl Misnamed {
    fn effect(&self) -> journal::Effect {
        effect(&self.node, &self.before)
    }
}

/// What names should come to.
#[derive(Debug)]
struct DnsEffect {
    how: Misnaming,
    delay: Duration,
    /// For each node what its names came to before.
    nodes: Vec<(NodeName, Vec<Sound>)>,
    /// What it takes to undo that.
    misnamed: Vec<Misnamed>,
}

/// A name that comes to its right address.
#[derive(Debug)]
struct Sound {
    name: String,
    address: String,
    /// How long a look-up takes.
    took: Duration,
}

/// What a look-up in a node came to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    /// The addresses found; none for none.
    addresses: Vec<String>,
    took: Duration,
}

#[async_trait]
impl Action for Dns {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        misname(self, context).await
    }

    async fn rehearse(&self, context: &FaultContext) -> Result<(), FaultError> {
        rehearse(context).await
    }
}

#[async_trait]
impl ActiveEffect for DnsEffect {
    async fn verify(&self, context: &FaultContext) -> Seen {
        look(self, context).await
    }

    async fn undo(&self, _step: usize, context: &FaultContext) -> Option<Undone> {
        let nodes: Vec<NodeName> = self.misnamed.iter().map(|one| one.node.clone()).collect();
        Some(Undone::of(&nodes, mend(&self.misnamed, context).await))
    }
}

/// Lets names come to nothing, to a wrong address, or late.
async fn misname(dns: &Dns, context: &FaultContext) -> Result<Injected, FaultError> {
    let data = addresses(context, Some(MemberKind::Data));
    let chosen = select(&dns.node, context).await?;
    let victims: Vec<NodeName> = chosen
        .into_iter()
        .filter(|node| data.contains_key(node.as_str()))
        .collect();
    if victims.is_empty() {
        return Err(FaultError::NoVictim(dns.node.to_string()));
    }
    let primary_hit = hits_primary(&victims, context).await;
    let delay = dns.delay.unwrap_or_default().0;
    let mut looked = Vec::new();
    let mut misnamed = Vec::new();
    for node in &victims {
        let names = meant(dns, node, context);
        looked.push((node.clone(), sound(node, &names, context).await?));
        let before = files(node, &["read"], context).await?;
        let above = name_server(&before.resolver)
            .filter(|above| above != HERE)
            .ok_or_else(|| unfit(node, "it has no name server, or one of ours already"))?;
        let words = [
            dns.how.to_string(),
            delay.as_secs_f64().to_string(),
            NOBODY.to_owned(),
            above,
            serde_json::to_string(&names).unwrap_or_default(),
        ];
        let server = serve(node, &words, context).await?;
        let written = context.journal.ensure(effect(node, &before)).await;
        written.map_err(|error| FaultError::Journal(error.to_string()))?;
        misnamed.push(Misnamed {
            node: node.clone(),
            before,
            names,
            _server: Mutex::new(server),
        });
    }
    let writes = misnamed.iter().map(|one| async {
        let hosts = without(&one.before.hosts, &one.names);
        let resolver = led_here(&one.before.resolver);
        files(&one.node, &["write", &hosts, &resolver], context).await
    });
    let (at, results) = context.emitter.time(join_all(writes)).await;
    results.into_iter().collect::<Result<Vec<_>, _>>()?;
    let injected = Described {
        means: "a name server of drdrill's own in the node's network, and the node's /etc/hosts without the names".into(),
        primary_hit,
        at,
    };
    let effect = DnsEffect {
        how: dns.how,
        delay,
        nodes: looked,
        misnamed,
    };
    Ok(injected.into(victims, effect))
}

/// Members by name, with their addresses.
fn addresses(context: &FaultContext, kind: Option<MemberKind>) -> BTreeMap<String, String> {
    let members = context.members().iter();
    members
        .filter(|member| kind.is_none_or(|kind| member.kind == kind))
        .filter_map(|member| {
            let (address, _) = member.address.rsplit_once(':')?;
            Some((member.name.to_string(), address.to_owned()))
        })
        .collect()
}

/// The names that are meant at a node, its own never.
fn meant(dns: &Dns, node: &NodeName, context: &FaultContext) -> BTreeMap<String, String> {
    let mut names = addresses(context, None);
    names.retain(|name, _| {
        name != node.as_str() && (dns.names.is_empty() || dns.names.contains(name))
    });
    names
}

fn effect(node: &NodeName, before: &Files) -> journal::Effect {
    journal::Effect::Names {
        node: node.clone(),
        hosts: before.hosts.clone(),
        resolver: before.resolver.clone(),
    }
}

/// Finds out before any client starts whether the nodes that hold data resolve each other's names, and can be looked into.
///
/// # Errors
/// When not.
async fn rehearse(context: &FaultContext) -> Result<(), FaultError> {
    let data = addresses(context, Some(MemberKind::Data));
    for node in data.keys() {
        let mut others = data.clone();
        others.remove(node);
        let node = NodeName::new(node.clone());
        sound(&node, &others, context).await?;
        files(&node, &["read"], context).await?;
    }
    Ok(())
}

/// Every name comes to its right address.
async fn sound(
    node: &NodeName,
    names: &BTreeMap<String, String>,
    context: &FaultContext,
) -> Result<Vec<Sound>, FaultError> {
    let mut sound = Vec::new();
    for (name, address) in names {
        let found = look_up(node, name, context).await?;
        if found.addresses != [address.clone()] {
            let why = format!(
                "`{name}` comes to {} and not to {address} while no fault is in force",
                said(&found)
            );
            return Err(unfit(node, &why).into());
        }
        sound.push(Sound {
            name: name.clone(),
            address: address.clone(),
            took: found.took,
        });
    }
    Ok(sound)
}

/// Looks a name up as the node's programs do: by its C library.
async fn look_up(
    node: &NodeName,
    name: &str,
    context: &FaultContext,
) -> Result<Found, RuntimeError> {
    let from = context.emitter.now();
    let argv = ["getent", "ahostsv4", name];
    let said = context.runtime.exec(node, &argv, LOOKUP).await?;
    let took = context.emitter.now().since(from);
    // 2 stands for a name that is not found.
    if said.code != 0 && said.code != 2 {
        let why = format!("`getent` ended with code {}", said.code);
        return Err(unfit(node, &why));
    }
    let mut addresses: Vec<String> = said
        .stdout
        .lines()
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect();
    addresses.dedup();
    Ok(Found { addresses, took })
}

async fn files(
    node: &NodeName,
    order: &[&str],
    context: &FaultContext,
) -> Result<Files, RuntimeError> {
    let argv = [&["python3", "-I", "-S", "-c", FILES], order].concat();
    let said = context.runtime.among(node, &argv, EXEC).await?;
    serde_json::from_str(&said.stdout).map_err(|_| {
        let why = said.stderr.trim().lines().last().unwrap_or_default();
        unfit(node, why)
    })
}

/// Starts the name server in the node's network, and waits until it listens.
async fn serve(
    node: &NodeName,
    words: &[String],
    context: &FaultContext,
) -> Result<Pipe, RuntimeError> {
    let words = words.iter().map(String::as_str);
    let argv: Vec<&str> = ["python3", "-I", "-S", "-c", SERVER]
        .into_iter()
        .chain(words)
        .collect();
    let Pipe { input, output } = context.runtime.beside(node, &argv).await?;
    let mut output = BufReader::new(output);
    let mut line = String::new();
    let heard = timeout(EXEC, output.read_line(&mut line)).await;
    if !matches!(heard, Ok(Ok(_))) || line.trim() != "ready" {
        return Err(unfit(node, "its name server did not start"));
    }
    Ok(Pipe {
        input,
        output: Box::pin(output),
    })
}

fn unfit(node: &NodeName, cause: &str) -> RuntimeError {
    RuntimeError::Failed {
        action: "change how names are resolved by",
        node: node.to_string(),
        cause: cause.to_owned(),
    }
}

/// A file of hosts without these names; lines that have no name left are gone.
fn without(hosts: &str, names: &BTreeMap<String, String>) -> String {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let address = words.next().filter(|word| !word.starts_with('#'))?;
        let all: Vec<&str> = words.collect();
        let kept: Vec<&str> = all
            .iter()
            .copied()
            .filter(|name| !names.contains_key(*name))
            .collect();
        match (kept.len() == all.len(), kept.is_empty()) {
            (true, _) => Some(line.to_owned()),
            (false, true) => None,
            (false, false) => Some(format!("{address}\t{}", kept.join(" "))),
        }
    };
    hosts
        .lines()
        .filter_map(line)
        .map(|line| line + "\n")
        .collect()
}

/// The first name server of a resolver's file.
fn name_server(resolver: &str) -> Option<String> {
    let mut lines = resolver.lines();
    lines.find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next().map(str::to_owned))?
    })
}

/// A resolver's file with our name server and no other.
fn led_here(resolver: &str) -> String {
    let kept = resolver
        .lines()
        .filter(|line| !line.starts_with("nameserver"));
    let kept: String = kept.map(|line| format!("{line}\n")).collect();
    format!("nameserver {HERE}\n{kept}")
}

/// Writes the files as they were, and sees that names come to their addresses again.
async fn mend(misnamed: &[Misnamed], context: &FaultContext) -> Result<(), FaultError> {
    let mut first = Ok(());
    for one in misnamed {
        first = first.and(restore(one, context).await);
    }
    first
}

async fn restore(one: &Misnamed, context: &FaultContext) -> Result<(), FaultError> {
    // Where the node is down, the engine writes both files anew at its start.
    if context.runtime.state(&one.node).await == Ok(NodeState::Running) {
        let Files { hosts, resolver } = &one.before;
        let now = files(&one.node, &["write", hosts, resolver], context).await?;
        if now != one.before {
            return Err(unfit(&one.node, "its files are not as they were").into());
        }
        sound(&one.node, &one.names, context).await?;
    }
    let _ = context.journal.undone(one.effect()).await;
    Ok(())
}

/// Every name comes to what was asked for, looked up in the node.
async fn look(looked: &DnsEffect, context: &FaultContext) -> Seen {
    let mut seen = Seen::default();
    for (node, names) in &looked.nodes {
        let finds = names
            .iter()
            .map(|sound| look_up(node, &sound.name, context));
        for (sound, found) in names.iter().zip(join_all(finds).await) {
            let (fits, text) = match found {
                Ok(found) => judge(looked, &sound.address, sound.took, &found),
                Err(error) => (false, error.to_string()),
            };
            let text = format!("{node}: `{}` {text}", sound.name);
            if fits { seen.yes(text) } else { seen.no(text) }
        }
    }
    seen
}

/// Whether a look-up came to what was asked for, and the words for it.
fn judge(looked: &DnsEffect, right: &str, before: Duration, found: &Found) -> (bool, String) {
    let asked = match looked.how {
        Misnaming::Gone => "no answer".to_owned(),
        Misnaming::Wrong => NOBODY.to_owned(),
        Misnaming::Slow => format!("{right} {:.1} s later", looked.delay.as_secs_f64()),
    };
    let more = found.took.saturating_sub(before);
    let fits = match looked.how {
        Misnaming::Gone => found.addresses.is_empty() && found.took >= SILENCE,
        Misnaming::Wrong => found.addresses == [NOBODY],
        Misnaming::Slow => {
            let range = looked.delay.mul_f64(0.95)..=looked.delay.mul_f64(1.1) + LATE;
            found.addresses == [right] && range.contains(&more)
        }
    };
    let text = format!(
        "asked {asked}, came to {} after {:.2} s ({right} after {:.2} s before)",
        said(found),
        found.took.as_secs_f64(),
        before.as_secs_f64()
    );
    (fits, text)
}

fn said(found: &Found) -> String {
    if found.addresses.is_empty() {
        "no answer".to_owned()
    } else {
        found.addresses.join(" and ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTS: &str = "127.0.0.1\tlocalhost\n# a word\n10.0.0.2\tpg1\n10.0.0.3\tpg2 other\n";

    fn names() -> BTreeMap<String, String> {
        ["pg1", "pg2"]
            .map(|name| (name.to_owned(), "10.0.0.9".to_owned()))
            .into()
    }

    #[test]
    fn hosts_lose_the_names_meant_and_no_others() {
        assert_eq!(
            without(HOSTS, &names()),
            "127.0.0.1\tlocalhost\n10.0.0.3\tother\n"
        );
        assert_eq!(without("::1 localhost\n", &names()), "::1 localhost\n");
    }

    #[test]
    fn the_resolver_is_led_to_our_server_and_keeps_its_options() {
        let before = "nameserver 127.0.0.11\noptions ndots:0\n";
        assert_eq!(name_server(before).as_deref(), Some("127.0.0.11"));
        assert_eq!(led_here(before), "nameserver 127.0.0.53\noptions ndots:0\n");
        assert_eq!(name_server("options ndots:0\n"), None);
    }

    #[test]
    fn silence_a_wrong_address_and_a_late_answer_are_told_apart() {
        let looked = |how| DnsEffect {
            how,
            delay: Duration::from_secs(1),
            nodes: Vec::new(),
            misnamed: Vec::new(),
        };
        let found = |address: &str, millis: u64| Found {
            addresses: (!address.is_empty())
                .then(|| address.to_owned())
                .into_iter()
                .collect(),
            took: Duration::from_millis(millis),
        };
        let before = Duration::from_millis(60);
        let fits = |how, found: &Found| judge(&looked(how), "10.0.0.9", before, found).0;
        assert!(fits(Misnaming::Gone, &found("", 10_050)));
        assert!(
            !fits(Misnaming::Gone, &found("", 60)),
            "it was told at once"
        );
        assert!(!fits(Misnaming::Gone, &found("10.0.0.9", 9000)));
        assert!(fits(Misnaming::Wrong, &found(NOBODY, 60)));
        assert!(!fits(Misnaming::Wrong, &found("10.0.0.9", 60)));
        assert!(fits(Misnaming::Slow, &found("10.0.0.9", 1080)));
        assert!(!fits(Misnaming::Slow, &found("10.0.0.9", 80)));
        assert!(!fits(Misnaming::Slow, &found(NOBODY, 1080)));
    }
}
