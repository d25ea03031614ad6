//! Broken backups of a real MariaDB: who tells, the tools or the writes alone.

use crate::{
    drill_rig::Done,
    restores::{found_by_the_writes_alone, named, with_backup_broken},
};

/// What was done leaves a file, so that it shows. The node keeps backups below this folder.
fn with_copy_broken(run: &str) -> Done {
    let stack = "mariadb: { nodes: 2, settings: { backup: stream } }";
    let run = format!("cd /var/lib/mysql/backup\n{run} && touch /tmp/broken");
    with_backup_broken(stack, &run, "ls /tmp/broken", "/tmp/broken")
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_copy_that_was_cut_off_or_changed_is_named() {
    let half = "truncate -s 5000 $(ls base/*/stream.mbstream)";
    let byte = "printf '\\377' | dd of=$(ls base/*/stream.mbstream) bs=1 seek=5000 conv=notrunc";
    for run in [half, byte] {
        named(&with_copy_broken(run), "stream.mbstream: FAILED");
    }
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_changed_copy_whose_checksum_was_made_anew_is_named_by_the_stream_itself() {
    let done = with_copy_broken(
        "cd base/*/
printf '\\377' | dd of=stream.mbstream bs=1 seek=500000 conv=notrunc
sha256sum stream.mbstream server >sha256",
    );
    named(&done, "invalid checksum");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_copy_that_was_not_finished_is_not_taken() {
    let done = with_copy_broken("for name in $(ls base); do mv base/$name base/.$name; done");
    named(&done, "no backup was complete before the point");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_byte_of_the_binary_log_of_mariadb_that_was_flipped_is_named() {
    let run = "file=$(ls log/*/* | tail -n 1)
printf '\\377' | dd of=$file bs=1 seek=$(($(stat -c %s $file) - 3000)) conv=notrunc";
    named(&with_copy_broken(run), "replay failed");
}

/// Closes the file of the log that is written to, twice.
const FLUSHED: &str = "flush() { mariadb --no-defaults -h ${DRDRILL_SERVERS%% *} --skip-ssl -u drdrill -e 'flush binary logs'; sleep 1; }
flush
flush
";

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn the_first_file_of_the_binary_log_of_mariadb_that_is_gone_is_named() {
    let run = format!("{FLUSHED}rm $(ls log/*/* | head -n 1)");
    named(&with_copy_broken(&run), "Binary logs are missing data");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_later_file_of_the_binary_log_of_mariadb_that_is_gone_is_found_by_the_writes_alone() {
    let run = format!("{FLUSHED}rm $(ls log/*/* | tail -n 2 | head -n 1)");
    found_by_the_writes_alone(&with_copy_broken(&run));
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_binary_log_of_mariadb_that_is_received_no_longer_is_found_by_the_writes_alone() {
    let done =
        with_copy_broken("kill -STOP $(grep -l mariadb-binlog /proc/[0-9]*/comm | cut -d / -f 3)");
    found_by_the_writes_alone(&done);
    assert_eq!(done.line("archive_lag"), "missed", "{}", done.talk);
    // The tool warns, and ends with 0 all the same.
    let warning = "Did not reach stop datetime";
    assert!(done.talk.contains(warning), "{}", done.talk);
}
