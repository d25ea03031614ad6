//! What operators did while the service was down.

use crate::{
    id::NodeName,
    measure::{
        EventFigures,
        format::{Round, duration},
        people,
    },
    record::{Deed, Record},
    scenario::Dur,
    time::{Bracket, Nanos},
};

use super::{ActionView, text, thousandths};

type Action = (Bracket, Deed);

/// The steps between the event and the end of its recovery.
pub(super) fn steps(record: &Record, event: &EventFigures) -> Vec<ActionView> {
    let zero = event.at.low;
    let scale = end(event).map_or(0, |end| end.0.saturating_sub(zero.0));
    let after = |at: Nanos| thousandths(at.0.saturating_sub(zero.0), scale);
    actions(record, event)
        .map(|(at, deed)| ActionView {
            text: text::clean(&deed.text),
            node: deed
                .node
                .as_ref()
                .map_or_else(String::new, NodeName::to_string),
            took: match deed.declared {
                Some(time) => format!("{} (declared)", Dur(time)),
                None => duration(at.high.since(at.low), Round::Up),
            },
            ended: text::offset(at.high, zero),
            bar: (after(at.low), after(at.high)),
        })
        .collect()
}

/// How long all of them took together, and how long people were to take beside it.
pub(super) fn took(record: &Record, event: &EventFigures) -> Option<String> {
    let mut steps = actions(record, event).peekable();
    steps.peek()?;
    let all = steps.map(|(at, _)| at.high.since(at.low)).sum();
    let people = people::of_event(record, event);
    let took = duration(all, Round::Up);
    Some(match people.is_zero() {
        true => took,
        false => format!("{took}, and people {} more", Dur(people)),
    })
}

/// Operators' actions that began after the event and before its recovery was lasting.
fn actions<'a>(record: &'a Record, event: &EventFigures) -> impl Iterator<Item = &'a Action> {
    let (from, end) = (event.at.low, end(event));
    let actions = record.actions.iter();
    actions.filter(move |(at, _)| from <= at.low && end.is_some_and(|end| at.low < end))
}

/// The end of the last phase.
fn end(event: &EventFigures) -> Option<Nanos> {
    event.phases.iter().map(|phase| phase.at.high).max()
}
