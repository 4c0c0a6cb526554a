#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every rule of this folder over the tree and prints what breaks it.

    tests/rules/run.py [--root DIR] [RULE...]

A rule is a module with a docstring `name: what holds` and `check(root)`, which gives one sentence
per breach. The last line is `N passed, N failed[, N skipped]`; the self-test, which feeds each rule
a tree that breaks it, runs first: a rule that cannot fail proves nothing.
"""

import argparse
import importlib
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from tree import Skip  # noqa: E402  (the path must be set first)

RULES = [
    "layers",
    "imports",
    "globals",
    "lengths",
    "banned",
    "headers",
    "opening",
    "leftovers",
    "public_docs",
    "documents",
    "foreign",
    "names",
    "format",
]


def run_rule(name, root):
    """('passed' | 'failed' | 'skipped', lines to print)."""
    try:
        found = importlib.import_module(name).check(root)
    except Skip as reason:
        return "skipped", ["skipped %s: %s" % (name, reason)]
    title = importlib.import_module(name).__doc__.splitlines()[0]
    if found:
        return "failed", ["FAILED  " + title] + ["    " + s for s in found]
    return "passed", ["passed  " + title]


def main():
    parser = argparse.ArgumentParser(description="Checks the tree against its rules.")
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(HERE)))
    parser.add_argument("rules", nargs="*", help="only these; all when none is named")
    args = parser.parse_args()
    unknown = set(args.rules) - set(RULES)
    if unknown:
        parser.error("no such rule: %s (there are: %s)" % (", ".join(unknown), " ".join(RULES)))
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    if not args.rules:
        import selftest

        for ok, line in selftest.run():
            counts["passed" if ok else "failed"] += 1
            if not ok:
                print(line)
    for name in args.rules or RULES:
        result, lines = run_rule(name, os.path.abspath(args.root))
        counts[result] += 1
        print("\n".join(lines))
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % counts)
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
