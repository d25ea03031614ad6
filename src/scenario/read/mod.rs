//! Reading a scenario: YAML to a tree with places, overrides on the tree, then typed decoding that
//! collects every problem.

mod abort;
mod alerting;
mod alerts_cross;
mod clients;
mod consumers_cross;
mod cross;
pub(super) mod decode;
mod drill;
mod must_fail;
mod order;
mod overrides;
mod rules;
mod runbook;
mod stack;
mod targets;
pub(super) mod tree;

use std::sync::Arc;

use miette::NamedSource;

use super::{
    Scenario,
    problem::{self, Problem, Problems},
    spans::Spans,
};
use decode::{Decoder, Fields};
use tree::Tree;

pub use rules::{StatedRule, prometheus_duration, rules};
pub use runbook::{RunbookFile, RunbookText, read_runbook, with_runbooks};
pub use tree::BYTES_MAX;

/// The version of the language that this reader knows.
pub const SCHEMA: u32 = 1;

/// A scenario file as it was given.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name.
    pub file: String,
    /// Its text, before any override.
    pub text: String,
    /// What replaced values of the file, in the order in which it was applied.
    pub overrides: Vec<(String, String)>,
    /// The texts of the runbook files that it names, by the step that runs each; none until they were read.
    pub runbooks: Vec<(usize, String)>,
}

/// A scenario that is right as far as the file alone tells, and where its keys stand.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The file.
    pub source: Source,
    /// The scenario, overrides applied and every default filled in.
    pub scenario: Scenario,
    /// Where its keys stand.
    pub spans: Spans,
}

/// Reads a scenario and applies overrides such as `("targets.rto", "20s")` before it is decoded.
///
/// # Errors
/// Every problem of the file and the overrides at once, in the order of the file.
pub fn read(
    source_name: &str,
    text: &str,
    overrides: &[(String, String)],
) -> Result<Parsed, Problems> {
    let mut decoder = Decoder::default();
    let read = whole(&mut decoder, source_name, text, overrides);
    match read {
        Some((scenario, spans)) if decoder.problems.is_empty() => Ok(Parsed {
            source: Source {
                file: source_name.to_owned(),
                text: text.to_owned(),
                overrides: overrides.to_vec(),
                runbooks: Vec::new(),
            },
            scenario,
            spans,
        }),
        _ => Err(Problems::new(source_name, decoder.problems)),
    }
}

fn whole(
    decoder: &mut Decoder,
    source_name: &str,
    text: &str,
    overrides: &[(String, String)],
) -> Option<(Scenario, Spans)> {
    if let Some(problem) = unprintable(text) {
        decoder.note(problem);
        return None;
    }
    let source: problem::Source = Arc::new(NamedSource::new(source_name, text.to_owned()));
    let mut tree = match tree::parse(&source, &mut decoder.problems) {
        Ok(tree) => tree,
        Err(problem) => {
            decoder.note(problem);
            return None;
        }
    };
    for (path, value) in overrides {
        overrides::apply(decoder, &mut tree, path, value);
    }
    if matches!(tree.value, tree::Value::Null) {
        decoder.note(
            Problem::new("the file is empty")
                .help("start from a shipped scenario, for instance `scenarios/quickstart.yaml`"),
        );
        return None;
    }
    let spans = Spans::of(&tree);
    let scenario = scenario(decoder, &tree, &spans)?;
    Some((scenario, spans))
}

/// Control characters could rewrite the terminal on which a snippet is shown.
fn unprintable(text: &str) -> Option<Problem> {
    let (line, c) = text.lines().enumerate().find_map(|(line, content)| {
        let odd = |c: &char| c.is_control() && !matches!(c, '\t' | '\r');
        content.chars().find(odd).map(|c| (line + 1, c))
    })?;
    let message = format!(
        "line {line} holds the control character {}",
        c.escape_default()
    );
    Some(Problem::new(message).help("remove it; a scenario is plain text"))
}

/// What stands in the file, if it does; nothing where it could not be read.
fn given<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    read.map_or(Some(None), |read| read.map(Some))
}

