//! Lays a document out on pages: headings, sentences, bars, columns, tables.

use krilla::{
    Document as Pdf,
    color::rgb,
    geom::{PathBuilder, Point, Rect},
    num::NormalizedF32,
    page::PageSettings,
    paint::Fill,
    surface::Surface,
    text::TextDirection,
};

use super::super::document::{Bar, Cell, Columns, Document, Section, Tone};
use super::{Fonts, PdfError, font::Ruler};

/// A4, points.
const SHORT: f32 = 595.0;
const LONG: f32 = 842.0;
const MARGIN: f32 = 42.0;
const TEXT: f32 = 9.0;
const SMALL: f32 = 7.5;
const LEADING: f32 = 1.38;
/// Between a column and the next.
const GAP: f32 = 8.0;
/// A table's column is at least as wide as this.
const COLUMN_LEAST: f32 = 30.0;

const INK: [u8; 3] = [28, 35, 40];
const DIM: [u8; 3] = [92, 104, 112];
const RULE: [u8; 3] = [211, 216, 218];
const CALM: [u8; 3] = [51, 96, 127];
const GOOD: [u8; 3] = [31, 122, 77];
const BAD: [u8; 3] = [179, 38, 30];
const WARN: [u8; 3] = [138, 90, 0];

/// Something to draw at a place of a page, from the page's top left.
enum Mark {
    Text {
        at: (f32, f32),
        size: f32,
        bold: bool,
        colour: [u8; 3],
        text: String,
    },
    Box {
        at: (f32, f32),
        size: (f32, f32),
        colour: [u8; 3],
    },
}

/// Pages as they fill.
struct Pages<'a> {
    regular: Ruler<'a>,
    bold: Ruler<'a>,
    size: (f32, f32),
    pages: Vec<Vec<Mark>>,
    y: f32,
}

/// Lays the document out and draws it.
pub(super) fn pages(pdf: &mut Pdf, document: &Document, fonts: &Fonts) -> Result<(), PdfError> {
    let size = if document.landscape {
        (LONG, SHORT)
    } else {
        (SHORT, LONG)
    };
    let mut pages = Pages {
        regular: fonts.regular.ruler()?,
        bold: fonts.bold.ruler()?,
        size,
        pages: vec![Vec::new()],
        y: MARGIN,
    };
    pages.title(document);
    for section in &document.sections {
        pages.section(section);
    }
    pages.footers(&document.title);
    pages.missing()?;
    for marks in &pages.pages {
        let settings = PageSettings::from_wh(size.0, size.1).ok_or(PdfError::Font)?;
        let mut page = pdf.start_page_with(settings);
        let mut surface = page.surface();
        marks
            .iter()
            .for_each(|mark| draw(&mut surface, mark, fonts));
        surface.finish();
        page.finish();
    }
    Ok(())
}

