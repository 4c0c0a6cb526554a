#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares our reading of call frame information with readelf's, row by row, for shared objects
of the system: usage rules_test.py RULES_DUMP OBJECT..."""
import os
import re
import subprocess
import sys

ROWS_MAX = 60000
ADDRESS = re.compile(r"^[0-9a-f]{16} ")
COVERED = re.compile(r"FDE .*pc=([0-9a-f]+)\.\.([0-9a-f]+)")


def rows_of_readelf(path):
    """(offset, CFA, rbp, ra) for each row of each function; of two rows at one offset the last."""
    run = subprocess.Popen(["readelf", "-wF", path], stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True)
    rows, columns, covered = {}, None, None
    for line in run.stdout:
        entry = COVERED.search(line)
        if entry:
            covered = int(entry[1], 16), int(entry[2], 16)
        elif " CIE " in line:
            covered = None
        elif line.startswith("   LOC"):
            columns = line.split()
        elif covered and ADDRESS.match(line):
            values = dict(zip(columns, re.sub(r" \([^)]*\)", "", line).split()))
            offset = int(values["LOC"], 16)
            if covered[0] <= offset < covered[1]:
                rows[offset] = (values["CFA"], values.get("rbp", "u"), values["ra"])
    run.wait()
    return rows


def compare(dump, path):
    rows = rows_of_readelf(path)
    step = len(rows) // ROWS_MAX + 1
    offsets = sorted(rows)[::step]
    answer = subprocess.run([dump, path], input="".join(f"{at:x}\n" for at in offsets), text=True,
                            stdout=subprocess.PIPE, check=True).stdout.splitlines()
    if len(answer) != len(offsets) or not offsets:
        print(f"{path}: {len(offsets)} rows asked, {len(answer)} answered")
        return 1
    wrong = 0
    for at, line in zip(offsets, answer):
        ours = tuple(line.split()[1:])
        if ours != rows[at]:
            wrong += 1
            if wrong <= 10:
                print(f"{path}: {at:x}: readelf {rows[at]}, ours {ours}")
    print(f"{path}: {len(offsets)} rows compared, {wrong} differ")
    return wrong


def main():
    dump, paths = sys.argv[1], sys.argv[2:]
    present = [path for path in paths if os.path.exists(path)]
    if not present:
        return 77
    return 1 if sum(compare(dump, path) for path in present) else 0


sys.exit(main())
