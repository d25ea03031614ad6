#!/usr/bin/env bash
# The quarter of the newest sample run, such as 2026Q4.
set -euo pipefail
cd "$(dirname "$0")/.."
newest=$(find reports/sample -mindepth 2 -maxdepth 2 -type d -name '20*' -printf '%f\n' | sort | tail -1)
echo "${newest:0:4}Q$(((10#${newest:4:2} + 2) / 3))"
