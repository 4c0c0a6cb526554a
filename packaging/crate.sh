#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Packs the Rust crate with the C sources and the report page in it; `check` then installs it as
# `cargo install memscope-rs` would, from a registry that is a folder, and uses what was installed.
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

# A registry that is a folder: each crate unpacked, with its checksum beside.
registry=$stage/registry
(cd "$stage/crate" && cargo vendor --quiet --versioned-dirs "$registry" >/dev/null)
tar -C "$registry" -xzf "dist/$crate"
printf '{"files":{},"package":"%s"}\n' "$(sha256sum "dist/$crate" | cut -d' ' -f1)" \
    >"$registry/$(basename "$crate" .crate)/.cargo-checksum.json"
mkdir "$stage/home"
env -u MEMSCOPE_BUILD cargo install --quiet --root "$stage/home" --target-dir "$stage/installed" \
    --config "source.crates-io.replace-with=\"folder\"" \
    --config "source.folder.directory=\"$registry\"" memscope-rs
cd "$stage"
XDG_CACHE_HOME=$stage/cache "$stage/home/bin/memscope" run -e json -o date.json -e html -o date.html \
    --no-recording -- date
python3 -c 'import json, sys; sys.exit(json.load(open("date.json"))["total_allocations"] < 10)'
[ "$(stat -c %s date.html)" -gt 100000 ]
echo "1 passed, 0 failed"