impl Pages<'_> {
    fn width(&self) -> f32 {
        self.size.0 - 2.0 * MARGIN
    }

    /// Begins a page if there is no room for so much.
    fn room(&mut self, height: f32) {
        if self.y + height > self.size.1 - MARGIN - 14.0 && self.y > MARGIN {
            self.pages.push(Vec::new());
            self.y = MARGIN;
        }
    }

    fn put(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.push(mark);
        }
    }

    fn text(&mut self, x: f32, y: f32, size: f32, bold: bool, colour: [u8; 3], text: &str) {
        self.put(Mark::Text {
            at: (x, y + size),
            size,
            bold,
            colour,
            text: text.to_owned(),
        });
    }

    fn fill(&mut self, at: (f32, f32), size: (f32, f32), colour: [u8; 3]) {
        if size.0 > 0.0 && size.1 > 0.0 {
            self.put(Mark::Box { at, size, colour });
        }
    }

    /// A paragraph over the whole width.
    fn paragraph(&mut self, text: &str, size: f32, bold: bool, colour: [u8; 3]) {
        let width = self.width();
        for line in self.wrapped(text, size, bold, width) {
            self.room(size * LEADING);
            self.text(MARGIN, self.y, size, bold, colour, &line);
            self.y += size * LEADING;
        }
        self.y += size * 0.4;
    }

    fn title(&mut self, document: &Document) {
        self.paragraph(&document.title, 18.0, true, INK);
        self.paragraph(&document.lead, 11.0, false, INK);
    }

    fn section(&mut self, section: &Section) {
        self.y += 10.0;
        self.room(70.0);
        self.paragraph(section.title, 12.5, true, INK);
        self.fill((MARGIN, self.y - 4.0), (self.width(), 0.7), RULE);
        self.y += 3.0;
        for note in &section.notes {
            let (colour, bold) = toned(note.tone);
            self.paragraph(&note.text, TEXT, bold, colour);
        }
        if let Some(columns) = &section.columns {
            self.columns(columns);
        }
        self.bars(&section.bars);
        if section.head.is_empty() {
            return;
        }
        if section.rows.is_empty() {
            self.paragraph(section.empty, TEXT, false, DIM);
        } else {
            self.table(section);
        }
    }

    fn columns(&mut self, columns: &Columns) {
        const HEIGHT: f32 = 90.0;
        self.room(HEIGHT + 20.0);
        let bottom = self.y + HEIGHT;
        let step = self.width() / columns.parts.len().max(1) as f32;
        for (index, (good, bad)) in columns.parts.iter().enumerate() {
            let x = MARGIN + index as f32 * step;
            let (good, bad) = (
                *good as f32 / 1000.0 * HEIGHT,
                *bad as f32 / 1000.0 * HEIGHT,
            );
            self.fill((x, bottom - good), (step * 0.86, good), CALM);
            self.fill((x, bottom - good - bad), (step * 0.86, bad), BAD);
        }
        if let Some(mark) = columns.mark {
            let x = MARGIN + mark as f32 / 1000.0 * self.width();
            self.fill((x, self.y), (1.0, HEIGHT), BAD);
        }
        self.fill((MARGIN, bottom), (self.width(), 0.7), RULE);
        self.y = bottom + 4.0;
        self.paragraph(&columns.caption, SMALL, false, DIM);
    }

    fn bars(&mut self, bars: &[Bar]) {
        const NAMES: f32 = 130.0;
        const SAID: f32 = 90.0;
        let scale = (self.width() - NAMES - SAID) / 1000.0;
        for bar in bars {
            self.room(16.0);
            self.text(MARGIN, self.y, TEXT, false, INK, &bar.name);
            let (from, to) = (bar.span.0 as f32 * scale, bar.span.1 as f32 * scale);
            self.fill((MARGIN + NAMES, self.y + 1.0), (1000.0 * scale, 9.0), RULE);
            self.fill(
                (MARGIN + NAMES + from, self.y + 1.0),
                ((to - from).max(1.5), 9.0),
                CALM,
            );
            let x = MARGIN + NAMES + 1000.0 * scale + 8.0;
            self.text(x, self.y, TEXT, true, INK, &bar.said);
            self.y += 15.0;
        }
        if !bars.is_empty() {
            self.y += 4.0;
        }
    }

    fn table(&mut self, section: &Section) {
        let head: Vec<Cell> = section
            .head
            .iter()
            .map(|name| Cell {
                text: name.clone(),
                tone: Tone::Plain,
            })
            .collect();
        let widths = self.widths(section);
        self.row(&head, &widths, true);
        for row in &section.rows {
            let page = self.pages.len();
            self.row(row, &widths, false);
            if self.pages.len() > page {
                // The row has moved to a new page; what follows stands below it.
                self.y += 2.0;
            }
        }
        self.y += 4.0;
    }

    fn row(&mut self, row: &[Cell], widths: &[f32], head: bool) {
        let lines: Vec<Vec<String>> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| self.wrapped(&cell.text, SMALL, false, width - GAP))
            .collect();
        let most = lines.iter().map(Vec::len).max().unwrap_or(1).max(1);
        let height = most as f32 * SMALL * LEADING + 4.0;
        self.room(height);
        let mut x = MARGIN;
        for (index, (cell, width)) in row.iter().zip(widths).enumerate() {
            let (colour, bold) = match (head, toned(cell.tone)) {
                (true, _) => (DIM, false),
                (false, (colour, bold)) => (colour, bold || index == 0),
            };
            for (number, line) in lines[index].iter().enumerate() {
                let y = self.y + number as f32 * SMALL * LEADING;
                self.text(x, y, SMALL, bold, colour, line);
            }
            x += width;
        }
        self.fill((MARGIN, self.y + height - 2.0), (self.width(), 0.4), RULE);
        self.y += height;
    }

    /// As wide as each column's text wants to be; shrunk from the widest where they do not fit.
    fn widths(&self, section: &Section) -> Vec<f32> {
        let natural = |index: usize, name: &String| {
            let cells = section.rows.iter().filter_map(|row| row.get(index));
            let texts = cells.map(|cell| cell.text.as_str()).chain([name.as_str()]);
            let widest = texts
                .map(|text| self.bold.width(text, SMALL))
                .fold(0.0, f32::max);
            widest + GAP + 2.0
        };
        let mut widths: Vec<f32> = section
            .head
            .iter()
            .enumerate()
            .map(|(index, name)| natural(index, name))
            .collect();
        let room = self.width();
        while widths.iter().sum::<f32>() > room {
            let over = widths.iter().sum::<f32>() - room;
            let widest = widths.iter().copied().fold(0.0, f32::max);
            if widest <= COLUMN_LEAST {
                break;
            }
            let second = widths
                .iter()
                .copied()
                .filter(|it| *it < widest)
                .fold(COLUMN_LEAST, f32::max);
            let many = widths.iter().filter(|it| **it >= widest).count() as f32;
            let less = (over / many).min((widest - second).max(0.5));
            widths
                .iter_mut()
                .filter(|it| **it >= widest)
                .for_each(|it| *it -= less);
        }
        widths
    }

    fn footers(&mut self, title: &str) {
        let (many, bottom) = (self.pages.len(), self.size.1 - MARGIN + 6.0);
        for (index, page) in self.pages.iter_mut().enumerate() {
            page.push(Mark::Text {
                at: (MARGIN, bottom),
                size: SMALL,
                bold: false,
                colour: DIM,
                text: format!("{title}   {} / {many}", index + 1),
            });
        }
    }

    /// Breaks at spaces, within words that are too long, and between Chinese characters.
    fn wrapped(&self, text: &str, size: f32, bold: bool, width: f32) -> Vec<String> {
        let ruler = if bold { &self.bold } else { &self.regular };
        let mut lines = Vec::new();
        let mut line = String::new();
        let mut used = 0.0;
        for piece in pieces(text) {
            let wide = ruler.width(piece, size);
            if used + wide > width && !line.trim().is_empty() {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
                used = 0.0;
            }
            if used == 0.0 && piece.trim().is_empty() {
                continue;
            }
            for c in piece.chars() {
                let one = ruler.character(c, size);
                if used + one > width && !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                    used = 0.0;
                }
                line.push(c);
                used += one;
            }
        }
        if !line.trim().is_empty() || lines.is_empty() {
            lines.push(line.trim_end().to_owned());
        }
        lines
    }

    /// That every character can be drawn.
    fn missing(&self) -> Result<(), PdfError> {
        for mark in self.pages.iter().flatten() {
            if let Mark::Text { text, bold, .. } = mark {
                let ruler = if *bold { &self.bold } else { &self.regular };
                if let Some(c) = text.chars().find(|c| !ruler.has(*c)) {
                    return Err(PdfError::NoGlyph(c));
                }
            }
        }
        Ok(())
    }
}

