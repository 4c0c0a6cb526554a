#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what memscope and other heap profilers cost, on the same programs in the same run.

    bench/run.py --memscope PATH [--rounds N] [--only NAME]... [--tools NAME]... [--slow]
                 [--limit SECONDS] [--json FILE] [--svg FILE] [--list]

In each round every tool runs every program once, so that a disturbance of the machine meets all of
them alike; a ratio is taken within a round, and the table shows the median over rounds. Wall time
is from start to the end of the command, CPU time is that of everything it left running, too. --slow
adds valgrind's tools. Run it on a machine that does nothing else. bench/README.md tells more.
"""

import argparse
import json
import math
import os
import shutil
import statistics
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import family  # noqa: E402  (the path must be set first)
import plot  # noqa: E402
from programs import all_programs  # noqa: E402
from tools import all_tools  # noqa: E402

LIMIT_S, LIMIT_SLOW_S = 60, 300
LONG_S = 5  # a run that takes longer is made once
COLUMNS = 9


def say(text):
    """Shows how far it is, on a terminal only."""
    if sys.stderr.isatty():
        print("\r%-60s\r%s" % ("", text), end="", file=sys.stderr, flush=True)


class Runs:
    """What was measured: of each program and tool one outcome a round."""

    def __init__(self, programs, tools, limit_s):
        self.programs, self.tools, self.limit_s = programs, tools, limit_s
        self.found = {p.name: {t.name: [] for t in tools} for p in programs}

    def once(self, program, tool, folder):
        outcomes = self.found[program.name][tool.name]
        if outcomes and outcomes[0] in ("too long", "no"):
            return outcomes[0]  # once is enough
        if outcomes and not isinstance(outcomes[0], str) and outcomes[0][0] > LONG_S:
            return "once"
        out = os.path.join(folder, "out")
        os.makedirs(out)
        wrapped = tool.wrap(program.words, out)
        outcome = "no"
        if wrapped:
            words, env = wrapped
            limit_s = LIMIT_SLOW_S if tool.slow else self.limit_s
            outcome = family.run(words, dict(program.env, **env), limit_s)
            if tool.leaves and not isinstance(outcome, str) and not os.listdir(out):
                outcome = "no output"
        shutil.rmtree(out)
        return outcome

    def measure(self, rounds, folder):
        for program in self.programs:  # its files come from memory from here on
            self.once(program, self.tools[0], folder)
        for number in range(rounds):
            for program in self.programs:
                for tool in self.tools:
                    at = (number + 1, rounds, program.name, tool.name)
                    say("round %d of %d: %-12s%-16s" % at)
                    outcome = self.once(program, tool, folder)
                    self.found[program.name][tool.name].append(outcome)
        say("")

    def ratios(self, program, tool, column):
        """Ratio to bare in each round where both ran; or why there is none."""
        bare = self.found[program]["bare"]
        pairs = list(zip(self.found[program][tool], bare))
        good = [
            run[column] / base[column]
            for run, base in pairs
            if not isinstance(run, str) and not isinstance(base, str) and base[column] > 0
        ]
        return good or next((run for run, _ in pairs if isinstance(run, str)), "fails")

    def medians(self, column):
        """{program: {tool: median ratio}} of all that ran."""
        found = {}
        for program in self.programs:
            for tool in self.tools:
                values = self.ratios(program.name, tool.name, column)
                if tool.name != "bare" and not isinstance(values, str):
                    row = found.setdefault(program.name, {})
                    row[tool.name] = statistics.median(values)
        return found


def cell(values):
    if isinstance(values, str):
        return "-" if values == "no" else values
    if len(values) == 1:
        return "%.2f once" % values[0]
    return "%.2f ±%.2f" % (statistics.median(values), (max(values) - min(values)) / 2)


def geometric_mean(values):
    return "%.2f" % math.exp(statistics.fmean(map(math.log, values))) if values else "-"


def table_text(runs, column):
    """One row per program, one column per tool, and geometric means; in parts that fit a page."""
    names = [t.name for t in runs.tools if t.name != "bare"]
    parts = [names[i : i + COLUMNS] for i in range(0, len(names), COLUMNS)]
    return "\n\n".join(part_text(runs, column, part) for part in parts)


def part_text(runs, column, names):
    lines = ["%-11s%9s" % ("", "bare") + "".join("%15s" % n for n in names)]
    medians = runs.medians(column)
    for program in runs.programs:
        bare = [b[column] for b in runs.found[program.name]["bare"] if not isinstance(b, str)]
        row = "%-11s%8.2fs" % (program.name, statistics.median(bare) if bare else float("nan"))
        row += "".join("%15s" % cell(runs.ratios(program.name, n, column)) for n in names)
        lines.append(row)
    for is_micro, title in ((True, "geo, loops"), (False, "geo, real")):
        rows = [medians.get(p.name, {}) for p in runs.programs if p.is_micro == is_micro]
        row = "%-20s" % title
        for name in names:
            row += "%15s" % geometric_mean([r[name] for r in rows if name in r])
        lines.append(row)
    return "\n".join(lines)


def json_text(runs, rounds, missing):
    tables = {"wall": runs.medians(0), "cpu": runs.medians(1)}
    return json.dumps(
        {
            "rounds": rounds,
            "programs": {p.name: "loop" if p.is_micro else "real" for p in runs.programs},
            "left_out": missing,
            "ratio_to_bare": tables,
            "seconds_wall_cpu": runs.found,
        },
        indent=1,
    )


def parse():
    parser = argparse.ArgumentParser(description="Compares the cost of heap profilers.")
    parser.add_argument("--memscope", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", metavar="PROGRAM")
    parser.add_argument("--tools", action="append", metavar="TOOL")
    parser.add_argument("--slow", action="store_true", help="valgrind's tools too")
    parser.add_argument("--limit", type=float, default=LIMIT_S, metavar="SECONDS")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--svg", metavar="FILE")
    parser.add_argument("--list", action="store_true", help="name programs and tools, run nothing")
    return parser.parse_args()


def cache_folder():
    """Where what is installed for the bench alone lies, from one run to the next."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.path.join(base, "memscope-bench")
    os.makedirs(folder, exist_ok=True)
    return folder