fn scenario(d: &mut Decoder, tree: &Tree, spans: &Spans) -> Option<Scenario> {
    let mut f = d.fields(tree, "the scenario")?;
    let schema = f.need("schema", "write `schema: 1`, the version of the language");
    if let Some(tree) = schema
        && !schema_fits(d, tree)
    {
        return None;
    }
    let name = f
        .need(
            "name",
            "give it a name, such as `name: redis-sentinel-kill`",
        )
        .and_then(|tree| d.parsed(tree, "a name", name));
    let summary = f
        .need("summary", "say in one sentence what the drill shows")
        .and_then(|tree| d.parsed(tree, "a summary", sentence));
    let tags = f.get("tags").map(|tree| tags(d, tree)).unwrap_or_default();
    let stack = f
        .need(
            "stack",
            "say what stands, such as `stack: { redis: { topology: sentinel } }`",
        )
        .and_then(|tree| stack::stack(d, tree));
    let clients = f.get("clients").map_or_else(
        || Some(super::Clients::default()),
        |tree| clients::clients(d, tree),
    );
    let targets = f.get("targets").map_or_else(
        || Some(super::Targets::default()),
        |tree| targets::targets(d, tree),
    );
    let alerting = f.get("alerting").map(|tree| alerting::alerting(d, tree));
    let abort = f.get("abort").map(|tree| abort::abort(d, tree));
    let headline = f
        .get("headline")
        .map(|tree| d.number(tree, "the headline step", 0..=99));
    let drill = f
        .need(
            "drill",
            "say what happens, as a list of steps that starts with `- steady: 10s`",
        )
        .and_then(|tree| drill::drill(d, tree));
    let repeat = repeat(d, &mut f);
    let fresh_stacks = f
        .get("fresh-stacks")
        .map(|tree| d.word(tree, "flag", &[("true", true), ("false", false)]));
    let must_fail = must_fail::must_fail(d, &mut f);
    d.finish(f);
    let scenario = Scenario {
        schema: SCHEMA,
        name: name?,
        summary: summary?,
        tags,
        stack: stack?,
        clients: clients?,
        targets: targets?,
        alerting: given(alerting)?,
        abort: given(abort)?,
        headline: headline.flatten(),
        drill: drill?,
        repeat: repeat?,
        fresh_stacks: fresh_stacks.unwrap_or(Some(false))?,
        must_fail: must_fail?,
    };
    d.problems.extend(cross::problems(&scenario, spans));
    d.problems.extend(alerts_cross::problems(&scenario, spans));
    Some(scenario)
}

fn repeat(d: &mut Decoder, f: &mut Fields<'_>) -> Option<u32> {
    f.get("repeat").map_or(Some(1), |tree| {
        d.number(tree, "a number of repeats", 1..=1000)
    })
}

/// Another version makes every other message meaningless, so it is the only one then.
fn schema_fits(d: &mut Decoder, tree: &Tree) -> bool {
    let before = d.problems.len();
    d.parsed(tree, "a schema version that this drdrill knows", |text| {
        if text == "1" {
            Ok(())
        } else {
            Err("write `schema: 1`; a file of a later version needs a later drdrill".to_owned())
        }
    });
    d.problems.len() == before
}

fn name(text: &str) -> Result<String, String> {
    let fits = text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fits {
        Ok(text.to_owned())
    } else {
        Err(
            "expected at most 64 lower-case letters, digits and dashes, such as `redis-sentinel-kill`; it names the report folder"
                .to_owned(),
        )
    }
}

fn sentence(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 300 {
        Err("expected one sentence of at most 300 characters".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

fn tags(d: &mut Decoder, tree: &Tree) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for item in d.list(tree, "`tags`").unwrap_or_default() {
        let Some(tag) = d.parsed(item, "a tag", name) else {
            continue;
        };
        if tags.contains(&tag) {
            d.note(
                Problem::at(
                    item.place.clone(),
                    format!("the tag `{tag}` is there twice"),
                )
                .help("keep one of them"),
            );
        } else {
            tags.push(tag);
        }
    }
    tags
}

/// The YAML as plain JSON, anchors and merge keys resolved, for validation against the schema; `None`
/// if it is no YAML. Numbers and booleans become what they look like, all else text.
pub fn to_json(text: &str) -> Option<serde_json::Value> {
    let source: problem::Source = Arc::new(NamedSource::new("text", text.to_owned()));
    let tree = tree::parse(&source, &mut Vec::new()).ok()?;
    Some(tree.to_json())
}
