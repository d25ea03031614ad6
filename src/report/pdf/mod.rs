//! A document as PDF/A with a text layer, made without a browser.
//!
//! Fonts: Liberation Sans is part of the program (SIL Open Font License, `fonts/LICENSE`). It has no Chinese
//! characters; a font that has them is ten times the size of everything else here, so that a Chinese PDF takes one
//! from the machine.

mod font;
mod layout;

use krilla::{
    Document as Pdf, SerializeSettings,
    configure::{Archival, ConfigurationBuilder},
    metadata::{DateTime, Metadata},
};

use super::document::Document;

pub use font::{Fonts, chinese_font};

/// Why no PDF was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PdfError {
    /// A font cannot be read.
    #[error("the font cannot be read")]
    Font,
    /// A character is in no font at hand.
    #[error("the font has no `{0}`")]
    NoGlyph(char),
    /// The PDF would not be valid.
    #[error("the document cannot be written: {0}")]
    Invalid(String),
}

/// Renders the document. `date` is when what it reports on happened: the same document gives the same bytes.
///
/// # Errors
/// When a character is in no font, or the result would not be valid PDF/A-2b.
pub fn pdf(
    document: &Document,
    fonts: &Fonts,
    language: &str,
    date: Option<jiff::Timestamp>,
) -> Result<Vec<u8>, PdfError> {
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A2_B)
        .finish()
        .map_err(|error| PdfError::Invalid(format!("{error:?}")))?;
    let settings = SerializeSettings {
        configuration,
        ..SerializeSettings::default()
    };
    let mut pdf = Pdf::new_with(settings);
    let mut metadata = Metadata::new()
        .title(document.title.clone())
        .description(document.lead.clone())
        .language(language.to_owned())
        .creator("drdrill".to_owned());
    if let Some(date) = date {
        metadata = metadata.creation_date(moment(date));
    }
    pdf.set_metadata(metadata);
    layout::pages(&mut pdf, document, fonts)?;
    pdf.finish()
        .map_err(|error| PdfError::Invalid(format!("{error:?}")))
}

fn moment(at: jiff::Timestamp) -> DateTime {
    let at = at.to_zoned(jiff::tz::TimeZone::UTC);
    let part = |number: i8| number.unsigned_abs();
    DateTime::new(at.year().unsigned_abs())
        .month(part(at.month()))
        .day(part(at.day()))
        .hour(part(at.hour()))
        .minute(part(at.minute()))
        .second(part(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}
