//! Restores on real servers: a mistake is undone to the write, and broken backups are named, none passed as near enough.

use crate::{
    drill_rig::{Done, Drill},
    drills::nothing_left,
};

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_mistake_is_undone_to_the_write_beside_the_service() {
    undone("postgres/restore-before-mistake.yaml", 2.0);
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_mistake_is_undone_to_the_write_by_a_dump_and_the_binary_log() {
    undone("mysql/restore-before-mistake.yaml", 2.0);
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_mistake_is_undone_to_the_second_by_a_copy_and_the_binary_log() {
    undone("mariadb/restore-before-mistake.yaml", 3.0);
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_mistake_is_undone_to_the_write_by_pgbackrest_from_pushed_segments() {
    undone("postgres/pgbackrest-before-mistake.yaml", 10.0);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_mistake_is_undone_to_the_write_by_a_plain_archive_command() {
    undone("postgres/archive-before-mistake.yaml", 10.0);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_mistake_is_undone_to_the_write_out_of_an_object_store() {
    undone("postgres/pgbackrest-s3-before-mistake.yaml", 10.0);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_mistake_is_undone_to_the_write_by_barman() {
    undone("postgres/barman-before-mistake.yaml", 15.0);
}

/// The log was never further behind than these seconds.
fn undone(scenario: &str, behind: f64) {
    let done = Drill::shipped(scenario).run();
    done.expect(0, "pass");
    assert_eq!(done.value("pitr_missing"), Some(0.0));
    assert_eq!(done.value("pitr_extra"), Some(0.0));
    assert!(done.value("rpo_count").is_some_and(|lost| lost > 1_000.0));
    let restored = &done.result["figures"]["restores"][0];
    let held = &restored["held"]["measured"];
    assert!(
        held["judged"].as_u64().is_some_and(|judged| judged > 1_000),
        "{held}"
    );
    assert_eq!(held["harm"], "absent", "{held}");
    assert_eq!(restored["stages"].as_array().map(Vec::len), Some(3));
    assert!(
        done.value("archive_lag").is_some_and(|lag| lag < behind),
        "{}",
        done.talk
    );
    nothing_left(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_dropped_collection_comes_back_from_the_delayed_member() {
    let done = Drill::shipped("mongodb/delayed-before-mistake.yaml").run();
    done.expect(0, "pass");
    assert_eq!(done.value("pitr_missing"), Some(0.0));
    assert_eq!(done.value("pitr_extra"), Some(0.0));
    let held = &done.result["figures"]["restores"][0]["held"]["measured"];
    let judged = held["judged"].as_u64();
    assert!(judged.is_some_and(|judged| judged > 1_000), "{held}");
    assert_eq!(held["harm"], "absent", "{held}");
    nothing_left(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_delayed_member_that_has_passed_the_point_says_so() {
    let done = Drill::shipped("mongodb/delayed-before-mistake.yaml")
        .set("stack.mongodb.settings.backup-delay", "1s")
        .run();
    named(&done, "and the point is before that");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_backup_from_before_a_failover_is_restored_to_after_it() {
    for drill in [
        "postgres/restore-over-failover.yaml",
        "postgres/archive-over-failover.yaml",
        "postgres/pgbackrest-over-failover.yaml",
        "postgres/barman-over-failover.yaml",
        "mysql/restore-over-failover.yaml",
        "mariadb/restore-over-failover.yaml",
    ] {
        let done = Drill::shipped(drill).run();
        done.expect(0, "pass");
        assert_eq!(done.value("pitr_missing"), Some(0.0), "{drill}");
    }
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn all_that_was_kept_is_restored_while_no_server_is_left() {
    for (drill, lacks) in [
        ("postgres/restore-latest.yaml", 1.0),
        ("postgres/archive-latest.yaml", 10.0),
        ("postgres/pgbackrest-latest.yaml", 10.0),
        ("mariadb/restore-latest.yaml", 1.0),
        // It had applied nothing of its last 30 s, and had all of it in its memory.
        ("mongodb/delayed-latest.yaml", 2.0),
    ] {
        let done = Drill::shipped(drill).run();
        done.expect(0, "pass");
        let rpo = done.value("restore_rpo").expect("a figure");
        assert!(rpo < lacks, "{drill}: {rpo}");
        let held = &done.result["figures"]["restores"][0]["held"]["measured"];
        let judged = held["judged"].as_u64();
        assert!(judged.is_some_and(|judged| judged > 1_000), "{held}");
        nothing_left(&done);
    }
}

const POSTGRES: &str = "postgres: { nodes: 2, settings: { backup: stream } }";
const MYSQL: &str = "mysql: { nodes: 2, settings: { backup: stream } }";

/// A drill in which something is done to the backup on the node that keeps it: the command, what shows that, and what it says then.
pub fn with_backup_broken(stack: &str, run: &str, shows: &str, expect: &str) -> Done {
    let indented = |text: &str| text.trim().replace('\n', "\n          ");
    let text = format!(
        "schema: 1
name: broken-backup
summary: Something happened to the backup, and nobody noticed.
stack:
  {stack}
targets: {{ rto: 1m, rpo: any, archive-lag: 3s, restore-rto: 1m }}
drill:
  - steady: 10s
  - backup: now
  - hold: 4s
  - fault:
      mistake:
        node: backup1
        run: |
          {}
        shows: |
          {}
        expect: {expect:?}
  - hold: 3s
  - restore: {{ to: 1s ago }}
  - expect: {{ recovered: {{ within: 1m }} }}
",
        indented(run),
        indented(shows)
    );
    Drill::written(&text).run()
}

/// It was not restored, for a reason with these words, and what it would have brought back is not judged.
pub fn named(done: &Done, words: &str) {
    done.expect(1, "fail");
    assert_eq!(done.line("restore_rto"), "missed", "{}", done.talk);
    assert_eq!(done.line("pitr_missing"), "inconclusive", "{}", done.talk);
    assert_eq!(done.line("pitr_extra"), "inconclusive", "{}", done.talk);
    let failed = &done.result["figures"]["restores"][0]["held"]["missing"];
    let failed = failed.as_str().unwrap_or_default();
    assert!(failed.contains(words), "{failed}");
}

const BASE: &str = "/var/lib/postgresql/backup/base";
const LOG: &str = "/var/lib/postgresql/backup/log";

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_file_of_the_backup_that_was_cut_off_is_named() {
    let file = format!("{BASE}/*/global/pg_filenode.map");
    let done = with_backup_broken(
        POSTGRES,
        &format!("truncate -s 0 {file}"),
        &format!("stat -c %s {file}"),
        "0",
    );
    named(&done, "pg_filenode.map");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_byte_of_the_backup_that_was_flipped_is_named() {
    let file = format!("{BASE}/*/PG_VERSION");
    let run = format!("printf 9 | dd of=$(echo {file}) bs=1 conv=notrunc");
    let done = with_backup_broken(POSTGRES, &run, &format!("head -c 1 {file}"), "9");
    named(&done, "PG_VERSION");
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_byte_of_the_log_that_was_flipped_is_named() {
    // The log since the backup, every 20 kB.
    let run = format!(
        "for at in $(seq 20000 20000 2000000); do
  printf '\\377' | dd of=$(ls {LOG}/*.partial) bs=1 seek=$at conv=notrunc 2>/dev/null
done"
    );
    let shows = format!("od -An -tx1 -j 20000 -N 1 $(ls {LOG}/*.partial) | tr -d ' '");
    let done = with_backup_broken(POSTGRES, &run, &shows, "ff");
    named(
        &done,
        "recovery ended before configured recovery target was reached",
    );
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_segment_of_the_log_that_is_gone_is_named() {
    let done = with_backup_broken(
        POSTGRES,
        &format!("rm {LOG}/*.partial"),
        &format!("ls {LOG} | grep -c partial"),
        "0",
    );
    named(&done, "replay failed");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_backup_that_was_not_finished_is_not_taken() {
    let run = format!("cd {BASE} && for name in *; do mv $name .$name; done");
    let done = with_backup_broken(POSTGRES, &run, &format!("ls {BASE} | wc -l"), "0");
    named(&done, "no backup was complete before the point");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_backup_of_another_cluster_is_named() {
    let run = format!(
        "install -d -o postgres /tmp/other
cd /tmp/other
as() {{ setpriv --reuid=postgres --regid=postgres --init-groups \"$@\"; }}
as initdb -D data -U postgres --auth=trust >/dev/null
as pg_ctl start -w -D data -o \"-p 5999 -c listen_addresses='' -c unix_socket_directories=/tmp/other\" -l log >/dev/null
as pg_basebackup -h /tmp/other -p 5999 -U postgres -X none -c fast -D {BASE}/000000000000000001
as pg_ctl stop -m fast -D data
rm -r $(ls -d {BASE}/0* | tail -n 1)"
    );
    let done = with_backup_broken(
        POSTGRES,
        &run,
        &format!("ls {BASE} | head -n 1"),
        "000000000000000001",
    );
    named(&done, "replay failed");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_receiver_that_hangs_shows_in_the_lag_before_anything_is_restored() {
    let run = "kill -STOP $(grep -l pg_receivewal /proc/[0-9]*/comm | cut -d / -f 3)";
    let shows = "grep State $(grep -l pg_receivewal /proc/[0-9]*/comm | sed s/comm/status/)";
    let done = with_backup_broken(POSTGRES, run, shows, "State:\tT (stopped)");
    named(
        &done,
        "recovery ended before configured recovery target was reached",
    );
    let lag = done.value("archive_lag");
    assert!(lag.is_some_and(|lag| lag > 3.0), "{lag:?}\n{}", done.talk);
}

/// The same with MySQL. What was done leaves a file, so that it shows.
fn with_dump_broken(run: &str) -> Done {
    let run = format!("cd /var/lib/mysql/backup\n{run} && touch /tmp/broken");
    with_backup_broken(MYSQL, &run, "ls /tmp/broken", "/tmp/broken")
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_dump_that_was_cut_off_or_changed_is_named() {
    let half = "truncate -s 5000 $(ls base/*/dump.sql)";
    let byte = "printf '\\377' | dd of=$(ls base/*/dump.sql) bs=1 seek=5000 conv=notrunc";
    for run in [half, byte] {
        named(&with_dump_broken(run), "dump.sql: FAILED");
    }
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_dump_that_was_not_finished_is_not_taken() {
    let done = with_dump_broken("for name in $(ls base); do mv base/$name base/.$name; done");
    named(&done, "no backup was complete before the point");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_dump_of_another_server_is_named() {
    let done = with_dump_broken(
        "server=\"mysqld --no-defaults --user=mysql --datadir=/tmp/other --innodb-numa-interleave=OFF --mysqlx=OFF\"
install -d -o mysql /tmp/other
$server --initialize-insecure
$server --socket=/tmp/other.sock --port=3399 --pid-file=/tmp/other.pid --log-error=/tmp/other/log --gtid-mode=ON --enforce-gtid-consistency=ON --daemonize
mkdir base/000000000000000001
cd base/000000000000000001
mysqldump --no-defaults -S /tmp/other.sock -u root --single-transaction --all-databases --set-gtid-purged=ON --result-file=dump.sql
mysql --no-defaults -S /tmp/other.sock -u root -NB -e 'select @@server_uuid' >server
sha256sum dump.sql server >sha256
mysqladmin --no-defaults -S /tmp/other.sock -u root shutdown
cd ..
rm -r $(ls -d 0* | tail -n 1)",
    );
    named(&done, "whose log was not received");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_byte_of_the_binary_log_that_was_flipped_is_named() {
    let run = "file=$(ls log/*/* | tail -n 1)
printf '\\377' | dd of=$file bs=1 seek=$(($(stat -c %s $file) - 3000)) conv=notrunc";
    named(&with_dump_broken(run), "replay failed");
}

/// It was restored without a word, and not all that was acknowledged before the point is there.
pub fn found_by_the_writes_alone(done: &Done) {
    done.expect(1, "fail");
    assert_eq!(done.line("restore_rto"), "met", "{}", done.talk);
    assert_eq!(done.line("pitr_missing"), "missed", "{}", done.talk);
    assert_eq!(done.line("pitr_extra"), "met", "{}", done.talk);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_file_of_the_binary_log_that_is_gone_is_found_by_the_writes_alone() {
    let done = with_dump_broken(
        "flush() { mysql --no-defaults -h ${DRDRILL_SERVERS%% *} -u drdrill -e 'flush binary logs'; sleep 1; }
flush
flush
rm $(ls log/*/* | tail -n 2 | head -n 1)",
    );
    found_by_the_writes_alone(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_binary_log_that_is_received_no_longer_is_found_by_the_writes_alone() {
    let done =
        with_dump_broken("kill -STOP $(grep -l mysqlbinlog /proc/[0-9]*/comm | cut -d / -f 3)");
    found_by_the_writes_alone(&done);
    assert_eq!(done.line("archive_lag"), "missed", "{}", done.talk);
}

/// What each replica had before this moment is no longer in its own log: only the old source's tells it. For `{client}` of `{mysql}`.
const PURGED_OVER_FAILOVER: &str = r#"schema: 1
name: purged-over-failover
summary: The new source's log begins after the dump, so that the old one's is needed as well.
stack:
  {mysql}: { nodes: 3, settings: { backup: stream, semi-sync: true } }
targets: { rto: 1m, rpo: { count: 0 }, restore-rto: 2m, pitr-missing: 0, pitr-extra: 0 }
drill:
  - steady: 10s
  - backup: now
  - hold: 3s
  - fault:
      mistake:
        node: backup1
        run: |
          for host in $DRDRILL_SERVERS; do
            ask() { {client} -h $host -u drdrill -NB -e "$1"; }
            [ "$(ask 'select @@{shut}')" = 1 ] || continue
            ask 'flush binary logs'
            sleep 1 # MariaDB keeps a file until InnoDB has what is in it
            ask "purge binary logs to '$(ask 'show binary logs' | tail -n 1 | cut -f 1)'"
            ask 'show binary logs' | wc -l >>/tmp/purged
          done
        shows: sort -u /tmp/purged
        expect: "1"
  - fault: { kill: primary }
  - runbook: promote-replica
  - expect: { recovered: { within: 1m } }
  - hold: 3s
  - restore: { to: 1s ago }
headline: 4
"#;

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn what_the_new_sources_log_no_longer_has_comes_from_the_old_ones() {
    for (mysql, client, shut) in [
        ("mysql", "mysql --no-defaults", "super_read_only"),
        ("mariadb", "mariadb --no-defaults --skip-ssl", "read_only"),
    ] {
        let text = PURGED_OVER_FAILOVER.replace("{mysql}", mysql);
        let text = text.replace("{client}", client).replace("{shut}", shut);
        let done = Drill::written(&text).run();
        done.expect(0, "pass");
        assert_eq!(done.value("pitr_missing"), Some(0.0), "{mysql}");
    }
}

/// The node that keeps the log dies and comes back, and dies again; with `{failover}` its second life begins at another primary.
const RECEIVED_AGAIN: &str = "schema: 1
name: received-again
summary: The node that keeps the backups dies and comes back twice, and no part of the log is missing.
stack:
  {stack}
targets: { rto: any, rpo: { count: 0 }, restore-rto: 2m, pitr-missing: 0, pitr-extra: 0 }
drill:
  - steady: 10s
  - backup: now
  - hold: 2s
  - fault: { kill: backup1 }
  - hold: 12s
  - heal: all
  - hold: 12s
  - fault: { kill: backup1 }
  - hold: 12s
{failover}  - heal: all
  - hold: 12s
  - restore: { to: 1s ago }
  - expect: { recovered: { within: 1m } }
";

pub fn received_again(stack: &str, failover: &str) {
    let text = RECEIVED_AGAIN.replace("{stack}", stack);
    let done = Drill::written(&text.replace("{failover}", failover)).run();
    done.expect(0, "pass");
    assert_eq!(done.value("pitr_missing"), Some(0.0));
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_log_that_is_received_again_has_no_hole() {
    received_again(POSTGRES, "");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_log_that_is_received_again_from_another_source_has_no_hole() {
    for mysql in ["mysql", "mariadb"] {
        received_again(
            &format!("{mysql}: {{ nodes: 3, settings: {{ backup: stream, semi-sync: true }} }}"),
            "  - fault: { kill: primary }
  - runbook: promote-replica
  - expect: { recovered: { within: 1m } }
",
        );
    }
}
