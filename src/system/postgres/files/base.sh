# In the node that keeps the stack's backups, apart from its servers: base backups by pg_basebackup.

STORE=/var/lib/postgresql/backup

closed() { :; } # what makes the log reach the point, where it does not by itself

backup() {
    made "$STORE/base"
    as_postgres rm -rf "$STORE/base/.made"
    # Without the log: what lies between the backup and the point comes from what is kept of it.
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
    closed
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

replayed_by() { # COMMAND TIME: by this restore_command
    write_settings
    find "$PGDATA/pg_replslot" -mindepth 1 -delete
    {
        echo "restore_command = '$1'"
        if [ "$2" != latest ]; then
            echo "recovery_target_time = '$2'"
            echo "recovery_target_action = 'promote'"
        fi
    } >>"$PGDATA/postgresql.auto.conf"
    opened "$2"
}

