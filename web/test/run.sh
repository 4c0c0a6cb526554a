#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs every test of the page: types, logic, then the browser; the last line counts. `run.sh logic` leaves the browser out.
set -u
cd "$(dirname "$0")/.."
node_modules/.bin/tsc --noEmit || { echo "web: types do not check"; exit 1; }
node build.mjs || exit 1
files=(test/metrics.test.mjs test/page.test.mjs)
[ "${1:-all}" = logic ] || files+=(test/browser.test.mjs test/budget.test.mjs)
log=$(mktemp)
node --test --test-concurrency=1 --test-reporter=tap "${files[@]}" >"$log"
status=$?
grep -vE '^ *(---|\.\.\.|duration_ms|type:|# Subtest)' "$log"
passed=$(sed -n 's/^# pass //p' "$log")
failed=$(sed -n 's/^# fail //p' "$log")
rm -f "$log"
echo "web: ${passed:-0} passed, ${failed:-?} failed"
exit $status
