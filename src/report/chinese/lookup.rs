//! Looks sentences up: a text as a whole, or else clause by clause.

use std::{collections::HashMap, sync::LazyLock};

use super::all;

/// Sentences without gaps.
pub static WHOLE: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    all()
        .filter(|(english, _)| !english.contains("{}"))
        .collect()
});

/// Sentences with gaps: the parts around them, and the Chinese.
static GAPPED: LazyLock<Vec<(Vec<&str>, &str)>> = LazyLock::new(|| {
    let gapped = all().filter(|(english, _)| english.contains("{}"));
    gapped
        .map(|(english, chinese)| (english.split("{}").collect(), chinese))
        .collect()
});

/// A text as a whole, or else clause by clause; none where there is nothing for any part of it.
pub fn said(text: &str) -> Option<String> {
    translated(text).or_else(|| clauses(text))
}

/// The clauses that semicolons part, one by one; or else what stands before a colon, and what stands behind it.
fn clauses(text: &str) -> Option<String> {
    let (body, end) = match text.strip_suffix('.') {
        Some(body) => (body, "。"),
        None => (text, ""),
    };
    let apart: Vec<&str> = body.split("; ").collect();
    // What is not apart is the text itself.
    let several = apart.len() > 1;
    let listed = several.then(|| joined(&apart, "；")).flatten();
    let found = listed.or_else(|| {
        let (before, behind) = body.split_once(": ")?;
        joined(&[before, behind], "：")
    })?;
    Some(found + end)
}

/// The parts of a text, those in Chinese that there is something for.
fn joined(parts: &[&str], mark: &str) -> Option<String> {
    let found: Vec<Option<String>> = parts.iter().map(|part| said(part)).collect();
    let known = found.iter().any(Option::is_some);
    let each = found.into_iter().zip(parts);
    let each = each.map(|(found, part)| found.unwrap_or_else(|| (*part).to_owned()));
    known.then(|| each.collect::<Vec<String>>().join(mark))
}

fn translated(text: &str) -> Option<String> {
    if let Some(whole) = WHOLE.get(text) {
        return Some((*whole).to_owned());
    }
    GAPPED.iter().find_map(|(parts, chinese)| {
        let gaps = gaps(text, parts).filter(|gaps| is_one_clause(gaps, parts, chinese))?;
        let mut filled = (*chinese).to_owned();
        for (index, (gap, before)) in gaps.iter().zip(parts).enumerate() {
            // What stands in backticks is a name.
            let quoted = before.ends_with('`');
            let inner = (!quoted).then(|| said(gap).or_else(|| names(gap)));
            let inner = inner.flatten().unwrap_or_else(|| (*gap).to_owned());
            filled = filled.replace(&format!("{{{index}}}"), &inner);
        }
        Some(filled)
    })
}

/// What stands in the gaps between the parts, if the text is made of them.
fn gaps<'t>(text: &'t str, parts: &[&str]) -> Option<Vec<&'t str>> {
    let (first, rest) = parts.split_first()?;
    let (last, middle) = rest.split_last()?;
    let mut text = text.strip_prefix(first)?.strip_suffix(last)?;
    let mut gaps = Vec::new();
    for part in middle {
        let (gap, other) = text.split_once(part)?;
        gaps.push(gap);
        text = other;
    }
    gaps.push(text);
    gaps.iter().all(|gap| !gap.is_empty()).then_some(gaps)
}

/// Whether no gap reaches beyond its clause: over a semicolon, unless the sentence has one itself, or over a colon. One
/// that stands last may hold a colon, as may one in backticks; and one that stands first, where something is only added
/// behind it in brackets.
fn is_one_clause(gaps: &[&str], parts: &[&str], chinese: &str) -> bool {
    let spans = parts.iter().any(|part| part.contains("; "));
    let begins = parts.first().is_some_and(|first| first.is_empty());
    let mut each = gaps.iter().zip(parts).enumerate();
    each.all(|(index, (gap, before))| {
        let open = match index {
            0 if begins => chinese.starts_with("{0}（"),
            _ => spans || index + 1 == gaps.len() || before.ends_with('`'),
        };
        (spans || !gap.contains("; ")) && (open || !gap.contains(": "))
    })
}

/// Names that an `and` joins, such as those of nodes.
fn names(text: &str) -> Option<String> {
    let (others, last) = text.rsplit_once(" and ")?;
    let all: Vec<&str> = others.split(", ").chain([last]).collect();
    let single = |name: &&str| !name.is_empty() && !name.contains(' ');
    all.iter().all(single).then(|| all.join("、"))
}
