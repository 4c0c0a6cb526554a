#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a run costs before the program's first line and after its last.

    bench/ends.py --memscope PATH [--rounds N] [--only NAME]... [--json FILE]

Prints, bare, under memscope -q and under heaptrack where there is one: the milliseconds from the
start of the command to main of a small program and that program's resident memory there, the time
that `true` takes as a whole, and for each real program the time from its own end to the end of the
command. Medians of the rounds. Run it on a machine that does nothing else.
"""

import argparse
import json
import os
import select
import shutil
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

LIMIT_MS = 60000
LOOK_S = 0.002
NAMES = ("sqlite", "python", "jq", "xmllint", "perl", "cc1", "cc1plus")
MAIN_TEXT = """#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int main(int n, char **words)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    free(malloc((size_t)n));
    FILE *pages = fopen("/proc/self/statm", "r"), *out = fopen(words[1], "w");
    long all = 0, resident = 0;
    if (!pages || !out || fscanf(pages, "%ld %ld", &all, &resident) != 2)
        return 1;
    fprintf(out, "%lld.%09ld %ld", (long long)now.tv_sec, now.tv_nsec, resident);
    return fclose(out) != 0;
}
"""


def begin(words, env=None):
    """The command as a process, and when it began."""
    null = subprocess.DEVNULL
    started = time.monotonic()
    process = subprocess.Popen(
        words, env=dict(os.environ, **(env or {})), stdin=null, stdout=null, stderr=null
    )
    return process, started


def first_line(prefix, small, folder):
    """Seconds from the start of the command to main, and bytes resident there."""
    out = os.path.join(folder, "first")
    process, started = begin(prefix + [small, out])
    if process.wait() != 0:
        return None
    with open(out, encoding="ascii") as f:
        at, pages = f.read().split()
    return float(at) - started, int(pages) * os.sysconf("SC_PAGE_SIZE")


def whole(prefix, folder):
    """Seconds that `true` takes."""
    process, started = begin(prefix + ["true"])
    process.wait()
    return time.monotonic() - started, 0


def own_process(process, path):
    """The process below the command that runs the file; None: the command ended before."""
    while process.poll() is None:
        for pid in [process.pid] + family.children(process.pid):
            try:
                if os.path.samefile("/proc/%d/exe" % pid, path):
                    return pid
            except OSError:
                pass
        time.sleep(LOOK_S)
    return None


def tail(prefix, program, folder):
    """Seconds from the program's end to the command's."""
    path = shutil.which(program.words[0])
    process, _ = begin(prefix + program.words, program.env)
    pid = own_process(process, path)
    ended = None
    try:
        fd = os.pidfd_open(pid) if pid else -1
        if fd >= 0:
            watch = select.poll()
            watch.register(fd, select.POLLIN)
            if watch.poll(LIMIT_MS):
                ended = time.monotonic()
            os.close(fd)
    except OSError:
        pass
    status = process.wait()
    return (time.monotonic() - ended, 0) if ended and status == 0 else None


def median_of(measure, rounds, *words):
    """Medians of the two figures that measure gives, or None where it failed."""
    found = [one for one in (measure(*words) for _ in range(rounds)) if one]
    if not found:
        return None
    return [statistics.median(values) for values in zip(*found)]


def tools(memscope, folder):
    """What the commands begin with, by the tool's name."""
    out = os.path.join(folder, "out")
    found = {"bare": [], "memscope": [memscope, "run", "-q", "-o", out + ".mscope", "--"]}
    if shutil.which("heaptrack"):
        found["heaptrack"] = ["heaptrack", "-o", out]
    return found


def show(name, cells):
    print("%-24s" % name + "".join("%12s" % cell for cell in cells), flush=True)


def milliseconds(found):
    return "fails" if not found else "%.1f ms" % (1000 * found[0])


def measure_all(args, prefixes, folder):
    """Prints the table; returns its rows, in seconds and bytes."""
    small = os.path.join(folder, "first_line")
    subprocess.run(["cc", "-O2", "-x", "c", "-o", small, "-"], input=MAIN_TEXT.encode(), check=True)
    show("", prefixes)
    rows = {}
    found = {t: median_of(first_line, args.rounds, p, small, folder) for t, p in prefixes.items()}
    rows["main"] = found
    show("to main", map(milliseconds, found.values()))
    show("resident in main", ["%.1f MB" % (f[1] / 1e6) if f else "fails" for f in found.values()])
    found = {t: median_of(whole, args.rounds, p, folder) for t, p in prefixes.items()}
    rows["true"] = found
    show("true as a whole", map(milliseconds, found.values()))
    rounds = max(3, args.rounds // 4)
    for program in real_programs(folder):
        if program.name not in (args.only or NAMES) or not shutil.which(program.words[0]):
            continue
        found = {
            t: median_of(tail, rounds, p, program, folder) for t, p in prefixes.items() if p
        }
        rows[program.name] = found
        show("after " + program.name, ["-", *map(milliseconds, found.values())])
    return rows


def parse():
    parser = argparse.ArgumentParser(description="Measures what begin and end of a run cost.")
    parser.add_argument("--memscope", required=True)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", action="append", metavar="PROGRAM")
    parser.add_argument("--json", metavar="FILE")
    return parser.parse_args()


def main():
    args = parse()
    with tempfile.TemporaryDirectory(prefix="memscope-bench-") as folder:
        rows = measure_all(args, tools(os.path.abspath(args.memscope), folder), folder)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(dict(rounds=args.rounds, rows=rows), f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
