//! Scales and small drawing helpers of the picture.

use crate::time::Nanos;

/// The width that a picture is drawn for; letters have the same size on both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sheet {
    /// A screen on a desk, and paper.
    Desk,
    /// A telephone, upright.
    Phone,
}

impl Sheet {
    /// Each of them.
    pub(super) const ALL: [Self; 2] = [Self::Desk, Self::Phone];

    /// The name of its class, and the end of its identifiers.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Desk => "desk",
            Self::Phone => "phone",
        }
    }

    /// The drawing's width, in its units.
    pub(super) fn width(self) -> f64 {
        match self {
            Self::Desk => 1000.0,
            Self::Phone => 400.0,
        }
    }

    /// Left end of the plots.
    pub(super) fn left(self) -> f64 {
        match self {
            Self::Desk => 92.0,
            Self::Phone => 58.0,
        }
    }

    /// Right end of the plots.
    pub(super) fn right(self) -> f64 {
        self.width() - 12.0
    }

    /// The most grid lines whose labels find room.
    fn ticks(self) -> u64 {
        match self {
            Self::Desk => 12,
            Self::Phone => 5,
        }
    }

    /// Characters that fit beside the line of a fault.
    pub(super) fn note(self) -> usize {
        match self {
            Self::Desk => 48,
            Self::Phone => 18,
        }
    }

    /// Characters of a name that fit beside a row.
    fn room(self) -> usize {
        match self {
            Self::Desk => 10,
            Self::Phone => 6,
        }
    }
}

/// Time to horizontal position.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    pub(super) from: Nanos,
    pub(super) to: Nanos,
    pub(super) zero: Nanos,
    pub(super) sheet: Sheet,
}

impl Axis {
    /// The position of a moment, kept within the plot.
    pub(super) fn x(self, at: Nanos) -> f64 {
        let length = self.to.0.saturating_sub(self.from.0).max(1) as f64;
        let since = at.0.clamp(self.from.0, self.to.0) - self.from.0;
        let (left, right) = (self.sheet.left(), self.sheet.right());
        left + since as f64 / length * (right - left)
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
            .find(|step| length / step <= self.sheet.ticks())
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

/// The name of a row, left of the picture: a longer one is made narrower, a very long one cut too.
pub(super) fn row_name(sheet: Sheet, y: f64, name: &str) -> String {
    let (left, room) = (sheet.left(), sheet.room());
    if name.chars().count() <= room {
        return label(left - 8.0, y, "node end", name);
    }
    let (x, y, width) = (c(left - 8.0), c(y), c(left - 12.0));
    let name = escape(&short(name, room + 4));
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
            sheet: Sheet::Desk,
        };
        let labels: Vec<String> = axis.ticks().into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels[0], "\u{2212}2 s");
        assert_eq!(labels[2], "0 s");
        assert_eq!(labels.last().map(String::as_str), Some("+7 s"));
        let phone = Axis {
            sheet: Sheet::Phone,
            ..axis
        };
        let labels: Vec<String> = phone.ticks().into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["\u{2212}2 s", "0 s", "+2 s", "+4 s", "+6 s"]);
    }

    #[test]
    fn scales_end_on_a_round_number() {
        assert_eq!([0, 1, 13, 100, 101].map(round_up), [1, 1, 20, 100, 200]);
        assert_eq!(decade(1e7), "10 ms");
    }
}
