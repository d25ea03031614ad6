//! Scales and small drawing helpers of the picture.

use crate::time::Nanos;

/// Left and right end of the plots, in the drawing's units.
pub(super) const LEFT: f64 = 92.0;
/// See [`LEFT`].
pub(super) const RIGHT: f64 = 988.0;

/// Time to horizontal position.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    pub(super) from: Nanos,
    pub(super) to: Nanos,
    pub(super) zero: Nanos,
}

impl Axis {
    /// The position of a moment, kept within the plot.
    pub(super) fn x(self, at: Nanos) -> f64 {
        let length = self.to.0.saturating_sub(self.from.0).max(1) as f64;
        let since = at.0.clamp(self.from.0, self.to.0) - self.from.0;
        LEFT + since as f64 / length * (RIGHT - LEFT)
    }

    /// Whether a moment lies within the plot.
    pub(super) fn shows(self, at: Nanos) -> bool {
        (self.from..=self.to).contains(&at)
    }

    /// Grid lines with a label each, at round times from zero.
    pub(super) fn ticks(self) -> Vec<(f64, String)> {
        const STEPS_MS: [u64; 15] = [
            20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000,
            1_800_000, 3_600_000,
        ];
        let length = self.to.0.saturating_sub(self.from.0);
        let step = STEPS_MS
            .iter()
            .map(|ms| ms * 1_000_000)
            .find(|step| length / step <= 12)
            .unwrap_or(length.max(1));
        let before = self.zero.0.saturating_sub(self.from.0) / step;
        let mut ticks = Vec::new();
        for index in 0..=length / step + 1 {
            let (later, number) = (index >= before, index.abs_diff(before));
            let at = if later {
                self.zero.0 + number * step
            } else {
                self.zero.0 - number * step
            };
            if self.shows(Nanos(at)) {
                let sign = match (number, later) {
                    (0, _) => "",
                    (_, true) => "+",
                    (_, false) => "\u{2212}",
                };
                let ms = number * step / 1_000_000;
                let label = if step < 1_000_000_000 {
                    format!("{sign}{}.{:02} s", ms / 1000, ms % 1000 / 10)
                } else {
                    format!("{sign}{} s", ms / 1000)
                };
                ticks.push((self.x(Nanos(at)), label));
            }
        }
        ticks
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is at least as large.
pub(super) fn round_up(number: u64) -> u64 {
    let mut power = 1;
    loop {
        for factor in [1, 2, 4, 6, 8] {
            if factor * power >= number {
                return factor * power;
            }
        }
        power *= 10;
    }
}

/// A latency in the fewest digits, for the scale: `10 ms`.
pub(super) fn decade(ns: f64) -> String {
    if ns >= 1e9 {
        format!("{} s", ns / 1e9)
    } else if ns >= 1e6 {
        format!("{} ms", ns / 1e6)
    } else {
        format!("{} us", ns / 1e3)
    }
}

/// A coordinate with one decimal: more would only make the page larger.
pub(super) fn c(value: f64) -> String {
    format!("{value:.1}")
}

/// Text that cannot end an element or an attribute.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Text that fits its place; tables and titles have the whole one.
pub(super) fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        text.to_owned()
    } else {
        let start: String = text.chars().take(most - 1).collect();
        format!("{start}\u{2026}")
    }
}

/// A text element.
pub(super) fn label(x: f64, y: f64, class: &str, text: &str) -> String {
    let (x, y, text) = (c(x), c(y), escape(text));
    format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{text}</text>\n")
}

/// Characters of a usual name that fit beside a row.
const ROOM: usize = 10;

/// The name of a row, left of the picture: a longer one is made narrower, a very long one cut too.
pub(super) fn row_name(y: f64, name: &str) -> String {
    if name.chars().count() <= ROOM {
        return label(LEFT - 8.0, y, "node end", name);
    }
    let (x, y, width) = (c(LEFT - 8.0), c(y), c(LEFT - 12.0));
    let name = escape(&short(name, ROOM + 4));
    format!(
        "<text class=\"node end\" x=\"{x}\" y=\"{y}\" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\">{name}</text>\n"
    )
}

/// A line element.
pub(super) fn line(class: &str, from: (f64, f64), to: (f64, f64)) -> String {
    let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(c);
    format!("<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>\n")
}

/// A rectangle element between two corners; `inner` is its title or nothing.
pub(super) fn rect(class: &str, from: (f64, f64), to: (f64, f64), inner: &str) -> String {
    let [x, y, w, h] = [
        from.0,
        from.1,
        (to.0 - from.0).max(0.0),
        (to.1 - from.1).max(0.0),
    ]
    .map(c);
    let open = format!("<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"");
    if inner.is_empty() {
        format!("{open}/>\n")
    } else {
        format!("{open}><title>{}</title></rect>\n", escape(inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stand_at_round_times_from_zero() {
        let axis = Axis {
            from: Nanos(15_182_000_000),
            to: Nanos(24_182_000_000),
            zero: Nanos(17_182_000_000),
        };
        let labels: Vec<String> = axis.ticks().into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels[0], "\u{2212}2 s");
        assert_eq!(labels[2], "0 s");
        assert_eq!(labels.last().map(String::as_str), Some("+7 s"));
    }

    #[test]
    fn scales_end_on_a_round_number() {
        assert_eq!([0, 1, 13, 100, 101].map(round_up), [1, 1, 20, 100, 200]);
        assert_eq!(decade(1e7), "10 ms");
    }
}
