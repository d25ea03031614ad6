//! Reports in Chinese: the English text of a page or document, put through a catalogue of sentences.
//!
//! What the catalogue does not hold stays English: names of figures, checkers, settings and nodes always do, since
//! they are the names that the definitions, the schema and other tools use.

mod alerts;
mod bounds;
mod catalogue;
mod checks;
mod common;
mod controls;
mod deeds;
mod effects;
mod errors;
mod figures;
mod integrity;
mod lookup;
mod loss;
mod means;
mod members;
mod method;
mod networks;
mod quarter;
mod reasons;
mod restores;
mod runbooks;
mod sentences;
#[cfg(test)]
mod spoken;
mod stopped;
mod streams;
mod verdicts;
mod watch;

use std::borrow::Cow;

use super::document::{Cell, Document};

use lookup::{WHOLE, said};

/// Every sentence, with its Chinese. The first one that fits is taken.
fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let words = catalogue::WORDS.iter().chain(deeds::DEEDS).copied();
    let deeds = deeds::FAULT_DEEDS.iter();
    let deeds = deeds.map(|(english, chinese)| (english.as_str(), chinese.as_str()));
    let sentences = SENTENCES.iter().flat_map(|part| part.iter().copied());
    words.chain(deeds).chain(sentences)
}

/// The sentences, but for those of faults. Some of the first begin as one that comes later.
const SENTENCES: &[&[(&str, &str)]] = &[
    verdicts::VERDICTS,
    checks::CHECKS,
    integrity::INTEGRITY,
    alerts::ALERTS,
    sentences::SENTENCES,
    stopped::SENTENCES,
    watch::WATCH,
    reasons::REASONS,
    restores::RESTORES,
    figures::FIGURES,
    loss::LOSS,
    method::METHOD,
    means::MEANS,
    effects::EFFECTS,
    networks::NETWORKS,
    streams::STREAMS,
    bounds::BOUNDS,
    members::MEMBERS,
    quarter::QUARTER,
    controls::CONTROLS,
    errors::ERRORS,
    runbooks::RUNBOOKS,
    common::COMMON,
];

/// A text in Chinese, as far as the catalogue goes.
pub fn chinese(text: &str) -> Cow<'_, str> {
    let trimmed = text.trim();
    if trimmed.is_empty() || !trimmed.bytes().any(|b| b.is_ascii_alphabetic()) {
        return Cow::Borrowed(text);
    }
    match said(trimmed) {
        Some(said) => Cow::Owned(text.replacen(trimmed, &said, 1)),
        None => Cow::Borrowed(text),
    }
}

/// A page in Chinese: the texts between its tags.
pub fn chinese_page(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let (text, tag) = rest.split_at(start);
        out.push_str(&between_tags(text));
        let opaque = ["<style", "<code"]
            .into_iter()
            .find(|name| tag.starts_with(name));
        let end = match opaque {
            Some(name) => {
                let close = format!("</{}>", &name[1..]);
                tag.find(&close).map(|at| at + close.len())
            }
            None => tag.find('>').map(|at| at + 1),
        };
        let (whole, other) = tag.split_at(end.unwrap_or(tag.len()));
        out.push_str(whole);
        rest = other;
    }
    out.push_str(&between_tags(rest));
    out.replacen("<html lang=\"en\">", "<html lang=\"zh-CN\">", 1)
}

/// How signs are written between tags.
const ESCAPES: [(&str, &str); 9] = [
    ("&#60;", "<"),
    ("&lt;", "<"),
    ("&#62;", ">"),
    ("&gt;", ">"),
    ("&#34;", "\""),
    ("&quot;", "\""),
    ("&#39;", "'"),
    ("&#38;", "&"),
    ("&amp;", "&"),
];

/// A text between tags in Chinese. It is read as it shows: the semicolon of an escape parts no clauses.
fn between_tags(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, sign) = rest.split_at(at);
        plain.push_str(before);
        let known = ESCAPES
            .iter()
            .find_map(|(written, sign_of)| Some((*sign_of, sign.strip_prefix(written)?)));
        let (shown, behind) = known.unwrap_or_else(|| sign.split_at(1));
        plain.push_str(shown);
        rest = behind;
    }
    plain.push_str(rest);
    // An apostrophe needs no escape between tags.
    let said = chinese(&plain).replace('&', "&#38;");
    let said = said.replace('<', "&#60;").replace('>', "&#62;");
    said.replace('"', "&#34;")
}

