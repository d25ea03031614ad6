#!/usr/bin/env bash
# Holds the dependencies against deny.toml: licences, sources and bans, and the published advisories (RustSec).
#
# Exit 0: checked and clean, or it could not be checked; the last line says which, and why. Any other exit: findings.
# With DRDRILL_ADVISORIES=must it fails too where it could not be checked: for a pipeline that has the network.
set -euo pipefail
cd "$(dirname "$0")/.."

FETCH_LIMIT_S=120

not_checked() {
    printf 'advisories: NOT CHECKED: %s\n' "$*" >&2
    [ "${DRDRILL_ADVISORIES:-}" != must ] || exit 5
    exit 0
}

command -v cargo-deny >/dev/null || not_checked "cargo-deny is not installed: cargo install --locked cargo-deny"
cargo deny --offline --log-level error check licenses bans sources
if ! said=$(GIT_TERMINAL_PROMPT=0 timeout "$FETCH_LIMIT_S" cargo deny fetch db 2>&1); then
    not_checked "the advisory database could not be fetched: $(printf '%s' "$said" | tail -n 1)"
fi
cargo deny --offline check advisories
printf 'advisories: checked\n'
