#!/bin/sh
# Starts one mongod as process 1 of its container.
#
# DRDRILL_SET   the replica set's name
# DRDRILL_ARGS  more arguments, split at blanks
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
# shellcheck disable=SC2086
step_down mongod --replSet "${DRDRILL_SET:?}" --bind_ip_all --port 27017 --dbpath "$DATA" --nounixsocket --quiet ${DRDRILL_ARGS:-}
