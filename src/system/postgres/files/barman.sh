
# In the node that keeps the stack's backups by Barman, apart from its servers: it receives the log as the primary writes it.

HOME=/var/lib/barman
TALK=/tmp/barman
export HOME

barman_to() { # COMMAND OPTION...: what it said lies in the file $SAID
    SAID=$TALK/$1
    as_postgres barman -c /drdrill/barman.conf "$@" >"$SAID" 2>&1 ||
        fail "barman $1: $(grep -o 'ERROR: .*' "$SAID" | tail -n 1)"
}

# As the package's crontab has it, each minute or as often as the setting says: this starts the receiver again where it ended.
start() {
    placed "$HOME" "$TALK"
    until as_postgres psql -qAtX -d "$(primary postgres drdrill_cron)" -c 'select 1' >/dev/null 2>&1; do sleep 0.2; done
    while :; do
        as_postgres barman -c /drdrill/barman.conf -q cron || true
        sleep "$DRDRILL_CRON_SECONDS"
    done
}

# What is written lies in a segment that may still be open: whoever takes writes is asked to close it.
closed() { barman_to switch-wal --force --archive --archive-timeout 60 main; }

names() { as_postgres barman -c /drdrill/barman.conf list-backups --minimal main; } # newest first

told() { # NAME WHAT: what is noted of a backup, in one place or the other by Barman's version
    cat "$HOME/main/meta/$1-backup.info" "$HOME/main/base/$1/backup.info" 2>/dev/null | grep "^$2=" | cut -d = -f 2
}

# Its own `--wait` waits until the clients have filled a segment.
backup() {
    # It refuses as long as it has no segment at all.
    if ! find "$HOME/main/wals" -type f -name '0*' | grep -q .; then closed; fi
    barman_to backup main
    closed
    name=$(names | head -n 1)
    barman_to check-backup main "$name"
    status=$(told "$name" status)
    [ "$status" = DONE ] || fail "barman says of its backup $name: $status"
    echo "full backup $name, $(size "$HOME/main/base/$name")"
}

# The newest that was complete by TIME.
complete_by() { # TIME: the word for the latest sorts behind every one
    for name in $(names); do
        ended_at=$(told "$name" end_time)
        if [ "$(printf '%s\n%s\n' "$ended_at" "$1" | LC_ALL=C sort | head -n 1)" = "$ended_at" ]; then
            echo "$name"
            return
        fi
    done
}

fetch() { # MICROSECONDS TIME
    ended
    (closed) || true # there may be nobody who takes writes
    name=$(complete_by "$2")
    [ -n "$name" ] || fail "no backup was complete before the point"
    empty_data
    if [ "$2" = latest ]; then
        set -- --get-wal
    else
        set -- --no-get-wal --target-time "$2" --target-action promote
    fi
    # Over a failover: by itself it takes the log of the backup's own timeline only.
    barman_to restore --target-tli latest "$@" main "$name" "$PGDATA"
    echo "backup $name, $(size "$PGDATA")"
}

replay() { # TIME
    write_settings
    if [ "$1" = latest ]; then
        # With the segment that was being received, which only this way hands out.
        echo "restore_command = 'HOME=$HOME barman -c /drdrill/barman.conf get-wal --partial main %f >%p'" >>"$PGDATA/postgresql.auto.conf"
    fi
    opened "$1"
}

case ${1:-start} in
backup | fetch | replay)
    "$@"
    exit
    ;;
esac
