
# In the node that makes and restores backups by pgBackRest, apart from the servers. They push their log by TLS to the repository, which
# is here or in an object store.

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
    echo "full backup $name, $(grep -o 'backup size = [^,]*' "$SAID" | cut -d ' ' -f 4)"
}

# Of a store that does not answer it would ask for three times as long as one answer may take, which is a minute otherwise.
arrived() { # SEGMENT
    as_postgres pgbackrest --config=/drdrill/restored.conf --stanza=main --io-timeout=5 repo-ls --recurse --filter="^(.*/)?$1-" archive/main \
        2>/dev/null | grep -q .
}

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
