//! Tests of the style sheet: what a page is read by can be told from what lies below it.

use std::collections::{BTreeMap, BTreeSet};

const STYLE: &str = include_str!("style.css");

/// Text and what it lies on: WCAG 2.2, success criterion 1.4.3.
const TEXT: [(&str, &[&str]); 11] = [
    (
        "ink",
        &[
            "paper",
            "card",
            "tint",
            "replica",
            "other",
            "unreachable",
            "warn-soft",
        ],
    ),
    ("dim", &["paper", "card", "tint", "faint"]),
    ("good", &["paper", "card", "good-soft"]),
    ("bad", &["paper", "card", "bad-soft"]),
    ("warn", &["paper", "card", "warn-soft"]),
    ("calm", &["paper", "card", "calm-soft"]),
    ("card", &["good", "bad", "warn", "calm", "ink"]),
    ("on", &["primary", "warn"]),
    ("fault", &["card", "tint"]),
    ("target", &["card", "tint"]),
    ("ink", &["calm-soft"]),
];
/// Marks and what they lie on: success criterion 1.4.11.
const MARKS: [(&str, &[&str]); 18] = [
    ("ok", &["card", "tint", "paper"]),
    ("conflict", &["card", "tint"]),
    ("fail", &["card", "tint", "paper"]),
    ("info", &["card", "tint", "paper"]),
    ("shed", &["card", "tint"]),
    ("p50", &["card", "tint"]),
    ("p99", &["card", "tint"]),
    ("max", &["card", "tint"]),
    ("fault", &["card", "tint"]),
    ("target", &["card", "tint"]),
    ("primary", &["card", "tint"]),
    ("ack", &["card", "tint"]),
    ("probe", &["card", "tint"]),
    // The outline of a role, an operator's bar and an alert.
    ("dim", &["card", "tint", "replica", "other", "unreachable"]),
    ("warn", &["card", "tint"]),
    ("good", &["card"]),
    ("bad", &["card", "faint"]),
    ("calm", &["card", "faint"]),
];
/// Lines that only divide.
const DECORATION: [&str; 1] = ["rule"];

fn colours(block: &str) -> BTreeMap<String, [f64; 3]> {
    let (_, declared) = block.split_once(":root {").expect("variables");
    let (declared, _) = declared.split_once('}').expect("an end");
    let pairs = declared
        .split(';')
        .filter_map(|one| one.trim().split_once(": "));
    pairs
        .filter_map(|(name, value)| {
            let digits = value.strip_prefix('#')?;
            let part = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
            let [r, g, b] = [part(0)?, part(2)?, part(4)?].map(f64::from);
            Some((name.trim_start_matches('-').to_owned(), [r, g, b]))
        })
        .collect()
}

/// The three looks of a page, each with the fault's tint over the card.
fn looks() -> Vec<(&'static str, BTreeMap<String, [f64; 3]>)> {
    let (_, dark) = STYLE
        .split_once("prefers-color-scheme: dark")
        .expect("a dark look");
    let (_, print) = STYLE.split_once("@media print").expect("a print look");
    let light = colours(STYLE);
    let over = |block: &str| {
        let mut all = light.clone();
        all.extend(colours(block));
        all
    };
    let mut looks = vec![
        ("light", light.clone()),
        ("dark", over(dark)),
        ("print", over(print)),
    ];
    for (_, colours) in &mut looks {
        let (fault, card) = (colours["fault"], colours["card"]);
        let tint = std::array::from_fn(|i| 0.07 * fault[i] + 0.93 * card[i]);
        colours.insert("tint".into(), tint);
    }
    looks
}

/// WCAG's relative luminance of an sRGB colour.
fn luminance(colour: [f64; 3]) -> f64 {
    let linear = |part: f64| match part / 255.0 {
        low if low <= 0.04045 => low / 12.92,
        high => ((high + 0.055) / 1.055).powf(2.4),
    };
    let [r, g, b] = colour.map(linear);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn too_pale(pairs: &[(&str, &[&str])], least: f64) -> Vec<String> {
    let mut pale = Vec::new();
    for (look, colours) in looks() {
        for (front, backs) in pairs {
            for back in *backs {
                let ratio = contrast(colours[*front], colours[*back]);
                if ratio < least {
                    pale.push(format!("{look}: {front} on {back} {ratio:.2}"));
                }
            }
        }
    }
    pale
}

#[test]
fn text_and_marks_can_be_told_from_what_lies_below_them() {
    assert!((contrast([0.0; 3], [255.0; 3]) - 21.0).abs() < 1e-9);
    assert_eq!(too_pale(&TEXT, 4.5), Vec::<String>::new());
    assert_eq!(too_pale(&MARKS, 3.0), Vec::<String>::new());
}

#[test]
fn every_colour_of_the_sheet_is_held_to_a_contrast() {
    let held = TEXT.iter().chain(&MARKS);
    let mut known: BTreeSet<&str> = held
        .flat_map(|(front, backs)| backs.iter().chain([front]))
        .copied()
        .collect();
    known.extend(DECORATION);
    let colours = colours(STYLE);
    let loose: Vec<&String> = colours
        .keys()
        .filter(|name| !known.contains(name.as_str()))
        .collect();
    assert!(loose.is_empty(), "{loose:?}");
}

#[test]
fn the_tint_of_a_fault_is_as_strong_as_the_tests_take_it() {
    assert!(STYLE.contains("svg .fault { fill: var(--fault); fill-opacity: .07; }"));
}
