#!/usr/bin/env bash
# Makes a machine ready for drdrill: a Rust toolchain, a Docker engine that answers, a base image.
#
# Idempotent, and quick when nothing is left to do. Each step prints one line. Exit 5 means that
# something is missing which this script may not or cannot install; the last line says what.
set -euo pipefail

BASE_IMAGE=drdrill.local/base:trixie
SUITE=trixie
DOCKERD_LOG=/var/log/dockerd-drdrill.log
DOCKERD_DEADLINE_S=60

say() { printf 'setup: %s\n' "$*"; }
unfit() {
    printf 'setup: MISSING: %s\n' "$*" >&2
    exit 5
}

is_root() { [ "$(id -u)" -eq 0 ]; }
has_apt() {
    [ -r /etc/os-release ] || return 1
    # shellcheck disable=SC1091
    case " $(. /etc/os-release && echo "${ID:-} ${ID_LIKE:-}") " in
    *" debian "* | *" ubuntu "*) command -v apt-get >/dev/null ;;
    *) return 1 ;;
    esac
}
may_install() { is_root && has_apt; }

APT_FRESH=no
apt_install() {
    if [ "$APT_FRESH" = no ]; then
        say "refreshing the package lists"
        apt-get update -qq >/dev/null || say "some package lists could not be refreshed; going on with what is there"
        APT_FRESH=yes
    fi
    say "installing $*"
    local out
    if ! out=$(DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" 2>&1); then
        printf '%s\n' "$out" | tail -n 5 >&2
        unfit "apt-get could not install: $*"
    fi
}

# --- toolchain ---------------------------------------------------------------------------------

check_toolchain() {
    PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
    command -v cargo >/dev/null || unfit "cargo: install Rust with rustup from https://rustup.rs"
    say "cargo: $(cargo --version 2>/dev/null | cut -d' ' -f2)"
    if ! command -v cc >/dev/null; then
        may_install || unfit "a C compiler (cc): install gcc and the C library's headers"
        apt_install gcc libc6-dev
    fi
    say "C compiler: $(command -v cc)"
    # Kafka's driver is C, built by its own makefile.
    if ! command -v make >/dev/null || ! command -v c++ >/dev/null; then
        may_install || unfit "make and a C++ compiler (c++): install make and g++"
        apt_install make g++
    fi
    # The client of Toxiproxy links the system's OpenSSL.
    if ! command -v pkg-config >/dev/null || ! pkg-config --exists openssl; then
        may_install || unfit "OpenSSL's headers: install pkg-config and libssl-dev (openssl-devel)"
        apt_install pkg-config libssl-dev
    fi
    # The tests hold signatures against minisign's own program.
    if [ -n "${DRDRILL_DOCKER_TESTS:-}" ] && ! command -v minisign >/dev/null; then
        may_install || unfit "minisign: the tests of signatures run it"
        apt_install minisign
    fi
    # Time stamps are checked with openssl, and the tests' own authority is made with it.
    if [ -n "${DRDRILL_DOCKER_TESTS:-}" ] && ! command -v openssl >/dev/null; then
        may_install || unfit "openssl: the tests of time stamps run it"
        apt_install openssl
    fi
    # The tests bring a project up as people do, by Docker Compose: the plugin, or the program of old.
    if [ -n "${DRDRILL_DOCKER_TESTS:-}" ] && ! docker compose version >/dev/null 2>&1 &&
        ! command -v docker-compose >/dev/null; then
        may_install || unfit "Docker Compose: the tests of attached drills run it"
        apt_install docker-compose
    fi
    if ! command -v curl >/dev/null; then
        may_install || unfit "curl: this script talks to the Docker engine with it"
        apt_install curl ca-certificates
    fi
}

# --- engine ------------------------------------------------------------------------------------

# The engine is spoken to over its HTTP interface, without a version prefix: any engine answers
# that in its own newest version, whatever docker client is or is not installed.
ENGINE=()
find_engine() {
    case "${DOCKER_HOST:-unix:///var/run/docker.sock}" in
    unix://*)
        SOCKET="${DOCKER_HOST:-unix:///var/run/docker.sock}"
        SOCKET="${SOCKET#unix://}"
        ENGINE=(--unix-socket "$SOCKET")
        ENGINE_URL=http://engine
        ;;
    tcp://*) ENGINE_URL="http://${DOCKER_HOST#tcp://}" ;;
    http://*) ENGINE_URL="$DOCKER_HOST" ;;
    *) unfit "an engine at a unix:// or tcp:// address (DOCKER_HOST is ${DOCKER_HOST})" ;;
    esac
}
engine() { # METHOD PATH [curl arguments]: fails on any answer that is not 2xx
    local method=$1 path=$2
    shift 2
    curl --silent --show-error --fail --noproxy '*' --request "$method" "${ENGINE[@]}" "$@" "$ENGINE_URL$path"
}
engine_answers() { engine GET /_ping --max-time 5 >/dev/null 2>&1; }
engine_version() { engine GET /version --max-time 5 | sed 's/.*"Version":"\([^"]*\)".*/\1/' | head -n 1; }

