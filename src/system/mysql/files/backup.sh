# Read by start.sh in the node that keeps the stack's backups, apart from its servers: dumps by mysqldump, and the binary log as the
# source writes it by mysqlbinlog. What is restored becomes a server of this node, beside the running service.
#
# By exec: `start.sh backup` makes a dump, `start.sh fetch MICROSECONDS` loads the newest that was complete by then, `start.sh replay
# MICROSECONDS` applies the log up to that moment, and `start.sh watch` says, each time that it reads a line, up to where the log is
# kept. The others print last what was done.
#
# DRDRILL_SERVERS        addresses of the servers, separated by blanks: whoever of them takes writes is backed up
# /drdrill/arguments     arguments of the server that is restored

STORE=/var/lib/mysql/backup
RECEIVED=$STORE/log # a folder for each time that a log began to be received: NUMBER.UUID of the server
DATA=/var/lib/mysql/restored
SOCKET=/var/run/mysqld/mysqld.sock
PID=/var/run/mysqld/restored.pid
LOG=/var/run/mysqld/restored.log

ERRORS=/tmp/drdrill.err # what a tool said when it failed

fail() {
    say "$*"
    exit 1
}

# Why a tool failed: its error, or else the last that it said; a server says more after its error.
why() {
    said=$(grep -E 'ERROR|rror: ' "$ERRORS" | head -n 1)
    if [ -z "$said" ]; then said=$(tail -n 1 "$ERRORS"); fi
    echo "${said#*\[Server\] }"
}

size() { printf '%s KiB' "$(du -sk "$1" | cut -f 1)"; }

ask() { # HOST STATEMENT
    mysql --no-defaults -h "$1" -u drdrill --ssl-mode=DISABLED --connect-timeout=2 -NB -e "$2" 2>/dev/null
}

here() { mysql --no-defaults -S "$SOCKET" -u drdrill -NB "$@"; }

# Who takes writes: the one of before, as long as it does.
source_of_log() {
    for host in ${FROM:-} $DRDRILL_SERVERS; do
        if [ "$(ask "$host" 'select @@super_read_only')" = 0 ]; then
            echo "$host"
            return
        fi
    done
}

# Each file that was received from a server, as it was received last: in order.
files() { # UUID
    for path in "$RECEIVED"/*."$1"/*; do
        if [ -f "$path" ]; then echo "${path##*/} $path"; fi
    done | awk '{ path[$1] = $2 } END { for (name in path) print path[name] }' | sort
}

# From the file on that was received last, which may not have been whole; of another server from its first.
receive() { # HOST
    uuid=$(ask "$1" 'select @@server_uuid') || return 0
    first=$(files "$uuid" | tail -n 1)
    if [ -z "$first" ]; then first=$(ask "$1" 'show binary logs' | head -n 1 | cut -f 1); fi
    if [ -z "$first" ]; then return 0; fi
    find "$RECEIVED" -mindepth 1 -type d -empty -delete
    # Behind all that was received before, also by an earlier life of this node.
    turn=$(($(ls "$RECEIVED" | sed -n '$s/^0*\([0-9]*\)\..*/\1/p') + 1))
    folder=$RECEIVED/$(printf '%06d' "$turn").$uuid
    mkdir "$folder"
    mysqlbinlog --no-defaults --read-from-remote-server --raw --stop-never --connection-server-id=$((9000 + turn)) \
        -h "$1" -u drdrill --ssl-mode=DISABLED --result-file="$folder/" "${first##*/}" &
    RECEIVER=$!
    FROM=$1
}

# One that has ended is there until it is waited for.
receives() {
    [ -n "$RECEIVER" ] && read -r _ _ state _ <"/proc/$RECEIVER/stat" && [ "$state" != Z ]
} 2>/dev/null

start() {
    mkdir -p "$RECEIVED" "$STORE/base"
    FROM="" RECEIVER=""
    while :; do
        host=$(source_of_log)
        if [ -n "$host" ] && { [ "$host" != "$FROM" ] || ! receives; }; then
            if [ -n "$RECEIVER" ]; then
                kill -9 "$RECEIVER" 2>/dev/null || true
                wait "$RECEIVER" || true
            fi
            RECEIVER=""
            receive "$host"
        fi
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            sleep 0.2
            receives || break
        done
    done
}

watch() {
    while read -r _; do
        folder="" file="" bytes=0
        for path in "$RECEIVED"/*/*; do
            if [ -f "$path" ]; then file=$path; fi
        done
        if [ -n "$file" ]; then
            folder=${file%/*}
            bytes=$(stat -c %s "$file")
        fi
        echo "${folder##*.} ${file##*/} $bytes"
    done
}

backup() {
    host=$(source_of_log)
    [ -n "$host" ] || fail "no server takes writes"
    made=$STORE/base/.made
    rm -rf "$made"
    mkdir -p "$made"
    mysqldump --no-defaults -h "$host" -u drdrill --ssl-mode=DISABLED --single-transaction --all-databases --routines --events \
        --triggers --source-data=2 --set-gtid-purged=ON --result-file="$made/dump.sql" 2>"$ERRORS" || fail "$(why)"
    tail -n 1 "$made/dump.sql" | grep -q '^-- Dump completed' || fail "the dump has no end"
    ask "$host" 'select @@server_uuid' >"$made/server" || fail "its server does not say who it is"
    (cd "$made" && sha256sum dump.sql server >sha256)
    # Named by when it was complete, microseconds since 1970 by the clock of the server, and only then: fetch takes no other.
    name=$(ask "$host" "select lpad(cast(unix_timestamp(sysdate(6)) * 1000000 as unsigned), 18, '0')") || true
    if [ -z "$name" ] || [ -e "$STORE/base/$name" ]; then fail "the backup could not be given a name"; fi
    mv "$made" "$STORE/base/$name"
    echo "dump $name, $(size "$STORE/base/$name")"
}

