//! A scenario with several values, one line for each of them, compared with the first.

use crate::{
    gate::{Against, Margin, Verdict, against},
    stats::quantile,
};

use super::{
    repeats::RepeatRow,
    terminal::{Style, grid, wrap},
    view::text,
};

/// The confidence level of comparisons (measurement definitions, section 5).
const LEVEL: f64 = 0.95;

/// The runs with one combination of values.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixRow {
    /// The values, such as `image=redis:8`.
    pub values: String,
    /// A row for each run.
    pub runs: Vec<RepeatRow>,
}

impl MatrixRow {
    fn times(&self) -> Vec<Option<f64>> {
        let runs = self.runs.iter();
        runs.map(|run| run.time.map(|(time, _)| time)).collect()
    }

    fn resolution(&self) -> f64 {
        let widths = self.runs.iter().filter_map(|run| run.time);
        widths.map(|(_, width)| width).fold(0.0, f64::max)
    }

    /// How many runs came out in which way.
    fn verdicts(&self) -> String {
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for run in &self.runs {
            match counts
                .iter_mut()
                .find(|(verdict, _)| *verdict == run.verdict)
            {
                Some((_, count)) => *count += 1,
                None => counts.push((run.verdict, 1)),
            }
        }
        let words = counts
            .iter()
            .map(|(verdict, count)| format!("{count} {}", verdict.to_ascii_lowercase()));
        words.collect::<Vec<_>>().join(", ")
    }

    /// Median and worst recovery time of the runs in which it was measured.
    fn recovery(&self) -> (String, String) {
        let mut times: Vec<f64> = self.times().into_iter().flatten().collect();
        times.sort_unstable_by(f64::total_cmp);
        let shown = |time: Option<f64>| match time {
            Some(time) => text::nanoseconds(time),
            None => "not measured".into(),
        };
        (shown(quantile(&times, 0.5)), shown(times.last().copied()))
    }

    /// The most writes that any of the runs lost; said if some could not tell.
    fn lost(&self) -> String {
        let known = self.runs.iter().filter_map(|run| run.lost);
        let untold = self.runs.iter().any(|run| run.lost.is_none());
        match (known.max(), untold) {
            (None, _) => "not measured".into(),
            (Some(most), false) => text::count(most),
            (Some(most), true) => format!("{} or more", text::count(most)),
        }
    }

    fn server(&self) -> String {
        let mut servers: Vec<&str> = self.runs.iter().map(|run| run.server.as_str()).collect();
        servers.dedup();
        servers.join(", ")
    }

    fn against(&self, first: &Self) -> Against {
        let resolution = self.resolution().max(first.resolution());
        let margin = Margin::Derived(resolution);
        against(&first.times(), &self.times(), margin, LEVEL)
    }
}

/// Renders the rows for a terminal: the first one is what the others are compared with.
pub fn matrix(scenario: &str, rows: &[MatrixRow], style: Style) -> String {
    let Some(first) = rows.first() else {
        return String::new();
    };
    let head = [
        scenario,
        "server",
        "verdicts",
        "rto",
        "worst",
        "lost",
        "than the first",
    ];
    let compared: Vec<Option<Against>> = (0..)
        .zip(rows)
        .map(|(index, row)| (index > 0).then(|| row.against(first)))
        .collect();
    let cells = rows.iter().zip(&compared).map(|(row, compared)| {
        let (median, worst) = row.recovery();
        let word = compared.as_ref().map_or("", |it| match it.verdict {
            Verdict::Pass => "not slower",
            Verdict::Regression => "slower",
            Verdict::Inconclusive => "inconclusive",
        });
        let values = row.values.clone();
        let (server, verdicts, lost) = (row.server(), row.verdicts(), row.lost());
        vec![values, server, verdicts, median, worst, lost, word.into()]
    });
    let table = grid(&head, cells.collect(), style);
    let mut out: String = table
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    if rows.len() > 1 {
        out.push_str(&format!("\n  The baseline is {}.\n", first.values));
    }
    for (row, compared) in rows.iter().zip(&compared) {
        if let Some(compared) = compared {
            let name = format!("  {}: ", row.values);
            out.push_str(&wrap(&compared.sentence, style.width, &name));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &str, times: &[Option<f64>], lost: Option<u64>) -> MatrixRow {
        let run = |time: &Option<f64>| RepeatRow {
            run: "20261122t100000-000001".into(),
            verdict: "PASS",
            rto: (String::new(), String::new()),
            rpo: (String::new(), String::new()),
            note: String::new(),
            server: "Redis 8".into(),
            time: time.map(|seconds| (seconds * 1e9, 1e7)),
            lost,
        };
        MatrixRow {
            values: values.into(),
            runs: times.iter().map(run).collect(),
        }
    }

    fn rendered(rows: &[MatrixRow]) -> String {
        matrix(
            "kill",
            rows,
            Style {
                colour: false,
                width: 160,
            },
        )
    }

    #[test]
    fn slower_is_told_from_alike_and_from_too_few() {
        let at = |from: f64, n: u8| -> Vec<Option<f64>> {
            (0..n).map(|i| Some(from + f64::from(i) / 1e4)).collect()
        };
        let first = row("image=a", &at(2.0, 10), Some(0));
        let text = rendered(&[
            first.clone(),
            row("image=b", &at(2.0, 10), Some(3)),
            row("image=c", &at(4.0, 10), Some(0)),
            row("image=d", &at(2.0, 1), Some(0)),
        ]);
        let line = |name: &str| text.lines().find(|line| line.contains(name)).unwrap();
        assert!(line("image=b").ends_with("not slower"), "{text}");
        assert!(line("image=c").ends_with(" slower"), "{text}");
        assert!(!line("image=c").ends_with("not slower"), "{text}");
        assert!(line("image=d").ends_with("inconclusive"), "{text}");
        assert!(line("image=a").contains("10 pass"), "{text}");
    }

    #[test]
    fn what_was_not_measured_is_neither_quick_nor_without_loss() {
        let text = rendered(&[
            row("image=a", &[Some(2.0); 8], Some(0)),
            row("image=b", &[None; 8], None),
            row("image=c", &[Some(f64::INFINITY)], Some(1)),
            row("image=d", &[], None),
        ]);
        let line = |name: &str| text.lines().find(|line| line.contains(name)).unwrap();
        assert!(line("image=b").contains("not measured"), "{text}");
        assert!(line("image=b").ends_with("inconclusive"), "{text}");
        assert!(line("image=c").contains("not seen"), "{text}");
        assert!(line("image=d").ends_with("inconclusive"), "{text}");
    }
}
