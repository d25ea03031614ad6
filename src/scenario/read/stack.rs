//! Decoding `stack`: which systems stand, and how.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use crate::scenario::{Attach, Dur, Percent, SystemSpec, attach, problem::Problem, region_name};

use super::{
    decode::Decoder,
    tree::{Tree, Value},
};

/// The least CPU time that a member may be given: the engine takes no less than 1 ms of each 100.
const CPU_MIN: Percent = Percent(1.0);

/// Decodes `stack`; whether the systems and settings exist is checked while planning.
pub fn stack(d: &mut Decoder, tree: &Tree) -> Option<BTreeMap<String, SystemSpec>> {
    let entries = d.map(tree, "`stack`")?;
    if entries.is_empty() {
        d.note(
            Problem::at(tree.place.clone(), "nothing stands in `stack`")
                .help("name a system, such as `stack: { redis: { topology: sentinel } }`"),
        );
        return None;
    }
    let mut stack = BTreeMap::new();
    for (key, value) in entries {
        let spec = match &value.value {
            Value::Null => Some(SystemSpec::default()),
            _ => system(d, value),
        };
        if let Some(spec) = spec {
            stack.insert(key.text.clone(), spec);
        }
    }
    (stack.len() == entries.len()).then_some(stack)
}

fn system(d: &mut Decoder, tree: &Tree) -> Option<SystemSpec> {
    let mut f = d.fields(tree, "a system")?;
    let topology = f.get("topology").map(|tree| word(d, tree, "a topology"));
    let nodes = f
        .get("nodes")
        .map(|tree| d.number(tree, "a number of nodes", 1..=15));
    let image = f.get("image").map(|tree| d.parsed(tree, "an image", image));
    let cpu = f.get("cpu").map(|tree| {
        let share: Percent = d.scalar(tree, "a percentage")?;
        d.within(tree, "a share of a core", share, CPU_MIN..=Percent(100.0))
    });
    let settings = f
        .get("settings")
        .map_or_else(|| Some(BTreeMap::new()), |tree| settings(d, tree));
    let regions = f
        .get("regions")
        .map_or_else(|| Some(BTreeMap::new()), |tree| regions(d, tree));
    let attached = f.get("attach").map(|tree| attach(d, tree));
    d.finish(f);
    Some(SystemSpec {
        topology: topology.flatten(),
        nodes: nodes.flatten(),
        image: image.flatten(),
        cpu: cpu.flatten(),
        settings: settings?,
        regions: regions?,
        attach: match attached {
            Some(attached) => Some(attached?),
            None => None,
        },
    })
}

/// A name that only planning can judge: a topology, a route, a runbook.
pub fn word(d: &mut Decoder, tree: &Tree, what: &str) -> Option<String> {
    d.parsed(tree, what, |text| {
        let fits = !text.is_empty()
            && text.len() <= 64
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if fits {
            Ok(text.to_owned())
        } else {
            Err("expected one word of letters, digits and dashes".to_owned())
        }
    })
}

/// A program and its arguments.
pub fn argv(d: &mut Decoder, tree: &Tree) -> Option<Vec<String>> {
    let words = d.list(tree, "a program and its arguments")?;
    let mut argv = Vec::new();
    for word in words {
        argv.push(d.text(word, "an argument")?.to_owned());
    }
    Some(argv)
}

fn image(text: &str) -> Result<String, String> {
    let fits = !text.is_empty()
        && text.len() <= 255
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_graphic());
    if fits {
        Ok(text.to_owned())
    } else {
        Err("expected an image reference such as `postgres:17` or `valkey/valkey:8`".to_owned())
    }
}

fn settings(d: &mut Decoder, tree: &Tree) -> Option<BTreeMap<String, String>> {
    let entries = d.map(tree, "`settings`")?;
    let mut settings = BTreeMap::new();
    for (key, value) in entries {
        if let Some(text) = d.text(value, &format!("the setting `{}`", key.text)) {
            settings.insert(key.text.clone(), text.to_owned());
        }
    }
    Some(settings)
}

