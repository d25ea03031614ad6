
# In the node that keeps the stack's backups, apart from its servers: base backups by pg_basebackup, and the log as the primary
# writes it by pg_receivewal.

STORE=/var/lib/postgresql/backup
RECEIVED=$STORE/log
SLOT=drdrill_backup

# Another primary has no slot of this node yet, and keeps the log for it only from when it is made.
start() {
    placed "$STORE"
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

fetch() { # MICROSECONDS TIME
    ended
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

replay() { # TIME
    write_settings
    find "$PGDATA/pg_replslot" -mindepth 1 -delete
    {
        # A segment that is being received has another name, which it may lose between two looks.
        echo "restore_command = 'cp \"$RECEIVED/%f\" \"%p\" 2>/dev/null || cp \"$RECEIVED/%f.partial\" \"%p\" 2>/dev/null || cp \"$RECEIVED/%f\" \"%p\"'"
        if [ "$1" != latest ]; then
            echo "recovery_target_time = '$1'"
            echo "recovery_target_action = 'promote'"
        fi
    } >>"$PGDATA/postgresql.auto.conf"
    opened "$1"
}

case ${1:-start} in
backup | fetch | replay)
    "$@"
    exit
    ;;
esac
