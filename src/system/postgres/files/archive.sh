# In the node that keeps the stack's backups, apart from its servers, whose archive_command pushes their log to it.

ARCHIVE=$STORE/log

start() {
    placed "$STORE"
    made "$ARCHIVE"
    become_postgres perl /drdrill/segments.pl keep "$ARCHIVE" "$DRDRILL_PORT"
}

arrived() { [ -e "$ARCHIVE/$1" ]; } # SEGMENT

closed() { segment_closed; }

replay() { replayed_by "cp \"$ARCHIVE/%f\" \"%p\"" "$1"; } # TIME

case ${1:-start} in
backup | fetch | replay)
    "$@"
    exit
    ;;
esac
