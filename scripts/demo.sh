#!/usr/bin/env bash
# Installs what is missing, builds a release and runs the main job: the article's three models, module by module.
#   scripts/demo.sh [options of ropeway bench]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
echo "building build/release"
begin=$SECONDS
[ -f build/release/build.ninja ] || cmake --preset release >/dev/null
cmake --build --preset release
echo "built in $((SECONDS - begin)) s"
exec build/release/ropeway bench alexnet lenet resnet34 "$@"
