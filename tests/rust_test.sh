#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The Rust crate: its tests, and that rustfmt, clippy and rustdoc have nothing to say.
#
# usage: tests/rust_test.sh BUILD
set -uo pipefail
MEMSCOPE_BUILD=$(realpath "$1")
export MEMSCOPE_BUILD CARGO_TERM_COLOR=never
cd "$(dirname "$0")/../bindings/rust" || exit 1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0 skipped=0

if ! cargo fetch --quiet 2>"$log"; then
    echo "skip  the crates cannot be fetched: $(tail -n 1 "$log")"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi

# quiet TOOL NAME COMMAND...: one test; the command must end with 0.
quiet() {
    local tool=$1 name=$2
    shift 2
    if ! $tool --version >/dev/null 2>&1; then
        echo "skip  $name: $tool is not installed"
        skipped=$((skipped + 1))
    elif "$@" >"$log" 2>&1; then
        echo "pass  $name"
        passed=$((passed + 1))
    else
        echo "FAIL  $name"
        tail -n 40 "$log" | sed 's/^/      /'
        failed=$((failed + 1))
    fi
}

cargo test --quiet --no-fail-fast >"$log" 2>&1 || { grep -vE '^(running|$)' "$log" | tail -n 60; }
while read -r ok bad ignored; do
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + ignored))
done < <(sed -n 's/^test result: .* \([0-9]*\) passed; \([0-9]*\) failed; \([0-9]*\) ignored.*/\1 \2 \3/p' "$log")
if [ $((passed + failed)) -eq 0 ]; then
    tail -n 40 "$log"
    failed=1
fi
quiet rustfmt "rustfmt has nothing to change" cargo fmt --check
quiet "cargo clippy" "clippy has nothing to say" cargo clippy --quiet --all-targets -- -D warnings
RUSTDOCFLAGS="-D warnings" quiet rustdoc "rustdoc has nothing to say" cargo doc --quiet --no-deps
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