/// A document in Chinese.
pub fn chinese_document(document: &Document) -> Document {
    let said = |text: &str| chinese(text).into_owned();
    let cell = |cell: &Cell| Cell {
        text: said(&cell.text),
        tone: cell.tone,
    };
    let fixed = |text: &'static str| WHOLE.get(text).copied().unwrap_or(text);
    let mut document = document.clone();
    document.title = said(&document.title);
    document.lead = said(&document.lead);
    for section in &mut document.sections {
        section.title = fixed(section.title);
        section.empty = fixed(section.empty);
        section.head = section.head.iter().map(|name| said(name)).collect();
        section.notes = section.notes.iter().map(cell).collect();
        section.rows = section
            .rows
            .iter()
            .map(|row| row.iter().map(cell).collect())
            .collect();
        for bar in &mut section.bars {
            bar.name = said(&bar.name);
        }
        if let Some(columns) = &mut section.columns {
            columns.caption = said(&columns.caption);
        }
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::NodeName,
        record::{Cause, Change, Unexplained},
    };

    #[test]
    fn a_sentence_is_found_by_its_parts_and_its_gaps_are_kept() {
        let english = "The primary n1 was killed; writes failed for 674.9 ms until n2 took over; no acknowledged write was lost (0 of 5,162).";
        let said = chinese(english);
        assert_eq!(
            said,
            "主节点 n1 被强制终止；写入中断 674.9 ms，直到 n2 接管；没有丢失任何已确认的写入（0 / 5,162）。"
        );
        assert_eq!(
            chinese("The primary r1 was left without file descriptors"),
            "主节点 r1 耗尽文件描述符"
        );
        assert_eq!(chinese("The disk of pg2 was slow"), "pg2 的磁盘变慢");
        assert_eq!(chinese("no such sentence here"), "no such sentence here");
        assert_eq!(chinese(" Targets "), " 目标 ");
        assert_eq!(chinese("4.213 s"), "4.213 s");
    }

    #[test]
    fn whatever_no_step_caused_is_said_in_chinese_with_and_without_the_engines_time() {
        let name = || "r9".to_owned();
        let changes = [
            Change::Ended {
                code: 137,
                out_of_memory: false,
            },
            Change::Frozen,
            Change::Thawed,
            Change::Started,
            Change::Removed,
            Change::EngineAway { why: name() },
            Change::EngineAnew { other: true },
            Change::EngineAnew { other: false },
            Change::Signalled { signal: name() },
            Change::HelperEnded {
                helper: name(),
                code: Some(1),
            },
            Change::ClientAway { why: name() },
            Change::Detached,
            Change::Joined {
                name: name(),
                address: "10.0.0.1".into(),
            },
        ];
        for change in changes {
            for (node, engine_time) in [
                (Some("r1"), None),
                (Some("r1"), Some("12:00:00 UTC")),
                (None, None),
            ] {
                let one = Unexplained {
                    node: node.map(NodeName::new),
                    change: change.clone(),
                    by: Cause::Outsider,
                    engine_time: engine_time.map(str::to_owned),
                };
                let said = chinese(&one.told()).into_owned();
                assert!(said.contains("并非演练步骤所致"), "{said}");
                assert!(!said.contains("no step did it"), "{said}");
                assert!(!said.contains("engine's clock"), "{said}");
            }
        }
    }

    #[test]
    fn every_gap_of_the_catalogue_is_used_once() {
        for (english, chinese) in all() {
            let gaps = english.matches("{}").count();
            for index in 0..gaps {
                let mark = format!("{{{index}}}");
                assert_eq!(chinese.matches(&mark).count(), 1, "{english}: {mark}");
            }
            assert!(!chinese.contains(&format!("{{{gaps}}}")), "{english}");
        }
    }

    #[test]
    fn tags_styles_and_code_are_left_alone() {
        let page = "<html lang=\"en\"><style>Targets{}</style><h2 id=\"targets\">Targets</h2><code>Targets</code></html>";
        let said = chinese_page(page);
        assert_eq!(
            said,
            "<html lang=\"zh-CN\"><style>Targets{}</style><h2 id=\"targets\">目标</h2><code>Targets</code></html>"
        );
    }
}
