//! A run's operations as CSV, with the names of lanes and nodes, for a spreadsheet.

use std::io::{self, Write};

use crate::{
    history::{History, Op, Outcome},
    record::Record,
    time::Nanos,
};

use super::view::text;

/// The columns. Times are nanoseconds since the run's start, on the clock that durations are taken from.
const HEAD: &str = "lane,group,access,seq,intended_ns,sent_ns,done_ns,outcome,error,node,version\n";

/// Writes every operation, lane by lane in order of their numbers. What is absent is empty.
///
/// # Errors
/// When it cannot be written.
pub fn csv(record: &Record, history: &History, out: &mut impl Write) -> io::Result<()> {
    out.write_all(HEAD.as_bytes())?;
    for lane in &record.lanes {
        let name = field(&lane.name);
        let group = format!("{:?}", lane.group).to_ascii_lowercase();
        let access = format!("{:?}", lane.access).to_ascii_lowercase();
        for op in history.lane(lane.id) {
            let [intended, sent, done] = [Some(op.intended), op.sent, op.done].map(time);
            writeln!(
                out,
                "{name},{group},{access},{},{intended},{sent},{done},{},{},{},{}",
                op.seq,
                outcome(op.outcome),
                field(history.error_of(&op).unwrap_or_default()),
                field(node(record, &op)),
                op.version
                    .map_or_else(String::new, |version| version.to_string()),
            )?;
        }
    }
    Ok(())
}

fn time(at: Option<Nanos>) -> String {
    at.map_or_else(String::new, |at| at.0.to_string())
}

fn node<'r>(record: &'r Record, op: &Op) -> &'r str {
    let node = op.node.and_then(|node| record.node_name(node));
    node.map_or("", |node| node.as_str())
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Conflict => "conflict",
        Outcome::Fail => "fail",
        Outcome::Info => "info",
        Outcome::Shed => "shed",
    }
}

/// Text as one field (RFC 4180). What a spreadsheet would take for a formula begins with an apostrophe.
fn field(text: &str) -> String {
    let text = text::clean(text);
    let formula = text.starts_with(['=', '+', '-', '@']);
    let text = if formula { format!("'{text}") } else { text };
    if text.contains([',', '"']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_a_server_stays_one_field_and_no_formula() {
        assert_eq!(field("connection refused"), "connection refused");
        assert_eq!(field("a, \"b\"\nc"), "\"a, \"\"b\"\" c\"");
        assert_eq!(field("=1+1"), "'=1+1");
    }
}
