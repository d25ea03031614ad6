# Read by start.sh in the node that keeps backups of MySQL: dumps by mysqldump, and the binary log by mysqlbinlog.
#
# By exec: `start.sh backup` makes a dump, `start.sh fetch MICROSECONDS` loads the newest that was complete by then, `start.sh replay
# MICROSECONDS` applies the log up to that moment.

SHUT=@@super_read_only
SELF=@@server_uuid

ask() { # HOST STATEMENT
    mysql --no-defaults -h "$1" -u drdrill --ssl-mode=DISABLED --connect-timeout=2 -NB -e "$2" 2>/dev/null
}

here() { mysql --no-defaults -S "$SOCKET" -u drdrill -NB "$@"; }

# In the place of the shell that calls it.
read_log() { # HOST NUMBER OPTION...
    host=$1 number=$2
    shift 2
    exec mysqlbinlog --no-defaults -h "$host" -u drdrill --ssl-mode=DISABLED --connection-server-id="$number" "$@"
}

backup() {
    host=$(source_of_log)
    [ -n "$host" ] || fail "no server takes writes"
    made_anew
    mysqldump --no-defaults -h "$host" -u drdrill --ssl-mode=DISABLED --single-transaction --all-databases --routines --events \
        --triggers --source-data=2 --set-gtid-purged=ON --result-file="$MADE/dump.sql" 2>"$ERRORS" || fail "$(why)"
    tail -n 1 "$MADE/dump.sql" | grep -q '^-- Dump completed' || fail "the dump has no end"
    whole "$host" dump.sql
    echo "dump $name, $(size "$STORE/base/$name")"
}

fetch() { # MICROSECONDS
    choose "$1"
    init_mysql >"$ERRORS" 2>&1 || fail "$(why)"
    # shellcheck disable=SC2046,SC2086
    mysqld --no-defaults $AS $(cat /drdrill/arguments) --datadir="$DATA" --socket="$SOCKET" --pid-file="$PID" --server-id=9000 \
        --super-read-only=OFF --read-only=OFF --log-error="$LOG" --daemonize >"$ERRORS" 2>&1 || fail "$(why)"
    here <"$BASE/dump.sql" >/dev/null 2>"$ERRORS" || fail "$(why)"
    echo "dump $name, $(size "$BASE"), its checksum verified"
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
    for one in $(servers); do
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

