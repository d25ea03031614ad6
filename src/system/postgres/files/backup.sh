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

primary() { printf 'host=%s port=5432 user=replicator target_session_attrs=read-write connect_timeout=3 application_name=%s' \
    "$DRDRILL_SERVERS" "$1"; }

made() { # FOLDER
    as_postgres mkdir -p "$1"
}

# Another primary has no slot of this node yet, and keeps the log for it only from when it is made.
start() {
    mkdir -p "$STORE" "$PGDATA" /var/run/postgresql
    chown postgres: "$STORE" "$PGDATA" /var/run/postgresql
    chmod 700 "$PGDATA"
    made "$RECEIVED"
    while :; do
        as_postgres pg_receivewal --no-loop --slot=$SLOT --create-slot --if-not-exists -d "$(primary $SLOT)" &&
            as_postgres pg_receivewal --no-loop --synchronous --slot=$SLOT -D "$RECEIVED" -d "$(primary $SLOT)" || true
        sleep 1
    done
}

backup() {
    name=$(date -u +%Y%m%dT%H%M%S)
    made "$STORE/base"
    # Without the log: what lies between the backup and the point comes from what was received.
    as_postgres pg_basebackup --no-sync -X none -c fast --manifest-checksums=SHA256 -D "$STORE/base/.$name" \
        -d "$(primary drdrill_base)" >&2
    mv "$STORE/base/.$name" "$STORE/base/$name" # only a complete one has a name that fetch takes
    echo "pg_basebackup $name, $(size "$STORE/base/$name")"
}

size() { printf '%s MiB' "$(du -sm "$1" | cut -f 1)"; }

fetch() {
    if [ -e "$PGDATA/postmaster.pid" ]; then as_postgres pg_ctl stop -s -w -m immediate -D "$PGDATA" >&2 || true; fi
    if pg_isready -q -h /var/run/postgresql; then fail "the server that was restored before does not stop"; fi
    # shellcheck disable=SC2012
    name=$(ls "$STORE/base" | tail -n 1)
    [ -n "$name" ] || fail "there is no complete backup"
    empty_data
    as_postgres cp -a "$STORE/base/$name/." "$PGDATA/"
    as_postgres pg_verifybackup --no-parse-wal "$PGDATA" >&2
    echo "$name, $(size "$PGDATA"), verified by its manifest"
}

replay() { # TIME
    write_settings
    find "$PGDATA/pg_replslot" -mindepth 1 -delete
    {
        echo "restore_command = 'cp \"$RECEIVED/%f\" \"%p\" 2>/dev/null || cp \"$RECEIVED/%f.partial\" \"%p\"'"
        echo "recovery_target_time = '$1'"
        echo "recovery_target_action = 'promote'"
        # Nobody follows it, and nobody confirms its writes.
        echo "synchronous_standby_names = ''"
    } >>"$PGDATA/postgresql.auto.conf"
    as_postgres touch "$PGDATA/recovery.signal"
    as_postgres pg_ctl start -s -W -D "$PGDATA" -l "$RESTORED" >&2
    sleep 0.1
    until [ "$(sql_on /var/run/postgresql 'select not pg_is_in_recovery()' 2>/dev/null)" = t ]; do
        as_postgres pg_ctl status -D "$PGDATA" >/dev/null || fail "$(grep -o 'FATAL: .*' "$RESTORED" | tail -n 1)"
        sleep 0.02
    done
    grep -o 'recovery stopping .*' "$RESTORED" | tail -n 1
}

case ${1:-start} in
backup | fetch | replay)
    "$@"
    exit
    ;;
esac
