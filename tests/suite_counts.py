# SPDX-License-Identifier: Apache-2.0
"""How many tests of a suite passed, failed and were skipped, read from what the suite left behind.

One reader per kind of runner. A reader raises NoCount rather than guess.
"""

import json
import os
import re


class NoCount(Exception):
    """The suite left nothing that can be counted; the message says what was looked for."""


class Counts:
    """Passed and failed tests, and the reasons of the skipped ones."""

    def __init__(self, passed=0, failed=0, skipped=()):
        self.passed, self.failed, self.skipped = passed, failed, list(skipped)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


TAP = re.compile(r"^\s*(not )?ok\b(?: \d+)?(?: -)?\s*(.*)$", re.M)
RESULT_LINE = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$")
SKIP_LINE = re.compile(r"^\s*skip(?:ped)?\b:?[ \t]+(.*(?:\n {4,}\S.*)?)$", re.M | re.I)


def tap_counts(text):
    """Counts of the TAP lines in a text."""
    counts = Counts()
    for m in TAP.finditer(text):
        if re.search(r"#\s*skip", m[2], re.I):
            counts.skipped.append(re.sub(r"\s*#\s*skip\s*", " ", m[2], flags=re.I).strip())
        elif m[1]:
            counts.failed += 1
        else:
            counts.passed += 1
    return counts


def meson_test_counts(record):
    """Counts of one test of Meson's log: its TAP lines, or itself when it prints none."""
    counts = tap_counts(record.get("stdout") or "")
    result = record["result"]
    if result == "SKIP":
        return Counts(skipped=[record["name"] + ": " + (record.get("stdout") or "").strip()[-200:]])
    if counts.passed + counts.failed + len(counts.skipped) == 0:
        return Counts(passed=1) if result in ("OK", "EXPECTEDFAIL") else Counts(failed=1)
    if result != "OK" and counts.failed == 0:
        counts.failed = 1
    return counts


def meson_counts(build, started):
    """Counts over Meson's log of its last run, which must be newer than the suite's start."""
    path = os.path.join(build, "meson-logs", "testlog.json")
    if not os.path.exists(path) or os.path.getmtime(path) < started - 1:
        raise NoCount("no log of `meson test`")
    total = Counts()
    with open(path, encoding="utf-8") as f:
        for line in f:
            total.add(meson_test_counts(json.loads(line)))
    return total


def line_counts(text):
    """Counts of the last line `N passed, N failed[, N skipped]`, with the skips that are named."""
    lines = [m for m in map(RESULT_LINE.match, text.splitlines()) if m]
    if not lines:
        raise NoCount("no line `N passed, N failed`")
    last = lines[-1]
    wanted = int(last[3] or 0)
    named = [" ".join(reason.split()) for reason in SKIP_LINE.findall(text)][:wanted]
    return Counts(int(last[1]), int(last[2]), named + ["no reason given"] * (wanted - len(named)))


def node_counts(text):
    """Counts of node's own test runner, whose summary lines begin with `#` or an i in a circle."""
    found = {}
    for m in re.finditer(r"^[#\u2139 ]*(pass|fail|cancelled|skipped|todo) (\d+)$", text, re.M):
        found[m[1]] = found.get(m[1], 0) + int(m[2])
    if "pass" not in found or "fail" not in found:
        raise NoCount("no summary of node's test runner")
    skipped = found.get("skipped", 0) + found.get("todo", 0)
    named = re.findall(r"#\s*SKIP\s+(.*)$", text, re.M)[:skipped]
    return Counts(
        found["pass"],
        found["fail"] + found.get("cancelled", 0),
        named + ["skipped in its source"] * (skipped - len(named)),
    )


def cargo_counts(text):
    """Counts of every `test result:` line of cargo test."""
    rows = re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", text, re.M)
    if not rows:
        raise NoCount("no `test result:` line")
    ignored = re.findall(r"^test (.*) \.\.\. ignored", text, re.M)
    return Counts(sum(int(r[0]) for r in rows), sum(int(r[1]) for r in rows), ignored)


KINDS = {"line": line_counts, "node": node_counts, "cargo": cargo_counts}


def counts_of(kind, root, log_path, started):
    """The counts of a suite that has ended, read as its entry in suites.ini says."""
    if kind.startswith("meson:"):
        return meson_counts(os.path.join(root, kind[len("meson:") :]), started)
    with open(log_path, encoding="utf-8", errors="replace") as f:
        text = re.sub(r"\x1b\[[0-9;]*m", "", f.read())
    return KINDS[kind](text)
