#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the runner: whatever a suite does, the counts and the exit status show it.

The samples are outputs of the real runners (Meson with cmocka, node 18 and 20, cargo), cut short.
"""

import os
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import run_all  # noqa: E402  (the path must be set first)
import suite_counts  # noqa: E402

NODE = """TAP version 13
# Subtest: adds
ok 1 - adds
ok 2 - needs a browser # SKIP no chromium
1..2
# tests 2
# pass 1
# fail 0
# cancelled 0
# skipped 1
# todo 0
"""
NODE_SPEC = """ℹ tests 3
ℹ suites 0
ℹ pass 1
ℹ fail 1
ℹ cancelled 1
ℹ skipped 0
ℹ todo 0
"""
CARGO = """running 2 tests
test a ... ok
test b ... ignored
test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
   Doc-tests x
test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s
"""


def counted(counts):
    return counts.passed, counts.failed, counts.skipped


class Readers(unittest.TestCase):
    def test_every_suite_says_how_it_is_counted(self):
        for suite in run_all.load_suites(os.path.join(HERE, "suites.ini"), "build"):
            kind = suite["counts"]
            self.assertTrue(kind.startswith("meson:") or kind in suite_counts.KINDS, suite["name"])

    def test_line(self):
        text = "1 passed, 0 failed\nskip  nginx  (0.0 s)\n      not installed\n"
        text += "12 passed, 3 failed, 2 skipped\n"
        self.assertEqual(
            counted(suite_counts.line_counts(text)),
            (12, 3, ["nginx (0.0 s) not installed", "no reason given"]),
        )

    def test_line_missing(self):
        with self.assertRaises(suite_counts.NoCount):
            suite_counts.line_counts("12 passed\n")

    def test_node(self):
        self.assertEqual(counted(suite_counts.node_counts(NODE)), (1, 0, ["no chromium"]))
        self.assertEqual(counted(suite_counts.node_counts(NODE_SPEC)), (1, 2, []))

    def test_cargo(self):
        self.assertEqual(counted(suite_counts.cargo_counts(CARGO)), (3, 1, ["b"]))

    def test_meson_with_tap(self):
        record = {
            "name": "vec",
            "result": "FAIL",
            "stdout": "1..3\nok 1 - a\nnot ok 2 - b\nok 3 # SKIP c\n",
        }
        self.assertEqual(counted(suite_counts.meson_test_counts(record)), (1, 1, ["c"]))

    def test_meson_crash_after_ok(self):
        record = {"name": "vec", "result": "FAIL", "stdout": "1..2\nok 1 - a\n"}
        self.assertEqual(counted(suite_counts.meson_test_counts(record)), (1, 1, []))

    def test_meson_timeout_without_output(self):
        self.assertEqual(
            counted(suite_counts.meson_test_counts({"name": "vec", "result": "TIMEOUT"})),
            (0, 1, []),
        )

    def test_meson_log_of_an_earlier_run_does_not_count(self):
        with tempfile.TemporaryDirectory() as build:
            os.mkdir(os.path.join(build, "meson-logs"))
            log = os.path.join(build, "meson-logs", "testlog.json")
            with open(log, "w", encoding="utf-8") as f:
                f.write('{"name": "vec", "result": "OK", "stdout": ""}\n')
            self.assertEqual(counted(suite_counts.meson_counts(build, time.time())), (1, 0, []))
            with self.assertRaises(suite_counts.NoCount):
                suite_counts.meson_counts(build, time.time() + 10)


class Runs(unittest.TestCase):
    def run_suites(self, *suites):
        """(exit status, output) of the runner over suites given as (name, command, more lines)."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "suites.ini")
            with open(path, "w", encoding="utf-8") as f:
                for name, command, more in suites:
                    f.write(
                        "[%s]\ncommand = %s\ncounts = line\nwhen = quick\n%s\n"
                        % (name, command, more)
                    )
                    if "timeout_s" not in more:
                        f.write("timeout_s = 20\n")
            run = subprocess.run(
                [
                    sys.executable,
                    os.path.join(HERE, "run_all.py"),
                    "--suites",
                    path,
                    "--build",
                    os.path.join(folder, "build"),
                ],
                capture_output=True,
                text=True,
                timeout=60,
            )
        return run.returncode, run.stdout

    def expect(self, status, last_line, *suites):
        got_status, out = self.run_suites(*suites)
        self.assertEqual((got_status, out.splitlines()[-1]), (status, last_line), out)
        return out

    def test_adds_up(self):
        self.expect(
            0,
            "7 passed, 0 failed, 0 skipped",
            ("a", "echo 3 passed, 0 failed", ""),
            ("b", "echo 4 passed, 0 failed", ""),
        )

    def test_failure_goes_on_to_the_next(self):
        self.expect(
            1,
            "5 passed, 2 failed, 0 skipped",
            ("a", "echo 1 passed, 2 failed; exit 1", ""),
            ("b", "echo 4 passed, 0 failed", ""),
        )

    def test_failed_status_with_good_counts(self):
        self.expect(
            1, "3 passed, 1 failed, 0 skipped", ("a", "echo 3 passed, 0 failed; exit 1", "")
        )

    def test_no_count(self):
        self.expect(1, "0 passed, 1 failed, 0 skipped", ("a", "echo all is well", ""))

    def test_no_test(self):
        self.expect(1, "0 passed, 1 failed, 0 skipped", ("a", "echo 0 passed, 0 failed", ""))

    def test_time_is_up_for_the_whole_family(self):
        started = time.monotonic()
        self.expect(1, "0 passed, 1 failed, 0 skipped", ("a", "sleep 50 | cat", "timeout_s = 1"))
        self.assertLess(time.monotonic() - started, 15)

    def test_skips_are_named(self):
        out = self.expect(
            0,
            "1 passed, 0 failed, 2 skipped",
            ("a", "echo 1 passed, 0 failed", ""),
            ("b", "true", "path = no/such/file"),
            ("c", "true", "needs = no-such-tool"),
        )
        self.assertIn("skipped  b: no/such/file is not in this tree", out)
        self.assertIn("skipped  c: not installed: no-such-tool", out)


class Lines(unittest.TextTestResult):
    """Counts passed tests, which unittest does not."""

    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


if __name__ == "__main__":
    tests = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(resultclass=Lines, stream=sys.stdout, verbosity=1).run(tests)
    failed = len(result.failures) + len(result.errors)
    print("%d passed, %d failed" % (result.passed, failed))
    sys.exit(1 if failed else 0)
