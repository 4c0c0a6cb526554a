#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Profiles the C compiler on one of memscope's own files, and names the report.
#
# usage: packaging/demo.sh MEMSCOPE
set -eu

memscope=$1
out=$(dirname "$memscope")/demo
source=$(ls src/heap/*.c src/*/*.c | head -n 1)
mkdir -p "$out"
echo "memscope run cc -O2 -c $source"
"$memscope" run -o "$out/demo.mscope" -- \
    cc -O2 -g -D_GNU_SOURCE -Isrc -Iinclude -c "$source" -o "$out/demo.o"
echo "The recording: $out/demo.mscope"
