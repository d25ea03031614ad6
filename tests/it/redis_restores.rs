//! Restores on real Redis and Valkey: to a whole second by the append-only file, to the last snapshot, and what of it no tool notices.

use crate::{
    drill_rig::{Done, Drill},
    drills::nothing_left,
    restores::{found_by_the_writes_alone, named, with_backup_broken},
};

const AOF: &str = "redis: { topology: sentinel, nodes: 3, settings: { backup: aof } }";
const RDB: &str = "redis: { topology: sentinel, nodes: 3, settings: { backup: rdb } }";

/// As many writes of just before the second may bear the next one as the shipped drills allow.
fn all_but_few(done: &Done) {
    done.expect(0, "pass");
    let missing = done.value("pitr_missing").expect("a count");
    assert!(missing <= 5.0, "{missing}");
    assert_eq!(done.value("pitr_extra"), Some(0.0));
    let restored = &done.result["figures"]["restores"][0];
    let held = &restored["held"]["measured"];
    let judged = held["judged"].as_u64();
    assert!(judged.is_some_and(|judged| judged > 1_000), "{held}");
    assert_eq!(held["harm"], "absent", "{held}");
    assert_eq!(restored["stages"].as_array().map(Vec::len), Some(3));
    nothing_left(done);
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_flushall_is_undone_by_the_append_only_file_of_a_follower() {
    all_but_few(&Drill::shipped("redis/aof-before-mistake.yaml").run());
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn the_append_only_file_goes_on_over_a_failover() {
    all_but_few(&Drill::shipped("redis/aof-over-failover.yaml").run());
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_shipped_snapshot_is_restored_while_no_server_is_left() {
    let done = Drill::shipped("redis/restore-rdb-latest.yaml").run();
    done.expect(0, "pass");
    // It was taken six seconds before.
    let rpo = done.value("restore_rpo").expect("a figure");
    assert!((5.0..10.0).contains(&rpo), "{rpo}");
    assert_eq!(done.value("pitr_extra"), Some(0.0));
    nothing_left(&done);
}

/// What was done leaves a file, so that it shows.
fn broken(stack: &str, run: &str) -> Done {
    let run = format!("cd /data/backup\n{run} && touch /tmp/broken");
    with_backup_broken(stack, &run, "ls /tmp/broken", "/tmp/broken")
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_snapshot_that_was_cut_off_or_changed_is_named() {
    let half = "truncate -s 500 $(ls base/*/dump.rdb)";
    let byte = "printf '\\377' | dd of=$(ls base/*/dump.rdb) bs=1 seek=500 conv=notrunc";
    for run in [half, byte] {
        named(&broken(RDB, run), "dump.rdb: FAILED");
    }
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_snapshot_that_was_not_finished_is_not_taken() {
    let run = "for name in $(ls base); do mv base/$name base/.$name; done";
    named(&broken(RDB, run), "no backup was complete before the point");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_base_of_the_log_that_was_changed_is_named() {
    let run = "printf '\\377' | dd of=$(ls log/*.rdb | sort -t . -k 3 -n | tail -n 1) bs=1 seek=300 conv=notrunc";
    named(
        &broken(AOF, run),
        "RDB preamble of AOF file is not sane, aborting.",
    );
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_file_of_the_log_that_is_gone_is_named() {
    let run =
        "for file in $(ls log/*.aof); do rm $file ../data/follower/appendonlydir/${file##*/}; done";
    let run = run.replace("../data", "/data");
    named(&broken(AOF, &run), "is gone, which belongs to");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_command_of_the_log_that_is_none_is_named() {
    let run = "printf '\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377' |
  dd of=$(ls log/*.aof | sort -t . -k 3 -n | tail -n 1) bs=1 seek=2000 conv=notrunc";
    named(&broken(AOF, run), "is not valid");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_follower_that_hangs_is_found_by_the_writes_alone() {
    let done = broken(AOF, "kill -STOP $(pidof redis-server)");
    found_by_the_writes_alone(&done);
    assert_eq!(done.line("archive_lag"), "missed", "{}", done.talk);
}

/// A value that was changed is a value: no tool minds it. That of the last element of a lane is an element of another number, or none.
#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_value_of_the_log_that_was_changed_is_found_by_the_writes_alone() {
    let run = "file=$(ls log/*.aof | sort -t . -k 3 -n | tail -n 1)
at=$(grep -a -b -o '[0-9]*:[0-9a-f]*' $file | tail -n 40 | head -n 1 | cut -d : -f 1)
printf '9' | dd of=$file bs=1 seek=$at conv=notrunc";
    let done = broken(AOF, run);
    done.expect(1, "fail");
    assert_eq!(done.line("restore_rto"), "met", "{}", done.talk);
    assert_eq!(done.line("pitr_missing"), "missed", "{}", done.talk);
}
