#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what memscope and other heap profilers cost, on the same programs in the same run.

    bench/run.py --memscope PATH [--rounds N] [--only NAME]... [--tools NAME]... [--slow]

In each round every tool runs every program once, so that a disturbance of the machine meets all of
them alike; a ratio is taken within a round, and the table shows the median over rounds. Wall time
is from start to the end of the command, CPU time is that of everything it left running, too. --slow
adds valgrind's tools. Run it on a machine that does nothing else.
"""

import argparse
import ctypes
import json
import math
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from programs import all_programs  # noqa: E402  (the path must be set first)
from tools import all_tools  # noqa: E402

PR_SET_CHILD_SUBREAPER = 36
LIMIT_S = 300


def measure(words, env):
    """(wall seconds, CPU seconds of the whole family), or None when it failed or took too long."""
    started = time.monotonic()
    process = subprocess.Popen(
        words,
        env=dict(os.environ, **env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    signal.alarm(LIMIT_S)
    wall, cpu, status = None, 0.0, None
    try:
        while True:
            pid, ended, usage = os.wait4(-1, 0)
            cpu += usage.ru_utime + usage.ru_stime
            if pid == process.pid:
                wall, status = time.monotonic() - started, ended
    except ChildProcessError:
        pass
    except TimeoutError:
        process.kill()
        os.waitpid(process.pid, 0)
    signal.alarm(0)
    process.returncode = 0
    return (wall, cpu) if status == 0 else None


def measure_all(programs, tools, rounds, folder):
    """{program: {tool: [(wall, cpu) or None, one per round]}}."""
    found = {p.name: {t.name: [] for t in tools} for p in programs}
    out = os.path.join(folder, "out")
    for number in range(rounds):
        for program in programs:
            print(
                "\rround %d of %d: %-12s" % (number + 1, rounds, program.name),
                end="",
                file=sys.stderr,
                flush=True,
            )
            for tool in tools:
                os.makedirs(out)
                words, env = tool.wrap(program.words, out)
                found[program.name][tool.name].append(measure(words, dict(program.env, **env)))
                shutil.rmtree(out)
    print("\r" + " " * 40 + "\r", end="", file=sys.stderr)
    return found


def ratios(runs, bare, column):
    """Ratio to bare in each round where both ran."""
    return [r[column] / b[column] for r, b in zip(runs, bare) if r and b and b[column] > 0]


def cell(values):
    if not values:
        return "fails"
    spread = (max(values) - min(values)) / 2
    return "%.2f ±%.2f" % (statistics.median(values), spread)


def table_text(programs, tools, found, column):
    """One row per program, one column per tool, and geometric means."""
    names = [t.name for t in tools if t.name != "bare"]
    lines = ["%-11s%9s" % ("", "bare") + "".join("%15s" % n for n in names)]
    medians = {True: {n: [] for n in names}, False: {n: [] for n in names}}
    for program in programs:
        bare = found[program.name]["bare"]
        good = [b[column] for b in bare if b]
        row = "%-11s%8.2fs" % (program.name, statistics.median(good) if good else float("nan"))
        for name in names:
            values = ratios(found[program.name][name], bare, column)
            row += "%15s" % cell(values)
            if values:
                medians[program.is_micro][name].append(statistics.median(values))
        lines.append(row)
    for is_micro, title in ((True, "geo, loops"), (False, "geo, real")):
        row = "%-20s" % title
        for name in names:
            values = medians[is_micro][name]
            row += "%15s" % (
                "%.2f" % math.exp(statistics.fmean(map(math.log, values))) if values else "-"
            )
        lines.append(row)
    return "\n".join(lines)


def on_alarm(_signal, _frame):
    raise TimeoutError


def parse():
    parser = argparse.ArgumentParser(description="Compares the cost of heap profilers.")
    parser.add_argument("--memscope", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", metavar="PROGRAM")
    parser.add_argument("--tools", action="append", metavar="TOOL")
    parser.add_argument("--slow", action="store_true", help="valgrind's tools too")
    parser.add_argument("--json", metavar="FILE")
    return parser.parse_args()


def main():
    args = parse()
    signal.signal(signal.SIGALRM, on_alarm)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory(prefix="memscope-bench-") as folder:
        programs, missing = all_programs(folder, HERE)
        tools = [t for t in all_tools(os.path.abspath(args.memscope)) if args.slow or not t.slow]
        missing += ["%s: %s" % (t.name, t.missing) for t in tools if t.missing]
        tools = [
            t
            for t in tools
            if not t.missing and (not args.tools or t.name in args.tools + ["bare"])
        ]
        programs = [p for p in programs if not args.only or p.name in args.only]
        found = measure_all(programs, tools, args.rounds, folder)
    for reason in missing:
        print("left out  " + reason)
    print("\nWall time, ratio to bare: median of %d rounds ± half the range\n" % args.rounds)
    print(table_text(programs, tools, found, 0))
    print("\nCPU time of program and profiler together, ratio to bare\n")
    print(table_text(programs, tools, found, 1))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(found, f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
