#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the tree into a directory of its own with a given compiler and options of meson setup.
#
# usage: tests/build_with.sh BUILD CC [OPTION...]
#
# The programs that end-to-end tests watch and the HTML page are left out: the build proper tests them.
# TARGETS in the environment names what to build, else everything is built.
# The directory is set up anew when the options differ from those it was last set up with.
set -eu

build=$1 compiler=$2
shift 2
wanted="$compiler $*"
if [ ! -f "$build/build.ninja" ] || [ "$(cat "$build/set-up-with" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$build"
    # Undefined behaviour ends the test; without the frame pointer its report would be cut short.
    flags="-fno-sanitize-recover=all -fno-omit-frame-pointer"
    case $wanted in
    # It does not see fences, and gcc warns of each.
    *b_sanitize=thread*) flags="$flags -Wno-tsan" ;;
    esac
    case $wanted in
    *b_sanitize*) set -- "$@" -Db_lundef=false -Doptimization=1 "-Dc_args=$flags" ;;
    esac
    CC=$compiler meson setup "$build" -Dwerror=true -Dtargets=false -Dweb=disabled "$@" >/dev/null
    echo "$wanted" >"$build/set-up-with"
fi
# shellcheck disable=SC2086  # a list of words
exec ninja -C "$build" ${TARGETS:-}
