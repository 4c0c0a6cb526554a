#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Packs the Rust crate with the C sources and the report page in it; `check` then installs it as
# `cargo install memscope-rs` would, from a registry that is a folder, and uses what was installed.
# No header of elfutils, libiberty, xz, zstd or zlib may be needed for that: they are made unreadable.
#
# usage: packaging/crate.sh BUILD [check]
#
# BUILD is a build directory: the report page comes from it, so that users need no node.
set -euo pipefail
build=$(realpath "${1:?usage: packaging/crate.sh BUILD [check]}")
cd "$(dirname "$0")/.."

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p dist "$stage/crate"
cp -r bindings/rust/. "$stage/crate/"
rm -rf "$stage/crate/target"
cp LICENSE "$stage/crate/"
mkdir "$stage/crate/csrc"
cp -r src include "$stage/crate/csrc/"
find "$stage/crate/csrc" -name meson.build -delete
page=$build/src/export/report.html
[ -s "$page" ] || { echo "crate.sh: $page is missing or empty: build it first" >&2; exit 1; }
cp "$page" "$stage/crate/csrc/"

(cd "$stage/crate" && cargo package --quiet --no-verify --target-dir "$stage/target")
crate=$(cd "$stage/target/package" && echo ./*.crate)
cp "$stage/target/package/$crate" dist/
echo "dist/${crate#./}"
[ "${2:-}" = check ] || exit 0

# The executable as users build it; tests/rust_test.sh looks at the rest.
(cd "$stage/crate" && env -u MEMSCOPE_BUILD cargo clippy --quiet --bin memscope --target-dir "$stage/target" -- -D warnings)

# A registry that is a folder: each crate unpacked, with its checksum beside.
registry=$stage/registry
(cd "$stage/crate" && cargo vendor --quiet --versioned-dirs "$registry" >/dev/null)
tar -C "$registry" -xzf "dist/$crate"
printf '{"files":{},"package":"%s"}\n' "$(sha256sum "dist/$crate" | cut -d' ' -f1)" \
    >"$registry/$(basename "$crate" .crate)/.cargo-checksum.json"
mkdir "$stage/home"
# What the compiler would find in the system is an error; the crates bring their own.
for header in elfutils/libdw.h elfutils/libdwelf.h elfutils/libdwfl.h dwarf.h gelf.h libelf.h lzma.h \
    libiberty/demangle.h zstd.h zlib.h; do
    mkdir -p "$stage/decoy/$(dirname $header)"
    echo "#error $header of the system is used" >"$stage/decoy/$header"
done
env -u MEMSCOPE_BUILD CPATH="$stage/decoy" cargo install --quiet --root "$stage/home" --target-dir "$stage/installed" \
    --config "source.crates-io.replace-with=\"folder\"" \
    --config "source.folder.directory=\"$registry\"" memscope-rs
needs=$(readelf -dW "$stage/home/bin/memscope" | grep -cE 'NEEDED.*lib(dw|elf|lzma|zstd|z)\.so' || :)
[ "$needs" -eq 0 ]
cd "$stage"
printf '#include <stdlib.h>\nint main(void)\n{\n    void *volatile block = malloc(123456);\n    free(block);\n}\n' >program.c
cc -g -o program program.c
XDG_CACHE_HOME=$stage/cache "$stage/home/bin/memscope" run -e json -o program.json -e html -o program.html \
    --no-recording -- ./program
python3 - <<'CHECK'
import json
report = json.load(open("program.json"))
assert report["total_allocations"] == 1, report["total_allocations"]
assert "program.c:4" in json.dumps(report) or '"line": 4' in json.dumps(report), "no line of the program"
CHECK
[ "$(stat -c %s program.html)" -gt 100000 ]
echo "1 passed, 0 failed"
