#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the suites of tests/suites.ini and adds up what they count.

    tests/run_all.py [--when check|quick|all] [--build DIR] [--suites FILE] [SUITE...]

Each suite's output goes to <build>-test/<suite>.log; a failed suite's last lines are shown. The
last line is `N passed, N failed, N skipped` over all suites. A suite counts as one failure when it runs
out of time, ends with a failure that its counts do not show, or prints no count: silence is not
success. Skips are listed with their reasons.
"""

import argparse
import configparser
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests"))

from suite_counts import Counts, NoCount, counts_of  # noqa: E402  (the path must be set first)

SHOWN_LINES = 80
FAILURE = re.compile(r"\s*(FAIL|not ok|.*\berror:|test .* FAILED)")
LEVELS = {"check": ("check",), "quick": ("check", "quick"), "all": ("check", "quick", "all")}


def load_suites(path, build):
    """The suites in the order of the file, with {build} and {jobs} filled in."""
    parser = configparser.ConfigParser(interpolation=None)
    with open(path, encoding="utf-8") as f:
        parser.read_file(f)
    words = {"{build}": build, "{jobs}": str(os.cpu_count() or 1)}
    suites = []
    for name in parser.sections():
        suite = dict(parser[name], name=name)
        for word, value in words.items():
            for key in ("command", "counts"):
                suite[key] = suite[key].replace(word, value)
        suites.append(suite)
    return suites


def reason_to_skip(suite):
    """Why the suite cannot run here, or None."""
    path = suite.get("path")
    if path and not os.path.exists(os.path.join(ROOT, path)):
        return "%s is not in this tree" % path
    missing = [c for c in suite.get("needs", "").split() if not shutil.which(c)]
    return "not installed: %s" % " ".join(missing) if missing else None


def run_command(suite, build, log_path):
    """The exit status, or None when the time was up; everything that it started is ended then."""
    env = dict(os.environ, MEMSCOPE_BUILD=build, CMOCKA_MESSAGE_OUTPUT="TAP", LC_ALL="C.UTF-8")
    with open(log_path, "wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", suite["command"]],
            cwd=ROOT,
            env=env,
            stdout=log,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return process.wait(timeout=float(suite["timeout_s"]))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None
        except KeyboardInterrupt:
            os.killpg(process.pid, signal.SIGKILL)
            raise


def run_suite(suite, build, log_dir):
    """The counts of one suite, and the sentence when it went wrong."""
    reason = reason_to_skip(suite)
    if reason:
        return Counts(skipped=["%s: %s" % (suite["name"], reason)]), None
    log_path = os.path.join(log_dir, suite["name"] + ".log")
    started = time.time()
    status = run_command(suite, build, log_path)
    if status is None:
        return Counts(failed=1), "not done after %s s" % suite["timeout_s"]
    try:
        counts = counts_of(suite["counts"], ROOT, log_path, started)
    except NoCount as why:
        return Counts(failed=1), "exit status %d, no count: %s" % (status, why)
    counts.skipped = ["%s: %s" % (suite["name"], s) for s in counts.skipped]
    if status != 0 and counts.failed == 0:
        counts.failed = 1
        return counts, "exit status %d" % status
    if counts.passed + counts.failed == 0 and not counts.skipped:
        return Counts(failed=1), "it ran no test"
    return counts, "%d failed" % counts.failed if counts.failed else None


def show_failures(log_path):
    """The lines of a failed suite's log that tell of failures, or its end when none do."""
    if not os.path.exists(log_path):
        return
    with open(log_path, encoding="utf-8", errors="replace") as f:
        lines = [line.rstrip("\n") for line in f]
    told, inside = [], False
    for line in lines:
        inside = bool(FAILURE.match(line)) or (inside and line.startswith("    "))
        if inside:
            told.append(line)
    for line in told[:SHOWN_LINES] or lines[-SHOWN_LINES:]:
        print("    | " + line)
    if len(told) > SHOWN_LINES:
        print(
            "    | ... %d more lines in %s" % (len(told) - SHOWN_LINES, os.path.relpath(log_path))
        )


def main():
    parser = argparse.ArgumentParser(description="Runs the suites of tests/suites.ini.")
    parser.add_argument("--when", choices=sorted(LEVELS), default="quick")
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument(
        "--suites", default=os.path.join(ROOT, "tests", "suites.ini"), metavar="FILE"
    )
    parser.add_argument("--list", action="store_true", help="name the suites and end")
    parser.add_argument(
        "names", metavar="SUITE", nargs="*", help="only these, whatever their level"
    )
    args = parser.parse_args()
    build = os.path.abspath(args.build)
    suites = load_suites(args.suites, build)
    unknown = set(args.names) - {s["name"] for s in suites}
    if unknown:
        parser.error("no such suite: %s" % ", ".join(sorted(unknown)))
    chosen = [
        s
        for s in suites
        if (s["name"] in args.names if args.names else s["when"] in LEVELS[args.when])
    ]
    if args.list:
        print("\n".join("%-14s %s" % (s["name"], s["when"]) for s in chosen))
        return 0
    log_dir = build + "-test"
    os.makedirs(log_dir, exist_ok=True)
    total = Counts()
    for suite in chosen:
        started = time.monotonic()
        print("%-13s ..." % suite["name"], flush=True)
        counts, wrong = run_suite(suite, build, log_dir)
        total.add(counts)
        print(
            "%-13s %4d passed, %d failed, %d skipped   %.0f s%s"
            % (
                suite["name"],
                counts.passed,
                counts.failed,
                len(counts.skipped),
                time.monotonic() - started,
                "   FAILED: " + wrong if wrong else "",
            ),
            flush=True,
        )
        if wrong:
            show_failures(os.path.join(log_dir, suite["name"] + ".log"))
    for reason in total.skipped:
        print("skipped  " + reason)
    print("%d passed, %d failed, %d skipped" % (total.passed, total.failed, len(total.skipped)))
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
