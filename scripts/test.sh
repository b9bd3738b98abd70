#!/usr/bin/env bash
# Sets up, builds and passes all tests.
#   scripts/test.sh [--sanitize] [--with-torch]
#     --sanitize    once more under the address and undefined-behaviour sanitizers
#     --with-torch  also against real PyTorch, from a virtual environment in .venv, and with the real onnxruntime-cann, in .venv-ort
set -euo pipefail
cd "$(dirname "$0")/.."
presets=(dev)
setup=()
for argument in "$@"; do
  case "$argument" in
    --sanitize) presets+=(asan) ;;
    --with-torch) setup+=(--with-torch) ;;
    *) echo "test.sh: unknown option $argument" >&2; exit 5 ;;
  esac
done
scripts/setup.sh "${setup[@]}"

begin=$SECONDS
step() { # step DESCRIPTION: ends the step before and begins this one
  echo "== $1 ($((SECONDS - begin)) s so far)"
}

step "checking the rooms and the tools"
tools/check_layers.py
python3 -m unittest discover --quiet --start-directory tests/tools --pattern '*_test.py'
for preset in "${presets[@]}"; do
  step "building $preset"
  build_begin=$SECONDS
  [ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >/dev/null
  cmake --build --preset "$preset"
  echo "built $preset in $((SECONDS - build_begin)) s"
  step "testing $preset"
  ctest --preset "$preset"
done
step "comparing generated pages with the code"
for page in operators:operators rules:virtual-npu-rules; do
  tool=build/dev/tools/${page%:*} file=docs/${page#*:}.md
  $tool | diff "$file" - || { echo "run $tool > $file" >&2; exit 1; }
done
if [ ${#setup[@]} -gt 0 ]; then
  step "comparing with PyTorch"
  .venv/bin/python -m pytest --quiet tests/torch
  step "running onnxruntime-cann on the virtual NPU"
  .venv-ort/bin/python -m pytest --quiet tests/onnxruntime_cann
fi
step "all passed"
