#!/usr/bin/env bash
# Loads, runs and unloads a small model on the virtual NPU, RUNS times in one process, and fails unless resident memory, device memory and open files stay flat.
#   scripts/soak.sh [RUNS]    default 10000; CI does 500, as the test "soak"
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-10000}
[ -f build/dev/build.ninja ] || cmake --preset dev >/dev/null
cmake --build --preset dev --target soak_program >&2
ROPEWAY_CACHE=$PWD/build/dev/tests/cache exec build/dev/tests/soak_program "$runs"
