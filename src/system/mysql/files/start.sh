#!/bin/sh
# Starts one MySQL or MariaDB node as process 1 of its container. The arguments are the server's.
#
# DRDRILL_FLAVOUR        mysql | mariadb
# DRDRILL_BOOTSTRAP      1: this node begins a Galera cluster when its data directory is made (mariadb)
# DRDRILL_CLUSTER        the history's UUID, for nodes of a Galera cluster (mariadb)
#
# /drdrill/users.sql     statements that a new data directory begins with, one a line; they are in no log
# /drdrill/rebuild       a file that makes this start throw the old data away and begin anew
set -eu

DATA=/var/lib/mysql
READY=$DATA/drdrill.ready # written last: without it the directory's content is half made
FLAVOUR=${DRDRILL_FLAVOUR:?}

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

# All nodes of a new cluster hold the same, so they begin at the same place of one history and nothing
# is copied.
begin_cluster() {
    printf '# GALERA saved state\nversion: 2.1\nuuid:    %s\nseqno:   0\nsafe_to_bootstrap: 1\n' \
        "$DRDRILL_CLUSTER" >"$DATA/grastate.dat"
    if [ "$(id -u)" = 0 ]; then chown mysql: "$DATA/grastate.dat"; fi
}

# Where a node of a cluster was when it ended, from its own data: then only what is missing is sent.
recovered() {
    # shellcheck disable=SC2086
    mariadbd --no-defaults $AS --datadir="$DATA" --wsrep-recover --log-error=/tmp/recover.log "$@" >/dev/null 2>&1 || true
    sed -n 's/.*Recovered position: *\([0-9a-f-]*:-\{0,1\}[0-9]*\).*/\1/p' /tmp/recover.log | tail -n 1
}

mkdir -p "$DATA" /var/run/mysqld
if [ "$(id -u)" = 0 ]; then chown mysql: "$DATA" /var/run/mysqld; fi
if [ -e /drdrill/rebuild ]; then
    say "throwing the old data away"
    rm -f "$READY" /drdrill/rebuild
fi
NEW=""
if [ ! -e "$READY" ]; then
    empty_data
    "init_$FLAVOUR"
    if [ -n "${DRDRILL_CLUSTER:-}" ]; then begin_cluster; fi
    touch "$READY"
    NEW=1
    say "made a data directory"
fi
set -- --datadir="$DATA" --socket=/var/run/mysqld/mysqld.sock --pid-file=/var/run/mysqld/mysqld.pid "$@"
if [ -n "${DRDRILL_CLUSTER:-}" ]; then
    if [ -n "$NEW" ]; then
        if [ "${DRDRILL_BOOTSTRAP:-}" = 1 ]; then set -- "$@" --wsrep-new-cluster; fi
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
