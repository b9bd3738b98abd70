#!/usr/bin/env bash
# Installs the Debian packages that building and testing need, where they are missing. Does nothing, and needs no network, when all are there.
#   scripts/setup.sh [--with-torch] [--with-aarch64] [--with-x86_64]
#     --with-torch    also .venv, with the Python packages of requirements-test.txt, and .venv-ort, with those of requirements-ort.txt
#     --with-aarch64  also the cross tool-chain for 64-bit Arm, qemu, and in .libraries the sources of the libraries that are linked in
#     --with-x86_64   also the tool-chain for packages for x86-64, and .libraries
set -euo pipefail
cd "$(dirname "$0")/.."
packages=(g++ cmake ninja-build pkg-config libhwy-dev libprotozero-dev nlohmann-json3-dev libcli11-dev libfmt-dev libdeflate-dev libxxhash-dev libgtest-dev
          libbenchmark-dev python3)
with_torch=false
with_libraries=false
for argument in "$@"; do
  case "$argument" in
    --with-torch) with_torch=true; packages+=(python3-venv) ;;
    --with-aarch64) with_libraries=true; packages+=(g++-11-aarch64-linux-gnu qemu-user dpkg-dev) ;;
    --with-x86_64) with_libraries=true; packages+=(g++-11 dpkg-dev) ;;
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

# The sources, with Debian's patches, of the versions whose headers are installed. Lists of source packages are read into a folder of our own: apt's stay as they are.
fetch_libraries() {
  local versions state options folder
  versions=$(dpkg-query -W -f='${source:Package}=${source:Version}\n' libhwy-dev libdeflate-dev)
  [ "$versions" != "$(cat .libraries/versions 2>/dev/null)" ] || return 0
  echo "fetching the sources of ${versions//$'\n'/ } into .libraries"
  rm -rf .libraries
  mkdir -p .libraries/apt/lists/partial
  state=$PWD/.libraries/apt
  apt-get indextargets --format "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \$(REPO_URI) \$(RELEASE) \$(COMPONENT)" \
    'Created-By: Packages' 'Origin: Debian' | sort -u > "$state/sources.list"
  options=(-qq -o Dir::Etc::SourceList="$state/sources.list" -o Dir::Etc::SourceParts=- -o Dir::State="$state" -o Dir::Cache="$state" -o APT::Sandbox::User=)
  apt-get "${options[@]}" update
  (cd .libraries && apt-get "${options[@]}" source $versions >/dev/null)
  for folder in highway libdeflate; do mv .libraries/$folder-[0-9]* .libraries/$folder; done
  rm -rf "$state" .libraries/*.tar.* .libraries/*.dsc
  echo "$versions" > .libraries/versions # last: its presence says that the rest is complete
}
if $with_libraries; then fetch_libraries; fi
