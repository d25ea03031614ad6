# Read by start.sh in the node that keeps the stack's backups, apart from its servers: snapshots of the primary by `redis-cli --rdb`, or
# the append-only file of a server that follows the primary and that nobody promotes. What is restored becomes a server of this node,
# beside the running service.
#
# By exec: `start.sh backup` makes a backup, `start.sh fetch MICROSECONDS` lays out the newest that was complete by then, `start.sh replay
# MICROSECONDS` starts a server on it, with the log up to that moment, and `start.sh reach` finds who takes writes. Each prints last what
# was done.
#
# DRDRILL_BACKUP   rdb | aof
# DRDRILL_SERVERS  addresses of the servers, separated by blanks
# DRDRILL_FOLLOWS  port of the server that follows

STORE=$DATA/backup
BASE=$STORE/base # a folder for each snapshot, or an empty file for each base of the log that was asked for
LOG=$STORE/log   # the files of the log under a second name, and of each base the list of what belongs to it
FOLLOWER=$DATA/follower
FILES=$FOLLOWER/appendonlydir
MANIFEST=appendonly.aof.manifest
RESTORED=$DATA/restored
PID=/tmp/restored.pid

CLI=${SERVER%-server}-cli
CHECK=${SERVER%-server}-check

ERRORS=/tmp/drdrill.err # what a tool said

size() { printf '%s KiB' "$(du -sk "$1" | cut -f 1)"; }

clock() { date -u -d "@$1" '+%H:%M:%S UTC'; }

# What a server said last that was a warning, or else what it said last.
why() {
    said=$(grep ' # ' "$1" | tail -n 1)
    if [ -z "$said" ]; then said=$(tail -n 1 "$1"); fi
    echo "${said#* # }"
}

ask() { # HOST COMMAND...
    host=$1
    shift
    timeout 2 "$CLI" -h "$host" -p "$PORT" "$@" 2>/dev/null | tr -d '\r'
}

here() { timeout 5 "$CLI" -p "$DRDRILL_FOLLOWS" "$@" 2>/dev/null | tr -d '\r'; }

told() { # SECTION NAME: what the server that follows says of itself
    here info "$1" | sed -n "s/^$2://p"
}

alive() { # PROCESS
    read -r _ _ state _ <"/proc/$1/stat" && [ "$state" != Z ]
} 2>/dev/null

# The first of these that takes writes.
primary() { # HOST...
    for host in "$@"; do
        if [ "$(ask "$host" role | head -n 1)" = master ]; then
            echo "$host"
            return
        fi
    done
    return 1
}

settings() { # PORT FOLDER
    echo "bind * -::*"
    echo "port $1"
    echo "protected-mode no"
    echo "dir $2"
    echo "save \"\""
}

# Each write is on disk before this server says how far it has come. No rewrite begins by itself: it would end what can be gone back to.
following() { # HOST
    settings "$DRDRILL_FOLLOWS" "$FOLLOWER"
    echo "appendonly yes"
    echo "appendfsync always"
    echo "aof-timestamp-enabled yes"
    echo "auto-aof-rewrite-percentage 0"
    echo "replica-announce-ip ${DRDRILL_ANNOUNCE:?}"
    echo "replica-announced no"
    echo "replica-priority 0"
    echo "replicaof $1 $PORT"
}

