#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sessions under way: ps, live, snapshot, stop, ctl, how they begin and how they end.

usage: tests/control/run.py [--memscope FILE] [--targets DIR] [--quick | --all] [WORD...]

Words choose tests by their names. --all also kills target and collector together 50 times.
Ends with `N passed, N failed, N skipped`.
"""
import argparse
import concurrent.futures
import pathlib
import random
import sys
import tempfile

import cases
from bench import Bench

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))
import verdicts  # noqa: E402  (found by the line above)

KILLS = 50
KILLS_AT_ONCE = 4


def run_case(case, arguments):
    """None: it holds; a string: why it was skipped. Raises what went wrong."""
    with tempfile.TemporaryDirectory(prefix="memscope-control-",
                                     ignore_cleanup_errors=True) as folder:
        bench = Bench(arguments.memscope.resolve(), arguments.targets.resolve(),
                      pathlib.Path(folder))
        try:
            return case(bench)
        finally:
            bench.done()


def kills():
    """Double kills at random moments of a session."""
    rng = random.Random(1)
    for number in range(KILLS):
        seconds = rng.uniform(0.3, 12)
        yield f"double_kill_{number}", lambda bench, s=seconds: cases.double_kill(bench, s)


def judge(named, arguments):
    """Runs a case: (its name, "pass", "FAIL" or "skip", why)."""
    name, case = named
    return (name, *verdicts.judge(run_case, case, arguments))


def results(arguments):
    def wanted(cases_):
        return [(name, case) for name, case in cases_
                if not arguments.words or any(word in name for word in arguments.words)]
    for named in wanted((case.__name__, case) for case in cases.QUICK):
        yield judge(named, arguments)
    if arguments.all:  # these mostly wait
        with concurrent.futures.ThreadPoolExecutor(KILLS_AT_ONCE) as pool:
            yield from pool.map(lambda named: judge(named, arguments), wanted(kills()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memscope", type=pathlib.Path,
                        default=ROOT / "build" / "src" / "cli" / "memscope")
    parser.add_argument("--targets", type=pathlib.Path, default=None)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("words", nargs="*")
    arguments = parser.parse_args()
    if not arguments.targets:
        arguments.targets = arguments.memscope.parents[2] / "tests" / "targets"
    return verdicts.tell(results(arguments))["FAIL"] != 0


if __name__ == "__main__":
    sys.exit(main())
