//! The state folder: ours alone, as a sweep ends processes and removes folders by what lies in it.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf, absolute},
};

use rustix::process::geteuid;

/// The bits by which others than the owner may write.
const OTHERS_WRITE: u32 = 0o022;

/// The bit by which everybody may write.
const ALL_WRITE: u32 = 0o002;

/// The bit by which only its owner may rename or remove what lies in a folder, as in `/tmp`.
const STICKY: u32 = 0o1000;

/// Makes the state folder if it is missing, closed to others, and checks it.
///
/// # Errors
/// When it cannot be made, or fails the check.
pub fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    check(folder)
}

/// Whether it is a folder of this user that nobody else can write to or put another one in the place of, and no link.
///
/// # Errors
/// When it is not, with what to do; or when it is missing.
pub fn check(folder: &Path) -> io::Result<()> {
    // Behind a slash at its end a link would be followed.
    let folder: PathBuf = folder.components().collect();
    let facts = fs::symlink_metadata(&folder)?;
    let shown = folder.display();
    let refuse = |why: String| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    let (owner, user) = (facts.uid(), geteuid().as_raw());
    if facts.is_symlink() {
        refuse(format!(
            "`{shown}` is a link; set DRDRILL_STATE to the folder itself"
        ))
    } else if !facts.is_dir() {
        refuse(format!("`{shown}` is no folder; set DRDRILL_STATE to one"))
    } else if owner != user {
        refuse(format!(
            "`{shown}` belongs to user {owner}, and drdrill runs as user {user}; set DRDRILL_STATE to a folder of your own"
        ))
    } else if facts.mode() & OTHERS_WRITE != 0 {
        refuse(format!(
            "other users may write to `{shown}`; run `chmod go-w {shown}`"
        ))
    } else {
        above(&folder, user)
    }
}

/// Whether no other user can put something else in the folder's place, by any folder above it: along the path as it is
/// written, and as it is with links followed.
fn above(folder: &Path, user: u32) -> io::Result<()> {
    let (written, real) = (absolute(folder)?, fs::canonicalize(folder)?);
    for parent in written.ancestors().chain(real.ancestors()) {
        if parent == written || parent == real {
            continue;
        }
        let facts = fs::metadata(parent)?;
        let (owner, mode) = (facts.uid(), facts.mode());
        let is_foreign = owner != user && owner != 0;
        let writes = if owner == user {
            ALL_WRITE
        } else {
            OTHERS_WRITE
        };
        let who = match (is_foreign, mode & writes != 0 && mode & STICKY == 0) {
            (true, _) => format!("belongs to user {owner}"),
            (false, true) => "can be written to by other users".into(),
            (false, false) => continue,
        };
        let why = format!(
            "`{}` {who}, who can put another folder in the place of `{}`; set DRDRILL_STATE to one below folders of your own",
            parent.display(),
            folder.display()
        );
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    #[test]
    fn only_a_folder_that_nobody_else_can_write_to_is_taken() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("a/state");
        assert_eq!(check(&folder).unwrap_err().kind(), io::ErrorKind::NotFound);
        make(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        let link = base.path().join("link");
        symlink(&folder, &link).unwrap();
        assert!(make(&link).unwrap_err().to_string().contains("is a link"));
        assert!(make(&link.join("")).is_err());
        for (mode, taken) in [
            (0o755, true),
            (0o775, false),
            (0o1777, false),
            (0o702, false),
        ] {
            fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(make(&folder).is_ok(), taken, "{mode:o}");
        }
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        for (mode, taken) in [(0o777, false), (0o1777, true), (0o775, true)] {
            let parent = folder.parent().unwrap();
            fs::set_permissions(parent, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(make(&folder).is_ok(), taken, "above {mode:o}");
        }
        // Only root can give a folder away, and to root every other user is another.
        if geteuid().is_root() {
            let parent = folder.parent().unwrap();
            chown(parent, Some(65534), None).unwrap();
            let said = make(&folder).unwrap_err().to_string();
            assert!(
                said.contains("belongs to user 65534, who can put"),
                "{said}"
            );
            chown(parent, Some(0), None).unwrap();
            chown(&folder, Some(65534), None).unwrap();
            assert!(
                make(&folder)
                    .unwrap_err()
                    .to_string()
                    .contains("belongs to user 65534")
            );
        }
    }
}
