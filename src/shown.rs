//! Text from outside as it may be shown: nothing in it moves a cursor, turns a line around, hides, or speaks to a CI system.

use std::{borrow::Cow, path::Path};

/// Whether a character is not seen as itself: controls, directions of writing, breaks, and characters without a width.
pub fn unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// A name or a sentence from outside on one line: what is not seen is written as an escape.
pub fn shown(text: &str) -> Cow<'_, str> {
    let silent = silent(text);
    if !silent.chars().any(unseen) {
        return silent;
    }
    let mut out = String::with_capacity(text.len() + 16);
    silent.chars().for_each(|c| put(c, &mut out));
    Cow::Owned(out)
}

/// A path, likewise.
pub fn shown_path(path: &Path) -> String {
    shown(&path.to_string_lossy()).into_owned()
}

/// A whole output: lines and tabs stay, and where there is colour, sequences that colour.
pub fn shown_lines(text: &str, colour: bool) -> Cow<'_, str> {
    let fine = |c: char| !unseen(c) || matches!(c, '\n' | '\t');
    if text.chars().all(fine) && text.lines().all(|line| !speaks(line)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for line in text.split_inclusive('\n') {
        let line = silent(line);
        let mut rest = &*line;
        while let Some(c) = rest.chars().next() {
            let painted = if colour { painting(rest) } else { 0 };
            let taken = painted.max(c.len_utf8());
            if painted > 0 || fine(c) {
                out.push_str(&rest[..taken]);
            } else {
                put(c, &mut out);
            }
            rest = &rest[taken..];
        }
    }
    Cow::Owned(out)
}

fn put(c: char, out: &mut String) {
    if unseen(c) {
        out.extend(c.escape_default());
    } else {
        out.push(c);
    }
}

/// How long the sequence is that colours, at the beginning of a text: `ESC [ numbers m`.
fn painting(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("\u{1b}[") else {
        return 0;
    };
    let numbers = rest
        .bytes()
        .take_while(|b| b.is_ascii_digit() || *b == b';');
    let numbers = numbers.count();
    match rest.as_bytes().get(numbers) {
        Some(b'm') => 2 + numbers + 1,
        _ => 0,
    }
}

/// Whether a CI system would take a line for a command: GitHub's `::error::` at its beginning and `##[error]` within it,
/// Azure's and TeamCity's likewise.
fn speaks(line: &str) -> bool {
    line.trim_start().starts_with("::") || COMMANDS.iter().any(|command| line.contains(command))
}

const COMMANDS: [&str; 3] = ["##[", "##vso[", "##teamcity["];

fn silent(line: &str) -> Cow<'_, str> {
    if !speaks(line) {
        return Cow::Borrowed(line);
    }
    let mut line = line.to_owned();
    if line.trim_start().starts_with("::") {
        line = line.replacen("::", ":\\u{3a}", 1);
    }
    for command in COMMANDS {
        line = line.replace(command, &command.replacen("##", "#\\u{23}", 1));
    }
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_moves_a_cursor_turns_a_line_or_speaks_to_ci() {
        for (text, safe) in [
            (
                "\u{1b}[2J\u{1b}[HEverything follows",
                "\\u{1b}[2J\\u{1b}[HEverything follows",
            ),
            ("a\nEverything follows", "a\\nEverything follows"),
            ("a\rverified", "a\\rverified"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("ssap \u{202e}", "ssap \\u{202e}"),
            ("\u{2066}a\u{2069}", "\\u{2066}a\\u{2069}"),
            ("a\u{2028}b", "a\\u{2028}b"),
            ("pass\u{200b}", "pass\\u{200b}"),
            ("  ::error::x", "  :\\u{3a}error::x"),
            ("x ##[error]y", "x #\\u{23}[error]y"),
            ("##vso[task.complete]", "#\\u{23}vso[task.complete]"),
            ("a::b, 主库 ×", "a::b, 主库 ×"),
        ] {
            assert_eq!(shown(text), safe);
            assert_eq!(shown(safe), safe, "once is enough");
        }
    }

    #[test]
    fn an_output_keeps_its_lines_and_its_colours_and_nothing_else() {
        let text = "\u{1b}[1;32mpass\u{1b}[0m\tx\n\u{1b}]0;title\u{7}\n::add-mask::x\n";
        let rest = "\\u{1b}]0;title\\u{7}\n:\\u{3a}add-mask::x\n";
        assert_eq!(
            shown_lines(text, true),
            format!("\u{1b}[1;32mpass\u{1b}[0m\tx\n{rest}")
        );
        assert_eq!(
            shown_lines(text, false),
            format!("\\u{{1b}}[1;32mpass\\u{{1b}}[0m\tx\n{rest}")
        );
        let plain = "## Title\n${cur##*=}\n";
        assert!(matches!(shown_lines(plain, false), Cow::Borrowed(_)));
    }
}
