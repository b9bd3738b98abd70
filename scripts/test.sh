#!/usr/bin/env bash
# Sets up, builds and passes all tests.
#   scripts/test.sh [--sanitize]    --sanitize: once more under the address and undefined-behaviour sanitizers
set -euo pipefail
cd "$(dirname "$0")/.."
presets=(dev)
for argument in "$@"; do
  case "$argument" in
    --sanitize) presets+=(asan) ;;
    *) echo "unknown option $argument" >&2; exit 5 ;;
  esac
done
scripts/setup.sh
for preset in "${presets[@]}"; do
  begin=$SECONDS
  cmake --preset "$preset" >/dev/null
  cmake --build --preset "$preset"
  echo "built $preset in $((SECONDS - begin)) s"
  ctest --preset "$preset"
done
