# Read by start.sh where a follower is no copy of its primary but an independent server that subscribes to its
# tables: what start.sh does to copy and to rewind is done otherwise here.

PUBLICATION=drdrill
SUBSCRIPTION=drdrill

# The network may be cut between any two of these steps, so each that asks the primary is tried again.
again() {
    until "$@"; do
        [ "$(date +%s)" -lt "$deadline" ] || fail "could not do in time: $*"
        sleep 0.5
    done
}

dump_tables() { # HOST
    as_postgres timeout 20 pg_dump -h "$1" -U postgres --schema-only --no-publications --no-subscriptions \
        postgres >/tmp/tables.sql
}

subscribe() { # HOST STREAMHOST STREAMPORT
    sql_on "$1" "select pg_drop_replication_slot(slot_name) from pg_replication_slots
        where slot_name = '$SLOT' and not active" >/dev/null || return 1
    PGOPTIONS='-c statement_timeout=10s' sql_on /var/run/postgresql "create subscription $SUBSCRIPTION
        connection 'host=$2 port=$3 user=postgres dbname=postgres application_name=$NODE connect_timeout=3'
        publication $PUBLICATION with (slot_name = '$SLOT')"
}

# A server of its own, made from nothing: the old data, and with it what only this node had, is thrown away.
# Then the tables as the primary has them, empty, and a subscription, which copies their rows first.
copy_from() { # HOST STREAMHOST STREAMPORT
    wait_for "$1"
    init_primary
    rm -f "$READY" # not before it subscribes
    as_postgres pg_ctl -s -w -D "$PGDATA" -o "-c listen_addresses=''" start >/dev/null
    again dump_tables "$1"
    as_postgres psql -qAtX -v ON_ERROR_STOP=1 -h /var/run/postgresql -U postgres -d postgres </tmp/tables.sql >/dev/null
    again subscribe "$@"
    as_postgres pg_ctl -s -w -D "$PGDATA" -m fast stop >/dev/null
    as_postgres touch "$READY"
    say "subscribed to the tables of $1"
}

# A subscriber's data cannot be rewound: its log is not the primary's.
rejoin() { copy_from "$@"; }
