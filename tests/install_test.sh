#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs into a staging folder, moves it, and uses what is there as somebody who has no build tree.
#
# usage: tests/install_test.sh BUILD
set -uo pipefail

build=$(realpath "$1")
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
passed=0 failed=0

# check NAME COMMAND...: one test; its output is shown when it fails.
check() {
    local name=$1
    shift
    if "$@" >"$stage/log" 2>&1; then
        echo "pass  $name"
        passed=$((passed + 1))
    else
        echo "FAIL  $name"
        sed 's/^/      /' "$stage/log"
        failed=$((failed + 1))
    fi
}

install_moved() {
    meson install -C "$build" --no-rebuild --destdir "$stage/dest" &&
        mv "$stage/dest$(meson introspect "$build" --buildoptions |
            python3 -c 'import json, sys
print(next(o["value"] for o in json.load(sys.stdin) if o["name"] == "prefix"))')" "$stage/moved"
}

records_a_program() {
    cd "$stage" && moved/bin/memscope run -e json -o date.json --no-recording -- date &&
        python3 -c 'import json, sys
sys.exit(json.load(open("date.json"))["total_allocations"] < 10)'
}

# Only what is installed is on the compiler's and the loader's path.
links_a_program() {
    cd "$stage" || return 1
    local pc flags
    pc=$(find "$stage/moved" -name memscope.pc) || return 1
    flags=$(PKG_CONFIG_PATH=$(dirname "$pc") \
        pkg-config --define-variable=prefix="$stage/moved" --cflags --libs memscope) || return 1
    printf '%s\n' '#include <memscope/memscope.h>' '#include <stdio.h>' \
        'int main(void) { return puts(memscope_version()) < 0; }' >use.c
    # shellcheck disable=SC2086  # a list of words
    cc -std=c99 -Wall -Werror -o use use.c $flags &&
        LD_LIBRARY_PATH=$(dirname "$(find "$stage/moved" -name libmemscope.so)") ./use | grep -q '^[0-9]'
}

names_no_build_folder() {
    ! grep -rlF "$build" "$stage/moved"
}

check "install into a folder that is then moved" install_moved
check "the installed memscope records a program" records_a_program
check "a program links by pkg-config and runs" links_a_program
check "nothing installed names the build folder" names_no_build_folder
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
