#!/bin/sh
# Starts one Patroni node, and stays process 1 of its container: what systemd is elsewhere.
#
# DRDRILL_NODE         this node's name
# DRDRILL_ANNOUNCE     its own fixed address
# DRDRILL_ETCD         host:port of every etcd member, separated by commas
# DRDRILL_SCOPE        the cluster's name (drdrill)
# DRDRILL_TTL, DRDRILL_LOOP_WAIT, DRDRILL_RETRY_TIMEOUT    seconds (30, 10, 10: Patroni's own)
# DRDRILL_MAXIMUM_LAG_ON_FAILOVER                          bytes (1048576: Patroni's own)
# DRDRILL_AGENT_RESTARTS                                   true | false (true): see `keep` below
# DRDRILL_SYNCHRONOUS_MODE, DRDRILL_SYNCHRONOUS_MODE_STRICT  true | false (false)
# DRDRILL_SETTINGS     `name = value` lines: PostgreSQL parameters; they win over those below
# DRDRILL_PASSWORD     password of postgres and replicator (drdrill); the network is trusted
#
# What stands under bootstrap.dcs reaches etcd once, when the cluster is first made; later changes
# go through Patroni's own interface.
set -eu

PGDATA=${PGDATA:-/var/lib/postgresql/data}
CONFIG=/drdrill/patroni.yml
NODE=${DRDRILL_NODE:?}
ADDRESS=${DRDRILL_ANNOUNCE:?}
PASSWORD=${DRDRILL_PASSWORD:-drdrill}

# `name = 'value'` lines become `name: "value"`; the last of a name wins, as in postgresql.conf.
parameters() {
    {
        echo "max_connections = 500"
        echo "shared_buffers = 64MB"
        echo "wal_log_hints = on"
        echo "max_wal_senders = 10"
        echo "max_replication_slots = 10"
        echo "max_slot_wal_keep_size = 1GB"
        echo "wal_keep_size = 1GB" # what a rewound node replays may lie before what its new primary needs
        # A new replica may find its slot not made yet; the default then waits 5 s.
        echo "wal_retrieve_retry_interval = 1s"
        printf '%s\n' "${DRDRILL_SETTINGS:-}"
    } | awk '
        /^[ \t]*(#|$)/ { next }
        {
            at = index($0, "=")
            name = substr($0, 1, at - 1)
            value = substr($0, at + 1)
            gsub(/[ \t]/, "", name)
            gsub(/^[ \t]+|[ \t]+$/, "", value)
            if (value ~ /^\047.*\047$/) value = substr(value, 2, length(value) - 2)
            gsub(/\\/, "\\\\", value)
            gsub(/"/, "\\\"", value)
            if (!(name in values)) names[++count] = name
            values[name] = value
        }
        END { for (i = 1; i <= count; i++) printf "        %s: \"%s\"\n", names[i], values[names[i]] }'
}

write_config() {
    cat <<END
scope: ${DRDRILL_SCOPE:-drdrill}
name: $NODE
restapi:
  listen: 0.0.0.0:8008
  connect_address: $ADDRESS:8008
etcd3:
  hosts: ${DRDRILL_ETCD:?}
bootstrap:
  dcs:
    ttl: ${DRDRILL_TTL:-30}
    loop_wait: ${DRDRILL_LOOP_WAIT:-10}
    retry_timeout: ${DRDRILL_RETRY_TIMEOUT:-10}
    maximum_lag_on_failover: ${DRDRILL_MAXIMUM_LAG_ON_FAILOVER:-1048576}
    synchronous_mode: ${DRDRILL_SYNCHRONOUS_MODE:-false}
    synchronous_mode_strict: ${DRDRILL_SYNCHRONOUS_MODE_STRICT:-false}
    postgresql:
      use_pg_rewind: true
      use_slots: true
      parameters:
$(parameters)
  initdb:
    - encoding: UTF8
    - locale: C
    - data-checksums
    - no-sync
postgresql:
  listen: 0.0.0.0:5432
  connect_address: $ADDRESS:5432
  data_dir: $PGDATA
  bin_dir: /usr/lib/postgresql/${PG_MAJOR:?}/bin
  pgpass: /tmp/pgpass
  use_unix_socket: true
  use_unix_socket_repl: true
  authentication:
    superuser: {username: postgres, password: "$PASSWORD"}
    replication: {username: replicator, password: "$PASSWORD"}
  parameters:
    unix_socket_directories: /var/run/postgresql
  pg_hba:
    - local all all trust
    - local replication all trust
    - host all all all trust
    - host replication all all trust
  basebackup:
    - checkpoint: fast
    - no-sync
END
}

# Patroni that meets an etcd without a leader sleeps for 5 s; at a first start, wait here instead.
wait_for_etcd() {
    command -v python3 >/dev/null 2>&1 || return 0
    python3 - "$DRDRILL_ETCD" <<'END' || true
import sys, time, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
deadline = time.monotonic() + 20
while time.monotonic() < deadline:
    for member in sys.argv[1].split(","):
        try:
            opener.open(f"http://{member.strip()}/health", timeout=1).read()
            sys.exit()
        except OSError:
            time.sleep(0.05)
END
}

mkdir -p "$PGDATA" /var/run/postgresql
chmod 700 "$PGDATA"
rm -f "$PGDATA/postmaster.pid" # nothing else can be alive in a container that just started
(umask 077 && write_config >$CONFIG)
[ -e "$PGDATA/PG_VERSION" ] || wait_for_etcd
[ "$(id -u)" != 0 ] || chown postgres: "$PGDATA" /var/run/postgresql $CONFIG

agent() {
    if [ "$(id -u)" = 0 ]; then
        if command -v gosu >/dev/null 2>&1; then exec gosu postgres patroni $CONFIG; fi
        if command -v su-exec >/dev/null 2>&1; then exec su-exec postgres patroni $CONFIG; fi
        exec setpriv --reuid=postgres --regid=postgres --init-groups patroni $CONFIG
    fi
    exec patroni $CONFIG
}

# The server of an agent that nobody starts again, told to stop in an orderly way.
stop_server() {
    read -r server <"$PGDATA/postmaster.pid" || exit 0
    kill -INT "$server" 2>/dev/null || exit 0
    while kill -0 "$server" 2>/dev/null; do sleep 0.1; done
    exit 0
}

# Waits for a child's end, however often a signal interrupts that; its status is left in `status`.
await() {
    while :; do
        status=0
        wait "$1" || status=$?
        kill -0 "$1" 2>/dev/null || break
    done
}

# As Patroni's systemd unit has it: whoever kills the agent leaves its server running (KillMode=process), and the agent is
# started again (Restart=on-failure, after 100 ms) or not (Restart=no). An agent that ends by itself ends the node.
keep() {
    stopping=
    trap 'stopping=1; kill -TERM "$agent" 2>/dev/null || true' TERM INT
    while :; do
        agent &
        agent=$!
        await "$agent"
        if [ -n "$stopping" ] || [ "$status" -lt 128 ]; then exit "$status"; fi
        [ "${DRDRILL_AGENT_RESTARTS:-true}" = true ] || break
        sleep 0.1
        [ -z "$stopping" ] || exit "$status" # told to stop meanwhile
    done
    trap stop_server TERM INT
    while :; do
        sleep 3600 &
        wait "$!" || true
    done
}

keep
