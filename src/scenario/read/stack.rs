//! Decoding `stack`: which systems stand, and how.

use std::collections::BTreeMap;

use crate::scenario::{SystemSpec, problem::Problem};

use super::{
    decode::Decoder,
    tree::{Tree, Value},
};

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
    let settings = f
        .get("settings")
        .map_or_else(|| Some(BTreeMap::new()), |tree| settings(d, tree));
    d.finish(f);
    Some(SystemSpec {
        topology: topology.flatten(),
        nodes: nodes.flatten(),
        image: image.flatten(),
        settings: settings?,
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
