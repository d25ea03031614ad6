#!/bin/sh
# On a MariaDB server whose stack keeps backups. By exec: `send.sh send ADDRESS` copies the data directory while the server goes on, and
# streams the copy to the node that keeps it, which waits for it.
set -eu

# At its end it holds up every commit until it has read the log of InnoDB to where that is, for which it looks once a second if nothing is
# said: clients would stand still for that long.
LOOK_EVERY=100 # milliseconds

said=/tmp/drdrill.said
failed=/tmp/drdrill.failed

rm -f "$failed"
{
    mariadb-backup --no-defaults --backup --stream=mbstream --datadir=/var/lib/mysql --socket=/var/run/mysqld/mysqld.sock \
        --user=drdrill --skip-ssl --log-copy-interval=$LOOK_EVERY --target-dir=/tmp/drdrill.backup 2>"$said" || echo "$?" >"$failed"
} | socat -u - "TCP:$2:4444,retry=100,interval=0.1"
if [ -e "$failed" ] || ! tail -n 1 "$said" | grep -q 'completed OK!'; then
    tail -n 1 "$said" >&2
    exit 1
fi
