//! Problems of a scenario: what is wrong, where in which text, and what to do.

use std::{fmt, ops::Range, sync::Arc};

use miette::{
    Diagnostic, LabeledSpan, MietteError, MietteSpanContents, NamedSource, SourceCode, SourceSpan,
    SpanContents,
};

/// A text that a problem can point into: the file, or one `--set` argument.
pub type Source = Arc<NamedSource<String>>;

/// How many problems of a file are kept: who mends these sees the rest.
pub const SHOWN_MAX: usize = 50;
/// The longest line, in bytes, that is quoted whole; of a longer one, what stands around the place.
const QUOTED_MAX: usize = 240;
/// The bytes that are quoted of a longer line, before the place and of the place itself.
const AROUND: usize = 60;
/// The longest message or help, in bytes.
const WORDS_MAX: usize = 1_000;

/// One thing that is wrong. The message is lower case without a full stop; the way out is in the help.
#[derive(Debug, Clone)]
pub struct Problem {
    message: String,
    help: Option<String>,
    place: Option<Box<Place>>,
    label: String,
    also: Option<Box<(Range<usize>, String)>>,
}

/// A range of bytes in a source.
#[derive(Debug, Clone)]
pub struct Place {
    source: Source,
    range: Range<usize>,
}

impl Place {
    /// A range of a text; it is clipped to the text, so that rendering cannot fail.
    pub fn new(source: &Source, range: Range<usize>) -> Self {
        let text = source.inner();
        let mut start = range.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = range.end.clamp(start, text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        Self {
            source: source.clone(),
            range: start..end,
        }
    }

    /// The name of the text that it is in.
    pub fn source_name(&self) -> &str {
        self.source.name()
    }

    /// The bytes.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The text that it covers.
    pub fn text(&self) -> &str {
        &self.source.inner()[self.range.clone()]
    }

    /// Line and column, both from 1.
    pub fn line_column(&self) -> (usize, usize) {
        let before = &self.source.inner()[..self.range.start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (
            before.matches('\n').count() + 1,
            before[line_start..].chars().count() + 1,
        )
    }
}

/// What of the text a place is quoted with.
impl Place {
    /// The bytes of the lines that the place touches, and of one line before and after.
    fn lines(&self) -> Range<usize> {
        let text = self.source.inner();
        let before = |at: usize| text[..at].rfind('\n').unwrap_or(0);
        let after = |at: usize| text[at..].find('\n').map_or(text.len(), |end| at + end + 1);
        before(before(self.range.start))..after(after(self.range.end))
    }

    /// Whether a line that would be quoted is too long.
    fn is_long(&self) -> bool {
        let lines = &self.source.inner()[self.lines()];
        lines.split('\n').any(|line| line.len() > QUOTED_MAX)
    }

    /// What is pointed at: of a long line its begin.
    fn pointed_at(&self) -> Range<usize> {
        let text = self.source.inner();
        let Range { start, end } = self.range;
        if !self.is_long() {
            return start..end;
        }
        let first_line = text[start..end].find('\n').map_or(end, |at| start + at);
        start..first_line.min(text.floor_char_boundary(start + AROUND))
    }

    /// What is quoted of a long line.
    fn excerpt(&self) -> Range<usize> {
        let text = self.source.inner();
        let Range { start, end } = self.pointed_at();
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[end..].find('\n').map_or(text.len(), |at| end + at);
        let from = text.ceil_char_boundary(start.saturating_sub(AROUND));
        let to = text.floor_char_boundary(end + AROUND);
        from.max(line_start)..to.min(line_end)
    }
}

impl SourceCode for Place {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        if (before, after) == (0, 0) || !self.is_long() {
            return self.source.read_span(span, before, after);
        }
        let excerpt = self.excerpt();
        let (line, _) = self.line_column();
        Ok(Box::new(MietteSpanContents::new_named(
            self.source.name().to_owned(),
            &self.source.inner().as_bytes()[excerpt.clone()],
            excerpt.into(),
            line - 1,
            0,
            1,
        )))
    }
}

/// Words cut to what a person reads.
fn cut(mut words: String) -> String {
    if words.len() > WORDS_MAX {
        words.truncate(words.floor_char_boundary(WORDS_MAX));
        words.push_str("...");
    }
    words
}

impl Problem {
    /// A problem of the whole file, for instance that it is too large.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: cut(message.into()),
            help: None,
            place: None,
            label: "here".into(),
            also: None,
        }
    }

    /// A problem at a place.
    pub fn at(place: Place, message: impl Into<String>) -> Self {
        Self {
            place: Some(Box::new(place)),
            ..Self::new(message)
        }
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(cut(help.into()));
        self
    }

    /// Says in a few words what stands at the place; `here` otherwise.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Points at a second place, if it is in the same text.
    #[must_use]
    pub fn also(mut self, place: &Place, label: impl Into<String>) -> Self {
        let same = self
            .place
            .as_ref()
            .is_some_and(|own| Arc::ptr_eq(&own.source, &place.source));
        if same {
            self.also = Some(Box::new((place.range(), label.into())));
        }
        self
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do.
    pub fn help_text(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Whether it speaks of what another one speaks of too, or of a part of that.
    pub fn is_within(&self, other: &Self) -> bool {
        let (Some(own), Some(other)) = (&self.place, &other.place) else {
            return false;
        };
        Arc::ptr_eq(&own.source, &other.source)
            && other.range.start <= own.range.start
            && own.range.end <= other.range.end
    }

    /// Where it is.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_deref()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.place.as_deref().map(|place| place as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.place.as_ref()?;
        let own = LabeledSpan::new_primary_with_span(Some(self.label.clone()), place.pointed_at());
        let also = self
            .also
            .as_deref()
            .filter(|_| !place.is_long())
            .map(|(range, label)| LabeledSpan::new_with_span(Some(label.clone()), range.clone()));
        Some(Box::new(std::iter::once(own).chain(also)))
    }
}

/// Everything that is wrong with one file, in the order of the file.
#[derive(Debug, Clone)]
pub struct Problems {
    /// The file's name as it was given.
    pub file: String,
    /// At least one, at most `SHOWN_MAX`.
    pub all: Vec<Problem>,
    /// How many more there are.
    pub more: usize,
}

impl Problems {
    /// The same with more of them.
    #[must_use]
    pub fn and(mut self, more: Vec<Problem>) -> Self {
        self.all.extend(more);
        let all = Self::new(self.file, self.all);
        Self {
            more: all.more + self.more,
            ..all
        }
    }

    /// Orders problems by their place; those of the whole file and of `--set` come first.
    pub fn new(file: impl Into<String>, mut all: Vec<Problem>) -> Self {
        let file = file.into();
        all.sort_by_key(|problem| {
            problem
                .place
                .as_ref()
                .filter(|place| place.source.name() == file)
                .map(|place| place.range.start)
        });
        let more = all.len().saturating_sub(SHOWN_MAX);
        all.truncate(SHOWN_MAX);
        Self { file, all, more }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = &self.file;
        match (self.all.len(), self.more) {
            (1, 0) => write!(f, "`{file}` has 1 problem"),
            (n, 0) => write!(f, "`{file}` has {n} problems"),
            (n, more) => write!(
                f,
                "`{file}` has {} problems; the first {n} are shown",
                n + more
            ),
        }
    }
}

impl std::error::Error for Problems {}

impl Diagnostic for Problems {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.all.iter().map(|p| p as &dyn Diagnostic)))
    }
}
