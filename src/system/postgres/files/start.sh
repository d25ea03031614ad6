#!/bin/sh
# Starts one PostgreSQL node as process 1 of its container; `start.sh repoint PRIMARY`, run by exec
# in a running replica, makes it follow another primary.
#
# DRDRILL_NODE           this node's name: its application_name, and its slot's name (- becomes _)
# DRDRILL_ROLE           primary | replica: how an empty data directory is filled
# DRDRILL_PRIMARY        the first primary, as HOST STREAMHOST STREAMPORT (replica): its address, and where
#                        it is streamed from, which may be a proxy
# DRDRILL_SETTINGS       lines for postgresql.conf; they win over those below
# PGSSLMODE, PGSSLROOTCERT  how this node verifies others' certificates, and by which authority (none: it does not)
# DRDRILL_PASSWORD       password of postgres and replicator; without one, the network is trusted
# DRDRILL_JOIN_SECONDS   how long a replica tries to reach its primary (120)
# DRDRILL_INITDB_ARGS    more arguments for initdb (--data-checksums)
# DRDRILL_INIT_SQL       a statement more for a new server
#
# A file /drdrill/rejoin with the new primary, put there before a start, makes this start
# rewind the old data onto that primary (or copy it anew where that fails) and follow it.
# The settings live outside the data directory, since rewinding and copying replace what is in it.
set -eu

PGDATA=${PGDATA:-/var/lib/postgresql/data}
NODE=${DRDRILL_NODE:?}
SLOT=$(printf %s "$NODE" | tr 'A-Z-' 'a-z_')
SETTINGS=/drdrill/settings.conf
READY=$PGDATA/drdrill.ready # written last: without it the directory's content is half made
if [ -n "${DRDRILL_PASSWORD:-}" ]; then
    AUTH=scram-sha-256 PGPASSWORD=$DRDRILL_PASSWORD
    export PGPASSWORD
else
    AUTH=trust
fi
export PGDATA PGCONNECT_TIMEOUT=3

say() { echo "drdrill: $*" >&2; }
fail() { say "$*"; exit 64; }

as_postgres() {
    if [ "$(id -u)" != 0 ]; then
        "$@"
    elif command -v gosu >/dev/null 2>&1; then
        gosu postgres "$@"
    elif command -v su-exec >/dev/null 2>&1; then
        su-exec postgres "$@"
    else
        setpriv --reuid=postgres --regid=postgres --init-groups "$@"
    fi
}

become_postgres() {
    if [ "$(id -u)" != 0 ]; then exec "$@"; fi
    if command -v gosu >/dev/null 2>&1; then exec gosu postgres "$@"; fi
    if command -v su-exec >/dev/null 2>&1; then exec su-exec postgres "$@"; fi
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$@"
}

sql_on() { as_postgres psql -qAtX -v ON_ERROR_STOP=1 -h "$1" -U postgres -d postgres -c "$2"; }

write_settings() {
    {
        echo "listen_addresses = '*'"
        echo "cluster_name = '$NODE'" # whom clients ask behind an address that moves
        echo "max_connections = 500"
        echo "shared_buffers = 64MB"
        echo "wal_level = replica"
        echo "wal_log_hints = on"
        echo "max_wal_senders = 10"
        echo "max_replication_slots = 10"
        echo "max_slot_wal_keep_size = 1GB"
        echo "wal_keep_size = 1GB" # what a rewound node replays may lie before what its new primary needs
        echo "hot_standby = on"
        printf '%s\n' "${DRDRILL_SETTINGS:-}"
    } >$SETTINGS
    chmod 644 $SETTINGS
}

wait_for() {
    deadline=$(($(date +%s) + ${DRDRILL_JOIN_SECONDS:-120}))
    until pg_isready -q -t 2 -h "$1"; do
        [ "$(date +%s)" -lt "$deadline" ] || fail "$1 did not accept connections in time"
        sleep 0.1
    done
}

ensure_slot_on() {
    sql_on "$1" "select pg_create_physical_replication_slot('$SLOT', true)
        where not exists (select from pg_replication_slots where slot_name = '$SLOT')" >/dev/null
}

conninfo() { # HOST PORT APPLICATION
    printf 'host=%s port=%s user=replicator application_name=%s connect_timeout=3' "$1" "$2" "$3"
    [ "$AUTH" = trust ] || printf ' password=%s' "$DRDRILL_PASSWORD"
    [ -z "${PGSSLMODE:-}" ] || printf ' sslmode=%s sslrootcert=%s' "$PGSSLMODE" "$PGSSLROOTCERT"
}

empty_data() {
    find "$PGDATA" -mindepth 1 -delete
}

