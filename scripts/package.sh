#!/usr/bin/env bash
# Makes build/ropeway-VERSION-linux-ARCHITECTURE.tar.gz: the program and the virtual CANN, for any Linux with glibc 2.34 or newer; checked, and tried from another folder
# (64-bit Arm under qemu).
#   scripts/package.sh [x86_64|aarch64]    default: x86_64
set -euo pipefail
cd "$(dirname "$0")/.."
architecture=${1:-x86_64}
newest_glibc=2.34 # openEuler 22.03's; Ubuntu 22.04 has 2.35
run=()
case "$architecture" in
  x86_64) tools= compiler=libstdc++-11-dev ;;
  aarch64) tools=aarch64-linux-gnu- compiler=libstdc++-11-dev-arm64-cross run=(qemu-aarch64 -L /usr/aarch64-linux-gnu) ;;
  *) echo "package.sh: there are no packages for $architecture, only for x86_64 and aarch64" >&2; exit 5 ;;
esac
scripts/setup.sh --with-$architecture
build=$PWD/build/$architecture
[ -f "$build/build.ninja" ] || cmake --preset $architecture >/dev/null
cmake --build --preset $architecture --target ropeway_cli

name=ropeway-$(sed -n 's/^CMAKE_PROJECT_VERSION:STATIC=//p' "$build/CMakeCache.txt")-linux-$architecture
archive=$PWD/build/$name.tar.gz
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
packed=$work/packed/$name
mkdir -p "$packed/licenses"
cp -r "$build/ropeway" "$build/virtual-cann" LICENSE README.md README.zh-CN.md "$packed/"
for package in libhwy-dev libdeflate-dev libfmt-dev nlohmann-json3-dev libcli11-dev libprotozero-dev libxxhash-dev $compiler; do
  cp -L /usr/share/doc/$package/copyright "$packed/licenses/${package%-dev*}"
done
mapfile -t binaries < <(find "$packed/ropeway" "$packed"/virtual-cann/{bin,lib64} -type f | sort)
${tools}strip --strip-unneeded "${binaries[@]}"

for binary in "${binaries[@]}"; do
  needed=$(readelf -d "$binary" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
  if others=$(grep -vxE 'lib(c|m|dl|pthread|ascendcl)\.so(\.[0-9])?|ld-linux-.*' <<<"$needed"); then
    echo "package.sh: $binary needs $others, which other machines may lack" >&2
    exit 1
  fi
  glibc=$(readelf -W --dyn-syms "$binary" | sed -nE 's/.*@(GLIBC_[0-9.]+).*/\1/p' | sort -uV | tail -1)
  if [ "$(printf '%s\n' "$glibc" GLIBC_$newest_glibc | sort -V | tail -1)" != GLIBC_$newest_glibc ]; then
    echo "package.sh: $binary needs $glibc: $(readelf -W --dyn-syms "$binary" | grep -o "[^ ]*@$glibc" | sort -u | tr '\n' ' ')" >&2
    exit 1
  fi
  echo "$(stat -c %s "$binary") bytes, ${glibc:-no glibc}: ${binary#"$packed/"}"
done
# The same sources and tools give the same archive.
tar -C "$work/packed" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct)" -c "$name" | gzip -n9 >"$work/archive"

tar -C "$work" -xzf "$work/archive"
cd "$work"
export ROPEWAY_CACHE=$work/cache
if [ ${#run[@]} -gt 0 ]; then # qemu runs a program, not those that it starts
  atc=$work/$name/virtual-cann/bin/atc
  mv "$atc" "$atc.arm"
  printf '#!/bin/sh\nexec %s %s "$@"\n' "${run[*]}" "$atc.arm" >"$atc"
  chmod +x "$atc"
fi
"${run[@]}" "$name/ropeway" devices | grep -A 9 -E '^(cpu|virtual-npu):'
"${run[@]}" "$name/ropeway" bench lenet --device cpu,virtual-npu
mv archive "$archive"
echo "$(stat -c %s "$archive") bytes: $archive"
