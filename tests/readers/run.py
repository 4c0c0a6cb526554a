#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our exports in the tools that people open them with: do they read them, and show our totals?

usage: tests/readers/run.py --memscope FILE [--cache DIR] [WORD...]

`go tool pprof` reads pprof, inferno (built by cargo) the folded stacks, speedscope (its release from
npm, in Chromium) its own format. What is not installed, or cannot be fetched, is skipped by name.
Ends with `N passed, N failed, N skipped`.
"""
import argparse
import collections
import html
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))
import verdicts  # noqa: E402  (found by the line above)

SPEEDSCOPE, INFERNO = "1.25.0", "0.12.4"
TOOL_S = 900
PROGRAM = """
import json
def keep(n): return [str(i) * 40 for i in range(n)]
def churn(n): return sum(len(json.dumps({"a": [i] * 50})) for i in range(n))
held = keep(20000)
churn(3000)
"""


class Skip(Exception):
    """What is missing."""


def run(*words, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True,
                          errors="replace", timeout=TOOL_S, check=False, **more)
    if done.returncode:
        raise AssertionError(f"{words[0]}: status {done.returncode}: {done.stderr[-600:]}")
    return done.stdout


class Exports:
    """One run of a program in every format."""

    def __init__(self, memscope, folder):
        self.folder = folder
        names = {"json": "out.json", "pprof": "out.pb.gz", "folded": "out.folded",
                 "speedscope": "out.speedscope.json"}
        options = []
        for form, name in names.items():
            options += ["-e", form, "-o", folder / name]
        env = {**os.environ, "PYTHONMALLOC": "malloc"}
        run(memscope, "run", "-q", "--no-recording", *options, "--", sys.executable, "-c", PROGRAM,
            env=env, cwd=folder)
        self.path = {form: folder / name for form, name in names.items()}
        self.json = json.loads(self.path["json"].read_text())

    def total(self, what):
        return self.json["totals"][what]


def go_reads_pprof(exports, _cache):
    """Each sample type's total; and the functions that it names are ours."""
    if not shutil.which("go"):
        raise Skip("go is not installed")
    totals = {"alloc_objects": "allocations", "alloc_space": "allocated_bytes",
              "peak_objects": "peak_blocks", "peak_space": "peak_bytes",
              "inuse_objects": "end_live_blocks", "inuse_space": "end_live_bytes"}
    for kind, figure in totals.items():
        unit = "B" if kind.endswith("space") else "count"
        out = run("go", "tool", "pprof", "-top", f"-sample_index={kind}", f"-unit={unit}",
                  "-nodefraction=0", "-nodecount=100000", exports.path["pprof"],
                  env={**os.environ, "PPROF_TMPDIR": str(exports.folder)})
        found = re.search(r"of ([\d.]+)\w* total", out)
        assert found and int(float(found[1])) == exports.total(figure), (kind, out[:400])
        rows = out[out.index("flat%"):].splitlines()[1:]
        flat = sum(int(float(re.match(r"\s*([\d.]+)", row)[1])) for row in rows)
        assert flat == exports.total(figure), (kind, flat, exports.total(figure))
    assert "PyUnicode" in out, out[:600]


def folded_sum(exports):
    return sum(int(line.rsplit(" ", 1)[1])
               for line in exports.path["folded"].read_text().splitlines())


def folded_is_the_total(exports, _cache):
    figures = {exports.total(name) for name in ("allocated_bytes", "peak_bytes", "end_live_bytes")}
    assert folded_sum(exports) in figures, (folded_sum(exports), figures)


def inferno_reads_folded(exports, cache):
    if not shutil.which("cargo"):
        raise Skip("cargo is not installed")
    tool = cache / f"inferno-{INFERNO}" / "bin" / "inferno-flamegraph"
    if not tool.exists():
        try:
            run("cargo", "install", "-q", "inferno", "--version", INFERNO, "--locked", "--root",
                tool.parents[1], "--no-default-features", "--features", "cli", "--bin",
                "inferno-flamegraph", "-j", "2")
        except AssertionError as why:
            raise Skip(f"inferno could not be built: {str(why)[-200:]}") from None
    svg = run(tool, "--countname", "bytes", exports.path["folded"])
    titles = [html.unescape(text) for text in re.findall(r"<title>([^<]*)</title>", svg)]
    whole = re.compile(r"^all \(([\d,]+) bytes, 100%\)$")
    found = [int(whole[1].replace(",", "")) for whole in map(whole.match, titles) if whole]
    assert found == [folded_sum(exports)], (found, folded_sum(exports))
    assert any("Py" in title for title in titles)