/// Words, spaces and single Chinese characters.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = if first.is_whitespace() || is_wide(first) {
            first.len_utf8()
        } else {
            rest.find(|c: char| c.is_whitespace() || is_wide(c))
                .unwrap_or(rest.len())
        };
        let (piece, other) = rest.split_at(end);
        rest = other;
        Some(piece)
    })
}

/// Between such characters a line may break.
fn is_wide(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}')
}

fn toned(tone: Tone) -> ([u8; 3], bool) {
    match tone {
        Tone::Plain => (INK, false),
        Tone::Good => (GOOD, true),
        Tone::Bad | Tone::Input => (BAD, true),
        Tone::Warn => (WARN, true),
    }
}

fn draw(surface: &mut Surface<'_>, mark: &Mark, fonts: &Fonts) {
    let paint = |colour: [u8; 3]| Fill {
        paint: rgb::Color::new(colour[0], colour[1], colour[2]).into(),
        opacity: NormalizedF32::ONE,
        rule: krilla::paint::FillRule::default(),
    };
    match mark {
        Mark::Text {
            at,
            size,
            bold,
            colour,
            text,
        } => {
            let face = if *bold { &fonts.bold } else { &fonts.regular };
            surface.set_fill(Some(paint(*colour)));
            surface.draw_text(
                Point::from_xy(at.0, at.1),
                face.font.clone(),
                *size,
                text,
                false,
                TextDirection::LeftToRight,
            );
        }
        Mark::Box { at, size, colour } => {
            let Some(rect) = Rect::from_xywh(at.0, at.1, size.0, size.1) else {
                return;
            };
            let mut path = PathBuilder::new();
            path.push_rect(rect);
            if let Some(path) = path.finish() {
                surface.set_fill(Some(paint(*colour)));
                surface.draw_path(&path);
            }
        }
    }
}