/// The shortest and the longest lease: shorter than that a busy machine would undo faults by itself.
const LEASE: RangeInclusive<Dur> = Dur(Duration::from_secs(5))..=Dur(Duration::from_secs(600));

fn attach(d: &mut Decoder, tree: &Tree) -> Option<Attach> {
    let mut f = d.fields(tree, "`attach`")?;
    let project = f
        .get("project")
        .map(|tree| word(d, tree, "a Compose project"));
    let label = f.get("label").map(|tree| d.parsed(tree, "a label", label));
    let data = f
        .need(
            "data",
            "name the members that hold data, such as `data: [redis-1, redis-2]`",
        )
        .and_then(|tree| members(d, tree));
    let control = f
        .get("control")
        .map_or_else(|| Some(Vec::new()), |tree| members(d, tree));
    let client = f
        .get("client")
        .map_or_else(|| Some(Vec::new()), |tree| argv(d, tree));
    let login = f
        .get("login")
        .map(|tree| d.parsed(tree, "a login", self::login));
    let other = f
        .get("control-login")
        .map(|tree| d.parsed(tree, "a login", self::login));
    let most = f.get("max-targets").map_or_else(
        || Some(attach::one()),
        |tree| d.number(tree, "a number of members", 1..=15),
    );
    let lease = f.get("lease").map_or_else(
        || Some(attach::lease()),
        |tree| {
            let lease: Dur = d.scalar(tree, "a lease")?;
            d.within(tree, "a lease", lease, LEASE)
        },
    );
    d.finish(f);
    Some(Attach {
        project: project.map_or(Some(None), |one| one.map(Some))?,
        label: label.map_or(Some(None), |one| one.map(Some))?,
        data: data?,
        control: control?,
        client: client?,
        login: login.map_or(Some(None), |one| one.map(Some))?,
        control_login: other.map_or(Some(None), |one| one.map(Some))?,
        max_targets: most?,
        lease: lease?,
    })
}

/// Where a secret is: never the secret itself, which would stay in files and in evidence.
fn login(text: &str) -> Result<String, String> {
    match text.split_once(':') {
        Some(("env" | "file", name)) if !name.is_empty() => Ok(text.to_owned()),
        _ => Err(
            "expected `env:NAME` or `file:PATH`: where the password is, not the password"
                .to_owned(),
        ),
    }
}

fn label(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((key, _)) if !key.is_empty() => Ok(text.to_owned()),
        _ => Err("expected `key=value`, such as `com.example.drill=orders`".to_owned()),
    }
}

/// Names of containers or services, each once.
fn members(d: &mut Decoder, tree: &Tree) -> Option<Vec<String>> {
    let items = d.list(tree, "members")?;
    let mut names = Vec::new();
    for item in items {
        let name = d.parsed(item, "a member", container_name)?;
        if names.contains(&name) {
            d.note(
                Problem::at(item.place.clone(), format!("`{name}` is named twice"))
                    .help("name each member once"),
            );
            return None;
        }
        names.push(name);
    }
    Some(names)
}

/// As the engine takes names of containers.
fn container_name(text: &str) -> Result<String, String> {
    let fits = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.len() <= 128
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    match fits {
        true => Ok(text.to_owned()),
        false => Err("expected the name of a container or of a Compose service".to_owned()),
    }
}

fn regions(d: &mut Decoder, tree: &Tree) -> Option<BTreeMap<String, Vec<String>>> {
    let entries = d.map(tree, "`regions`")?;
    let mut regions = BTreeMap::new();
    for (key, value) in entries {
        let name = match region_name(&key.text) {
            Ok(name) => name,
            Err(error) => {
                let message = format!("`{}` is no region's name", key.text);
                d.note(Problem::at(key.place.clone(), message).help(error.0));
                continue;
            }
        };
        let Some(items) = d.list(value, "a region") else {
            continue;
        };
        if items.is_empty() {
            let message = format!("nothing lies in region `{name}`");
            d.note(
                Problem::at(value.place.clone(), message).help("name its nodes, such as `[r1]`"),
            );
        }
        let nodes = items.iter().filter_map(|item| d.text(item, "a node"));
        regions.insert(name, nodes.map(str::to_owned).collect());
    }
    Some(regions)
}
