#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that a lower sample rate never costs more: processor time and memory of the tracker.

    bench/rates.py --memscope PATH [--rounds N] [--only NAME]... [--rate R]... [--json FILE]

Runs real programs bare and at each rate in turns. Processor time is that of the program and of all
that memscope runs beside it, as a ratio to the program by itself: the median of the rounds. Memory
is looked at from outside, in runs of their own, every few milliseconds: what is resident of the
recorder and of memscope's own mappings in the program, at the moment of their highest sum (which
may come when the program has ended). A program passes when
neither rises from one of the guide's rates 1.0, 0.8, 0.5, 0.2 to the next by more than the spread
of the rounds, and both are lower at 0.2 than at 1.0. Run it on a machine that does nothing else.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import family  # noqa: E402  (the path must be set first)
from programs import real_programs  # noqa: E402

LIMIT_S = 60
LOOK_S = 0.005
NAMES = ("xmllint", "python", "cc1plus")
GUIDE = (1.0, 0.8, 0.5, 0.2)
RATES = GUIDE + (0.01,)
LOOKS = 3  # runs that memory is looked at in, of which the middle one counts
SLACK = {"cpu_ratio": 0.02, "memory_kb": 0.05}  # what a median of few moves by


def recorded(args, rate, words, folder):
    out = os.path.join(folder, "out.mscope")
    return [args.memscope, "run", "-q", "--sample-rate", str(rate), "-o", out, "--"] + words


def text_of(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def descendants(root):
    """{pid: command name} of all that root has started, and that lives."""
    parents, names = {}, {}
    for name in os.listdir("/proc"):
        stat = text_of("/proc/%s/stat" % name) if name.isdigit() else ""
        if stat:
            command, rest = stat.split("(", 1)[1].rsplit(")", 1)
            parents[int(name)], names[int(name)] = int(rest.split()[1]), command
    found, grown = {root}, True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return {pid: names[pid] for pid in found if pid in names}


def own_kb(pid):
    """Resident memory of memscope's mappings in a program: by name, or flags nobody else gives."""
    total = held = 0
    is_ours = named = False
    for line in text_of("/proc/%d/smaps" % pid).splitlines():
        first = line.split(None, 1)[0]
        if not first.endswith(":"):
            named = len(line.split()) > 5
            is_ours = "memscope" in line
            held = 0
        elif first == "Rss:":
            held = int(line.split()[1])
        elif first == "VmFlags:":
            flags = line.split()[1:]
            if is_ours or (not named and "wf" in flags and "dd" in flags):
                total += held
    return total


def recorder_kb(pid):
    """Without the segment, which is the same memory as in the program."""
    words = [w.split() for w in text_of("/proc/%d/status" % pid).splitlines()]
    return sum(int(w[1]) for w in words if w[:1] == ["RssAnon:"])


def peak_kb(args, rate, program, folder):
    """The highest of (memory in the program, memory of the recorder, sum), looked at together."""
    process = subprocess.Popen(
        recorded(args, rate, program.words, folder),
        env=dict(os.environ, **program.env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    most = (0, 0, 0)
    while process.poll() is None:
        inside = recorder = 0
        for pid, name in descendants(process.pid).items():
            if name.startswith("memscope"):
                recorder += recorder_kb(pid)
            else:
                inside += own_kb(pid)
        most = max(most, (inside + recorder, inside, recorder))
        time.sleep(LOOK_S)
    return most


def measure(args, program, folder):
    """{rate: figures}, or None where the program fails."""
    ratios = {rate: [] for rate in args.rate}
    family.run(program.words, program.env, LIMIT_S)  # its files come from memory from here on
    for _ in range(args.rounds):
        bare = family.run(program.words, program.env, LIMIT_S)
        for rate in args.rate:
            words = recorded(args, rate, program.words, folder)
            outcome = family.run(words, program.env, LIMIT_S)
            if isinstance(bare, str) or isinstance(outcome, str):
                return None
            ratios[rate].append(outcome[1] / bare[1])
    found = {}
    for rate in args.rate:
        looks = [peak_kb(args, rate, program, folder) for _ in range(LOOKS)]
        total, inside, recorder = sorted(looks)[LOOKS // 2]
        found[rate] = {
            "cpu_ratio": statistics.median(ratios[rate]),
            "cpu_least": min(ratios[rate]),
            "cpu_most": max(ratios[rate]),
            "memory_kb": total,
            "memory_inside_kb": inside,
            "memory_recorder_kb": recorder,
        }
    return found


def judge(found):
    """What rises from one of the guide's rates to the next, or does not fall at all."""
    rates = [rate for rate in GUIDE if rate in found]
    wrong = []
    for key in ("cpu_ratio", "memory_kb"):
        for high, low in zip(rates, rates[1:]):
            bound = found[high][key] * (1 + SLACK[key])
            if key == "cpu_ratio":
                bound = max(bound, found[high]["cpu_most"])
            if found[low][key] > bound:
                wrong.append("%s rises from %s to %s" % (key, high, low))
        if len(rates) > 1 and found[rates[-1]][key] >= found[rates[0]][key]:
            wrong.append("%s does not fall" % key)
    return wrong


def parse():
    parser = argparse.ArgumentParser(description="Measures what each sample rate costs.")
    parser.add_argument("--memscope", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", action="append", metavar="PROGRAM")
    parser.add_argument("--rate", action="append", type=float, metavar="R")
    parser.add_argument("--json", metavar="FILE")
    return parser.parse_args()


def main():
    args = parse()
    args.memscope = os.path.abspath(args.memscope)
    args.rate = args.rate or list(RATES)
    family.adopt()
    rows = {}
    with tempfile.TemporaryDirectory(prefix="memscope-bench-") as folder:
        heads = ("", "rate", "CPU", "least to most", "memory", "program", "recorder")
        print("%-10s%6s%8s%16s%12s%12s%12s" % heads)
        for program in real_programs(folder):
            if program.name not in (args.only or NAMES):
                continue
            found = measure(args, program, folder)
            if not found:
                print("%-10s fails" % program.name)
                continue
            for rate, row in found.items():
                spread = "%.2f to %.2f" % (row["cpu_least"], row["cpu_most"])
                cells = (program.name, rate, row["cpu_ratio"], spread, row["memory_kb"])
                cells += (row["memory_inside_kb"], row["memory_recorder_kb"])
                print("%-10s%6g%8.3f%16s%9d kB%9d kB%9d kB" % cells, flush=True)
            wrong = judge(found)
            print("%-10s %s" % ("", "; ".join(wrong) or "neither rises, both fall by 0.2"))
            rows[program.name] = {"rates": found, "wrong": wrong}
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(dict(rounds=args.rounds, programs=rows), f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
