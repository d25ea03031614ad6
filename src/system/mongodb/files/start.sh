#!/bin/sh
# Starts one mongod, or one router (mongos), as process 1 of its container.
#
# DRDRILL_SET      a member: the replica set's name
# DRDRILL_ARGS     a member: more arguments, split at blanks
# DRDRILL_CONFIG   a router: the config servers, as `set/host:port,host:port`
#
# A delayed member is started again to be restored: /drdrill/mode then holds `alone` (a server of no set), or `replay` (one that
# replays its oplog to its end, takes no writes, and leaves all of it on disk when it ends).
#
# The set is initiated over the network; a member that is started again finds its configuration in its data.
set -eu

DATA=/data/db

# Runs the server in this process's place, as the image's own account.
step_down() {
    [ "$(id -u)" = 0 ] || exec "$@"
    chown -R mongodb "$DATA"
    if command -v gosu >/dev/null 2>&1; then exec gosu mongodb "$@"; fi
    exec setpriv --reuid=mongodb --regid=mongodb --clear-groups "$@"
}

mkdir -p "$DATA"
cd "$DATA"
if [ -n "${DRDRILL_CONFIG:-}" ]; then
    step_down mongos --configdb "$DRDRILL_CONFIG" --bind_ip_all --port 27017 --nounixsocket --quiet
fi
case $(cat /drdrill/mode 2>/dev/null || true) in
alone) set -- ;;
replay) set -- --setParameter recoverFromOplogAsStandalone=true --setParameter takeUnstableCheckpointOnShutdown=true ;;
*) set -- --replSet "${DRDRILL_SET:?}" ;;
esac
# shellcheck disable=SC2086
step_down mongod "$@" --bind_ip_all --port 27017 --dbpath "$DATA" --nounixsocket --quiet ${DRDRILL_ARGS:-}
