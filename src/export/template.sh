#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the report page's template: template.sh WEB_FOLDER OUTPUT HEADER auto|enabled
# The header changes when the template does, so that what carries it is made anew.
# With "auto", a web build that fails leaves an empty template, and -e html says so.
set -u
web=$1 output=$2 header=$3 mode=$4
log=$output.log

build() {
    cd "$web" || return 1
    if [ ! -x node_modules/.bin/esbuild ]; then
        npm ci --no-audit --no-fund || return 1
    fi
    node build.mjs
}

if (build) >"$log" 2>&1 && [ -s "$web/dist/report.html" ]; then
    cp "$web/dist/report.html" "$output"
elif [ "$mode" = auto ]; then
    echo "the report page is not built (see $log): -e html will not be there" >&2
    : >"$output"
else
    cat "$log" >&2
    exit 1
fi
echo "#define REPORT_TEMPLATE_SUM $(cksum <"$output" | cut -d' ' -f1)" >"$header"
