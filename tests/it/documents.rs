//! Reports of the sample run in Chinese and as PDF.

use std::{fs, process::Command};

use drdrill::{
    evidence,
    report::{
        View,
        chinese::{chinese, chinese_document, chinese_page},
        html::html,
        pdf::{Fonts, PdfError, chinese_font, pdf},
        run_document::run_document,
    },
    score,
};

use crate::{drill_rig::DRDRILL, evidence_rig::sample};

fn view() -> View {
    let loaded = evidence::load(&sample()).expect("the sample verifies");
    let judgement = score::judge(&loaded.record, &loaded.history);
    View::new(&loaded.record, &loaded.history, &judgement)
}

/// The texts between a page's tags, styles and code apart.
fn texts(page: &str) -> Vec<String> {
    let body = page.split("<body>").nth(1).expect("a body");
    let mut texts = Vec::new();
    for part in body.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or((part, ""));
        if !tag.starts_with("code") {
            texts.push(text.trim().to_owned());
        }
    }
    texts
}

#[test]
fn the_chinese_page_leaves_no_heading_and_no_sentence_of_the_verdict_in_english() {
    let view = view();
    let english = html(&view);
    let page = chinese_page(&english);
    assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"zh-CN\">"));
    for words in [
        "主节点 n1 被强制终止",
        "目标",
        "恢复阶段",
        "区间上端在目标之内",
        "如何测量",
    ] {
        assert!(page.contains(words), "{words}");
    }
    // Names stay; of everything with several English words most must be translated.
    let wordy = |text: &&String| {
        text.split(' ')
            .filter(|word| word.len() > 3 && word.bytes().all(|b| b.is_ascii_lowercase()))
            .count()
            >= 3
    };
    let (before, after) = (texts(&english), texts(&page));
    let (many, left): (Vec<_>, Vec<_>) = (
        before.iter().filter(wordy).collect(),
        after.iter().filter(wordy).collect(),
    );
    assert!(
        left.len() * 5 <= many.len(),
        "{} of {} are English: {left:#?}",
        left.len(),
        many.len()
    );
    assert_eq!(
        english.matches('<').count(),
        page.matches('<').count(),
        "the same page"
    );
}

#[test]
fn hostile_text_does_not_become_markup_by_translation() {
    let said = chinese("writes failed for <b>1 s</b> until &amp; took over");
    assert_eq!(
        said, "写入中断 <b>1 s</b>，直到 &amp; 接管",
        "what was escaped stays as it was"
    );
}

#[test]
fn the_pdf_is_archival_the_same_each_time_and_has_its_text() {
    let document = run_document(&view());
    let fonts = Fonts::latin().expect("fonts");
    let make = || pdf(&document, &fonts, "en", "2026-11-21T10:00:00Z".parse().ok()).expect("a PDF");
    let bytes = make();
    assert!(bytes == make(), "the same document gives the same bytes");
    assert!(bytes.starts_with(b"%PDF-"));
    let plain = String::from_utf8_lossy(&bytes);
    assert!(
        plain.contains("pdfaid:part") && plain.contains("/ToUnicode"),
        "PDF/A with a text layer"
    );
}

#[test]
fn a_font_without_the_characters_is_refused() {
    let document = chinese_document(&run_document(&view()));
    let latin = Fonts::latin().expect("fonts");
    assert!(matches!(
        pdf(&document, &latin, "zh-CN", None),
        Err(PdfError::NoGlyph(_))
    ));
    assert!(matches!(Fonts::of(b"no font"), Err(PdfError::Font)));
}

#[test]
fn the_operations_as_csv_are_those_of_the_history_with_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("operations.csv");
    let output = Command::new(DRDRILL)
        .arg("report")
        .arg(sample())
        .arg("--csv")
        .arg(&path)
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = fs::read_to_string(path).expect("a file");
    let loaded = evidence::load(&sample()).expect("the sample verifies");
    assert_eq!(text.lines().count(), loaded.history.count() + 1);
    let columns = text.lines().next().map(|head| head.split(',').count());
    assert!(
        text.lines()
            .all(|line| Some(line.split(',').count()) == columns)
    );
    let refused = text
        .lines()
        .find(|line| line.contains(",fail,connection refused,"));
    assert!(refused.is_some(), "errors are named");
    assert!(text.contains(",ok,,n2,"), "acknowledged by n2");
}

/// In Chinese where the machine has a font for it; else it says what is missing.
#[test]
fn the_command_writes_a_pdf_or_says_which_font_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    for (language, exit) in [
        ("en", 0),
        ("zh", if chinese_font().is_some() { 0 } else { 5 }),
    ] {
        let path = folder.path().join(format!("{language}.pdf"));
        let output = Command::new(DRDRILL)
            .arg("report")
            .arg(sample())
            .args(["--language", language, "--pdf"])
            .arg(&path)
            .output()
            .expect("the binary starts");
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "{talk}");
        if exit == 0 {
            assert!(fs::read(path).expect("a PDF").starts_with(b"%PDF-"));
        } else {
            assert!(talk.contains("--font"), "{talk}");
        }
    }
}
