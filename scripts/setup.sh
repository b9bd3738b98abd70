#!/usr/bin/env bash
# Installs the Debian packages that building and testing need, where they are missing. Does nothing, and needs no network, when all are there.
#   scripts/setup.sh [--with-torch]    --with-torch: also .venv, with the Python packages of requirements-test.txt
set -euo pipefail
cd "$(dirname "$0")/.."
packages=(g++ cmake ninja-build pkg-config libhwy-dev libprotozero-dev nlohmann-json3-dev libcli11-dev libfmt-dev libdeflate-dev libxxhash-dev libgtest-dev
          libbenchmark-dev python3)
with_torch=false
for argument in "$@"; do
  case "$argument" in
    --with-torch) with_torch=true; packages+=(python3-venv) ;;
    *) echo "setup.sh: unknown option $argument" >&2; exit 5 ;;
  esac
done

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing ${missing[*]}"
  begin=$SECONDS
  root=()
  [ "$(id -u)" -eq 0 ] || root=(sudo)
  "${root[@]}" apt-get update -qq
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  echo "installed in $((SECONDS - begin)) s"
fi

if $with_torch && ! cmp -s requirements-test.txt .venv/requirements-test.txt; then
  echo "making .venv with the packages of requirements-test.txt"
  begin=$SECONDS
  rm -rf .venv
  python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check -r requirements-test.txt
  cp requirements-test.txt .venv/ # last: its presence says that the rest is complete
  echo "made .venv in $((SECONDS - begin)) s"
fi
