#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Leak verdicts on real programs whose answer is known: none may be called what it is not.

usage: tests/leaks/run.py [--memscope FILE] [--ms N] [--jobs N] [WORD...]

Each kind of tests/leaks/kinds.c runs under memscope; its verdict in the JSON report must be one that
kinds.c allows, a program that leaks must have a finding that says so and one that does not must
have none, and the terminal's summary must agree. Ends with `N passed, N failed, N skipped`.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TIMEOUT_S = 120


def build(work):
    out = work / "kinds"
    subprocess.run([os.environ.get("CC", "cc"), "-O1", "-g", "-o", out, HERE / "kinds.c"], check=True)
    return out


def verdict_of(report):
    """The class of the allocating function, "none" when all was freed."""
    for leak in report["leaks"]:
        if "keep" in leak["function"]:
            return leak["class"]
    return "none"


def judge(memscope, program, kind, ms, work):
    """None when the verdict is right, else what is wrong."""
    name, *allowed = kind.split()
    exports = work / (name + ".json")
    command = [memscope, "run", "--summary", "full", "--no-recording", "-e", "json", "-o", exports, "--", program, name, str(ms)]
    done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, text=True, env={**os.environ, "COLUMNS": "120"})
    if done.returncode != 0:
        return "ended with %d: %s" % (done.returncode, done.stderr[-300:])
    report = json.loads(exports.read_text())
    seen = verdict_of(report)
    if seen not in allowed:
        return "%s, should be %s; %s" % (seen, " or ".join(allowed), [report["leaks"][:1], report["processes"][:1], report["duration_ms"], report["timeline"]["start_ns"][:12]])
    grows = any(finding["id"] == "steady-growth" for finding in report["findings"])
    if grows != (seen == "growing"):
        return "verdict %s, but %s finding of growth" % (seen, "a" if grows else "no")
    if ("grows steadily" in done.stderr) != grows:
        return "the summary does not agree with the verdict %s" % seen
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--memscope", default=str(ROOT / "build/src/cli/memscope"))
    parser.add_argument("--ms", type=int, default=1500, help="how long each program runs")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("words", nargs="*")
    arguments = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="memscope-leaks-") as folder, concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        work = pathlib.Path(folder)
        program = build(work)
        kinds = subprocess.run([program, "--list"], capture_output=True, check=True, text=True).stdout.splitlines()
        kinds = [kind for kind in kinds if not arguments.words or any(word in kind for word in arguments.words)]
        for kind, wrong in zip(kinds, pool.map(lambda kind: judge(arguments.memscope, program, kind, arguments.ms, work), kinds)):
            print("%-6s  %s%s" % ("FAIL" if wrong else "passed", kind.split()[0], "\n      " + wrong if wrong else ""), flush=True)
            failed += bool(wrong)
    print("%d passed, %d failed, 0 skipped" % (len(kinds) - failed, failed))
    return 1 if failed or not kinds else 0


if __name__ == "__main__":
    sys.exit(main())