def choose(args, folder):
    programs, missing = all_programs(folder, HERE)
    programs = [p for p in programs if not args.only or p.name in args.only]
    tools = list(all_tools(os.path.abspath(args.memscope), folder, HERE, cache_folder()))
    if args.tools:
        tools = [t for t in tools if t.name in args.tools + ["bare"]]
    elif not args.slow:
        tools = [t for t in tools if not t.slow]
    missing += ["%s: %s" % (t.name, t.missing) for t in tools if t.missing]
    return programs, [t for t in tools if not t.missing], missing


def report(runs, args, missing):
    for reason in missing:
        print("left out  " + reason)
    print("\nWall time, ratio to bare: median of %d rounds ± half the range\n" % args.rounds)
    print(table_text(runs, 0))
    print("\nCPU time of program and profiler together, ratio to bare\n")
    print(table_text(runs, 1))
    names = [t.name for t in runs.tools if t.name != "bare"]
    for path, text in (
        (args.json, lambda: json_text(runs, args.rounds, missing)),
        (
            args.svg,
            lambda: plot.svg(
                "Wall time, ratio to the program by itself",
                [p.name for p in runs.programs],
                names,
                runs.medians(0),
            ),
        ),
    ):
        if path:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text())


def main():
    args = parse()
    family.adopt()
    with tempfile.TemporaryDirectory(prefix="memscope-bench-") as folder:
        programs, tools, missing = choose(args, folder)
        if args.list:
            print("programs  " + ", ".join(p.name for p in programs))
            print("tools     " + ", ".join(t.name for t in tools))
            print("".join("left out  %s\n" % m for m in missing), end="")
            return 0
        runs = Runs(programs, tools, args.limit)
        runs.measure(args.rounds, folder)
    report(runs, args, missing)
    return 0


if __name__ == "__main__":
    sys.exit(main())
