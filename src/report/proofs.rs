//! Which changes turned their drill red, in one table.

use super::{
    terminal::{Style, grid, wrap},
    view::text,
};

/// One drill that was run to show that it can turn red.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofRow {
    /// The scenario's name.
    pub scenario: String,
    /// What was changed; empty for the drill as it is.
    pub change: String,
    /// How it came out, in a word or two.
    pub outcome: &'static str,
    /// Why it is not what it must be; empty where it is.
    pub why: String,
    /// The run; empty where there was none.
    pub run: String,
}

/// Renders the rows for a terminal, with what they show together in a sentence of the caller's.
pub fn proofs(rows: &[ProofRow], summary: &str, style: Style) -> String {
    let head = ["scenario", "changed", "outcome", "run"];
    let cells = rows.iter().map(|row| {
        let change = match row.change.as_str() {
            "" => "nothing".into(),
            change => text::clean(change),
        };
        let outcome = row.outcome.to_owned();
        vec![row.scenario.clone(), change, outcome, row.run.clone()]
    });
    let table = grid(&head, cells.collect(), style);
    let lines = table.lines().map(|line| format!("{}\n", line.trim_end()));
    let mut out: String = lines.collect();
    for row in rows.iter().filter(|row| !row.why.is_empty()) {
        let name = format!("  {}: ", row.scenario);
        out.push_str(&wrap(&text::clean(&row.why), style.width, &name));
    }
    out.push_str(&format!("\n{summary}\n"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_drill_has_a_line_and_what_is_not_as_it_must_be_a_reason() {
        let row = |change: &str, outcome, why: &str| ProofRow {
            scenario: "kill".into(),
            change: change.into(),
            outcome,
            why: why.into(),
            run: "20261122t100000-000001".into(),
        };
        let rows = [
            row("", "passed", ""),
            row(
                "stack.redis.nodes=5",
                "not red",
                "`rto` was not missed with stack.redis.nodes=5",
            ),
        ];
        let style = Style {
            colour: false,
            width: 160,
        };
        let text = proofs(&rows, "0 of 1 changes turned the drill red.", style);
        assert!(text.contains("nothing"), "{text}");
        assert!(
            text.contains("kill: `rto` was not missed with stack.redis.nodes=5"),
            "{text}"
        );
        assert!(text.ends_with("turned the drill red.\n"), "{text}");
    }
}
