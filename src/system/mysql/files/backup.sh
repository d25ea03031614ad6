# What is the same for MySQL and MariaDB in the node that keeps the stack's backups, apart from its servers: it receives the binary log
# as the source writes it. What is restored becomes a server of this node, beside the running service.
#
# By exec: `start.sh watch` says, each time that it reads a line, up to where the log is kept. The other words are the tool's, whose
# script stands before this; they print last what was done.
#
# DRDRILL_SERVERS        addresses of the servers, separated by blanks: whoever of them takes writes is backed up
# /drdrill/arguments     arguments of the server that is restored

STORE=/var/lib/mysql/backup
RECEIVED=$STORE/log # a folder for each time that a log began to be received: NUMBER.SERVER, as its server names itself
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

# Who takes writes: the one of before, as long as it does.
source_of_log() {
    for host in ${FROM:-} $DRDRILL_SERVERS; do
        if [ "$(ask "$host" "select $SHUT")" = 0 ]; then
            echo "$host"
            return
        fi
    done
}

# Whose log was received, in the order in which they were source first; with -r the last source comes first.
servers() { # [-r]
    ls "$@" "$RECEIVED" | cut -d . -f 2 | awk '!seen[$0]++'
}

# Each file that was received from a server, as it was received last: in order.
files() { # SERVER
    for path in "$RECEIVED"/*."$1"/*; do
        if [ -f "$path" ]; then echo "${path##*/} $path"; fi
    done | awk '{ path[$1] = $2 } END { for (name in path) print path[name] }' | sort
}

# From the file on that was received last, which may not have been whole; of another server from its first.
receive() { # HOST
    server=$(ask "$1" "select $SELF") || return 0
    first=$(files "$server" | tail -n 1)
    if [ -z "$first" ]; then first=$(ask "$1" 'show binary logs' | head -n 1 | cut -f 1); fi
    if [ -z "$first" ]; then return 0; fi
    find "$RECEIVED" -mindepth 1 -type d -empty -delete
    # Behind all that was received before, also by an earlier life of this node.
    turn=$(($(ls "$RECEIVED" | sed -n '$s/^0*\([0-9]*\)\..*/\1/p') + 1))
    folder=$RECEIVED/$(printf '%06d' "$turn").$server
    mkdir "$folder"
    read_log "$1" $((9000 + turn)) --read-from-remote-server --raw --stop-never --result-file="$folder/" "${first##*/}" &
    RECEIVER=$!
    FROM=$1
}

# One that has ended is there until it is waited for.
alive() { # PID
    [ -n "$1" ] && read -r _ _ state _ <"/proc/$1/stat" && [ "$state" != Z ]
} 2>/dev/null

start() {
    mkdir -p "$RECEIVED" "$STORE/base"
    FROM="" RECEIVER=""
    while :; do
        host=$(source_of_log)
        if [ -n "$host" ] && { [ "$host" != "$FROM" ] || ! alive "$RECEIVER"; }; then
            if [ -n "$RECEIVER" ]; then
                kill -9 "$RECEIVER" 2>/dev/null || true
                wait "$RECEIVER" || true
            fi
            RECEIVER=""
            receive "$host"
        fi
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            sleep 0.2
            alive "$RECEIVER" || break
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

# Where a backup is made. It is named by when it was complete, microseconds since 1970 by the clock of the server, and only then:
# no other is taken.
MADE=$STORE/base/.made

made_anew() {
    rm -rf "$MADE"
    mkdir -p "$MADE"
}

whole() { # HOST FILE: its name is $name then
    ask "$1" "select $SELF" >"$MADE/server" || fail "its server does not say who it is"
    (cd "$MADE" && sha256sum "$2" server >sha256)
    name=$(ask "$1" "select lpad(cast(unix_timestamp(sysdate(6)) * 1000000 as unsigned), 18, '0')") || true
    if [ -z "$name" ] || [ -e "$STORE/base/$name" ]; then fail "the backup could not be given a name"; fi
    mv "$MADE" "$STORE/base/$name"
}

restored_stops() {
    [ -e "$PID" ] || return 0
    pid=$(cat "$PID")
    kill -9 "$pid" 2>/dev/null || true
    for _ in $(seq 500); do
        if ! alive "$pid"; then
            rm -f "$PID"
            return 0
        fi
        sleep 0.02
    done
    return 1
}

# The newest that was complete by then, and whole: $name, in the folder $BASE.
choose() { # MICROSECONDS since 1970, 18 digits
    restored_stops || fail "the server that was restored before does not stop"
    name=""
    for one in $(ls "$STORE/base"); do
        # Of the same length, so that the order of the names is that of the times.
        if [ "$(printf '%s\n%s\n' "$one" "$1" | LC_ALL=C sort | head -n 1)" = "$one" ]; then name=$one; fi
    done
    [ -n "$name" ] || fail "no backup was complete before the point"
    BASE=$STORE/base/$name
    (cd "$BASE" && sha256sum -c --quiet sha256 >"$ERRORS" 2>&1) || fail "$(head -n 1 "$ERRORS")"
    server=$(cat "$BASE/server")
    [ -n "$(files "$server")" ] || fail "the backup is of server $server, whose log was not received"
    mkdir -p "$DATA"
    empty_data
    if [ "$(id -u)" = 0 ]; then chown mysql: "$DATA"; fi
}

if [ $# = 0 ]; then start; fi
"$@"
exit
