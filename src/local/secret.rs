//! Where secrets are that a scenario names.

use std::{env, fs, os::unix::fs::PermissionsExt, path::Path};

/// What is at a place that a scenario names: a variable, or a file that only its owner may read.
pub(super) fn secret(place: &str) -> Result<String, String> {
    let found = match place.split_once(':') {
        Some(("env", name)) => env::var(name)
            .map_err(|_| format!("the variable `{name}`, which holds a password, is not set"))?,
        Some(("file", path)) => private(Path::new(path))?,
        _ => return Err(format!("`{place}` names no place of a password")),
    };
    let found = found.trim_end_matches(['\r', '\n']).to_owned();
    match found.is_empty() {
        true => Err(format!("`{place}` is empty, and should hold a password")),
        false => Ok(found),
    }
}

/// The text of a file that others may not read.
fn private(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let unread =
        |error: std::io::Error| format!("failed to read the password in `{shown}`: {error}");
    let open = fs::metadata(path).map_err(unread)?.permissions().mode() & 0o077;
    if open != 0 {
        return Err(format!(
            "others may read the password in `{shown}`: `chmod 600 {shown}`"
        ));
    }
    fs::read_to_string(path).map_err(unread)
}
