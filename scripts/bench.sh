#!/usr/bin/env bash
# Benchmarks: what drdrill costs, each figure with its bar. Exit 1 if one is beyond its bar.
#
#   scripts/bench.sh             all of it; needs jq, and Docker for the last parts
#   scripts/bench.sh instrument  without containers
#
# Figures taken on a busy machine mean little: the load before and after is printed.
set -euo pipefail
cd "$(dirname "$0")/.."

DRDRILL=${DRDRILL:-target/debug/drdrill}
CHECK_BAR_MS=100
BRING_UP_BAR_S=15 # beyond starting as many containers of the same images by `docker run`
# One scenario for each topology. Not MongoDB's sharded one: its mongos is in the official image only.
STACKS=(
    redis/sentinel-noop redis/cluster-noop redis/dr-promote
    postgres/async-kill-with-lag postgres/patroni-noop postgres/logical-loses-lag
    mysql/async-kill-with-lag mysql/group-kill
    mariadb/async-kill-with-lag mariadb/galera-kill
    mongodb/noop kafka/noop etcd/noop
)
RUNS=20
beyond=0

# NAME VALUE UNIT BAR
line() {
    state=ok
    if jq -en --argjson value "$2" --argjson bar "$4" '$value > $bar' >/dev/null; then
        state=BEYOND
        beyond=1
    fi
    printf '%-56s %10s %-3s bar %8s %s\n' "$@" "$state"
}

now_ms() { echo $(($(date +%s%N) / 1000000)); }

load() { printf 'load %s\n' "$(cut -d' ' -f1-3 /proc/loadavg)"; }

start_up() {
    for _ in $(seq "$RUNS"); do
        begin=$(now_ms)
        "$DRDRILL" check scenarios >/dev/null
        echo $(($(now_ms) - begin))
    done | sort -n | sed -n "$((RUNS / 2))p"
}

# From the first container of a drill to its proof that replication flows, seconds.
ready_after() { # EVENTS
    jq -s 'map(select(.what | type == "object" and has("stack")))[0].at | (.high - .low) / 1e9' "$1"
}

# The time to start as many containers of the same images by `docker run`, seconds.
plain() { # IMAGE...
    begin=$(now_ms)
    names=()
    for image in "$@"; do
        name=drdrill-bench-$RANDOM$RANDOM
        names+=("$name")
        docker run -d --rm --name "$name" --entrypoint sleep "$image" 60 >/dev/null &
    done
    wait
    jq -n "($(now_ms) - $begin) / 1000"
    docker rm -f -v "${names[@]}" >/dev/null 2>&1 || true
}

bring_up() { # SCENARIO
    out=$(mktemp -d)
    name=${1#scenarios/}
    "$DRDRILL" run "$1" --out "$out" >/dev/null 2>&1 || true
    events=$(find "$out" -name events.jsonl | head -1)
    if [ -z "$events" ] || ! ready=$(ready_after "$events" 2>/dev/null); then
        echo "ready beyond docker run: $1 was not brought up, and not measured"
        beyond=1
        rm -rf "$out"
        return
    fi
    mapfile -t images < <(jq -rs '
        (map(.what | objects | select(has("image")) | .image | {(.reference): .used}) | add) as $used
        | map(.what | objects | select(has("stack")) | .stack.members[].image) | map($used[.])[]' "$events")
    docker=$(plain "${images[@]}")
    line "ready beyond docker run: ${name%.yaml}" \
        "$(jq -n "($ready - $docker) * 100 | round / 100")" s "$BRING_UP_BAR_S"
    rm -rf "$out"
}

load
cargo bench --locked --profile dev --bench instrument || beyond=1
[ -x "$DRDRILL" ] || cargo build --locked
line "start-up of check, all scenarios" "$(start_up)" ms "$CHECK_BAR_MS"
if [ "${1:-all}" != instrument ]; then
    for scenario in "${STACKS[@]}"; do
        bring_up "scenarios/$scenario.yaml"
    done
    "$DRDRILL" calibrate --level C8 || beyond=1
fi
load
exit "$beyond"
