# Read by start.sh in the node that keeps backups of MariaDB: copies of the data directory by mariadb-backup, which the source sends as a
# stream (send.sh), and the binary log by mariadb-binlog.
#
# By exec: `start.sh source_of_log` says who takes writes, `start.sh take` waits for the stream, and `start.sh keep ADDRESS` makes it a
# backup once its server has said that it is whole. `start.sh fetch MICROSECONDS` lays the newest out that was complete by then, and
# `start.sh replay SECONDS` applies the log up to that moment.

SHUT=@@read_only
SELF=@@server_id # another one each time that a server's data is made anew

STREAM=stream.mbstream
POSITION=/tmp/drdrill.position # the transaction up to which the copy goes

ask() { # HOST STATEMENT
    mariadb --no-defaults -h "$1" -u drdrill --skip-ssl --connect-timeout=2 -NB -e "$2" 2>/dev/null
}

here() { mariadb --no-defaults -S "$SOCKET" -u drdrill -NB "$@"; }

# In the place of the shell that calls it.
read_log() { # HOST NUMBER OPTION...
    host=$1 number=$2
    shift 2
    exec mariadb-binlog --no-defaults -h "$host" -u drdrill --skip-ssl --stop-never-slave-server-id="$number" "$@"
}

take() {
    made_anew
    socat -u -T 60 TCP-LISTEN:4444,reuseaddr,accept-timeout=20 "CREATE:$MADE/$STREAM" 2>"$ERRORS" || fail "$(why)"
}

keep() { # HOST
    whole "$1" "$STREAM"
    echo "copy $name, $(size "$STORE/base/$name")"
}

fetch() { # MICROSECONDS
    choose "$1"
    laid=$STORE/laid
    rm -rf "$laid"
    mkdir "$laid"
    mbstream -x -C "$laid" <"$BASE/$STREAM" 2>"$ERRORS" || fail "$(why)"
    mariadb-backup --no-defaults --prepare --target-dir="$laid" 2>"$ERRORS" || fail "$(why)"
    mariadb-backup --no-defaults --move-back --target-dir="$laid" --datadir="$DATA" 2>"$ERRORS" || fail "$(why)"
    cut -f 3 "$laid"/*_binlog_info >"$POSITION"
    if [ "$(id -u)" = 0 ]; then chown -R mysql: "$DATA"; fi
    : >"$LOG"
    # shellcheck disable=SC2046,SC2086
    mariadbd --no-defaults $AS $(cat /drdrill/arguments) --datadir="$DATA" --socket="$SOCKET" --pid-file="$PID" --server-id=9000 \
        --read-only=OFF --log-error="$LOG" >/dev/null 2>&1 </dev/null &
    until here -e 'select 1' >/dev/null 2>&1; do
        if ! alive $!; then
            cp "$LOG" "$ERRORS"
            fail "$(why)"
        fi
        sleep 0.05
    done
    echo "copy $name, $(size "$BASE"), its checksum verified, up to $(cat "$POSITION")"
}

# The last transaction that its server had done before a file of its log began.
done_before() { # FILE
    mariadb-binlog --no-defaults "$1" 2>/dev/null | awk '
        /\tGtid list \[/ { on = 1; sub(/.*\[/, "") }
        on { sub(/^# */, ""); list = list $0 }
        on && /\]/ { sub(/\].*/, "", list); count = split(list, one, ","); print one[count]; exit }'
}

# Applies files of a log from where the restored server is, up to the moment and to a transaction, where one is given.
apply() { # SECONDS TRANSACTION FILE...
    until=""
    if [ "$1" != latest ]; then until="--stop-datetime=$(date -u -d "@$1" '+%F %T')"; fi
    stop=${2:+--stop-position=$2}
    shift 2
    rm -f /tmp/drdrill.read
    {
        TZ=UTC mariadb-binlog --no-defaults --verify-binlog-checksum --start-position="$position" ${until:+"$until"} ${stop:+"$stop"} "$@" \
            2>/tmp/drdrill.said || echo "$?" >/tmp/drdrill.read
    } | here --binary-mode 2>"$ERRORS" || fail "$(why)"
    if [ -s /tmp/drdrill.read ]; then fail "$(grep ERROR /tmp/drdrill.said | head -n 1)"; fi
    reached=$(here -e 'select @@gtid_binlog_pos')
    position=${reached:-$position}
}

replay() { # SECONDS since 1970, or `latest`
    position=$(cat "$POSITION")
    # The log of whoever was source last; what was done before it begins comes from that of the source before.
    plan="" begins=""
    for server in $(servers -r); do
        list=$(files "$server")
        [ -n "$list" ] || fail "no file of the log of $server was received"
        plan="$server/$begins $plan"
        begins=$(done_before "$(echo "$list" | head -n 1)")
        number=${begins##*-}
        [ "${number:-0}" -gt "${position##*-}" ] || break
    done
    [ -n "$plan" ] || fail "no log was received"
    for part in $plan; do
        # shellcheck disable=SC2046
        apply "$1" "${part#*/}" $(files "${part%%/*}")
        # Whoever found the point reads no further.
        grep -q 'Did not reach stop datetime' /tmp/drdrill.said || [ "$1" = latest ] || break
    done
    said="log of server ${part%%/*} applied up to $position"
    early=$(grep 'Did not reach stop datetime' /tmp/drdrill.said) || true
    echo "$said${early:+; mariadb-binlog: $early}"
}

