#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fuzzes each target for a while with libFuzzer under ASan and UBSan, beginning with its corpus.
#
# usage: fuzz/run.sh SECONDS [TARGET...]
#
# New inputs go to build-fuzz/corpus/TARGET, crashes to build-fuzz/crash-*. A crash ends with 1; add
# its input to fuzz/corpus/TARGET with the mend, so that it runs as a test ever after.
set -eu

seconds=$1
shift
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- $(cd fuzz/corpus && ls)
TARGETS=$(printf 'fuzz/fuzz_%s ' "$@") tests/build_with.sh build-fuzz clang -Db_sanitize=address,undefined -Dfuzzer=true >build-fuzz.log ||
    { cat build-fuzz.log; exit 1; }
rm -f build-fuzz.log
status=0
for target in "$@"; do
    mkdir -p "build-fuzz/corpus/$target"
    echo "== $target, $seconds s"
    "build-fuzz/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="build-fuzz/crash-$target-" \
        "build-fuzz/corpus/$target" "fuzz/corpus/$target" >"build-fuzz/$target.log" 2>&1 ||
        { status=1; tail -n 40 "build-fuzz/$target.log"; }
    grep -E 'number_of_executed_units|new_units_added' "build-fuzz/$target.log" || :
done
exit "$status"
