# Read by start.sh in the node that keeps the stack's backups, apart from its servers: base backups by pg_basebackup, and the log as
# the primary writes it by pg_receivewal. What is restored becomes a server of this node, beside the running service.
#
# By exec: `start.sh backup` makes a base backup, `start.sh fetch` lays the newest out, `start.sh replay TIME` starts a server on it
# that replays the log up to TIME and opens. What they print last is what was done.
#
# DRDRILL_SERVERS  addresses of the servers, separated by commas: whoever of them takes writes is backed up

STORE=/var/lib/postgresql/backup
RECEIVED=$STORE/log
RESTORED=$STORE/restored.log
SLOT=drdrill_backup
PGDATA=/var/lib/postgresql/restored
READY=$PGDATA/drdrill.ready

primary() { printf 'host=%s port=5432 user=%s dbname=postgres target_session_attrs=read-write connect_timeout=3 application_name=%s' \
    "$DRDRILL_SERVERS" "$1" "$2"; }

made() { # FOLDER
    as_postgres mkdir -p "$1"
}

size() { printf '%s MiB' "$(du -sm "$1" | cut -f 1)"; }

# Another primary has no slot of this node yet, and keeps the log for it only from when it is made.
start() {
    mkdir -p "$STORE" "$PGDATA" /var/run/postgresql
    if [ "$(id -u)" = 0 ]; then chown postgres: "$STORE" "$PGDATA" /var/run/postgresql; fi
    chmod 700 "$PGDATA"
    rm -f "$PGDATA/postmaster.pid" # nothing else can be alive in a container that just started
    made "$RECEIVED"
    while :; do
        as_postgres pg_receivewal --no-loop --slot=$SLOT --create-slot --if-not-exists -d "$(primary replicator $SLOT)" &&
            as_postgres pg_receivewal --no-loop --synchronous --slot=$SLOT -D "$RECEIVED" -d "$(primary replicator $SLOT)" || true
        sleep 1
    done
}

backup() {
    made "$STORE/base"
    as_postgres rm -rf "$STORE/base/.made"
    # Without the log: what lies between the backup and the point comes from what was received.
    as_postgres pg_basebackup --no-sync -X none -c fast --manifest-checksums=SHA256 -D "$STORE/base/.made" \
        -d "$(primary replicator drdrill_base)" >&2
    # Named by when it was complete, microseconds since 1970 by the clock of the server, and only then: fetch takes no other.
    name=$(as_postgres psql -qAtX -d "$(primary postgres drdrill_base)" \
        -c "select lpad((extract(epoch from clock_timestamp()) * 1000000)::bigint::text, 18, '0')")
    if [ -z "$name" ] || [ -e "$STORE/base/$name" ]; then fail "the backup could not be given a name"; fi
    mv "$STORE/base/.made" "$STORE/base/$name"
    echo "base backup $name, $(size "$STORE/base/$name")"
}

fetch() { # MICROSECONDS since 1970, 18 digits: the newest that was complete by then
    if [ -e "$PGDATA/postmaster.pid" ]; then as_postgres pg_ctl stop -s -w -m immediate -D "$PGDATA" >&2 || true; fi
    if as_postgres pg_ctl status -D "$PGDATA" >/dev/null 2>&1 || pg_isready -q -h /var/run/postgresql; then
        fail "the server that was restored before does not stop"
    fi
    name=
    for one in $(ls "$STORE/base"); do
        # Of the same length, so that the order of the names is that of the times.
        if [ "$(printf '%s\n%s\n' "$one" "$1" | LC_ALL=C sort | head -n 1)" = "$one" ]; then name=$one; fi
    done
    [ -n "$name" ] || fail "no backup was complete before the point"
    empty_data
    as_postgres cp -a "$STORE/base/$name/." "$PGDATA/"
    as_postgres pg_verifybackup --no-parse-wal "$PGDATA" >&2
    echo "base backup $name, $(size "$PGDATA"), verified by its manifest"
}

# The last that the server said of itself; that it starts up it says to each of our questions.
why() { grep -o 'FATAL: .*' "$RESTORED" | grep -v 'the database system is' | tail -n 1; }

replay() { # TIME
    write_settings
    find "$PGDATA/pg_replslot" -mindepth 1 -delete
    {
        # A segment that is being received has another name, which it may lose between two looks.
        echo "restore_command = 'cp \"$RECEIVED/%f\" \"%p\" 2>/dev/null || cp \"$RECEIVED/%f.partial\" \"%p\" 2>/dev/null || cp \"$RECEIVED/%f\" \"%p\"'"
        echo "recovery_target_time = '$1'"
        echo "recovery_target_action = 'promote'"
        # Nobody follows it, and nobody confirms its writes.
        echo "synchronous_standby_names = ''"
    } >>"$PGDATA/postgresql.auto.conf"
    as_postgres touch "$PGDATA/recovery.signal"
    rm -f "$RESTORED"
    as_postgres pg_ctl start -s -w -t 900 -D "$PGDATA" -l "$RESTORED" >&2 || fail "$(why)"
    until [ "$(sql_on /var/run/postgresql 'select not pg_is_in_recovery()' 2>/dev/null)" = t ]; do
        as_postgres pg_ctl status -D "$PGDATA" >/dev/null || fail "$(why)"
        sleep 0.02
    done
    said=$(grep -o 'recovery stopping .*' "$RESTORED" | tail -n 1)
    [ -n "$said" ] || fail "it opened without having stopped at the point"
    echo "$said"
}

case ${1:-start} in
backup | fetch | replay)
    "$@"
    exit
    ;;
esac
