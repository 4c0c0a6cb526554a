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

sys.dont_write_bytecode = True

import cases  # noqa: E402  (nothing may be written beside it)
from bench import Bench  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))
import verdicts  # noqa: E402  (found by the line above)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memscope", type=pathlib.Path,
                        default=ROOT / "build" / "src" / "cli" / "memscope")
    parser.add_argument("words", nargs="*")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="memscope-verbs-") as folder:
        bench = Bench(arguments.memscope.resolve(), pathlib.Path(folder))
        wanted = [case for case in cases.CASES
                  if not arguments.words or any(word in case.__name__ for word in arguments.words)]
        counts = verdicts.tell((case.__name__, *verdicts.judge(case, bench)) for case in wanted)
    return counts["FAIL"] != 0 or counts["pass"] == 0


if __name__ == "__main__":
    sys.exit(main())
