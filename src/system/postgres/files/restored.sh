# Read before the scripts of the nodes that keep backups: what is restored becomes a server of that node, beside the running service.
#
# By exec: `start.sh backup` makes a backup, `start.sh fetch MICROSECONDS TIME` lays the newest out that was complete by then, `start.sh
# replay TIME` starts a server on it that replays the log up to then and opens. What they print last is what was done. MICROSECONDS
# since 1970 are of 18 digits, TIME is as PostgreSQL reads it; the latest is a number beyond all, and the word `latest`.
#
# DRDRILL_SERVERS  addresses of the servers, separated by commas: whoever of them takes writes is backed up

RESTORED=/var/lib/postgresql/restored.log
PGDATA=/var/lib/postgresql/restored
READY=$PGDATA/drdrill.ready
ARCHIVE_SECONDS=60 # how long is waited for the newest segment to arrive

primary() { # USER NAME
    printf 'host=%s port=5432 user=%s dbname=postgres target_session_attrs=read-write connect_timeout=3 application_name=%s' \
        "$DRDRILL_SERVERS" "$1" "$2"
}

made() { # FOLDER
    as_postgres mkdir -p "$1"
}

size() { printf '%s MiB' "$(du -sm "$1" | cut -f 1)"; }

placed() { # FOLDER...: the postgres user's own, beside the place of the restored server
    mkdir -p "$PGDATA" /var/run/postgresql "$@"
    if [ "$(id -u)" = 0 ]; then chown postgres: "$PGDATA" /var/run/postgresql "$@"; fi
    chmod 700 "$PGDATA"
    rm -f "$PGDATA/postmaster.pid" # nothing else can be alive in a container that just started
}

ended() {
    if [ -e "$PGDATA/postmaster.pid" ]; then as_postgres pg_ctl stop -s -w -m immediate -D "$PGDATA" >&2 || true; fi
    if as_postgres pg_ctl status -D "$PGDATA" >/dev/null 2>&1 || pg_isready -q -h /var/run/postgresql; then
        fail "the server that was restored before does not stop"
    fi
}

# Where segments are pushed, what was written up to the point lies in one that may still be open: whoever takes writes is asked to
# close it. `arrived SEGMENT` tells whether it is kept.
segment_closed() {
    # By the byte before the end, as what the name of an end is differs between versions.
    segment=$(as_postgres psql -qAtX -d "$(primary postgres drdrill_restore)" -c "select pg_walfile_name(pg_switch_wal() - 1)") || return 0
    deadline=$(($(date +%s) + ARCHIVE_SECONDS))
    until arrived "$segment"; do
        [ "$(date +%s)" -lt "$deadline" ] || return 0
        sleep 0.1
    done
}

# The last that the server said of itself; that it starts up it says to each of our questions.
why() { grep -o 'FATAL: .*' "$RESTORED" | grep -v 'the database system is' | tail -n 1; }

opened() { # TIME: starts it; what it recovers by is in its settings
    # Nobody follows it, and nobody confirms its writes.
    echo "synchronous_standby_names = ''" >>"$PGDATA/postgresql.auto.conf"
    as_postgres touch "$PGDATA/recovery.signal"
    rm -f "$RESTORED"
    as_postgres pg_ctl start -s -w -t 900 -D "$PGDATA" -l "$RESTORED" >&2 || fail "$(why)"
    until [ "$(sql_on /var/run/postgresql 'select not pg_is_in_recovery()' 2>/dev/null)" = t ]; do
        as_postgres pg_ctl status -D "$PGDATA" >/dev/null || fail "$(why)"
        sleep 0.02
    done
    if [ "$1" = latest ]; then
        said=$(grep -o 'last completed transaction was .*' "$RESTORED" | tail -n 1)
        said="the log was replayed to its end${said:+, $said}"
    else
        said=$(grep -o 'recovery stopping .*' "$RESTORED" | tail -n 1)
        [ -n "$said" ] || fail "it opened without having stopped at the point"
    fi
    echo "$said"
}
