//! Why the recovery took as long as it did, for a terminal: a block of the scorecard, and `drdrill why`.

use crate::{
    measure::{
        EventFigures,
        format::{self, Round},
        why::{said, shortened, unexplained},
    },
    record::{Milestone, Record},
    score::Judgement,
    time::Nanos,
};

use super::{
    terminal::{Style, wrap},
    view::{
        text,
        why::{PartView, alarm, parts},
    },
};

/// So many of the first and of the last words of the control plane are shown.
const WORDS: usize = 6;

/// What each part of the recovery time waited for; empty where none was measured.
pub fn block(parts: &[PartView], style: Style) -> String {
    if parts.is_empty() {
        return String::new();
    }
    style.heading("Why it took so long") + &lines(parts, style)
}

fn lines(parts: &[PartView], style: Style) -> String {
    let mut out = String::new();
    for part in parts {
        let PartView {
            until,
            took,
            share,
            allowed,
            unexplained,
            waits,
        } = part;
        let not = match unexplained.as_str() {
            "" => String::new(),
            not => format!("; {not} of it not explained"),
        };
        let head = format!("{took} until {until}; allowed: {allowed}{not}");
        out.push_str(&wrap(&head, style.columns(), &format!("  {share:>5}  ")));
        for [what, by, long] in waits {
            let line = format!("{what}, {long}: {by}");
            out.push_str(&wrap(&line, style.columns(), "         - "));
        }
    }
    out
}

/// The answer to `drdrill why`: for each event with an outage, the parts of its recovery time, and what the control plane
/// said in the longest of them.
pub fn why(record: &Record, judgement: &Judgement, style: Style) -> String {
    let name = text::clean(&record.opened.scenario.name);
    let mut out = wrap(
        &format!("{name}: {}", text::clean(&judgement.scorecard.sentence)),
        style.columns(),
        "",
    );
    let events = judgement.figures.events.iter();
    for event in events.filter(|event| !event.why.is_empty()) {
        let victims: Vec<&str> = event.victims.iter().map(|node| node.as_str()).collect();
        let first = event.phases.first();
        let onset = first.map_or(event.at.high, |first| first.at.high);
        let after = |duration| format::duration(duration, Round::Up);
        let (_, back) = unexplained(&event.why);
        let title = format!(
            "{} {}: failed from +{} on, back at +{}",
            event.name,
            victims.join(", "),
            after(onset.since(event.at.low)),
            after(back)
        );
        out.push_str(&style.heading(&text::clean(&title)));
        if let Some(alarm) = alarm(event) {
            out.push_str(&wrap(&alarm, style.columns(), "! "));
        }
        out.push_str(&lines(&parts(event), style));
        out.push_str(&words(record, event, style));
    }
    if !judgement
        .figures
        .events
        .iter()
        .any(|event| !event.why.is_empty())
    {
        let ended = |event: &EventFigures| {
            event.phases.last().map(|phase| phase.until) == Some(Milestone::Sustained)
        };
        out.push_str(match judgement.figures.events.iter().any(ended) {
            true => {
                "The version that recorded this run did not record what a failover waits for.\n"
            }
            false => "No outage that ended was measured: there is no recovery time to explain.\n",
        });
    }
    out
}

/// What the control plane said in the longest part.
fn words(record: &Record, event: &EventFigures, style: Style) -> String {
    let mut began = event.at.low.0;
    let mut longest = (0, began, began);
    for part in &event.why {
        let ended = began.saturating_add(part.took_ns);
        longest = longest.max((part.took_ns, began, ended));
        began = ended;
    }
    let (_, from, to) = longest;
    let said = shortened(said(record, event.at.low, (Nanos(from), Nanos(to))), WORDS);
    let mut out = String::new();
    if said.is_empty() {
        out.push_str("  In the longest part, no log or observer said anything.\n");
    } else {
        out.push_str("  In the longest part, logs and observers said:\n");
    }
    for word in said {
        out.push_str(&wrap(&text::clean(&word), style.columns(), "    "));
    }
    out
}
