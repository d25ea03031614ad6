//! Annotations and the step summary of GitHub's workflows, within their limits.

use crate::gate::State;

use super::{Gated, open_lines, passes, text};

/// Errors shown per step: further ones are dropped silently (GitHub's documentation of workflow commands).
const ANNOTATIONS_MAX: usize = 10;
/// Bytes of a step summary that are kept: the whole upload is refused beyond 1 MiB.
const SUMMARY_MAX: usize = 900 * 1024;

/// One annotation per scenario that does not pass: an error, or a warning where it could not be told. What
/// is beyond the limit is counted in the last one.
pub fn annotations(gated: &[Gated<'_>]) -> String {
    let mut out = String::new();
    for (kind, inconclusive) in [("error", false), ("warning", true)] {
        let of: Vec<&Gated<'_>> = gated
            .iter()
            .filter(|it| !passes(it.decision.state))
            .filter(|it| (it.decision.state == State::Inconclusive) == inconclusive)
            .collect();
        let shown = if of.len() > ANNOTATIONS_MAX {
            ANNOTATIONS_MAX - 1
        } else {
            of.len()
        };
        for it in &of[..shown] {
            let title = property(&format!(
                "drdrill {}: {}",
                it.scenario,
                it.decision.state.word()
            ));
            let place = match it.file() {
                "" => format!("title={title}"),
                file => format!("file={},title={title}", property(file)),
            };
            out.push_str(&format!(
                "::{kind} {place}::{}\n",
                data(&it.decision.sentence)
            ));
        }
        if shown < of.len() {
            let more = of.len() - shown;
            out.push_str(&format!(
                "::{kind} title=drdrill::{more} more scenarios do not pass\n"
            ));
        }
    }
    out
}

/// A command's text: what would end or change it is escaped.
fn data(text: &str) -> String {
    text::clean(text)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The decisions as Markdown: a table, then what is open per scenario. Too long for a step summary, only
/// the totals are left.
pub fn summary(gated: &[Gated<'_>]) -> String {
    let full = full(gated);
    if full.len() <= SUMMARY_MAX {
        return full;
    }
    let mut out = "## drdrill\n\n".to_owned();
    for state in [
        State::Pass,
        State::TargetMissed,
        State::Regression,
        State::Inconclusive,
        State::Evidence,
    ] {
        let count = gated.iter().filter(|it| it.decision.state == state).count();
        out.push_str(&format!("- {}: {count}\n", state.word()));
    }
    out.push_str("\nToo many scenarios for this page: see the job's log.\n");
    out
}

fn full(gated: &[Gated<'_>]) -> String {
    let mut out =
        "## drdrill\n\n| gate | scenario | runs | worst rto | why |\n|---|---|---|---|---|\n"
            .to_owned();
    for it in gated {
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            it.decision.state.word(),
            cell(&it.scenario),
            it.runs.len(),
            it.rto(),
            cell(&it.decision.sentence)
        ));
    }
    for it in gated.iter().filter(|it| !passes(it.decision.state)) {
        let lines: Vec<String> = open_lines(it).collect();
        if !lines.is_empty() {
            out.push_str(&format!("\n**{}**\n\n", cell(&it.scenario)));
            for line in lines {
                out.push_str(&format!("- {}\n", cell(&line)));
            }
        }
    }
    out
}

/// Text that stays within a table's cell and is no markup.
fn cell(text: &str) -> String {
    text::clean(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('|', "\\|")
}
