#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Profiles a real program, Python reading and writing some of its own library, and names the report.
#
# usage: packaging/demo.sh MEMSCOPE
#
# Python because every build machine has one (Meson is written in it) and its functions have names
# without debug information. PYTHONMALLOC=malloc: else it takes its objects from arenas of its own.
set -eu

memscope=$1
out=$(dirname "$memscope")/demo
mkdir -p "$out"
cat >"$out/program.py" <<'PROGRAM'
import ast
import inspect
import json

trees = [ast.parse(inspect.getsource(module)) for module in (ast, inspect, json)]
table = {str(i): [i, str(i)] * 4 for i in range(8000)}
text = json.dumps(table) + ast.dump(trees[1])
PROGRAM
# The interpreter itself: `python3` may be a script that looks for one.
python=$(python3 -c 'import sys; print(sys.executable)')

echo "PYTHONMALLOC=malloc memscope run -- python3 $out/program.py"
PYTHONMALLOC=malloc "$memscope" run -e html -o "$out/demo.html" -o "$out/demo.mscope" -- \
    "$python" "$out/program.py"
echo "The report: $out/demo.html (open it in a browser)"
