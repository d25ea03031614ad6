//! Fonts, and how wide text is in them.

use std::path::{Path, PathBuf};

use krilla::text::Font;
use ttf_parser::{Face, name_id};

use super::PdfError;

const REGULAR: &[u8] = include_bytes!("fonts/LiberationSans-Regular.ttf");
const BOLD: &[u8] = include_bytes!("fonts/LiberationSans-Bold.ttf");

/// Where machines keep fonts with Chinese characters.
const CHINESE: &[&str] = &[
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/arphic/uming.ttc",
    "/System/Library/Fonts/PingFang.ttc",
];

/// A regular and a bold face.
pub struct Fonts {
    /// For text.
    pub(super) regular: Metrics,
    /// For headings and what stands out.
    pub(super) bold: Metrics,
}

/// A face with what laying out needs of it.
pub(super) struct Metrics {
    /// What is drawn with.
    pub(super) font: Font,
    data: Vec<u8>,
    index: u32,
}

impl Fonts {
    /// The program's own fonts.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn latin() -> Result<Self, PdfError> {
        Ok(Self {
            regular: Metrics::new(REGULAR.to_vec(), 0)?,
            bold: Metrics::new(BOLD.to_vec(), 0)?,
        })
    }

    /// One face for everything; of a collection the one for simplified Chinese, else the first.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(data: &[u8]) -> Result<Self, PdfError> {
        let faces = ttf_parser::fonts_in_collection(data).unwrap_or(1);
        let simplified = |index: &u32| {
            Face::parse(data, *index).is_ok_and(|face| {
                let mut names = face.names().into_iter();
                names.any(|name| {
                    let full = name.name_id == name_id::FULL_NAME;
                    full && name.to_string().is_some_and(|name| name.contains(" SC"))
                })
            })
        };
        let index = (0..faces).find(simplified).unwrap_or(0);
        Ok(Self {
            regular: Metrics::new(data.to_vec(), index)?,
            bold: Metrics::new(data.to_vec(), index)?,
        })
    }
}

impl Metrics {
    fn new(data: Vec<u8>, index: u32) -> Result<Self, PdfError> {
        Face::parse(&data, index).map_err(|_| PdfError::Font)?;
        let font = Font::new(data.clone().into(), index).ok_or(PdfError::Font)?;
        Ok(Self { font, data, index })
    }

    /// A measure of widths at a size.
    pub(super) fn ruler(&self) -> Result<Ruler<'_>, PdfError> {
        let face = Face::parse(&self.data, self.index).map_err(|_| PdfError::Font)?;
        Ok(Ruler {
            unit: f32::from(face.units_per_em()),
            face,
        })
    }
}

/// Measures text.
pub(super) struct Ruler<'a> {
    face: Face<'a>,
    unit: f32,
}

impl Ruler<'_> {
    /// The width of a character at a size.
    pub(super) fn character(&self, c: char, size: f32) -> f32 {
        let glyph = self.face.glyph_index(c).unwrap_or_default();
        let advance = self.face.glyph_hor_advance(glyph).unwrap_or_default();
        f32::from(advance) / self.unit * size
    }

    /// The width of a text at a size.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        text.chars().map(|c| self.character(c, size)).sum()
    }

    /// Whether the font has a character.
    pub(super) fn has(&self, c: char) -> bool {
        self.face.glyph_index(c).is_some()
    }
}

/// The first of the machine's fonts with Chinese characters, if there is one.
pub fn chinese_font() -> Option<PathBuf> {
    CHINESE
        .iter()
        .map(Path::new)
        .find(|path| path.is_file())
        .map(Path::to_owned)
}
