
# In the node that keeps the stack's backups, apart from its servers: the log as the primary writes it, by pg_receivewal.

RECEIVED=$STORE/log
SLOT=drdrill_backup

# Another primary has no slot of this node yet, and keeps the log for it only from when it is made.
start() {
    placed "$STORE"
    made "$RECEIVED"
    while :; do
        as_postgres pg_receivewal --no-loop --slot=$SLOT --create-slot --if-not-exists -d "$(primary replicator $SLOT)" &&
            as_postgres pg_receivewal --no-loop --synchronous --slot=$SLOT -D "$RECEIVED" -d "$(primary replicator $SLOT)" || true
        sleep 1
    done
}

replay() { # TIME
    # A segment that is being received has another name, which it may lose between two looks.
    replayed_by "cp \"$RECEIVED/%f\" \"%p\" 2>/dev/null || cp \"$RECEIVED/%f.partial\" \"%p\" 2>/dev/null || cp \"$RECEIVED/%f\" \"%p\"" "$1"
}

case ${1:-start} in
backup | fetch | replay)
    "$@"
    exit
    ;;
esac
