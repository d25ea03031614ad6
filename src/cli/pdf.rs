//! PDFs of runs and quarters.

use std::{fs, path::Path};

use drdrill::report::{
    chinese::chinese_document,
    document::Document,
    pdf::{Fonts, PdfError, chinese_font, pdf},
};

use super::{
    arguments::{Language, ReportArguments},
    exit::{Exit, Failure},
    output,
};

/// Writes a document as a PDF, if one was asked for.
///
/// # Errors
/// When no font has its characters, or the file cannot be written.
pub fn write(
    arguments: &ReportArguments,
    document: &Document,
    date: Option<jiff::Timestamp>,
) -> Result<(), Failure> {
    let Some(path) = &arguments.pdf else {
        return Ok(());
    };
    let fonts = fonts(arguments)?;
    let bytes = match arguments.language {
        Language::En => pdf(document, &fonts, "en", date),
        Language::Zh => pdf(&chinese_document(document), &fonts, "zh-CN", date),
    };
    let bytes = bytes.map_err(|error| refused(&error.to_string()))?;
    fs::write(path, bytes).map_err(|error| {
        let message = format!("failed to write `{}`: {error}", path.display());
        Failure::new(Exit::EnvironmentUnfit, message, "name another file")
    })?;
    output::talk(&format!("wrote {}\n", path.display()));
    Ok(())
}

fn fonts(arguments: &ReportArguments) -> Result<Fonts, Failure> {
    let unread = |error: PdfError| refused(&error.to_string());
    let file = match (&arguments.font, arguments.language) {
        (Some(path), _) => Some(path.clone()),
        (None, Language::En) => None,
        (None, Language::Zh) => Some(chinese_font().ok_or_else(|| {
            refused("there is no font with Chinese characters in the usual places")
        })?),
    };
    match file {
        None => Fonts::latin().map_err(unread),
        Some(path) => Fonts::of(&read(&path)?).map_err(unread),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path)
        .map_err(|error| refused(&format!("failed to read `{}`: {error}", path.display())))
}

fn refused(message: &str) -> Failure {
    let help = "name a font that has the characters with --font, such as NotoSansCJK-Regular.ttc; or print `report.zh.html` from a browser";
    Failure::new(Exit::EnvironmentUnfit, message, help)
}
