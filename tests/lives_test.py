#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A day in a quarter of a minute: `lives_test.py BUILD`.

The events of a recorded `ls -l` are fed again and again as if each round took a minute, through
the model and the writer that the recorder has, with a checkpoint every 4 s of that life. Then
`memscope report` reads what is on the disk: the last ten minutes must still be there by the
second, nothing lost, and the file no larger at night than at noon.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HOURS = 24
SECOND_NS = 10**9
LAST_NS = 600 * SECOND_NS
FILE_BYTES_MAX = 8 << 20


def report(memscope, recording, folder):
    path = folder / (recording.stem + ".json")
    subprocess.run([memscope, "report", "-q", "-e", "json", "-o", path, recording], check=True)
    return json.loads(path.read_text(encoding="utf-8"))


def widths_of(timeline):
    """(start, width) of each slice."""
    starts = timeline["start_ns"]
    ends = starts[1:] + [timeline["end_ns"]]
    return [(start, end - start) for start, end in zip(starts, ends)]


def checks_of(before, after, said):
    """Each check: its name, whether it holds, what was seen."""
    fed = dict(zip(("allocations", "allocated_bytes", "frees"), map(int, said["fed"])))
    for key, count in fed.items():
        expected = before["totals"][key] + count
        yield key, after["totals"][key] == expected, f"{after['totals'][key]}, fed {expected}"
    timeline = after["timeline"]
    end = timeline["end_ns"]
    yield "a day", end >= HOURS * 3600 * SECOND_NS, f"{end / 3.6e12:.3f} h"
    last = max(width for start, width in widths_of(timeline) if start >= end - LAST_NS)
    yield "last ten minutes by the second", last <= 1.05 * SECOND_NS, f"{last / SECOND_NS:.2f} s"
    widest = max(width for _, width in widths_of(timeline))
    yield "no slice above an hour", widest <= 3600 * SECOND_NS, f"{widest / SECOND_NS:.0f} s"
    largest = max(said["hours"])
    yield "bounded file", 0 < largest <= FILE_BYTES_MAX, f"{largest} bytes at the most"
    for key in ("allocations", "allocated_bytes"):
        total = sum(timeline[key])
        yield f"slices sum up: {key}", total == after["totals"][key], f"{total}"


def main(build):
    memscope, failed, passed = f"{build}/src/cli/memscope", 0, 0
    with tempfile.TemporaryDirectory(prefix="memscope-lives-") as name:
        folder = Path(name)
        events, day = folder / "events.mscope", folder / "day.mscope"
        subprocess.run(
            [memscope, "run", "-q", "--detailed-tracking", "-o", events, "--", "ls", "-l", "/etc"],
            check=True, stdout=subprocess.DEVNULL)
        out = subprocess.run([f"{build}/tests/targets/day_long", events, day, str(HOURS)],
                             check=True, capture_output=True, text=True).stdout
        said = {"hours": []}
        for words in map(str.split, out.splitlines()):
            if words[0] == "hour":
                said["hours"].append(int(words[2]))
            else:
                said[words[0]] = words[1:]
        for what, holds, seen in checks_of(report(memscope, events, folder),
                                           report(memscope, day, folder), said):
            print(f"{'pass' if holds else 'FAIL'}  {what}: {seen}")
            passed, failed = passed + holds, failed + (not holds)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