# A server removes the files of one base once it has the next. They stay under a second name.
keep() {
    list=$LOG/.list.$$
    cp "$FILES/$MANIFEST" "$list" 2>/dev/null || return 0
    for path in "$FILES"/*.rdb "$FILES"/*.aof; do
        if [ -f "$path" ]; then ln "$path" "$LOG/" 2>/dev/null || true; fi
    done
    mv "$list" "$LOG/$(base_of "$list").list"
}

base_of() { sed -n 's/^file \(.*\) seq .* type b.*/\1/p' "$1"; } # MANIFEST

# Who is followed is left as long as it takes writes. Sentinel leads this server over by itself; without it nobody does.
follow() {
    leader=$(told replication master_host)
    # shellcheck disable=SC2086
    host=$(primary $leader $DRDRILL_SERVERS) || return 0
    if [ "$host" != "$leader" ]; then here replicaof "$host" "$PORT" >/dev/null || true; fi
}

start() {
    mkdir -p "$BASE" "$LOG" "$FOLLOWER"
    if [ "${DRDRILL_BACKUP:?}" = rdb ]; then
        while :; do sleep 3600; done
    fi
    conf=$FOLLOWER/drdrill.conf
    if [ ! -s "$conf" ]; then
        # shellcheck disable=SC2086
        until host=$(primary $DRDRILL_SERVERS); do sleep 0.2; done
        following "$host" >"$conf.new"
        mv "$conf.new" "$conf"
    fi
    OWNED=$FOLLOWER
    (step_down "$SERVER" "$conf") &
    server=$!
    while :; do
        keep
        follow
        sleep 0.2
    done &
    wait "$server"
}

reach() {
    # shellcheck disable=SC2086
    primary $DRDRILL_SERVERS || fail "no server takes writes"
}

backup() { "backup_$DRDRILL_BACKUP"; }

backup_rdb() {
    # shellcheck disable=SC2086
    host=$(primary $DRDRILL_SERVERS) || fail "no server takes writes"
    made=$BASE/.made
    rm -rf "$made"
    mkdir -p "$made"
    "$CLI" -h "$host" -p "$PORT" --rdb "$made/dump.rdb" >"$ERRORS" 2>&1 || fail "$(tail -n 1 "$ERRORS")"
    "$CHECK-rdb" "$made/dump.rdb" >"$ERRORS" 2>&1 || fail "$(grep '^\[offset' "$ERRORS" | tail -n 1)"
    (cd "$made" && sha256sum dump.rdb >sha256)
    # Named by when it was complete, microseconds since 1970 by the clock of the server, and only then: fetch takes no other.
    name=$(ask "$host" time | awk 'NR == 1 { s = $1 } NR == 2 { printf "%012d%06d", s, $1 }')
    if [ -z "$name" ] || [ -e "$BASE/$name" ]; then fail "the backup could not be given a name"; fi
    mv "$made" "$BASE/$name"
    echo "snapshot $name, $(size "$BASE/$name")"
}

# A new base, from which the log goes on: the one before and its log stay.
backup_aof() {
    [ "$(told replication master_link_status)" = up ] || fail "the server that follows has no link to a primary"
    rewritten
    before=$(base_of "$FILES/$MANIFEST")
    here bgrewriteaof >/dev/null
    rewritten
    name=$(base_of "$FILES/$MANIFEST")
    if [ "$name" = "$before" ]; then fail "the server that follows made no new base"; fi
    keep
    touch "$BASE/$name"
    echo "base $name of the log, $(size "$LOG/$name")"
}

rewritten() {
    until [ "$(told persistence aof_rewrite_in_progress)$(told persistence aof_rewrite_scheduled)" = 00 ]; do
        [ "$(here ping)" = PONG ] || fail "the server that follows does not answer"
        sleep 0.1
    done
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

fetch() { # MICROSECONDS since 1970, 18 digits
    restored_stops || fail "the server that was restored before does not stop"
    rm -rf "$RESTORED"
    mkdir -p "$RESTORED"
    "fetch_$DRDRILL_BACKUP" "$1"
}

fetch_rdb() {
    name=""
    for one in $(ls "$BASE"); do
        # Of the same length, so that the order of the names is that of the times.
        if [ "$(printf '%s\n%s\n' "$one" "$1" | LC_ALL=C sort | head -n 1)" = "$one" ]; then name=$one; fi
    done
    [ -n "$name" ] || fail "no backup was complete before the point"
    cp "$BASE/$name/dump.rdb" "$BASE/$name/sha256" "$RESTORED/"
    (cd "$RESTORED" && sha256sum -c --quiet sha256 >"$ERRORS" 2>&1) || fail "$(head -n 1 "$ERRORS")"
    "$CHECK-rdb" "$RESTORED/dump.rdb" >"$ERRORS" 2>&1 || fail "$(grep '^\[offset' "$ERRORS" | tail -n 1)"
    echo "snapshot $name, $(size "$RESTORED"), its checksum verified"
}

seconds() { echo "${1%??????}" | sed 's/^0*//'; }

# The newest base that was complete by then, if a backup was: a server that copies its primary anew begins one as well.
fetch_aof() {
    keep
    until=$(seconds "$1") made="" name=""
    for one in $(bases); do
        if [ "$(stat -c %Y "$LOG/$one")" -ge "$until" ]; then continue; fi
        if [ -e "$BASE/$one" ]; then made=$one; fi
        if [ -n "$made" ]; then name=$one; fi
    done
    [ -n "$name" ] || fail "no backup was complete before the point"
    mkdir "$RESTORED/appendonlydir"
    cd "$RESTORED/appendonlydir"
    log_of "$name" >"$MANIFEST"
    sed 's/^file \(.*\) seq .*/\1/' "$MANIFEST" | while read -r file; do
        if [ ! -f "$LOG/$file" ]; then fail "$file is gone, which belongs to $name"; fi
        cp -p "$LOG/$file" .
    done
    echo "base $name and its log, $(size .)"
}

# The list of a base and of its log. A backup ends no log: what came while it was made, and after, is in that of the next base.
log_of() { lines_of "$1" | awk '!seen[$2]++'; } # BASE

lines_of() {
    grep -E ' type [bi]' "$LOG/$1.list"
    on=""
    for one in $(bases); do
        if [ "$on" = 1 ]; then
            [ -e "$BASE/$one" ] || break
            grep ' type i' "$LOG/$one.list"
        fi
        if [ "$one" = "$1" ]; then on=1; fi
    done
}

bases() { ls "$LOG" | sed -n 's/\.list$//p' | sort -t . -k 3 -n; }

replay() { # MICROSECONDS since 1970
    "replay_$DRDRILL_BACKUP" "$1"
}

# No log is kept beside a snapshot.
replay_rdb() {
    opened "appendonly no"
    echo "no log is kept: the snapshot as it is"
}

without() { # FILE WITH: removes from the manifest what comes after it, and with `it` also itself
    awk -v file="$1" -v it="${2:-}" '
        $2 == file && it != "" { exit }
        { print }
        $2 == file { exit }' "$MANIFEST" >"$MANIFEST.new"
    mv "$MANIFEST.new" "$MANIFEST"
}

# What the tool says of a file, by its words before and after the name.
named() { sed -n "s|^$1\(\./\)*\(.*\)$2.*|\2|p" "$ERRORS" | head -n 1; }

# Cuts the log off behind its last command of a second. Of several files the tool cuts only the last one.
cut_off() { # SECOND
    while ! "$CHECK-aof" --truncate-to-timestamp "$1" "$MANIFEST" >"$ERRORS" 2>&1; do
        beyond=$(named 'Failed to truncate AOF ' ' to timestamp .* not the last file')
        none=$(named 'AOF ' ' has nothing before timestamp')
        if [ -n "$none" ]; then
            without "$none" it
        elif [ -n "$beyond" ]; then
            without "$beyond"
        else
            torn
        fi
    done
}

# What was being written while it was copied, or when its server was killed, has no end: that much of the last file is left out, and
# nothing else.
torn() {
    failed=$(grep '^0x' "$ERRORS" | head -n 1)
    case $failed in
    '' | *'Expected to read'*) ;;
    *) fail "$(tail -n 1 "$ERRORS")" ;;
    esac
    grep -q 'is not valid' "$ERRORS" || fail "$(tail -n 1 "$ERRORS")"
    echo y | "$CHECK-aof" --fix "$MANIFEST" >"$ERRORS" 2>&1 || fail "$(tail -n 1 "$ERRORS")"
}