wait_for_engine() {
    local deadline=$((SECONDS + DOCKERD_DEADLINE_S))
    until engine_answers; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        [ -z "${1:-}" ] || kill -0 "$1" 2>/dev/null || return 1
        sleep 0.2
    done
}

start_engine() {
    if [ -d /run/systemd/system ] && systemctl start docker >/dev/null 2>&1 && wait_for_engine; then
        say "started the Docker engine with systemd"
        return
    fi
    # A daemon left over from an earlier start may still be on its way up.
    # A pid file whose number another process has now would keep dockerd from starting.
    local old=""
    [ -r /var/run/docker.pid ] && old=$(cat /var/run/docker.pid)
    if [ -n "$old" ] && [ "$(cat "/proc/$old/comm" 2>/dev/null)" != dockerd ]; then
        rm -f /var/run/docker.pid
        old=""
    fi
    if [ -n "$old" ]; then
        say "dockerd is running but does not answer yet; waiting"
        wait_for_engine && return
        unfit "a Docker engine that answers (dockerd runs as $(cat /var/run/docker.pid); see its log)"
    fi
    say "starting dockerd by hand (log: $DOCKERD_LOG)"
    # shellcheck disable=SC2024
    setsid nohup dockerd >>"$DOCKERD_LOG" 2>&1 </dev/null &
    local pid=$!
    if ! wait_for_engine "$pid"; then
        tail -n 5 "$DOCKERD_LOG" >&2
        unfit "a Docker engine: dockerd did not answer within $DOCKERD_DEADLINE_S s (see $DOCKERD_LOG)"
    fi
    disown "$pid" 2>/dev/null || true
}

ensure_engine() {
    find_engine
    if ! engine_answers; then
        [ -z "${DOCKER_HOST:-}" ] || unfit "a Docker engine at DOCKER_HOST=$DOCKER_HOST"
        if ! is_root; then
            [ ! -S "$SOCKET" ] || unfit "access to the Docker engine at $SOCKET: join its group (usually 'docker'), or run as root"
            unfit "a Docker engine: install and start Docker, or run this script as root on Debian or Ubuntu"
        fi
        if ! command -v dockerd >/dev/null; then
            has_apt || unfit "a Docker engine: install Docker with this system's package manager and start it"
            apt_install docker.io iptables
        fi
        start_engine
    fi
    say "Docker engine: $(engine_version)"
}

# --- base image --------------------------------------------------------------------------------

has_image() { engine GET "/images/$1/json" --max-time 30 >/dev/null 2>&1; }

pull_base() { # the deadline is short where the fallback is at hand
    local seconds=180
    ! may_install || seconds=15
    say "pulling debian:$SUITE-slim (at most $seconds s)"
    engine POST "/images/create?fromImage=debian&tag=$SUITE-slim" --max-time "$seconds" >/dev/null 2>&1 || return 1
    has_image "debian:$SUITE-slim" || return 1
    engine POST "/images/debian:$SUITE-slim/tag?repo=${BASE_IMAGE%:*}&tag=${BASE_IMAGE##*:}" >/dev/null
}

bootstrap_base() {
    command -v mmdebstrap >/dev/null || apt_install mmdebstrap debian-archive-keyring
    say "bootstrapping $BASE_IMAGE from Debian packages"
    local work
    work=$(mktemp -d)
    # shellcheck disable=SC2064
    trap "rm -rf '$work'" EXIT
    if ! mmdebstrap --quiet --variant=minbase \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
        --customize-hook='printf "#!/bin/sh\nexit 101\n" >"$1/usr/sbin/policy-rc.d"; chmod 755 "$1/usr/sbin/policy-rc.d"' \
        "$SUITE" "$work/base.tar" 2>"$work/log"; then
        tail -n 5 "$work/log" >&2
        unfit "a base image: neither debian:$SUITE-slim could be pulled nor $SUITE bootstrapped"
    fi
    engine POST "/images/create?fromSrc=-&repo=${BASE_IMAGE%:*}&tag=${BASE_IMAGE##*:}" \
        --header 'Content-Type: application/x-tar' --header 'Expect:' --upload-file "$work/base.tar" >/dev/null
    has_image "$BASE_IMAGE" || unfit "a base image: the engine did not keep the bootstrapped one"
}

ensure_base() {
    if ! has_image "$BASE_IMAGE"; then
        pull_base || {
            may_install || unfit "a base image: debian:$SUITE-slim cannot be pulled, and bootstrapping needs root on Debian or Ubuntu"
            bootstrap_base
        }
    fi
    say "base image: $BASE_IMAGE"
}

check_toolchain
ensure_engine
ensure_base
say "ready"
