//! Printing: results to stdout, talk to stderr, colour only where someone reads it.

use std::{
    fs,
    io::{self, IsTerminal, Write},
    os::fd::AsFd,
    path::Path,
};

use drdrill::{
    report::Style,
    scenario::Problems,
    shown::{shown, shown_lines},
};
use miette::{GraphicalReportHandler, GraphicalTheme};

use super::exit::{Exit, Failure};

/// Prints a result. A reader that has gone away (`| head`) is no error. Whatever a name in it holds, nothing but lines
/// and our own colours reaches a terminal, and no line is a command to a CI system.
pub fn result(text: &str) {
    let text = shown_lines(text, style().colour);
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}

/// Prints talk, likewise.
pub fn talk(text: &str) {
    commands(&shown_lines(text, colour()));
}

/// Prints what a CI system is to take for commands.
pub fn commands(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Prints why a command could not do its work.
pub fn failure(failure: &Failure) {
    talk(&format!(
        "error: {}\n  help: {}\n",
        shown(&failure.message),
        shown(&failure.help)
    ));
}

/// Prints every problem of a file with its place, then how many there are.
pub fn problems(problems: &Problems) {
    let theme = if colour() {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(width(io::stderr()));
    let mut text = String::new();
    for problem in &problems.all {
        if handler.render_report(&mut text, problem).is_err() {
            text.push_str(&format!("  {problem}\n"));
        }
        text.push('\n');
    }
    talk(&format!("{text}{problems}\n\n"));
}

/// Whether stderr may be coloured: a person reads it and has not said `NO_COLOR`.
fn colour() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !unwanted
}

/// How to write results: as wide as the terminal allows, coloured only for a person.
pub fn style() -> Style {
    let person = io::stdout().is_terminal();
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Style {
        width: width(io::stdout()),
        colour: person && !unwanted,
    }
}

/// Where no terminal says how wide it is: files, pipes, CI.
const WIDTH: usize = 100;
/// Longer lines are hard to read.
const WIDTH_MOST: usize = 140;

/// The columns to write in: as COLUMNS says, else those of the terminal.
fn width(stream: impl IsTerminal + AsFd) -> usize {
    let said = std::env::var("COLUMNS").ok();
    let said = said.and_then(|text| text.parse().ok());
    let seen = || {
        let size = rustix::termios::tcgetwinsize(&stream).ok()?;
        Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
    };
    let terminal = || seen().filter(|_| stream.is_terminal());
    said.or_else(terminal).unwrap_or(WIDTH).min(WIDTH_MOST)
}

/// Writes a file; a reader sees the old one or the new one, never a part.
///
/// # Errors
/// When it cannot be written.
pub fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let temporary = path.with_file_name(name);
    fs::write(&temporary, text)
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|error| unwritten(path, &error))
}

/// A file that could not be written.
pub fn unwritten(path: &Path, error: &io::Error) -> Failure {
    Failure::new(
        Exit::EnvironmentUnfit,
        format!("failed to write `{}`: {error}", path.display()),
        "check that its folder exists and has space left",
    )
}
