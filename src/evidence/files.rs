//! Files as readers of evidence open them: plain files of no more than a known size, below their folder without a link.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Component, Path, PathBuf},
};

use nix::fcntl::OFlag;

use super::EvidenceError;

const MEBIBYTE: u64 = 1 << 20;
/// The most bytes of a key or a signature.
pub const KEY_MOST: u64 = MEBIBYTE;
/// The most bytes of a scenario or a manifest.
pub const MANIFEST_MOST: u64 = 64 * MEBIBYTE;
/// The most bytes of a register, an event log or a report: what is read as a whole.
pub const WHOLE_MOST: u64 = 512 * MEBIBYTE;
/// The most bytes of any file of a run. Histories are read piece by piece.
pub const FILE_MOST: u64 = 64 * 1024 * MEBIBYTE;

/// Opens a plain file within a folder that came from elsewhere. A link, a pipe, a device or a file that is too large is
/// refused; nothing waits.
///
/// # Errors
/// When it is no such file or cannot be opened.
pub fn open(path: &Path, most: u64) -> io::Result<File> {
    opened(path, most, OFlag::O_NOFOLLOW)
}

/// Opens a plain file that a person named: a link to one will do.
///
/// # Errors
/// When it is no such file or cannot be opened.
pub fn open_named(path: &Path, most: u64) -> io::Result<File> {
    opened(path, most, OFlag::empty())
}

/// Reads such a file of a folder.
///
/// # Errors
/// When it is no plain file, is larger than `most` bytes, or cannot be read.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    whole(open(path, most)?, most)
}

/// Reads such a file that a person named.
///
/// # Errors
/// When it is no plain file, is larger than `most` bytes, or cannot be read.
pub fn read_named(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    whole(open_named(path, most)?, most)
}

/// Reads such a file that a person named, as text.
///
/// # Errors
/// Likewise, and when it is no text.
pub fn text_named(path: &Path, most: u64) -> io::Result<String> {
    text(read_named(path, most)?)
}

/// A folder below another by its relative name; `None` where the name leads out, or a link lies on the way.
pub fn below(base: &Path, relative: &str) -> Option<PathBuf> {
    let mut path = base.to_owned();
    for part in Path::new(relative).components() {
        let Component::Normal(part) = part else {
            return None;
        };
        path.push(part);
        let link = fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink());
        if link {
            return None;
        }
    }
    (path != base).then_some(path)
}

/// Whether this is a folder itself, and no link to one.
pub fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

/// The same as `read`, as evidence says it.
pub(super) fn bytes(path: &Path, most: u64) -> Result<Vec<u8>, EvidenceError> {
    read(path, most).map_err(|error| unread(path, error))
}

/// The same as text.
pub(super) fn string(path: &Path, most: u64) -> Result<String, EvidenceError> {
    let text = read(path, most).and_then(text);
    text.map_err(|error| unread(path, error))
}

/// Says why a file cannot be read: what it is, where that is the reason.
pub(super) fn unread(path: &Path, error: io::Error) -> EvidenceError {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            EvidenceError::content(path, error)
        }
        _ => EvidenceError::io("read", path)(error),
    }
}

fn opened(path: &Path, most: u64, more: OFlag) -> io::Result<File> {
    // Looked at before it is opened, since opening a device can do things; and after, since it may be another by then.
    let found = if more.contains(OFlag::O_NOFOLLOW) {
        fs::symlink_metadata(path)?
    } else {
        fs::metadata(path)?
    };
    plain(&found, most)?;
    let flags = more | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits())
        .open(path)?;
    plain(&file.metadata()?, most)?;
    Ok(file)
}

fn plain(found: &fs::Metadata, most: u64) -> io::Result<()> {
    let refused = |what: String| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    if found.is_symlink() {
        return refused("it is a link".into());
    }
    if !found.is_file() {
        return refused("it is not a plain file".into());
    }
    too_large(found.len(), most)
}

fn too_large(size: u64, most: u64) -> io::Result<()> {
    if size <= most {
        return Ok(());
    }
    let what = format!("it is too large: {size} bytes where at most {most} are read");
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

/// A file may grow while it is read, or be one of those that say that they are empty.
fn whole(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    too_large(bytes.len() as u64, most)?;
    Ok(bytes)
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use nix::{sys::stat::Mode, unistd::mkfifo};

    use super::*;

    #[test]
    fn only_plain_files_of_a_fair_size_are_opened() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::write(at("file"), "1234").unwrap();
        symlink("file", at("link")).unwrap();
        mkfifo(&at("pipe"), Mode::S_IRWXU).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        let sparse = File::create(at("sparse")).unwrap();
        sparse.set_len(1 << 40).unwrap();
        assert_eq!(read(&at("file"), 4).unwrap(), b"1234");
        assert_eq!(read_named(&at("link"), 4).unwrap(), b"1234");
        for (name, why) in [
            ("link", "link"),
            ("pipe", "plain"),
            ("socket", "plain"),
            ("sparse", "large"),
            ("file", "large"),
        ] {
            let error = read(&at(name), 3).unwrap_err().to_string();
            assert!(error.contains(why), "{name}: {error}");
        }
        for device in ["/dev/zero", "/dev/null", "/dev/tty"] {
            assert!(read_named(Path::new(device), KEY_MOST).is_err(), "{device}");
        }
    }

    #[test]
    fn a_folder_below_another_is_reached_without_links_and_dots() {
        let root = tempfile::tempdir().unwrap();
        let base = root.path();
        fs::create_dir_all(base.join("a/b")).unwrap();
        symlink("a", base.join("to-a")).unwrap();
        symlink("b", base.join("a/to-b")).unwrap();
        assert_eq!(below(base, "a/b"), Some(base.join("a/b")));
        assert_eq!(below(base, "a/gone"), Some(base.join("a/gone")));
        for out in ["", ".", "..", "../x", "a/../..", "/etc", "to-a/b", "a/to-b"] {
            assert_eq!(below(base, out), None, "{out}");
        }
    }
}
