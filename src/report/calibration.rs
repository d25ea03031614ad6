//! A calibration as a table for a terminal.

use crate::truth::{Acceptance, Calibration, Line};

use super::terminal::{Style, grid, wrap};

/// Renders the lines, then why some were not accepted, then what the whole comes to.
pub fn calibration(calibration: &Calibration, style: Style) -> String {
    let head = [
        "level", "planted", "truth", "measured", "error", "asked", "", "witness",
    ];
    let rows = calibration.lines.iter().map(row);
    let table = grid(&head, rows.collect(), style);
    let mut out: String = table
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    for line in &calibration.lines {
        for why in &line.why {
            let start = format!("  {} {}: ", line.level, line.what);
            out.push_str(&wrap(why, style.width, &start));
        }
    }
    let accepted = calibration
        .lines
        .iter()
        .filter(|line| line.state == Acceptance::Accepted)
        .count();
    let all = calibration.lines.len();
    let state = word(calibration.state());
    out.push_str(&format!(
        "\n{state}: {accepted} of {all} lines accepted in {:.0} s, seed {}\n",
        calibration.seconds, calibration.seed
    ));
    out
}

fn row(line: &Line) -> Vec<String> {
    vec![
        line.level.clone(),
        line.what.clone(),
        line.truth.clone(),
        line.measured.clone(),
        line.error.clone(),
        line.limit.clone(),
        word(line.state).to_owned(),
        line.witness.clone(),
    ]
}

fn word(state: Acceptance) -> &'static str {
    match state {
        Acceptance::Accepted => "accepted",
        Acceptance::Undecided => "INCONCLUSIVE",
        Acceptance::Rejected => "REJECTED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn what_was_not_accepted_says_why() {
        let mut wrong = Line::new("C1", "outage: hang", "the node's own log");
        wrong.ask(false, || "the truth is outside the bracket".into());
        let whole = Calibration {
            drdrill: "0".into(),
            seed: Seed(7),
            machine: vec![],
            lines: vec![Line::new("C0", "rto", "brute force"), wrong],
            seconds: 3.0,
        };
        let style = Style {
            width: 120,
            colour: false,
        };
        let text = calibration(&whole, style);
        assert!(text.contains("C1 outage: hang: the truth is outside the bracket"));
        assert!(text.contains("REJECTED: 1 of 2 lines accepted in 3 s, seed 0000000000000007"));
    }
}
