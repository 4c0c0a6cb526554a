#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One recording of many events: does memory stay flat, and how soon is there a report?

    bench/long.py --memscope build/src/cli/memscope [--events 1000000000] [--threads 1]

While the loop of churn.c runs under memscope, its own memory, that of the collector and of all
that the two share are read from /proc once a second (what they have alone is private to each, the
ring is counted once). Printed are ten moments of the run, and what the report took.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
MOMENTS = 10


def memory(pid):
    """Private and shared resident bytes of a process, and what it is; None: it is gone."""
    figures = {}
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as text:
            for line in text:
                words = line.split()
                if len(words) == 3 and words[2] == "kB":
                    figures[words[0][:-1]] = int(words[1]) * 1024
        with open(f"/proc/{pid}/exe", "rb"):
            name = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return None
    private = figures.get("Private_Clean", 0) + figures.get("Private_Dirty", 0)
    shared = figures.get("Shared_Clean", 0) + figures.get("Shared_Dirty", 0)
    return name, private, shared


def family(pid):
    """The process and all that it started."""
    found = [pid]
    for one in found:
        try:
            with open(f"/proc/{one}/task/{one}/children", encoding="ascii") as text:
                found += [int(word) for word in text.read().split()]
        except OSError:
            continue
    return found


def look(pid, recording):
    """The loop's private bytes, the others' together, the most that is shared, and the file's."""
    target, others, shared = 0, 0, 0
    for one in family(pid):
        seen = memory(one)
        if not seen:
            continue
        if seen[0] == "churn":
            target = max(target, seen[1])
        else:
            others += seen[1]
        shared = max(shared, seen[2])
    size = os.path.getsize(recording) if os.path.exists(recording) else 0
    return target, others, shared, size


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memscope", required=True)
    parser.add_argument("--events", type=int, default=10**9)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        loop = os.path.join(folder, "churn")
        words = ["cc", "-O2", "-o", loop, os.path.join(HERE, "churn.c"), "-lpthread"]
        subprocess.run(words, check=True)
        recording = os.path.join(folder, "long.mscope")
        pairs = options.events // 2 // options.threads
        words = [options.memscope, "run", "-q", "-o", recording, "--"]
        words += [loop, "5", str(pairs), str(options.threads)]
        begin = time.monotonic()
        seen = []
        with subprocess.Popen(words) as run:
            while run.poll() is None:
                time.sleep(1)
                seen.append((time.monotonic() - begin, *look(run.pid, recording)))
        took = time.monotonic() - begin
        seen = [moment for moment in seen if moment[1]]
        print(f"{options.events} events in {took:.1f} s, status {run.returncode}")
        print("      s   target KiB   memscope KiB   shared KiB   file KiB")
        for i in range(min(MOMENTS, len(seen))):
            at, *bytes_of = seen[i * (len(seen) - 1) // max(1, min(MOMENTS, len(seen)) - 1)]
            target, others, shared, size = (n // 1024 for n in bytes_of)
            print(f"{at:7.1f} {target:12} {others:14} {shared:12} {size:10}")
        begin = time.monotonic()
        words = [options.memscope, "report", "-e", "json", "-o", recording + ".json", recording]
        status = subprocess.run(words, check=False, stdout=subprocess.DEVNULL).returncode
        print(f"report with JSON: {time.monotonic() - begin:.2f} s, status {status}; "
              f"file {os.path.getsize(recording)} bytes")
        return run.returncode or status


if __name__ == "__main__":
    sys.exit(main())
