#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What verbs say and write at the command line: view, compare, check, report, live.

usage: tests/verbs/run.py [--memscope FILE] [WORD...]

Words choose tests by their names. Ends with `N passed, N failed, N skipped`.
"""
import argparse
import pathlib
import sys
import tempfile
import traceback

sys.dont_write_bytecode = True

import cases  # noqa: E402  (nothing may be written beside it)
from bench import Bench  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]


def judge(case, bench):
    """("pass", "FAIL" or "skip", why)."""
    try:
        skipped = case(bench)
    except Exception:  # one test's failure is not the next one's
        return "FAIL", traceback.format_exc()
    return ("skip", skipped) if skipped else ("pass", "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memscope", type=pathlib.Path,
                        default=ROOT / "build" / "src" / "cli" / "memscope")
    parser.add_argument("words", nargs="*")
    arguments = parser.parse_args()
    counts = {"pass": 0, "FAIL": 0, "skip": 0}
    with tempfile.TemporaryDirectory(prefix="memscope-verbs-") as folder:
        bench = Bench(arguments.memscope.resolve(), pathlib.Path(folder))
        for case in cases.CASES:
            if arguments.words and not any(word in case.__name__ for word in arguments.words):
                continue
            result, why = judge(case, bench)
            counts[result] += 1
            print(f"{result}  {case.__name__}  {why}".rstrip(), flush=True)
    print(f"{counts['pass']} passed, {counts['FAIL']} failed, {counts['skip']} skipped")
    return counts["FAIL"] != 0 or counts["pass"] == 0


if __name__ == "__main__":
    sys.exit(main())
