#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The tests of src/symbol with the other way to read files: the crates that `cargo install` builds
# the command with, instead of elfutils, libiberty and liblzma. They are the same tests.
#
# usage: tests/symbol_crates.sh
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
tree=$PWD
export CARGO_TERM_COLOR=never
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
passed=0 failed=0

mkdir -p "$stage/crate/src"
{
    printf '[package]\nname = "symbols"\nversion = "0.1.0"\nedition = "2021"\n\n'
    printf '[lib]\ncrate-type = ["staticlib"]\n\n[dependencies]\n'
    # The versions and features of the crate, but for what the C code links.
    sed -n '/^\[dependencies\]$/,/^$/p' bindings/rust/Cargo.toml | sed '1d; /-sys = /d; s/, optional = true//'
} >"$stage/crate/Cargo.toml"
cp bindings/rust/Cargo.lock "$stage/crate/"
printf '#[path = "%s/bindings/rust/src/bin/memscope/symbols/mod.rs"]\nmod symbols;\n' "$tree" \
    >"$stage/crate/src/lib.rs"
if ! (cd "$stage/crate" && cargo fetch --quiet 2>"$stage/log"); then
    echo "skip  the crates cannot be fetched: $(tail -n 1 "$stage/log")"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
(cd "$stage/crate" && cargo build --quiet --release) || exit 1

# What the build script leaves out is what its list names.
libraries=$(sed -n 's/^const BY_LIBRARIES.*= \[\(.*\)\];$/\1/p' bindings/rust/build/tool.rs | tr -d '",')
mkdir "$stage/objects"
for source in src/base/*.c src/symbol/*.c; do
    name=$(basename "$source")
    case " $libraries minidebug-none.c " in
    *" $name "*) [ "${source#src/symbol/}" = "$source" ] || continue ;;
    esac
    cc -std=gnu17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -O1 -g -Wall -Wextra -Wno-unused-parameter \
        -Werror -Isrc -c "$source" -o "$stage/objects/$name.o" || exit 1
done
ar rcs "$stage/libsymbol.a" "$stage"/objects/*.o

# test_of NAME COMMAND...: one test; the command must end with 0.
test_of() {
    local name=$1
    shift
    if timeout 900 "$@" >"$stage/log" 2>&1; then
        echo "pass  $name"
        passed=$((passed + 1))
    else
        echo "FAIL  $name"
        grep -vE '^(passed|pass|\[ +(RUN|OK) )' "$stage/log" | tail -n 60 | sed 's/^/      /'
        failed=$((failed + 1))
    fi
}

for program in symbolize test_cache test_client test_demangle test_mutants test_perfmap; do
    cc -std=gnu17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -O1 -g -Isrc "tests/unit/symbol/$program.c" \
        -o "$stage/$program" "$stage/libsymbol.a" "$stage/crate/target/release/libsymbols.a" \
        -lcmocka -lz -lzstd -lm -lpthread -ldl || exit 1
    case $program in
    symbolize) test_of oracle tests/unit/symbol/oracle.py "$stage/symbolize" tests/unit/symbol/programs ;;
    *) test_of "$program" "$stage/$program" ;;
    esac
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