restored_stops() {
    [ -e "$PID" ] || return 0
    pid=$(cat "$PID")
    kill -9 "$pid" 2>/dev/null || true
    for _ in $(seq 500); do
        if ! read -r _ _ state _ <"/proc/$pid/stat" 2>/dev/null || [ "$state" = Z ]; then
            rm -f "$PID"
            return 0
        fi
        sleep 0.02
    done
    return 1
}

fetch() { # MICROSECONDS since 1970, 18 digits: the newest that was complete by then
    restored_stops || fail "the server that was restored before does not stop"
    name=""
    for one in $(ls "$STORE/base"); do
        # Of the same length, so that the order of the names is that of the times.
        if [ "$(printf '%s\n%s\n' "$one" "$1" | LC_ALL=C sort | head -n 1)" = "$one" ]; then name=$one; fi
    done
    [ -n "$name" ] || fail "no backup was complete before the point"
    (cd "$STORE/base/$name" && sha256sum -c --quiet sha256 >"$ERRORS" 2>&1) || fail "$(head -n 1 "$ERRORS")"
    server=$(cat "$STORE/base/$name/server")
    [ -n "$(files "$server")" ] || fail "the dump is of server $server, whose log was not received"
    mkdir -p "$DATA"
    if [ "$(id -u)" = 0 ]; then chown mysql: "$DATA"; fi
    empty_data
    init_mysql >"$ERRORS" 2>&1 || fail "$(why)"
    # shellcheck disable=SC2046,SC2086
    mysqld --no-defaults $AS $(cat /drdrill/arguments) --datadir="$DATA" --socket="$SOCKET" --pid-file="$PID" --server-id=9000 \
        --super-read-only=OFF --read-only=OFF --log-error="$LOG" --daemonize >"$ERRORS" 2>&1 || fail "$(why)"
    here <"$STORE/base/$name/dump.sql" >/dev/null 2>"$ERRORS" || fail "$(why)"
    echo "dump $name, $(size "$STORE/base/$name"), its checksum verified"
}

# What a server had done before a file of its log began.
done_before() { # FILE
    mysqlbinlog --no-defaults "$1" 2>/dev/null | awk '
        /\tPrevious-GTIDs/ { on = 1; next }
        on && !/^# / || /^# at / && on { exit }
        on && !/\[empty\]/ { sub(/^# /, ""); printf "%s", $0 }'
}

# What of it the restored server lacks.
lacks() { # GTIDS
    here -e "select gtid_subtract('$1', @@global.gtid_executed)"
}

# Applies files of a log up to the last transaction that was committed by a moment. What was applied before is skipped by its GTID.
apply() { # MICROSECONDS, and what mysqlbinlog is to read
    to=$1
    shift
    rm -f /tmp/drdrill.read /tmp/drdrill.end
    {
        mysqlbinlog --no-defaults --verify-binlog-checksum "$@" 2>/tmp/drdrill.said || echo "$?" >/tmp/drdrill.read
    } | awk -v to="$to" '
        /^# original_commit_timestamp=/ {
            split($2, told, "=")
            if (told[2] > to) { later = told[2]; exit }
            last = told[2]
        }
        { print }
        END {
            print "SET @@SESSION.GTID_NEXT= \047AUTOMATIC\047/*!*/;"
            print "DELIMITER ;"
            printf "%.0f %.0f\n", last, later > "/tmp/drdrill.end"
        }' | here --binary-mode 2>"$ERRORS" || fail "$(why)"
    read -r last later </tmp/drdrill.end
    # Whoever found the point read no further.
    if [ "$later" = 0 ] && [ -s /tmp/drdrill.read ]; then fail "$(grep ERROR /tmp/drdrill.said | head -n 1)"; fi
}

clock() { date -u -d "@${1%??????}.${1#"${1%??????}"}" '+%H:%M:%S.%6N UTC'; }

replay() { # MICROSECONDS since 1970
    uuid=$(ls "$RECEIVED" | tail -n 1)
    uuid=${uuid#*.}
    [ -n "$uuid" ] || fail "no log was received"
    # The history of whoever was source last; what was before its own log begins comes from those before it.
    list=$(files "$uuid")
    [ -n "$list" ] || fail "no file of the log of $uuid was received"
    before=$(done_before "$(echo "$list" | head -n 1)")
    for one in $(ls "$RECEIVED" | cut -d . -f 2 | awk '!seen[$0]++'); do
        if [ -n "$(lacks "$before")" ] && [ "$one" != "$uuid" ]; then
            # shellcheck disable=SC2046
            apply "$1" --include-gtids="$before" $(files "$one")
        fi
    done
    # shellcheck disable=SC2086
    apply "$1" $list
    said="log of $uuid applied"
    if [ "$last" != 0 ]; then said="$said up to a transaction of $(clock "$last")"; fi
    if [ "$later" != 0 ]; then said="$said, the next is of $(clock "$later")"; else said="$said, where it ends"; fi
    echo "$said"
}

case ${1:-start} in
backup | fetch | replay | watch)
    "$@"
    exit
    ;;
esac
start
