#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds --max-overhead-percent against the clock: real programs, bare and limited, in turns.

    bench/governor.py --memscope PATH [--percent P] [--rounds N] [--only NAME]... [--json FILE]

Processor time is that of the program and of all that memscope runs beside it. Added are the limit,
what was measured, what memscope said of itself, and the floor that it stated: what no rate lowers,
start and end included. A program passes when what was measured is at most the larger of limit and
floor, and memscope's own figure lies within one point of it. Start and end are measured beside it
with the program `true`, and printed. Run it on a machine that does nothing else.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import family  # noqa: E402  (the path must be set first)
from programs import real_programs  # noqa: E402

LIMIT_S = 60
NAMES = ("sqlite", "python", "jq", "xmllint", "perl", "cc1", "cc1plus")


def limited(args, words, out):
    own = [args.memscope, "run", "-q", "-o", out]
    return own + ["--max-overhead-percent", str(args.percent), "--"] + words


def found(args, recording):
    """What memscope said of itself in the recording: its cost and its floor, in per cent."""
    path = recording + ".json"
    words = [args.memscope, "report", recording, "-e", "json", "-o", path]
    try:
        subprocess.run(words, check=True, capture_output=True)
        with open(path, encoding="utf-8", errors="replace") as f:
            facts = {f["key"]: f["value"] for f in json.load(f)["environment"]["facts"]}
    except (OSError, ValueError, KeyError, subprocess.CalledProcessError):
        return None, 0.0
    own = facts.get("overhead_cpu_percent")
    return own and float(own), float(facts.get("overhead_floor_percent", 0))


def seconds(outcome):
    return None if isinstance(outcome, str) else outcome[1]


def measure(args, program, folder):
    """Medians of all rounds: bare seconds, added per cent, its quartiles, own figure, floor."""
    bare, with_it, own, floor = [], [], [], []
    for _ in range(args.rounds):
        out = os.path.join(folder, "out.mscope")
        one = seconds(family.run(program.words, program.env, LIMIT_S))
        two = seconds(family.run(limited(args, program.words, out), program.env, LIMIT_S))
        said, stated = found(args, out)
        if one is None or two is None:
            return None
        bare.append(one)
        with_it.append(two)
        floor.append(stated)
        if said is not None:
            own.append(said)
    base = statistics.median(bare)
    added = 100 * (statistics.median(with_it) - base) / base
    spread = [100 * (q - base) / base for q in statistics.quantiles(with_it, n=4)[::2]]
    return base, added, spread, statistics.median(own) if own else None, statistics.median(floor)


def fixed_cost(args, folder):
    """Processor seconds of memscope's start and end."""
    pairs = []
    for _ in range(args.rounds):
        one = seconds(family.run(["true"], {}, LIMIT_S))
        two = seconds(
            family.run(limited(args, ["true"], os.path.join(folder, "true.mscope")), {}, LIMIT_S)
        )
        if one is not None and two is not None:
            pairs.append(two - one)
    return statistics.median(pairs) if pairs else 0.0


def parse():
    parser = argparse.ArgumentParser(description="Measures whether the percent budget is kept.")
    parser.add_argument("--memscope", required=True)
    parser.add_argument("--percent", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", action="append", metavar="PROGRAM")
    parser.add_argument("--json", metavar="FILE")
    return parser.parse_args()


def main():
    args = parse()
    args.memscope = os.path.abspath(args.memscope)
    family.adopt()
    rows = {}
    with tempfile.TemporaryDirectory(prefix="memscope-bench-") as folder:
        fixed_s = fixed_cost(args, folder)
        print("start and end  %.1f ms of processor time" % (1000 * fixed_s))
        heads = ("", "bare", "added", "quartiles", "own", "floor", "kept")
        print("%-10s%8s%10s %-15s%10s%10s  %s" % heads)
        for program in real_programs(folder):
            if program.name not in (args.only or NAMES):
                continue
            outcome = measure(args, program, folder)
            if not outcome:
                print("%-10s fails" % program.name)
                continue
            base, added, spread, own, floor = outcome
            kept = added <= max(args.percent, floor) and own is not None and abs(own - added) <= 1
            rows[program.name] = dict(
                bare_s=base,
                added_percent=added,
                added_quartiles=spread,
                own_percent=own,
                floor_percent=floor,
                kept=kept,
            )
            shown = "-" if own is None else "%.1f %%" % own
            between = "(%.1f to %.1f)" % tuple(spread)
            line = (program.name, base, added, between, shown, floor, "yes" if kept else "no")
            print("%-10s%7.2fs%8.1f %% %-15s%10s%8.1f %%  %s" % line, flush=True)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            found_all = dict(percent=args.percent, rounds=args.rounds, fixed_s=fixed_s)
            json.dump(dict(found_all, programs=rows), f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
