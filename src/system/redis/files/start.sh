#!/bin/sh
# Starts one Redis or Valkey node, or a sentinel, as process 1 of its container.
#
# DRDRILL_ROLE          primary | replica | sentinel | cluster (a node of a cluster, which is told who follows whom)
# DRDRILL_ANNOUNCE      this node's own fixed address
# DRDRILL_PRIMARY_HOST  the first primary's address (replica, sentinel)
# DRDRILL_LEADER        where replicas reach it, as HOST PORT, if not there (replica)
# DRDRILL_ARGS          more server arguments, split at blanks; they win over the settings below
# Sentinels only: DRDRILL_MASTER_NAME (drdrill), DRDRILL_QUORUM (2), DRDRILL_DOWN_AFTER_MS (1000),
#                 DRDRILL_FAILOVER_TIMEOUT_MS (10000), DRDRILL_PARALLEL_SYNCS (1), and
#                 DRDRILL_REPLICAS, the replicas' addresses: a sentinel asks its primary for them
#                 only every 10 s, and one that does not know them cannot fail over;
#                 DRDRILL_SENTINEL_ID, its own id (40 hexadecimal digits)
#
# The configuration is written when there is none yet. From then on it belongs to the server, which
# rewrites it when a sentinel promotes or repoints it: a restarted container keeps what it was told.
# In the node that keeps backups it does what /drdrill/backup.sh says instead, which is not elsewhere.
# A file /drdrill/rejoin with a primary's HOST PORT, put there before a start, makes this start begin
# as that primary's replica, so that an old primary never serves as a second one.
set -eu

DATA=/data
PORT=6379

fail() { echo "drdrill: $*" >&2; exit 64; }

if command -v valkey-server >/dev/null 2>&1; then
    SERVER=valkey-server ACCOUNT=valkey
elif command -v redis-server >/dev/null 2>&1; then
    SERVER=redis-server ACCOUNT=redis
else
    fail "neither redis-server nor valkey-server is in PATH"
fi

# Runs the server in this process's place, as the image's own account.
step_down() {
    [ "$(id -u)" = 0 ] || exec "$@"
    chown -R "$ACCOUNT" "${OWNED:-$DATA}"
    if command -v gosu >/dev/null 2>&1; then exec gosu "$ACCOUNT" "$@"; fi
    if command -v su-exec >/dev/null 2>&1; then exec su-exec "$ACCOUNT" "$@"; fi
    exec setpriv --reuid="$ACCOUNT" --regid="$ACCOUNT" --clear-groups "$@"
}

start_server() {
    conf=$DATA/drdrill.conf
    if [ ! -s "$conf" ]; then
        {
            echo "bind * -::*"
            echo "port $PORT"
            echo "protected-mode no"
            echo "dir $DATA"
            echo "save \"\""
            echo "appendonly no"
            # The default gathers replicas for 5 s before a full copy; a drill would only wait for it.
            echo "repl-diskless-sync-delay 0"
            echo "replica-announce-ip ${DRDRILL_ANNOUNCE:?}"
            if [ "$DRDRILL_ROLE" = cluster ]; then
                echo "cluster-enabled yes"
                echo "cluster-config-file nodes.conf"
                echo "cluster-announce-ip $DRDRILL_ANNOUNCE"
            fi
            if [ "$DRDRILL_ROLE" = replica ]; then
                echo "replicaof ${DRDRILL_LEADER:-${DRDRILL_PRIMARY_HOST:?} $PORT}"
            fi
        } >"$conf.new"
        mv "$conf.new" "$conf"
    fi
    if [ -s /drdrill/rejoin ]; then
        {
            grep -v '^replicaof ' "$conf" || true
            echo "replicaof $(cat /drdrill/rejoin)"
        } >"$conf.new"
        mv "$conf.new" "$conf"
        rm -f /drdrill/rejoin
    fi
    # shellcheck disable=SC2086
    step_down "$SERVER" "$conf" ${DRDRILL_ARGS:-}
}

start_sentinel() {
    conf=$DATA/sentinel.conf
    if [ ! -s "$conf" ]; then
        host=${DRDRILL_PRIMARY_HOST:?} name=${DRDRILL_MASTER_NAME:-drdrill}
        {
            echo "bind * -::*"
            echo "port 26379"
            echo "protected-mode no"
            echo "dir $DATA"
            case $host in
            *:*) ;;
            *[!0-9.]*)
                echo "sentinel resolve-hostnames yes"
                echo "sentinel announce-hostnames yes"
                ;;
            esac
            echo "sentinel announce-ip ${DRDRILL_ANNOUNCE:?}"
            echo "sentinel monitor $name $host $PORT ${DRDRILL_QUORUM:-2}"
            echo "sentinel down-after-milliseconds $name ${DRDRILL_DOWN_AFTER_MS:-1000}"
            echo "sentinel failover-timeout $name ${DRDRILL_FAILOVER_TIMEOUT_MS:-10000}"
            echo "sentinel parallel-syncs $name ${DRDRILL_PARALLEL_SYNCS:-1}"
            if [ -n "${DRDRILL_SENTINEL_ID:-}" ]; then echo "sentinel myid $DRDRILL_SENTINEL_ID"; fi
            for replica in ${DRDRILL_REPLICAS:-}; do
                echo "sentinel known-replica $name $replica $PORT"
            done
        } >"$conf.new"
        mv "$conf.new" "$conf"
    fi
    # shellcheck disable=SC2086
    step_down "$SERVER" "$conf" --sentinel ${DRDRILL_ARGS:-}
}

mkdir -p "$DATA"
cd "$DATA"
# shellcheck source=/dev/null
if [ -e /drdrill/backup.sh ]; then . /drdrill/backup.sh; fi
case ${DRDRILL_ROLE:-} in
primary | replica | cluster) start_server ;;
sentinel) start_sentinel ;;
*) fail "DRDRILL_ROLE must be primary, replica, sentinel or cluster, not '${DRDRILL_ROLE:-}'" ;;
esac
