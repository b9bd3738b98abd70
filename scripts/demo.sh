#!/usr/bin/env bash
# Installs what is missing, builds a release and runs the main job: the article's three models, module by module, on the CPU and on an NPU: a real one if there is
# one, else the virtual one, which predicts.
#   scripts/demo.sh [options of ropeway bench]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
echo "building build/release"
begin=$SECONDS
[ -f build/release/build.ninja ] || cmake --preset release >/dev/null
cmake --build --preset release
echo "built in $((SECONDS - begin)) s"
ropeway=build/release/ropeway
npu=npu
devices=$("$ropeway" devices)
[[ $devices == *"npu: not here"* ]] && npu=virtual-npu
defaults=(--device "cpu,$npu" --reference article)
for argument in "$@"; do
  case "$argument" in
    --device | --device=*) defaults=() ;;
  esac
done
exec "$ropeway" bench alexnet lenet resnet34 "${defaults[@]}" "$@"
