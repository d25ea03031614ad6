
# In the node that holds the repository of pgBackRest, apart from the servers, which push their log to it by TLS.

REPOSITORY=/var/lib/pgbackrest
TALK=/tmp/pgbackrest

pgbackrest_on() { # CONFIGURATION COMMAND OPTION...: what it said lies in the file $SAID
    SAID=$TALK/$2
    settings=$1
    shift
    as_postgres pgbackrest --config="/drdrill/$settings.conf" --stanza=main --log-level-console=info "$@" >"$SAID" 2>&1 ||
        fail "$(grep -o 'ERROR: .*' "$SAID" | head -n 1)"
}

start() {
    known
    placed "$REPOSITORY" "$TALK"
    # It asks the primary, which is about to start.
    until (pgbackrest_on pgbackrest stanza-create); do sleep 0.5; done &
    become_postgres pgbackrest --config=/drdrill/pgbackrest.conf server
}

backup() {
    pgbackrest_on pgbackrest backup --type=full
    name=$(grep -o 'new backup label = .*' "$SAID" | cut -d ' ' -f 5)
    echo "full backup $name, $(size "$REPOSITORY/backup/main/$name")"
}

arrived() { find "$REPOSITORY/archive/main" -name "$1-*" | grep -q .; } # SEGMENT

fetch() { # MICROSECONDS TIME
    ended
    segment_closed
    empty_data
    if [ "$2" = latest ]; then
        set -- --type=default
    else
        set -- --type=time --target="$2" --target-action=promote
    fi
    pgbackrest_on restored restore --archive-mode=off "$@"
    echo "$(grep -o 'backup set [^,]*' "$SAID"), $(size "$PGDATA"), verified by its checksums"
}

replay() { # TIME
    write_settings
    opened "$1"
}

case ${1:-start} in
backup | fetch | replay)
    "$@"
    exit
    ;;
esac