# A command bears the second in which this node was given it. The point is a whole second: its own commands come after it.
replay_aof() {
    cd "$RESTORED/appendonlydir"
    until=$(seconds "$1")
    cut_off $((until - 1))
    ends=$(sed -n 's/^file \(.*\) seq .*/\1/p' "$MANIFEST" | xargs cat | grep -a '^#TS:' | tail -n 1 | tr -dc '0-9')
    if [ -z "$ends" ]; then ends=$(stat -c %Y ./*.rdb); fi
    opened "appendonly yes"
    said="log replayed up to the second $(clock "$ends")"
    if grep -q 'Successfully truncated' "$ERRORS"; then echo "$said, and cut off there"; else echo "$said, where it ends"; fi
}

opened() { # SETTING
    {
        settings "$PORT" "$RESTORED"
        echo "$1"
    } >"$RESTORED/restored.conf"
    OWNED=$RESTORED
    (step_down "$SERVER" "$RESTORED/restored.conf") >"$RESTORED/log" 2>&1 &
    server=$!
    echo "$server" >"$PID"
    until [ "$(ask 127.0.0.1 ping)" = PONG ]; do
        alive "$server" || fail "$(why "$RESTORED/log")"
        sleep 0.05
    done
}

case ${1:-start} in
backup | fetch | replay | reach)
    "$@"
    exit
    ;;
esac
start
