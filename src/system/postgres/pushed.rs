//! Logs that servers push in segments: after how long an open one is closed, and how much a server has pushed.

use std::time::Duration;

use crate::system::{SettingKind, SettingSpec};

/// After how long a segment that is not full is closed and pushed.
pub const ARCHIVE_TIMEOUT: SettingSpec = SettingSpec {
    name: "archive-timeout",
    kind: SettingKind::Duration,
    default: "60s",
    help: "with `backup: archive` and `backup: pgbackrest`: after how long a segment of the log that is not full is closed and \
           pushed (archive_timeout, in whole seconds); until then what it holds is kept nowhere else. PostgreSQL's default is never, \
           its manual suggests a minute",
};

/// Up to which byte of the log a server has pushed whole segments: one that is pushed in part, or the history of a timeline, tells
/// nothing. Names are of three numbers of eight hexadecimal digits, the last two of which count segments; by what the server itself
/// did, not by which segments a replica holds ready, of which the primary may have pushed none.
pub const PUSHED: &str = "\
(SELECT ('x' || substr(last_archived_wal, 9, 8))::bit(32)::bigint * 4294967296 \
+ (('x' || substr(last_archived_wal, 17, 8))::bit(32)::bigint + 1) * pg_size_bytes(current_setting('wal_segment_size')) \
FROM pg_stat_archiver WHERE last_archived_wal ~ '^[0-9A-F]{24}(\\.[0-9A-F]{8}\\.backup)?$')";

/// Lines for `postgresql.conf` of a server that pushes each segment by this command.
pub fn settings(command: &str, timeout: Duration) -> [String; 3] {
    let seconds = timeout.as_secs_f64().ceil().max(1.0);
    [
        "archive_mode = on".into(),
        format!("archive_command = '{command}'"),
        format!("archive_timeout = {seconds}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_closed_after_whole_seconds_and_never_after_none() {
        let of = |millis| settings("push", Duration::from_millis(millis))[2].clone();
        assert_eq!(of(60_000), "archive_timeout = 60");
        assert_eq!(of(1_200), "archive_timeout = 2");
        assert_eq!(of(10), "archive_timeout = 1");
    }
}
