#!/usr/bin/env bash
# Sets up, builds and passes all tests.
#   scripts/test.sh [--sanitize[=all]] [--unity] [--with-torch] [--aarch64]
#     --sanitize      also, under the address and undefined-behaviour sanitizers, the tests of the Ascend backend (with the fault sweep) and of the virtual NPU, and, under
#                     the thread sanitizer, eight threads on the virtual NPU; builds only what these need
#     --sanitize=all  the same with all tests under the first two
#     --unity         compiles a new build/dev a folder at a time, which takes less time, but more to build again after an edit; the sanitizers' are always so
#     --with-torch    also against real PyTorch, from a virtual environment in .venv, and with the real onnxruntime-cann, in .venv-ort
#     --aarch64       also, cross-built for 64-bit Arm and run under qemu, the CPU backend's tests and the built-in models, which are compared with PyTorch's outputs
set -euo pipefail
cd "$(dirname "$0")/.."
sanitize=
aarch64=false
torch=false
setup=()
unity=()
for argument in "$@"; do
  case "$argument" in
    --sanitize) sanitize=some ;;
    --sanitize=all) sanitize=all ;;
    --unity) unity=(-DCMAKE_UNITY_BUILD=ON) ;;
    --with-torch) torch=true; setup+=(--with-torch) ;;
    --aarch64) aarch64=true; setup+=(--with-aarch64) ;;
    *) echo "test.sh: unknown option $argument" >&2; exit 5 ;;
  esac
done
scripts/setup.sh "${setup[@]}"

begin=$SECONDS
step() { # step DESCRIPTION: ends the step before and begins this one
  echo "== $1 ($((SECONDS - begin)) s so far)"
}

pass() { # pass PRESET TESTS TARGET...: builds the targets and passes the tests that the regular expression names
  local preset=$1 tests=$2 build_begin=$SECONDS
  shift 2
  step "building $preset"
  [ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" "${unity[@]}" >/dev/null
  cmake --build --preset "$preset" --target "$@"
  echo "built $preset in $((SECONDS - build_begin)) s"
  step "testing $preset"
  ctest --preset "$preset" --no-tests=error --tests-regex "$tests"
}

step "checking the rooms and the tools"
tools/check_layers.py
python3 -m unittest discover --quiet --start-directory tests/tools --pattern '*_test.py'
pass dev . all
step "comparing generated pages with the code"
for page in operators:operators rules:virtual-npu-rules; do
  tool=build/dev/tools/${page%:*} file=docs/${page#*:}.md
  $tool | diff "$file" - || { echo "run $tool > $file" >&2; exit 1; }
done
case "$sanitize" in
  some) pass asan '^(ascend|virtual_npu)' test_ascend test_virtual_npu ;;
  all) pass asan . all ;;
esac
[ -z "$sanitize" ] || pass tsan '^threads$' threads_program
if $aarch64; then
  pass aarch64 '^cpu$' ropeway_cli test_cpu
  step "running the built-in models on 64-bit Arm"
  for model in alexnet lenet resnet34; do
    reference=build/aarch64/$model
    mkdir -p "$reference"
    cp tests/golden/builtin/$model.npy "$reference/output.npy"
    python3 -m zipfile -c "$reference/output.npz" "$reference/output.npy"
    qemu-aarch64 -L /usr/aarch64-linux-gnu build/aarch64/ropeway compare $model --device cpu --reference "$reference/output.npz" --tolerance 5e-6
  done
fi
if $torch; then
  step "comparing with PyTorch"
  # A file stays with one process: some tests look at what the others of their file have seen.
  .venv/bin/python -m pytest --quiet --numprocesses 2 --dist loadfile tests/torch
  step "running onnxruntime-cann on the virtual NPU"
  .venv-ort/bin/python -m pytest --quiet tests/onnxruntime_cann
fi
step "all passed"
