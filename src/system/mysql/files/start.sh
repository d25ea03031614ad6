#!/bin/sh
# Starts one MySQL or MariaDB node as process 1 of its container. The arguments are the server's.
#
# DRDRILL_FLAVOUR        mysql | mariadb
# DRDRILL_SERVER         the member's number, from 1
# DRDRILL_CLUSTER        begin | join: a node of a Galera cluster, which it begins or joins when its data
#                        directory is made; later it joins (mariadb)
#
# /drdrill/users.sql     statements that a new data directory begins with, one a line; they are in no log
# /drdrill/backup.sh     what the node that keeps backups does instead
# /drdrill/rebuild       a file that makes this start throw the old data away and begin anew
#
# A replica skips what carries its own server_id. Data that is made anew must also get what this node wrote in an
# earlier life, so each life has an id of its own: the member's number, and a hundred more for each life before.
set -eu

DATA=/var/lib/mysql
READY=$DATA/drdrill.ready # written last: without it the directory's content is half made
FLAVOUR=${DRDRILL_FLAVOUR:?}

# Programs that look at each file descriptor there may be, as lsof does in a state transfer, take for ever where
# an engine allows a thousand million of them.
ulimit -n 65536 2>/dev/null || true

say() { echo "drdrill: $*" >&2; }

if [ "$(id -u)" = 0 ]; then AS="--user=mysql"; else AS=""; fi

empty_data() { find "$DATA" -mindepth 1 -delete; }

# Nothing of a half made directory is used, so it need not be forced to disk.
init_mysql() {
    # shellcheck disable=SC2086
    mysqld --no-defaults $AS --datadir="$DATA" --initialize-insecure --innodb-flush-method=nosync \
        --innodb-numa-interleave=OFF --mysqlx=OFF --init-file=/drdrill/users.sql
}

init_mariadb() {
    # shellcheck disable=SC2086
    mariadb-install-db --no-defaults $AS --datadir="$DATA" --auth-root-authentication-method=normal \
        --skip-test-db --skip-name-resolve --extra-file=/drdrill/users.sql --innodb-flush-method=nosync >/dev/null
}

# Where a node of a cluster was when it ended, from its own data: then only what is missing is sent.
recovered() {
    # shellcheck disable=SC2086
    mariadbd --no-defaults $AS --datadir="$DATA" --wsrep-recover --log-error=/tmp/recover.log "$@" >/dev/null 2>&1 || true
    sed -n 's/.*Recovered position: *\([0-9a-f-]*:-\{0,1\}[0-9]*\).*/\1/p' /tmp/recover.log | tail -n 1
}

# The node that keeps backups does something else: this comes to no end then.
# shellcheck source=backup.sh
if [ -e /drdrill/backup.sh ]; then . /drdrill/backup.sh; fi

mkdir -p "$DATA" /var/run/mysqld
if [ "$(id -u)" = 0 ]; then chown mysql: "$DATA" /var/run/mysqld; fi
LIFE=$(cat "$READY" 2>/dev/null || echo 0)
if [ -e /drdrill/rebuild ]; then
    say "throwing the old data away"
    LIFE=$((LIFE + 1))
    rm -f "$READY" /drdrill/rebuild
fi
NEW=""
if [ ! -e "$READY" ]; then
    empty_data
    "init_$FLAVOUR"
    echo "$LIFE" >"$READY"
    NEW=1
    say "made a data directory"
fi
set -- --server-id=$((${DRDRILL_SERVER:?} + 100 * LIFE)) --datadir="$DATA" --socket=/var/run/mysqld/mysqld.sock --pid-file=/var/run/mysqld/mysqld.pid "$@"
if [ -n "${DRDRILL_CLUSTER:-}" ]; then
    if [ -n "$NEW" ]; then
        if [ "$DRDRILL_CLUSTER" = begin ]; then set -- "$@" --wsrep-new-cluster; fi
    else
        position=$(recovered "$@")
        say "recovered position ${position:-unknown}"
        if [ -n "$position" ]; then set -- "$@" --wsrep-start-position="$position"; fi
    fi
fi
case $FLAVOUR in
# shellcheck disable=SC2086
mysql) exec mysqld --no-defaults $AS "$@" ;;
# shellcheck disable=SC2086
mariadb) exec mariadbd --no-defaults $AS "$@" ;;
*) say "DRDRILL_FLAVOUR must be mysql or mariadb, not '$FLAVOUR'"; exit 64 ;;
esac