init_primary() {
    empty_data
    begin=$(date +%s)
    # shellcheck disable=SC2086
    as_postgres initdb --no-sync --username=postgres --auth=trust --encoding=UTF8 --locale=C \
        ${DRDRILL_INITDB_ARGS---data-checksums} >/dev/null
    echo "include_if_exists = '$SETTINGS'" >>"$PGDATA/postgresql.conf"
    {
        echo "local all all trust"
        echo "host all all all $AUTH"
        echo "host replication all all $AUTH"
    } >"$PGDATA/pg_hba.conf"
    {
        echo "create role replicator login replication"
        [ "$AUTH" = trust ] || for role in postgres replicator; do
            echo "alter role $role password '$DRDRILL_PASSWORD'"
        done
        [ -z "${DRDRILL_INIT_SQL:-}" ] || echo "$DRDRILL_INIT_SQL"
    } | as_postgres postgres --single -c synchronous_commit=local -D "$PGDATA" postgres >/dev/null
    as_postgres touch "$READY"
    say "initialised a primary in $(($(date +%s) - begin)) s"
}

follow() { # HOST STREAMHOST STREAMPORT: the data directory becomes a standby of it
    {
        echo "primary_conninfo = '$(conninfo "$2" "$3" "$NODE")'"
        echo "primary_slot_name = '$SLOT'"
    } >>"$PGDATA/postgresql.auto.conf"
    # Slots that came along, or that this node kept as a primary, would hold back its log for ever.
    find "$PGDATA/pg_replslot" -mindepth 1 -delete
    as_postgres touch "$PGDATA/standby.signal" "$READY"
}

copy_from() { # HOST STREAMHOST STREAMPORT
    wait_for "$1"
    ensure_slot_on "$1"
    until
        empty_data
        # Under a name of its own: a copy in progress must not pass for a replica that streams.
        as_postgres pg_basebackup --no-sync -X stream -c fast -S "$SLOT" -D "$PGDATA" \
            -d "$(conninfo "$1" 5432 pg_basebackup)"
    do
        [ "$(date +%s)" -lt "$deadline" ] || fail "could not copy the data of $1 in time"
        sleep 0.5
    done
    follow "$@"
    say "copied the data of $1"
}

rewind_onto() { # HOST STREAMHOST STREAMPORT
    [ -e "$READY" ] || return 1
    wait_for "$1"
    # Before a checkpoint a new primary's control file may still name the old timeline.
    sql_on "$1" checkpoint || return 1
    ensure_slot_on "$1" || return 1
    as_postgres pg_rewind --no-sync -D "$PGDATA" \
        --source-server="host=$1 port=5432 user=postgres dbname=postgres" || return 1
    follow "$@"
    say "rewound onto $1"
}

rejoin() { # HOST STREAMHOST STREAMPORT
    rewind_onto "$@" || { say "rewinding failed"; copy_from "$@"; }
}

beside() { :; } # what a server's node runs besides

start() {
    mkdir -p "$PGDATA" /var/run/postgresql
    if [ "$(id -u)" = 0 ]; then chown postgres: "$PGDATA" /var/run/postgresql; fi
    chmod 700 "$PGDATA"
    # The server takes a key only if it is its own.
    if [ "$(id -u)" = 0 ] && [ -e /drdrill/tls/server.key ]; then chown postgres: /drdrill/tls/server.key; fi
    rm -f "$PGDATA/postmaster.pid" # nothing else can be alive in a container that just started
    write_settings
    if [ -s /drdrill/rejoin ]; then
        # shellcheck disable=SC2046
        set -- $(cat /drdrill/rejoin)
        rejoin "$@"
        rm -f /drdrill/rejoin
    elif [ ! -e "$READY" ]; then
        case ${DRDRILL_ROLE:-} in
        primary) init_primary ;;
        replica)
            # shellcheck disable=SC2086
            set -- ${DRDRILL_PRIMARY:?}
            copy_from "$@"
            ;;
        *) fail "DRDRILL_ROLE must be primary or replica, not '${DRDRILL_ROLE:-}'" ;;
        esac
    fi
    beside
    become_postgres postgres -D "$PGDATA"
}

repoint() { # HOST STREAMHOST STREAMPORT
    wait_for "$1"
    ensure_slot_on "$1"
    sql_on /var/run/postgresql "alter system set primary_conninfo = '$(conninfo "$2" "$3" "$NODE")'"
    sql_on /var/run/postgresql "select pg_reload_conf()" >/dev/null
}

# shellcheck disable=SC1091
if [ -e /drdrill/logical.sh ]; then . /drdrill/logical.sh; fi
# shellcheck disable=SC1091
if [ -e /drdrill/archived.sh ]; then . /drdrill/archived.sh; fi
# shellcheck disable=SC1091
if [ -e /drdrill/backup.sh ]; then . /drdrill/backup.sh; fi

case ${1:-start} in
start) start ;;
repoint)
    shift
    repoint "${1:?its new primary}" "${2:?where to stream from}" "${3:?the port there}"
    ;;
*) fail "unknown command '$1'" ;;
esac
