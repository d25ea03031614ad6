//! A word that stops every drill: a file in the state folder, which drills of this user see.

use std::{fs, io, path::Path};

/// The file's name.
const FILE: &str = "halted";

/// Why drills are halted here, if they are.
pub fn halted(state: &Path) -> Option<String> {
    let why = fs::read_to_string(state.join(FILE)).ok()?;
    Some(why.trim().to_owned())
}

/// Halts drills here, for this reason.
///
/// # Errors
/// When the state folder cannot be written.
pub fn halt(state: &Path, why: &str) -> io::Result<()> {
    super::state::make(state)?;
    fs::write(state.join(FILE), format!("{why}\n"))
}

/// Lets drills run again; says whether they were halted.
///
/// # Errors
/// When the file cannot be removed.
pub fn lift(state: &Path) -> io::Result<bool> {
    match fs::remove_file(state.join(FILE)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_halt_stands_until_it_is_lifted() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        assert_eq!(halted(&state), None);
        assert!(!lift(&state).unwrap());
        halt(&state, "a real incident").unwrap();
        assert_eq!(halted(&state).as_deref(), Some("a real incident"));
        assert!(lift(&state).unwrap());
        assert_eq!(halted(&state), None);
    }
}
