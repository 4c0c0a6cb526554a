#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long names and lines take, beside the other symbolizers.

    bench/symbol/run.py [--build DIR] [--addresses N] FILE...

FILE is an ELF program with debug information: a debug build of a large Rust or C++ program shows
most. Draws N addresses (20 000) out of its functions and asks the symbolizer, the same through the
helper process, and what is installed of llvm-symbolizer, eu-addr2line and addr2line for them, each
once, in one run. `first` is the time to the first answer.
"""

import argparse
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import time

WAIT_S = 60


def addresses_of(path, n):
    out = subprocess.run(["nm", "--defined-only", path], capture_output=True, text=True).stdout
    found = sorted({int(line.split()[0], 16) for line in out.splitlines() if " t " in line.lower()})
    chosen = random.Random(1).sample(found, min(n, len(found)))
    return [address + 4 for address in chosen]


def timed(command, text):
    """(seconds, processor seconds, MiB at most, stderr), or None: too long."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    try:
        done = subprocess.run(["/usr/bin/env", "time", "-f", "rss %M"] + command, input=text,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              timeout=WAIT_S, errors="replace")
    except subprocess.TimeoutExpired:
        return None
    seconds = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rss = re.search(r"rss (\d+)", done.stderr)
    return seconds, cpu, int(rss[1]) / 1024 if rss else 0, done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--addresses", type=int, default=20000)
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    symbolize = os.path.join(options.build, "tests/unit/symbol/symbolize")
    for file in map(os.path.abspath, options.files):
        chosen = addresses_of(file, options.addresses)
        text = "\n".join(map(hex, chosen))
        print("%s: %.0f MB, %d addresses" % (file, os.path.getsize(file) / 1e6, len(chosen)))
        rows = {
            "memscope": [symbolize, "-q", file],
            "memscope, helper": [symbolize, "-q", "-c", file],
            "llvm-symbolizer": ["llvm-symbolizer", "-i", "-C", "-e", file],
            "eu-addr2line": ["eu-addr2line", "-i", "-f", "-C", "-e", file],
            "addr2line": ["addr2line", "-i", "-f", "-C", "-e", file],
        }
        print("  %-18s %8s %8s %8s %8s" % ("", "first s", "all s", "cpu s", "MiB"))
        for name, command in rows.items():
            if not os.path.exists(command[0]) and not shutil.which(command[0]):
                continue
            result = timed(command, text)
            if not result:
                print("  %-18s  over %d s" % (name, WAIT_S))
                continue
            first = re.search(r"first ([\d.]+) s", result[3])
            print("  %-18s %8s %8.2f %8.2f %8.0f" % (name, first[1] if first else "",
                                                    result[0], result[1], result[2]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
