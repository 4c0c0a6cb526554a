# SPDX-License-Identifier: Apache-2.0
"""Exports of the sample models, read by readers of their own: test_exports.py DUMP ROOT."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

from json_schema import breaches

DUMP, ROOT = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
SAMPLES = ("server", "hostile", "empty")
FIGURES = {"allocations": "allocations", "allocated_bytes": "allocated_bytes", "frees": "frees",
           "peak_blocks": "peak_blocks", "peak_bytes": "peak_bytes", "leaked_bytes": "leaked_bytes",
           "end_live_bytes": "end_live_bytes", "temporary": "temporary"}


def export(sample, form, *more):
    """The bytes of one export."""
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "out")
        done = subprocess.run([DUMP, sample, form, name, *more], capture_output=True, text=True)
        if done.returncode == 77:
            raise unittest.SkipTest("this build has no %s" % form)
        if done.returncode:
            raise AssertionError(done.stderr)
        with open(name, "rb") as file:
            return file.read()


class Json(unittest.TestCase):
    def test_every_sample_holds_to_the_schema(self):
        with open(os.path.join(ROOT, "docs", "memscope.schema.json")) as file:
            schema = json.load(file)
        for sample in SAMPLES:
            value = json.loads(export(sample, "json").decode("utf-8"))
            self.assertEqual(breaches(value, schema), [], sample)

    def test_the_schema_refuses(self):
        with open(os.path.join(ROOT, "docs", "memscope.schema.json")) as file:
            schema = json.load(file)
        value = json.loads(export("server", "json"))
        for change in ({"strategy_used": "Async"}, {"session_id": "12"}, {"total_allocations": -1},
                       {"peak_memory_mb": "8.5"}, {"more": 1}, {"duration_ms": 1.5}):
            self.assertNotEqual(breaches({**value, **change}, schema), [], change)
        del value["loss"]
        self.assertNotEqual(breaches(value, schema), [])

    def test_the_guides_six_fields_come_first(self):
        pairs = json.loads(export("server", "json"), object_pairs_hook=list)
        self.assertEqual([key for key, _ in pairs[:6]],
                         ["session_id", "duration_ms", "strategy_used", "total_allocations",
                          "peak_memory_mb", "data_size_bytes"])
        value = dict(pairs)
        self.assertEqual(value["session_id"], "session_1700000000123")
        self.assertEqual(value["duration_ms"], 10000)
        self.assertEqual(value["strategy_used"], "AsyncOptimized")
        # by the story: 1 table + 1 000 audits + 400 bursts + 3 churned in each of 10 000 ms
        self.assertEqual(value["total_allocations"], 31401)
        # the table, 400 audits, 400 bursts, one churned block
        self.assertEqual(value["peak_memory_mb"],
                         ((20 << 20) + 400 * 1000 + 400 * (100 << 10) + 90000) / 1e6)
        self.assertEqual(value["data_size_bytes"], 2048)

    def test_sites_and_their_rest_are_the_totals(self):
        for sample in SAMPLES:
            value = json.loads(export(sample, "json"))
            for figure, total in FIGURES.items():
                of_sites = sum(site[figure] for site in value["sites"])
                self.assertEqual(of_sites + value["sites_rest"][figure], value["totals"][total],
                                 (sample, figure))

    def test_the_timeline_adds_up(self):
        value = json.loads(export("server", "json"))
        line = value["timeline"]
        self.assertEqual(sum(line["allocations"]), value["totals"]["allocations"])
        self.assertEqual(sum(line["freed_bytes"]), value["totals"]["freed_bytes"])
        self.assertEqual(max(line["high_bytes"]), value["totals"]["peak_bytes"])
        self.assertEqual(line["start_ns"], sorted(set(line["start_ns"])))

    def test_recursion_is_counted_once(self):
        value = json.loads(export("server", "json"))
        serve = [f for f in value["functions"] if f["frame"]["function"] == "serve"]
        self.assertEqual(len(serve), 1)
        self.assertEqual(serve[0]["total"]["allocations"], 31400)
        self.assertEqual(serve[0]["self"]["allocations"], 0)

    def test_the_leak_is_named_after_the_users_function(self):
        value = json.loads(export("server", "json"))
        growing = [leak for leak in value["leaks"] if leak["class"] == "growing"]
        self.assertEqual([leak["function"] for leak in growing], ["orders::audit::push"])
        self.assertAlmostEqual(growing[0]["slope_bytes_per_s"], 100000, delta=5000)

    def test_hostile_bytes_are_escaped(self):
        raw = export("hostile", "json")
        raw.decode("utf-8")
        self.assertFalse(any(byte < 32 and byte != 10 for byte in raw))
        self.assertNotIn(b"\x7f", raw)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
