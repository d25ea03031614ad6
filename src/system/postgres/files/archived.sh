# Read by start.sh where pgBackRest keeps the log: nodes know each other by name and certificate, and the node that holds the
# repository reads a server's data through what runs beside it.
#
# DRDRILL_HOSTS  lines for /etc/hosts

known() {
    printf '%s\n' "$DRDRILL_HOSTS" >>/etc/hosts
    if [ "$(id -u)" = 0 ]; then chown postgres: /drdrill/mutual/node.key; fi
}

beside() {
    known
    as_postgres pgbackrest --config=/drdrill/pgbackrest.conf server >&2 &
}