OPEN_IN_SPEEDSCOPE = r"""
import { createRequire } from 'node:module'
import { readFileSync, writeFileSync } from 'node:fs'
const [root, release, profile, script] = process.argv.slice(2)
const { chromium } = createRequire(root + '/web/package.json')('playwright-core')
const source = readFileSync(profile).toString('base64')
writeFileSync(script, `speedscope.loadFileFromBase64("out.json", ${JSON.stringify(source)})`)
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] })
const page = await browser.newPage()
const errors = []
page.on('pageerror', error => errors.push(String(error)))
page.on('dialog', dialog => { errors.push(dialog.message()); dialog.dismiss() })
await page.goto(`file://${release}/index.html#localProfilePath=${script}`)
await page.waitForFunction(() => document.body.innerText.includes('Sandwich'), null, { timeout: 60000 })
await page.getByText('Sandwich', { exact: false }).first().click()
await page.waitForFunction(() => document.querySelectorAll('table tr').length > 3, null, { timeout: 60000 })
const rows = await page.evaluate(() => [...document.querySelectorAll('table tr')].map(row =>
    [...row.querySelectorAll('td')].map(cell => cell.innerText)))
console.log(JSON.stringify({ title: await page.title(), text: await page.evaluate(() => document.body.innerText), rows, errors }))
await browser.close()
"""


def scaled(text):
    """A number of bytes as speedscope writes it, and half of its last digit."""
    found = re.match(r"([\d.]+)\s?([KMG]?)B", text)
    if not found:
        return None
    unit = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[found[2]]
    digits = len(found[1].partition(".")[2])
    return float(found[1]) * unit, 0.51 * unit / 10 ** digits


def speedscope_opens_it(exports, cache):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium or not shutil.which("npm"):
        raise Skip("chromium or npm is not installed")
    if not (ROOT / "web" / "node_modules" / "playwright-core").is_dir():
        raise Skip("web/node_modules has no playwright-core")
    folder = cache / f"speedscope-{SPEEDSCOPE}"
    release = folder / "package" / "dist" / "release"
    if not release.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            name = run("npm", "pack", "--silent", f"speedscope@{SPEEDSCOPE}", cwd=folder).strip()
        except AssertionError as why:
            raise Skip(f"speedscope could not be fetched: {str(why)[-200:]}") from None
        run("tar", "xzf", name.splitlines()[-1], cwd=folder)
    script = exports.folder / "open.mjs"
    script.write_text(OPEN_IN_SPEEDSCOPE)
    seen = json.loads(run("node", script, ROOT, release, exports.path["speedscope"],
                          exports.folder / "profile.js", env={**os.environ, "CHROMIUM": chromium}))
    assert not seen["errors"], seen["errors"]
    # The list of profiles with their totals, and the function that has most itself.
    profile = json.loads(exports.path["speedscope"].read_text())
    totals = {row[1]: row[2] for row in seen["rows"] if len(row) == 3 and row[0].isdigit()}
    assert len(totals) == len(profile["profiles"]), (totals, seen["rows"][:5])
    for each in profile["profiles"]:
        if each["unit"] != "bytes":
            continue
        shown, half = scaled(totals[each["name"]])
        assert abs(shown - sum(each["weights"])) <= half, (each["name"], totals)
    shown, half = scaled(totals["Held at the peak"])
    assert abs(shown - exports.total("peak_bytes")) <= half, totals
    first = profile["profiles"][profile.get("activeProfileIndex", 0)]
    own = collections.Counter()
    for stack, weight in zip(first["samples"], first["weights"]):
        own[profile["shared"]["frames"][stack[-1]]["name"]] += weight
    most, weight = own.most_common(1)[0]
    figures = [scaled(cell) for row in seen["rows"] if most in row for cell in row]
    assert any(f and abs(f[0] - weight) <= f[1] for f in figures), (most, weight, figures)


CASES = (folded_is_the_total, go_reads_pprof, inferno_reads_folded, speedscope_opens_it)


def run_case(case, exports, cache):
    """What is missing for it, or None: it holds."""
    try:
        return case(exports, cache)
    except Skip as missing:
        return str(missing)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memscope", type=pathlib.Path,
                        default=ROOT / "build" / "src" / "cli" / "memscope")
    parser.add_argument("--cache", type=pathlib.Path, default=None)
    parser.add_argument("words", nargs="*")
    arguments = parser.parse_args()
    memscope = arguments.memscope.resolve()
    cache = (arguments.cache or memscope.parents[2] / "readers-cache").resolve()
    with tempfile.TemporaryDirectory(prefix="memscope-readers-") as folder:
        exports = Exports(memscope, pathlib.Path(folder))
        wanted = [case for case in CASES
                  if not arguments.words or any(word in case.__name__ for word in arguments.words)]
        counts = verdicts.tell((case.__name__, *verdicts.judge(run_case, case, exports, cache))
                               for case in wanted)
    return counts["FAIL"] != 0


if __name__ == "__main__":
    sys.exit(main())
