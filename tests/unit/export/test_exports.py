# SPDX-License-Identifier: Apache-2.0
"""Exports of the sample models, read by readers of their own: test_exports.py DUMP ROOT."""

import base64
import gzip
import html
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

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


def leb128(data, at):
    """(value, offset behind it)"""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def decoded(data, codec, n):
    """The values of one column, by the page's contract."""
    if codec == "s":
        parts = data.decode("utf-8").split("\n") if n else []
        return [re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], part) for part in parts]
    if codec == "f":
        return [0.0] * (len(data) // 8)
    values, at, last = [], 0, 0
    while at < len(data):
        value, at = leb128(data, at)
        if codec == "d":
            last += (value >> 1) ^ -(value & 1)
            value = last
        values.append(value)
    return values


class Page:
    """A report page, taken apart."""

    def __init__(self, raw):
        self.text = raw.decode("utf-8")
        self.manifest = json.loads(self.element("ms-manifest"))
        self.timeline = json.loads(self.element("ms-timeline"))
        self.columns = {}
        for section in self.manifest["sections"]:
            data = gzip.decompress(base64.b64decode(self.element(section["el"]), validate=True))
            at = 0
            for column in section["cols"]:
                part = data[at:at + column["bytes"]]
                at += column["bytes"]
                values = decoded(part, column["codec"], column["n"])
                if len(values) != column["n"]:
                    raise AssertionError("%s: %d values" % (column["name"], len(values)))
                self.columns[column["name"]] = values
            if at != len(data):
                raise AssertionError("%s: %d of %d bytes" % (section["el"], at, len(data)))

    def element(self, name):
        return re.search(r'<script[^>]*id="?%s"?[^>]*>([^<]*)</script>' % name, self.text)[1]


class Html(unittest.TestCase):
    def test_sums_are_the_totals(self):
        for sample in SAMPLES:
            page = Page(export(sample, "html"))
            columns, totals = page.columns, page.manifest["totals"]
            self.assertEqual(sum(columns["row_n"]), totals["alloc_n"])
            self.assertEqual(sum(columns["row_bytes"]), totals["alloc_bytes"])
            self.assertEqual(sum(columns["cell_peak_bytes"]), totals["peak_live_bytes"])
            self.assertEqual(sum(columns["site_cells"]), len(columns["cell_ctx"]))
            self.assertEqual(sum(columns["cell_rows"]), len(columns["row_n"]))
            self.assertEqual(sum(columns["size_hist_n"]), totals["alloc_n"])
            self.assertEqual(sum(columns["life_hist_n"]), totals["free_n"])
            self.assertEqual(sum(columns["leak_bytes"]), totals["leak_bytes"])

    def test_the_timeline_holds_its_identities(self):
        for sample in SAMPLES:
            page = Page(export(sample, "html"))
            line, totals = page.timeline, page.manifest["totals"]
            edges = line["edge_ns"]
            self.assertEqual(edges, sorted(set(edges)))
            self.assertEqual(edges[0], 0)
            for key in ("live_bytes", "hwm_bytes", "alloc_n", "kept_bytes", "rss_bytes"):
                self.assertEqual(len(line[key]), len(edges) - 1, key)
            self.assertEqual(line["live_bytes"][-1], totals["end_live_bytes"])
            self.assertEqual(max(line["hwm_bytes"]), totals["peak_live_bytes"])
            live = 0
            for i, now in enumerate(line["live_n"]):
                live += line["alloc_n"][i] - line["free_n"][i]
                self.assertEqual(now, live)

    def test_merged_slices_change_no_sum(self):
        fine, coarse = (Page(export("server", "html", "0", rows)) for rows in ("0", "1500"))
        self.assertLess(len(coarse.columns["row_n"]), len(fine.columns["row_n"]))
        self.assertLessEqual(len(coarse.timeline["edge_ns"]), len(fine.timeline["edge_ns"]) // 2 + 2)
        for key in ("row_n", "row_bytes", "cell_peak_bytes", "size_time_n", "life_time_n"):
            self.assertEqual(sum(coarse.columns[key]), sum(fine.columns[key]), key)
        for key in ("alloc_n", "free_bytes", "kept_bytes"):
            self.assertEqual(sum(coarse.timeline[key]), sum(fine.timeline[key]), key)
        self.assertEqual(coarse.timeline["live_bytes"][-1], fine.timeline["live_bytes"][-1])
        self.assertEqual(max(coarse.timeline["hwm_bytes"]), max(fine.timeline["hwm_bytes"]))
        self.assertTrue(set(coarse.timeline["edge_ns"]) <= set(fine.timeline["edge_ns"]))
        slices = len(coarse.timeline["edge_ns"]) - 1
        self.assertTrue(all(0 <= a < slices and 0 < a + life + 1 <= slices + 1 for a, life in
                            zip(coarse.columns["row_a"], coarse.columns["row_life"])))
        self.assertTrue(all(slice < slices for slice in coarse.columns["heat_slice"]))

    def test_the_tree_is_in_preorder_and_named(self):
        page = Page(export("server", "html"))
        columns = page.columns
        parents = [i - up for i, up in enumerate(columns["node_parent"])]
        open_path = []
        for node in range(1, len(parents)):
            while open_path and open_path[-1] != parents[node]:
                open_path.pop()
            self.assertTrue(open_path or parents[node] == 0)
            open_path.append(node)
        names = set()
        for node in columns["site_node"]:
            path = []
            while node:
                frame = columns["node_frame"][node]
                path.append(columns["str"][columns["func_short"][columns["frame_func"][frame]]])
                node = parents[node]
            names.add(";".join(reversed(path)))
        self.assertEqual(names, {
            "main;cache::load;alloc::raw_vec::RawVec::reserve;malloc", "main;serve;fmt::format;malloc",
            "main;serve;serve;serde_json::de::from_slice;malloc",
            "main;serve;orders::audit::push;operator new"})
        self.assertEqual(columns["site_node"], sorted(set(columns["site_node"])))

    def test_what_recording_decided_is_told(self):
        manifest = Page(export("adapted", "html")).manifest
        self.assertEqual(manifest["performance"], {"events_per_s": 12.5, "hook_ns_p50": 42})
        self.assertEqual(
            [(change["at_ns"], change["what"], change["why"])
             for change in manifest["capture"]["changes"]],
            [(2000000, "rate", "1 in 7 small blocks: <cost>"),
             (4000000, "budget", "shared memory has its full size")])
        self.assertEqual(manifest["capture"]["evidence"], [
            {"fact": "it defines Tokio's <tables>", "value": "0.90", "points_to": "tasks"},
            {"fact": "it calls clone3", "value": "0.86", "points_to": "threads"}])
        self.assertEqual(manifest["capture"]["sample_kind"], "by-size")
        self.assertIn("effective_rate_bytes", manifest["sampling"])
        self.assertEqual(manifest["sampling"], json.loads(export("adapted", "json"))["sampling"])
        exact = Page(export("server", "html")).manifest
        self.assertFalse({"sampling", "performance", "mapped"} & set(exact))
        self.assertEqual(exact["capture"]["changes"], [])
        self.assertNotIn("evidence", exact["capture"])
        self.assertEqual(exact["capture"]["sample_kind"], "exact")

    def test_the_peak_is_split_as_the_story_tells(self):
        page = Page(export("server", "html"))
        self.assertEqual(sorted(page.columns["cell_peak_bytes"]),
                         sorted([20 << 20, 400 * (100 << 10), 400 * 1000, 90000]))

    def test_hostile_names_do_not_become_markup(self):
        harmless, hostile = export("server", "html"), export("hostile", "html")
        for tag in (b"<script", b"</script", b"<img", b"</title", b"<!--", b"onerror=alert(1)>"):
            self.assertEqual(hostile.lower().count(tag), harmless.lower().count(tag), tag)
        text = hostile.decode("utf-8")
        shown = html.unescape(re.search(r"<noscript>(.*?)</noscript>", text, re.S)[1])
        self.assertNotRegex(shown.replace("\n", ""), "[\x00-\x1f\x7f]")



class Comparison(unittest.TestCase):
    MEASURES = {"peak": "peak_bytes", "leak": "leaked_bytes", "alloc": "allocated_bytes"}

    @staticmethod
    def rows_of(section):
        """Name, before, after and signed change of each row, in exact bytes."""
        rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', section, re.S)
        found = []
        for name, cells in rows:
            figures = re.findall(r'title="([+\u2212]?)(\d+)"', cells)
            values = [int(n) * (-1 if sign == "\u2212" else 1) for sign, n in figures]
            found.append((html.unescape(name), *values))
        return found

    def test_the_page_says_what_the_json_says(self):
        for pair in ("server:hostile", "hostile:server", "empty:server", "server:empty"):
            told = json.loads(export(pair, "json"))
            page = export(pair, "html").decode("utf-8")
            totals = {name: rest for name, *rest in self.rows_of(page.split("<section")[0])}
            for name, key in (("peak live", "peak_bytes"), ("allocated", "allocated_bytes"), ("allocations", "allocations"),
                              ("never freed", "leaked_bytes"), ("blocks never freed", "leaked_blocks"), ("peak RSS", "peak_rss_bytes")):
                was, now = told["before"][key], told["after"][key]
                self.assertEqual(totals[name], [was, now, now - was], name)
            for about, key in self.MEASURES.items():
                section = re.search(r'<section id="%s">(.*?)</section>' % about, page, re.S)
                seen = sorted(row[1:] for row in self.rows_of(section[1])) if section else []
                wanted = [(f["before"][key], f["after"][key]) for f in told["functions"]]
                self.assertEqual(seen, sorted((was, now, now - was) for was, now in wanted if was != now), about)

    def test_equal_runs_have_nothing_to_tell(self):
        page = export("server:server", "html").decode("utf-8")
        self.assertEqual(page.count("Nothing changed"), 3)
        self.assertNotIn("<section", page)

    def test_hostile_names_do_not_become_markup(self):
        page = export("server:hostile", "html")
        for tag in (b"<script", b"<img", b"<!--", b"onerror=alert(1)>"):
            self.assertNotIn(tag, page.lower())
        body = page.split(b"<main>")[1].split(b"</main>")[0]
        xml.etree.ElementTree.fromstring(b"<main>" + body + b"</main>")


class Svg(unittest.TestCase):
    PANELS = ("0", "1", "2", "3")

    def test_it_is_xml_within_its_budget(self):
        for sample in SAMPLES:
            for panel in self.PANELS:
                raw = export(sample, "svg", panel)
                root = xml.etree.ElementTree.fromstring(raw)
                elements = list(root.iter())
                self.assertLess(len(raw), 300000)
                self.assertLess(len(elements), 2500)
                names = {element.tag.split("}")[1] for element in elements}
                self.assertLessEqual(names, {"svg", "title", "desc", "style", "rect", "text", "line",
                                             "path", "circle"})
                for element in elements:
                    for key, value in element.attrib.items():
                        self.assertNotRegex(key, "^on|href")
                        self.assertNotIn("nan", value)
                self.assertEqual(root.find("{http://www.w3.org/2000/svg}style").text.count("http"), 0)

    def test_marks_lie_inside_of_the_picture(self):
        for panel, height in (("0", 1480), ("1", 900), ("2", 900), ("3", 900)):
            root = xml.etree.ElementTree.fromstring(export("server", "svg", panel))
            self.assertEqual(root.attrib["viewBox"], "0 0 1600 %d" % height)
            for rect in root.iter("{http://www.w3.org/2000/svg}rect"):
                x, y, w, h = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
                self.assertTrue(0 <= x and x + w <= 1600.1 and 0 <= y and y + h <= height + 0.1,
                                rect.attrib)

    def test_it_says_the_figures(self):
        root = xml.etree.ElementTree.fromstring(export("server", "svg"))
        text = " ".join(root.itertext())
        for part in ("order-server --port 8080", "peak 59.5 MiB", "31 401 blocks",
                     "serde_json::de::from_slice", "grows steadily"):
            self.assertIn(part, text)


class Folded(unittest.TestCase):
    def lines(self, sample):
        lines = export(sample, "folded").decode("utf-8").splitlines()
        return [(line.rsplit(" ", 1)[0].split(";"), int(line.rsplit(" ", 1)[1])) for line in lines]

    def test_values_are_the_peak(self):
        for sample in SAMPLES:
            total = json.loads(export(sample, "json"))["totals"]["peak_bytes"]
            self.assertEqual(sum(value for _, value in self.lines(sample)), total)

    def test_stacks_begin_at_the_root(self):
        stacks = {tuple(stack): value for stack, value in self.lines("server")}
        self.assertEqual(stacks[("main", "serve", "serve", "serde_json::de::from_slice", "malloc")],
                         400 * (100 << 10))

    def test_hostile_names_keep_the_lines_apart(self):
        self.assertEqual(len(self.lines("hostile")), 2)
        self.assertNotRegex(export("hostile", "folded").decode("utf-8").replace("\n", ""),
                            "[\x00-\x1f\x7f]")


class Speedscope(unittest.TestCase):
    def test_profiles_are_whole(self):
        for sample in SAMPLES:
            value = json.loads(export(sample, "speedscope"))
            totals = json.loads(export(sample, "json"))["totals"]
            sums = [profile["endValue"] for profile in value["profiles"]]
            self.assertEqual(sums, [totals["peak_bytes"], totals["leaked_bytes"],
                                    totals["allocated_bytes"], totals["allocations"]])
            frames = len(value["shared"]["frames"])
            for profile in value["profiles"]:
                self.assertEqual(len(profile["samples"]), len(profile["weights"]))
                self.assertEqual(sum(profile["weights"]), profile["endValue"])
                self.assertTrue(all(0 <= frame < frames for stack in profile["samples"]
                                    for frame in stack))


def fields(data):
    """(number, value) of a protobuf message: whole numbers and bytes."""
    at = 0
    while at < len(data):
        key, at = leb128(data, at)
        value, at = leb128(data, at)
        if key & 7 == 2:
            value, at = data[at:at + value], at + value
        elif key & 7:
            raise AssertionError("wire type %d" % (key & 7))
        yield key >> 3, value


class Pprof(unittest.TestCase):
    def test_samples_are_the_totals(self):
        for sample in SAMPLES:
            parts = list(fields(gzip.decompress(export(sample, "pprof"))))
            strings = [value.decode("utf-8") for number, value in parts if number == 6]
            self.assertEqual(strings[0], "")
            types = [strings[dict(fields(value))[1]] for number, value in parts if number == 1]
            self.assertEqual(types, ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space",
                                     "peak_objects", "peak_space"])
            sums = [0] * 6
            locations = {dict(fields(value))[1] for number, value in parts if number == 4}
            for number, value in parts:
                if number != 2:
                    continue
                message = dict(fields(value))
                self.assertLessEqual(set(decoded(message.get(1, b""), "u", 0)), locations)
                sums = [a + b for a, b in zip(sums, decoded(message[2], "u", 6))]
            totals = json.loads(export(sample, "json"))["totals"]
            self.assertEqual(sums, [totals["allocations"], totals["allocated_bytes"],
                                    totals["end_live_blocks"], totals["end_live_bytes"],
                                    totals["peak_blocks"], totals["peak_bytes"]])

    def test_names_are_there(self):
        parts = list(fields(gzip.decompress(export("server", "pprof"))))
        strings = [value.decode("utf-8") for number, value in parts if number == 6]
        names = {strings[dict(fields(value))[2]] for number, value in parts if number == 5}
        self.assertLessEqual({"main", "serve", "orders::audit::push"}, names)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
