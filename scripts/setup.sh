#!/usr/bin/env bash
# Installs the Debian packages that building and testing need, where they are missing. Does nothing, and needs no network, when all are there.
#   scripts/setup.sh [--with-torch]    --with-torch: also .venv, with the Python packages of requirements-test.txt, and .venv-ort, with those of requirements-ort.txt
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

make_environment() { # make_environment FOLDER REQUIREMENTS
  cmp -s "$2" "$1/$2" && return
  echo "making $1 with the packages of $2"
  begin=$SECONDS
  rm -rf "$1"
  python3 -m venv "$1"
  "$1/bin/pip" install --quiet --disable-pip-version-check -r "$2"
  cp "$2" "$1/" # last: its presence says that the rest is complete
  echo "made $1 in $((SECONDS - begin)) s"
}
if $with_torch; then
  make_environment .venv requirements-test.txt
  make_environment .venv-ort requirements-ort.txt
fi
