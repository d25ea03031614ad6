//! Locks a file within a deadline, and names who keeps it.

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::MetadataExt,
    thread::sleep,
    time::Duration,
};

use crate::time::Clock;

/// How long a writer waits for the others: each holds the lock for one line, or while it seals one run's folder.
pub const LIMIT: Duration = Duration::from_secs(120);
/// How often the lock is tried meanwhile.
const TRY_EVERY: Duration = Duration::from_millis(10);

/// Locks a file; the lock goes with the handle.
///
/// # Errors
/// When another process keeps the lock for longer than `limit`: it is named. When the file cannot be locked.
pub fn within(file: &File, limit: Duration) -> io::Result<()> {
    let clock = Clock::start();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if clock.now().since_start() < limit => sleep(TRY_EVERY),
            Err(TryLockError::WouldBlock) => {
                let holder = holder(file).unwrap_or_else(|| "another process".into());
                let why = format!("{holder} has kept it locked for {limit:?}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
        }
    }
}

/// The process that holds a lock of this file, by the kernel's list of locks; none where that is hidden from here.
fn holder(file: &File) -> Option<String> {
    let inode = format!(":{}", file.metadata().ok()?.ino());
    let locks = fs::read_to_string("/proc/locks").ok()?;
    // 1: FLOCK  ADVISORY  WRITE 4711 fe:00:123456 0 EOF
    let held = locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, _, pid, place, ..] = words[..] else {
            return None;
        };
        place.ends_with(&inode).then(|| pid.to_owned())
    })?;
    let name = fs::read_to_string(format!("/proc/{held}/comm")).ok();
    Some(name.map_or_else(
        || format!("process {held}"),
        |name| format!("process {held} (`{}`)", name.trim()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_kept_is_given_up_on_and_its_holder_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let open = || File::open(file.path()).unwrap();
        let kept = open();
        within(&kept, Duration::ZERO).unwrap();
        let refused = within(&open(), Duration::from_millis(50)).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
        let me = format!("process {} ", std::process::id());
        assert!(refused.to_string().contains(&me), "{refused}");
        drop(kept);
        within(&open(), Duration::ZERO).unwrap();
    }
}
